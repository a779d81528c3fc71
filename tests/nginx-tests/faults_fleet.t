#!/usr/bin/perl

# The fault matrix, past one machine: three gateways under load on a master
# with Sentinels, and on a cluster of six; the master is killed between
# pushes, a slot moves.  How long a push takes to decide everywhere is
# measured.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;
use Weir::Faults;
use Weir::Load;
use Weir::Redis;
use Weir::Rig;

my $pushes = $ENV{WEIR_FAULTS_HOLD} ? 10 : 3;
my ($n, @rigs, $f, @stale) = (0);


# Three gateways on this store.

sub gateways {
    my ($url, $words) = @_;

    @rigs = ();

    for my $i (1 .. 3) {
        push @rigs, Weir::Rig->new(node => "gw$i", url => $url,
            words => $words, poll => '1s', timeout => '1s',
            @rigs ? (keys => $rigs[0]) : ());
        $rigs[-1]->run;
    }

    @stale = ();
    $n = 0;
    wait_for { all_up() } 20, 'all up';
    push_once('a first push');
    $rigs[0]->weights('green=50%');

    wait_for { !grep { ($_->api->{splits}{checkout}{rev} || 0) != 1 } @rigs }
        20, 'live weights';

    $f = Weir::Faults->new(@rigs);
}

sub done {
    $f->stop;
    $_->t->stop for @rigs;
}

sub all_up { return !grep { !$_->up } @rigs }

sub everywhere {
    wait_for {
        !grep { ($_->get('/all')->header('X-Rule') || '') ne "v$n" } @rigs
    } 10, "content $n everywhere";
}


# The next content; a push that is refused or not answered is tried again, by
# a publisher who sees that nobody has it.

sub push_once {
    my ($what) = @_;

    $n++;

    my $tries = 0;
    my $began;

    wait_for {
        $began = Time::HiRes::time();
        $tries++;
        my ($rc, $version, $text) = $rigs[0]->push_content($n);
        return 1 if $rc eq '0';
        note("push refused: $text");
        return 0;
    } 30, $what;

    everywhere();
    push @stale, [$began, Time::HiRes::time(), $n];

    return $tries;
}


# From the start of weirctl to the last answer by the content before, on each
# gateway.

sub staleness {
    my @ms;

    for my $push (@stale) {
        my ($from, $until, $content) = @$push;
        my @last = (0) x @rigs;

        for my $q ($f->records($from, $until)) {
            next unless $q->{rule} =~ /^\D(\d+)$/ && $1 < $content;
            my $ms = ($q->{at} - $from) * 1000;
            $last[ $q->{rig} ] = $ms if $ms > $last[ $q->{rig} ];
        }

        push @ms, @last;
    }

    my ($mid, $worst) = map { Weir::Load::percentile($_, @ms) } 0.5, 1;

    $f->number(sprintf 'staleness of %d pushes to 3 gateways: median %d, '
               . 'worst %d ms', scalar @stale, $mid, $worst);
    $f->holds($worst < 2500 * Weir::Net::deadline_factor(),
              sprintf('a push took %d ms', $worst));
}


sub killed {
    my ($kill, $new) = @_;

    @stale = ();
    push_once('a push') for 1 .. $pushes;

    my $at = Time::HiRes::time();

    $kill->();
    $f->lasts;
    wait_for { $new->() } 40, 'another master';

    $f->number(sprintf 'another master after %.1f s',
               Time::HiRes::time() - $at);

    Weir::Faults::recovers { all_up() } $f, 'all gateways up';

    my $tries = push_once('a push after it');

    $f->number(sprintf 'next push in effect after %.1f s, tries %d',
               Time::HiRes::time() - $at, $tries);

    push_once('a push') for 1 .. $pushes;
    staleness();
    $f->saw("content $n is in effect in all three");

    for my $rig (@rigs) {
        $f->is($rig->trouble($_), '', "$rig->{node}: $_")
            for qw(bundle store);
    }
}


# Sentinels

{
    my $fleet = Weir::Redis->fleet(Weir::Test->new(assert => 0));
    my $hosts = join ',', map { '127.0.0.1:' . $_->port }
                @{ $fleet->{sentinels} };
    my $old = $fleet->{master}->port;

    gateways("sentinel://$hosts/main", '');

    $f->fault('failover by Sentinel', 'followed; never below the version '
              . 'in effect', sub {
        killed(sub { $fleet->{master}->crash }, sub {
            my $master = $fleet->{sentinels}[0]->command('SENTINEL',
                'GET-MASTER-ADDR-BY-NAME', 'main');
            $master->[1] != $old
        });
    });

    done();
    $_->stop for @{ $fleet->{sentinels} }, @{ $fleet->{replicas} };
}


# a cluster

{
    my @nodes = Weir::Redis->cluster(Weir::Test->new(assert => 0));
    my $head = 'weir:{weir}:cfg:head';
    my ($owner, $slot) = Weir::Redis->owner($head, @nodes);
    my @seeds = grep { $_ != $owner } @nodes;

    gateways('redis://' . join(',', map { '127.0.0.1:' . $_->port }
                                    @seeds[0 .. 2]), 'cluster=on');

    $f->fault('a slot of the cluster moves', 'followed, while it moves, too',
              sub {
        @stale = ();

        my ($target) = grep { $_ != $owner
                              && $_->command('ROLE')->[0] eq 'master' }
                       @nodes;
        my ($id, $to) = map { $_->command('CLUSTER', 'MYID') } $owner, $target;

        push_once('a push');
        $target->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id);
        $owner->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to);

        # some of its keys are there, some here

        $owner->command('MIGRATE', '127.0.0.1', $target->port, $head, 0,
                        5000);

        my $asked = Time::HiRes::time();

        wait_for { contacts_since($asked) } 10, 'polls of a slot that moves';
        $f->holds(all_up(), 'down while it moves');
        $f->is($_->trouble('bundle'), '', "$_->{node}: bundle") for @rigs;
        $f->saw('up while half of it has moved');
        $f->lasts;

        while (my @keys = @{ $owner->command('CLUSTER', 'GETKEYSINSLOT',
                                             $slot, 100) })
        {
            $owner->command('MIGRATE', '127.0.0.1', $target->port, '', 0,
                            5000, 'KEYS', $_) for @keys;
        }

        for my $node ($target, $owner, grep { $_ != $owner && $_ != $target
                          && $_->command('ROLE')->[0] eq 'master' } @nodes)
        {
            $node->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to);
        }

        Weir::Faults::recovers { all_up() } $f, 'all gateways up';
        push_once('a push after it');
        staleness();
        $f->saw("content $n is in effect in all three, by the new node");

        $owner = $target;
    });

    wait_for {
        my ($now) = eval { Weir::Redis->owner($head, @nodes) };
        $now && $now == $owner
            && $owner->command('INFO', 'replication') =~ /state=online/
    } 30, 'a replica of the node';

    $f->fault('failover in a cluster', 'followed; never below the version '
              . 'in effect', sub {
        killed(sub { $owner->crash }, sub {
            my ($now) = eval { Weir::Redis->owner($head, @nodes) };
            $now && $now != $owner
                && $now->command('CLUSTER', 'INFO') =~ /cluster_state:ok/;
        });
    });

    done();
}

# Whether every gateway has asked since then, twice by the clock's seconds.

sub contacts_since {
    my ($at) = @_;

    return !grep {
        my $text = $_->api->{store}{last_contact} || '';
        my ($h, $m, $s) = $text =~ /T(\d\d):(\d\d):(\d\d)/ or return 0;
        my $now = $h * 3600 + $m * 60 + $s;
        my $then = int($at) % 86400 + 2;
        $now < $then && $then - $now < 40000;
    } @rigs;
}

done_testing();
