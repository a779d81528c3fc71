
# conf/everything.conf: all of it at once, over TLS.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'everything');

$t->run;

my @tls = (tls => 1, host_header => 'api.example.com');
my $port = $t->port(8443);
my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';

my $r = http_get($port, '/t/acme/reports/7', @tls, headers => [
    @{ $e->{bearer}->({}) },
    traceparent => "00-$trace-00f067aa0ba902b7-01"]);

is($r->status, 200, 'a permit');
like($r->body, qr/^(?:blue|green)$/, 'of a colour');
like($r->header('RateLimit'), qr/"per-address";.*"per-user";/, 'quotas');

my $got = $e->{ $r->body }->last;

is($got->header('X-Subject'), 'alice', 'who it is');
is($got->header('X-Forwarded-Proto'), 'https', 'by TLS');
like($got->header('traceparent'), qr/^00-$trace-(?!00f067aa0ba902b7)/,
     'the trace continues');
is($got->header('X-Request-Id'), $r->header('X-Request-Id'), 'a request id');

is(http_get($port, '/t/acme/reports/7', @tls)->status, 401, 'no token');
is(http_get($port, '/t/globex/reports/7', @tls,
            headers => $e->{bearer}->({}))->status, 403, 'another tenant');

# the catalogue is for everyone, and yet a token must be good

is(http_get($port, '/catalogue/7', @tls)->status, 200, 'anonymous');
is(http_get($port, '/catalogue/7', @tls,
            headers => $e->{bearer}->({}))->status, 200, 'with a token');
is(http_get($port, '/catalogue/7', @tls,
            headers => $e->{bearer}->({ exp => time - 3600 }))->status, 401,
   'with an old token');

is(http_get($port, '/', @tls)->status, 404, 'the rest');
is(http_get($t->port, '/catalogue/7')->status, 200, 'without TLS too');

is(http_get($t->port(8081), "/$_")->status, 200, $_) for qw(live ready);

my $metrics = http_get($t->port(8081), '/metrics')->body;

for my $family (qw(weir_requests_total weir_auth_total
                   weir_policy_decisions_total weir_limit_requests_total
                   weir_split_requests_total weir_slo_events_total
                   weir_trace_contexts_total weir_zone_size_bytes))
{
    like($metrics, qr/^$family\{/m, $family);
}

is(http_get($t->port(8081), '/weir/api')->json->{bundle}{source}, 'local',
   'the api');

# a reload while it runs, with another key set: the old token is no longer good

my $bearer = $e->{bearer}->({});
my $token = Weir::Token->new($t);

$t->file('weir/jwks.json',
         $token->jwks($token->jwk('ES256', 'k2', kid => 'k1')));
ok($t->reload, 'reload');

is(http_get($port, '/t/acme/reports/7', @tls, headers => $bearer)->status,
   401, 'a key that was withdrawn');

done_testing();
