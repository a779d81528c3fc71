# What is counted is what is logged: every request once, by service and
# verdict, its latency in one bucket, over reloads and dead connections; a
# recount of the access log gives the same numbers.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 2);
my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    return $_[0]->target =~ /slow/ ? { wait => 'slow' } : {};
});

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;
permit ok    { who anyone; what * /p/ok/**; }
permit alice { who subject alice issuer corp; what * /p/alice/**; }
deny no      { what * /p/no/**; }
EOF2

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

log_format  v  '$service|$weir_verdict|$weir_origin|$weir_latency_us|$status'
               '|$weir_reason|$weir_decision_id|$weir_request_id|$uri';
access_log  %%TESTDIR%%/v.log v;

map $uri $service {
    ~^/p/       p;
    ~^/named/   named;
    ~^/api      api;
    default     default;
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    weir_default  open;

    location /p/ {
        weir_auth    corp optional;
        weir_policy  p;
        weir_trace   on;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
        proxy_intercept_errors  on;
        error_page   504 = /p/ok/fallback;
    }

    location /p/down {
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_down%%;
    }

    location /named/ {
        weir_service  named;
        weir_policy   off;
        proxy_pass    http://127.0.0.1:%%PORT_up%%;
        mirror        /mirror;
        add_header    X-Verdict  "$weir_verdict/$weir_reason";
    }

    location = /mirror {
        weir_service  mirrored;
        weir_policy   off;
        internal;
        proxy_pass    http://127.0.0.1:%%PORT_up%%;
    }

    location /if/ {
        weir_policy  off;

        if ($weir_verdict != none) { return 500; }
        if ($weir_principal) { return 500; }
        return 204;
    }

    location = /api {
        weir_service  api;
        weir_api;
    }

    location = /metrics {
        weir_service  api;
        weir_metrics;
    }
}
EOF2

$t->run;

my ($name, $alice) = bearer('alice');
my @requests = (
    ['GET', '/p/ok/x'], ['GET', '/p/no/x'], ['GET', '/p/ok//x'],
    ['GET', '/p/alice/x'], ['GET', '/p/alice/x', $name => $alice],
    ['GET', '/p/alice/x', $name => 'Bearer a.b.c'], ['POST', '/p/ok/x'],
    ['HEAD', '/p/no/x'], ['GET', '/p/down'], ['GET', '/p/nothing'],
    ['GET', '/named/x'], ['GET', '/if/x'], ['GET', '/elsewhere'],
    ['GET', '/p/ok/x?q=1'], ['OPTIONS', '/p/ok/x'],
);

my $sent = 0;
my %c;

for my $round (1 .. 40) {
    for my $request (@requests) {
        my ($method, $path, @headers) = @$request;

        http_request($t->port, $method, $path, headers => \@headers);
        $sent++;
    }

    # what does not parse is a request of the server

    http($t->port, "GET /p/ok/x HTTP/1.1\r\n\r\n");
    http($t->port, "nonsense\r\n\r\n");
    $sent += 2;

    # a client that goes away

    if ($round % 4 == 0) {
        my $n = $up->count;
        my $c = Weir::HTTP->new(port => $t->port);
        $c->send("GET /p/ok/slow HTTP/1.1\r\nHost: a\r\n\r\n");
        wait_for { $up->count > $n };
        $c->reset;
        $sent++;

        # the second is at the upstream: nginx has read both, unless it was
        # a worker that a reload had just told to go

        $n = $up->count;
        my $h2 = http2($t->port('h2'));
        $h2->request('GET', '/p/no/x');
        $h2->request('GET', '/p/ok/x');

        if (eval { wait_for { $up->count > $n }; 1 }) {
            $sent += 2;

        } else {
            diag "round $round: nothing came of a connection";
        }

        $h2->close;
    }

    $t->reload(wait_old => 0) if $round % 10 == 0;
}

$up->release('slow');

# all of them are in the log: one line each

wait_for { (() = slurp($t->path('v.log')) =~ /\n/g) >= $sent } 20, 'the log';

my (%recount, %buckets, %sum, %reasons, %seen, %ids);

for (split /\n/, slurp($t->path('v.log'))) {
    my ($service, $verdict, $origin, $latency, $status, $reason, $id,
        $request, $uri) = split /\|/, $_, -1;

    # no location was found where the request did not parse

    $service = 'default' if $uri eq '/p/down'
                            || $status == 400 && $verdict eq 'none';

    $recount{$service}{$verdict}++;
    $sum{$service} += $latency;
    $reasons{"$verdict $reason $status $origin"}++;
    $seen{$verdict}++;

    my $i = 0;
    $i++ while $i < 17 && $latency * 1024 > 1000000 * 2 ** $i;
    $buckets{$service}[$_]++ for $i .. 17;

    $ids{$id}++ if $id !~ /^-?$/;

    ok(0, "latency: $latency") if $latency !~ /^\d+$/;
    ok(0, "a decision without id: $_") if $verdict ne 'none'
                                          && $id !~ /^[0-9a-f]{32}$/;
    ok(0, "an id without decision: $_") if $verdict eq 'none'
                                           && $id !~ /^-?$/;
}

my $lines = 0;
$lines += $_ for map { values %$_ } values %recount;

is($lines, $sent, 'each request is logged once');
is(scalar(grep { $_ > 1 } values %ids), 0, 'decision ids differ');
cmp_ok($seen{$_}, '>', 30, "many were $_")
    for qw(none permit deny unauthenticated refused);

# the counters: of all workers, old and new

my $api = http_get($t->port, '/api')->json;

for my $service (qw(p named default)) {
    my %counted = map { $_ => $api->{requests}{$service}{$_} }
                  grep { $api->{requests}{$service}{$_} }
                  keys %{ $api->{requests}{$service} };

    is_deeply(\%counted, $recount{$service}, "requests of $service");
}

is_deeply([sort keys %{ $api->{requests} }],
          [qw(api default mirrored named p)], 'services');
is_deeply([sort keys %{ $api->{requests}{p} }],
          [qw(deny error limited none permit refused unauthenticated)],
          'verdicts');

my $mirrored = 0;
$mirrored += $_ for values %{ $api->{requests}{mirrored} };
is($mirrored, 0, 'a mirror is no request');

my $metrics = http_get($t->port, '/metrics')->body;

for my $service (qw(p named default)) {
    my ($s) = $metrics =~ /^weir_request_duration_seconds_sum
                           \{service="$service"\}\ (\S+)$/xm;
    my ($n) = $metrics =~ /^weir_request_duration_seconds_count
                           \{service="$service"\}\ (\S+)$/xm;

    is(sprintf('%.0f', $s * 1e6), $sum{$service}, "$service: sum of latency");

    my @b = $metrics =~ /^weir_request_duration_seconds_bucket
                         \{service="$service",le="[^"]+"\}\ (\d+)$/xmg;

    is_deeply(\@b, [map { $_ || 0 } @{ $buckets{$service} }],
              "$service: buckets");
    is($n, $b[-1], "$service: count");
}

# what the log says

note(join "\n", map { "$reasons{$_} $_" } sort keys %reasons);

is(join("\n", grep { !/^(?:none\ \ (?:200|204|502|404|400)\ (?:nginx|upstream)
                     |permit\ permit-rule\ (?:200|499)\ (?:upstream|nginx)
                     |deny\ (?:deny-rule|default-deny)\ 403\ weir
                     |unauthenticated\ (?:missing|malformed|default-deny)
                      \ 401\ weir
                     |refused\ ambiguous-path\ 400\ weir)$/x }
               sort keys %reasons), '', 'verdict, reason, status, origin');

like((join "\n", sort keys %reasons), qr/^none  502 nginx$/m,
     'an upstream that is not there did not answer');

is(http_get($t->port, '/named/x')->header('X-Verdict'), 'none/',
   'in a header of the answer');

done_testing();
