#!/usr/bin/perl

# A gateway whose Redis is elsewhere now: a replica is no store, a failover by
# Sentinels is followed, and so is a slot of a cluster that moves from one
# node to another while it is polled and pushed to.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $all = $Weir::RedisGateway::all;

# the store that is a master no more, while the connection stays: what it has
# then is not believed, not even once

my $r = Weir::Redis->new($t);
my $g = Weir::RedisGateway->new($t, 'redis://127.0.0.1:' . $r->port);

$t->run;
$g->wait_up;
like($g->push_rule('one'), qr/^0 /, 'pushed');
is($g->serves('one'), $all, 'decides');

my $other = Weir::Redis->new($t);
like($g->push_rule('two', words => 'redis://127.0.0.1:' . $other->port,
                   args => ['--no-wait']), qr/^0 /, 'another master');

# of a version that the gateway would take

like($g->push_rule('two', words => 'redis://127.0.0.1:' . $other->port,
                   args => ['--no-wait']), qr/^0 .*version 2/s, 'newer');

my $link = client($r);
$r->command('REPLICAOF', '127.0.0.1', $other->port);
$g->wait_down(qr/is a replica of 127\.0\.0\.1:/);
isnt(client($r) // 'none', $link, 'the connection is closed');
wait_for { $r->command('INFO', 'replication') =~ /master_link_status:up/ }
    10, 'the replica has all of it';

my $seen = $t->log_lines(qr/weir: redis \S+ is a replica/);
wait_for { $t->log_lines(qr/weir: redis \S+ is a replica/) >= $seen + 2 } 15,
    'it is looked at again';
is($g->get('/two')->status, 403, 'what a replica has is not in effect');
is($g->serves('one'), $all, 'what was in effect stays');
is(scalar($g->alarms(qr/is a replica/)), 1, 'one alarm');

$r->command('REPLICAOF', 'NO', 'ONE');
$g->wait_up;
is($g->serves('two'), $all, 'a master again');

sub client {
    my ($redis) = @_;
    return $redis->reconnect->command('CLIENT', 'LIST')
           =~ /^id=(\d+) .*name=weir /m ? $1 : undef;
}


# Sentinels: from the failover to the poll of the new master

my $fleet = Weir::Redis->fleet($t);
my @sentinels = @{ $fleet->{sentinels} };
my $hosts = join ',', map { '127.0.0.1:' . $_->port } @sentinels;

sub master {
    return $sentinels[0]->command('SENTINEL', 'get-master-addr-by-name',
                                  'main')->[1];
}

$g->words("sentinel://$hosts/main");
ok($t->reload, 'to the Sentinels');
$g->wait_up;
like($g->push_rule('three'), qr/^0 /, 'pushed');
is($g->serves('three'), $all, 'decides');

# ordered: the old one lives, and its clients learn it by their role or end

my $before = master();
my $log = length $t->error_log;
$sentinels[0]->command('SENTINEL', 'FAILOVER', 'main');
wait_for { master() != $before } 20, 'a failover';
my $from = time;
my $new = master();
wait_for {
    substr($t->error_log, $log) =~ /redis 127\.0\.0\.1:$new: connected/
} 10, 'the new master';
note(sprintf 'ordered failover: polls the new master after %.2f s',
     time - $from);
$g->wait_up;
like($g->push_rule('four'), qr/^0 /, 'pushed to the new one');
is($g->serves('four'), $all, 'decides');

# by death

my ($dead) = grep { $_->port == $new }
             $fleet->{master}, @{ $fleet->{replicas} };

wait_for {
    my %m = @{ $sentinels[0]->command('SENTINEL', 'MASTER', 'main') };
    $m{'num-slaves'} == 2 && $m{flags} eq 'master'
} 20, 'Sentinels that agree';

my $died = time;
$dead->crash;
wait_for { master() != $new } 30, 'a failover';
$from = time;
my $next = master();
$log = $t->error_log;
wait_for { $t->error_log =~ /redis 127\.0\.0\.1:$next: connected.*\z/s } 10,
    'the next master';
note(sprintf 'death: failover after %.2f s, poll %.2f s later',
     $from - $died, time - $from);
$g->wait_up;
like($g->push_rule('one'), qr/^0 /, 'pushed to the next one');
is($g->serves('one'), $all, 'decides');


# a cluster: the slot moves, key by key

my @nodes = Weir::Redis->cluster($t);

$g->words('redis://' . join(',', map { '127.0.0.1:' . $_->port } @nodes[0, 1])
          . ' cluster=on');
ok($t->reload, 'to the cluster');
$g->wait_up;
like($g->push_rule('two'), qr/^0 /, 'pushed');
is($g->serves('two'), $all, 'decides');

my ($owner, $slot) = Weir::Redis->owner('weir:{weir}:cfg:head', @nodes);
my ($target) = grep { $_ != $owner && $_->command('ROLE')->[0] eq 'master' }
               @nodes;
my %id = map { $_->port => $_->command('CLUSTER', 'MYID') } $owner, $target;
my $errors = $g->alarms(qr/./);

$target->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id{$owner->port});
$owner->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id{$target->port});

sub moved_keys {
    my @keys = @{ $owner->command('CLUSTER', 'GETKEYSINSLOT', $slot, 100) };

    for my $key (@keys) {
        $owner->command('MIGRATE', '127.0.0.1', $target->port, $key, 0, 5000);
    }

    return scalar @keys;
}

ok(moved_keys(), 'its keys are on their way');

# what the old node does not have any more is asked of the new one

$target->command('CONFIG', 'RESETSTAT');
wait_for {
    $target->command('INFO', 'commandstats')
        =~ /cmdstat_asking:calls=(\d+)/ && $1 > 10
} 10, 'ASKING';
is($g->state, 'up', 'the store is there, in the middle of it');
is(client($target), client($target), 'one connection to the new one');

# a report is written there, too

my $report = $target->command('CLUSTER', 'COUNTKEYSINSLOT', $slot);
ok($report, 'the new one has the keys');

# a push in the middle of it waits for the end of it

my $out = $t->path('push.out');
my $pushing = $t->spawn(sub {
    my $got = $g->push_rule('three');
    spew($out, $got);
    POSIX::_exit(0);
});

wait_for { $target->command('INFO', 'commandstats') =~ /cmdstat_get:/ } 10,
    'weirctl there';
wait_for { !moved_keys() } 10, 'the rest of its keys';
$_->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $id{$target->port})
    for $target, $owner;

$t->reap($pushing, 30);
like(slurp($out), qr/^0 /, 'a push while the slot moves');
is($g->serves('three'), $all, 'decides');

wait_for { client($owner) ? 0 : 1 } 10, 'MOVED is followed';
wait_for { client($target) } 10, 'to the new one';
is($g->state, 'up', 'and the store was always there');
like($g->push_rule('four'), qr/^0 /, 'pushed');
is($g->serves('four'), $all, 'decides');
is($g->alarms(qr/./) - $errors, 0, 'nothing of it was an alarm')
    or diag(join "\n", $g->alarms(qr/./));

done_testing();
