# security.md 1.10: what one principal may read is not handed to another by a
# cache: in a location with weir_auth it is passed by, unless its key contains
# $weir_principal or the operator says that all of it is public.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::CGI;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);

my @echo = (handler => sub {
    my ($r) = @_;
    my $who = $r->header('X-Who') || $r->header('HTTP_X_WHO') || 'nobody';
    return { headers => ['Cache-Control' => 'max-age=600',
                         'Content-Type' => 'text/plain'],
             body => "for $who" };
});

my %up = (http => Weir::Upstream->new($t, port => 'http', @echo),
          map { $_ => Weir::CGI->new($t, port => $_, protocol => $_, @echo) }
              qw(fastcgi uwsgi scgi));

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;
permit alice { who subject alice issuer corp; what * /**; }
permit bob   { who subject bob issuer corp; what * /**; }
permit open  { who anyone; what * /optional/**; }
permit free  { who anyone; what * /free/**; }
EOF2

my %kinds = (
    # name, more directives, what a cache may do: 0 nothing, 1 each his own,
    # 2 one for all

    plain     => ['', 0],
    uri       => ['P_cache_key $request_uri;', 0],
    own       => ['P_cache_key "$weir_principal $request_uri";', 1],
    braces    => ['P_cache_key "x${weir_principal}y$request_uri";', 1],
    subject   => ['P_cache_key "$weir_subject $request_uri";', 0],
    set       => ['set $k $weir_principal; '
                  . 'P_cache_key "$k $request_uri";', 0],
    mapped    => ['P_cache_key "$mapped $request_uri";', 0],
    public    => ['weir_cache_public on; P_cache_key $request_uri;', 2],
    publicoff => ['weir_cache_public off; P_cache_key $request_uri;', 0],
    bypass    => ['P_cache_key "$weir_principal $request_uri"; '
                  . 'P_cache_bypass $arg_b; P_no_cache $arg_b;', 1],
    stale     => ['P_cache_key $request_uri; '
                  . 'P_cache_use_stale error timeout updating;', 0],
    valid     => ['P_cache_key $request_uri; P_cache_valid any 10m; '
                  . 'P_ignore_headers Cache-Control;', 0],
    lock      => ['P_cache_key $request_uri; P_cache_lock on;', 0],
);

my %pass = (
    http    => ['proxy', 'proxy_pass http://127.0.0.1:%%PORT_http%%;'],
    fastcgi => ['fastcgi', 'fastcgi_pass 127.0.0.1:%%PORT_fastcgi%%; '
                . 'fastcgi_param REQUEST_METHOD $request_method;'],
    uwsgi   => ['uwsgi', 'uwsgi_pass 127.0.0.1:%%PORT_uwsgi%%;'],
    scgi    => ['scgi', 'scgi_pass 127.0.0.1:%%PORT_scgi%%; '
                . 'scgi_param CONTENT_LENGTH 0;'],
);

my ($paths, $locations) = ('', '');

for my $proto (sort keys %pass) {
    my ($p, $pass) = @{ $pass{$proto} };

    $paths .= "${p}_cache_path %%TESTDIR%%/cache-$proto "
              . "keys_zone=$proto:1m;\n";

    for my $kind (sort keys %kinds) {
        my $more = $kinds{$kind}[0] =~ s/\bP_/${p}_/gr;

        $locations .= "location /$proto/$kind { ${p}_cache $proto; "
                      . ($kind eq 'plain' && $proto ne 'http'
                         ? "${p}_cache_key \$request_uri; " : '')
                      . "$more $pass }\n";
    }
}

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er =~ s/PATHS/$paths/r
weir_bundle  %%TESTDIR%%/policies;
ISSUER
PATHS

map $weir_principal $mapped {
    default  somebody;
    ''       nobody;
}

server {
    listen  127.0.0.1:%%PORT_0%%;

    weir_auth    corp;
    weir_policy  p;
    weir_identity_header  X-Who $weir_subject;

    LOCATIONS

    location /optional/ {
        weir_auth   corp optional;
        proxy_cache  http;
        proxy_cache_key  "$weir_principal $request_uri";
        proxy_pass  http://127.0.0.1:%%PORT_http%%;
    }

    location /free/ {
        weir_auth    off;
        proxy_cache  http;
        proxy_pass   http://127.0.0.1:%%PORT_http%%;
    }

    location /off/ {
        weir_auth    off;
        weir_policy  off;
        proxy_cache  http;
        proxy_cache_key  "shared $uri_tail";
        proxy_pass   http://127.0.0.1:%%PORT_http%%;
    }

    location /as-off/ {
        proxy_cache  http;
        proxy_cache_key  "shared $uri_tail";
        proxy_cache_use_stale  error;
        proxy_pass   http://127.0.0.1:%%PORT_http%%;
    }

    location /if/ {
        proxy_cache  http;
        proxy_cache_key  $request_uri;
        if ($request_method) {
            proxy_pass  http://127.0.0.1:%%PORT_http%%;
        }
    }

    location /nested/ {
        proxy_cache  http;
        proxy_cache_key  $request_uri;

        location /nested/inner/ {
            proxy_pass  http://127.0.0.1:%%PORT_http%%;
        }
    }
}

map $uri $uri_tail {
    ~^/[^/]*/(?<tail>.*)$  $tail;
}
EOF2
    =~ s/LOCATIONS/$locations/r)->run;


sub get {
    my ($path, $who, %o) = @_;

    my $r = http_get($t->port, $path, headers => [
        $who ? bearer($who) : (), @{ $o{headers} || [] }]);

    return $r->status == 200 ? $r->body : $r->status;
}


for my $proto (sort keys %pass) {
    for my $kind (sort keys %kinds) {
        my $may = $kinds{$kind}[1];
        my $path = "/$proto/$kind/x";
        my $up = $up{$proto};

        $up->clear;

        my @got = map { get($path, $_) } qw(alice bob alice bob);

        is(join(', ', @got), $may == 2 ? join ', ', ('for alice') x 4
                             : 'for alice, for bob, for alice, for bob',
           "$proto, $kind: whose");
        is($up->count, $may == 0 ? 4 : $may == 1 ? 2 : 1,
           "$proto, $kind: how often upstream");
        is(get($path, 'carol'), 403, "$proto, $kind: not who is denied");
        is(get($path), 401, "$proto, $kind: nor nobody");
    }
}

# what the operator said himself still counts

my $up = $up{http};
$up->clear;
get('/http/bypass/y?b=1', 'alice') for 1 .. 3;
is($up->count, 3, 'his own bypass');

# an anonymous principal is nobody's name

$up->clear;
is(join(', ', map { get('/optional/x', $_) } '', 'alice', '', 'alice', 'bob'),
   'for nobody, for alice, for nobody, for alice, for bob', 'optional');
is($up->count, 4, 'nobody is not cached');

# without weir_auth a cache is a cache

$up->clear;
is(join(', ', map { get('/free/x', $_) } '', 'alice', 'bob'),
   'for nobody, for nobody, for nobody', 'no weir_auth');
is($up->count, 1, 'cached');

# an entry that another location made

$up->clear;
is(get('/off/shared'), 'for nobody', 'an open location');
is(get('/off/shared'), 'for nobody', 'which caches');
is(get('/as-off/shared', 'alice'), 'for alice', 'the same key, with an owner');
is(get('/off/shared'), 'for nobody', 'stores nothing');
is($up->count, 2, 'as often upstream');

for my $path ('/if/x', '/nested/inner/x') {
    $up->clear;
    is(join(', ', map { get($path, $_) } qw(alice bob)),
       'for alice, for bob', $path);
}

# nothing of it lies on the disk

my @kept = grep { -f } glob $t->path('cache-*/*');
my @forbidden = grep { slurp($_) =~ m{^KEY: (?!.*jwt:corp)}m
                       && slurp($_) =~ /for (?:alice|bob)/
                       && slurp($_) !~ m{/public/} } @kept;

ok(scalar @kept, 'caches have files');
is(join(' ', map { slurp($_) =~ /^KEY: (.*)$/m ? $1 : $_ } @forbidden), '',
   'no body without its owner');

# upstream gone: nothing stale of somebody else

$up->stop;
is(get('/as-off/shared', 'bob'), 502, 'no stale answer');
is(get('/http/stale/x', 'bob'), 502, 'of anybody');
is(get('/http/own/x', 'alice'), 'for alice', 'her own is there');

done_testing();
