# The HTTP/1 client, TLS, WebSocket, and the upstream that records.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::WebSocket;

my $t = Weir::Test->new(module => '');

$t->make_cert('ca', is_ca => 1);
$t->make_cert('server', ca => 'ca');

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    my $path = $r->target;

    return { status => 201, headers => [['X-A', 1], ['X-A', 2]],
             body => $r->body } if $path eq '/echo';
    return { chunks => ['one', { wait => 'more' }, 'two'],
             trailers => ['X-Sum' => 7] } if $path eq '/chunks';
    return { raw => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort" }
        if $path eq '/short';
    return { close => 1 } if $path eq '/close';
    return { websocket => 1 } if $path eq '/ws';
    return { wait => 'slow' } if $path eq '/slow';
    return undef;
});

my $direct = $up->port;

# the client and the upstream, without nginx between

my $r = http_request($direct, 'POST', '/echo', body => "a\0b",
                     headers => ['X-B' => 'q', 'x-b' => 'r']);
is($r->status, 201, 'status');
is($r->body, "a\0b", 'body');
is_deeply([$r->header('x-a')], [1, 2], 'all values of a header');
is(scalar $r->header('X-A'), 1, 'its first');

my $got = $up->last;
is($got->line, 'POST /echo HTTP/1.1', 'request line');
is_deeply([$got->names], [qw(Host X-B x-b Content-Length Connection)],
          'names in order, as written');
is($got->body, "a\0b", 'recorded body');

my $raw = "GET /x?%20 HTTP/1.0\r\nA:b\r\n C: d\r\n\r\n";
http($direct, $raw, parts => [split //, $raw]);
is($up->last->{head}, $raw, 'exact bytes, one at a time');
is($up->count, 2, 'count');

# a connection with several requests, chunks as they come

my $c = Weir::HTTP->new(port => $direct);
is($c->request('GET', '/')->body, 'ok', 'default answer');
is($c->request('HEAD', '/')->body, '', 'HEAD');

$c->send("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
$c->read_until("one\r\n");
$up->release('more');
is($c->read_until("7\r\n\r\n"), "3\r\ntwo\r\n0\r\nX-Sum: 7\r\n\r\n",
   'the rest after the release');

$c->send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         . "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
is($c->response->body, 'abcde', 'chunked request');
is_deeply([map { $_->{connection} } ($up->requests)[-2, -1]],
          [($up->last->{connection}) x 2], 'the same connection');

$up->clear;
is($up->count, 0, 'cleared');

is(http_get($direct, '/close'), undef, 'no response is undef');
ok(http_get($direct, '/short')->{truncated}, 'a truncated body is told');

my $waiting = Weir::HTTP->new(port => $direct);
$waiting->send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
$up->wait_count(3);
is($waiting->response(timeout => 0.2), undef, 'nothing until the release');
$up->release('slow');
is($waiting->response->status, 200, 'the same response afterwards');

# scripted answers

my $plain = Weir::Upstream->new($t, unix => 1);
$plain->answer('/a', { status => 418, body => 'tea' });
$plain->answer({ status => 203 });

$t->http_conf(<<'EOF2');
map $http_upgrade $connection_upgrade {
    default  upgrade;
    ''       close;
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_tls%% ssl;

    ssl_certificate      %%TESTDIR%%/server.crt;
    ssl_certificate_key  %%TESTDIR%%/server.key;

    location / {
        proxy_pass          http://127.0.0.1:%%PORT_up%%;
        proxy_http_version  1.1;
        proxy_set_header    Upgrade     $http_upgrade;
        proxy_set_header    Connection  $connection_upgrade;
    }

    location /unix/ {
        proxy_pass          http://unix:%%TESTDIR%%/upstream-1.sock:/;
    }
}
EOF2

$t->run;

is(http_get($t->port, '/unix/a')->body, 'tea', 'scripted by path');
$t->wait_access_log(qr{"GET /unix/a });
is(http_get($t->port, '/unix/b')->status, 203, 'scripted default');
is($plain->last->header('Host'), 'localhost', 'what nginx sent');

$r = http_get($t->port('tls'), '/', tls => {
    SSL_verify_mode => 1, SSL_ca_file => $t->path('ca.crt'),
    SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'http' });
is($r->body, 'ok', 'TLS, verified');

# WebSocket through nginx

my $ws = websocket($t->port, '/ws');
ok($ws->{open}, 'upgraded');
$ws->send_message('hello');
is_deeply([$ws->read_message], [1, 'hello'], 'echo');
$ws->send_message('x' x 70000, 2);
is(length +($ws->read_message)[1], 70000, 'a long frame');
$ws->send_message('p', 9);
is_deeply([$ws->read_message], [10, 'p'], 'pong');
$ws->send_message(pack('n', 1000), 8);
is_deeply([$ws->read_message], [8, pack('n', 1000)], 'close');
is($up->last->header('upgrade'), 'websocket', 'recorded too');

ok(!websocket($t->port, '/')->{open}, 'not upgraded');

$ws->close;
$waiting->close;

done_testing();
