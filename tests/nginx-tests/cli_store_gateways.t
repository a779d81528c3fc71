
# weirctl push and status, and what gateways say of themselves: waiting,
# refusals, versions that only gateways know, the contract.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

my ($rc, $out, $err);

my $get = $f->policies('get', 'GET');
my $post = $f->policies('post', 'POST');

sub status {
    my ($rc, $out, $err) = $f->ctl('status', '--json');
    my $json = decode_json($out);
    return ($rc, $json, { map { ($_->{node} => $_) }
                          @{ $json->{gateways} } });
}


# an empty store

mkdir $f->path('');
my ($s, $json, $gw) = status();
is($s, 0, 'nothing is behind in an empty store');
is_deeply($json, { store => { url => $f->store, state => 'up' },
                   head => undef, gateways => [] }, 'status --json');

($rc, $out, $err) = $f->ctl('status');
is($rc, 0, 'status');
like($out, qr/no bundle\nno gateway has reported\n/, 'its text');

($rc, $out, $err) = $t->weirctl('status', '--json', '--store',
                                'file:' . $t->path('nowhere'));
is($rc, 3, 'no store');
is_deeply(decode_json($out), { store => { url => 'file:'
    . $t->path('nowhere'), state => 'down' }, head => undef,
    gateways => [] }, 'its JSON');


# a push waits for those that live

my @pids = map { $f->gateway($_) } qw(gw-1 gw-2);
$f->report('dead', age => 60);

my $began = time();
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 0, 'push, two gateways live');
like($out, qr/^version 1 .*\ngw-1 current\ngw-2 current\n$/, 'they have it');
is($err, '', 'the dead one is not waited for');
ok(time() - $began < 5, 'nor for longer than it takes');

($s, $json, $gw) = status();
is($s, 1, 'status: one is lost');
is($json->{head}{version}, 1, 'the head\'s version');
is($json->{head}{hash}, Weir::Fleet::hash(slurp($f->path('head.json'))),
   'and hash');
is_deeply({ map { ($_ => $gw->{$_}{state}) } keys %$gw },
          { 'gw-1' => 'current', 'gw-2' => 'current', dead => 'lost' },
          'states');
is($gw->{'gw-1'}{bundle}{version}, 1, 'the report is in it');
ok($gw->{dead}{age_s} >= 60, 'age_s');

unlink $f->path('gateways/dead.json');
($s) = status();
is($s, 0, 'status: all are current');

($rc, $out) = $f->ctl('push', $post, '--json');
is($rc, 0, 'push --json');
is_deeply(decode_json($out)->{gateways},
          [{ node => 'gw-1', state => 'current' },
           { node => 'gw-2', state => 'current' }], 'its gateways');


# one that refuses is told at once, with its reason

$t->kill_child($_) for @pids;

my $no = $f->gateway('gw-2', refuse => sub { 'missing-policy' },
                     bundle => { version => 2, hash => Weir::Fleet::hash(
                                     slurp($f->path('head.json'))) });
unlink $f->path('gateways/gw-1.json');

$began = time();
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'push, a gateway refuses');
like($err, qr/gateway gw-2: error, missing-policy: it is missing-policy\n/,
     'its reason');
ok(time() - $began < 5, 'at once');

($s, $json, $gw) = status();
is($s, 1, 'status');
is($gw->{'gw-2'}{state}, 'error', 'its state');

($rc, $out) = $f->ctl('status');
like($out, qr/^gw-2 +error +2 .* missing-policy: it is missing-policy$/m,
     'its text');
$t->kill_child($no);


# what could not be verified has no version to be told

unlink $f->path('gateways/gw-2.json');
$no = $f->gateway('gw-3', refuse => sub { 'untrusted' }, unversioned => 1);
$began = time();
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'push, a gateway does not trust it');
like($err, qr/gateway gw-3: error, untrusted: it is untrusted\n/,
     'its reason');
ok(time() - $began < 5, 'at once');
$t->kill_child($no);

$f->report('gw-3', bundle => { version => 1, error => {
    reason => 'untrusted', message => 'as before', version => 0 } });
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'push, it did not trust the one before either');
like($err, qr/gateway gw-3: error, untrusted: as before\n/, 'its reason');
unlink $f->path('gateways/gw-3.json');


# one that lags is waited for; --no-wait does not

my %old = (version => 2, hash => 'sha256:' . '0' x 64);

$f->report('gw-2', bundle => \%old);
$began = time();
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'push --no-wait');
ok(time() - $began < 4, 'does not wait');

$f->report('gw-2', bundle => \%old);
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'push, a gateway lags');
like($err, qr/gateway gw-2: behind, it has version 2\n/, 'it says so');

($s, $json, $gw) = status();
is($gw->{'gw-2'}{state}, 'behind', 'status');

# ... and one that vanishes meanwhile

my $before = slurp($f->path('head.json'));
my $kill = $t->spawn(sub {
    wait_for { slurp($f->path('head.json')) ne $before } 10;
    unlink $f->path('gateways/gw-2.json');
});

($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'push, a gateway goes');
like($err, qr/gateway gw-2: lost\n/, 'it says so');
$t->reap($kill, 10);


# a hash that is not ours under our version is an error, not success

my $head = $f->head;
$f->report('gw-2', bundle => { version => $head->{version},
                               hash => 'sha256:' . '1' x 64 });
($s, $json, $gw) = status();
is($gw->{'gw-2'}{state}, 'error', 'another hash');
$f->report('gw-2', bundle => { version => $head->{version} + 1 });
($s, $json, $gw) = status();
is($gw->{'gw-2'}{state}, 'error', 'newer than the head');


# what is no report

for my $bad ('', '[]', 'garbage', '{"node":', '{"a":1,"a":2}', "\xff",
             '{"bundle":{"version":18446744073709551615}}')
{
    $f->raw_report('gw-2', $bad);
    ($s, $json, $gw) = status();
    is($s, 1, "status with the report " . ($bad =~ s/\xff/\\xff/r));
    is($gw->{'gw-2'}{state}, 'error', 'an error');
}

for my $odd ('{}', '{"bundle":[]}', '{"bundle":{"version":-1}}',
             '{"bundle":{"version":"7","hash":7,"error":"x"},"time":7}',
             '{"splits":[],"contract":7,"fences":{"bundle/head":1}}')
{
    $f->raw_report('gw-2', $odd);
    ($s, $json, $gw) = status();
    is($gw->{'gw-2'}{state}, 'behind', "odd: $odd");
}

unlink $f->path('gateways/gw-2.json');
mkdir $f->path('gateways/gw-2.json');
($s, $json, $gw) = status();
is($gw->{'gw-2'}{state}, 'error', 'a folder');
like($gw->{'gw-2'}{error}, qr/no regular file/, 'it says so');
rmdir $f->path('gateways/gw-2.json');

$f->raw_report('gw-2', encode_json({ bundle => { version => 1, error => {
    reason => "evil\e[2J", message => "x\n\x07", version => 1 } } }));
($rc, $out) = $f->ctl('status');
unlike($out, qr/[\e\x07]/, 'what others wrote controls no terminal');

$f->raw_report('gw-2', '{"x":"' . 'x' x 300_000 . '"}');
($s, $json, $gw) = status();
like($gw->{'gw-2'}{error}, qr/larger than/, 'a report without end');
unlink $f->path('gateways/gw-2.json');


# unsigned bundles, where a gateway wants keys

$f->report('gw-1', bundle => { version => 1, trust => 'keys' });
$head = slurp($f->path('head.json'));
delete local $f->{key};
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 1, 'unsigned');
like($err, qr/gateway gw-1 takes signed bundles only/, 'why');
is(slurp($f->path('head.json')), $head, 'nothing is published');

$f->report('gw-1', bundle => { version => 1, trust => 'off' });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'with "weir_trust off" it goes');
$f->{key} = 'release';


# the contract: policies and issuers that nginx.conf names

my %contract = (policies => ['orders'], issuers => ['corp'], splits => {});

$f->report('gw-1', contract => { %contract, policies => ['orders', 'x'] });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 1, 'a policy that a gateway uses is missing');
like($err, qr/gateway gw-1 uses policy "x", which the bundle lacks/,
     'it says so');

$t->file('claims/orders.policy', <<'END');
language 1;
policy orders;
schema from partner { claim tenant string; }
permit x { who anyone; if claim.tenant == "a"; }
END
$f->report('gw-1', contract => \%contract);
($rc, $out, $err) = $f->ctl('push', $t->path('claims'), '--no-wait');
is($rc, 1, 'an issuer that a gateway has not');
like($err, qr/gateway gw-1 cannot serve it: orders\.policy:3:\d+: .*partner/,
     'gateway and line are named');

$f->report('gw-1', contract => { %contract, issuers => ['partner'] });
($rc, $out, $err) = $f->ctl('push', $t->path('claims'), '--no-wait');
is($rc, 0, 'one that it has');

# whose tokens arrive where

$t->file('open/orders.policy', <<'END');
language 1;
policy orders;
schema { claim tenant string; }
permit x { who anyone; if claim.tenant == "a"; }
END
my $open = $t->path('open');

$f->report('gw-1', contract => { %contract, issuers => ['a', 'b'],
    locations => [{ policy => 'orders', issuers => ['a'], at => 'x:1' }] });
($rc, $out, $err) = $f->ctl('push', $open, '--no-wait');
is($rc, 0, 'a schema of whoever arrives, and one can');
my $head_then = slurp($f->path('head.json'));

$f->report('gw-1', contract => { %contract, issuers => ['a', 'b'],
    locations => [{ policy => 'orders', issuers => ['a'], at => 'x:1' },
                  { policy => 'orders', issuers => ['a', 'b'],
                    at => "/etc/nginx.conf:31\e[2J" }] });
($rc, $out, $err) = $f->ctl('push', $open, '--no-wait');
is($rc, 1, 'two issuers can');
like($err, qr{cannot serve it at /etc/nginx\.conf:31\S*: orders\.policy:3:},
     'place and line are named');
unlike($err, qr/\e/, 'in words that control no terminal');
is(slurp($f->path('head.json')), $head_then, 'nothing was published');

# room for the image

$f->report('gw-1', contract => { %contract, room => 200 });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 1, 'no room for its image');
like($err, qr/gateway gw-1 cannot serve it: its image has \d+ bytes, and /,
     'it says so');

for my $odd ({ locations => 7 }, { locations => [7, {}, { policy => 7 },
             { policy => 'none' }, { policy => 'orders', issuers => 7 }] },
             { room => -1 }, { room => 'x' })
{
    $f->report('gw-1', contract => { %contract, %$odd });
    ($rc) = $f->ctl('push', $get, '--no-wait');
    is($rc, 0, 'odd reports hinder nobody');
}

$f->report('gw-1', contract => { policies => ['x'] }, age => 60);
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'a lost gateway asks for nothing');


# versions that only gateways know: the store was emptied

my $fence = { epoch => 0, version => 40, hash => 'sha256:' . '2' x 64 };

$t->execute(['rm', '-r', $f->path('head.json'), $f->path('audit')]);
$f->report('gw-1', bundle => { version => 38 },
           fences => { 'bundle/head' => $fence });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'the head is gone');
is($f->head->{version}, 41, 'the gateway\'s fence counts');
is($f->head->{previous}, undef, 'nothing is before it');

# ... by hand-written garbage in the head's place, too

$f->report('gw-1', bundle => { version => 41 });
$t->file('store/head.json', 'garbage');
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'the head is garbage');
like($err, qr/counts for nothing: /, 'it says so');
is($f->head->{version}, 42, 'the trail and the gateways count');
is($f->head->{previous}, Weir::Fleet::hash(($f->trail)[0]),
   'it follows what the trail ends with');

$f->raw_report('gw-1', 'garbage');
$t->file('store/head.json', 'garbage');
$t->execute(['rm', '-r', $f->path('audit')]);
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 1, 'nobody can know');
like($err, qr/reports are unreadable: nothing is published/, 'it says so');
is(slurp($f->path('head.json')), 'garbage', 'nothing is');

unlink $f->path('gateways/gw-1.json');
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 1, 'nor without any gateway');
like($err, qr/nobody tells which version/, 'it says so');


# a forged version ends no versions

unlink $f->path('head.json');
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($f->head->{version}, 1, 'a store like new');
$f->report('gw-1', bundle => { version => 9223372036854775806 });
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'a report out of reach');
like($err, qr/gw-1 reports version 9223372036854775806 .* out of reach/,
     'it says so');
is($f->head->{version}, 2, 'does not count');
unlink $f->path('gateways/gw-1.json');


# the head's types and places

unlink $f->path('head.json');
mkdir $f->path('head.json');
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 3, 'a folder in the head\'s place');
like($err, qr/head\.json: Is no regular file/, 'it says so');
rmdir $f->path('head.json');
symlink $t->path('elsewhere'), $f->path('head.json');
$t->file('elsewhere', '');
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 3, 'a link');
is(slurp($t->path('elsewhere')), '', 'is not followed');
unlink $f->path('head.json');

$t->file('store/head.json', 'x' x 70_000);
($rc, $out, $err) = $f->ctl('push', $get);
is($rc, 1, 'a head without end');
like($err, qr/larger than 65536 bytes/, 'it says so');
unlink $f->path('head.json');


done_testing();
