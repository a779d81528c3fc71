# A page of Weir's needs no policy, and nothing else may take its place; a
# cache that makes GET of HEAD has both decided; names that cannot be meant.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t, port => 'up');

$t->allow(qr/\[emerg\]/);

sub refused {
    my ($name, $http, $re) = @_;

    my ($rc, $out) = $t->test_config("events {}\nhttp {\n$http\n}\n");

    isnt($rc, 0, "$name is refused");
    like($out, qr/\[emerg\].*$re/, "$name: why");
    like($out, qr/tested\.conf:\d+/, "$name: where");
}

sub server { return "server { listen 127.0.0.1:%%PORT_gw%%; $_[0] }" }

for my $other ('proxy_pass http://127.0.0.1:1', 'stub_status', 'empty_gif',
               'fastcgi_pass 127.0.0.1:1', 'grpc_pass 127.0.0.1:1')
{
    for my $page ('weir_metrics', 'weir_api') {
        refused("$page, $other", server("location /x { $page; $other; }"),
                '(?:has another handler|is duplicate)');
    }
}

refused("the name \"$_\"", "weir_strip_headers \"$_\";",
        'invalid header name')
    for 'X*Y', 'a b', '*', '', 'X-A:', '**', "X-\xe4";

refused("the header $_", "weir_strip_headers $_;", 'cannot be named here')
    for 'Host', 'host', 'ho*', 'Transfer_Encoding';

my $k = Weir::Token->new($t);
$t->file('jwks.json', $k->jwks($k->jwk('ES256')));

my ($rc, $out) = $t->test_config("events {}\nhttp {\n"
    . 'weir_issuer c { issuer https://idp.example.com/; audience a; jwks jwks.json; } '
    . server('weir_strip_headers auth*; location / { weir_auth c; '
             . 'weir_policy off; }') . "\n}\n");

is($rc, 0, 'a credential may be stripped');
like($out, qr/\[warn\].*finds no token in server/, 'with a warning');

refused('no folder', 'weir_bundle "";', 'needs a folder');
refused('a header that is stripped',
        'weir_split s key=$uri header=X-Weir-Colour { a 5%; b *; }',
        'invalid parameter');

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit head { who anyone; what HEAD /h/**; }
permit both { who anyone; what GET,HEAD /b/**; }
END

$t->http_conf(<<'END');
weir_bundle %%TESTDIR%%/policies;
proxy_cache_path %%TESTDIR%%/cache keys_zone=c:1m;

server {
    listen  127.0.0.1:%%PORT_0%%;
    weir_policy  p;
    proxy_cache_valid 1m;

    location /          { proxy_cache c; proxy_pass http://127.0.0.1:%%PORT_up%%; }
    location /h/as/     { proxy_cache c; proxy_cache_convert_head off;
                          proxy_cache_key $request_method$uri;
                          proxy_pass http://127.0.0.1:%%PORT_up%%; }
    location /h/plain/  { proxy_pass http://127.0.0.1:%%PORT_up%%; }
}
END

$t->run;

is(http_request($t->port, 'HEAD', '/h/x')->status, 403,
   'HEAD that becomes GET, which nothing permits');
is($up->count, 0, 'the upstream saw nothing');
is(http_request($t->port, 'HEAD', '/b/x')->status, 200, 'both are permitted');
is(http_request($t->port, 'HEAD', '/h/as/x')->status, 200, 'HEAD stays HEAD');
is(http_request($t->port, 'HEAD', '/h/plain/x')->status, 200, 'no cache');

done_testing();
