
# weir_health: live is a worker that answers; ready is what decides being
# there.  A store that is away unreadies nobody; strangers may ask, and learn
# no more than a word.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use Weir::OpenMetrics;
use Weir::Store;

my $t = Weir::Test->new;
my $store = Weir::Store->new($t);
my $trust = $store->key('alice');
my $h2 = $t->version >= 1025001 ? '; http2 on' : ' http2';

sub conf {
    my ($policy) = @_;
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=100ms;
    weir_trust       $trust;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    @{[ issuer($t) ]}
    weir_objective   all { availability 99%; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_h2%%$h2;
        weir_slo all;

        location / { weir_auth corp; weir_policy $policy; root %%TESTDIR%%; }
        location = /live    { weir_health live; }
        location = /ready   { weir_health ready; }
        location = /guarded { weir_health ready; deny all; }
        location = /asked   { weir_health ready; weir_policy $policy; }
        location = /metrics { weir_slo all; weir_metrics; }
        location = /api     { weir_api; }
    }

    server {
        listen 127.0.0.1:%%PORT_auth%%;

        weir_auth   corp;
        weir_policy $policy;

        location /            { root %%TESTDIR%%; }
        location = /inherited { weir_health ready; }
        location = /open      { weir_auth off; weir_policy off;
                                weir_health ready; }
    }
}
END
}

sub push_policy {
    my ($name) = @_;
    $store->push_bundle(keys => ['alice'], files => {
        'p.policy' => "language 1; policy $name;\n"
                      . "permit x { who authenticated; what * /**; }\n" });
}

sub get { return http_get($t->port, @_) }
sub ready { return get('/ready')->status }

conf('p');
$t->run;


# nothing to decide by yet

my $r = get('/live');
is($r->status, 200, 'live');
is($r->body, qq({"status":"live"}\n), 'its body');
is($r->header('Content-Type'), 'application/json', 'type');
is($r->header('Cache-Control'), 'no-store', 'no-store');
is($r->header('Content-Length'), length $r->body, 'length');

$r = get('/ready');
is($r->status, 503, 'not ready without a bundle');
is($r->body, qq({"status":"unready","failing":["bundle"]}\n), 'says so');
is($r->header('Cache-Control'), 'no-store', 'no-store');
is($r->header('Content-Type'), 'application/json', 'type');
is(http2_get($t->port('h2'), '/ready')->status, 503, 'h2');
is(http2_get($t->port('h2'), '/live')->status, 200, 'h2: live');

push_policy('p');
wait_for { ready() == 200 } 5, 'ready with a bundle';
is(get('/ready')->body, qq({"status":"ready"}\n), 'says so');
is(get('/x')->status, 401, 'and decides');


# methods; strangers; what is written beside it

for my $page ('/live', '/ready') {
    $r = http_request($t->port, 'HEAD', $page);
    is($r->status, 200, "$page: HEAD");
    is($r->body, '', 'no body');
    ok($r->header('Content-Length') > 0, 'its length');

    for my $method (qw(POST PUT DELETE OPTIONS)) {
        $r = http_request($t->port, $method, $page);
        is($r->status, 405, "$page: $method");
        is($r->header('Allow'), 'GET, HEAD', 'Allow');
    }

    is(get($page, headers => [Host => '10.1.2.3', 'X-Forwarded-For' =>
                              '203.0.113.1'])->status, 200,
       "$page: from elsewhere");
    is(get($page, headers => [Authorization => 'Bearer x'])->status, 200,
       "$page: whatever it brings");
}

is(get('/guarded')->status, 403, 'allow and deny');
is(get('/asked')->status, 403, 'a policy that is written there');
is(http_get($t->port('auth'), '/inherited')->status, 401,
   'what the server asks for');
is(http_get($t->port('auth'), '/open')->status, 200, 'and what it does not');


# the store is away: ready

rename $store->dir, $store->dir . '.away';
wait_for { get('/api')->json->{store}{state} eq 'down' } 5, 'away';
is(ready(), 200, 'a store that is away unreadies nobody');
rename $store->dir . '.away', $store->dir;
wait_for { get('/api')->json->{store}{state} eq 'up' } 5, 'back';

# a bundle that is refused: what is in effect is ready

$store->put('head.json', 'garbage');
wait_for { get('/api')->json->{bundle}{error} } 5, 'refused';
is(ready(), 200, 'what is in effect stays ready');


# a reload that names a policy which the bundle lacks

conf('q');
ok($t->reload, 'reload');
$r = get('/ready');
is($r->status, 503, 'its policy is not there');
is($r->body, qq({"status":"unready","failing":["bundle"]}\n), 'says so');
is(get('/live')->status, 200, 'live all the same');
push_policy('q');
wait_for { ready() == 200 } 5, 'until it is';


# probes are no service

my $m = openmetrics(get('/metrics')->body);
is($m->value('weir_slo_events_total{colour="none",objective="all",'
             . 'result="bad",sli="availability"}'), 0, 'no probe was bad');
is($m->value('weir_slo_events_total{colour="none",objective="all",'
             . 'result="good",sli="availability"}'), 0, 'none was good');
is($m->value('weir_draining'), 0, 'weir_draining');
is($m->value('weir_requests_in_flight'), 0, 'nor in flight');


# a restart without a store: the snapshot is enough

$t->stop;
rename $store->dir, $store->dir . '.away';
$t->run;
is(ready(), 200, 'ready by a snapshot');
rename $store->dir . '.away', $store->dir;


# the directive

$t->allow(qr/ in \S+tested\.conf:\d+$/);

sub refused {
    my ($text, $re) = @_;
    my ($rc, $out) = $t->test_config("events {}\nhttp {\nserver {\nlisten "
        . "127.0.0.1:%%PORT_9%%;\nlocation /x {\n$text\n}\n}\n}\n");
    is($rc, 1, "refused: $text");
    like($out, $re, "says $re");
}

refused('weir_health;', qr/invalid number of arguments in "weir_health"/);
refused('weir_health up;', qr/invalid value "up", it must be "live" or "re/);
refused('weir_health live; weir_health ready;', qr/directive is duplicate/);
refused('weir_health live; weir_api;', qr/stands beside another handler/);
refused('proxy_pass http://127.0.0.1:1; weir_health live;',
        qr/stands beside another handler/);

my ($rc, $out) = $t->test_config(<<'END');
events {}
http {
    server { listen 127.0.0.1:%%PORT_9%%; location /x { weir_health ready; } }
}
END
is($rc, 0, 'without a store or a policy') or diag $out;
unlike($out, qr/warn/, 'no warning');

done_testing();
