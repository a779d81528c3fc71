# Upgraded and streamed answers end with their token; others do not.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use Weir::WebSocket;
use Time::HiRes qw(time);

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    return { websocket => 1 } if $r->target =~ m{^/ws};
    return { body => 'late', wait => 'late' } if $r->target eq '/late';
    return { chunks => ['begin', { wait => 'never' }, 'end'] };
});

my $grpc = Weir::Upstream->new($t, port => 'grpc', h2 => 1, handler => sub {
    return { body => 'x', wait => 'never' };
});

$t->file('jwks.json', $k->jwks($k->jwk('ES256')));

$t->http_conf(<<'EOC');
    weir_zone 8m;

    weir_issuer corp {
        issuer   https://idp.example.com/;
        audience orders;
        jwks     jwks.json;
        leeway   0s;
    }

    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      '';
    }

    server {
        listen 127.0.0.1:%%PORT_gw%%;
        listen 127.0.0.1:%%PORT_h2%% http2;

        weir_auth corp;
        weir_policy off;

        location / {
            proxy_pass http://127.0.0.1:%%PORT_up%%;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
        location /grpc/ {
            grpc_pass grpc://127.0.0.1:%%PORT_grpc%%;
        }
        location /moved/ {
            rewrite ^/moved(.*)$ $1 last;
        }
        location /file {
            root %%TESTDIR%%;
            limit_rate 1k;
        }
    }
EOC

$t->file('file', 'x' x 100_000);
$t->run;

my $gw = $t->port('gw');

sub token {
    my ($seconds) = @_;
    my $now = int time();
    return ['Authorization', 'Bearer ' . $k->mint(now => $now, claims => {
        iss => 'https://idp.example.com/', aud => 'orders', sub => 'alice',
        exp => $now + $seconds })];
}

# all begin at once, so that the test waits once

my $long = websocket($gw, '/ws', headers => token(300));
ok($long->{open}, 'a websocket with a long token');

my $begin = time();
my $token = token(3);

my $ws = websocket($gw, '/ws', headers => $token);
ok($ws->{open}, 'a websocket with a short token');
$ws->send_message('hello');
is(($ws->read_message)[1], 'hello', 'it speaks');

my $moved = websocket($gw, '/moved/ws', headers => $token);
ok($moved->{open}, 'a websocket behind a rewrite');

my $sse = Weir::HTTP->new(port => $gw);
$sse->send(Weir::HTTP->format('GET', '/sse', headers => $token));
like($sse->read_until('begin'), qr/^HTTP\/1.1 200 /, 'a stream');

my $file = Weir::HTTP->new(port => $gw);
$file->send(Weir::HTTP->format('GET', '/file', headers => $token));
like($file->read_until('xxx'), qr/^HTTP\/1.1 200 /, 'a slow download');

my $h2 = http2($t->port('h2'));
my $stream = $h2->start_request('GET', '/sse',
    headers => [authorization => $token->[1]]);
is($h2->response_head($stream)->status, 200, 'a stream of HTTP/2');

my $other = $h2->start_request('GET', '/sse', headers => [
    authorization => token(300)->[1]]);
is($h2->response_head($other)->status, 200, 'beside one of a long token');

my $call = http2($t->port('h2'));
my $call_id = $call->start_request('POST', '/grpc/a.B/C', open => 1,
    headers => [authorization => $token->[1], te => 'trailers',
                'content-type' => 'application/grpc']);

my $late = Weir::HTTP->new(port => $gw);
$late->send(Weir::HTTP->format('GET', '/late', headers => $token));
$up->wait_count(6);

# the end

ok($ws->closed(8), 'the websocket ends');
my $took = time() - $begin;
cmp_ok($took, '>', 1.9, 'not before its token');
cmp_ok($took, '<', 6 * Weir::Net::deadline_factor(), 'nor long after it');

ok($moved->closed, 'the one behind a rewrite');

$sse->read_all(time() + 5);
ok($sse->{eof}, 'the stream ends');

my $rest = $file->read_all(time() + 5);
ok($file->{eof}, 'the download ends');
cmp_ok(length $rest, '<', 50_000, 'half way');

my $r = $h2->response($stream, timeout => 5);
ok(defined $r->{rst}, 'the stream of HTTP/2 is reset');
is($r->body, 'begin', 'after what had come');
ok(!defined $h2->stream($other)->{rst}, 'the other one is not');

$r = $call->response($call_id, timeout => 5);
ok(defined $r->{rst} || $r->{goaway} || $call->{eof}, 'the gRPC call ends');

# a token found verified is looked at again

is(http_get($gw, '/sse', headers => $token)->status, 401, 'expired now');

# an answer that had not begun is none that streams

$up->release('late');
$r = $late->response;
is($r && $r->body, 'late', 'a late answer comes whole');

$long->send_message('still');
is(($long->read_message)[1], 'still', 'a long token lasts');

# in a worker that drains, too

$begin = time();
$ws = websocket($gw, '/ws', headers => token(3));
ok($ws->{open}, 'a websocket before a reload');
ok($t->reload(wait_old => 0), 'reload');
$ws->send_message('hello');
is(($ws->read_message)[1], 'hello', 'it lives on');
ok($ws->closed(8), 'and ends with its token');
cmp_ok(time() - $begin, '>', 1.9, 'not before it');

$long->close;
$h2->close;
$up->release('never');
$grpc->release('never');

ok($t->wait_error_log(qr/the answer ends with its token/), 'the log says so');

done_testing();
