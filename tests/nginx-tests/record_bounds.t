#!/usr/bin/perl

# weir_decision_log: permits beyond "rate=" and denies of a client that has
# too many are counted, not written; a file that takes nothing harms nobody;
# syslog.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use IO::Socket::INET;
use IO::Select;
use JSON::PP;

my $t = Weir::Test->new(workers => 1);

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit open { who anyone; what GET /open; }
END

my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "udp: $!";

sub conf {
    my ($log) = @_;

    $t->http_conf(<<"END");
    weir_zone   8m;
    weir_bundle policies;
    weir_decision_log $log;

    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_policy p;

        location / { proxy_pass http://127.0.0.1:%%PORT_1%%; }
        location = /api { weir_policy off; weir_api; }
        location = /metrics { weir_policy off; weir_metrics; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { return 204; }
    }
END
}

sub counts {
    return decode_json(http_request($t->port, 'GET', '/api')->body)
        ->{decision_log};
}

# N requests; how many had that status

sub load {
    my ($n, $target, $status, @headers) = @_;
    my $good = 0;

    for (1 .. $n) {
        my $r = http_request($t->port, 'GET', $target,
                             headers => \@headers);
        $good++ if $r->status == $status;
    }

    return $good;
}

my $log = $t->path('decisions.log');
my $lines = sub { scalar(() = slurp($log) =~ /\n/g) };


# permits at most at the rate, the rest counted; denies are not sampled

conf('%%TESTDIR%%/decisions.log rate=1r/m');
$t->run;

is(load(30, '/open', 204), 30, 'permits');
is(load(30, '/no', 403), 30, 'denies');
wait_for { $lines->() == 31 } 5, 'one permit, all denies';
my $c = counts();
is($c->{written}, 31, 'written');
is($c->{sampled}, 29, 'sampled');
is($lines->(), 31, 'no more');


# a client with many denies takes no other client's room

is(load(300, '/no', 403), 300, 'many denies');
wait_for { $c = counts(); $c->{written} + $c->{client} == 331 } 5, 'counted';
cmp_ok($c->{client}, '>', 100, 'most of them are left out');
is(load(1, '/no', 403, 'X-Real-IP' => '192.0.2.7'), 1, 'another client');
wait_for { slurp($log) =~ /"source":"192\.0\.2\.7"/ } 5, 'is told of';

like(http_request($t->port, 'GET', '/metrics')->body,
     qr/^weir_decision_log_records_total\{result="client"\} $c->{client}$/m,
     'metrics');


# a file that takes nothing

$t->allow(qr/decisions cannot be written to/);
conf('/dev/full');
ok($t->reload, 'a full disk');
is(load(50, '/open', 204), 50, 'requests go on');
wait_for { counts()->{error} == 50 } 5, 'counted as errors';
is(scalar($t->log_lines(qr/decisions cannot be written to/)), 1, 'told once');

conf('%%TESTDIR%%/decisions.log');
ok($t->reload, 'a good file again');
my $before = $lines->();
is(load(5, '/open', 204), 5, 'requests');
wait_for { $lines->() == $before + 5 } 5, 'are written';


# by syslog

conf('syslog:server=127.0.0.1:' . $udp->sockport . ',tag=weir');
ok($t->reload, 'syslog');
is(load(1, '/open', 204), 1, 'a request');

my $text = '';
ok(IO::Select->new($udp)->can_read(5), 'a datagram');
$udp->recv($text, 65536);
like($text, qr/^<\d+>.* weir: \{"time":/, 'with its head');
is(decode_json($text =~ s/^.*? weir: //r)->{path}, '/open', 'the same record');

done_testing();
