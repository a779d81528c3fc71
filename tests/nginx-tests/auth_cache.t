# Verified tokens are found again, by every worker, and no longer than they
# are good: after a reload that tightens anything they are verified anew.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);

my %issuer = (
    issuer   => 'https://idp.example.com/',
    audience => 'orders billing',
    jwks     => 'jwks.json',
);

sub configure {
    my (%more) = @_;

    my %i = (%issuer, %more);
    my $lines = join "\n", map { "$_ $i{$_};" }
                grep { defined $i{$_} } sort keys %i;

    $t->http_conf(<<"EOC");
    weir_zone 8m;

    weir_issuer corp {
        $lines
    }

    server {
        listen 127.0.0.1:%%PORT_gw%%;

        location = /metrics {
            weir_metrics;
        }
        location / {
            weir_auth corp;
            weir_policy off;
            add_header X-Pid \$pid;
            add_header X-Sub \$weir_subject;
            root %%TESTDIR%%;
        }
    }
EOC
}

$t->file('file', 'x');
$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'a'), $k->jwk('ES256', 'b'),
                               $k->jwk('EdDSA', 'e')));

configure();
$t->run;

my $gw = $t->port('gw');

sub mint {
    my (%o) = @_;
    $o{claims} = { iss => 'https://idp.example.com/', aud => 'orders',
                   sub => 'alice', %{ $o{claims} || {} } };
    return $k->mint(key => 'a', %o);
}

sub get {
    my ($token) = @_;
    return http_get($gw, '/file', headers => ['Authorization',
                                           "Bearer $token"]);
}

sub cache {
    my $text = http_get($gw, '/metrics')->body;
    my %n;
    $n{$1} = $2 while $text =~
        /^weir_token_cache_total\{result="(\w+)"\} (\d+)$/mg;
    return \%n;
}

sub auth {
    my $text = http_get($gw, '/metrics')->body;
    my %n;
    $n{"$1$2"} = $3 while $text =~ /^weir_auth_total\{way="corp",
        result="(\w+)",reason="([^"]*)"\}[ ](\d+)$/mgx;
    return \%n;
}

# one verification for all workers

my $token = mint();
my %seen;

for (1 .. 200) {
    my $r = get($token);
    is($r->status, 200, 'good') if $r->status != 200;
    is($r->header('X-Sub'), 'alice', 'subject')
        if $r->header('X-Sub') ne 'alice';
    $seen{ $r->header('X-Pid') }++;
    last if $_ > 20 && keys %seen == 2;
}

is(keys %seen, 2, 'both workers answered');

my $n = cache();
is($n->{miss}, 1, 'verified once');
cmp_ok($n->{hit}, '>=', 20, 'found again');
is($n->{evicted}, 0, 'none displaced');

my $a = auth();
is($a->{accepted}, $n->{hit} + $n->{miss}, 'accepted');

# what is like it is not it

my $tail = substr $token, 10;
is(get('eyJhbGciOi' . $tail)->status, 200, 'the same') if
    substr($token, 0, 10) eq 'eyJhbGciOi';
is(get("A$token")->status, 401, 'a letter before');
is(get(substr $token, 1)->status, 401, 'a letter less');
is(get("${token}A")->status, 401, 'a letter behind');

my ($h, $p, $s) = split /\./, $token;
my (undef, $other) = split /\./, mint(claims => { sub => 'root' });
is(get("$h.$other.$s")->status, 401, "another's claims, this signature");

# a bad one is not kept

is(get("$h.$other.$s")->status, 401, 'again') for 1 .. 3;
$a = auth();
is($a->{rejectedsignature} >= 4, 1, 'counted each time');

# reloads: nothing changed, then each thing

sub misses_after {
    my ($what, $status, $miss, %more) = @_;

    my $before = cache()->{miss};
    configure(%more);
    ok($t->reload, "reload: $what");
    is(get($token)->status, $status, $what);
    is(cache()->{miss} - $before, $miss, "$what: verified anew?");
}

misses_after('nothing changed', 200, 0);
misses_after('leeway', 200, 1, leeway => '10s');
misses_after('other algorithms', 401, 1, algorithms => 'EdDSA');
misses_after('another order of algorithms', 200, 1,
             algorithms => 'EdDSA ES256');
misses_after('another audience', 401, 1, audience => 'billing');
misses_after('one audience less', 200, 1, audience => 'orders');
misses_after('another typ', 401, 1, typ => 'at+jwt');
misses_after('a typ that fits', 200, 1, typ => 'JWT');
misses_after('a max_age that it has', 200, 1, max_age => '1h');
misses_after('a max_age that it has not', 401, 1, max_age => '1m');
misses_after('another issuer', 401, 1, issuer => 'https://idp.example.com');
misses_after('all as it was', 200, 0);

# keys: one more, then without the one that signed

$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'a'), $k->jwk('ES256', 'b')));
misses_after('a key less, not its own', 200, 1);
$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'b')));
misses_after('its key is gone', 401, 1);
$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'b', kid => 'a')));
misses_after('another key of its kid', 401, 1);
$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'a', use => 'enc'),
                               $k->jwk('ES256', 'b')));
misses_after('its key is for encryption now', 401, 1);

# a key set that is bad stops the reload, and what is loaded stays

$t->file('jwks.json', '{"keys":[');
$t->allow(qr/key set .* is refused/);
ok(!$t->reload, 'a broken key set stops the reload');
is(get(mint(key => 'b'))->status, 200, 'the old one serves');

# expiry between two requests is not missed

$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'a')));
configure(leeway => '0s');
ok($t->reload, 'reload');

my $short = mint(claims => { exp => time() + 2 });
is(get($short)->status, 200, 'a short token');
is(get($short)->status, 200, 'again');
ok(wait_for { get($short)->status == 401 } 6, 'expired');
cmp_ok(auth()->{rejectedexpired}, '>=', 1, 'for that reason');

done_testing();
