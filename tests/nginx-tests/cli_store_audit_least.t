#!/usr/bin/perl

# The head is signed and names the least version of each live document.  Where
# trail and store lack the document, or agree on an older one, "audit verify"
# has the head's word that something is missing.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Weir::Redis;
use Weir::Store;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my @s = ('--store', 'redis://127.0.0.1:' . $r->port . ' namespace=prod');
my @k = ('--sign-key', $t->path('rel.key'));
my @verify = ('audit', 'verify', @s, '--trust', $t->path('rel.pub'));
my ($head, $live, $audit, $gw)
    = map { "weir:{prod}:$_" } qw(cfg:head cfg:live cfg:audit gw:gw1);

$t->weirctl('keygen', $t->path('rel'));
$t->file('p/p.policy', "language 1;\npolicy p;\npermit a { who anyone; "
         . "what GET /a; }\n");
$r->command('SET', $gw, encode_json({ node => 'gw1', version => '0.1.0',
    time => Weir::Store::time_text(time), bundle => { version => 0 },
    splits => { checkout => { source => 'config', rev => 0, colours => {
    green => { weight => 0 }, blue => { weight => 1 } } } } }), 'EX', 86400);

is(($t->weirctl('split', 'set', 'checkout', "green=$_%", @s, @k,
                '--no-wait'))[0], 0, "split set $_") for 1 .. 3;
is(($t->weirctl('push', $t->path('p'), @s, @k, '--no-wait'))[0], 0, 'push');
$r->command('DEL', $gw);
like(Weir::Fleet::payload($r->command('GET', $head)),
     qr/"live_min":\{"split\/checkout":3\}/, 'the head names version 3');
is(($t->weirctl(@verify))[0], 0, 'nothing is missing');

my @all = map { $_->[1][1] } @{ $r->command('XRANGE', $audit, '-', '+') };

sub trail {
    $r->command('DEL', $audit);
    $r->command('XADD', $audit, '*', 'envelope', $_) for @_;
}

$r->command('DEL', $live);
trail($all[3]);
my ($rc, $out, $err) = $t->weirctl(@verify);
is($rc, 1, 'all of the split taken out');
like($err, qr/bundle\/head: truncated: .*"split\/checkout" ends with version 0/,
     'and named');

$r->command('HSET', $live, 'split/checkout', $all[0]);
trail(@all[0, 3]);
($rc, $out, $err) = $t->weirctl(@verify);
is($rc, 1, 'the split taken back to version 1');
like($err, qr/bundle\/head: truncated: .*"split\/checkout" ends with version 1/,
     'and named');


# an earlier epoch is older, whatever its version is

trail(@all);
$r->command('HSET', $live, 'split/checkout', $all[2]);

my $old = $r->command('GET', $head);

is(($t->weirctl('push', $t->path('p'), @s, @k, '--no-wait', '--epoch',
                2))[0], 0, 'another epoch');
is(($t->weirctl(@verify))[0], 0, 'nothing is missing');
$r->command('SET', $head, $old);
($rc, $out, $err) = $t->weirctl(@verify);
is($rc, 1, 'the head of the epoch before');
like($err, qr/bundle\/head: older: /, 'and named');

done_testing();
