# Rates and bursts: as limit_req's, exact, one bucket for all workers, told in
# the fields of the answer, the same over HTTP/2.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Time::HiRes qw(time);

my $t = Weir::Test->new(workers => 2);

$t->http_conf(<<'END');
    weir_quota minute  key=$arg_k rate=1r/m burst=4;
    weir_quota second  key=$arg_k rate=20r/s burst=5;
    weir_quota single  key=$arg_k rate=1r/h;
    weir_quota heavy   key=$arg_k rate=1r/h burst=9 cost=4;
    weir_quota hour    key=all    rate=1000r/h burst=10;
    weir_quota large   key=$arg_k rate=1r/s burst=100;
    weir_quota address key=$binary_remote_addr rate=1r/m burst=1;
    weir_quota empty   key=$arg_nothing rate=1r/m burst=1;
    weir_quota text    key=$remote_addr$arg_k rate=1r/m burst=1;

    log_format limit '$request_uri $status $weir_verdict $weir_reason '
                     '"$weir_limit_remaining" $weir_origin';
    access_log %%TESTDIR%%/access.log limit;

    add_header X-Pid $pid always;
    keepalive_requests 1000000;

    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_h2%% http2;
        root %%TESTDIR%%/root;

        location /minute  { weir_limit minute; try_files /ok =404; }
        location /second  { weir_limit second; try_files /ok =404; }
        location /single  { weir_limit single; try_files /ok =404; }
        location /heavy   { weir_limit heavy; try_files /ok =404; }
        location /hour    { weir_limit hour; try_files /ok =404; }
        location /large   { weir_limit large; try_files /ok =404; }
        location /address { weir_limit address; try_files /ok =404; }
        location /empty   { weir_limit empty; try_files /ok =404; }
        location /text    { weir_limit text; try_files /ok =404; }
        location /several { weir_limit minute hour large; try_files /ok =404; }
        location /free    { try_files /ok =404; }
        location /metrics { weir_metrics; }
        location /api     { weir_api; }
    }
END

$t->file('root/ok', 'ok');
$t->run;

my $p = $t->port;


sub get { return http_get($p, @_) }
sub statuses { return join ' ', map { $_->status } @_ }


# --- burst: N more than the first at once

my @r = map { get('/minute?k=a') } 1 .. 6;

is(statuses(@r), '200 200 200 200 200 429', 'one and four more, then none');

is_deeply([map { $_->header('RateLimit') =~ /r=(\d+)/ } @r],
          [4, 3, 2, 1, 0, 0], 'what is left after each');

is($r[0]->header('RateLimit-Policy'), '"minute";q=5;w=300',
   'a burst beyond the count is a window of its own');
like($r[0]->header('RateLimit'), qr/^"minute";r=4;t=60$/, 'full in a minute');
like($r[4]->header('RateLimit'), qr/^"minute";r=0;t=300$/, 'in five');
is($r[0]->header('Retry-After'), undef, 'no Retry-After where admitted');

my $refused = $r[5];

cmp_ok($refused->header('Retry-After'), '<=', 60, 'Retry-After: at most I');
cmp_ok($refused->header('Retry-After'), '>=', 55, 'and nearly that');
is($refused->header('RateLimit'),
   '"minute";r=0;t=' . $refused->header('Retry-After'),
   'RateLimit says the same');
is($refused->header('Content-Type'), 'application/problem+json', 'type');
is($refused->header('Cache-Control'), 'no-store', 'not to be stored');

my $body = $refused->json;

like($body->{decision_id}, qr/^[0-9a-f]{32}$/, 'decision id');
delete $body->{decision_id};
is_deeply($body, {
    type => 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title => 'Too Many Requests', status => 429,
    'violated-policies' => ['minute'],
}, 'the body');

is(get('/minute?k=b')->status, 200, 'another key');
is(get('/free')->header('RateLimit'), undef, 'no quota, no field');

$t->wait_access_log(qr/^\/minute\?k=b /m);
my @log = split /\n/, $t->access_log;
is($log[0], '/minute?k=a 200 none  "4" nginx', 'log of an admitted one')
    or diag($log[0]);
is($log[5], '/minute?k=a 429 limited quota-exceeded "0" weir',
   'log of a refused one');

# --- no burst

is(statuses(map { get('/single?k=a') } 1 .. 3), '200 429 429', 'burst=0');

# --- cost

is(statuses(map { get('/heavy?k=a') } 1 .. 3), '200 200 429', 'cost=4 of 10');

# --- the fields of other rates

@r = (get('/hour'), get('/large?k=a'), get('/second?k=f'));

is($r[0]->header('RateLimit-Policy'), '"hour";q=1000;w=3600', 'per hour');
is($r[1]->header('RateLimit-Policy'), '"large";q=101;w=101', 'burst > count');
is($r[2]->header('RateLimit-Policy'), '"second";q=20;w=1', 'per second');
is($r[2]->header('RateLimit'), '"second";r=5;t=1', 'at least a second');

my $r = get('/several?k=s');

is($r->header('RateLimit-Policy'),
   '"minute";q=5;w=300, "hour";q=1000;w=3600, "large";q=101;w=101',
   'several, in their order');
like($r->header('RateLimit'),
     qr/^"minute";r=4;t=60, "hour";r=9;t=[78], "large";r=100;t=1$/,
     'what is left of each');
is(scalar(my @fields = $r->header('RateLimit')), 1, 'in one field');

# --- the rate: over a while exactly so many, however many are asked for

my $c = Weir::HTTP->new(port => $p);
my ($admitted, $asked) = (0, 0);
my $start = time;
my $elapsed;

do {
    $admitted++ if $c->request('GET', '/second?k=rate')->status == 200;
    $asked++;
    $elapsed = time - $start;
} while ($elapsed < 1.5 || $asked < 40);

$c->close;

cmp_ok($admitted, '<=', 6 + 20 * $elapsed, 'never more than burst and rate');
cmp_ok($admitted, '>=', 6 + 20 * $elapsed - 2, 'and no less');

# --- two workers, one bucket

my (%pids, @connections);

wait_for {
    my $conn = Weir::HTTP->new(port => $p);
    $pids{ $conn->request('GET', '/free')->header('X-Pid') }++;
    push @connections, $conn;
    keys %pids == 2;
} 20, 'connections to both workers';

my %got;

for my $n (0 .. 2 * @connections) {
    my $r = $connections[$n % @connections]->request('GET', '/minute?k=two');
    $got{ $r->header('X-Pid') }{ $r->status }++;
}

$_->close for @connections;

my $sum = 0;
$sum += $_->{200} || 0 for values %got;
is($sum, 5, 'both workers together admit what one would');
is(scalar(keys %got), 2, 'both were asked');

# --- HTTP/2

my $h2 = http2($t->port('h2'));
my @h = map { $h2->request('GET', '/minute?k=h2') } 1 .. 6;

is(statuses(@h), '200 200 200 200 200 429', 'HTTP/2');
is($h[0]->header('ratelimit'), '"minute";r=4;t=60', 'RateLimit over HTTP/2');
ok($h[5]->header('retry-after'), 'Retry-After over HTTP/2');

# --- gRPC

my $g = $h2->request('POST', '/minute?k=h2',
                     headers => ['content-type' => 'application/grpc']);
is($g->status, 200, 'gRPC: trailers only');
is($g->header('grpc-status'), 8, 'RESOURCE_EXHAUSTED');
ok($g->header('retry-after'), 'with Retry-After') or diag(explain($g));

$h2->close;

# --- addresses: IPv6 by its /64, IPv4-mapped is IPv4, an empty key is them

sub from {
    my ($path, $address) = @_;
    return get($path, headers => ['X-Real-IP' => $address])->status;
}

for my $path ('/address', '/empty') {
    is(from($path, '192.0.2.1'), 200, "$path: IPv4");
    is(from($path, '::ffff:192.0.2.1'), 200, "$path: the same, mapped");
    is(from($path, '192.0.2.1'), 429, "$path: is one bucket");
    is(from($path, '192.0.2.2'), 200, "$path: another address");

    is(from($path, '2001:db8:1:2::1'), 200, "$path: IPv6");
    is(from($path, '2001:db8:1:2:ffff::2'), 200, "$path: of the same /64");
    is(from($path, '2001:db8:1:2:3:4:5:6'), 429, "$path: is one bucket");
    is(from($path, '2001:db8:1:3::1'), 200, "$path: another /64");
}

is(get('/text?k=1')->status, 200, 'an address among others is text');

# --- counters

my $m = openmetrics(get('/metrics')->body);

is($m->value('weir_limit_requests_total{quota="single",result="admitted"}'), 1,
   'admitted');
is($m->value('weir_limit_requests_total{quota="single",result="limited"}'), 2,
   'limited');
is($m->value('weir_limit_requests_total{quota="single",result="shadow"}'), 0,
   'shadow');
is($m->value('weir_limit_evictions_total'), 0, 'no key was forgotten');

is_deeply(get('/api')->json->{limits}{single},
          { admitted => 1, limited => 2, shadow => 0 }, 'weir_api');

done_testing();
