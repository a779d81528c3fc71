# Traces over HTTP/2, and with bodies and many streams on one connection.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

my $h2 = $t->version >= 1025001 ? "listen 127.0.0.1:%%PORT_0%%; http2 on;"
                                : "listen 127.0.0.1:%%PORT_0%% http2;";

$t->http_conf(<<"END");
    weir_trace on;
    weir_trace_trust ids;

    server {
        $h2
        location / { proxy_pass http://@{[ $up->address ]}; }
        location /return { return 204; }
    }
END
$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $valid = "00-$trace-00f067aa0ba902b7-01";


{
    my $r = http2_get($t->port, '/', headers => [
        traceparent => $valid, tracestate => 'a=1', tracestate => 'b=2',
        'x-request-id' => 'client-id']);
    my $u = $up->last;

    is($r->status, 200, 'answered');
    like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'a request id');
    like($u->header('traceparent'), qr/^00-$trace-[0-9a-f]{16}-00$/,
         'continued');
    is_deeply([$u->header('tracestate')], ['a=1,b=2'], 'tracestate joined');
    is_deeply([$u->header('X-Request-Id')], [$r->header('x-request-id')],
              'the same upstream');
    is_deeply([$u->header('X-Client-Request-Id')], ['client-id'],
              'the client\'s beside it');
}

{
    http2_get($t->port, '/', headers => [traceparent => $valid,
                                         traceparent => $valid]);
    my @values = $up->last->header('traceparent');

    is(scalar @values, 1, 'two become one');
    unlike($values[0], qr/$trace/, 'of a new trace');
}

{
    my @others = map { ("x-h$_" => $_) } 1 .. 40;

    http2_get($t->port, '/', headers => [@others, traceparent => $valid]);
    is(scalar(my @v = $up->last->header('traceparent')), 1,
       'last of more than 40');
    is(scalar(grep { /^x-h/i } $up->last->names), 40, 'the others are whole');
}

like(http2_get($t->port, '/return')->header('x-request-id'),
     qr/^[0-9a-f]{32}$/, 'without upstream');

{
    my $c = http2($t->port);
    my %ids;

    for (1 .. 50) {
        my $r = $c->request('POST', '/', body => 'x' x 1000);
        $ids{ $r->header('x-request-id') }++;
    }

    is(keys %ids, 50, 'fifty streams of one connection, fifty ids');
}

done_testing;
