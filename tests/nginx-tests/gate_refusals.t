# What a client gets that is refused: problem+json (RFC 9457), the form of
# gRPC, one question with a 401, no leftovers of what would have been
# answered, and a connection that works on.

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');
my $grpc = Weir::Upstream->new($t, port => 'grpc', h2 => 1, handler => sub {
    return { headers => ['content-type' => 'application/grpc'],
             body => Weir::HTTP2::grpc_message('hello'),
             trailers => ['grpc-status' => 0] };
});

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;
permit ok     { who anyone; what * /ok/**; }
permit grpc   { who anyone; what POST /s.S/Ok; }
permit alice  { who subject alice issuer corp; what * /alice/**; }
deny no       { what * /no/**; }
EOF2

$t->file('html/no/file.html', 'x' x 5000);
$t->file('html/no/file.html.gz', 'y' x 50);

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

log_format  v  '$weir_decision_id $status $weir_verdict';
access_log  %%TESTDIR%%/v.log v;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    root    %%TESTDIR%%/html;

    weir_auth    corp optional;
    weir_policy  p;
    weir_trace   on;

    gzip             on;
    gzip_types       *;
    gzip_min_length  1;
    gzip_static      on;
    charset          utf-8;
    etag             on;
    expires          1h;
    add_header       X-Added   yes always;
    add_header       X-Only-Ok yes;
    ssi              on;
    ssi_types        *;
    addition_types   *;
    add_after_body   /ok/after;
    sub_filter       title TITLE;
    sub_filter_types *;
    keepalive_timeout  60s;
    client_max_body_size  64k;

    location / {
        gzip  off;
        add_after_body  "";
        sub_filter  zzz yyy;
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location /s.S/ {
        gzip  off;
        add_after_body  "";
        sub_filter  zzz yyy;
        grpc_pass  127.0.0.1:%%PORT_grpc%%;
    }

    location /no/gzip {
        add_after_body  "";
        sub_filter  zzz yyy;
    }

    location /no/filtered {
        gzip  off;
    }

    location /no/file {
        gzip  off;
        add_after_body  "";
        sub_filter  zzz yyy;
    }

    location /no/limit {
        gzip  off;
        add_after_body  "";
        sub_filter  zzz yyy;
        limit_rate  100;
        chunked_transfer_encoding  off;
    }

    location /no/type {
        gzip  off;
        add_after_body  "";
        sub_filter  zzz yyy;
        default_type  text/x-other;
        types { }
    }
}

server {
    listen  127.0.0.1:%%PORT_plain%%;
    weir_policy  p;
}
EOF2

$t->run;

my $json = JSON::PP->new->utf8;


# A whole refusal: status, media type, length, members.

sub is_problem {
    my ($r, $status, $title, $name) = @_;

    is($r ? $r->status : 'closed', $status, $name) or return;

    is(join('|', $r->header('Content-Type')), 'application/problem+json',
       "$name: media type");
    is(scalar(grep { /no-store/ } $r->header('Cache-Control')), 1,
       "$name: is not stored");
    is(join('|', map { scalar(() = $r->header($_)) }
            qw(Last-Modified ETag Accept-Ranges Content-Encoding
               Content-Range)), '0|0|0|0|0',
       "$name: nothing is left of another answer");

    my $body = eval { $json->decode($r->body) };
    ok($body, "$name: JSON") or return diag($r->body);

    is_deeply([sort keys %$body], [qw(decision_id status title type)],
              "$name: its members");
    is($body->{status}, $status, "$name: status");
    is($body->{title}, $title, "$name: title");
    is($body->{type}, 'about:blank', "$name: type");
    like($body->{decision_id}, qr/^[0-9a-f]{32}$/, "$name: decision id");
    like($r->header('X-Request-Id'), qr/^[0-9a-f]{32}$/, "$name: request id");
    is($r->header('X-Added'), 'yes', "$name: add_header always");
    is($r->header('X-Only-Ok'), undef, "$name: not the other one");

    return $body;
}

my $port = $t->port;

my $one = is_problem(http_get($port, '/no/x'), 403, 'Forbidden', 'a deny');
my $two = is_problem(http_get($port, '/no/x'), 403, 'Forbidden', 'another');
isnt($one->{decision_id}, $two->{decision_id}, 'their ids differ');

$t->wait_error_log(qr/./);
wait_for { slurp($t->path('v.log')) =~ /^\Q$two->{decision_id}\E /m };
like(slurp($t->path('v.log')), qr/^\Q$one->{decision_id}\E 403 deny$/m,
     'and are in the log');

is_problem(http_get($port, '/ok//x'), 400, 'Bad Request', 'ambiguous');

my $r = http_get($port, '/alice/x');
is_problem($r, 401, 'Unauthorized', 'nobody');
is(join('|', $r->header('WWW-Authenticate')), 'Bearer realm="weir"',
   'the question');

$r = http_get($port, '/alice/x', headers => [Authorization => 'Bearer a.b.c']);
is_problem($r, 401, 'Unauthorized', 'a bad token');
is(join('|', $r->header('WWW-Authenticate')),
   'Bearer realm="weir", error="invalid_token"', 'the question');

is_problem(http_get($port, '/alice/x', headers => [bearer('bob')]),
           403, 'Forbidden', 'somebody else');
is(http_get($port, '/alice/x', headers => [bearer('alice')])->status, 200,
   'alice');

# the same answer, whatever the reason

my %bodies;

for my $path ('/no/x', '/nowhere', '/alice/x') {
    my $r = http_get($port, $path, headers => [bearer('bob')]);

    (my $head = $r->{head}) =~ s/^(?:Date|X-Request-Id): .*\r\n//mg;
    (my $body = $r->body) =~ s/[0-9a-f]{32}/ID/;
    $bodies{"$head$body"}++;
}

is(scalar keys %bodies, 1, 'all denials look alike');

# filters

is_problem(http_get($port, '/no/file.html', headers => [
               'Accept-Encoding' => 'gzip', Range => 'bytes=0-1',
               'If-None-Match' => '*', 'If-Modified-Since' =>
               'Mon, 01 Jan 2035 00:00:00 GMT']),
           403, 'Forbidden', 'a file with ranges and validators');

$r = http_get($port, '/no/gzip', headers => ['Accept-Encoding' => 'gzip']);
is($r->status, 403, 'gzip');
is($r->header('Content-Encoding'), 'gzip', 'compressed as the operator says');
is($t->execute(['gzip', '-dc'], stdin => $r->body) ? 1 : 0, 1, 'gunzip runs');
my (undef, $plain) = $t->execute(['gzip', '-dc'], stdin => $r->body);
is($json->decode($plain)->{status}, 403, 'and right');

$r = http_get($port, '/no/filtered');
is($r->status, 403, 'sub_filter and addition');
like($r->body, qr/^\{"type":"about:blank","TITLE":"Forbidden"/,
     'filters of the operator work on it');

is_problem(http_get($port, '/no/limit'), 403, 'Forbidden', 'limit_rate');
is_problem(http_get($port, '/no/type'), 403, 'Forbidden', 'other types');

# HEAD

my $length = length http_get($t->port('plain'), '/no/x')->body;

$r = http_request($t->port('plain'), 'HEAD', '/no/x');
is($r->status, 403, 'HEAD');
is($r->header('Content-Type'), 'application/problem+json', 'its type');
is($r->header('Content-Length'), $length, 'its length');

# HTTP/1.0

$r = http_request($port, 'GET', '/no/x', version => 'HTTP/1.0');
is_problem($r, 403, 'Forbidden', 'HTTP/1.0');

# the connection goes on

my $c = Weir::HTTP->new(port => $port);

for my $i (1 .. 3) {
    is($c->request('GET', "/no/$i")->status, 403, 'refused');
    is($c->request('GET', "/ok/$i")->status, 200, 'and then not');
    is($c->request('GET', '/alice/x')->status, 401, 'asked');
    is($c->request('HEAD', '/no/x')->status, 403, 'HEAD');
    is($c->request('POST', '/no/x', body => 'b' x 30000)->status, 403,
       'a body is read away');
    is($c->request('POST', '/no/x', headers => ['Transfer-Encoding' =>
                   'chunked'], body => "3\r\nxyz\r\n0\r\n\r\n")->status, 403,
       'and a chunked one');
    is($c->request('GET', "/ok/$i")->body, 'ok', 'still there');
}

is($up->last->{head} =~ /xyz/ ? 1 : 0, 0, 'no body became a request');
$c->close;

# Expect: 100-continue is not asked for

$c = Weir::HTTP->new(port => $port);
$c->send("POST /no/x HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n"
         . "Expect: 100-continue\r\n\r\n");
$r = $c->response;
isnt($r->status, 100, 'nobody asks for the body');
is(scalar @{ $r->{interim} }, 0, 'of what is refused');
$c->close;

# HTTP/2

$c = http2($t->port('h2'));
is_problem($c->request('GET', '/no/x'), 403, 'Forbidden', 'HTTP/2');
is_problem($c->request('POST', '/no/x', body => 'b' x 30000), 403,
           'Forbidden', 'HTTP/2, a body');
is($c->request('GET', '/ok/x')->status, 200, 'the connection goes on');
$r = $c->request('HEAD', '/no/x');
is($r->status . '|' . $r->body, '403|', 'HTTP/2, HEAD');

# gRPC

sub call {
    my ($method, %o) = @_;

    return $c->request('POST', "/s.S/$method", body =>
        Weir::HTTP2::grpc_message('x'), headers => [
            'content-type' => $o{type} || 'application/grpc',
            te => 'trailers', @{ $o{headers} || [] }]);
}

$r = call('Ok');
is($r->status . '|' . $r->trailer('grpc-status'), '200|0', 'gRPC, permitted');

for my $case (
    ['deny', 7, 'Forbidden', '/no/s', []],
    ['nobody', 16, 'Unauthorized', '/alice/Call', []],
    ['a bad token', 16, 'Unauthorized', '/alice/Call',
     [authorization => 'Bearer x.y.z']],
    ['ambiguous', 3, 'Bad Request', '/s.S/a//b', []],
) {
    my ($name, $code, $message, $path, $headers) = @$case;

    for my $type ('application/grpc', 'application/grpc+proto',
                  'application/grpc;x=y', 'Application/GRPC')
    {
        $r = $c->request('POST', $path, body => 'x' x 100, headers => [
            'content-type' => $type, te => 'trailers', @$headers]);

        is($r->status, 200, "gRPC: $name, $type");
        ok($r->{trailers_only}, 'trailers only');
        is(join('|', $r->header('grpc-status')), $code, 'grpc-status');
        is(join('|', $r->header('grpc-message')), $message, 'grpc-message');
        is($r->header('content-type'), 'application/grpc', 'media type');
        is($r->body, '', 'no body');
        is(scalar(() = $r->header('www-authenticate')),
           $code == 16 ? 1 : 0, 'the question');
        is(scalar(() = $r->header('x-request-id')), 1, 'request id');
    }
}

for my $type ('application/grpc-web', 'application/grpcx', 'text/grpc',
              'application/json')
{
    $r = $c->request('POST', '/no/s', body => 'x', headers => [
        'content-type' => $type]);
    is($r->status, 403, "$type is no gRPC");
    like($r->header('content-type'), qr/problem\+json/, 'its page');
}

is(call('Ok')->trailer('grpc-status'), 0, 'the connection goes on');
$c->close;

# gRPC's media type over HTTP/1.1

$r = http_request($port, 'POST', '/no/s', body => 'x',
                  headers => ['Content-Type' => 'application/grpc']);
is($r->status . '|' . $r->header('grpc-status') . '|' . $r->body, '200|7|',
   'over HTTP/1.1');

# many at a time, in one packet

$c = Weir::HTTP->new(port => $port);
$c->send("GET /no/x HTTP/1.1\r\nHost: a\r\n\r\n" x 20
         . "GET /ok/last HTTP/1.1\r\nHost: a\r\n\r\n");
my @status = map { my $r = $c->response; $r ? $r->status : 'closed' } 1 .. 21;
is(join(' ', @status), join(' ', (403) x 20, 200), 'a pipeline of refusals');
$c->close;

done_testing();
