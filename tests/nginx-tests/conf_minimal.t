
# conf/minimal.conf: reads for everyone, writes from the office, internals
# for nobody; WebSocket and kept-alive connections by the proxy snippet.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;
use Weir::WebSocket;

my $t = Weir::Test->new;
my $e = example($t, 'minimal');

$t->run;

my $r = http_get($t->port, '/catalogue/7');

is($r->status, 200, 'read');
is($r->body, 'blue', 'by the service');

my $got = $e->{blue}->last;

is($got->line, 'GET /catalogue/7 HTTP/1.1', 'the service got HTTP/1.1');
is($got->header('X-Forwarded-For'), '127.0.0.1', 'X-Forwarded-For');
is($got->header('X-Forwarded-Proto'), 'http', 'X-Forwarded-Proto');

is(http_request($t->port, 'POST', '/catalogue', body => 'x')->status, 200,
   'written from the office');

$r = http_get($t->port, '/internal/debug');

is($r->status, 403, 'internals are denied');
is($r->header('Content-Type'), 'application/problem+json', 'problem+json');

is(http_request($t->port, 'PATCH', '/catalogue')->status, 403,
   'no rule permits it: denied');

# what a client says of others is replaced

http_get($t->port, '/spoofed', headers => [
    'X-Forwarded-For' => '203.0.113.9', 'X-Real-IP' => '203.0.113.9',
    'Forwarded' => 'for=203.0.113.9', 'X-Forwarded-Proto' => 'https']);
$got = $e->{blue}->last;

is($got->header('X-Forwarded-For'), '127.0.0.1', 'X-Forwarded-For replaced');
is($got->header('X-Real-IP'), undef, 'X-Real-IP dropped');
is($got->header('Forwarded'), undef, 'Forwarded dropped');
is($got->header('X-Forwarded-Proto'), 'http', 'X-Forwarded-Proto replaced');

# the connection to the service is kept, whatever the worker

my $c = Weir::HTTP->new(port => $t->port);

my @connections = map {
    $c->request('GET', "/kept/$_");
    $e->{blue}->last->{connection};
} 1 .. 3;

is($connections[2], $connections[1], 'the connection to the service is kept');
$c->close;

my $ws = websocket($t->port, '/chat');

ok($ws->{open}, 'WebSocket opens');
$ws->send_message('hello');
is($ws->read_message, 'hello', 'and echoes');
$ws->close;

done_testing();
