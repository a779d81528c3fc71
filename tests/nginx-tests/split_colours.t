# Colours: sticky without a cookie, in the shares that are asked for, the same
# on every gateway with the secret, moving only as weights do.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 2);
my $tokens = Weir::Token->new($t);

my %up = map {
    my $colour = $_;
    $colour => Weir::Upstream->new($t, handler => sub {
        return { body => $colour };
    });
} qw(green blue red);

$t->file('secret', 'x' x 32, 0644);
$t->file('other', 'y' x 32, 0644);
$t->file('jwks.json', $tokens->jwks($tokens->jwk('ES256', 'default')));
$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
permit read { who authenticated; what GET /**; }
END


sub conf {
    my (%o) = @_;

    my $secret = $o{secret} || 'secret';
    my $two = $o{two} || 'green 20%; blue *;';
    my $three = $o{three} || 'green 10%; red 10%; blue *;';

    $t->http_conf(<<"END");
    weir_secret %%TESTDIR%%/$secret;
    weir_bundle %%TESTDIR%%/policies;
    weir_issuer corp {
        issuer   https://idp.test/;
        audience orders;
        jwks     file:%%TESTDIR%%/jwks.json;
    }

    weir_split two   key=\$arg_u { $two }
    weir_split three key=\$arg_u { $three }
    weir_split other key=\$arg_u salt=other { green 50%; blue *; }
    weir_split salty key=\$arg_u salt=other { green 50%; blue *; }
    weir_split who   key=\$weir_principal { green 50%; blue *; }
    weir_split near  key=\$binary_remote_addr { green 50%; blue *; }
    weir_split empty key=\$arg_nothing { green 50%; blue *; }
    weir_split all   key=\$arg_u { green 100%; blue *; }
    weir_split dash-ed key=\$arg_u { green 0%; blue *; }
    weir_split forced key=\$arg_u header=X-Colour cookie=colour {
        green 0%;
        blue *;
    }

    upstream s-green { server @{[ $up{green}->address ]}; keepalive 8; }
    upstream s-blue  { server @{[ $up{blue}->address ]}; keepalive 8; }
    upstream s-red   { server @{[ $up{red}->address ]}; keepalive 8; }

    log_format split '\$request_uri "\$weir_split_two"';
    access_log %%TESTDIR%%/access.log split;

    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    keepalive_requests 1000000;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%TESTDIR%%/root;

        proxy_http_version 1.1;
        proxy_set_header Connection "";

        location /two   { proxy_pass http://s-\$weir_split_two; }
        location /three { proxy_pass http://s-\$weir_split_three; }
        location /show {
            try_files /ok =404;
            add_header X-Two \$weir_split_two;
            add_header X-Three \$weir_split_three;
            add_header X-Other \$weir_split_other;
            add_header X-Salty \$weir_split_salty;
            add_header X-All \$weir_split_all;
            add_header X-Dash \$weir_split_dash_ed;
        }
        location /near {
            try_files /ok =404;
            add_header X-Near \$weir_split_near;
            add_header X-Empty \$weir_split_empty;
        }
        location /forced { proxy_pass http://s-\$weir_split_forced; }
        location /early {
            set \$early "<\$weir_split_two>";
            if (\$weir_split_two = green) { return 418; }
            try_files /ok =404;
            add_header X-Early \$early;
            add_header X-Late \$weir_split_two;
        }
        location /named { try_files /nothing \@named; }
        location \@named { proxy_pass http://s-\$weir_split_two; }
        location /retry {
            error_page 502 504 = \@retry;
            add_header X-First \$weir_split_two;
            proxy_pass http://127.0.0.1:1/\$weir_split_two;
        }
        location \@retry { proxy_pass http://s-\$weir_split_two; }
        location /returned { return 200 "<\$weir_split_two>"; }
        location /ssi {
            ssi on;
            default_type text/html;
            try_files /page.html =404;
        }
        location /metrics { weir_metrics; }
        location /api { weir_api; }
    }

    server {
        listen 127.0.0.1:%%PORT_auth%%;
        location /page/ {
            weir_auth corp;
            weir_policy orders;
            error_page 401 = \@page;
            proxy_pass http://s-\$weir_split_who;
        }
        location \@page {
            weir_policy off;
            proxy_pass http://s-\$weir_split_all;
        }
        location / {
            weir_auth corp;
            weir_policy orders;
            weir_identity_header X-Who \$weir_principal;
            add_header X-Colour <\$weir_split_who> always;
            proxy_pass http://s-\$weir_split_who;
        }
    }
END
}


$t->file('root/ok', 'ok');
$t->file('root/page.html',
         '<!--#include virtual="/two" --> <!--#include virtual="/two" -->');
conf();
$t->run;

my $p = $t->port;

sub get { return http_get($p, @_) }


# The colours of units 0 .. n - 1.

sub colours {
    my ($n, $header) = @_;

    my $c = Weir::HTTP->new(port => $p);
    my @colours = map {
        scalar $c->request('GET', "/show?u=$_")->header($header);
    } 0 .. $n - 1;
    $c->close;

    return @colours;
}


sub share {
    my ($colour, @colours) = @_;
    return scalar grep { $_ eq $colour } @colours;
}


my $N = 2000;

# --- shares: the units are the same in each run, and so are the colours

my @two = colours($N, 'X-Two');
my @three = colours($N, 'X-Three');

cmp_ok(abs(share('green', @two) - 400), '<', 3 * sqrt(400 * 0.8),
       'green: 20%');
is(share('green', @two) + share('blue', @two), $N, 'the rest is blue');

cmp_ok(abs(share($_, @three) - 200), '<', 3 * sqrt(200 * 0.9),
       "three: $_ 10%") for qw(green red);

is(share('green', colours(50, 'X-All')), 50, '100% are all');
is(share('blue', colours(50, 'X-Dash')), 50,
   '0% are none; "-" is "_" in the variable');

# --- sticky, over connections, workers and reloads

my @again = map { get("/show?u=$_")->header('X-Two') } 0 .. 99;
is_deeply(\@again, [@two[0 .. 99]], 'sticky');

ok($t->reload, 'a reload');
is_deeply([colours(200, 'X-Two')], [@two[0 .. 199]], 'sticky over a reload');

# --- to the upstream of the colour

is(get("/two?u=$_")->body, $two[$_], "unit $_ goes to $two[$_]") for 0 .. 9;
is(get("/three?u=$_")->body, $three[$_], "unit $_ of three") for 0 .. 9;

# --- splits do not follow one another, but where they share a salt

my @other = colours($N, 'X-Other');

is_deeply([colours(200, 'X-Salty')], [@other[0 .. 199]], 'one salt, one split');

my $both = grep { $two[$_] eq 'green' && $other[$_] eq 'green' } 0 .. $N - 1;
cmp_ok(abs($both - 200), '<', 3 * sqrt(200 * 0.9), 'independent otherwise');

# --- a change of weights moves one way

conf(two => 'green 30%; blue *;', three => 'green 20%; red 10%; blue *;');
ok($t->reload, 'more weight for green');

my @two2 = colours($N, 'X-Two');
my @three2 = colours($N, 'X-Three');

is(scalar(grep { $two[$_] eq 'green' && $two2[$_] ne 'green' } 0 .. $N - 1),
   0, 'two: nobody leaves green');
cmp_ok(share('green', @two2), '>', share('green', @two), 'some come');

my @moved = grep { $three[$_] ne $three2[$_] } 0 .. $N - 1;
is(scalar(grep { $three2[$_] ne 'green' || $three[$_] ne 'blue' } @moved), 0,
   'three: who moves goes from blue to green');
cmp_ok(abs(@moved - 200), '<', 3 * sqrt(200 * 0.9), 'and they are 10%');

conf();
ok($t->reload, 'back');
is_deeply([colours(200, 'X-Two')], [@two[0 .. 199]], 'all have theirs again');

# --- another secret is another choice

conf(secret => 'other');
ok($t->reload, 'another secret');
my @secret = colours($N, 'X-Two');
$both = grep { $two[$_] eq 'green' && $secret[$_] eq 'green' } 0 .. $N - 1;
cmp_ok(abs($both - 80), '<', 3 * sqrt(80 * 0.96), 'another choice');

conf();
ok($t->reload, 'back');

# --- before the decision it is empty, and not kept

my ($green) = grep { $two[$_] eq 'green' } 0 .. $N - 1;
my ($blue) = grep { $two[$_] eq 'blue' } 0 .. $N - 1;

for my $u ($green, $blue) {
    my $r = get("/early?u=$u");
    is($r->status, 200, "$two[$u]: no green in if");
    is($r->header('X-Early'), '<>', 'empty in set');
    is($r->header('X-Late'), $two[$u], 'known later');
}

is(get("/returned?u=$green")->body, '<>', 'empty in return');

# --- the same through redirects and in subrequests

is(get("/named?u=$green")->body, 'green', 'a named location');
is(get("/retry?u=$green")->body, 'green', 'an error page');
is(get("/ssi?u=$green")->body, 'green green', 'includes');

$t->wait_access_log(qr/^\/ssi\?u=$green /m);
like($t->access_log, qr/^\/two\?u=$green "green"$/m, 'in the log');
like($t->access_log, qr/^\/returned\?u=$green ""$/m,
     'not where nobody decided');

# --- keys: addresses by their /64, an empty key is the address

sub near {
    my ($address) = @_;
    my $r = get('/near', headers => ['X-Real-IP' => $address]);
    return ($r->header('X-Near'), $r->header('X-Empty'));
}

my (%near, %empty);

for my $i (1 .. 40) {
    my ($n, $e) = near("2001:db8:0:$i\::1");
    my ($n2, $e2) = near("2001:db8:0:$i:ffff::2");
    ok(0, "one /64, one colour: $i") if $n ne $n2 || $e ne $e2;
    $near{$n}++;
    $empty{$e}++;
}

is(scalar(keys %near), 2, 'other /64s, other colours');
is(scalar(keys %empty), 2, 'with an empty key as well');
is_deeply([near('::ffff:192.0.2.9')], [near('192.0.2.9')], 'mapped is IPv4');

# --- identities

sub who {
    my ($sub) = @_;
    my $r = http_get($t->port('auth'), '/x', headers => [
        Authorization => 'Bearer ' . $tokens->mint(alg => 'ES256', claims => {
            iss => 'https://idp.test/', aud => 'orders', sub => $sub,
        })]);
    return $r->body;
}

my %who = map { $_ => who($_) } map { "user-$_" } 1 .. 20;

is(join(' ', sort { $a cmp $b } keys %{ { reverse %who } }), 'blue green',
   'users have colours');
is_deeply({ map { $_ => who($_) } keys %who }, \%who, 'and keep them');
my $nobody = http_get($t->port('auth'), '/x');
is($nobody->status, 401, 'nobody is refused');
is($nobody->header('X-Colour'), '<>', 'and has none');

is(http_get($t->port('auth'), '/page/x')->body, 'green',
   "where an error page goes it has");

# --- overrides, where they are configured

sub forced { return get('/forced?u=1', headers => [@_])->body }

is(forced(), 'blue', 'nobody is green');
is(forced('X-Colour' => 'green'), 'green', 'but by header');
is(forced(Cookie => 'a=b; colour=green'), 'green', 'or by cookie');
is(forced('X-Colour' => 'blue', Cookie => 'colour=green'), 'blue',
   'the header first');
is(forced('X-Colour' => 'red'), 'blue', 'no colour of the split');
is(forced('X-Colour' => 'red', Cookie => 'colour=green'), 'green',
   'then the cookie');
is(forced('X-Colour' => ''), 'blue', 'an empty one');
is(forced('X-Colour' => 'GREEN'), 'blue', 'another case');
is(forced('X-Colour' => 'green', 'X-Colour' => 'green'), 'blue',
   'twice is not at all');
is(get("/two?u=$blue", headers => ['X-Colour' => 'green',
                                   Cookie => 'colour=green'])->body, 'blue',
   'nowhere else');

# --- statistics

my $m = openmetrics(get('/metrics')->body);

is($m->value('weir_split_requests_total{colour="green",split="forced"}'), 0,
   'an override is not counted');
is($m->value('weir_split_requests_total{colour="blue",split="forced"}'), 5,
   'what was chosen is');
is($m->value('weir_split_weight_ratio{colour="green",split="two"}') + 0, 0.2,
   'weight');
is($m->value('weir_split_weight_ratio{colour="blue",split="two"}') + 0, 0.8,
   'of the rest');
is($m->value('weir_split_weight_ratio{colour="green",split="all"}') + 0, 1,
   'the whole');
is($m->value('weir_split_requests_total{colour="green",split="who"}')
   + $m->value('weir_split_requests_total{colour="blue",split="who"}'), 40,
   'each request once');

is_deeply(get('/api')->json->{splits}{forced},
          { source => 'config', rev => 0,
            colours => { green => { weight => 0, requests => 0 },
                         blue => { weight => 1, requests => 5 } } },
          'weir_api');

done_testing();
