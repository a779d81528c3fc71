
# weirctl backup and restore: all state into one file and back, into any kind
# of store; a changed byte is noticed and named; versions never fall.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Weir::Redis;
use Weir::Store;
use File::Find qw(find);
use File::Path qw(remove_tree);
use JSON::PP;
use POSIX ();

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);
my $weirctl = ($ENV{WEIR_BUILD} || $t->top . '/build') . '/weirctl';
my ($rc, $out, $err);

my @trust = ('--trust', $f->pub);

# a store with a past: bundles small and large, splits, a tombstone

sub gateways {
    $f->report('gw-1', splits => { map {
        ($_ => Weir::Fleet::split_report('config', 0, green => 0.05,
                                         blue => 0.95))
    } qw(checkout search gone) });
}

my $large = join '', map { "permit more$_ { who anyone; what GET /m/$_/"
                           . ('x' x 60) . "; }\n" } 1 .. 1200;

gateways();
$f->ctl('push', $f->policies('a', 'GET'), '--no-wait');
$f->ctl('push', $f->policies('b', 'POST', $large), '--no-wait');
$f->ctl('split', 'set', 'checkout', 'green=10%', '--no-wait');
$f->ctl('split', 'set', 'search', 'green=20%', '--no-wait');
$f->ctl('split', 'set', 'checkout', 'green=30%', '--no-wait');
$f->ctl('split', 'set', 'gone', 'green=5%', '--no-wait');
$f->ctl('split', 'reset', 'gone', '--no-wait');
$f->ctl('push', $f->policies('c', 'PUT', "# other\n$large"), '--no-wait');
unlink glob $f->path('gateways/*');

my $dir = $f->path('');
my $backup = $t->path('backup');

($rc, $out, $err) = $f->ctl('audit', 'verify', @trust);
is("$rc$err", '0', 'the store is in order');

($rc, $out, $err) = $f->ctl('backup', $backup, @trust);
is($rc, 0, 'backup') or diag $err;
like($out, qr/: version 3, 3 live documents, 8 entries of the trail, \d+ /,
     'what it holds');
is((stat $backup)[2] & 0777, 0600, 'for its owner alone');

my $text = slurp($backup);
unlike($text, qr/PRIVATE KEY/, 'no private key');

my $pem = slurp($f->key);
$pem =~ s/-----[^-]+-----|\s//g;
ok(index($text, $pem) < 0, 'nor its bytes');

($rc, $out, $err) = $t->weirctl('backup', $backup, '--store', $f->store);
is($rc, 2, 'nothing is replaced');
like($err, qr/backup: File exists/, 'it says so');
like($err, qr/signatures are not verified: --trust/, 'and what it did not');
is(slurp($backup), $text, 'it is as it was');
is_deeply([glob "$backup.new*"], [], 'nothing is left beside it');
($rc, $out) = $f->ctl('backup', '-', @trust);
like($out, qr/\Aweir-backup 1 weir .*\nend sha256:[0-9a-f]{64}\n\z/s,
     'to stdout');


# what a store of files has, but for what is no state, and for what a killed
# publisher left beside its place

sub files {
    my ($dir) = @_;
    my %files;

    find({ no_chdir => 1, wanted => sub {
        return if -d || m{/\.[^/]*\z};

        my $name = substr $_, length $dir;
        return if $name =~ m{^(?:lock|rev|pending|gateways)};
        $name =~ s{audit/.*}{audit};
        $files{$name} .= slurp($_);
    } }, $dir);

    $files{audit} = join "\n", sort split /\n/, delete $files{audit} || '';
    return \%files;
}

sub restore {
    my ($file, $to, @args) = @_;
    return $f->ctl('restore', $file, '--store', $to, @args);
}

sub folder {
    my ($name) = @_;
    remove_tree($t->path($name));
    return ('file:' . $t->path($name), $t->path($name) . '/');
}

sub verified {
    my ($store, $what) = @_;

    my ($rc, $out, $err) = $t->weirctl('audit', 'verify', '--store', $store,
                                       @trust);
    is("$rc$err", '0', "$what: the trail is in order");
}


# an empty folder

my ($to, $there) = folder('r1');

($rc, $out, $err) = $t->weirctl('restore', $backup, '--store', $to);
is($rc, 2, 'somebody must say whose signatures count');
like($err, qr/--trust FILE, or --trust off/, 'it says so');

($rc, $out, $err) = restore($backup, $to);
is($rc, 0, 'restore') or diag $err;
like($out, qr/^bundle\/head version 3: copied$/m, 'the head');
like($out, qr/^restored: 4 entries of the trail, \d segments$/m, 'its past');
is_deeply(files($there), files($dir), 'every byte');
cmp_ok(slurp($there . 'rev'), '>', slurp($f->path('rev')),
       'the hint rises');
verified($to, 'restored');

($rc, $out) = restore($backup, $to);
is($rc, 0, 'again');
like($out, qr/version 3: same$/m, 'nothing to do');
like($out, qr/^restored: 0 entries of the trail, 0 segments$/m, 'at all');
is_deeply(files($there), files($dir), 'nothing was done');

($rc, $out, $err) = $f->ctl('rollback', '--to', 2, '--no-wait', '--store',
                            $to);
is($rc, 0, 'segments of older bundles came, too') or diag $err;

($rc, $out) = restore($backup, $to, '--json');
my $json = decode_json($out);
is($json->{documents}[-1]{state}, 'signed', 'what came since is replaced');
is($json->{documents}[-1]{version}, 5, 'by the next version');
is_deeply([map { $_->{state} } @{ $json->{documents} }[0 .. 2]],
          [('same') x 3], 'the others are there');
verified($to, 'restored over something newer');


# other kinds of stores, there and back

my $r = Weir::Redis->new($t);
my $redis = 'redis://127.0.0.1:' . $r->port;

($rc, $out, $err) = restore($backup, $redis);
is($rc, 0, 'into Redis') or diag $err;
is($r->command('GET', 'weir:{weir}:cfg:head'), slurp($f->path('head.json')),
   'the head');
is($r->command('XLEN', 'weir:{weir}:cfg:audit'), 8, 'the trail');
cmp_ok($r->command('GET', 'weir:{weir}:cfg:rev'), '>',
       slurp($f->path('rev')), 'the hint rises there, too');
verified($redis, 'Redis');

my @nodes = Weir::Redis->cluster($t);
my $cluster = 'redis://' . join(',', map { '127.0.0.1:' . $_->port }
                                     @nodes[0, 1]) . ' cluster=on';

($rc, $out, $err) = $f->ctl('backup', $t->path('of-redis'), '--store', $redis,
                            @trust);
is($rc, 0, 'of Redis') or diag $err;
($rc, $out, $err) = restore($t->path('of-redis'), $cluster);
is($rc, 0, 'into a cluster') or diag $err;
verified($cluster, 'cluster');
($rc, $out, $err) = $f->ctl('backup', $t->path('of-cluster'), '--store',
                            $cluster, @trust);
is($rc, 0, 'of the cluster') or diag $err;

($to, $there) = folder('r2');
($rc, $out, $err) = restore($t->path('of-cluster'), $to);
is($rc, 0, 'and into files again') or diag $err;
is_deeply(files($there), files($dir), 'every byte has come through');
$_->stop for @nodes;


# any byte of the file

my $bad = $t->path('bad');
my ($tried, $missed) = (0, 0);

($to, $there) = folder('r3');

my $step = int(length($text) / 150);
my $re_record = qr/bad(?:: [^,]+)?, entry \d+: \S+: |bad: (?:it|a|line) /;

for (my $i = 7; $i < length $text; $i += $step) {
    my $c = substr $text, $i, 1;
    my $changed = $text;
    substr($changed, $i, 1) = $c eq "\n" ? 'x' : $c eq 'A' ? 'B' : 'A';
    spew($bad, $changed);

    ($rc, $out, $err) = restore($bad, $to, '--quiet');
    $tried++;
    $missed++, diag("byte $i: $rc, $err")
        if $rc ne '1' || $err !~ /$re_record/;
}

cmp_ok($tried, '>', 100, "$tried bytes changed");
is($missed, 0, 'each was noticed and its record named');
is_deeply(files($there), { audit => '' }, 'and nothing was written');

for my $len (0, 1, 40, 100, length($text) / 2, length($text) - 1) {
    spew($bad, substr $text, 0, $len);
    ($rc, $out, $err) = restore($bad, $to);
    is($rc, 1, "cut after $len bytes");
}

spew($bad, "$text\n");
($rc, $out, $err) = restore($bad, $to);
is($rc, 1, 'something behind it');
like($err, qr/something follows the end/, 'named');


# who can rewrite hashes still cannot sign

sub summed {
    my ($text) = @_;
    $text =~ s/^end .*\n\z//m;
    return $text . 'end sha256:' . Digest::SHA::sha256_hex($text) . "\n";
}

sub without {
    my ($re) = @_;
    my $less = $text;
    $less =~ s/^$re sha256:\S+ \d+\n.*?\n//m or die $re;
    spew($bad, summed($less));
    return restore($bad, $to);
}

($rc, $out, $err) = without('live split/checkout');
is($rc, 1, 'without a document');
like($err, qr{split/checkout: older: it is in the trail}, 'named');
($rc, $out, $err) = without('head bundle/head');
is($rc, 1, 'without the head');
like($err, qr{bundle/head: older: it is in the trail}, 'named');

my ($segment) = $text =~ /^segment - sha256:(\S+)/m;
$segment = Weir::Fleet::document(slurp($f->path('head.json')))
           ->{segments}[0]{hash};
($rc, $out, $err) = do {
    my $less = $text;
    $less =~ s/^segment - \Q$segment\E \d+\n.*\n//m or die;
    spew($bad, summed($less));
    restore($bad, $to);
};
is($rc, 1, 'without a segment');
like($err, qr{bundle/head: truncated: a segment is missing}, 'named');

{
    my $store = Weir::Store->new($t, dir => $t->path('forged'));
    $store->key('thief');
    my $forged = $store->envelope('split', $store->payload('split',
        'checkout', version => 3, more => '"weights":{"green":10000}'),
        'thief');
    my $changed = $text;
    my $line = 'live split/checkout sha256:'
               . Digest::SHA::sha256_hex($forged) . ' ' . length $forged;
    $changed =~ s/^live split\/checkout .*\n.*\n/$line\n$forged\n/m or die;
    spew($bad, summed($changed));
    ($rc, $out, $err) = restore($bad, $to);
    is($rc, 1, 'with a document of somebody else');
    like($err, qr{split/checkout: untrusted: }, 'named');

    ($rc, $out, $err) = restore($bad, $to, '--damaged');
    is($rc, 0, '--damaged leaves it out') or diag $err;
    ok(!-e $there . 'live/split/checkout.json', 'it is not there');
    is(slurp($there . 'head.json'), slurp($f->path('head.json')),
       'the rest is');
}

($rc, $out, $err) = restore($backup, "$to namespace=other");
is($rc, 1, 'another namespace');
like($err, qr/of namespace "weir", the store's is "other"/, 'why');
$f->keygen('other');
($to, $there) = folder('r3');
($rc, $out, $err) = restore($backup, $to, '--trust', $f->pub('other'));
is($rc, 1, 'keys that did not sign it');
like($err, qr{bundle/head: untrusted: }, 'why');
ok(!-e "${there}head.json", 'nothing is restored');


# gateways that have seen more

sub fences {
    my ($dir, %v) = @_;

    my $g = Weir::Fleet->new($t, dir => $dir, key => undef);
    $g->report('gw-9', fences => { map {
        ($_ => { epoch => 0, version => $v{$_},
                 hash => 'sha256:' . '1' x 64 })
    } keys %v });
}

fences('r3', 'bundle/head' => 9, 'split/checkout' => 2);

($rc, $out, $err) = $t->weirctl('restore', $backup, '--store', $to, @trust);
is($rc, 1, 'no key, and a gateway that knows version 9');
like($err, qr{bundle/head: older: version 9 is known there, the backup has 3},
     'why');
is_deeply(files($there), { audit => '' }, 'nothing is written');

($rc, $out, $err) = restore($backup, $to, '--reason', 'fire');
is($rc, 0, 'with a key') or diag $err;
like($out, qr{^bundle/head version 10: signed, the content of version 3$}m,
     'above the fence');
my $head = Weir::Fleet::document(slurp("${there}head.json"));
is($head->{version}, 10, 'the head');
is($head->{reason}, 'fire', 'its reason');
is_deeply($head->{segments},
          Weir::Fleet::document(slurp($f->path('head.json')))->{segments},
          'its content');
is($head->{live_min}{'split/checkout'},
   Weir::Fleet::document(slurp("${there}live/split/checkout.json"))
   ->{version}, 'it asks for the live documents of now');
($rc, $out, $err) = $t->weirctl('audit', 'verify', '--store', $to, @trust);
like($err, qr{"bundle/head" has version 10 after 3: what is between is miss},
     'what was lost stays visible');

fences('r3', 'bundle/head' => 9);
($rc, $out) = restore($backup, $to);
like($out, qr{^bundle/head version 10: same}m, 'once is enough');

($to, $there) = folder('r4');
mkdir $there;
fences('r4', 'bundle/head' => 3);
($rc, $out, $err) = restore($backup, $to, '--epoch', 1);
is($rc, 0, 'another content of that version is known: a new epoch');
is(Weir::Fleet::document(slurp("${there}head.json"))->{epoch}, 1, 'is 1');
unlink glob "${there}gateways/*";
verified($to, 'a new epoch');


# revocations are united

{
    ($to, $there) = folder('r5');
    my $store = Weir::Store->new($t, dir => $t->path('r5'));
    $store->{keys}{release} = { file => $f->key, id => substr(
        Digest::SHA::sha256_hex(substr(MIME::Base64::decode_base64(
            slurp($f->pub) =~ s/-----[^-]+-----//gr), -32)), 0, 16) };

    my %docs = (
        'live/revocations/all.json' => $store->envelope('revocations',
            $store->payload('revocations', 'all', version => 5), 'release'),
        'live/key/k1.json' => $store->envelope('tombstone',
            $store->payload('tombstone', 'key/k1', version => 7), 'release'));

    my %old = (
        'revocations/all' => $store->envelope('revocations',
            $store->payload('revocations', 'all', version => 2), 'release'),
        'key/k1' => $store->envelope('key',
            $store->payload('key', 'k1', version => 6), 'release'));

    my $with = $text;
    for (sort keys %old) {
        my $record = "live $_ sha256:" . Digest::SHA::sha256_hex($old{$_})
                     . ' ' . length($old{$_}) . "\n$old{$_}\n";
        $with =~ s/^(?=head bundle)/$record/m;
    }

    $store->put($_, $docs{$_}) for keys %docs;
    spew($bad, summed($with));
    ($rc, $out, $err) = restore($bad, $to);
    is($rc, 0, 'a store that has revoked more') or diag $err;
    like($out, qr{^key/k1 version 7: kept, what was revoked stays revoked$}m,
         'a key');
    like($out, qr{^revocations/all version 5: kept, }m, 'a list');
    is(slurp("$there$_"), $docs{$_}, "$_ is as it was") for sort keys %docs;

    ($to, $there) = folder('r6');
    ($rc, $out, $err) = restore($bad, $to);
    is($rc, 0, 'an empty one') or diag $err;
    is(slurp("${there}live/$_.json"), $old{$_}, "$_ comes back")
        for sort keys %old;
}


# unsigned ones

{
    my $u = Weir::Fleet->new($t, dir => 'unsigned', key => undef);
    $u->ctl('push', $f->policies('a', 'GET'));
    ($rc, $out, $err) = $u->ctl('backup', $t->path('u'));
    is($rc, 0, 'of an unsigned store');
    ($to, $there) = folder('r7');
    ($rc, $out, $err) = $t->weirctl('restore', $t->path('u'), '--store', $to,
                                    @trust);
    is($rc, 1, 'keys count');
    like($err, qr{bundle/head: unsigned: }, 'why');
    ($rc, $out, $err) = $t->weirctl('restore', $t->path('u'), '--store', $to,
                                    '--trust', 'off');
    is($rc, 0, 'unless it is said') or diag $err;
    is(slurp("${there}head.json"), slurp($u->path('head.json')), 'it is');

    ($to, $there) = folder('r8');
    $t->weirctl('restore', $backup, '--store', $to, @trust);
    ($rc, $out, $err) = $t->weirctl('restore', $t->path('u'), '--store', $to,
                                    '--trust', 'off');
    is($rc, 1, 'a signed one is never replaced by an unsigned one');
    like($err, qr{bundle/head: unsigned: a signed one is there}, 'why');
}


# a store that is damaged

sub damaged {
    my ($what, $file, $how, $re) = @_;

    my $is = slurp($file);
    my $bad = $is;
    $how->($bad) for $bad;
    spew($file, $bad);

    my $new = $t->path('damaged');
    ($rc, $out, $err) = $f->ctl('backup', $new, @trust);
    is($rc, 1, $what);
    like($err, $re, "$what: named");
    ok(!-e $new, "$what: no backup");
    spew($file, $is);
}

my $flip = sub { substr($_[0], 300, 1) =~ tr/A-Za-z/B-ZAb-za/ };
my ($day) = glob $f->path('audit/*');
my $live = $f->path('live/split/checkout.json');

# two of the policies' segments; the head has others than its forerunner

my $hex = $segment =~ s/^sha256://r;

damaged('a changed head', $f->path('head.json'), $flip,
        qr{store: bundle/head: bad-signature: });
damaged('a changed live document', $live, $flip,
        qr{store: split/checkout: bad-signature: });
damaged('a changed segment', $f->path("segments/$hex"), $flip,
        qr{store: bundle/head: bad-signature: .*another hash});
damaged('a changed entry', $day, $flip,
        qr{store: trail, entry 1: bad-signature: });
damaged('a head that is gone', $f->path('head.json'), sub { $_[0] = '' },
        qr{store: bundle/head: });
damaged('an older live document', $live, sub {
    $_[0] = (grep { my $d = Weir::Fleet::document($_);
                    $d->{id} eq 'checkout' } $f->trail)[0];
}, qr{store: split/checkout: older: it is older than the trail's last});

rename $live, "$live.kept";
($rc, $out, $err) = $f->ctl('backup', $t->path('damaged'), @trust);
is($rc, 1, 'a live document that is gone');
like($err, qr{store: split/checkout: older: it is in the trail}, 'named');
($rc, $out, $err) = $f->ctl('backup', $t->path('damaged'), @trust,
                            '--damaged', '--json');
is($rc, 0, '--damaged');
is(decode_json($out)->{live}, 2, 'has the rest');
rename "$live.kept", $live;


# for those alone who own a key

sub certificate {
    my ($name, @how) = @_;

    Weir::Store::run('openssl', 'req', '-x509', '-nodes', '-keyout',
        $t->path("$name.key"), '-out', $t->path("$name.crt"), '-days', 30,
        '-subj', "/CN=$name", @how);
}

certificate('rsa', '-newkey', 'rsa:2048');
certificate('ec', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256');
certificate('ed', '-newkey', 'ed25519');

my $sealed = $t->path('sealed');

($rc, $out, $err) = $f->ctl('backup', $sealed, @trust, '--to',
                            $t->path('rsa.crt'), '--to', $t->path('ec.crt'));
is($rc, 0, 'encrypted') or diag $err;
like($out, qr/, encrypted$/, 'it says so');
is((stat $sealed)[2] & 0777, 0600, 'and for its owner alone');
unlike(slurp($sealed), qr/weir-backup|payloadType/, 'nothing to read');

for (qw(rsa ec)) {
    ($to, $there) = folder("r-$_");
    ($rc, $out, $err) = restore($sealed, $to, '--key', $t->path("$_.key"));
    is($rc, 0, "restored by the $_ key") or diag $err;
    is_deeply(files($there), files($dir), 'every byte');

    ($rc, $out, $err) = $t->execute(['openssl', 'cms', '-decrypt', '-inform',
        'DER', '-in', $sealed, '-inkey', $t->path("$_.key")]);
    like($out, qr/\Aweir-backup 1 weir /, "openssl reads it by the $_ key");
}

($to, $there) = folder('r9');
($rc, $out, $err) = restore($sealed, $to);
is($rc, 1, 'without a key');
like($err, qr/encrypted: --key FILE decrypts it/, 'it says so');
certificate('stranger', '-newkey', 'rsa:2048');
($rc, $out, $err) = restore($sealed, $to, '--key', $t->path('stranger.key'));
is($rc, 1, 'another key');
like($err, qr/it was changed, or is not for this key/, 'it says so');
($rc, $out, $err) = $f->ctl('backup', $t->path('x'), '--to',
                            $t->path('ed.crt'));
is($rc, 2, 'a key that only signs');
like($err, qr/cannot be encrypted to \(RSA and EC can\)/, 'why');
($rc, $out, $err) = $f->ctl('backup', $t->path('x'), '--to', $f->pub);
is($rc, 2, 'no certificate');
ok(!-e $t->path('x'), 'nothing is written');

my $cipher = slurp($sealed);
($tried, $missed) = (0, 0);
$step = int(length($cipher) / 60);

# the block of the other recipient may say what it will: nobody asks it

for (my $i = 0; $i < length $cipher; $i += $i < 1200 ? 13 : $step) {
    my $changed = $cipher;
    substr($changed, $i, 1) ^= "\x01";
    spew($bad, $changed);
    ($to, $there) = folder('r9');
    ($rc, $out, $err) = restore($bad, $to, '--key', $t->path('ec.key'),
                                '--quiet');
    $tried++;
    next if $rc eq '1' && $err ne '';
    next if $rc eq '0' && eq_deeply_files($there);
    $missed++;
    diag("byte $i: $rc $err");
}

sub eq_deeply_files {
    my ($a, $b) = map { JSON::PP->new->canonical->encode($_) }
                  files($_[0]), files($dir);
    return $a eq $b;
}

cmp_ok($tried, '>', 60, "$tried bytes of the encrypted one changed");
is($missed, 0, 'noticed, or without effect');


# killed in the middle, again and again

gateways();
$f->ctl('split', 'set', 'search', "green=$_%", '--no-wait') for 1 .. 25;
unlink glob $f->path('gateways/*');
unlink $backup;
$f->ctl('backup', $backup, @trust);

($to, $there) = folder('r10');

for my $lines (1, 5, 12, 20, 27, 30) {
    my $pid = fork;
    die unless defined $pid;

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec { $weirctl } 'weirctl', 'restore', $backup, '--store', $to, @trust
            or POSIX::_exit(127);
    }

    my $ended;

    wait_for {
        $ended = waitpid($pid, POSIX::WNOHANG()) == $pid;
        $ended || lines($there) >= $lines;
    } 30, "$lines entries";

    kill 'KILL', $pid unless $ended;
    waitpid $pid, 0 unless $ended;

    my $whole = -e "${there}head.json";
    ok(!$whole || eq_deeply_files($there),
       "killed at $lines entries: no head before all is there");
}

sub lines {
    return scalar map { split /\n/, slurp($_) } glob "$_[0]audit/*";
}

($rc, $out, $err) = restore($backup, $to);
is($rc, 0, 'the last one comes to its end') or diag $err;
is_deeply(files($there), files($dir), 'everything, once');
verified($to, 'after all that');


done_testing();
