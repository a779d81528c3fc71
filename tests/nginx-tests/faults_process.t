#!/usr/bin/perl

# The fault matrix, what befalls the gateway itself: workers and keepers that
# are killed, in the middle of an activation, too, a disk that is full, a
# clock that is set.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::Piece ();
use Weir::Test;
use Weir::Faults;
use Weir::Redis;
use Weir::Rig;
use Weir::Store;

my $t = Weir::Test->new(workers => 3);
my $disk = $t->path('disk');

mkdir $disk;

my $mounted = $> == 0
    && !system("mount -t tmpfs -o size=2m none '$disk' 2>/dev/null");
my $owner = $$;

# the exit code is that of the test, not that of umount

END {
    local $?;
    system("umount -l '$disk' 2>/dev/null") if $mounted && $$ == $owner;
}

my $r = Weir::Redis->new($t);
my $rig = Weir::Rig->new(t => $t, workers => 3, rules => 1500,
                         state => "$disk/state",
                         url => 'redis://127.0.0.1:' . $r->port);
my $n = 1;

# a clock that can be set, where the binary may be preloaded

my $clock = $t->path('clock');
my $shim = $t->path('clock_step.so');

spew($clock, pack 'q', 0);

my ($rc, $out, $err) = $t->execute(['cc', '-std=c11', '-D_GNU_SOURCE', '-O2',
    '-shared', '-fPIC', '-o', $shim, $t->top
    . '/tests/nginx-tests/lib/clock_step.c']);

die "clock_step.c: $err" if $rc ne '0';

{
    local @ENV{qw(LD_PRELOAD WEIR_CLOCK)} = ($shim, $clock)
        unless $t->sanitize;

    $rig->run;
}

delete $ENV{$_} for grep { !defined $ENV{$_} } qw(LD_PRELOAD WEIR_CLOCK);

$rig->publish($n);
$rig->weights('green=50%');
wait_for { $rig->green =~ / / } 5, 'live weights';

my $green = $rig->green;
my $f = Weir::Faults->new($rig);

$t->allow(qr/exited on signal 9/);

sub unchanged {
    $f->lasts;
    $f->is($rig->get('/all')->header('X-Rule'), "v$n", 'content');
    $f->holds($rig->green eq $green, 'the weights are others');
}

sub keeper {
    return wait_for {
        my $r = eval { $rig->api };
        my $pid = $r ? $r->{keeper} : 0;
        $pid && grep({ $_ == $pid } $t->worker_pids) ? $pid : 0;
    } 10, 'a keeper';
}

sub all_workers { wait_for { $t->worker_pids == 3 } 10, 'all workers' }


$f->fault('kill -9 of a worker', 'no request but those in its hands', sub {
    my $keeper = keeper();
    my ($worker) = grep { $_ != $keeper } $t->worker_pids;

    kill 'KILL', $worker;
    Weir::Faults::recovers {
        !grep({ $_ == $worker } $t->worker_pids) && $t->worker_pids == 3
    } $f, 'another worker';

    $f->is(keeper(), $keeper, 'the keeper');
    unchanged();
    $f->saw('another worker serves what was in effect');
    $rig->publish(++$n);
    $f->saw("content $n is in effect in all");
}, killed => 1, lost => 3);

$f->fault('kill -9 of the keeper', 'another one within a second; unchanged',
          sub {
    my $keeper = keeper();
    my $from = Time::HiRes::time();

    kill 'KILL', $keeper;
    wait_for { keeper() != $keeper } 10, 'another keeper';

    my $took = Time::HiRes::time() - $from;

    $f->holds($took < 1 * Weir::Net::deadline_factor(),
              sprintf('a keeper after %.1f s', $took));
    $f->saw(sprintf 'another keeper after %.2f s', $took);
    Weir::Faults::recovers { $rig->up } $f, 'up';
    all_workers();
    unchanged();
    $rig->publish(++$n);
    $f->saw("content $n is in effect");
}, killed => 1, lost => 3);

# How much its threads work for a push: it is killed amid that.

my $keeper = keeper();
my $before = Weir::Store::thread_work($keeper);
$rig->publish(++$n);
my $whole = Weir::Store::thread_work($keeper) - $before;

for my $part (0.1, 0.5, 0.9) {
    my $name = sprintf 'kill -9 of the keeper, %d %% into an activation',
                       100 * $part;

    $f->fault($name, 'the old content or the new one, whole', sub {
        my $keeper = keeper();
        my $had = Weir::Store::thread_work($keeper);
        my $old = $n++;

        $rig->push_content($n, '--no-wait');

        my $amid = Weir::Store::wait_thread_work($keeper,
            $had + $part * $whole, sub {
                $rig->get('/all')->header('X-Rule') eq "v$n"
            });
        my $rule = $amid ? eval { $rig->get('/all')->header('X-Rule') } : '';

        kill 'KILL', $keeper;
        $f->saw($amid ? "killed while $rule decided" : 'killed too late');

        Weir::Faults::recovers {
            my $r = eval { $rig->get('/all') };
            $r && ($r->header('X-Rule') || '') eq "v$n"
        } $f, "content $n";

        all_workers();
        unchanged();
        $f->is($rig->get('/r1500/x')->status, 404, 'its last rule');
        $f->saw("content $n is in effect, whole");
    }, killed => 1, lost => 3);
}

SKIP: {
    skip('no file system of its own can be mounted', 1) unless $mounted;

    $f->fault('the disk is full at persist', 'served, with an alarm; saved '
              . 'when there is room', sub {
        my $name = 'weir_store_errors_total{reason="persist"}';
        my $saved = () = glob "$disk/state/bundles/*.bundle";

        system("dd if=/dev/zero of='$disk/filler' bs=4k 2>/dev/null");
        $rig->publish(++$n);
        wait_for { $rig->trouble('store') eq 'persist' } 10, 'an alarm';
        $f->holds($rig->metric($name) > 0, 'not counted');
        $f->like($rig->api->{store}{error}{message}, qr/No space left/,
                 'why');
        $f->holds($rig->up, 'down');
        $f->saw("content $n decides; alarm: persist");

        my @tmp = grep { !/\.bundle$/ } glob "$disk/state/bundles/*";
        $f->is(scalar(@tmp), 0, 'files that are left');
        unchanged();

        unlink "$disk/filler";
        wait_for { $rig->trouble('store') eq '' } 25, 'saved';
        $f->saw('saved when there was room');

        $r->crash;
        wait_for { !$rig->up } 5, 'down';
        $t->reload;
        unchanged();
        $r->start;
        Weir::Faults::recovers { $rig->up } $f, 'up';
        wait_for { $r->command('EXISTS', 'weir:{weir}:gw:gw1') } 10,
            'a report';
        $rig->publish(++$n);
        $rig->weights('green=50%');
    });
}

SKIP: {
    skip('a sanitized nginx takes no other clock', 2) if $t->sanitize;

    for my $step (3600, -3600) {
        my $name = sprintf 'the clock is set %s by an hour',
                           $step > 0 ? 'forward' : 'back';

        $f->fault($name, 'unchanged; polls, pushes and the keeper go on',
                  sub {
            my $keeper = keeper();

            set_clock($step);
            wait_for {
                abs(clock_of_gateway() - time - $step) < 60
            } 10, 'the other time';

            my $contact = contact();
            wait_for { contact() != $contact } 10, 'another poll';

            unchanged();

            # a report is as old as it says: one from the past is not news

            my ($rc, $version, $text) = $rig->push_content(++$n);
            my $want = $step > 0 ? qr/current/ : qr/lost/;
            my $status;

            $f->holds($version, "a push: $text");
            $f->is($rc, 0, "a push: $text") if $step > 0;

            wait_for {
                (undef, $status) = $rig->ctl('status');
                $status =~ /^gw1\b.*$want/m;
            } 10, "weirctl status: $want";

            my ($word) = $status =~ /($want)/;
            $f->saw("weirctl status: $word");

            $rig->decides($n);
            $rig->ctl('split', 'set', 'checkout', 'green=50%');
            wait_for { $rig->trouble('split') eq '' } 5, 'the weights';
            $f->is(keeper(), $keeper, 'the keeper');
            $f->is($rig->trouble($_), '', $_) for qw(bundle split store);
            $f->saw("content $n is in effect by the same keeper");

            set_clock(0);
            wait_for { abs(clock_of_gateway() - time) < 60 } 10, 'our time';
            wait_for { ($rig->ctl('status'))[0] eq '0' } 10, 'a new report';
            $rig->publish(++$n);
            unchanged();
        });
    }
}

# In place: the gateway has it mapped.

sub set_clock {
    my ($step) = @_;
    open(my $fh, '+<', $clock) or die "$clock: $!";
    syswrite $fh, pack 'q', $step;
    close $fh;
}

sub clock_of_gateway {
    return Time::Piece->strptime($rig->get('/control')->header('Date'),
                                 '%a, %d %b %Y %H:%M:%S GMT')->epoch;
}

sub contact {
    return Time::Piece->strptime($rig->api->{store}{last_contact},
                                 '%Y-%m-%dT%H:%M:%SZ')->epoch;
}

$f->stop;

done_testing();
