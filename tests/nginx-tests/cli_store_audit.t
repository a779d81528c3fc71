
# weirctl audit verify, export, trim: a tampered byte anywhere is noticed.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Weir::Redis;
use JSON::PP;
use POSIX qw(strftime);

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

my ($rc, $out, $err);
my $get = $f->policies('get', 'GET');
my $post = $f->policies('post', 'POST');

sub verify {
    return $f->ctl('audit', 'verify', '--trust', $f->pub, @_);
}

sub clean {
    my ($what) = @_;

    my ($rc, $out, $err) = verify();
    is($rc, 0, $what);
    is($err, '', "$what: no complaint");
}

sub found {
    my ($what, $re) = @_;

    my ($rc, $out, $err) = verify();
    is($rc, 1, $what);
    like($err, $re, "$what: named");
}

my $file = 'store/audit/' . strftime('%Y-%m-%d', gmtime) . '.jsonl';


# nothing at all

mkdir $f->path('');
($rc, $out) = verify();
is($rc, 0, 'an empty store');
is($out, "0 entries, 0 documents, 0 problems\n", 'what it says');


# two documents, several versions

$f->report('gw-1', bundle => { version => 0 }, splits => {
    checkout => Weir::Fleet::split_report('config', 0, green => 0.05,
                                          blue => 0.95) });
$f->ctl('push', $get, '--no-wait');
$f->ctl('split', 'set', 'checkout', 'green=10%', '--no-wait');
$f->ctl('push', $post, '--no-wait');
$f->ctl('split', 'set', 'checkout', 'green=20%', '--no-wait');
$f->ctl('split', 'reset', 'checkout', '--no-wait');
$f->ctl('rollback', '--no-wait');

# a midnight since then gives the trail a second day

my @days = glob $f->path('audit/*');

clean('the trail as it is');
($rc, $out) = verify('--json');
my $json = decode_json($out);
is($json->{entries}, 6, 'entries');
is_deeply({ map { ($_->{name} => $_->{version}) } @{ $json->{documents} } },
          { 'bundle/head' => 3, 'split/checkout' => 3 }, 'documents');
is_deeply($json->{problems}, [], 'problems');
ok($json->{signatures}, 'signatures were verified');

($rc, $out, $err) = $t->weirctl('audit', 'verify', '--store', $f->store);
is($rc, 0, 'without a key');
like($err, qr/signatures are not verified: --trust/, 'it says so');
like($out, qr/ 0 problems, signatures not verified$/m, 'on stdout, too');

my @trail = $f->trail;

sub trail {
    unlink glob $f->path('audit/*');
    $t->file($file, join '', map { "$_\n" } @_);
}

trail(@trail);
clean('in one file');


# any byte of it

my $all = join '', map { "$_\n" } @trail;
my ($tried, $missed) = (0, 0);

for (my $i = 0; $i < length $all; $i += 41) {
    my $bad = $all;
    my $c = substr $bad, $i, 1;

    substr($bad, $i, 1) = $c eq "\n" ? 'x' : $c eq 'A' ? 'B' : 'A';
    $t->file($file, $bad);
    ($rc, $out, $err) = verify('--quiet');
    $tried++;
    $missed++, diag("byte $i was not missed: $rc") if $rc ne '1' || !$err;
}

ok($tried > 80, "$tried bytes changed");
is($missed, 0, 'each of them was noticed');


# entries

trail(@trail[0 .. 1, 3 .. 5]);
found('one is missing', qr/^weirctl: trail, entry 5: truncated: "bundle/m);
trail(@trail[1 .. 5]);
found('the first is missing', qr/^weirctl: trail, entry 2: truncated: /m);
trail(@trail[0 .. 4]);
found('the last is missing', qr{^weirctl: bundle/head: truncated: .* ends}m);
trail(@trail[0, 2, 1, 3, 4, 5]);
clean('two of different documents may change places');
trail(@trail[0, 1, 2, 4, 3, 5]);
found('two of one may not', qr/^weirctl: trail, entry 4: /m);
trail(@trail, $trail[0]);
found('an old one again', qr/^weirctl: trail, entry 7: older: /m);
trail(@trail, 'garbage');
found('garbage', qr/^weirctl: trail, entry 7: bad-signature: /m);
$t->file($file, $all . 'half');
found('half a line', qr/^weirctl: trail, entry 7: truncated: .* no end/m);
$t->file($file, $all . 'x' x 70_000 . "\n");
found('a line without end', qr/^weirctl: trail, entry 7: .*longer than/m);
trail(@trail);

my $unsigned = decode_json($trail[5]);
$unsigned->{signatures} = [];
trail(@trail[0 .. 4], JSON::PP->new->canonical->encode($unsigned));
found('an unsigned one', qr/^weirctl: trail, entry 6: unsigned: /m);
trail(@trail);

$f->keygen('other');
($rc, $out, $err) = $f->ctl('audit', 'verify', '--trust', $f->pub('other'));
is($rc, 1, 'by another key');
is(scalar(() = $err =~ /untrusted/g), 8, 'six entries, two documents');
($rc, $out, $err) = $f->ctl('audit', 'verify', '--trust', $f->pub
                            . ' may=policy');
is($rc, 1, 'by a key that may not');
is(scalar(() = $err =~ /: role: /g), 4, 'three entries, one document');


# what the store has, and the trail has not

my $head = slurp($f->path('head.json'));

$t->file('store/head.json', $trail[2]);
found('an older head', qr{^weirctl: bundle/head: older: }m);
unlink $f->path('head.json');
found('no head', qr{^weirctl: bundle/head: older: it is in the trail and }m);
$t->file('store/head.json', 'x');
found('garbage for a head', qr{^weirctl: bundle/head: bad-signature: }m);
$t->file('store/head.json', $head);

my $live = slurp($f->path('live/split/checkout.json'));
$t->file('store/live/split/checkout.json', $trail[3]);
found('an older split', qr{^weirctl: split/checkout: older: }m);
unlink $f->path('live/split/checkout.json');
found('no split', qr{^weirctl: split/checkout: older: it is in the trail}m);
$t->file('store/live/split/other.json', $live);
$t->file('store/live/split/checkout.json', $live);
found('a copy elsewhere', qr{^weirctl: split/other: }m);
unlink $f->path('live/split/other.json');
clean('as it was');


# what gateways have accepted

my %fences = ('bundle/head' => { epoch => 0, version => 3,
                                 hash => Weir::Fleet::hash($head) },
              'split/checkout' => { epoch => 0, version => 3,
                                    hash => Weir::Fleet::hash($live) });

$f->report('gw-1', fences => \%fences);
clean('gateways have what is there');
$f->report('gw-1', fences => { %fences, 'bundle/head' => {
    %{ $fences{'bundle/head'} }, version => 2 } });
clean('a gateway lags');
$f->report('gw-1', fences => { %fences, 'bundle/head' => {
    %{ $fences{'bundle/head'} }, version => 4 } });
found('a gateway is ahead', qr{^weirctl: gateway gw-1: truncated: }m);
$f->report('gw-1', fences => { %fences, 'bundle/head' => {
    %{ $fences{'bundle/head'} }, hash => 'sha256:' . '0' x 64 } });
found('a gateway has another', qr{^weirctl: gateway gw-1: same-version}m);
$f->report('gw-1', fences => { %fences, 'bundle/head' => {
    %{ $fences{'bundle/head'} }, hash => 'x' } });
found('a hash that is none', qr{^weirctl: gateway gw-1: .* is no hash}m);
$f->report('gw-1', fences => { %fences, 'split/gone' => {
    epoch => 0, version => 1, hash => 'sha256:' . '0' x 64 } });
found('a document that is not in the trail',
      qr{^weirctl: gateway gw-1: truncated: .*split/gone}m);
$f->report('gw-1', bundle => { version => 9 });
found('by the version in effect', qr{^weirctl: gateway gw-1: truncated: }m);
$f->report('gw-1', splits => { checkout =>
    Weir::Fleet::split_report('store', 9, green => 0, blue => 1) });
found('by a split in effect', qr{^weirctl: gateway gw-1: truncated: }m);
$f->raw_report('gw-1', 'garbage');
($rc, $out, $err) = verify();
is($rc, 0, 'a report that is none is no verdict');
like($err, qr/gateway gw-1: the report is no JSON object/, 'it is said');
unlink $f->path('gateways/gw-1.json');


# export and trim

sub day {
    my ($days, @lines) = @_;

    my $name = strftime('%Y-%m-%d', gmtime(time() - $days * 86400));
    $t->file("store/audit/$name.jsonl", join '', map { "$_\n" } @lines);
}

unlink glob $f->path('audit/*');
day(500, @trail[0, 1]);
day(450, $trail[2]);
day(10, $trail[3]);
day(0, @trail[4, 5]);
($rc, $out, $err) = verify();
is($rc, 0, 'over days');
like($err, qr/entries older than 400 days: "audit export", then "audit trim"/,
     'some of them are due');
($rc, $out, $err) = verify('--store', $f->store . ' retain=900d');
is("$rc$err", '0', 'not by retain= of the store');

my $export = $t->path('export');

($rc, $out, $err) = $f->ctl('audit', 'export', $export);
is($rc, 0, 'export');
is(slurp($export), $all, 'all of it');
like($err, qr/6 entries/, 'how many');
($rc, $out) = $f->ctl('audit', 'export', '-');
is($out, $all, 'to stdout');
($rc, $out, $err) = $f->ctl('audit', 'export', $export);
is($rc, 2, 'nothing is replaced');
like($err, qr/export: File exists/, 'it says so');
($rc, $out, $err) = $f->ctl('audit', 'export', $t->path('no/such'));
is($rc, 2, 'into a folder that is not there');

for ([[$t->path('missing')], 2, qr/missing: No such file/],
     [[$export, '--retain', 'x'], 2, qr/invalid --retain "x"/],
     [[$export, '--before', 'x'], 2, qr/invalid --before "x"/],
     [[$export, '--before', 'x', '--retain', '1d'], 2, qr/beside --before/],
     [[], 2, qr/EXPORT is missing/])
{
    my ($args, $want, $re) = @$_;
    ($rc, $out, $err) = $f->ctl('audit', 'trim', @$args);
    is($rc, $want, 'trim, refused');
    like($err, $re, 'why');
}

for (['', 1], [join('', map { "$_\n" } @trail[0, 2]), 2],
     [join('', map { "$_\n" } @trail[1, 0, 2]), 1],
     [join('', map { "$_\n" } @trail[0, 1]) . $trail[2], 3])
{
    my ($text, $entry) = @$_;
    $t->file('lacking', $text);
    ($rc, $out, $err) = $f->ctl('audit', 'trim', $t->path('lacking'));
    is($rc, 1, 'an export that lacks something');
    like($err, qr/lacks entry \d of the trail: nothing is removed/, 'what');
    is(scalar(() = glob $f->path('audit/*')), 4, 'nothing is removed');
}

for (['x', 2, qr/invalid "retain=x": a day at least/],
     ['1h', 2, qr/a day at least/],
     ['450d', 1, qr/retain= of the store keeps more than that: nothing/])
{
    my ($retain, $want, $re) = @$_;
    ($rc, $out, $err) = $f->ctl('audit', 'trim', $export, '--retain', '420d',
                                '--store', $f->store . " retain=$retain");
    is($rc, $want, "--retain 420d, retain=$retain");
    like($err, $re, 'why');
}

($rc, $out) = $f->ctl('audit', 'trim', $export, '--store',
                      $f->store . ' retain=490d', '--json');
is("$rc $out", qq(0 {"days":1,"checked":2}\n), 'what retain= leaves over');
day(500, @trail[0, 1]);

($rc, $out, $err) = $f->ctl('audit', 'trim', $export);
is("$rc $out", "0 2 days removed\n", 'what is older than 400 days goes');
is_deeply([$f->trail], [@trail[3 .. 5]], 'the rest stays');

found('what was trimmed is missed', qr/trail, entry \d: truncated: /);
($rc, $out, $err) = verify('--trimmed');
is("$rc$err", '0', 'unless it is said');
$t->file('old', join '', map { "$_\n" } @trail[0 .. 2]);
($rc, $out, $err) = verify($t->path('old'));
is("$rc$err", '0', 'or shown');
($rc, $out, $err) = verify($export);
is("$rc$err", '0', 'more than what was trimmed is shown');
$t->file('older', join '', map { "$_\n" } @trail[0, 1]);
($rc, $out, $err) = verify($t->path('older'), $t->path('old'), $export);
is("$rc$err", '0', 'exports that overlap');
$t->file('old', join '', map { "$_\n" } @trail[0, 2]);
($rc, $out, $err) = verify($t->path('old'));
is($rc, 1, 'something is missing in what is shown');
($rc, $out, $err) = verify($t->path('missing'));
is($rc, 2, 'what is shown is not there');

($rc, $out, $err) = $f->ctl('audit', 'trim', $export, '--retain', '5d');
is("$rc $out", "0 1 day removed\n", 'another day, the export is the same');
($rc, $out, $err) = $f->ctl('audit', 'trim', $export, '--before',
                            '2999-01-01T00:00:00Z');
is("$rc $out", "0 0 days removed\n", 'the last day stays');

($rc, $out) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'and it goes on');
($rc, $out, $err) = verify($export);
is("$rc$err", '0', 'verified from its beginning');

($rc, $out) = $f->ctl('audit', 'export', $t->path('json'), '--json');
is_deeply(decode_json($out), { file => $t->path('json'), entries => 3 },
          'export --json');


# in Redis, whose entries have times, and not only days

my $r = Weir::Redis->new($t);
my $redis = 'redis://127.0.0.1:' . $r->port;
my $stream = 'weir:{weir}:cfg:audit';
my $midnight = int(time() / 86400) * 86400;

sub streamed {
    my ($days, $hours, $line) = @_;
    $r->command('XADD', $stream, ($midnight - $days * 86400 + $hours * 3600)
                                 . '000-1', 'envelope', $line);
}

streamed(500, 1, $trail[0]);
streamed(401, 1, $trail[1]);
streamed(401, 23, $trail[2]);
streamed(0, 0, $trail[3]);

my $noon = strftime('%Y-%m-%dT12:00:00Z', gmtime($midnight - 400 * 86400));

$t->file('part', join '', map { "$_\n" } @trail[0, 1]);
($rc, $out, $err) = $f->ctl('audit', 'trim', $t->path('part'), '--before',
                            $noon, '--store', $redis);
is($rc, 1, 'an entry late on a day that goes was not exported');
like($err, qr/lacks entry 3 of the trail: nothing is removed/, 'which');
is($r->command('XLEN', $stream), 4, 'nothing is removed');
$t->file('part', join '', map { "$_\n" } @trail[0 .. 2]);
($rc, $out, $err) = $f->ctl('audit', 'trim', $t->path('part'), '--before',
                            $noon, '--store', "$redis retain=30d");
is("$rc $out", "0 3 entries removed\n", 'now they were') or diag $err;
is($r->command('XLEN', $stream), 1, 'the rest stays');


done_testing();
