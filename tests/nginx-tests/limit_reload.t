# A reload keeps what was used; so does the death of a worker.  Quotas may
# come, go and change meanwhile.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(workers => 2);


sub conf {
    my ($quotas, $limit) = @_;

    $t->http_conf(<<"END");
    weir_zone 8m;
    $quotas
    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%TESTDIR%%/root;
        location /limited { weir_limit $limit; try_files /ok =404; }
        location /metrics { weir_metrics; }
    }
END
}


sub left {
    my ($k, $quota) = @_;
    my $r = http_get($t->port, "/limited?k=$k");
    my ($left) = $r->header('RateLimit') =~ /"$quota";r=(\d+)/;
    return $r->status == 200 ? $left : $r->status;
}


$t->file('root/ok', 'ok');
conf('weir_quota one key=$arg_k rate=1r/h burst=5;', 'one');
$t->run;

is(left('a', 'one'), 5, 'the first');
is(left('a', 'one'), 4, 'the second');

ok($t->reload, 'a reload');
is(left('a', 'one'), 3, 'goes on');

# more quotas than before

my $many = join '', map { "weir_quota q$_ key=\$arg_k rate=1r/h burst=5;" }
           1 .. 9;

conf("weir_quota one key=\$arg_k rate=1r/h burst=5; $many", 'one q7');
ok($t->reload, 'nine quotas come');
is(left('a', 'one'), 2, 'the first one goes on');
is(left('a', 'q7'), 4, 'a new one works');

# others go, one changes its numbers

conf('weir_quota one key=$arg_k rate=1r/h burst=7;', 'one');
ok($t->reload, 'they go, and the burst grows');
is(left('a', 'one'), 2, 'what was used stays used');

conf('weir_quota one key=$arg_k rate=1r/h burst=1;', 'one');
ok($t->reload, 'the burst shrinks');
is(left('a', 'one'), 429, 'what was used is more than that');
is(left('b', 'one'), 1, 'another key has it');

# a configuration that is refused changes nothing

conf('weir_quota one key=$arg_k rate=1r/h burst=5;', 'two');
$t->allow(qr/unknown quota "two"/);
ok(!$t->reload, 'an unknown quota');
is(left('b', 'one'), 0, 'the old configuration goes on');

# a worker dies

conf('weir_quota one key=$arg_k rate=1r/h burst=99;', 'one');
ok($t->reload, 'a burst of 99');
left('c', 'one') for 1 .. 10;

my @before = $t->worker_pids;
$t->allow(qr/exited on signal 9/);
kill 'KILL', $before[0];

wait_for {
    my @now = $t->worker_pids;
    @now == 2 && !grep { $_ == $before[0] } @now;
} 10, 'another worker';

is(left('c', 'one'), 89, 'what was used stays used');

my ($admitted) = http_get($t->port, '/metrics')->body
    =~ /weir_limit_requests_total\{quota="one",result="admitted"\} (\d+)/;
is($admitted, 19, 'what was counted stays counted');

done_testing();
