
# conf/auth-policy.conf: tokens of an issuer, a policy on their claims, who it
# is told to the service, a log that says why.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'auth-policy');

$t->run;

my $path = '/t/acme/reports/7';
my $r = http_get($t->port, $path, headers => $e->{bearer}->({}));

is($r->status, 200, 'an analyst reads');

my $got = $e->{blue}->last;

is($got->header('X-Subject'), 'alice', 'the service learns the subject');
is($got->header('X-Tenant'), 'acme', 'and the tenant');
is($got->header('Authorization'), undef, 'and not the token');

$r = http_get($t->port, $path);

is($r->status, 401, 'no token');
is($r->header('WWW-Authenticate'), 'Bearer realm="weir"', 'a challenge');

$r = http_get($t->port, $path, headers => $e->{bearer}->({},
                                          signature => 'x' x 64));

is($r->status, 401, 'a bad signature');
like($r->header('WWW-Authenticate'), qr/error="invalid_token"/, 'says so');

is(http_get($t->port, $path,
            headers => $e->{bearer}->({ aud => 'billing' }))->status, 401,
   'another audience');

is(http_get($t->port, $path,
            headers => $e->{bearer}->({ tenant => 'globex' }))->status, 403,
   'another tenant');

my @admin = (roles => ['admin'], sub => 'root');

is(http_request($t->port, 'DELETE', '/t/acme/admin/users/7',
                headers => $e->{bearer}->({ @admin }))->status, 403,
   'no second factor');

is(http_request($t->port, 'DELETE', '/t/acme/admin/users/7',
                headers => $e->{bearer}->({ @admin, amr => ['mfa'] }))
   ->status, 200, 'a second factor');

is(http_get($t->port, '/healthz')->body, "ok\n", 'the open location');
is(http_get($t->port, '/elsewhere')->status, 403, 'the rest is closed');
is($e->{blue}->count, 2, 'the service saw what was permitted');

# the log answers who, what and why, in JSON

$t->wait_access_log(qr/elsewhere/);

my @lines = map { JSON::PP::decode_json($_) } split /\n/, $t->access_log;
my ($denied) = grep { $_->{rule} eq 'admin-without-mfa' } @lines;
my ($permitted) = grep { $_->{rule} eq 'read-reports' } @lines;

is($denied->{verdict}, 'deny', 'log: verdict');
is($denied->{reason}, 'deny-rule', 'log: reason');
is($denied->{principal}, 'jwt:corp:root', 'log: principal');
is($denied->{origin}, 'weir', 'log: origin');
is($permitted->{verdict}, 'permit', 'log: a permit');
is($permitted->{origin}, 'upstream', 'log: answered by the service');
like($permitted->{decision_id}, qr/^[0-9a-f]{32}$/, 'log: decision id');

done_testing();
