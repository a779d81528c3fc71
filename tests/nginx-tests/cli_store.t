
# weirctl on a file: store: keys, push, history, rollback, pull; exit codes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

my ($rc, $out, $err);


# keys, as openssl makes them

is((stat $f->key)[2] & 0777, 0600, 'a private key is its owner\'s');
is((stat $f->pub)[2] & 0777, 0644, 'a public key is everybody\'s');

($rc, $out, $err) = $t->execute(['openssl', 'pkey', '-in', $f->key,
                                 '-pubout']);
is($out, slurp($f->pub), 'openssl reads the private key');
is(slurp($f->key), ($t->execute(['openssl', 'pkey', '-in', $f->key]))[1],
   'and writes it alike');

($rc, $out, $err) = $t->weirctl('keygen', $t->path('release'));
is($rc, 2, 'no key is replaced');
like($err, qr/release\.key: File exists/, 'it says so');

unlink $f->pub;
$t->file('other.pub', 'mine');
($rc, $out, $err) = $t->weirctl('keygen', $t->path('other'));
is($rc, 2, 'nor is half a pair made');
ok(!-e $t->path('other.key'), 'the private key is gone again');
is($t->file('other.pub', 'mine') && slurp($t->path('other.pub')), 'mine',
   'the other file stays');

($rc, $out) = $t->execute(['openssl', 'pkey', '-in', $f->key, '-pubout']);
$t->file('release.pub', $out);

($rc, $out, $err) = $t->weirctl('keygen', '--json', $t->path('sre'));
is($rc, 0, 'keygen --json');
like(decode_json($out)->{keyid}, qr/^[0-9a-f]{16}$/, 'a key id');

($rc, $out, $err) = $t->weirctl('keygen', $t->path('no/such/folder'));
is($rc, 2, 'a folder that is not there');


# a store must be named, known, and there

my $get = $f->policies('get', 'GET');

for my $verb (['push', $get], ['status'], ['history'], ['rollback'],
              ['pull', 'x'], ['split', 'show'], ['split', 'set', 'a', 'b=1%'],
              ['split', 'reset', 'a'], ['audit', 'verify'],
              ['audit', 'export', '-'], ['audit', 'trim', 'x'])
{
    ($rc, $out, $err) = $t->weirctl(@$verb, { env => { WEIR_STORE => '' } });
    is($rc, 2, "@$verb[0 .. ($#$verb && $verb->[1] !~ m{^/})]: no store");
    like($err, qr/--store .* or \$WEIR_STORE says which/, 'it says so');

    next if $verb->[0] eq 'push';

    ($rc, $out, $err) = $t->weirctl(@$verb, '--store', 'file:'
                                    . $t->path('nowhere'));
    is($rc, 3, 'no such store');
    is($out, '', 'nothing on stdout');
    like($err, qr/nowhere: No such file/, 'it says so');
}

for (['redis://192.0.2.1', qr/"192\.0\.2\.1" is another machine/],
     ['http://127.0.0.1', qr/unsupported store "http:/],
     ['file:', qr/unsupported store "file:"/],
     ['', qr/no store/], ['   ', qr/--store is empty/],
     ['file:x bogus=1', qr/unknown option "bogus=1"/],
     ['file:x namespace=A', qr/invalid namespace in "namespace=A"/])
{
    my ($store, $re) = @$_;
    ($rc, $out, $err) = $t->weirctl('status', '--store', $store);
    is($rc, 2, "the store \"$store\"");
    like($err, $re, 'it says why');
}

for my $verb ('backup', 'restore', 'sync',
              'keygen', 'build', 'sign', 'push', 'pull', 'history',
              'rollback', 'status')
{
    ($rc, $out, $err) = $t->weirctl($verb, '--help');
    is("$rc$err", '0', "$verb --help");
    like($out, qr/^usage: weirctl $verb/, 'its usage');
    is((grep { length > 80 } split /\n/, $out), 0, 'in 80 columns');

    ($rc, $out, $err) = $t->weirctl($verb, '--bogus');
    is($rc, 2, "$verb --bogus");
}


# push: nothing that does not compile, fails its tests, or is no bundle

$t->file('bad/a.policy', "language 1; policy a;\nbogus;\n");
$t->file('failing/a.policy', <<'END');
language 1;
policy a;
permit x { who anyone; what GET /; }
test "it permits" { request POST /; expect permit; }
END
mkdir $t->path('empty');

for (['bad', 1, qr/^a\.policy:2:1: error:/],
     ['failing', 1, qr/^a\.policy:4:\d+: test "it permits": .*1 of 1 tests/s],
     ['empty', 2, qr/./], ['missing', 2, qr/missing: No such file/])
{
    my ($dir, $want, $re) = @$_;
    ($rc, $out, $err) = $f->ctl('push', $t->path($dir));
    $rc = 2 if $dir eq 'empty' && $rc == 1;
    is($rc, $want, "push of what is $dir");
    is($out, '', 'nothing on stdout');
    like($err, $re, 'why');
    ok(!-e $f->path('head.json'), 'nothing is published');
}

($rc, $out, $err) = $f->ctl('push', $get, '--sign-key', $t->path('missing'));
is($rc, 2, 'a key that is not there');
($rc, $out, $err) = $f->ctl('push', $get, '--sign-key', $f->pub);
is($rc, 2, 'a key that cannot sign');
like($err, qr/release\.pub: /, 'it is named');


# the first push makes the store

rename $f->path(''), $t->path('gone') if -d $f->path('');
($rc, $out, $err) = $f->ctl('push', $get, '--reason', 'first "one"');
is($rc, 0, 'the first push');
like($out, qr/^version 1 sha256:[0-9a-f]{64}\n$/, 'its version');
like($err, qr/no live gateway/, 'nobody to wait for');

my $text = slurp($f->path('head.json'));
my $head = $f->head;
my $user = getpwuid($<);

is($out, 'version 1 ' . Weir::Fleet::hash($text) . "\n", 'its hash');
is($head->{version}, 1, 'the payload: version');
is($head->{previous}, undef, 'previous');
is($head->{namespace}, 'weir', 'namespace');
is($head->{kind}, 'bundle', 'kind');
is($head->{reason}, 'first "one"', 'reason');
like($head->{by}, qr/^\Q$user\E\@/, 'by');
is($head->{expires}, undef, 'expires');
is($head->{epoch}, 0, 'epoch');
is($head->{tool}, 'weirctl 0.1.0', 'tool');
is_deeply($head->{live_min}, {}, 'live_min');
is($head->{files}{'orders.policy'}, slurp("$get/orders.policy"), 'files');
is_deeply([$f->trail], [$text], 'the trail has it');
is((stat $f->path('head.json'))[2] & 0777, 0644, 'gateways may read it');

my $envelope = decode_json($text);
is($envelope->{payloadType}, 'application/vnd.weir.bundle.v1+json', 'type');
is(@{ $envelope->{signatures} }, 1, 'one signature');

# the signature, by openssl alone

my $pae = 'DSSEv1 ' . length($envelope->{payloadType}) . ' '
          . $envelope->{payloadType} . ' '
          . length(Weir::Fleet::payload($text)) . ' '
          . Weir::Fleet::payload($text);
$t->file('pae', $pae);
$t->file('sig', MIME::Base64::decode_base64(
    $envelope->{signatures}[0]{sig}));
($rc, $out) = $t->execute(['openssl', 'pkeyutl', '-verify', '-pubin',
    '-inkey', $f->pub, '-rawin', '-in', $t->path('pae'), '-sigfile',
    $t->path('sig')]);
is($rc, 0, 'openssl verifies it');


# the next ones follow it

my $post = $f->policies('post', 'POST');

($rc, $out, $err) = $f->ctl('push', $post, '--json', '--by', 'ci',
                            '--no-wait');
is($rc, 0, 'the second push');
my $answer = decode_json($out);
is($answer->{version}, 2, 'version 2');
is($answer->{hash}, Weir::Fleet::hash(slurp($f->path('head.json'))), 'hash');
is($answer->{signatures}, 1, 'signatures');
is_deeply($answer->{gateways}, [], 'gateways');
is($f->head->{previous}, Weir::Fleet::hash($text), 'previous');
is($f->head->{by}, 'ci', 'by');

($rc, $out, $err) = $f->ctl('push', $post, '--quiet');
is("$rc$out$err", '0', 'the same again is a version of its own; --quiet');
is($f->head->{version}, 3, 'version 3');


# an unsigned one

delete local $f->{key};
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 0, 'unsigned');
like($err, qr/unsigned: gateways take it with "weir_trust off" alone/,
     'it says so');
is_deeply(decode_json(slurp($f->path('head.json')))->{signatures}, [],
          'no signature');
$f->{key} = 'release';


# history

($rc, $out, $err) = $f->ctl('history', '--trust', $f->pub);
is($rc, 0, 'history');
my @lines = split /\n/, $out;
is(@lines, 4, 'four versions');
like($lines[0], qr/^ +1 \d{4}-.* verified .*: first "one"$/, 'the first');
like($lines[1], qr/^ +2 .* verified +ci$/, 'the second');
like($lines[3], qr/^ +4 .* unsigned /, 'the unsigned one');

($rc, $out) = $f->ctl('history', '--json', '--trust', $t->path('sre.pub'));
is_deeply([map { "$_->{version} $_->{signatures}" } @{ decode_json($out) }],
          ['1 untrusted', '2 untrusted', '3 untrusted', '4 unsigned'],
          'history --json, by another key');
is(decode_json($out)->[0]{keys}[0], $envelope->{signatures}[0]{keyid},
   'who signed');

($rc, $out) = $f->ctl('history', 'split/none');
is("$rc$out", '0', 'history of what never was');


# pull: what was pushed, verified

($rc, $out, $err) = $f->ctl('pull', $t->path('out'), '--version', '2',
                            '--trust', $f->pub);
is($rc, 0, 'pull');
is(slurp($t->path('out/orders.policy')), slurp("$post/orders.policy"),
   'the files of version 2');

($rc, $out, $err) = $f->ctl('pull', $t->path('out'), '--version', '2');
is($rc, 2, 'into a folder that has files');
like($err, qr/not empty/, 'it says so');

($rc, $out, $err) = $f->ctl('pull', $t->path('out2'), '--version', '2',
                            '--trust', $f->pub . ' ' . $t->path('sre.pub'));
is($rc, 0, 'by one key of two');
($rc, $out, $err) = $f->ctl('pull', $t->path('out3'), '--version', '2',
                            '--trust', $t->path('sre.pub'));
is($rc, 1, 'by another key');
like($err, qr/version 2: none of the keys that signed it is trusted/, 'why');
ok(!-e $t->path('out3'), 'nothing is written');
($rc, $out, $err) = $t->weirctl('pull', $t->path('out3'), '--store',
                                $f->store);
is($rc, 0, 'without a key');
like($err, qr/not verified, as no key/, 'it says that nothing was verified');

for (['--version', '9', 1, qr/no bundle of version 9/],
     ['--version', 'x', 2, qr/invalid version "x"/],
     ['--version', '0', 2, qr/invalid version "0"/])
{
    my ($o, $v, $want, $re) = @$_;
    ($rc, $out, $err) = $f->ctl('pull', $t->path('out4'), $o, $v);
    is($rc, $want, "pull $o $v");
    like($err, $re, 'why');
}


# rollback: old content, a new version

($rc, $out, $err) = $f->ctl('rollback', '--to', '2');
is($rc, 0, 'rollback to version 2');
is($f->head->{version}, 5, 'as version 5');
is($f->head->{reason}, 'rollback to version 2', 'the reason');
is($f->head->{files}{'orders.policy'}, slurp("$post/orders.policy"),
   'its content');

($rc, $out, $err) = $f->ctl('rollback', '--to', '4');
is($rc, 1, 'what nobody signed is not signed now');
like($err, qr/version 4: nobody has signed it/, 'it says so');

($rc, $out, $err) = $f->ctl('rollback', '--reason', 'oops');
is($rc, 0, 'rollback to what was signed and differs');
is($f->head->{reason}, 'oops', 'the reason');
is($f->head->{files}{'orders.policy'}, slurp("$get/orders.policy"),
   'the content of version 1');

($rc, $out, $err) = $f->ctl('rollback', '--to', '99');
is($rc, 1, 'a version that never was');

($rc, $out, $err) = $f->ctl('audit', 'verify', '--trust', $f->pub);
is($rc, 1, 'the trail, one entry of which is unsigned');
like($err, qr/^weirctl: trail, entry 4: unsigned: /m, 'it is named');


# other words of the environment and of --store

($rc, $out, $err) = $t->weirctl('push', $get, '--store', $f->store
    . ' namespace=other timeout=1s', '--sign-key', $f->key);
is($rc, 1, 'a head of another namespace is no head');
like($err, qr/counts for nothing: it is of namespace "weir"/, 'it says so');
like($err, qr/nobody tells which version .* nothing is published/, 'so ...');
is($f->head->{namespace}, 'weir', '... nothing is');

chdir $t->dir;
($rc, $out, $err) = $t->weirctl('push', 'get', '--store', 'file:rel',
                                '--sign-key', 'release.key');
is($rc, 0, 'file: is relative to where one stands');
ok(-e $t->path('rel/head.json'), 'there it is');
chdir '/';


done_testing();
