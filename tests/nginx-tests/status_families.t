# What all areas tell, in one gateway that uses them all: one valid text with
# every family of the design, one object with every member, and both agree
# with each other and with a recount of the access log.

use Weir::Test;
use Weir::OpenMetrics;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t);

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'one')));

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;

schema from corp { claim tenant string; }

permit members { who authenticated; what GET /t/{tenant}/**;
                 if claim.tenant == path.tenant; }
deny   closed  { who anyone; what * /t/*/closed; }
END

$t->http_conf(<<"END");
    weir_bundle %%TESTDIR%%/policies;
    weir_trace on;
    log_format weir '\$weir_verdict \$weir_rule \$weir_split_colours';
    access_log %%TESTDIR%%/access.log weir;

    weir_issuer corp {
        issuer https://idp.example.com/;
        audience orders;
        jwks file:%%TESTDIR%%/corp.json;
    }
    weir_quota per-user key=\$weir_principal rate=1r/h burst=9;
    weir_split colours key=\$weir_principal { green 40%; blue *; }
    weir_objective orders { availability 99.9%; latency 300ms 99%; }

    upstream app-green { server @{[ $up->address ]}; }
    upstream app-blue { server @{[ $up->address ]}; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /t/ {
            weir_auth corp;
            weir_policy orders;
            weir_limit per-user;
            weir_slo orders;
            proxy_pass http://app-\$weir_split_colours;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_status%%;
        location = /metrics { access_log off; weir_metrics; }
        location = /api     { access_log off; weir_api; }
    }
END
$t->run;

sub token {
    my ($subject, %claims) = @_;
    return $k->mint(key => 'one', claims => {
        iss => 'https://idp.example.com/', aud => 'orders', sub => $subject,
        tenant => 'acme', %claims });
}

my $sent = 0;

sub get {
    my ($path, $token) = @_;
    $sent++;
    return http_get($t->port, $path, headers => [
        $token ? (Authorization => "Bearer $token") : ()])->status;
}

my @users = map { token("user$_") } 1 .. 8;

for my $user (@users) {
    is(get('/t/acme/a', $user), 200, 'permitted');
    is(get('/t/other/a', $user), 403, 'no permit');
    is(get('/t/acme/closed', $user), 403, 'denied');
}

is(get('/t/acme/a'), 401, 'no token');
is(get('/t/acme/a', token('x', iss => 'https://evil.example/')), 401,
   'a bad token');
is(get('/t/acme/a', token('x', exp => time - 3600, iat => time - 7200)), 401,
   'an expired token');

get('/t/acme/a', $users[0]) for 1 .. 12;

wait_for { return ($t->access_log =~ tr/\n//) == $sent } 10, 'the log';

my %log;

for (split /\n/, $t->access_log) {
    my ($verdict, $rule, $colour) = split ' ';
    $log{verdict}{$verdict}++;
    $log{colour}{$colour}++ if $verdict eq 'permit';
}

my $m = eval { openmetrics(http_get($t->port('status'), '/metrics')->body) };
ok($m, 'valid') or diag $@;

for (['weir_requests', 'counter'],
     ['weir_request_duration_seconds', 'histogram'], ['weir_auth', 'counter'],
     ['weir_token_cache', 'counter'], ['weir_policy_decisions', 'counter'],
     ['weir_limit_requests', 'counter'], ['weir_limit_evictions', 'counter'],
     ['weir_split_requests', 'counter'], ['weir_split_weight_ratio', 'gauge'],
     ['weir_build', 'info'], ['weir_slo_events', 'counter'],
     ['weir_bundle_version', 'gauge'], ['weir_trace_contexts', 'counter'],
     ['weir_zone_size_bytes', 'gauge'], ['weir_zone_used_bytes', 'gauge'],
     ['weir_zone_discarded', 'counter'])
{
    my ($family, $type) = @$_;
    is($m->type($family), $type, "$family is a $type");
    ok(length($m->help($family) || ''), "$family has help");
}


# metrics against the log

for my $verdict (qw(permit deny unauthenticated limited)) {
    cmp_ok($log{verdict}{$verdict} || 0, '>', 0, "$verdict occurred");
    is($m->value("weir_requests_total{service=\"orders\","
                 . "verdict=\"$verdict\"}"),
       $log{verdict}{$verdict}, "$verdict as often as logged");
}

for my $colour (qw(green blue)) {
    is($m->value("weir_split_requests_total{colour=\"$colour\","
                 . 'split="colours"}'),
       $log{colour}{$colour} || 0, "$colour as often as logged");
}

cmp_ok($m->value('weir_split_weight_ratio{colour="green",split="colours"}'),
       '==', 0.4, 'weight of green');
cmp_ok($m->value('weir_split_weight_ratio{colour="blue",split="colours"}'),
       '==', 0.6, 'weight of blue');

is($m->value('weir_limit_requests_total{quota="per-user",result="limited"}'),
   $log{verdict}{limited}, 'limited as often as logged');
is($m->value('weir_limit_requests_total{quota="per-user",result="admitted"}'),
   $log{verdict}{permit}, 'admitted as often as logged');

is($m->total('weir_trace_contexts_total') - 1, $sent,
   'a trace context a request, and that of this reading');


# the object against metrics

my $o = http_get($t->port('status'), '/api')->json;

is($o->{requests}{orders}{$_}, $log{verdict}{$_}, "requests.orders.$_")
    for qw(permit deny unauthenticated limited);

is_deeply([map { $o->{limits}{'per-user'}{$_} } qw(admitted limited)],
          [map { $log{verdict}{$_} } qw(permit limited)], 'limits');
is($o->{splits}{colours}{colours}{$_}{requests}, $log{colour}{$_} || 0,
   "splits: $_") for qw(green blue);
ok(exists $o->{objectives}{orders}{$_}, "objectives: $_")
    for qw(availability latency);
is($o->{auth}{corp}{accepted}, 36, 'auth: valid tokens');
is($m->value('weir_auth_total{reason="",result="accepted",way="corp"}'), 36,
   'auth: as metrics say');
is($m->value('weir_auth_total{reason="expired",result="rejected",way="corp"}'),
   1, 'auth: the expired one');
is($o->{bundle}{error}, undef, 'bundle without an error');

for (qw(version nginx node time uptime_s keeper bundle store requests auth
        limits splits objectives zone))
{
    ok(exists $o->{$_}, "has $_");
}

done_testing;
