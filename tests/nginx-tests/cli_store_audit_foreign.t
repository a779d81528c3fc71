#!/usr/bin/perl

# What is none of ours in the store is named by "audit verify": an entry of
# the trail that is a giant, fields of the live documents that no document
# has.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my @s = ('--store', 'redis://127.0.0.1:' . $r->port . ' namespace=prod');
my @verify = ('audit', 'verify', @s, '--trust', $t->path('rel.pub'));
my ($live, $audit) = map { "weir:{prod}:$_" } qw(cfg:live cfg:audit);

$t->weirctl('keygen', $t->path('rel'));
$t->file('p/p.policy', "language 1;\npolicy p;\npermit a { who anyone; "
         . "what GET /a; }\n");
is(($t->weirctl('push', $t->path('p'), @s, '--sign-key', $t->path('rel.key'),
                '--no-wait'))[0], 0, 'push');
is(($t->weirctl(@verify))[0], 0, 'nothing is wrong');

for my $field ('splti/checkout', 'split', 'split/../x', "split/a\x1b[31m", '')
{
    $r->command('HSET', $live, $field, '{}');

    my ($rc, $out, $err) = $t->weirctl(@verify);

    is($rc, 1, "a field \"" . ($field =~ s/\x1b.*//r) . '"');
    like($err, qr/live documents: unknown-name: /, 'is told');
    unlike($err, qr/\x1b/, 'printable');
    $r->command('HDEL', $live, $field);
}

for my $mb (1, 16, 100) {
    my $id = $r->command('XADD', $audit, '*', 'envelope', 'x' x ($mb << 20));
    my ($rc, $out, $err) = $t->weirctl(@verify);

    is($rc, 1, "an entry of $mb MB");
    like($err, qr/trail, entry 2: truncated: .*an entry after \d+-1 is longer/,
         'is named');
    $r->command('XDEL', $audit, $id);
}

is(($t->weirctl(@verify))[0], 0, 'nothing is wrong any more');


# the same in a folder

@s = ('--store', 'file:' . $t->path('store') . ' namespace=prod');
@verify = ('audit', 'verify', @s, '--trust', $t->path('rel.pub'));

is(($t->weirctl('push', $t->path('p'), @s, '--sign-key', $t->path('rel.key'),
                '--no-wait'))[0], 0, 'push');
is(($t->weirctl('split', 'set', 'checkout', 'green=1%', @s, '--sign-key',
                $t->path('rel.key'), '--no-wait'))[0], 1,
   'no gateway knows the split');
is(($t->weirctl(@verify))[0], 0, 'nothing is wrong');

for my $name (qw(splti/checkout.json split/checkout)) {
    $t->file("store/live/$name", '{}');

    my ($rc, $out, $err) = $t->weirctl(@verify);

    is($rc, 1, "a file $name");
    like($err, qr/live documents: unknown-name: /, 'is told');
    unlink $t->path("store/live/$name");
    rmdir $t->path('store/live/splti');
}

is(($t->weirctl(@verify))[0], 0, 'nothing is wrong any more');

done_testing();
