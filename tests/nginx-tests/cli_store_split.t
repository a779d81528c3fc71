
# weirctl split show, set, reset.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

my ($rc, $out, $err);
my @no = '--no-wait';

mkdir $f->path('');

sub gateways {
    $f->report('gw-1', splits => {
        checkout => Weir::Fleet::split_report('config', 0, green => 0.05,
                                              blue => 0.95),
        search => Weir::Fleet::split_report('config', 0, a => 0, b => 0,
                                            c => 1) });
    $f->report('gw-2', splits => {
        checkout => Weir::Fleet::split_report('config', 0, green => 0.05,
                                              blue => 0.95) });
}

sub weights { return $f->live("split/$_[0]")->{weights} }


# names that nobody knows

($rc, $out, $err) = $f->ctl('split', 'set', 'checkout', 'green=25%');
is($rc, 1, 'no gateway has reported');
like($err, qr/unknown split "checkout": no gateway reports it/, 'why');
($rc, $out, $err) = $f->ctl('split', 'show', 'checkout');
is($rc, 1, 'show, no gateway has reported');
($rc, $out, $err) = $f->ctl('split', 'show');
is("$rc$out", '0', 'show, nothing at all');

gateways();

for ([['other', 'green=1%'], 1, qr/unknown split "other"/],
     [['checkout', 'red=1%'], 1, qr/"checkout" has no colour "red" on gate/],
     [['checkout', 'green=100.01%'], 2, qr/invalid weight "100\.01%"/],
     [['checkout', 'green=60%', 'blue=50%'], 1, qr/more than 100%/],
     [['checkout', 'green=60%', 'blue=30%'], 1, qr/are not 100% together/],
     [['checkout', 'green'], 2, qr/"green" is not COLOUR=N%/],
     [['checkout', 'green=5'], 2, qr/invalid weight "5" of colour "green"/],
     [['checkout', 'green=0.001%'], 2, qr/invalid weight/],
     [['checkout', 'green=-1%'], 2, qr/invalid weight/],
     [['checkout', 'green=1%', 'green=2%'], 2, qr/"green" is duplicate/],
     [['checkout', 'green=*', 'blue=*'], 2, qr/"\*" is duplicate/],
     [['../checkout', 'green=1%'], 2, qr/invalid name of a split/],
     [['checkout', 'GREEN=1%'], 1, qr/./],
     [['checkout'], 2, qr/is missing/])
{
    my ($args, $want, $re) = @$_;
    ($rc, $out, $err) = $f->ctl('split', 'set', @$args);
    is($rc, $want, "split set @$args");
    like($err, $re, 'why');
    is($out, '', 'nothing on stdout');
}

ok(!-e $f->path('live'), 'nothing was published');


# set

($rc, $out, $err) = $f->ctl('split', 'set', @no, 'checkout', 'green=25%',
                            '--reason', 'canary');
is($rc, 0, 'split set');
is($out, "split checkout version 1\n", 'its version');
is_deeply(weights('checkout'), { green => 2500 }, 'weights in 0.01%');

my $doc = $f->live('split/checkout');
is($doc->{id}, 'checkout', 'id');
is($doc->{kind}, 'split', 'kind');
is($doc->{version}, 1, 'version');
is($doc->{previous}, undef, 'previous');
is($doc->{reason}, 'canary', 'reason');
is(slurp($f->path('rev')), "1\n", 'rev');

my $first = slurp($f->path('live/split/checkout.json'));
is_deeply([$f->trail], [$first], 'the trail');
is(@{ decode_json($first)->{signatures} }, 1, 'signed');

($rc, $out) = $f->ctl('split', 'set', @no, 'checkout', 'green=33.33%',
                      'blue=*',
                      '--json');
is($rc, 0, 'split set, *');
is_deeply(weights('checkout'), { green => 3333, blue => 6667 },
          'takes the rest');
is_deeply(decode_json($out), { version => 2, gateways => [], hash =>
    Weir::Fleet::hash(slurp($f->path('live/split/checkout.json'))) },
          '--json');
is($f->live('split/checkout')->{previous}, Weir::Fleet::hash($first),
   'previous');
is(slurp($f->path('rev')), "2\n", 'rev');

($rc, $out) = $f->ctl('split', 'set', @no, 'search', 'c=100%', 'b=0%',
                      'a=0.00%');
is($rc, 0, 'all colours');
is_deeply(weights('search'), { a => 0, b => 0, c => 10000 }, 'of them');
($rc, $out) = $f->ctl('split', 'set', @no, 'search', 'a=100%', '--quiet');
is("$rc$out", '0', '--quiet');


# versions that only a gateway knows

$f->report('gw-2', splits => {
    checkout => Weir::Fleet::split_report('store', 7, green => 0.3333,
                                          blue => 0.6667) });
($rc, $out) = $f->ctl('split', 'set', @no, 'checkout', 'green=1%');
is($out, "split checkout version 8\n", 'rev');
$f->report('gw-2', splits => {
    checkout => Weir::Fleet::split_report('store', 8, green => 0.01,
                                          blue => 0.99) },
    fences => { 'split/checkout' => { epoch => 0, version => 11,
                                      hash => 'sha256:' . '0' x 64 } });
($rc, $out) = $f->ctl('split', 'set', @no, 'checkout', 'green=2%');
is($out, "split checkout version 12\n", 'fence');

# a colour must be on every gateway that has the split

$f->report('gw-2', splits => {
    checkout => Weir::Fleet::split_report('config', 0, violet => 0.05,
                                          blue => 0.95) });
($rc, $out, $err) = $f->ctl('split', 'set', @no, 'checkout', 'green=3%');
is($rc, 1, 'one gateway lacks the colour');
like($err, qr/no colour "green" on gateway gw-2/, 'which');
$f->report('gw-2', age => 60, splits => {
    checkout => Weir::Fleet::split_report('config', 0, violet => 0.05,
                                          blue => 0.95) });
($rc, $out, $err) = $f->ctl('split', 'set', @no, 'checkout', 'green=3%');
is($rc, 0, 'a lost one does not count');


# show

gateways();
($rc, $out) = $f->ctl('split', 'show');
is($rc, 0, 'show');
like($out, qr/^checkout\n  store: version 13 green=3\.00%\n/m, 'the store');
like($out, qr/^  gw-1: config rev 0 .*green=5\.00%/m, 'a gateway');

($rc, $out) = $f->ctl('split', 'show', 'checkout', '--json');
my $json = decode_json($out);
is_deeply([keys %$json], ['checkout'], 'show NAME --json');
is_deeply($json->{checkout}{store}{weights}, { green => 300 }, 'weights');
is($json->{checkout}{store}{version}, 13, 'version');
is_deeply([map { $_->{node} } @{ $json->{checkout}{gateways} }],
          ['gw-1', 'gw-2'], 'gateways');

($rc, $out) = $f->ctl('split', 'show', 'other');
is($rc, 1, 'show of what nobody knows');


# a bundle asks for the live documents that there are

($rc, $out) = $f->ctl('push', $f->policies('get', 'GET'), '--no-wait');
is($rc, 0, 'a push');
is_deeply($f->head->{live_min}, { 'split/checkout' => 13,
                                  'split/search' => 2 }, 'live_min');


# reset: a tombstone

($rc, $out, $err) = $f->ctl('split', 'reset', @no, 'checkout');
is($rc, 0, 'reset');
is($out, "split checkout version 14: weights of nginx.conf\n", 'its version');

my $text = slurp($f->path('live/split/checkout.json'));
$doc = Weir::Fleet::document($text);
is($doc->{kind}, 'tombstone', 'a tombstone');
is($doc->{id}, 'split/checkout', 'of the split');
is($doc->{version}, 14, 'its version');
is(decode_json($text)->{payloadType},
   'application/vnd.weir.tombstone.v1+json', 'its type');

($rc, $out, $err) = $f->ctl('split', 'reset', @no, 'checkout');
is($rc, 1, 'reset twice');
like($err, qr/split "checkout" has no weights in the store/, 'why');
($rc, $out) = $f->ctl('split', 'show', 'checkout');
like($out, qr/version 14, reset: the weights of nginx\.conf hold/, 'show');

($rc, $out) = $f->ctl('split', 'set', @no, 'checkout', 'green=4%');
is($out, "split checkout version 15\n", 'and set again');

($rc, $out) = $f->ctl('push', $f->policies('get', 'GET'), '--no-wait');
is_deeply($f->head->{live_min}, { 'split/checkout' => 15,
                                  'split/search' => 2 }, 'live_min');

($rc, $out, $err) = $f->ctl('history', 'split/checkout');
is(scalar(split /\n/, $out), 7, 'history of a split');
like($out, qr/^ +14 .* \(reset\)$/m, 'the reset in it');
($rc, $out, $err) = $f->ctl('history', '--all');
is(scalar(split /\n/, $out), 11, 'history of all');


# documents that others wrote

my $good = slurp($f->path('live/split/checkout.json'));
my $forged = decode_json($good);
my $payload = Weir::Fleet::payload($good);

sub forge {
    my ($kind, %change) = @_;

    my $doc = { %{ decode_json($payload) }, %change };
    $forged->{payload} = MIME::Base64::encode_base64(
        JSON::PP->new->canonical->encode($doc), '');
    $t->file("store/live/split/checkout.json", encode_json($forged));
}

forge('split', weights => { green => 10000 });
($rc, $out, $err) = $f->ctl('split', 'show', 'checkout');
like($out, qr/the signature by key [0-9a-f]{16} does not hold/, 'forged');

($rc, $out, $err) = $f->ctl('push', $f->policies('get', 'GET'), '--no-wait');
is($rc, 0, 'a push beside it');
like($err, qr{live document split/checkout: .* does not hold; the bundle},
     'it says so');
is($f->head->{live_min}{'split/checkout'}, 15, 'what was asked for stays');

($rc, $out, $err) = $f->ctl('split', 'set', @no, 'checkout', 'green=5%');
is($rc, 0, 'set in its place');
is($f->live('split/checkout')->{version}, 16, 'the trail knows the version');
is($f->live('split/checkout')->{previous}, Weir::Fleet::hash($good),
   'and what was before');

forge('split', version => 18446744073709551615);
($rc, $out, $err) = $f->ctl('split', 'set', @no, 'checkout', 'green=6%');
is($rc, 0, 'a forged last version');
is($f->live('split/checkout')->{version}, 17, 'ends no versions');

$t->file('store/live/split/checkout.json', '{');
($rc, $out, $err) = $f->ctl('split', 'show', 'checkout', '--json');
is($rc, 0, 'garbage');
ok(exists decode_json($out)->{checkout}{store}{error}, 'is an error');
($rc, $out, $err) = $f->ctl('split', 'reset', @no, 'checkout');
is($rc, 0, 'reset in its place');
is($f->live('split/checkout')->{version}, 18, 'the next version');

$t->execute(['cp', $f->path('live/split/search.json'),
             $f->path('live/split/checkout.json')]);
($rc, $out, $err) = $f->ctl('push', $f->policies('get', 'GET'), '--no-wait');
like($err, qr{live document split/checkout: it belongs elsewhere}, 'a copy');
is($f->head->{live_min}{'split/checkout'}, 15, 'counts for nothing there');


# all live gateways that have the split are waited for

unlink glob $f->path('gateways/*');

my $w = Weir::Fleet->new($t, dir => 'waited', key => 'waited');
mkdir $w->path('');
my $one = $w->split_gateway('gw-1', 'checkout');
$w->report('gw-2', splits => { other =>
    Weir::Fleet::split_report('config', 0, a => 1, b => 0) });

($rc, $out, $err) = $w->ctl('split', 'set', 'checkout', 'green=10%');
is($rc, 0, 'waited for the one that has it') or diag $err;
is($out, "split checkout version 1\ngw-1 current\n", 'which is current');
($rc, $out, $err) = $w->ctl('split', 'reset', 'checkout', '--json');
is($rc, 0, 'reset') or diag $err;
is_deeply(decode_json($out)->{gateways},
          [{ node => 'gw-1', state => 'current' }], 'waits, too');

my $bad = $w->split_gateway('gw-3', 'checkout', refuse => 'role');
($rc, $out, $err) = $w->ctl('split', 'set', 'checkout', 'green=20%');
is($rc, 1, 'one refuses it');
like($err, qr/^weirctl: gateway gw-3: error, role: it is role$/m, 'why');
like($out, qr/^gw-1 current$/m, 'the other one has it');
$t->kill_child($bad);
$t->kill_child($one);
unlink $w->path('gateways/gw-3.json');
($rc, $out, $err) = $w->ctl('split', 'set', 'checkout', 'green=30%');
is($rc, 1, 'one lags');
like($err, qr/^weirctl: gateway gw-1: behind, it has version 3$/m, 'which');
($rc, $out, $err) = $w->ctl('split', 'set', 'checkout', 'green=40%', @no);
is("$rc$err", '0', '--no-wait does not wait for it');


done_testing();
