#!/usr/bin/perl

# A split's envelope that is padded with white space, whose signature still
# holds: what could not be kept over a reload is not taken.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $live = 'weir:{prod}:cfg:live';
my $g = Weir::RedisGateway->new($t,
    'redis://127.0.0.1:' . $r->port . ' namespace=prod');
my @ctl = ('--store', $g->{words}, '--sign-key', $t->path('rel.key'));

sub colour { return $g->get('/colour?user=1')->header('X-Colour') }

sub padded {
    my ($n) = @_;

    kill 'STOP', $t->worker_pids;
    is(($t->weirctl('split', 'set', 'checkout', 'green=100%', @ctl,
                    '--no-wait'))[0], 0, 'split set');
    $r->command('HSET', $live, 'split/checkout',
                $r->command('HGET', $live, 'split/checkout') . ' ' x $n);
    kill 'CONT', $t->worker_pids;
}

$t->run;
$g->push_rule('one');
wait_for { $r->command('EXISTS', 'weir:{prod}:gw:gw1') } 10, 'a report';

padded(9000);
wait_for { $t->error_log =~ /"checkout" are refused: too-large/ } 5, 'refused';
is(colour(), 'blue', 'the weights stay');

padded(100);
wait_for { colour() eq 'green' } 5, 'a little is no harm';

# nothing more can be saved, and the store is away at the reload

rename $t->path('state/live'), $t->path('state/gone');
$t->file('state/live', '');
$r->crash;
ok($t->reload, 'a reload while the store is away');
is(colour(), 'green', 'the weights in effect stay');

done_testing();
