#!/usr/bin/perl

# What a Redis may do wrong to a gateway, one after the other: decisions go
# on, no worker is blocked, memory and descriptors stay what they were, it is
# not asked too often, one line tells of it, and the gateway comes back by
# itself.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;
use Weir::FakeRedis;
use Weir::Proxy;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $proxy = Weir::Proxy->new($t, $r->port);
my $all = $Weir::RedisGateway::all;
my $slow = Weir::Net::deadline_factor();
my $real = 'redis://127.0.0.1:' . $proxy->port . ' timeout=300ms';
my $g = Weir::RedisGateway->new($t, $real);

$t->run;
$g->wait_up;
like($g->push_rule('one'), qr/^0 /, 'pushed');
is($g->serves('one'), $all, 'decides');

sub descriptors {
    return map { scalar(() = glob "/proc/$_/fd/*") } $t->worker_pids;
}

# of the larger worker, in kB

sub memory {
    my ($max) = sort { $b <=> $a }
                map { slurp("/proc/$_/status") =~ /VmRSS:\s+(\d+)/ ? $1 : 0 }
                $t->worker_pids;
    return $max;
}

sub attempts {
    my ($from, $port) = @_;
    return scalar(() = substr($t->error_log, $from)
                       =~ /weir: redis \S+:$port: (?!connected)/g);
}

# A fault that lasts, with requests meanwhile.  $re: what is said of it;
# $n: how often it is met before it is looked at.

sub fault {
    my ($what, $port, $re, $n) = @_;

    my $log = length $t->error_log;
    my ($worst, $failed, $begin) = (0, 0, time);

    $g->words("redis://127.0.0.1:$port timeout=300ms") if $port != $proxy->port;
    $t->reload if $port != $proxy->port;

    my @before = (memory(), descriptors());

    wait_for {
        my $from = time;
        my $ok = ($g->get('/one') || return 0)->status == 200;
        my $took = time - $from;

        $failed++ unless $ok;
        $worst = $took if $took > $worst;

        attempts($log, $port) >= $n;
    } 40, "$what: $n attempts";

    my $lasted = time - $begin;

    $t->wait_error_log(qr/weir: redis \S+:$port: .*$re/);
    is($failed, 0, "$what: no request failed");
    cmp_ok($worst, '<', 0.5 * $slow, "$what: no worker was blocked");

    my @lines = grep { /does not answer/ && /:$port\b/ }
                split /\n/, substr $t->error_log, $log;
    my %reasons = map { /unreachable: (?:\S+:\d+: )?(.*);/ ? ($1 => 1) : () }
                  @lines;
    cmp_ok(scalar(@lines), '<=', 4, "$what: told")
        or diag(join "\n", @lines);

    # a store that answers before it misbehaves is up in between

    is(scalar(keys %reasons), scalar(@lines), "$what: each reason once")
        or diag(join "\n", @lines)
        unless $what eq 'an extra reply';

    my ($memory, @fds) = (memory(), descriptors());

    # a sanitizer keeps what was freed

    cmp_ok($memory - $before[0], '<', 8192, "$what: memory")
        unless $t->sanitize;
    cmp_ok($fds[$_] - $before[$_ + 1], '<=', 2, "$what: descriptors")
        for 0 .. $#fds;

    note(sprintf '%s: %d attempts in %.1f s, worst request %.0f ms, '
         . '%+d kB', $what, attempts($log, $port), $lasted, $worst * 1000,
         $memory - $before[0]);
}

sub recovers {
    my ($what) = @_;

    my $from = time;
    $g->wait_up(10);
    note(sprintf '%s: back after %.1f s', $what, time - $from);
    is($g->serves('one'), $all, "$what: and back");
}


# a store that is there and does not answer, or late

my $late = $proxy->port;

$r->pause;
fault('SIGSTOP', $late, qr/timed out|no reply/, 2);
$r->resume;
recovers('SIGSTOP');

$proxy->late(2);
fault('2 s late', $late, qr/timed out|no reply/, 2);
$proxy->late(0);
recovers('2 s late');

# late, but in time: the gateway waits, and is up

$g->words('redis://127.0.0.1:' . $late . ' timeout=5s');
$proxy->late(0.5);
ok($t->reload, 'a slow store with a long deadline');
$g->wait_up(20);
like($g->push_rule('two', words => 'redis://127.0.0.1:' . $r->port,
                   args => ['--no-wait']), qr/^0 /, 'a push');
is($g->serves('two', 15), $all, 'arrives over a slow link');
$proxy->late(0);
like($g->push_rule('one'), qr/^0 /, 'back to the first');
is($g->serves('one'), $all, 'decides');

$r->crash;
wait_for { $g->state eq 'down' } 10, 'a crash';
$r->start;
recovers('crash');
like($g->push_rule('one'), qr/^0 /, 'pushed again');

# what is no Redis: what it says, and after which command

my $mb = 'x' x (1 << 20);
my $endless = sub {
    my ($c) = @_;
    1 while syswrite($c, $mb);
    return 0;
};

my %faults = (
    'garbage for HELLO' => [{ HELLO => "HTTP/1.1 400 Bad Request\r\n\r\n" },
                            qr/not the protocol of Redis/],
    'garbage for a head' => [{ GETRANGE => "\x00\xff\x01garbage\r\n" },
                             qr/not the protocol of Redis/],
    'an endless line' => [{ GETRANGE => sub {
                                syswrite($_[0], '-');
                                $endless->(@_);
                            } }, qr/too large reply/],
    'an endless string' => [{ GETRANGE => sub {
                                  syswrite($_[0], "\$9000000000\r\n");
                                  $endless->(@_);
                              } }, qr/too large reply/],
    'a head of 100 MB' => [{ GETRANGE => sub {
                                 syswrite($_[0], "\$104857600\r\n");
                                 $endless->(@_);
                             } }, qr/too large reply/],
    'an array of 2^31' => [{ GETRANGE => "*2147483647\r\n" },
                           qr/too large reply/],
    'deep arrays' => [{ ROLE => "*1\r\n" x 5000 }, qr/too large reply/],
    'an endless ROLE' => [{ ROLE => sub {
                                syswrite($_[0], "*9999\r\n");
                                1 while syswrite($_[0],
                                                 "\$1\r\nx\r\n" x 10000);
                                return 0;
                            } }, qr/ROLE: unexpected-reply/],
    'an extra reply' => [{ GETRANGE => "\$0\r\n\r\n",
                           HGET => "\$-1\r\n+EXTRA\r\n" },
                         qr/reply without a command/],
    'one that speaks first' => [{ connect => "+PONG\r\n+EXTRA\r\n" }, qr/./],
    'one that closes' => [{ GETRANGE => sub { 0 } },
                          qr/the connection was (?:closed|lost)/],
    'half a reply' => [{ GETRANGE => sub {
                             syswrite($_[0], "\$100\r\nhalf");
                             sleep 60;
                             return 0;
                         } }, qr/timed out|no reply/],
    'a byte at a time' => [{ GETRANGE => sub {
                                 my ($c) = @_;
                                 syswrite($c, "\$60000\r\n");
                                 while (syswrite($c, 'x')) {
                                     select(undef, undef, undef, 0.05);
                                 }
                                 return 0;
                             } }, qr/timed out|no reply/],
);

for my $what (sort keys %faults) {
    my ($answers, $re) = @{ $faults{$what} };
    my $fake = Weir::FakeRedis->new($t, %$answers);

    fault($what, $fake->port, $re, 4);
    $t->kill_child($fake->pid);
}

$g->words($real);
ok($t->reload, 'a real one again');
recovers('all of them');
like($g->push_rule('three'), qr/^0 /, 'pushed');
is($g->serves('three'), $all, 'decides');

# a store that is full takes no report, and serves; said once

$r->command('CONFIG', 'SET', 'maxmemory', 1);
wait_for { $g->alarms(qr/report cannot be written.*full/) } 20, 'full';
is($g->state, 'up', 'a full store is read');
is($g->serves('three'), $all, 'decides');
$r->command('CONFIG', 'SET', 'maxmemory', 0);
$t->wait_error_log(qr/the report is in the store again/, 20);
is(scalar($g->alarms(qr/report cannot be written.*full/)), 1,
   'said once');

done_testing();
