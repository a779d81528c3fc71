#!/usr/bin/perl

# weirctl's way to Redis: every operation of the store, against a real server.

use Digest::SHA qw(sha256_hex);

use Weir::Test;
use Weir::Redis;
use Weir::DriveStore;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my $url = 'redis://127.0.0.1:' . $r->port;
my $s = Weir::DriveStore->new($t, "$url namespace=prod");

is($s->first, 'ok open', 'opened');

# an empty store

like($s->op('head'), qr/^missing /, 'no head');
is($s->op('rev'), 'ok 0', 'no rev');
is($s->op('lives'), 'ok', 'no live documents');
is($s->op('audit', 0), 'ok 0', 'no trail');
is($s->op('reports'), 'ok', 'no reports');
is($s->op('trim', 99999999999), 'ok 0', 'nothing to trim');
like($s->op('live', 'split', 'a'), qr/^missing /, 'no live document');
like($s->op('segment', '00' x 32), qr/^missing /, 'no segment');

# the head

is($s->op('publish', '-', 'A1', 'one', 'two'), 'ok', 'the first head');
is($r->command('GET', 'weir:{prod}:cfg:head'), 'A1', 'in its key');
is($r->command('GET', 'weir:{prod}:cfg:seg:' . sha256_hex('two')), 'two',
   'a segment in its key');
is($s->op('segment', sha256_hex('one')), 'ok one', 'a segment');
like($s->op('publish', '-', 'A2'), qr/^conflict /, 'there is one already');
like($s->op('publish', 'A0', 'A2'), qr/^conflict /, 'another is there');
like($s->op('publish', 'A1', 'A1'), qr/^invalid /, 'the same again');
is($s->op('publish', 'A1', 'A2', 'two', 'three'), 'ok', 'the next head');
is($s->op('head'), 'ok A2', 'read');
is($s->op('audit', 0), 'A1 A2 ok 0', 'both in the trail');
is($s->op('rev'), 'ok 0', 'rev counts live documents only');

# live documents

is($s->op('set', 'split', 'b', '-', 'B1'), 'ok', 'a live document');
is($s->op('set', 'split', 'a', '-', 'X1'), 'ok', 'another');
is($s->op('set', 'freeze', 'z', '-', 'Z1'), 'ok', 'of another kind');
is($s->op('rev'), 'ok 3', 'rev');
is($s->op('lives'), 'ok freeze/z split/a split/b', 'all, in order');
is($s->op('lives', 'split'), 'ok split/a split/b', 'of one kind');
like($s->op('set', 'split', 'a', '-', 'X2'), qr/^conflict /, 'is there');
like($s->op('set', 'split', 'a', 'X0', 'X2'), qr/^conflict /, 'another');
like($s->op('set', 'split', 'a', 'X1', 'X1'), qr/^invalid /, 'the same');
is($s->op('set', 'split', 'a', 'X1', 'X2'), 'ok', 'changed');
is($s->op('live', 'split', 'a'), 'ok X2', 'read');
is($r->command('HGET', 'weir:{prod}:cfg:live', 'split/a'), 'X2', 'its field');
is($s->op('audit', 0), 'A1 A2 B1 X1 Z1 X2 ok 0', 'all in the trail');
like($s->op('live', 'split', '../a'), qr/^invalid /, 'a name that is none');
like($s->op('set', 'Split', 'a', '-', 'X'), qr/^invalid /, 'nor a kind');

# the hint is a hint: what others make of it stops nobody

$r->command('SET', 'weir:{prod}:cfg:rev', 'nonsense');
like($s->op('rev'), qr/^corrupt /, 'rev that is no number');
is($s->op('set', 'split', 'a', 'X2', 'X3'), 'ok', 'published all the same');
is($s->op('rev'), 'ok 1001', 'and counted from the time on');
$r->command('SET', 'weir:{prod}:cfg:rev', '9223372036854775807');
is($s->op('set', 'split', 'a', 'X3', 'X4'), 'ok', 'at its end');
$r->command('DEL', 'weir:{prod}:cfg:rev');
$r->command('LPUSH', 'weir:{prod}:cfg:rev', 'x');
like($s->op('rev'), qr/^wrong-type /, 'of another type');
is($s->op('set', 'split', 'a', 'X4', 'X5'), 'ok', 'replaced');
is($s->op('rev'), 'ok 1001', 'by a number');

# fields that nobody of us wrote are no documents

$r->command('HSET', 'weir:{prod}:cfg:live', 'x', 1, 'a/b/c', 1, '/x', 1,
            'SPLIT/a', 1, "split/a\nb", 1);
is($s->op('lives'), 'ok freeze/z split/a split/b', 'foreign fields');

# another namespace is another store

my $other = Weir::DriveStore->new($t, $url);
like($other->op('head'), qr/^missing /, 'another namespace');
is($other->op('publish', '-', 'W1', 'one'), 'ok', 'has its own head');
is($s->op('head'), 'ok A2', 'and ours stays');

# reports

is($s->op('put', 'gw-1', 'one'), 'ok 0', 'a report');
is($s->op('put', 'gw-2', 'two'), 'ok 0', 'another');
is($other->op('put', 'gw-3', 'three'), 'ok 0', 'of another fleet');
is($s->op('report', 'gw-1'), 'ok one', 'read');
like($s->op('report', 'gw-3'), qr/^missing /, 'not ours');

my $ttl = $r->command('TTL', 'weir:{prod}:gw:gw-1');
ok($ttl > 86390 && $ttl <= 86400, "expires ($ttl)");

$r->command('SET', 'weir:{prod}:gw:bad name', 'x');
$r->command('SET', 'weir:{prod}:gw:forever', 'x');
$r->command('PEXPIRE', 'weir:{prod}:gw:gw-2', 86340000);

my ($a1, $f, $b) = $s->op('reports')
    =~ /^ok forever@(-?\d+) gw-1@(\d+) gw-2@(\d+)$/ ? ($2, $1, $3) : ();
ok(defined $a1, 'listed in order, without names that are none');
ok(abs($a1 - time) <= 2, 'when it was written');
ok(abs($b - (time - 60)) <= 2, 'a minute ago');
is($f, 0, 'without an end: unknown');
is($s->op('drop', time - 30), 'ok 2', 'the old ones dropped');
like($s->op('reports'), qr/^ok gw-1@\d+$/, 'the young one stays');

for my $n (1 .. 300) {
    $r->command('SET', "weir:{prod}:gw:many-$n", 'x', 'EX', 86400);
}

is(scalar(split(' ', $s->op('reports'))), 302, 'in several pages');

# the trail

is($s->op('append', 'line'), 'ok 0', 'a line of no document');
like($s->op('audit', 0), qr/ X5 line ok 0$/, 'at the end');

my $trail = 'weir:{old}:cfg:audit';
my $old = Weir::DriveStore->new($t, "$url namespace=old");

for my $n (0 .. 699) {
    $r->command('XADD', $trail, (86400 * (10 + int($n / 100)) + $n) * 1000
                . '-0', 'envelope', "e$n");
}

is($old->op('audit', 0), join('', map { "e$_ " } 0 .. 699) . 'ok 0',
   'pages in order');
is($old->op('audit', 86400 * 16 + 5), join('', map { "e$_ " } 600 .. 699)
   . 'ok 0', 'from the day on');
is($old->op('trim', 86400 * 12 + 7), 'ok 200', 'two days trimmed');
is($old->op('audit', 0), join('', map { "e$_ " } 200 .. 699) . 'ok 0',
   'the rest stays');
is($old->op('trim', 86400 * 100), 'ok 400', 'all but the last day');
is($old->op('audit', 0), join('', map { "e$_ " } 600 .. 699) . 'ok 0',
   'which stays');

$r->command('XADD', $trail, '*', 'envelope', 'x', 'more', 'y');
like($old->op('audit', 0), qr/^e600 .* e699 corrupt .* is not one envelope$/,
     'what others wrote into it is named');

# wrong types

$r->command('DEL', $trail);
$r->command('SET', $trail, 'x');
like($old->op('audit', 0), qr/^wrong-type /, 'a trail of another type');
like($old->op('append', 'x'), qr/^wrong-type /, 'takes no line');
like($old->op('publish', '-', 'O1'), qr/^wrong-type /, 'and stops a change');
like($old->op('head'), qr/^missing /, 'which did not happen');
is($r->command('GET', $trail), 'x', 'nothing is removed');
$r->command('DEL', $trail);
$r->command('LPUSH', 'weir:{old}:cfg:head', 'x');
like($old->op('head'), qr/^wrong-type /, 'a head of another type');
like($old->op('publish', '-', 'O1'), qr/^wrong-type /, 'is not replaced');
$r->command('SET', 'weir:{old}:cfg:live', 'x');
like($old->op('lives'), qr/^wrong-type /, 'live documents');
like($old->op('live', 'split', 'a'), qr/^wrong-type /, 'one of them');
like($old->op('set', 'split', 'a', '-', 'x'), qr/^wrong-type /, 'nor set');
is($r->command('EXISTS', $trail), 0, 'and the trail says nothing of it');

# what is larger than asked for

$r->command('DEL', 'weir:{old}:cfg:head');
$r->command('SETRANGE', 'weir:{old}:cfg:head', 70000, 'x');
like($old->op('head'), qr/^too-large .*head is larger than 65536 bytes$/,
     'too large');
is($old->op('rev'), 'ok 0', 'and the store goes on');

# a segment of other bytes than its name

$r->command('SET', 'weir:{prod}:cfg:seg:' . sha256_hex('three'), 'THREE');
like($s->op('segment', sha256_hex('three')), qr/^corrupt /, 'corrupt');
is($s->op('publish', 'A2', 'A3', 'three'), 'ok', 'published anew');
is($s->op('segment', sha256_hex('three')), 'ok three', 'it is whole again');

# segments that nothing names

my $later = time + 100;
like($s->op('collect', 'A2', $later), qr/^conflict /, 'another head');
is($s->op('collect', 'A3', time - 100, 'three'), 'ok 0', 'all young');
is($s->op('collect', 'A3', $later, 'three'), 'ok 2', 'two of three');
like($s->op('segment', sha256_hex('one')), qr/^missing /, 'gone');
is($s->op('segment', sha256_hex('three')), 'ok three', 'kept');
is($other->op('segment', sha256_hex('one')), 'ok one',
   'those of others stay');

# many publishers: each change happens once or not at all

my @p = map { Weir::DriveStore->new($t, "$url namespace=race") } 1 .. 4;
my $won = 0;

for my $round (1 .. 15) {
    my $expect = $round == 1 ? '-' : 'v' . ($round - 1);
    $_->start('publish', $expect, "v$round", 'seg') for @p[0, 1];
    $_->start('set', 'split', "s$round", '-', "l$round") for @p[2, 3];
    my @heads = map { $_->line } @p[0, 1];
    my @lives = map { $_->line } @p[2, 3];

    $won++ if (grep { $_ eq 'ok' } @heads) == 1
              && (grep { /^(?:conflict|invalid) / } @heads) == 1
              && (grep { $_ eq 'ok' } @lives) == 1
              && (grep { /^(?:conflict|invalid) / } @lives) == 1;
}

is($won, 15, 'one of two publishers wins, each time');
is($p[0]->op('rev'), 'ok 15', 'each change counted once');
is(scalar(() = $p[0]->op('audit', 0) =~ /\b[vl]\d+ /g), 30,
   'and once in the trail');

is($_->close, 0, 'ended by itself') for $s, $other, $old, @p;

done_testing();
