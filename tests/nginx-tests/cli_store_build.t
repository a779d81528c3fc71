
# weirctl build, sign and push FILE: several people sign; bundles of several
# segments, which stay for a rollback and go in the end.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

$f->keygen($_) for qw(anna bert);

my ($rc, $out, $err);
my $get = $f->policies('get', 'GET');
my $post = $f->policies('post', 'POST');
my $file = $t->path('bundle');

sub signatures {
    my ($line) = split /\n/, slurp($_[0]);
    return scalar @{ decode_json($line)->{signatures} };
}

# by somebody who has no key of his own

sub bare {
    return $t->weirctl(@_);
}


# without a store: the first version

($rc, $out, $err) = bare('build', $get, $file);
is($rc, 0, 'build');
is($out, "$file: version 1, 1 file, 0 signatures\n", 'what it made');

for my $who (qw(anna bert anna)) {
    ($rc, $out, $err) = bare('sign', $file, '--sign-key', $f->key($who));
    is($rc, 0, "$who signs");
}

is($out, "$file: version 1, 2 signatures\n", 'twice by one is once');
is(signatures($file), 2, 'two in the file');

($rc, $out, $err) = bare('push', $file, '--store', $f->store, '--trust',
    $f->pub('anna') . ' ' . $f->pub('bert') . ' threshold=2');
is($rc, 0, 'push of the file');
is(signatures($f->path('head.json')), 2, 'two in the head');

($rc, $out, $err) = bare('history', '--store', $f->store, '--trust',
    $f->pub('anna') . ' ' . $f->pub('bert') . ' threshold=2');
like($out, qr/ verified /, 'two of two');
($rc, $out, $err) = bare('history', '--store', $f->store, '--trust',
    $f->pub('anna') . ' ' . $f->pub() . ' threshold=2');
like($out, qr/ threshold /, 'one of two');
($rc, $out, $err) = bare('history', '--store', $f->store, '--trust',
    $f->pub('anna') . ' may=split,revoke');
like($out, qr/ role /, 'one that may not');


# what is in --trust

for (['may=x', qr/--trust: unknown role "x"/],
     [$f->pub . ' may=policy,policy', qr/--trust: role "policy" is dup/],
     [$f->pub . ' threshold=0', qr/--trust: invalid "threshold=0"/],
     [$f->pub . ' threshold=2', qr/--trust: /],
     ['threshold=1', qr/--trust names no file/],
     [$t->path('missing'), qr/missing: No such file/],
     [$f->key, qr/release\.key: /])
{
    my ($words, $re) = @$_;
    ($rc, $out, $err) = bare('history', '--store', $f->store, '--trust',
                             $words);
    is($rc, 2, 'a bad --trust');
    like($err, $re, 'why');
}


# built against a store; another push comes between

($rc, $out) = $f->ctl('build', $post, $file, '--reason', 'later');
is($out, "$file: version 2, 1 file, 1 signature\n", 'built and signed');
is($f->head->{version}, 1, 'nothing is published by it');

($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'another push');
($rc, $out, $err) = $f->ctl('push', $file);
is($rc, 1, 'it is too late');
like($err, qr/built as version 2, the fleet knows 2: build it again/, 'why');

$f->ctl('build', $post, $file);
$t->execute(['rm', $f->path('head.json')]);
$t->execute(['rm', '-r', $f->path('audit')]);
($rc, $out, $err) = $f->ctl('push', $file);
is($rc, 1, 'another head than it was built on');
like($err, qr/built on another head than the store has/, 'why');

$f->ctl('push', $get, '--no-wait');
($rc, $out) = $f->ctl('build', $post, '-');
$t->file('bundle', $out);
($rc, $out, $err) = $f->ctl('push', $file, '--sign-key', $f->key('anna'),
                            '--no-wait');
is($rc, 0, 'through a pipe, and signed on the way');
is(signatures($f->path('head.json')), 2, 'by both');


# what is no bundle

my $good = slurp($file);

for (['', 2, qr/it is no bundle/], ["x\n", 1, qr/it is no bundle: /],
     [$good . "{}\n", 1, qr/more than 0 segments/],
     [$good =~ s/"sig":"\K(.)/$1 eq 'A' ? 'B' : 'A'/er, 1,
      qr/does not hold/])
{
    my ($text, $want, $re) = @$_;
    $t->file('bad', $text);
    ($rc, $out, $err) = $f->ctl('push', $t->path('bad'));
    is($rc, $want, 'push of what is no bundle');
    like($err, $re, 'why');
}

($rc, $out, $err) = bare('sign', $file);
is($rc, 2, 'sign without a key');
like($err, qr/no key: --sign-key FILE or \$WEIR_SIGN_KEY/, 'why');
($rc, $out, $err) = bare('sign', $t->path('bad') . '2', '--sign-key',
                         $f->key);
is($rc, 2, 'sign what is not there');
($rc, $out, $err) = $f->ctl('build', $get, $t->path('no/such/folder'));
is($rc, 2, 'into a folder that is not there');
($rc, $out, $err) = $f->ctl('build', $get, $t->path('x'), '--epoch', '-1');
is($rc, 2, 'an epoch that is none');

for my $n (1 .. 14) {
    $f->keygen("k$n");
    bare('sign', $file, '--sign-key', $f->key("k$n"));
}

is(signatures($file), 15, 'as many signatures as ...');
bare('sign', $file, '--sign-key', $f->key('bert'));
($rc, $out, $err) = bare('sign', $file, '--sign-key', $f->key('anna'));
is($rc, 1, 'one too many');
like($err, qr/has 16 signatures already/, 'why');


# what is signed into a file is not said again

for (['--reason', 'x'], ['--by', 'me'], ['--epoch', 3],
     ['--activate-at', '2040-01-05T10:00:00Z'])
{
    ($rc, $out, $err) = $f->ctl('push', $file, @$_, '--no-wait');
    is($rc, 2, "push FILE $_->[0]");
    like($err, qr/"weirctl build" signs into the file/, 'says where');
}


# a key for signing need not be there for those who only look

for (['status'], ['history'], ['split', 'show'], ['audit', 'verify']) {
    ($rc, $out, $err) = $t->weirctl(@$_, '--store', $f->store,
        { env => { WEIR_SIGN_KEY => '/nonexistent' } });
    isnt($rc, 2, "@$_ without the key");
    like($err, qr/\$WEIR_SIGN_KEY, \S+, is not for you to read/, 'is told');
}

($rc, $out, $err) = $t->weirctl('push', $get, '--store', $f->store,
    '--no-wait', { env => { WEIR_SIGN_KEY => '/nonexistent' } });
is($rc, 2, 'who signs needs it');
like($err, qr{/nonexistent: No such file}, 'says which');


# epochs

($rc, $out, $err) = $f->ctl('push', $get, '--epoch', '3', '--no-wait');
is($f->head->{epoch}, 3, '--epoch');
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($f->head->{epoch}, 3, 'stays');
$f->report('gw-1', fences => { 'bundle/head' => { epoch => 4, version => 1,
                                                  hash => '' } });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
like($err, qr/gateways are at epoch 4: --epoch 4/, 'gateways know more');
unlink $f->path('gateways/gw-1.json');


# large ones: segments

sub large {
    my ($name, $from) = @_;

    my $rules = join '', map { "permit r$_ { who anyone; what GET "
                               . "/a$_/b; }\n" } $from .. $from + 4000;
    $t->file("$name/a.policy", "language 1;\npolicy a;\n$rules");
    $t->file("$name/deep/er/b.policy", "language 1;\npolicy b;\n"
             . "permit all { who anyone; what GET /**; }\n");
    return $t->path($name);
}

sub segments {
    return map { s{.*/}{}r } glob $f->path('segments/*');
}

($rc, $out, $err) = $f->ctl('push', large('one', 1), '--no-wait');
is($rc, 0, 'a large bundle');
my @one = map { $_->{hash} =~ s/sha256://r } @{ $f->head->{segments} };
ok(@one >= 1, 'has segments');
ok(!exists $f->head->{files}, 'and no files in the head');
is_deeply([segments()], [sort @one], 'which are there');
is(Digest::SHA::sha256_hex(slurp($f->path("segments/$one[0]"))), $one[0],
   'named by their hash');

($rc, $out, $err) = $f->ctl('pull', $t->path('pulled'));
is($rc, 0, 'pull');
is(slurp($t->path("pulled/$_")), slurp($t->path("one/$_")), $_)
    for 'a.policy', 'deep/er/b.policy';

($rc, $out, $err) = $f->ctl('pull', '--file', $t->path('pulled.bundle'));
is($rc, 0, 'pull --file');
is((split /\n/, slurp($t->path('pulled.bundle')))[0],
   slurp($f->path('head.json')), 'the envelope');

($rc, $out, $err) = $f->ctl('build', $t->path('one'), $file);
is($rc, 0, 'build of a large one');
my @lines = split /\n/, slurp($file);
is(@lines, 1 + @one, 'a line for each segment');
$t->file('bad', "$lines[0]\n");
($rc, $out, $err) = $f->ctl('push', $t->path('bad'));
is($rc, 1, 'a segment is missing');
like($err, qr/segment 1 of \d+ is missing/, 'which');
$t->file('bad', join '', map { "$_\n" } $lines[0],
         $lines[1] =~ s/GET/PUT/r, @lines[2 .. $#lines]);
($rc, $out, $err) = $f->ctl('push', $t->path('bad'));
is($rc, 1, 'a segment is another');
like($err, qr/another hash|bundle \d+: /, 'it says so');
($rc, $out, $err) = $f->ctl('push', $file, '--no-wait');
is($rc, 0, 'push of the file');
is_deeply([segments()], [sort @one], 'no segment is new');


# old segments: kept for a rollback, collected in the end

my $old = time() - 3600;
$f->ctl('push', large('two', 10001), '--no-wait');
my @two = map { $_->{hash} =~ s/sha256://r } @{ $f->head->{segments} };
utime $old, $old, glob $f->path('segments/*');

($rc, $out, $err) = $f->ctl('rollback', '--no-wait');
is($rc, 0, 'rollback');
is_deeply([map { $_->{hash} =~ s/sha256://r } @{ $f->head->{segments} }],
          \@one, 'to the same segments');

for my $n (1 .. 16) {
    $f->ctl('push', large("n$n", 20000 * $n), '--no-wait');
    utime $old, $old, glob $f->path('segments/*');
}

$f->ctl('push', $t->path('n16'), '--no-wait');

my %there = map { ($_ => 1) } segments();
ok(!grep({ $there{$_} } @two), 'what sixteen others came after is gone');
my @now = map { $_->{hash} =~ s/sha256://r } @{ $f->head->{segments} };
ok(!grep({ !$there{$_} } @now), 'what is in use is there');

($rc, $out, $err) = $f->ctl('rollback', '--to', '9');
is($rc, 1, 'rollback to what is gone');
like($err, qr/segments.*No such file/, 'it says so');

# a tampered segment is named

my $victim = $f->path("segments/$now[0]");
my $text = slurp($victim);
$t->file("store/segments/$now[0]", $text =~ s/GET/PUT/r);
($rc, $out, $err) = $f->ctl('pull', $t->path('tampered'));
is($rc, 1, 'a tampered segment');
like($err, qr/\Q$now[0]\E: has another hash/, 'is named');
ok(!-e $t->path('tampered'), 'and nothing written');


# the same for programs

{
    my $file = $t->path('json');
    my $empty = Weir::Fleet->new($t, dir => 'json-store', key => undef);

    $empty->{key} = 'anna';
    mkdir $empty->path('');
    ($rc, $out) = $empty->ctl('build', $f->policies('json-p', 'GET'), $file,
                              '--json');
    my $made = JSON::PP::decode_json($out);
    is_deeply([@$made{qw(path version files signatures)}], [$file, 1, 1, 1],
              'build --json');

    ($rc, $out) = $t->weirctl('sign', $file, '--sign-key', $f->key('bert'),
                              '--json');
    my $signed = JSON::PP::decode_json($out);
    is_deeply([@$signed{qw(path version hash signatures)}],
              [$file, 1, $made->{hash}, 2], 'sign --json');

    $empty->ctl('push', $file, '--no-wait');
    ($rc, $out) = $empty->ctl('pull', $t->path('json-out'), '--json');
    my $pulled = JSON::PP::decode_json($out);
    is_deeply([@$pulled{qw(path version hash files)}],
              [$t->path('json-out'), 1, $made->{hash}, 1], 'pull --json');
}


done_testing();
