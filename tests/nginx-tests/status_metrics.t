# weir_metrics: valid OpenMetrics by a strict reader (which is tested first),
# complete, exact, kept over reloads, with no label that a client chose.

use Weir::Test;
use Weir::Upstream;
use Weir::OpenMetrics;


# the reader refuses what it should

sub invalid {
    my ($text, $re) = @_;
    eval { openmetrics($text) };
    like($@, $re, "the reader refuses: $re");
}

my $good = "# TYPE a counter\n# HELP a b\na_total{x=\"y\"} 1\n";

ok(openmetrics("$good# EOF\n"), 'the reader takes what is right');

invalid($good, qr/last line is not # EOF/);
invalid("$good# EOF", qr/does not end with a line feed/);
invalid("$good# EOF\n\n", qr/last line is not # EOF/);
invalid("a_total 1\n# EOF\n", qr/a sample before any family/);
invalid("# TYPE a counter\na 1\n# EOF\n", qr/no sample of the counter/);
invalid("# TYPE a counter\na_total -1\n# EOF\n", qr/negative/);
invalid("# TYPE a counter\na_total 1\na_total 2\n# EOF\n", qr/twice/);
invalid("# TYPE a_total counter\n# EOF\n# EOF\n", qr/neither metadata/);
invalid("# TYPE a gauge\na{x=\"1\"} 1\n# TYPE b gauge\nb 1\n"
        . "# HELP a late\na{x=\"2\"} 1\n# EOF\n", qr/in two places/);
invalid("# TYPE a gauge\na 1\n# HELP a late\n# EOF\n", qr/after samples/);
invalid("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        qr/end with its unit/);
invalid("# TYPE a gauge\na{x=y} 1\n# EOF\n", qr/bad labels/);
invalid("# TYPE a gauge\na{x=\"\\q\"} 1\n# EOF\n", qr/bad labels/);
invalid("# TYPE a gauge\na  1\n# EOF\n", qr/no sample/);
invalid("# COMMENT\n# EOF\n", qr/neither metadata/);
invalid("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 0\n"
        . "a_sum 1\na_count 0\n# EOF\n", qr/do not add up/);
invalid("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n"
        . "# EOF\n", qr/no bucket \+Inf/);
invalid("# TYPE a histogram\na_bucket{le=\"1\"} 1\n# EOF\n", qr/canonical/);
invalid("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n"
        . "# EOF\n", qr/_count is not/);
invalid("# TYPE a gauge\na{x=\"1\",y=\"1\"} 1\na{x=\"2\",y=\"1\"} 1\n"
        . "a{x=\"1\",y=\"1\"} 2\n# EOF\n", qr/in two places/);


my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;
    weir_trace_trust ids;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { proxy_pass http://@{[ $up->address ]}; }
        location /orders {
            weir_service orders;
            proxy_pass http://@{[ $up->address ]};
        }
        location /off {
            weir_trace off;
            return 204;
        }
        location = /metrics { weir_metrics; }
    }
END
$t->run;

# A request counts when it is logged, which is after its answer was sent.

my $sent = 0;

sub get {
    $sent++;
    return http_get($t->port, @_);
}

sub metrics {
    wait_for { return ($t->access_log =~ tr/\n//) == $sent } 10, 'the log';
    return openmetrics(get('/metrics')->body);
}


# form

my $r = get('/metrics');

is($r->status, 200, 'answered');
is($r->header('Content-Type'),
   'application/openmetrics-text; version=1.0.0; charset=utf-8', 'type');
is($r->header('Cache-Control'), 'no-store', 'no-store');
is($r->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
like($r->header('Content-Security-Policy'), qr/default-src 'none'/, 'CSP');
like($r->header('Content-Security-Policy'), qr/frame-ancestors 'none'/,
     'no frames');
is($r->header('Content-Length'), length $r->body, 'length');

my $m = eval { openmetrics($r->body) };
ok($m, 'valid') or diag "$@" . $r->body;


# families and their types

my %type = (
    weir_requests                 => 'counter',
    weir_request_duration_seconds => 'histogram',
    weir_trace_contexts           => 'counter',
    weir_build                    => 'info',
    weir_zone_size_bytes          => 'gauge',
    weir_zone_used_bytes          => 'gauge',
    weir_zone_discarded           => 'counter',
);

for (sort keys %type) {
    is($m->type($_), $type{$_}, "$_ is a $type{$_}");
    ok(length $m->help($_), "$_ has help");
}

is($m->unit('weir_request_duration_seconds'), 'seconds', 'unit of durations');
is($m->unit("weir_zone_${_}_bytes"), 'bytes', "unit of $_") for qw(size used);

my ($version) = $t->build_info =~ m{nginx/([\d.]+)};

is($m->value("weir_build_info{nginx=\"$version\",version=\"0.1.0\"}"), 1,
   'weir_build_info');

for my $area (qw(policies tokens limits revocations slo)) {
    my $size = $m->value("weir_zone_size_bytes{area=\"$area\"}");
    my $used = $m->value("weir_zone_used_bytes{area=\"$area\"}");

    cmp_ok($size, '>', 0, "$area has a size");
    cmp_ok($used, '<=', $size, "$area is not over it");
    is($m->value("weir_zone_discarded_total{area=\"$area\"}"), 0,
       "$area threw nothing away");
}

cmp_ok($m->value('weir_zone_used_bytes{area="slo"}'), '>', 0,
       'the counters are in the slo area');

is_deeply([grep { !/^weir_/ } $m->families], [], 'every family is ours');
ok(!grep({ !length $m->help($_) } $m->families), 'every family has help');


# exact counts; the request for /metrics that reads them is not among them

sub delta {
    my ($what, $code, %expected) = @_;

    my $before = metrics();
    $code->();
    my $after = metrics();

    # the first reading itself is counted by now
    my $own = 'weir_requests_total{service="default",verdict="none"}';
    my $ctx = 'weir_trace_contexts_total{result="new"}';
    $expected{$_}++ for $own, $ctx;

    for (sort keys %expected) {
        is($after->value($_) - $before->value($_), $expected{$_},
           "$what: $_");
    }

    is($after->total('weir_request_duration_seconds_count'),
       $after->total('weir_requests_total'), "$what: durations are as many");
    is($after->total('weir_requests_total')
       - $before->total('weir_requests_total'),
       eval { my $n = 0; $n += $expected{$_}
              for grep { /requests_total/ } keys %expected; $n },
       "$what: and no others");
}

my $valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

delta('proxied', sub { get('/x') for 1 .. 7 },
      'weir_requests_total{service="default",verdict="none"}' => 7,
      'weir_trace_contexts_total{result="new"}' => 7);

delta('a service', sub { get('/orders/x') for 1 .. 3 },
      'weir_requests_total{service="orders",verdict="none"}' => 3,
      'weir_trace_contexts_total{result="new"}' => 3);

delta('contexts', sub {
          get('/x', headers => [traceparent => $valid])
              for 1 .. 4;
          get('/x', headers => [traceparent => 'junk'])
              for 1 .. 5;
      },
      'weir_requests_total{service="default",verdict="none"}' => 9,
      'weir_trace_contexts_total{result="new"}' => 0,
      'weir_trace_contexts_total{result="continued"}' => 4,
      'weir_trace_contexts_total{result="restarted"}' => 5);

delta('off', sub { get('/off') for 1 .. 2 },
      'weir_requests_total{service="default",verdict="none"}' => 2,
      'weir_trace_contexts_total{result="new"}' => 0);


# counts stay over a reload and add up over both generations of workers

delta('a reload', sub {
          get('/orders') for 1 .. 5;
          $t->reload;
          get('/orders') for 1 .. 5;
      },
      'weir_requests_total{service="orders",verdict="none"}' => 10,
      'weir_trace_contexts_total{result="new"}' => 10);


# a client chooses no label

{
    my %before = map { $_ => 1 } map { metrics()->label_values($_) }
                 qw(service verdict result area);

    $sent++;
    http_request($t->port, 'EVIL', "/evil\"}?evil", headers => [
        Host => 'evil.example', 'X-Request-Id' => 'evil-evil-evil',
        traceparent => 'evil', Authorization => 'Bearer evil']);

    my $r = get('/metrics');

    unlike($r->body, qr/evil/i, 'nothing of the client');
    is_deeply([grep { !$before{$_} } map { metrics()->label_values($_) }
               qw(service verdict result area)], [], 'no new label value');
}


# HEAD, and a query string

{
    $sent++;
    my $r = http_request($t->port, 'HEAD', '/metrics');

    is($r->status, 200, 'HEAD');
    cmp_ok($r->header('Content-Length'), '>', 1000, 'HEAD: length');
    is($r->body, '', 'HEAD: no body');

    ok(openmetrics(get('/metrics?x=1')->body), 'a query');
}


# read while others are counted

{
    my @pids = map {
        $t->spawn(sub { http_get($t->port, '/orders') for 1 .. 100 });
    } 1 .. 3;

    for (1 .. 20) {
        ok(eval { openmetrics(get('/metrics')->body) }, 'valid under load')
            or diag $@;
    }

    $t->reap($_, 30) for @pids;
}

done_testing;
