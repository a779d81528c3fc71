#!/usr/bin/perl

# weirctl's way to Redis when Redis is not well: each fault ends with its word
# within its time, and what was not published is not there.

use Weir::Test;
use Weir::FakeRedis;
use Weir::Redis;
use Weir::DriveStore;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my $url = 'redis://127.0.0.1:' . $r->port;
my $slow = Weir::Net::deadline_factor();

# gone, and back

my $s = Weir::DriveStore->new($t, $url);
is($s->op('publish', '-', 'A1', 'seg'), 'ok', 'published');

$r->crash;
like($s->op('head'), qr/^unreachable .*Connection refused/, 'killed');
like($s->op('publish', 'A1', 'A2'), qr/^unreachable /, 'nothing to publish to');
like(Weir::DriveStore->new($t, $url)->first, qr/^unreachable .*refused/,
     'nor to open');

$r->start;
like($s->op('head'), qr/^missing /, 'back, and empty');
is($s->op('publish', '-', 'A1', 'seg'), 'ok', 'published again');

# stopped

$r->pause;
like($s->op('head'), qr/^unreachable .*timed out/, 'stopped');
ok($s->took < 5 * $slow, 'in time: ' . $s->took);
like($s->op('publish', 'A1', 'A2'), qr/^unreachable .*timed out/,
     'to a stopped one');
like(Weir::DriveStore->new($t, "$url timeout=100ms")->first,
     qr/^unreachable .*timed out/, 'opened while stopped');
$r->resume;
is($s->op('head'), 'ok A1', 'goes on: late replies are mixed up with none');

# no room

$r->command('CONFIG', 'SET', 'maxmemory', 1);
like($s->op('publish', 'A1', 'A2'), qr/^full .*OOM/, 'no room for a head');
like($s->op('publish', 'A1', 'A2', 'seg2'), qr/^full .*OOM/,
     'nor a segment');
like($s->op('set', 'split', 'a', '-', 'X'), qr/^full .*OOM/, 'nor a split');
like($s->op('put', 'gw', 'x'), qr/^full .*OOM/, 'nor a report');
like($s->op('append', 'x'), qr/^full .*OOM/, 'nor a line');
is($s->op('head'), 'ok A1', 'it can be read');
is($s->op('audit', 0), 'A1 ok 0', 'nothing of it happened');
$r->command('CONFIG', 'SET', 'maxmemory', 0);
is($s->op('publish', 'A1', 'A2'), 'ok', 'room again');

# a replica

my $replica = Weir::Redis->new($t, args => [
    '--replicaof', '127.0.0.1', $r->port ]);
like(Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $replica->port)->first,
     qr/^unreachable .*is a replica of 127\.0\.0\.1:/, 'a replica');

$replica->command('REPLICAOF', 'NO', 'ONE');
my $demoted = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $replica->port);
ok($demoted->opened, 'not any more');
$replica->command('REPLICAOF', '127.0.0.1', $r->port);
like($demoted->op('append', 'x'), qr/^(?:unreachable|denied) /,
     'and again, behind our back');

# not Redis, or no good one

my %wires = (
    'HTTP' => ["HTTP/1.1 400 Bad Request\r\n\r\n", qr/not the protocol/],
    'garbage' => ["\x16\x03\x01\x00\x00", qr/not the protocol/],
    'RESP3' => ["%1\r\n+a\r\n+b\r\n", qr/not the protocol/],
    'a negative length' => ["\$-7\r\n", qr/not the protocol/],
    'an array without an end' => ["*2147483647\r\n", qr/larger than/],
    'a string without an end' => ["\$2147483647\r\n", qr/larger than/],
    'half a reply' => ["\$10\r\nabc", qr/timed out/],
    'another type' => [":7\r\n", qr/unexpected reply/],
);

for my $name (sort keys %wires) {
    my ($wire, $re) = @{ $wires{$name} };
    my $fake = Weir::FakeRedis->new($t, GET => $wire);
    my $f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port
                                 . ' timeout=200ms');

    ok($f->opened, "$name: open");
    like($f->op('head'), qr/^(?:unreachable|too-large) .*$re/, $name);
    like($f->op('head'), qr/^(?:unreachable|too-large) .*$re/,
         "$name, again");
    is($f->close, 0, "$name: no crash");
}

# replies that nobody asked for

my $fake = Weir::FakeRedis->new($t, connect => "+PONG\r\n+EXTRA\r\n");
like(Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port)->first,
     qr/^unreachable /, 'before the first command');

$fake = Weir::FakeRedis->new($t, GET => "\$2\r\nA1\r\n+EXTRA\r\n");
my $f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port);
is($f->op('head'), 'ok A1', 'the reply');
like($f->op('rev'), qr/^(?:unreachable|corrupt) /,
     'what follows it is no reply to the next command') for 1 .. 2;

# a string that drips and never ends

$fake = Weir::FakeRedis->new($t, GET => sub {
    my ($c) = @_;
    syswrite($c, "\$60000\r\n");
    for (1 .. 600) {
        syswrite($c, 'x') or return 0;
        select(undef, undef, undef, 0.05);
    }
    return 0;
});
$f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port
                          . ' timeout=200ms');
like($f->op('head'), qr/^unreachable .*timed out/, 'drips');
ok($f->took < 8 * $slow, 'ends all the same: ' . $f->took);

# closed in the middle of a transaction: not known, and said so

$fake = Weir::FakeRedis->new($t, WATCH => "+OK\r\n", GET => "\$-1\r\n",
                             TYPE => "+none\r\n", MULTI => "+OK\r\n",
                             XADD => "+QUEUED\r\n", SET => "+QUEUED\r\n",
                             EXEC => sub { 0 });
$f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port);
like($f->op('publish', '-', 'A1'), qr/^unreachable .*closed/,
     'closed at EXEC');

# an error that would write to the terminal

$fake = Weir::FakeRedis->new($t, GET => "-ERR \x1b[31mred\x07\r\n");
$f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port);
like($f->op('head'), qr/^other .*ERR \?\[31mred\?$/, 'is made harmless');

# redirections where there is no cluster

$fake = Weir::FakeRedis->new($t, GET => "-MOVED 1 127.0.0.1:1\r\n");
$f = Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port);
like($f->op('head'), qr/^unreachable .*MOVED/, 'are not followed');

# nor to another machine without TLS

$fake = Weir::FakeRedis->new($t,
    CLUSTER => "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n\$9\r\n192.0.2.1\r\n"
               . ":6379\r\n");
like(Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $fake->port
                          . ' cluster=on')->first,
     qr/^unreachable .*192\.0\.2\.1:6379: is another machine/,
     'not even where a cluster says so');

# words

like(Weir::DriveStore->new($t, 'redis://192.0.2.1')->first,
     qr/^invalid .*another machine/, 'another machine without TLS');
like(Weir::DriveStore->new($t, 'redis://nowhere.invalid insecure')->first,
     qr/^unreachable nowhere\.invalid:6379: /, 'a name that is none');

is($_->close, 0, 'ended by itself') for $s, $f, $demoted;

done_testing();
