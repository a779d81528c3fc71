#!/usr/bin/perl

# weirctl's way to Redis under Sentinels: it finds the master, follows the
# switch, and never takes the word of one who is not.

use Weir::Test;
use Weir::Redis;
use Weir::DriveStore;

my $t = Weir::Test->new(assert => 0);
my $fleet = Weir::Redis->fleet($t);
my @sentinels = @{ $fleet->{sentinels} };
my $hosts = join ',', map { '127.0.0.1:' . $_->port } @sentinels;

my $s = Weir::DriveStore->new($t, "sentinel://$hosts/main");
is($s->first, 'ok open', 'found');
is($s->op('publish', '-', 'A1', 'seg'), 'ok', 'published');
is($fleet->{master}->command('GET', 'weir:{weir}:cfg:head'), 'A1',
   'to the master');

like(Weir::DriveStore->new($t, "sentinel://$hosts/nobody")->first,
     qr/^unreachable .*knows no master "nobody"/, 'another name');
like(Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $sentinels[0]->port)
     ->first,
     qr/^unreachable .*(?:is a Sentinel|unknown command|HELLO)/,
     'a Sentinel is no store');
like(Weir::DriveStore->new($t, 'sentinel://127.0.0.1:'
                          . $fleet->{master}->port . '/main')->first,
     qr/^unreachable /, 'a store is no Sentinel');

# a Sentinel that is not there

$sentinels[0]->crash;
is(Weir::DriveStore->new($t, "sentinel://$hosts/main")->first, 'ok open',
   'the next one is asked');
$sentinels[0]->start;

# the master dies

wait_for {
    (grep { $_->command('GET', 'weir:{weir}:cfg:head') eq 'A1' }
     @{ $fleet->{replicas} }) == 2;
} 10, 'replication';

$fleet->{master}->crash;

my $line = '';

wait_for {
    $line = $s->op('publish', 'A1', 'A2');
    $line =~ /^(?:ok|invalid)/;
} 30, 'a new master';

like($line, qr/^(?:ok|invalid .*the same is there already)/,
     'published to the new one');
is($s->op('head'), 'ok A2', 'and read from it');
is($s->op('audit', 0), 'A1 A2 ok 0', 'with its trail');

my ($new) = grep { $_->reconnect->command('ROLE')->[0] eq 'master' }
            @{ $fleet->{replicas} };
is($new->command('GET', 'weir:{weir}:cfg:head'), 'A2', 'which was a replica');

# the old one comes back and is no master any more

$fleet->{master}->start;

wait_for {
    $fleet->{master}->reconnect->command('ROLE')->[0] eq 'slave';
} 30, 'the old master as a replica';

is($s->op('publish', 'A2', 'A3'), 'ok', 'still to the new one');
is($new->command('GET', 'weir:{weir}:cfg:head'), 'A3', 'indeed');

# no Sentinel at all

$_->crash for @sentinels;
is($s->op('head'), 'ok A3', 'whoever is connected needs none');
like(Weir::DriveStore->new($t, "sentinel://$hosts/main")->first,
     qr/^unreachable .*refused/, 'whoever is not does');

is($s->close, 0, 'ended by itself');

done_testing();
