#!/usr/bin/perl

# The fault matrix, a Redis that fails: whatever happens to it, requests are
# decided as before, it is told, and the gateway comes back to it by itself.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Faults;
use Weir::Redis;
use Weir::Rig;

my $t = Weir::Test->new(workers => 2);
my $port = $t->port('redis_0');
my $rig = Weir::Rig->new(t => $t, url => "redis://127.0.0.1:$port");
my $head = 'weir:{weir}:cfg:head';
my $n = 0;
my ($r, $f);

sub down { my ($what) = @_; wait_for { !$rig->up } 5, "down: $what" }
sub back {
    my ($what) = @_;
    Weir::Faults::recovers { $rig->up } $f, "up: $what";
}

# Another content goes all the way: policy state is not stuck.

sub pushes {
    my ($what) = @_;
    $rig->publish(++$n);
    $f->saw("content $n is in effect after $what");
}

# Without head and trail only a gateway knows which version is the next.

sub reported {
    wait_for { $r->command('EXISTS', 'weir:{weir}:gw:gw1') } 10, 'a report';
}

$rig->run;
$f = Weir::Faults->new($rig);

$f->fault('down at start, no snapshot', 'closed: 503; the rest serves', sub {
    wait_for { $rig->trouble('store') } 5, 'down';
    $f->is($rig->trouble('store'), 'unreachable', 'its reason');
    $f->is($rig->get('/all')->status, 503, 'a location with a policy');
    $f->is($rig->get('/control')->status, 200, 'one without');
    $f->saw('503 where a policy is needed; "unreachable"');

    $r = Weir::Redis->new($t);
    back('started');
    pushes('its start');
}, closed => 1, more => 1, colours => 1);

$rig->weights('green=50%');
wait_for { $rig->green =~ / / } 5, 'live weights';
my $green = $rig->green;

sub unchanged {
    $f->lasts;
    $f->is($rig->api->{bundle}{source}, 'store', 'the bundle is from');
    $f->holds($rig->green eq $green, 'the weights are others');
}

$f->fault('SIGKILL under load', 'unchanged; poll resumes', sub {
    $r->crash;
    down('killed');
    $f->like($rig->api->{store}{error}{message}, qr/refused|closed|lost/,
             'why');
    unchanged();
    $f->saw('down: ' . $rig->trouble('store'));
    $r->start;
    back('started again');
    wait_for { $rig->trouble('bundle') eq 'older' } 5, 'an empty store';
    $f->saw('the empty store is refused: older');
    pushes('its return');
    unchanged();
    $rig->weights('green=50%');
    wait_for { $rig->trouble('split') eq '' } 5, 'the weights';
});

$f->fault('SIGSTOP, then SIGCONT', 'stale and told; late replies are '
          . 'harmless', sub {
    $r->pause;
    down('stopped');
    unchanged();
    $f->saw('down: ' . $rig->api->{store}{error}{message});
    $r->resume;
    back('goes on');
    $f->is($rig->trouble('bundle'), '', 'the bundle is refused');
    $f->is($rig->trouble('split'), '', 'the split is refused');
    pushes('SIGCONT');
});

$f->fault('no memory (OOM)', 'reads work; reports refused; no hot retry',
          sub {
    my $name = 'weir_store_errors_total{reason="report"}';
    my $before = $rig->metric($name);
    my $sets = refused();
    my $from = time;

    $r->command('CONFIG', 'SET', 'maxmemory', 1);
    wait_for { $rig->metric($name) > $before } 15, 'a refused report';
    $f->holds($rig->up, 'down');
    unchanged();

    my $tries = refused() - $sets;
    $f->holds($tries <= 2 + (time - $from) / 4, "$tries reports");
    $f->saw("up, reports refused ($tries in " . (time - $from) . ' s)');

    my ($rc, undef, $text) = $rig->push_content($n + 1);
    $f->is($rc, 3, 'a push');
    $f->like($text, qr/OOM/, 'a push');
    $f->saw('a push exits 3, full');

    $r->command('CONFIG', 'SET', 'maxmemory', 0);
    pushes('there is room');
});

sub refused {
    my ($rejected) = $r->command('INFO', 'commandstats')
                     =~ /cmdstat_set:.*rejected_calls=(\d+)/;
    return $rejected || 0;
}

$f->fault('eviction of the head', 'keep current; told', sub {
    $r->command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
    my ($used) = $r->command('INFO', 'memory') =~ /^used_memory:(\d+)/m;
    $r->command('CONFIG', 'SET', 'maxmemory', $used);

    for my $i (1 .. 2000) {
        $r->command('SETRANGE', "filler$i", 4000, 'x');
        last unless $r->command('EXISTS', $head);
    }

    $f->is($r->command('EXISTS', $head), 0, 'the head');
    wait_for { $rig->trouble('bundle') eq 'older' } 5, 'told';
    unchanged();
    $f->saw('refused: older');
    $r->command('CONFIG', 'SET', 'maxmemory', 0);
    reported();
    pushes('eviction');
});

$f->fault('FLUSHALL', 'keep current; told', sub {
    $r->command('FLUSHALL');
    wait_for { $rig->trouble('bundle') eq 'older'
               && $rig->trouble('split') eq 'older' } 5, 'told';
    unchanged();
    $f->saw('bundle and weights refused: older');
    reported();
    pushes('FLUSHALL, at the next version');
    $rig->weights('green=50%');
    wait_for { $rig->trouble('split') eq '' } 5, 'the weights';
    unchanged();
});

$f->fault('a read-only replica', 'closed, asked anew; nothing older counts',
          sub {
    my $nobody = $t->port('nobody');
    $r->command('REPLICAOF', '127.0.0.1', $nobody);
    $r->reconnect;
    down('a replica');
    $f->like($rig->api->{store}{error}{message}, qr/is a replica/, 'why');
    unchanged();
    $f->saw('down: ' . $rig->api->{store}{error}{message});
    $r->command('REPLICAOF', 'NO', 'ONE');
    $r->reconnect;
    back('a master');
    pushes('its promotion');
});

$f->fault('wrong type of the head', 'keep current; told', sub {
    my $text = $r->command('GET', $head);
    $r->command('DEL', $head);
    $r->command('LPUSH', $head, 'x');
    wait_for { $rig->trouble('store') eq 'wrong-type' } 5, 'told';
    unchanged();
    $f->saw('told: wrong-type');
    $r->command('DEL', $head);
    $r->command('SET', $head, $text);
    back('the head is itself again');
    unchanged();
});

$f->fault('down at start, with a snapshot', 'the snapshot decides at once',
          sub {
    $r->crash;
    $t->stop;
    $t->run;
    $f->is($rig->get('/all')->header('X-Rule'), "v$n", 'decides');
    $f->is($rig->api->{bundle}{source}, 'snapshot', 'the bundle is from');
    $f->holds($rig->green eq $green, 'the weights are others');
    $f->saw('the snapshot decides from the first request');
    down('at start');
    $r->start;
    back('started');
    pushes('its start');
}, lost => 1000);

$f->stop;

done_testing();
