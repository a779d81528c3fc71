# weir_metrics and weir_api with a policy: it decides, and nothing else; in a
# server that uses policies the pages are not closed locations.

use Weir::Test;
use Weir::OpenMetrics;

my $t = Weir::Test->new;

$t->file('policies/ops.policy', <<'END');
language 1;
policy ops;

permit scrape { who anyone; what GET, POST /metrics; host prom.example; }
permit status { who anyone; what GET /api; }
END

$t->http_conf(<<'END');
    weir_bundle %%TESTDIR%%/policies;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen unix:%%TESTDIR%%/status.sock;

        location = /metrics { weir_policy ops; weir_metrics; }
        location = /api     { weir_policy ops; weir_api; }
        location = /local   { weir_metrics; }
        location = /off     { weir_policy off; weir_metrics; }
    }
END
$t->run;

sub status {
    my ($page, @headers) = @_;
    return http_get($t->port, $page, headers => \@headers)->status;
}


# the policy decides

is(status('/metrics', Host => 'prom.example'), 200, 'permitted');
is(status('/metrics', Host => 'prom.example', 'X-Forwarded-For' => '1.2.3.4'),
   200, 'permitted, by a proxy');
is(status('/metrics', Host => 'localhost'), 403, 'not permitted');
is(status('/metrics', Host => 'evil.example'), 403, 'not permitted');
is(http_get(undef, '/api', unix => $t->path('status.sock'),
            headers => [Host => 'anything'])->status, 200,
   'permitted over a unix socket');

{
    my $r = http_request($t->port, 'POST', '/metrics',
                         headers => [Host => 'prom.example']);

    is($r->status, 405, 'a permitted method that the page does not have');
    is($r->header('Allow'), 'GET, HEAD', 'Allow');
}

is(http_request($t->port, 'HEAD', '/metrics',
                headers => [Host => 'prom.example'])->status, 403,
   'GET does not permit HEAD');


# without one: this machine only, and not closed

is(status('/local'), 200, 'no policy in a server that uses policies');
is(status('/local', Host => 'prom.example'), 403, 'no policy, a stranger');
is(status('/off'), 200, 'weir_policy off');
is(status('/off', Host => 'prom.example'), 403, 'weir_policy off, a stranger');
is(http_get(undef, '/off', unix => $t->path('status.sock'))->status, 403,
   'weir_policy off, a unix socket');


# what all areas tell together is one valid text and one object

my $r = http_get($t->port, '/local');
my $m = eval { openmetrics($r->body) };

ok($m, 'valid') or diag "$@" . $r->body;
cmp_ok($m->value('weir_requests_total{service="ops",verdict="permit"}'), '>',
       0, 'permits are counted');
cmp_ok($m->value('weir_requests_total{service="ops",verdict="deny"}'), '>',
       0, 'denials are counted');

my $o = http_get($t->port, '/api')->json;

is(ref $o, 'HASH', 'an object');
is(ref $o->{bundle}, 'HASH', 'that tells of the bundle');

done_testing;
