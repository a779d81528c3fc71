# The HTTP/2 client against nginx, and the gRPC upstream behind it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;

# RFC 7541, C.4 and C.6.1: huffman, static and dynamic table

my $d = Weir::HPACK->new;

is_deeply($d->decode(pack 'H*', '828684418cf1e3c2e5f23a6ba0ab90f4ff'),
          [[':method', 'GET'], [':scheme', 'http'], [':path', '/'],
           [':authority', 'www.example.com']], 'C.4.1');
is_deeply($d->decode(pack 'H*', '828684be5886a8eb10649cbf'),
          [[':method', 'GET'], [':scheme', 'http'], [':path', '/'],
           [':authority', 'www.example.com'], ['cache-control', 'no-cache']],
          'C.4.2');
is_deeply($d->decode(pack 'H*', '828785bf408825a849e95ba97d7f8925a849e95bb8e8'
                                . 'b4bf'),
          [[':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'],
           [':authority', 'www.example.com'], ['custom-key', 'custom-value']],
          'C.4.3');

my $all = join '', map { chr } 0 .. 255;
is(Weir::HPACK::huffman_decode(Weir::HPACK::huffman_encode($all)), $all,
   'huffman, all bytes');
is_deeply(Weir::HPACK->new->decode(Weir::HPACK->new->encode(
          [['a', 'x' x 5000]], huffman => 1)), [['a', 'x' x 5000]],
          'a long value');

my $t = Weir::Test->new(module => '');
$t->make_cert('server');

my $up = Weir::Upstream->new($t, port => 'grpc', h2 => 1, handler => sub {
    my ($r) = @_;

    return { rst => 8 } if $r->target eq '/s/Reset';
    return { headers => ['content-type' => 'application/grpc',
                         'grpc-status' => 5], body => '' }
        if $r->target eq '/s/Only';

    return { headers => ['content-type' => 'application/grpc'],
             body => $r->body, trailers => ['grpc-status' => 0] };
});

$t->http_conf(<<'EOF2');
server {
    listen  127.0.0.1:%%PORT_0%% http2;
    listen  127.0.0.1:%%PORT_tls%% ssl http2;

    ssl_certificate      %%TESTDIR%%/server.crt;
    ssl_certificate_key  %%TESTDIR%%/server.key;

    location / {
        add_header  X-Long "abcdefghijklmnopqrstuvwxyz-0123456789";
        add_header  X-Seen $http_x_a;
        return      200 "$request_method $request_uri $host";
    }

    location /s/ {
        grpc_pass  grpc://127.0.0.1:%%PORT_grpc%%;
    }
}
EOF2

$t->run;

my $r = http2_get($t->port, '/a?b', headers => ['x-a' => 'q']);
is($r->status, 200, 'status');
is($r->body, 'GET /a?b localhost', 'body');
is($r->header('x-long'), 'abcdefghijklmnopqrstuvwxyz-0123456789', 'header');
is($r->header('x-seen'), 'q', 'header sent');

$r = http2_get($t->port('tls'), '/t', tls => 1, authority => 'b.test:1');
is($r->body, 'GET /t b.test', 'over TLS');

my $c = http2($t->port);
is($c->request('GET', "/$_")->status, 200, "stream $_") for 1 .. 3;

my @sid = map { $c->start_request('GET', "/$_") } 4 .. 6;
is($c->response($_)->status, 200, 'interleaved') for reverse @sid;

$r = $c->request('GET', '/split', split => 3, huffman => 1,
                 headers => [map { ("x-$_" => $_) } 'a' .. 'm']);
is($r->header('x-seen'), 'a', 'continuation frames, huffman');

my $sid = $c->start_request('GET', '/', pseudo => [[':method', 'GET']]);
$r = $c->response($sid);
ok(defined $r->{rst} || $r->status == 400, 'a malformed request');
$c->close;

# gRPC

my $message = Weir::HTTP2::grpc_message('m' x 200000);
$r = http2_request($t->port, 'POST', '/s/Echo', body => $message,
                   headers => ['content-type' => 'application/grpc',
                               'te' => 'trailers']);
is($r->status, 200, 'gRPC status');
is(length $r->body, length $message, 'a message beyond the windows');
is($r->trailer('grpc-status'), 0, 'trailers');
is($up->last->header(':path'), '/s/Echo', 'recorded path');
is(length $up->last->body, length $message, 'recorded body');

$r = http2_request($t->port, 'POST', '/s/Only', body => '',
                   headers => ['content-type' => 'application/grpc',
                               'te' => 'trailers']);
is($r->header('grpc-status'), 5, 'trailers only');
ok($r->{trailers_only}, 'told so');

$r = http2_request($t->port, 'POST', '/s/Reset', body => 'x',
                   headers => ['content-type' => 'application/grpc',
                               'te' => 'trailers']);
is($r->status, 502, 'a reset upstream');

done_testing();
