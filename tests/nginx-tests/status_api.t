# weir_api: the object, its members and their types.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_zone 32m;
    weir_node gw-1;
    weir_trace on;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://@{[ $up->address ]}; }
        location = /api { weir_api; }
        location = /metrics { weir_metrics; }
    }
END
$t->run;

my $started = time;
my $r = http_get($t->port, '/api');

is($r->status, 200, 'answered');
is($r->header('Content-Type'), 'application/json', 'type');
is($r->header('Cache-Control'), 'no-store', 'no-store');
is($r->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
like($r->header('Content-Security-Policy'),
     qr/default-src 'none'.*frame-ancestors 'none'/, 'CSP');
is($r->header('Content-Length'), length $r->body, 'length');

my $o = $r->json;
my ($version) = $t->build_info =~ m{nginx/([\d.]+)};

is(ref $o, 'HASH', 'an object') or diag $r->body;
is($o->{version}, '0.1.0', 'version');
is($o->{nginx}, $version, 'nginx');
is($o->{node}, 'gw-1', 'node');
like($o->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'time');
like($o->{uptime_s}, qr/^\d+$/, 'uptime');
cmp_ok($o->{uptime_s}, '<=', time - $started + 30, 'uptime is no clock');

for (qw(version nginx node time uptime_s keeper bundle store requests auth
        limits splits objectives zone))
{
    ok(exists $o->{$_}, "has $_");
}

for (qw(requests auth limits splits objectives zone)) {
    is(ref $o->{$_}, 'HASH', "$_ is an object");
}

for my $area (qw(policies tokens limits revocations slo)) {
    is_deeply([sort keys %{ $o->{zone}{$area} }], [qw(discarded size used)],
              "zone.$area");
    ok(!grep({ !/^\d+$/ } values %{ $o->{zone}{$area} }), "$area: numbers");
}

my $size = 0;
$size += $_->{size} for values %{ $o->{zone} };
cmp_ok($size, '<=', 32 * 1024 * 1024, 'areas fit the zone');
cmp_ok($size, '>', 30 * 1024 * 1024, 'and fill it');


# requests

http_get($t->port, '/x') for 1 .. 5;

# a request counts when it is logged, which is after its answer was sent
wait_for { return ($t->access_log =~ tr/\n//) == 6 } 10, 'the log';

my $again = http_get($t->port, '/api')->json;

is($again->{requests}{default}{none}, $o->{requests}{default}{none} + 6,
   'requests are counted');

wait_for { return ($t->access_log =~ tr/\n//) == 7 } 10, 'the log';

ok(http_get($t->port, '/metrics')->body
   =~ /^weir_requests_total\{service="default",verdict="none"\} (\d+)$/m
   && $1 == $again->{requests}{default}{none} + 1, 'as metrics say');


# a reload does not restart the gateway

{
    wait_for { http_get($t->port, '/api')->json->{uptime_s} >= 1 } 5;
    $t->reload;
    cmp_ok(http_get($t->port, '/api')->json->{uptime_s}, '>=', 1,
           'uptime goes on over a reload');
}

is(http_request($t->port, 'HEAD', '/api')->body, '', 'HEAD');

done_testing;
