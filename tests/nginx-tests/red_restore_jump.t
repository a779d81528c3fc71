#!/usr/bin/perl

# restore signs anew above what a report says, which anybody may have written:
# not so far above that no gateway takes it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;
use Weir::Store;
use JSON::PP;

my $t = Weir::Test->new(workers => 1);
my $r = Weir::Redis->new($t);
my $g = Weir::RedisGateway->new($t,
    'redis://127.0.0.1:' . $r->port . ' namespace=prod');
$t->run;

my @s = ('--store', $g->{words});
my @k = ('--sign-key', $t->path('rel.key'));
my @tr = ('--trust', $t->path('rel.pub'));

like($g->push_rule('one'), qr/^0 version 1/, 'pushed');
$g->serves('one');
is(($t->weirctl('backup', $t->path('bk'), @s, @tr))[0], 0, 'backup');

$r->command('SET', 'weir:{prod}:gw:zz', encode_json({ node => 'zz',
    version => '0.1.0', time => Weir::Store::time_text(time),
    bundle => { version => 1 }, fences => { 'bundle/head' => { epoch => 0,
    version => 1 + 2**20, hash => 'sha256:' . '0' x 64 } } }), 'EX', 86400);
my @x = $t->weirctl('restore', $t->path('bk'), @s, @k, @tr);
diag("@x");
$r->command('DEL', 'weir:{prod}:gw:zz');
select undef, undef, undef, 1;

for my $n (1 .. 2) {
    my $out = $g->push_rule('three');
    like($out, qr/^0 version/, 'push works once he is gone') or diag($out);
}

is($g->get('/three')->status, 200, 'and serves');
done_testing();
