#!/usr/bin/perl

# weirctl's verbs with a store in Redis: the same as with file:.

use Weir::Test;
use Weir::Redis;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my @store = ('--store', 'redis://127.0.0.1:' . $r->port . ' namespace=prod');
my $head = 'weir:{prod}:cfg:head';

for my $n (1, 2) {
    $t->file("v$n/p.policy", "language 1;\npolicy p;\n"
             . "permit r$n { what GET /$n; }\n");
}

is(($t->weirctl('keygen', $t->path('rel')))[0], 0, 'a key');
my @key = ('--sign-key', $t->path('rel.key'));
my @trust = ('--trust', $t->path('rel.pub'));

sub weirctl {
    my ($rc, $out, $err) = $t->weirctl(@_);
    return "$rc $out$err";
}

like(weirctl('push', $t->path('v1'), @store, @key, '--no-wait'),
     qr/^0 version 1 /, 'pushed');
like(weirctl('push', $t->path('v2'), @store, @key, '--no-wait'),
     qr/^0 version 2 /, 'and again');
like(weirctl('history', @store, @trust), qr/ 1 .* verified .*\n.* 2 .*verif/,
     'history');
like(weirctl('review', $t->path('v2'), '--csv', @store, @trust),
     qr/^0 .*\r\n"GET \/2","anyone","","2","[^"]+","","p","r2",/s,
     'review tells since when');
like(weirctl('audit', 'verify', @store, @trust), qr/^0 .*0 problems/s,
     'the trail verifies');
like(weirctl('status', @store), qr/bundle 2 sha256:/, 'status');

my $envelope = $r->command('GET', $head);
my ($sig) = $envelope =~ /"sig":"([^"]+)"/;
(my $bad = $envelope) =~ s/\Q$sig\E/reverse $sig/e;

my $id = (@{ $r->command('XREVRANGE', 'weir:{prod}:cfg:audit', '+', '-',
                         'COUNT', 1) })[0][0];
$r->command('XDEL', 'weir:{prod}:cfg:audit', $id);
$r->command('XADD', 'weir:{prod}:cfg:audit', '*', 'envelope', $bad);
like(weirctl('audit', 'verify', @store, @trust), qr/^1 /,
     'a tampered trail does not');

$r->command('DEL', $head);
$r->command('LPUSH', $head, 'x');
unlike(weirctl('push', $t->path('v1'), @store, @key, '--no-wait'), qr/^0/,
       'a head of another type is not replaced');
is($r->command('TYPE', $head), 'list', 'and stays');

like(weirctl('status', '--store', 'redis://127.0.0.1:1'),
     qr/^3 .*Connection refused/s, 'a store out of reach: 3');
like(weirctl('status', '--store', 'redis://192.0.2.1'),
     qr/^2 .*another machine/s, 'words that do not go together: 2');
like(weirctl('status', '--store', 'redis://127.0.0.1 colour=red'),
     qr/^2 .*unknown option "colour=red"/s, 'unknown ones: 2');

done_testing();
