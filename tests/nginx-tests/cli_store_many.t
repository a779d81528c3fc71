#!/usr/bin/perl

# Reports live for a day.  Gateways whose names change at each start (pods)
# leave some: more of them than are looked at stop nothing.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::Store;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my $words = 'redis://127.0.0.1:' . $r->port . ' namespace=prod';
my @k = ('--store', $words, '--sign-key', $t->path('rel.key'));

$t->weirctl('keygen', $t->path('rel'));
$t->file('p/p.policy', "language 1;\npolicy p;\npermit a { who anyone; "
         . "what GET /a; }\n");
is(($t->weirctl('push', $t->path('p'), @k))[0], 0, 'pushed');

for my $n (1 .. 1001) {
    $r->command('SET', "weir:{prod}:gw:pod-$n", encode_json({
        node => "pod-$n", version => '0.1.0',
        time => Weir::Store::time_text(time - 7200),
        bundle => { version => 1 }, store => { state => 'up' },
        splits => {} }), 'EX', 86400 - 7200);
}

my ($rc, $out, $err) = $t->weirctl('push', $t->path('p'), @k);
is($rc, 0, 'a push') or diag("$out$err");
like($err, qr/there are 1001 reports, the latest 1000 count/, 'which says so');

($rc, $out, $err) = $t->weirctl('status', '--store', $words);
is($rc, 1, 'status: none of them is current');
is(() = $out =~ /^pod-\d+/mg, 1000, 'the latest');

done_testing();
