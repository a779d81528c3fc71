# security.md 1.4 and 1.5: one host, one method, one protocol: what the policy
# decided about is what the upstream is told.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/host.policy', <<'EOF2');
language 1;
policy host;

permit api  { who anyone; what * /a/**; host api.test, *.sub.test, "[::1]"; }
permit any  { who anyone; what GET /any; }
permit post { who anyone; what POST /post; }
permit all  { who anyone; what * /all; }
permit get  { who anyone; what GET /get; }
deny admin  { what * /**; host admin.test, *.admin.test; }
EOF2

$t->http_conf(<<'EOF2');
weir_bundle  %%TESTDIR%%/policies;
weir_policy  host;

proxy_set_header    Host   $http_host;
proxy_set_header    X-Var  $host;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    server_name  api.test;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location = /override {
        weir_method_override  on;
        rewrite     ^  /all  break;
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    server_name  admin.test;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }
}
EOF2

$t->run;

my $port = $t->port;

sub line { return "GET $_[0] HTTP/1.1\r\n" }

# name, bytes, status (of the refusal)

my @attacks = (
    ['Host is denied', line('/a/x') . "Host: admin.test\r\n\r\n", 403],
    ['with a port', line('/a/x') . "Host: admin.test:80\r\n\r\n", 403],
    ['in capitals', line('/a/x') . "Host: ADMIN.Test\r\n\r\n", 403],
    ['a final dot', line('/a/x') . "Host: admin.test.\r\n\r\n", 403],
    ['a dot and a port', line('/a/x') . "Host: admin.test.:80\r\n\r\n", 403],
    ['a label more', line('/a/x') . "Host: x.admin.test\r\n\r\n", 403],
    ['another host', line('/a/x') . "Host: other.test\r\n\r\n", 403],
    ['an address', line('/a/x') . "Host: 127.0.0.1\r\n\r\n", 403],
    ['a suffix', line('/a/x') . "Host: xapi.test\r\n\r\n", 403],
    ['only the suffix', line('/a/x') . "Host: sub.test\r\n\r\n", 403],

    ['absolute, Host denied',
     line('http://api.test/a/x') . "Host: admin.test\r\n\r\n", 400],
    ['absolute denied, Host not',
     line('http://admin.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, both denied',
     line('http://admin.test/a/x') . "Host: admin.test\r\n\r\n", 403],
    ['absolute, ports differ',
     line('http://api.test:81/a/x') . "Host: api.test:80\r\n\r\n", 400],
    ['absolute, a port out of range',
     line('http://api.test:99999/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, no port behind the colon',
     line('http://api.test:/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, empty', line('http:///a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, userinfo',
     line('http://admin.test@api.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, userinfo with password',
     line('http://a:b@api.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, query instead of a path',
     line('http://api.test?@admin.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, fragment instead of a path',
     line('http://api.test#@admin.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, other scheme',
     line('ftp://admin.test/a/x') . "Host: api.test\r\n\r\n", 400],
    ['absolute, 1.0, denied',
     "GET http://admin.test/a/x HTTP/1.0\r\n\r\n", 403],
    ['absolute, 1.0, Host denied',
     "GET http://api.test/a/x HTTP/1.0\r\nHost: admin.test\r\n\r\n", 400],

    ['userinfo', line('/a/x') . "Host: admin.test\@api.test\r\n\r\n", 400],
    ['userinfo, reversed',
     line('/a/x') . "Host: api.test\@admin.test\r\n\r\n", 400],
    ['a comma', line('/a/x') . "Host: api.test,admin.test\r\n\r\n", 400],
    ['a comma and a space',
     line('/a/x') . "Host: api.test, admin.test\r\n\r\n", 400],
    ['a space', line('/a/x') . "Host: api.test admin.test\r\n\r\n", 400],
    ['a slash', line('/a/x') . "Host: api.test/admin.test\r\n\r\n", 400],
    ['a backslash', line('/a/x') . "Host: api.test\\admin.test\r\n\r\n", 400],
    ['a hash', line('/a/x') . "Host: api.test#admin.test\r\n\r\n", 400],
    ['a question mark',
     line('/a/x') . "Host: api.test?admin.test\r\n\r\n", 400],
    ['a percent', line('/a/x') . "Host: api.test%00admin.test\r\n\r\n", 400],
    ['NUL', line('/a/x') . "Host: api.test\0admin.test\r\n\r\n", 400],
    ['a tab', line('/a/x') . "Host: api.test\tadmin.test\r\n\r\n", 400],
    ['two dots', line('/a/x') . "Host: api..test\r\n\r\n", 400],
    ['a leading dot', line('/a/x') . "Host: .api.test\r\n\r\n", 400],
    ['empty', line('/a/x') . "Host:\r\n\r\n", 400],
    ['only a dot', line('/a/x') . "Host: .\r\n\r\n", 400],
    ['only a port', line('/a/x') . "Host: :80\r\n\r\n", 400],
    ['a port of letters', line('/a/x') . "Host: api.test:8o\r\n\r\n", 400],
    ['two ports', line('/a/x') . "Host: api.test:80:81\r\n\r\n", 400],
    ['a port and a host',
     line('/a/x') . "Host: api.test:80\@admin.test\r\n\r\n", 400],
    ['a bracket', line('/a/x') . "Host: [api.test]\r\n\r\n", 400],
    ['an open bracket', line('/a/x') . "Host: [::1\r\n\r\n", 400],
    ['behind a bracket', line('/a/x') . "Host: [::1]admin.test\r\n\r\n", 400],
    ['non-ASCII', line('/a/x') . "Host: \xc3\xa1dmin.test\r\n\r\n", 400],
    ['two', line('/a/x') . "Host: api.test\r\nHost: admin.test\r\n\r\n", 400],
    ['two, reversed',
     line('/a/x') . "Host: admin.test\r\nHost: api.test\r\n\r\n", 400],
    ['two, equal',
     line('/a/x') . "Host: api.test\r\nHost: api.test\r\n\r\n", 400],
    ['two, the second empty',
     line('/a/x') . "Host: api.test\r\nHost:\r\n\r\n", 400],
    ['two, one folded',
     line('/a/x') . "Host: api.test\r\n Host: admin.test\r\n\r\n", 400],
    ['two, other case',
     line('/a/x') . "host: api.test\r\nHOST: admin.test\r\n\r\n", 400],
    ['a space before the colon',
     line('/a/x') . "Host: api.test\r\nHost : admin.test\r\n\r\n", 400],
    ['none', line('/a/x') . "\r\n", 400],
    ['none, in 1.0', "GET /a/x HTTP/1.0\r\n\r\n", 403],
    ['none, what every host may, but a deny is unknown',
     "GET /any HTTP/1.0\r\n\r\n", 403],

    ['HTTP/0.9', "GET /any\r\n", undef],
    ['HTTP/0.9 with a header', "GET /any\r\nHost: api.test\r\n\r\n", undef],
    ['a version that is none', "GET /any HTTP/1.1x\r\nHost: a\r\n\r\n", 400],
    ['HTTP/2.0 in words', "GET /any HTTP/2.0\r\nHost: api.test\r\n\r\n", 505],

    # methods

    ['GET does not imply POST', "POST /get HTTP/1.1\r\nHost: api.test\r\n"
     . "Content-Length: 0\r\n\r\n", 403],
    ['nor HEAD', "HEAD /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],
    ['nor OPTIONS', "OPTIONS /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],
    ['nor an unknown one',
     "GETX /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],
    ['nor one that begins so',
     "GET-X /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],
    ['nor with an underscore',
     "GET_ /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],
    ['nor in lower case',
     "get /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 400],
    ['nor in mixed case',
     "Get /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 400],
    ['TRACE', "TRACE /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 405],
    ['CONNECT', "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test\r\n\r\n",
     undef],
    ['CONNECT with a path',
     "CONNECT /all HTTP/1.1\r\nHost: api.test\r\n\r\n", undef],
    ['a method in front',
     "POST GET /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 400],
    ['PATCH', "PATCH /get HTTP/1.1\r\nHost: api.test\r\n\r\n", 403],

    (map {
        my ($name, $value) = @$_;

        ["override: $name", "POST /post HTTP/1.1\r\nHost: api.test\r\n"
         . "$name: $value\r\nContent-Length: 0\r\n\r\n", 400],
        ["override in lower case: $name",
         "POST /post HTTP/1.1\r\nHost: api.test\r\n\L$name\E: $value\r\n"
         . "Content-Length: 0\r\n\r\n", 400],
        ["override, empty: $name",
         "POST /post HTTP/1.1\r\nHost: api.test\r\n$name:\r\n"
         . "Content-Length: 0\r\n\r\n", 400],
    } ['X-HTTP-Method-Override', 'DELETE'], ['X-HTTP-Method', 'DELETE'],
      ['X-Method-Override', 'DELETE'], ['X-Original-URL', '/admin'],
      ['X-Rewrite-URL', '/admin']),

    # what frames a request

    ['a length and an encoding', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400],
    ['two lengths', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400],
    ['an encoding with a tab', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Transfer-Encoding:\tchunked, x\r\n\r\n0\r\n\r\n", 501],
    ['an encoding in 1.0', "POST /post HTTP/1.0\r\nHost: api.test\r\n"
     . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ['a negative length', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Content-Length: -1\r\n\r\n", 400],
    ['a header with CR', "GET /any HTTP/1.1\r\nHost: api.test\r\n"
     . "X: a\rHost: admin.test\r\n\r\n", undef],
);

my @bad;

for my $case (@attacks) {
    my ($name, $bytes, $status) = @$case;

    my $c = Weir::HTTP->new(port => $port);
    $c->send($bytes);

    # what has no headers in its answer says nothing else

    if ($name =~ /^HTTP\/0\.9/) {
        my $text = $c->read_all;
        push @bad, "$name: $text" if $text =~ /\bok\b/;
        next;
    }

    my $r = $c->response(head => scalar $bytes =~ /^HEAD/);
    my $got = $r ? $r->status : 'closed';

    push @bad, "$name: $got" if defined $status ? $got ne $status
                                : $r && $r->status == 200;
    $c->close;
}

is(join("\n", @bad), '', scalar(@attacks) . ' attacks are refused');
is(join("\n", map { $_->line . ' ' . ($_->header('Host') || '') }
              $up->requests), '', 'none reaches the upstream');

# two requests on one connection: what was said of the first is not the
# second's

my $c = Weir::HTTP->new(port => $port);
$c->send(line('/any') . "Host: api.test\r\n\r\n"
         . line('/a/x') . "Host: admin.test\r\n\r\n"
         . line('/a/x') . "Host: api.test\r\n\r\n");
is(join(' ', map { my $r = $c->response; $r ? $r->status : 'closed' } 1 .. 3),
   '200 403 200', 'a pipeline');
is($up->count, 2, 'only two of them go on');

# what is plain

my @legit = (
    ['plain', line('/a/x') . "Host: api.test\r\n\r\n", 'api.test'],
    ['a port', line('/a/x') . "Host: api.test:8080\r\n\r\n", 'api.test:8080'],
    ['capitals', line('/a/x') . "Host: API.Test\r\n\r\n", 'API.Test'],
    ['a final dot', line('/a/x') . "Host: api.test.\r\n\r\n", 'api.test.'],
    ['both', line('/a/x') . "Host: Api.test.:1\r\n\r\n", 'Api.test.:1'],
    ['spaces around', line('/a/x') . "Host:   api.test  \r\n\r\n",
     'api.test'],
    ['none around', line('/a/x') . "Host:api.test\r\n\r\n", 'api.test'],
    ['lower case name', line('/a/x') . "host: api.test\r\n\r\n", 'api.test'],
    ['a label', line('/a/x') . "Host: x.sub.test\r\n\r\n", 'x.sub.test'],
    ['labels', line('/a/x') . "Host: x.y.sub.test\r\n\r\n", 'x.y.sub.test'],
    ['IPv6', line('/a/x') . "Host: [::1]\r\n\r\n", '[::1]'],
    ['IPv6 and a port', line('/a/x') . "Host: [::1]:80\r\n\r\n", '[::1]:80'],
    ['any host', line('/any') . "Host: other_host-1.test\r\n\r\n",
     'other_host-1.test'],
    ['an address', line('/any') . "Host: 127.0.0.1:$port\r\n\r\n",
     "127.0.0.1:$port"],
    ['1.0', "GET /a/x HTTP/1.0\r\nHost: api.test\r\n\r\n", 'api.test'],
    ['1.0, keep-alive', "GET /a/x HTTP/1.0\r\nHost: api.test\r\n"
     . "Connection: keep-alive\r\n\r\n", 'api.test'],
    ['absolute', line('http://api.test/a/x') . "Host: api.test\r\n\r\n",
     'api.test'],
    ['absolute, capitals',
     line('HTTP://Api.test/a/x') . "Host: api.TEST\r\n\r\n", 'api.TEST'],
    ['absolute, ports',
     line('http://api.test:81/a/x') . "Host: api.test:81\r\n\r\n",
     'api.test:81'],
    ['absolute, one port',
     line('http://api.test/a/x') . "Host: api.test:81\r\n\r\n",
     'api.test:81'],
    ['absolute, https',
     line('https://api.test/a/x') . "Host: api.test\r\n\r\n", 'api.test'],
    ['absolute, 1.0', "GET http://api.test/a/x HTTP/1.0\r\n\r\n", undef],
    ['an unknown method', "PROPFIND /all HTTP/1.1\r\nHost: api.test\r\n\r\n",
     'api.test'],
    ['another', "X-A_B /all HTTP/1.1\r\nHost: api.test\r\n\r\n", 'api.test'],
    ['HEAD', "HEAD /all HTTP/1.1\r\nHost: api.test\r\n\r\n", 'api.test'],
    ['OPTIONS', "OPTIONS /all HTTP/1.1\r\nHost: api.test\r\n\r\n",
     'api.test'],
    ['DELETE', "DELETE /all HTTP/1.1\r\nHost: api.test\r\n\r\n", 'api.test'],
    ['POST', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Content-Length: 2\r\n\r\nab", 'api.test'],
    ['POST in chunks', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 'api.test'],
    ['Expect', "POST /post HTTP/1.1\r\nHost: api.test\r\n"
     . "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", 'api.test'],
    ['an empty line before', "\r\nGET /any HTTP/1.1\r\nHost: api.test\r\n\r\n",
     'api.test'],
    ['line feeds alone', "GET /any HTTP/1.1\nHost: api.test\n\n",
     'api.test'],
    ['overrides, where they are admitted',
     "POST /override HTTP/1.1\r\nHost: api.test\r\n"
     . "X-HTTP-Method-Override: PUT\r\nContent-Length: 0\r\n\r\n", undef, 403],
);

for my $case (@legit) {
    my ($name, $bytes, $host, $status) = @$case;

    $up->clear;
    my $r = http($port, $bytes, head => scalar $bytes =~ /^HEAD/);

    is($r ? $r->status : 'closed', $status || 200, "legitimate: $name");
    is($up->last->header('Host'), $host, 'Host goes on')
        if defined $host && $up->count;
}

# HTTP/2

my @attacks2 = (
    ['authority denied', [':authority', 'admin.test'], [], 403],
    ['capitals', [':authority', 'ADMIN.test'], [], 403],
    ['a port', [':authority', 'admin.test:80'], [], 403],
    ['userinfo', [':authority', 'admin.test@api.test'], [], 400],
    ['a comma', [':authority', 'api.test,admin.test'], [], 400],
    ['a space', [':authority', 'api.test admin.test'], [], 400],
    ['empty', [':authority', ''], [], 400],
    ['beside Host', [':authority', 'api.test'], ['host', 'admin.test'], 400],
    ['reversed', [':authority', 'admin.test'], ['host', 'api.test'], 400],
    ['Host alone', undef, ['host', 'admin.test'], 403],
    ['two Hosts', undef, ['host', 'api.test', 'host', 'admin.test'], 400],
    ['two authorities', [':authority', 'api.test'],
     [':authority', 'admin.test'], 400],
    ['an authority behind the headers', undef,
     ['host', 'api.test', ':authority', 'admin.test'], 400],
    ['neither', undef, [], 400],
    ['another path', [':authority', 'api.test'], [':path', '/any'], 400],
    ['another method', [':authority', 'api.test'], [':method', 'POST'], 400],
    ['override', [':authority', 'api.test'],
     ['x-http-method-override', 'DELETE'], 400],
    ['original url', [':authority', 'api.test'], ['x-original-url', '/'], 400],
    ['a name in capitals', [':authority', 'api.test'], ['Host', 'admin.test'],
     400],
    ['a space in a name', [':authority', 'api.test'], ['host ', 'admin.test'],
     400],
    ['a colon in a name', [':authority', 'api.test'], ['x:y', 'z'], 400],
);

$up->clear;
@bad = ();

for my $case (@attacks2) {
    my ($name, $authority, $headers, $status) = @$case;

    my $r = http2_request($t->port('h2'), 'GET', '/a/x', headers => $headers,
        pseudo => [[':method', 'GET'], [':scheme', 'http'],
                   [':path', '/a/x'], $authority ? $authority : ()]);

    my $got = !$r ? 'closed' : defined $r->{rst} ? 'reset' : $r->status;

    push @bad, "$name: $got"
        if $got ne $status && ($status != 400 || $got !~ /^(?:closed|reset|0)/);
}

is(join("\n", @bad), '', 'HTTP/2: ' . @attacks2 . ' attacks are refused');

my @got = map { join ' ', map { "$_->[0]: $_->[1]" } $_->headers }
          $up->requests;
is(join("\n", @got), '', 'none reaches the upstream');

for my $case (['plain', 'api.test'], ['a port', 'api.test:8443'],
              ['capitals', 'API.test'], ['a dot', 'api.test.'],
              ['IPv6', '[::1]:443'])
{
    my ($name, $authority) = @$case;
    my $r = http2_get($t->port('h2'), '/a/x', authority => $authority);

    is($r->status, 200, "HTTP/2: legitimate: $name");
    is($up->last->header('Host'), $authority, 'Host goes on');
}

is(http2_get($t->port('h2'), '/a/x', authority => undef,
             headers => [host => 'api.test'])->status, 200,
   'HTTP/2: Host alone');

done_testing();
