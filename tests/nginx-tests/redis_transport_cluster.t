#!/usr/bin/perl

# weirctl's way to a Redis Cluster: the node of our slot, MOVED, ASK, a slot
# on its way, a failover.

use Weir::Test;
use Weir::Redis;
use Weir::DriveStore;

my $t = Weir::Test->new(assert => 0);
my @nodes = Weir::Redis->cluster($t);
my $hosts = join ',', map { '127.0.0.1:' . $_->port } @nodes[0 .. 2];
my $head = 'weir:{prod}:cfg:head';
my ($owner, $slot) = Weir::Redis->owner($head, @nodes);
my ($target) = grep { $_->command('ROLE')->[0] eq 'master' && $_ != $owner }
               @nodes;
my $words = "redis://$hosts cluster=on namespace=prod";

for my $node (@nodes) {
    my $one = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $node->port
                                   . ' cluster=on namespace=prod');
    ok($one->opened, 'by any node');
}

my $s = Weir::DriveStore->new($t, $words);
is($s->first, 'ok open', 'by a list');
is($s->op('publish', '-', 'A1', 'one', 'two'), 'ok', 'published');
is($s->op('set', 'split', 'a', '-', 'X1'), 'ok', 'a live document');
is($s->op('put', 'gw-1', 'r'), 'ok 0', 'a report');
is($owner->command('GET', $head), 'A1', 'on the node of the slot');
like($s->op('reports'), qr/^ok gw-1@\d+$/, 'all are there');

# a slot on its way: half of the keys here, half there

my $id = $owner->command('CLUSTER', 'MYID');
my $to = $target->command('CLUSTER', 'MYID');

$target->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id);
$owner->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to);

sub migrate {
    my @keys = @_;
    $owner->command('MIGRATE', '127.0.0.1', $target->port, '', 0, 5000,
                    'KEYS', @keys);
}

migrate($head);
is($s->op('head'), 'ok A1', 'ASK');
is($s->op('rev'), 'ok 1', 'what did not move');
$s->start('publish', 'A1', 'A2');

migrate(@{ $owner->command('CLUSTER', 'GETKEYSINSLOT', $slot, 100) });

for my $node ($target, $owner,
              grep { $_->command('ROLE')->[0] eq 'master' } @nodes)
{
    $node->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to);
}

is($s->line, 'ok', 'a change waits until the slot has arrived');
is($target->command('GET', $head), 'A2', 'and is made there');
is($s->op('head'), 'ok A2', 'MOVED');
is($s->op('audit', 0), 'A1 X1 A2 ok 0', 'with everything');

# MOVED to who was not asked before

my $fresh = Weir::DriveStore->new($t, $words);
is($fresh->op('head'), 'ok A2', 'found at its new place');

# its master dies

wait_for {
    $target->command('INFO', 'replication') =~ /state=online/
        && $target->command('WAIT', 1, 100) >= 1;
} 20, 'a replica of the new owner';

$target->crash;

my $line = '';

wait_for {
    $line = $s->op('publish', 'A2', 'A3');
    $line =~ /^(?:ok|invalid)/;
} 40, 'a new master';

like($line, qr/^(?:ok|invalid .*the same)/, 'published to the new master');
is($s->op('head'), 'ok A3', 'read from it');
is($fresh->op('head'), 'ok A3', 'by others as well');

is($_->close, 0, 'ended by itself') for $s, $fresh;

done_testing();
