
# weirctl drain: ready becomes 503, connections end, what is under way goes
# on to its end, and the verb knows when that is.  Over a reload, a killed
# keeper and a zone made afresh; until it is undone, or the gateway is started
# again.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;
use Weir::Fleet;
use Weir::OpenMetrics;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 3);
my $up = Weir::Upstream->new($t, port => 'up');
my $f = Weir::Fleet->new($t);
my $h2 = $t->version >= 1025001 ? '; http2 on' : ' http2';
my $state = $t->path('state');

sub conf {
    my ($zone) = @_;
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        $zone;
    weir_node        gw1;
    weir_store       @{[ $f->store ]};
    weir_trust       @{[ $f->pub ]};
    weir_state       $state;
    weir_thread_pool weir;
    keepalive_timeout 60s;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_h2%%$h2;

        location /       { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location = /static { root %%TESTDIR%%/html; }
        location = /ready { weir_health ready; }
        location = /api   { weir_api; }
        location = /metrics { weir_metrics; }
    }
}
END
}

sub get { return http_get($t->port, @_) }
sub drain { return $t->weirctl('drain', '--state', $state, @_) }
sub ready { return get('/ready') }

# every worker answers so: they listen on one socket, whoever is quick serves

sub all_ready {
    my ($status) = @_;
    return join ' ', grep { $_ != $status } map { ready()->status } 1 .. 60;
}

$t->file('html/static', "static\n");
conf('8m');
$t->run;
wait_for { -s "$state/gateway" } 5, 'the gateway tells of itself';
is(ready()->status, 200, 'ready');

my ($rc, $out, $err);


# requests under way on HTTP/1 and HTTP/2; an idle connection of each

$up->answer('/slow1' => { wait => 'one', body => 'slow' });
$up->answer('/slow2' => { wait => 'two', body => 'slow' });

my $busy = Weir::HTTP->new(port => $t->port);
$busy->send(Weir::HTTP->format('GET', '/slow1'));

my $busy2 = http2($t->port('h2'));
my $stream = $busy2->start_request('GET', '/slow2');

my $idle = Weir::HTTP->new(port => $t->port);
my $r = $idle->request('GET', '/quick');
is($r->status, 200, 'HTTP/1, kept alive');
is($r->header('Connection'), 'keep-alive', 'as it says');

my $idle2 = http2($t->port('h2'));
is($idle2->request('GET', '/quick')->status, 200, 'HTTP/2');

$up->wait_count(4);
is(get('/api')->json->{in_flight}, 2, 'two under way');
is(openmetrics(get('/metrics')->body)->value('weir_requests_in_flight'), 2,
   'as metrics have it');

my $began = time;
($rc, $out, $err) = drain('--wait', '1500ms');
is($rc, 1, 'they do not end');
is($err, "weirctl: gateway gw1: 2 in flight\n", 'it says how many');

$r = ready();
is($r->status, 503, 'not ready');
is($r->body, qq({"status":"unready","failing":["draining"]}\n), 'it says why');
is(all_ready(503), '', 'in all workers');
is(get('/api')->json->{draining}, JSON::PP::true(), 'weir_api');
is(openmetrics(get('/metrics')->body)->value('weir_draining'), 1, 'metrics');
wait_for { $t->log_lines(qr/\[notice\].*this gateway is draining/) } 5, 'log';

$r = $idle->request('GET', '/again');
is($r->status, 200, 'a request is still served');
is($r->header('Connection'), 'close', 'and is the last of its connection');
ok($idle->closed, 'which ends');

1 while !$idle2->{goaway} && $idle2->read_frame(Time::HiRes::time() + 5);
is_deeply($idle2->{goaway}, { last => 1, code => 0 },
          'GOAWAY to an idle connection of HTTP/2');

1 while !$busy2->{goaway} && $busy2->read_frame(Time::HiRes::time() + 5);
is_deeply($busy2->{goaway}, { last => $stream, code => 0 },
          'and to a busy one');

# the report and status

wait_for {
    my ($rc, $out) = $f->ctl('status');
    $out =~ /^gw1 .*draining, \d+ in flight/m;
} 10, 'weirctl status';

my ($gw) = @{ JSON::PP::decode_json(($f->ctl('status', '--json'))[1])
              ->{gateways} };
ok($gw->{draining}, 'the report says so');
is($gw->{state_dir}, $state, 'and where its folder is');


# what is under way ends as ever, and the drain with it

$up->release('one');
is($busy->response->body, 'slow', 'a slow request ends as ever');
$up->release('two');
is($busy2->response($stream)->body, 'slow', 'one of HTTP/2, too');

$began = Time::HiRes::time();
($rc, $out, $err) = drain();
is($rc, 0, 'drained') or diag $err;
is($out, "gw1 drained\n", 'it says so');
cmp_ok(Time::HiRes::time() - $began, '<', 10, 'without waiting for 30 s');

($rc, $out) = drain('--json');
is_deeply(JSON::PP::decode_json($out), { gateway => 'gw1', in_flight => 0,
    draining => JSON::PP::true() }, '--json');


# a reload, one with another zone, a killed keeper: it drains

ok($t->reload, 'reload');
is(all_ready(503), '', 'still draining');

conf('9m');
ok($t->reload, 'a reload with another zone');
is(all_ready(503), '', 'still draining, from the first request on');

kill 'KILL', wait_for { get('/api')->json->{keeper} } 5, 'the keeper';
$t->allow(qr/exited on signal 9/);
is(all_ready(503), '', 'without its keeper, too');
($rc) = drain();
is($rc, 0, 'and another one answers');


# undone

($rc, $out, $err) = drain('--undo');
is($rc, 0, 'drain --undo') or diag $err;
is($out, "gw1 serves\n", 'it says so');
is(all_ready(200), '', 'ready again');
$r = Weir::HTTP->new(port => $t->port)->request('GET', '/quick');
is($r->header('Connection'), 'keep-alive', 'connections stay');
wait_for { $t->log_lines(qr/this gateway is not draining any more/) } 5, 'log';


# waits for what ends meanwhile

$up->answer('/slow3' => { wait => 'three', body => 'slow' });
$busy = Weir::HTTP->new(port => $t->port);
my $before = $up->count;
$busy->send(Weir::HTTP->format('GET', '/slow3'));
$up->wait_count($before + 1);

my $child = $t->spawn(sub {
    wait_for { ready()->status == 503 } 10, 'draining';
    $up->release('three');
    POSIX::_exit(0);
});

($rc, $out, $err) = drain('--wait', '20s');
is($rc, 0, 'it waits until the request ends') or diag $err;
is($busy->response->body, 'slow', 'which it does');
$t->reap($child, 5);


# under load, on connections that are kept: no request fails, however often

($rc) = drain('--undo');
my $stop = $t->path('stop');

my @clients = map {
    my $n = $_;
    $t->spawn(sub {
        my ($done, $failed, $closed, $c) = (0, 0, 0);

        until (-e $stop) {
            $c ||= Weir::HTTP->new(port => $t->port);
            my $r = $c->request('GET', '/static');
            $r && $r->status == 200 && $r->body eq "static\n" ? $done++
                                                              : $failed++;
            next if $r && $r->header('Connection') eq 'keep-alive';
            $closed++;
            undef $c;
        }

        spew($t->path("client.$n"), "$done $failed $closed");
        POSIX::_exit(0);
    });
} 1 .. 3;

for (1 .. 3) {
    ($rc, $out, $err) = drain('--wait', '20s');
    is($rc, 0, 'drained under load') or diag $err;
    ($rc) = drain('--undo');
    is($rc, 0, 'and undone');
}

spew($stop, '');
$t->reap($_, 10) for @clients;

my @sum = (0, 0, 0);

for my $n (1 .. 3) {
    my @n = split ' ', slurp($t->path("client.$n"));
    $sum[$_] += $n[$_] for 0 .. 2;
}

cmp_ok($sum[0], '>', 100, "$sum[0] requests were served");
is($sum[1], 0, 'none failed');
cmp_ok($sum[2], '>=', 9, "$sum[2] connections were ended by an answer");


# the store finds the gateway; a start of it ends the drain

drain('--wait', '10s');

wait_for {
    my ($rc, $out) = $f->ctl('status');
    $out =~ /^gw1 .*draining/m;
} 10, 'a report';

$t->stop;
($rc, $out, $err) = drain();
is($rc, 1, 'a gateway that is stopped');
like($err, qr/gw1 does not answer: is nginx running\?/, 'it says so');

$t->run;
is(all_ready(200), '', 'a start ends it');
wait_for { get('/api')->json->{keeper} } 5, 'a keeper';
is(all_ready(200), '', 'whatever was asked before');

wait_for { ($f->ctl('status'))[1] =~ /^gw1 +current/m } 10, 'a report';

($rc, $out, $err) = $f->ctl('drain');
is($rc, 0, 'found by the store') or diag $err;
is($out, "gw1 drained\n", 'the only one that lives');
is(ready()->status, 503, 'it drains');

($rc, $out, $err) = $f->ctl('drain', '--gateway', 'gw1', '--undo');
is($rc, 0, 'by its name');
is(ready()->status, 200, 'it serves');

$f->report('gw2', state_dir => '/nonexistent');
($rc, $out, $err) = $f->ctl('drain');
is($rc, 1, 'two of them');
like($err, qr/several gateways live: --gateway NODE says which/, 'which?');

($rc, $out, $err) = $f->ctl('drain', '--gateway', 'gw2');
is($rc, 1, 'one of another machine');
like($err, qr/the folder of gateway gw2 is not here/, 'it says so');

$f->report('gw2', state_dir => $state);
($rc, $out, $err) = $f->ctl('drain', '--gateway', 'gw2');
is($rc, 1, 'a report that lies');
like($err, qr/the folder of gateway gw2 is not here/, 'is not believed');
is(ready()->status, 200, 'nobody drains');

($rc, $out, $err) = $f->ctl('drain', '--gateway', 'gw3');
is($rc, 1, 'one that nobody knows');
unlink $f->path('gateways/gw2.json');

($rc, $out, $err) = $f->ctl('drain', '--state', $state, '--gateway', 'gw3');
is($rc, 1, 'a folder of another');
like($err, qr/is the folder of gateway gw1/, 'it says so');


# who may not, and what is no request

($rc, $out, $err) = $t->weirctl('drain');
is($rc, 2, 'without a word which');
($rc, $out, $err) = drain('--wait', 'soon');
is($rc, 2, 'a time that is none');
($rc, $out, $err) = $t->weirctl('drain', '--state', $t->dir);
is($rc, 1, 'a folder of no gateway');
($rc, $out, $err) = $t->weirctl('drain', '--state', $t->path('none'));
isnt($rc, 0, 'a folder that is not there');

is((stat $state)[2] & 07777, 0700, 'the folder is its owner\'s alone');

my ($run) = slurp("$state/gateway") =~ /^weir-gateway 1 gw1 ([0-9a-f]{32}) /
    or die 'no run';
my $nonce = 'a' x 32;

spew("$state/drain.new", "weir-drain 1 $run $nonce yes\n");
rename "$state/drain.new", "$state/drain";
wait_for { $t->log_lines(qr/whether to drain cannot be told: corrupt: /) } 5,
    'no request';
is(ready()->status, 200, 'does nothing');

unlink "$state/drain";
mkdir "$state/drain";
wait_for { $t->log_lines(qr/whether to drain cannot be told: wrong-type: /) }
    5, 'a folder in its place';
is(ready()->status, 200, 'does nothing');
rmdir "$state/drain";

($rc) = drain('--undo');
is($rc, 0, 'a request in order, after all of them');
is(ready()->status, 200, 'it serves');

done_testing();
