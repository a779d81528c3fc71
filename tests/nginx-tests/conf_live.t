
# conf/live.conf: what its head says: push, split set, status.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'live');
my $url = 'file:' . $t->path('weir/store');

$t->run;

my @alice = @{ $e->{bearer}->({}) };

sub report { return http_get($t->port, '/t/acme/reports/7',
                             headers => \@alice) }
sub api { return http_get($t->port, '/weir')->json }

sub ctl {
    my ($rc, $out, $err) = $t->weirctl(@_, { env => {
        WEIR_STORE => $url, WEIR_SIGN_KEY => $t->path('weir/ops.key'),
    } });
    is($rc, 0, "weirctl $_[0]") or diag("$out$err");
}

is(report()->status, 200, 'the policies of nginx.conf, at first');
is(report()->body, 'blue', 'and its weights');
is(api()->{bundle}{source}, 'local', 'they are local');

ctl('push', $t->path('weir/policies'));
is(api()->{bundle}{source}, 'store', 'pushed');
is(api()->{bundle}{version}, 1, 'version 1');
is(report()->status, 200, 'decides');

ctl('split', 'set', 'orders', 'green=100%');
wait_for { report()->body eq 'green' } 5, 'the traffic moves';
ctl('split', 'reset', 'orders');
wait_for { report()->body eq 'blue' } 5, 'and back';

wait_for { (($t->weirctl('status', '--store', $url))[0]) == 0 } 10,
    'weirctl status';

sub ready { return http_get($t->port, '/ready')->status }

is(ready(), 200, 'ready');
ctl('drain', '--wait', '30s');
is(ready(), 503, 'drained');
is(report()->status, 200, 'who still comes is served');
ctl('drain', '--undo');
is(ready(), 200, 'and ready again');

done_testing();
