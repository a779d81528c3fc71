#!/usr/bin/perl

# One segment of a large bundle is not there (evicted, or deleted by the
# writer), or another one is damaged: what a gateway then asks the store for,
# poll after poll.  It has the other segments, whose hashes it has compared.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Weir::Redis;
use Weir::RedisGateway;

for my $how ('missing', 'damaged') {
    my $t = Weir::Test->new(workers => 1);
    my $r = Weir::Redis->new($t);
    my $words = 'redis://127.0.0.1:' . $r->port . ' namespace=prod';
    my $g = Weir::RedisGateway->new($t, $words, poll => '1s');

    $t->run;
    like($g->push_rule('one'), qr/^0/, 'pushed');
    $g->serves('one');

    $t->file("big/c$_.policy", "language 1;\npolicy c$_;\n"
             . "permit a { who anyone; what GET /a; }\n"
             . ("# " . ('x' x 97) . "\n") x 20000) for 1 .. 5;
    $t->file('big/p.policy', "language 1;\npolicy p;\n"
             . "permit a { who anyone; what GET /two; }\n");

    kill 'STOP', $t->worker_pids;
    is(($t->weirctl('push', $t->path('big'), '--store', $words, '--sign-key',
                    $t->path('rel.key'), '--no-wait'))[0], 0, '10 MB');

    my @h = Weir::Fleet::payload($r->command('GET', 'weir:{prod}:cfg:head'))
            =~ /"hash":"sha256:([0-9a-f]{64})"/g;
    my $key = "weir:{prod}:cfg:seg:$h[-1]";

    $how eq 'missing' ? $r->command('DEL', $key)
                      : $r->command('SETRANGE', $key, 0, 'X');
    kill 'CONT', $t->worker_pids;
    wait_for { $g->api->{bundle}{error} } 10, 'it is refused';

    my $sent = sub {
        my ($n) = $r->command('INFO', 'stats')
                  =~ /total_net_output_bytes:(\d+)/;
        return $n;
    };

    # the role is asked at each poll

    my $polls = sub {
        my ($n) = $r->command('INFO', 'commandstats')
                  =~ /cmdstat_role:calls=(\d+)/;
        return $n;
    };

    my $before = $sent->();
    my $from = $polls->();
    wait_for { $polls->() >= $from + 10 } 60, 'ten polls';
    my $mb = ($sent->() - $before) / 1e6;

    cmp_ok($mb, '<', 60, sprintf "%s: %.0f MB in 10 polls of a bundle of "
           . "10 MB, of which all but one segment is known", $how, $mb);
    $t->stop;
}

done_testing();
