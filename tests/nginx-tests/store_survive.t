
# What kills processes, folders and keys: the last good policies decide, a
# keeper is there again within a second, and nothing goes back.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Store;

my $t = Weir::Test->new(workers => 3);
my $store = Weir::Store->new($t);
my $trust = $store->key('alice');
my $bundle = '';

sub configure {
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        16m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=200ms;
    weir_trust       $trust;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    $bundle

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Bundle <\$weir_bundle> always;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
        }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END
}

$t->file("html/v$_", "v$_\n") for 1 .. 40;

sub policy {
    my ($n) = @_;
    return { 'p.policy' => "language 1; policy p;\n"
             . "permit x { who anyone; what * /v$n; }\n" };
}

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }

sub push_version {
    my ($n, @keys) = @_;
    return $store->push_bundle(files => policy($n), version => $n,
                               keys => @keys ? \@keys : ['alice']);
}

sub decides {
    my ($n, $what) = @_;
    wait_for { get("/v$n")->status == 200 } 5, $what;
    is(get("/v$n")->header('X-Bundle'), "<$n>", $what);
}


configure();
push_version(1);
$t->run;
decides(1, 'what the store has at start decides from the first request');
is(api()->{bundle}{source}, 'store', 'it is from the store');

# the master took it and wrote nothing: the keeper saves it

wait_for { -s $t->path('state/fence') } 5, 'a fence';
is(scalar(my @saved = glob $t->path('state/bundles/*')), 1, 'a snapshot');

push_version(2);
decides(2, 'a push');


# the keeper is killed

$t->allow(qr/exited on signal 9/);

for my $n (3 .. 5) {
    wait_for { api()->{keeper} } 5, 'a keeper';

    my $keeper = api()->{keeper};
    my $killed = Time::HiRes::time();

    kill 'KILL', $keeper;

    wait_for {
        my $r = get('/api');
        my $now = $r ? $r->json->{keeper} : undef;
        return $now && $now != $keeper;
    } 5, 'another keeper';

    my $took = Time::HiRes::time() - $killed;

    ok($took < 1 * Weir::Net::deadline_factor(),
       sprintf 'a keeper again after %.2f s', $took);

    push_version($n);
    decides($n, "version $n goes through the new one");
    wait_for { $t->worker_pids == 3 } 5, 'all workers';
}


# killed while it works: a bundle of many rules takes its time, of which the
# first one says how much

# the lease may still be a dead one's

sub keeper {
    return wait_for {
        my $pid = api()->{keeper};
        return $pid && grep({ $_ == $pid } $t->worker_pids) ? $pid : 0;
    } 5, 'a keeper that lives';
}

{
    my $rules = join '', map { "permit r$_ { who anyone; what * /r$_; }\n" }
                         1 .. 8000;
    my ($version, $whole, $amid) = (6, 0, 0);

    my $push = sub {
        $store->push_bundle(keys => ['alice'], version => $version,
            segments => ['{"p.policy":' . JSON::PP->new->allow_nonref->encode(
                policy($version)->{'p.policy'} . $rules) . '}']);
    };

    for my $part (undef, 0, 0.2, 0.4, 0.6, 0.8) {
        my $keeper = keeper();
        my $before = Weir::Store::thread_work($keeper);

        $push->();

        if (defined $part) {
            $amid += Weir::Store::wait_thread_work(
                $keeper, $before + $part * $whole,
                sub { get("/v$version")->status == 200 });
            kill 'KILL', $keeper;
        }

        wait_for { $t->worker_pids == 3 } 5, 'all workers';
        decides($version, "version $version, its keeper "
                . (defined $part ? "killed after $part of its work" : 'ready'));

        $whole = Weir::Store::thread_work($keeper) - $before
            unless defined $part;
        $version++;
    }

    cmp_ok($amid, '>=', 3, sprintf '%d of 5 were amid %.1f ms of work', $amid,
           $whole);
    is(get('/r8000')->status, 404, 'whole: its last rule permits');

    # what does not compile is not compiled with each poll

    $rules .= "bogus;\n";

    my $keeper = keeper();
    my $before = Weir::Store::thread_work($keeper);

    $push->();
    wait_for { api()->{bundle}{error} } 5, 'a refusal';
    is(api()->{bundle}{error}{reason}, 'policy-error', 'a bundle in error');

    my $once = Weir::Store::thread_work($keeper) - $before;
    my %seen;

    wait_for {
        $seen{ api()->{store}{last_contact} } = 1;
        return keys %seen > 3;
    } 10, 'more polls, five each second';

    my $then = Weir::Store::thread_work($keeper) - $before - $once;
    cmp_ok($then, '<', 3 * $once, sprintf 'once: %.1f ms, then %.1f ms',
           $once, $then);
}


# a keeper that does not move

{
    my $keeper = wait_for { api()->{keeper} } 5, 'a keeper';

    kill 'STOP', $keeper;
    push_version(12);

    wait_for {
        my $r = eval { http_get($t->port, '/v12', timeout => 1) };
        return $r && $r->status == 200;
    } 15, 'another keeper takes over';

    kill 'CONT', $keeper;
    decides(12, 'the new one brought the version');
    push_version(13);
    decides(13, 'and the next, whoever keeps');
}


# a restart without the store: the snapshot

rename $store->dir, $store->dir . '.gone';
wait_for { api()->{store}{state} eq 'down' } 5, 'the store is gone';
is(api()->{store}{error}{reason}, 'unreachable', 'its reason');
is(get('/v13')->status, 200, 'the policies stay');
is(openmetrics(get('/metrics')->body)->value('weir_store_up'), 0,
   'weir_store_up');
ok($t->reload, 'a reload without the store');
decides(13, 'the policies stay');

$t->stop;
$t->run;
decides(13, 'after a restart without the store');
is(api()->{bundle}{source}, 'snapshot', 'it is the snapshot');
is(api()->{bundle}{trust}, 'keys', 'under its keys');

# an old store comes back: a fence on disk

mkdir $store->dir;
push_version(2);
wait_for { (api()->{bundle}{error} || {})->{reason} } 5, 'an old store';
is(api()->{bundle}{error}{reason}, 'older', 'is older, after a restart too');
$t->stop;
$t->run;
decides(13, 'nothing goes back');
is(api()->{bundle}{error}{reason}, 'older', 'and it is told at start');

Weir::Store::run('rm', '-r', $store->dir);
rename $store->dir . '.gone', $store->dir;
wait_for { api()->{bundle}{source} eq 'store' } 5, 'the store is back';
is(api()->{bundle}{error}, undef, 'no error');


# snapshots that somebody touched

{
    rename $store->dir, $store->dir . '.gone';
    $t->stop;

    my @saved = sort glob $t->path('state/bundles/*');
    is(scalar @saved, 3, 'three snapshots are kept');

    my $newest = $saved[-1];
    my $text = slurp($newest);
    my $bad = $text;
    substr($bad, length($bad) - 150, 1) ^= "\1";
    spew($newest, $bad);

    $t->run;
    decides(12, 'a tampered snapshot: the one before it');
    ok(scalar($t->log_lines(qr/a snapshot is refused: /)), 'it is named');

    $t->stop;
    spew($newest, $text);

    my $fence = slurp($t->path('state/fence'));
    my $cut = $fence;
    substr($cut, 60, 1) ^= "\1";
    spew($t->path('state/fence'), $cut);

    $t->run;
    decides(13, 'a tampered fence: the snapshot');
    ok(scalar($t->log_lines(qr/the fence in .* is not readable/)),
       'it is named');

    spew($t->path('state/fence'), $fence);
    rename $store->dir . '.gone', $store->dir;
    wait_for { api()->{bundle}{source} eq 'store' } 5, 'the store is back';
}


# a disk that takes nothing: served, with an alarm, and saved later

SKIP: {
    skip 'needs root and another user for workers', 8 if $> != 0;

    my ($uid) = (stat $t->path('state'))[4];
    isnt($uid, 0, "the folder is the workers'");

    chown 0, -1, $t->path('state'), $t->path('state/bundles');
    chmod 0755, $t->path('state'), $t->path('state/bundles');

    my $text = push_version(14);
    decides(14, 'a bundle that cannot be saved decides');
    wait_for { api()->{store}{error} } 5, 'an alarm';
    is(api()->{store}{error}{reason}, 'persist', 'its reason');
    is(api()->{store}{state}, 'up', 'the store is not to blame');
    ok(scalar($t->log_lines(qr/could not be saved in .*denied/)), 'logged');

    # the fence holds although it is not on disk

    push_version(13);
    wait_for { (api()->{bundle}{error} || {})->{reason} } 5, 'an older one';
    is(api()->{bundle}{error}{reason}, 'older', 'is refused');
    $store->put('head.json', $text);

    chown $uid, -1, $t->path('state'), $t->path('state/bundles');
    wait_for { !api()->{store}{error} } 20, 'saved as soon as it can be';
    rename $store->dir, $store->dir . '.gone';
    $t->stop;
    $t->run;
    decides(14, 'it was saved');
    rename $store->dir . '.gone', $store->dir;
    wait_for { api()->{bundle}{source} eq 'store' } 5, 'the store is back';
}


# keys

sub none_is {
    my ($what) = @_;
    is(get('/v14')->status, 503, $what);
    is(api()->{bundle}{source}, 'none', 'none is active');
}

$trust = $store->key('bob');
configure();

{
    my $c = Weir::HTTP->new(port => $t->port);
    $c->send("GET /v14 HTTP/1.1\r\nHost: a\r\n");

    # read by a worker, which is then on its way out

    wait_for { get('/v14')->status == 200 } 5, 'a request behind it';
    ok($t->reload(wait_old => 0), 'a reload with another key');
    $c->send("Connection: close\r\n\r\n");
    is($c->response->status, 503, 'counts in old workers, too');
    $c->close;
}

ok($t->reload, 'settled');
none_is('what the old key signed does not decide any more');
is(api()->{bundle}{error}{reason}, 'untrusted', 'its reason');

push_version(15, 'bob');
decides(15, 'what the new key signs');

$trust = $store->key('alice') . ' ' . $store->key('bob');
configure();
ok($t->reload, 'a reload with both');
decides(15, 'it stays');

$trust = $store->key('alice');
configure();
ok($t->reload, 'back to the first key');
decides(14, 'the newest that it signed');
is(api()->{bundle}{source}, 'snapshot', 'a snapshot');
is(api()->{bundle}{error}{reason}, 'untrusted', 'the store has another');

push_version(16, 'alice');
decides(16, 'and on');

$trust = $store->key('alice') . ' ' . $store->key('bob') . ' threshold=2';
configure();
ok($t->reload, 'a reload that asks for two');
is(api()->{bundle}{error}{reason}, 'threshold', 'one is too few');
is(get('/v16')->status, 503, 'for what was active, too');
push_version(17, 'alice', 'bob');
decides(17, 'two are enough');

$trust = $store->key('alice') . ' epoch=1';
configure();
ok($t->reload, 'a reload with another epoch');
wait_for { (api()->{bundle}{error} || {})->{reason} } 5, 'the old epoch';
is(api()->{bundle}{error}{reason}, 'epoch', 'is refused');
$store->push_bundle(files => policy(1), version => 1, epoch => 1,
                    keys => ['alice']);
decides(1, 'the new one begins again');


# weir_bundle beside the store

$t->file('policies/p.policy', policy(30)->{'p.policy'});
$bundle = "weir_bundle %%TESTDIR%%/policies;";
configure();
ok($t->reload, 'a reload with weir_bundle');
is(get('/v1')->status, 200, 'the store wins');
is(get('/v30')->status, 403, 'the local one waits');

$t->stop;
Weir::Store::run('rm', '-r', $t->path('state'), $store->dir);
$trust = $store->key('alice');
configure();
mkdir $store->dir;
$t->run;
is(get('/v30')->status, 200, 'without store and snapshot it decides');
is(api()->{bundle}{source}, 'local', 'and is local');
is(api()->{bundle}{version}, 0, 'version 0');
$t->file('policies/p.policy', policy(31)->{'p.policy'});
ok($t->reload, 'a reload');
is(get('/v31')->status, 200, 'its change counts');
push_version(32);
decides(32, 'until the store has one');


# without trust

$trust = 'off';
configure();
ok($t->reload, 'weir_trust off');
is(api()->{bundle}{trust}, 'off', 'is told');
ok(!api()->{bundle}{signed}, 'what no key of ours signed is not signed');
$store->push_bundle(files => policy(33), version => 33);
decides(33, 'an unsigned bundle');
ok(!api()->{bundle}{signed}, 'is told');


done_testing();
