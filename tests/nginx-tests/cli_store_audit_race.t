#!/usr/bin/perl

# "weirctl audit verify" while others publish: nothing is wrong, and nothing
# is said to be.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use POSIX ();

for my $kind ('file', 'redis') {
    my $t = Weir::Test->new(assert => 0);
    my $r = $kind eq 'redis' ? Weir::Redis->new($t) : undef;
    my @s = ('--store', ($r ? 'redis://127.0.0.1:' . $r->port
                            : 'file:' . $t->path('store')) . ' namespace=prod');
    my @k = ('--sign-key', $t->path('rel.key'), '--no-wait', '--quiet');
    my $end = $t->path('end');

    $t->weirctl('keygen', $t->path('rel'));
    $t->file("p$_/p.policy", "language 1;\npolicy p;\n"
             . "permit r$_ { who anyone; what GET /$_; }\n") for 1, 2;
    is(($t->weirctl('push', $t->path('p1'), @s, @k))[0], 0, "$kind: pushed");

    for my $n (1, 2) {
        $t->spawn(sub {
            $t->weirctl('push', $t->path("p$n"), @s, @k) until -e $end;
            POSIX::_exit(0);
        });
    }

    my ($bad, $said, $entries) = (0, '', 0);

    for my $n (1 .. 400) {
        my ($rc, $out, $err) = $t->weirctl('audit', 'verify', @s, '--trust',
                                           $t->path('rel.pub'));
        $rc eq '0' or $bad++, $said = "$rc $out$err";
        $entries = $1 if $out =~ /^(\d+) entries/;
        last if $entries >= 100;
    }

    spew($end, '');
    is($bad, 0, "$kind: no verification finds a problem") or diag($said);
    ok($entries >= 100, "$kind: that were versions enough") or diag($entries);
}

done_testing();
