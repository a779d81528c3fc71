
# conf/slo-metrics.conf: what was good and bad is counted, and can be read on
# loopback.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'slo-metrics');

$t->run;

sub counted {
    my ($sli, $result) = @_;
    my $n = 0;

    for (split /\n/, http_get($t->port(8081), '/metrics')->body) {
        $n += $1 if /^weir_slo_events_total\{(?=.*objective="public")
                     (?=.*sli="$sli")(?=.*result="$result").*\}\ (\d+)$/x;
    }

    return $n;
}

is(http_get($t->port, '/a')->status, 200, 'an answer');
is(http_get($t->port, '/internal/x')->status, 403, 'a refusal');
is(http_get($t->port, '/broken')->status, 500, 'a failure');

# counted just after the answer was sent

wait_for { counted('availability', 'bad') } 5, 'the count of a failure';

is(counted('availability', 'bad'), 1, 'the failure is bad');
is(counted('availability', 'good'), 1, 'the answer is good');
is(counted('availability', 'excluded'), 1, 'the refusal is neither');
is(counted('latency', 'good'), 1, 'and the answer was fast');

my $r = http_get($t->port(8081), '/metrics');

like($r->header('Content-Type'), qr{^application/openmetrics-text},
     'OpenMetrics');
like($r->body,
     qr/^weir_requests_total\{service="catalogue",verdict="permit"\} 2$/m,
     'requests by service and verdict');

my $api = http_get($t->port(8081), '/weir/api')->json;

is($api->{objectives}{public}{availability}{bad}, 1, 'the same in JSON');

is(http_get($t->port(8081), '/metrics', host_header => 'evil.test')->status,
   403, 'not for a page that was led here');
is(http_get($t->port(8081), '/metrics',
            headers => ['X-Forwarded-For' => '203.0.113.9'])->status, 403,
   'nor through a proxy');

$t->wait_access_log(qr/broken/);

my ($line) = grep { $_->{path} eq '/broken' }
             map { JSON::PP::decode_json($_) } split /\n/, $t->access_log;

like($line->{trace_id}, qr/^[0-9a-f]{32}$/, 'the log has the trace');
is($line->{status}, 500, 'and the status');

done_testing();
