# Quotas, splits, objectives and services that come and go with each reload:
# no number of reloads fills the zone, a refused configuration leaves nothing
# behind, and what stays keeps its counts.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Upstream;
use IO::Socket::INET;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$up->answer({ chunks => ['begun', { wait => 'go' }] });

sub conf {
    my ($round, $quotas, $listen) = @_;

    my @names = map { "q$round-$_" } 1 .. $quotas;
    my $more = join "\n", map { "weir_quota $_ key=\$arg_k rate=1r/d;" } @names;
    my $port = $listen ? "listen 127.0.0.1:$listen;" : '';

    return <<"END";
weir_zone 4m slo=200k;
weir_quota stays key=\$arg_k rate=1r/d burst=99;
$more
weir_split s$round key=\$arg_k { a 50%; b *; }
weir_objective o$round { availability 99%; }

server {
    listen  127.0.0.1:%%PORT_0%%;
    $port

    location / {
        weir_service  v$round;
        weir_limit    stays @names;
        weir_slo      o$round;
        add_header    X-Colour \$weir_split_s$round always;
        try_files     /none =204;
    }

    location = /held {
        weir_service     held;
        proxy_buffering  off;
        proxy_pass       http://127.0.0.1:%%PORT_up%%;
    }

    location = /m { weir_metrics; }
}
END
}

# the sum of a metric's samples with these labels

sub count {
    my ($metric, %labels) = @_;

    my $sum = 0;
    my $samples = openmetrics(http_get($t->port, '/m')->body)->{samples};

    for my $s (grep { /^\Q$metric\E\{/ } keys %$samples) {
        next if grep { $s !~ /\b$_="\Q$labels{$_}\E"/ } keys %labels;
        $sum += $samples->{$s};
    }

    return $sum;
}

sub admitted {
    return count('weir_limit_requests_total', quota => $_[0],
                 result => 'admitted');
}

$t->http_conf(conf(0, 4));
$t->run;

# configurations that are refused when their memory is there already: a port
# of another's

my $other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die "socket: $!";

$t->allow(qr/bind\(\) to 127\.0\.0\.1:\d+ failed/, qr/still could not bind/);

for my $n (1 .. 3) {
    $t->http_conf(conf("refused$n", 3, $other->sockport));
    kill 'HUP', $t->pid;
    ok((wait_for { $t->log_lines(qr/still could not bind/) == $n }),
       "refused, $n");
}

# names, and sizes: a quota's share depends on how many
# there are

my $round = 0;
my $total = 0;

for my $quotas (4, 3, 3, 7, 3, 1, 7, 7, 7, 3, 12, 2, 3, 3) {
    $round++;
    $t->http_conf(conf($round, $quotas));
    ok($t->reload, "round $round: $quotas other quotas")
        or diag join "\n", $t->log_lines(qr/no room/);

    is(http_get($t->port, '/?k=1')->status, 204, 'admitted');
    is(http_get($t->port, '/?k=1')->status, 429, 'the second is not');
    $total++;

    is(admitted("q$round-1"), 1, 'a new one begins at nothing');
    is(admitted('stays'), $total, 'the one that stays goes on');
    is(count('weir_requests_total', service => "v$round",
                        verdict => 'limited'), 1, 'a service');
    is(count('weir_slo_events_total', objective => "o$round",
                        result => 'good'), 1, 'an objective');
    is(count('weir_split_requests_total', split => "s$round"), 1,
       'a split');
}

# a worker that drains for long keeps what its own configuration named, and
# nothing else

my $held = Weir::HTTP->new(port => $t->port);
$held->send("GET /held HTTP/1.1\r\nHost: gw.test\r\n\r\n");
ok($held->read_until('begun'), 'an answer that lasts');

for (1 .. 8) {
    $round++;
    $t->http_conf(conf($round, 2));
    ok($t->reload(wait_old => 0), "round $round, while a worker drains")
        or diag join "\n", $t->log_lines(qr/no room/);

    ok((wait_for { (() = $t->worker_pids) == 1 && (() = $t->child_pids) == 2 }),
       'those between are gone');
    is(http_get($t->port, '/?k=1')->status, 204, 'admitted');
    is(admitted("q$round-1"), 1, 'a new one begins at nothing');
}

$up->release('go');
ok($held->read_until("\r\n0\r\n\r\n"), 'its request ends');
ok((wait_for { count('weir_requests_total', service => 'held') == 1 }),
   'and is counted where it belongs');

done_testing();
