#!/usr/bin/perl

# Three gateways of four workers each, and one Redis: three connections, and
# no storm of them when it is away for a while or comes back.

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my @t = map { Weir::Test->new(workers => 4) } 1 .. 3;
my $t = $t[0];
my $r = Weir::Redis->new($t);
my $url = 'redis://127.0.0.1:' . $r->port;
my $slow = Weir::Net::deadline_factor();

my $g = Weir::RedisGateway->new($t, $url, node => 'gw1');

my @g = ($g, map { Weir::RedisGateway->new($t[$_], $url, node => "gw$_",
                                           trust => $t->path('rel.pub')) }
             1, 2);

$_->run for @t;
$_->wait_up for @g;

sub clients {
    return scalar(() = $r->reconnect->command('CLIENT', 'LIST')
                       =~ /name=weir /g);
}

sub received {
    return $r->command('INFO', 'stats')
           =~ /total_connections_received:(\d+)/ ? $1 : 0;
}

sub stays {
    my ($seconds) = @_;
    my $end = time + $seconds;
    wait_for { time > $end } $seconds + 10, 'some seconds';
}

like($g->push_rule('one'), qr/^0 /, 'pushed to all three');
is($_->serves('one'), $Weir::RedisGateway::all, 'each decides') for @g;
is(clients(), 3, 'twelve workers, three connections');

# they stay: nobody connects for each poll

wait_for {
    my $before = received();
    stays(2);
    received() == $before;
} 20, 'two seconds in which nobody connects';

is(clients(), 3, 'and stay');

# A Redis whose port takes connections and drops them: who comes, and when

sub visits {
    my ($seconds) = @_;

    my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                  LocalPort => $r->port, Listen => 64,
                                  ReuseAddr => 1) or die "port: $!";
    my $select = IO::Select->new($l);
    my ($end, @when) = (time + $seconds);

    while (time < $end) {
        next unless $select->can_read(0.1);
        my $c = $l->accept or next;
        push @when, time;
        close $c;
    }

    return @when;
}

$r->crash;
my $from = time;
my @when = visits(12);

# full jitter, up to 5 s: 100 + 200 + ... ms take a gateway some 8 attempts,
# and each 2.5 s more one more, on average

note(sprintf '%d attempts of three gateways in 12 s: %s', scalar @when,
     join ' ', map { sprintf '%.2f', $_ - $from } @when);
cmp_ok(scalar @when, '>=', 6, 'each of them tries');
cmp_ok(scalar @when, '<=', 60, 'and none of them too often');

my %second;
$second{ int($_ - $from) }++ for grep { $_ - $from > 4 } @when;
my ($most) = sort { $b <=> $a } values %second, 0;
cmp_ok($most, '<=', 10, 'they do not come together');

is($_->serves('one'), $Weir::RedisGateway::all, 'what is in effect stays')
    for @g;

# back: everybody within 10 s, by one connection each

$r->start;
$from = time;
$_->wait_up(10) for @g;
note(sprintf 'all three are back after %.1f s', time - $from);
cmp_ok(time - $from, '<', 10 * $slow, 'back within 10 s');
is(clients(), 3, 'three connections again');

my $came = received();
note("$came connections, those of this test included");
cmp_ok($came, '<=', 60, 'no storm at its start');

# a reload of all of them at once: old links go, new ones come

kill 'HUP', $_->pid for @t;
$_->reload for @t;
$_->wait_up for @g;
wait_for { clients() == 3 } 10, 'three connections after reloads';
pass('three connections after reloads');

# keepers that are killed: one connection each, still

for my $i (0 .. 2) {
    $t[$i]->allow(qr/exited on signal 9/);
    kill 'KILL', $g[$i]->api->{keeper};
}

wait_for { eval { clients() == 3 && !grep { $_->state ne 'up' } @g } } 15,
    'three connections after the keepers died';
pass('three connections after the keepers died');

like($g->push_rule('two'), qr/^0 /, 'pushed');
is($_->serves('two'), $Weir::RedisGateway::all, 'each decides') for @g;

done_testing();
