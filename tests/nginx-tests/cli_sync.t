
# weirctl sync: signed documents from store to store: verified, never lowered,
# never replaced by unsigned ones, with their past.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Weir::Redis;
use JSON::PP;
use POSIX ();

my $t = Weir::Test->new(assert => 0);
my $a = Weir::Fleet->new($t, dir => 'a');
my $b = Weir::Fleet->new($t, dir => 'b', key => undef);
$b->{key} = 'release';

my $r = Weir::Redis->new($t);
my $redis = 'redis://127.0.0.1:' . $r->port;
my @trust = ('--trust', $a->pub);
my $weirctl = ($ENV{WEIR_BUILD} || $t->top . '/build') . '/weirctl';
my ($rc, $out, $err);

my $large = join '', map { "permit more$_ { who anyone; what GET /m/$_/"
                           . ('x' x 60) . "; }\n" } 1 .. 700;

sub sync {
    my ($from, $to, @args) = @_;
    return $t->weirctl('sync', $from, $to, @trust, @args);
}

sub states {
    my ($from, $to, @args) = @_;

    ($rc, $out, $err) = sync($from, $to, '--json', @args);
    my $json = decode_json($out || '{"documents":[]}');

    return join ' ', $rc, map { "$_->{name}:$_->{version}:$_->{state}" }
                     @{ $json->{documents} };
}

sub verified {
    my ($store, $what) = @_;

    my ($rc, $out, $err) = $t->weirctl('audit', 'verify', '--store', $store,
                                       @trust);
    is("$rc$err", '0', "$what: its trail is in order");
}

# where two have published the same version, that stays in the past

sub diverged {
    my ($store, $what) = @_;

    my ($rc, $out, $err) = $t->weirctl('audit', 'verify', '--store', $store,
                                       @trust);
    like($err, qr{\A.*"split/checkout" version 4 follows another .*\n\z},
         "$what: its trail has nothing else");
}

sub splits {
    $_[0]->report('gw-1', splits => { checkout =>
        Weir::Fleet::split_report('config', 0, green => 0.05,
                                  blue => 0.95) });
}

sub weights {
    my ($fleet, $green) = @_;

    splits($fleet);
    my ($rc, $out, $err) = $fleet->ctl('split', 'set', 'checkout',
                                       "green=$green%", '--no-wait');
    is($rc, 0, "green $green%") or diag $err;
    unlink $fleet->path('gateways/gw-1.json');
}


# words

for ([[$a->store, 'file:b', '--trust', 'off', '--watch', 'x'], 2,
      qr/invalid --watch "x"/],
     [[$a->store], 2, qr/SRC DST is missing/])
{
    my ($args, $want, $re) = @$_;
    ($rc, $out, $err) = $t->weirctl('sync', @$args);
    is($rc, $want, "sync @$args");
    like($err, $re, 'why');
}

mkdir $a->path('');
($rc, $out, $err) = $t->weirctl('sync', $a->store, $b->store);
is($rc, 2, 'somebody must say whose signatures count');
like($err, qr/--trust FILE, or --trust off/, 'it says so');
($rc, $out, $err) = sync($a->store, $b->store . ' namespace=eu');
is($rc, 2, 'two namespaces');
like($err, qr/namespaces "weir" and "eu": what is signed for one holds in no/,
     'why');
($rc, $out, $err) = sync('file:' . $t->path('none'), $b->store);
is($rc, 3, 'no such store');
is(states($a->store, $b->store), '0', 'nothing to do');


# everything there is

$a->ctl('push', $a->policies('one', 'GET'), '--no-wait');
weights($a, 10);
weights($a, 20);
$a->ctl('push', $a->policies('two', 'POST', $large), '--no-wait');

for ([$redis, 'Redis'], [$b->store, 'file']) {
    my ($to, $what) = @$_;

    is(states($a->store, $to),
       '0 split/checkout:2:copied bundle/head:2:copied', "to $what");
    verified($to, $what);
    is(states($a->store, $to),
       '0 split/checkout:2:same bundle/head:2:same', "$what: once");
    is(decode_json($out)->{entries}, 0, "$what: nothing is written again");
}

is($r->command('GET', 'weir:{weir}:cfg:head'), slurp($a->path('head.json')),
   'every byte');
is($r->command('XLEN', 'weir:{weir}:cfg:audit'), 4, 'and its past');
is(states($redis, $b->store),
   '0 split/checkout:2:same bundle/head:2:same', 'of another kind: the same');
my @left = $t->weirctl('pull', $t->path('pulled'), '--store', $redis, @trust);
is($left[0], 0, 'its segments came, too') or diag $left[2];


# news, and what is newer there

$a->ctl('rollback', '--no-wait');
$a->ctl('rollback', '--no-wait');
splits($a);
$a->ctl('split', 'reset', 'checkout', '--no-wait');
unlink $a->path('gateways/gw-1.json');
is(states($a->store, $redis),
   '0 split/checkout:3:copied bundle/head:4:copied', 'two versions later');
is(decode_json($out)->{entries}, 1, 'with the one between');
verified($redis, 'later');
is(states($redis, $a->store), '0 split/checkout:3:same bundle/head:4:same',
   'the other way round');
is(states($b->store, $redis),
   '0 split/checkout:3:kept bundle/head:4:kept', 'nothing is lowered');

weights($b, 50);
is(states($redis, $b->store, '--quiet'),
   '1 split/checkout:3:refused bundle/head:4:copied',
   'of one version there are two contents');
like($err, qr{split/checkout: same-version-differs: both have another cont},
     'which is said');
weights($b, 60);
is(states($redis, $b->store), '0 split/checkout:4:kept bundle/head:4:same',
   'published again it is the newer one');
is(states($b->store, $redis), '0 split/checkout:4:copied bundle/head:4:same',
   'everywhere');
is(states($b->store, $a->store),
   '0 split/checkout:4:copied bundle/head:4:same', 'indeed');


# gateways that know more

$b->report('gw-9', fences => { 'bundle/head' => {
    epoch => 0, version => 9, hash => 'sha256:' . '1' x 64 } });
$a->ctl('rollback', '--no-wait');
is(states($a->store, $b->store), '1 split/checkout:4:same '
   . 'bundle/head:4:refused', 'gateways have seen a newer one');
like($err, qr{bundle/head: older: gateways there have accepted a newer}m,
     'it is said');
unlink $b->path('gateways/gw-9.json');
is(states($a->store, $b->store), '0 split/checkout:4:same '
   . 'bundle/head:5:copied', 'without them');


# what is not good

sub broken {
    my ($what, $file, $bad, $want, $re) = @_;

    my $is = slurp($file);
    spew($file, $bad);
    is(states($a->store, $b->store), $want, $what);
    like($err, $re, "$what: named");
    spew($file, $is);
}

$a->ctl('rollback', '--no-wait');

my $head = slurp($a->path('head.json'));
my $flipped = $head;
substr($flipped, 400, 1) =~ tr/A-Za-z/B-ZAb-za/;

broken('a changed head', $a->path('head.json'), $flipped,
       '1 split/checkout:4:same bundle/head:5:refused',
       qr{SRC: bundle/head: bad-signature: });
broken('an older head', $a->path('head.json'), ($a->trail)[0],
       '1 split/checkout:4:same bundle/head:5:refused',
       qr{SRC: bundle/head: older: });

my $unsigned = JSON::PP->new->canonical->decode($head);
$unsigned->{signatures} = [];
$unsigned = JSON::PP->new->canonical->encode($unsigned);
broken('an unsigned head', $a->path('head.json'), $unsigned,
       '1 split/checkout:4:same bundle/head:5:refused',
       qr{SRC: bundle/head: unsigned: });

{
    my $is = slurp($a->path('head.json'));
    spew($a->path('head.json'), $unsigned);
    ($rc, $out, $err) = $t->weirctl('sync', $a->store, $b->store,
                                    '--trust', 'off');
    is($rc, 1, '--trust off');
    like($err, qr{bundle/head: unsigned: a signed one is there},
         'replaces no signed one by an unsigned one');
    spew($a->path('head.json'), $is);
}

$a->keygen('other');
($rc, $out, $err) = $t->weirctl('sync', $a->store, $b->store, '--trust',
                                $a->pub('other'));
is($rc, 1, 'keys that did not sign');
like($err, qr{SRC: bundle/head: untrusted: }, 'named');

my $doc = Weir::Fleet::document($head);

if (my $segment = $doc->{segments} && $doc->{segments}[0]{hash}) {
    $segment =~ s/^sha256://;
    broken('a changed segment', $a->path("segments/$segment"), 'x',
           '1 split/checkout:4:same bundle/head:5:refused',
           qr{SRC: bundle/head: bad-signature: });

} else {
    fail('the head has segments');
}

is(states($a->store, $b->store),
   '0 split/checkout:4:same bundle/head:6:copied', 'as it was');

# damage at the other end is made good

for my $bad ('garbage', $flipped) {
    spew($b->path('head.json'), $bad);
    is(states($a->store, $b->store),
       '0 split/checkout:4:same bundle/head:6:copied', 'a head is mended');
    is(slurp($b->path('head.json')), slurp($a->path('head.json')), 'it is');
}

unlink $b->path('live/split/checkout.json');
unlink glob $b->path('segments/*');
is(states($a->store, $b->store),
   '0 split/checkout:4:copied bundle/head:6:same', 'what vanished returns');
is(scalar(() = glob $b->path('segments/*')), scalar @{ $doc->{segments} },
   'segments, too');


# all the time

my $pid = $t->spawn(sub {
    open STDOUT, '>', $t->path('watch.out');
    open STDERR, '>', $t->path('watch.err');
    exec { $weirctl } 'weirctl', 'sync', $a->store, $redis,
        @trust, '--watch', '50ms';
});

sub there {
    my ($version) = @_;
    my $text = eval { $r->command('GET', 'weir:{weir}:cfg:head') };
    return $text && Weir::Fleet::document($text)->{version} == $version;
}

wait_for { there(6) } 10, 'the sixth';
$a->ctl('rollback', '--no-wait');
wait_for { there(7) } 10, 'the seventh';
pass('news come by themselves');
diverged($redis, 'watched');

$r->crash;
$a->ctl('rollback', '--no-wait');
wait_for { slurp($t->path('watch.err')) =~ /store: / } 30, 'a complaint';
$r->start;
wait_for { there(8) } 30, 'the eighth';
pass('a store that was away, and is empty now, gets all of it');
is(Weir::Fleet::document($r->command('HGET', 'weir:{weir}:cfg:live',
                                     'split/checkout'))->{version}, 4,
   'live documents, too');
diverged($redis, 'after a crash');

kill 'TERM', $pid;
is($t->reap($pid, 20), 0, 'SIGTERM ends it in order');
like(slurp($t->path('watch.out')), qr{^bundle/head version 7: copied$}m,
     'what it did stands in its output');
is(scalar(() = slurp($t->path('watch.out')) =~ /version 7: copied/g), 1,
   'once');


done_testing();
