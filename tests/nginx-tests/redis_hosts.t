#!/usr/bin/perl

# The host that a Sentinel names is a text of somebody else's, which would end
# on the operator's terminal and in the gateway's error log: what is none is
# refused, and not repeated.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::RedisGateway;
use Weir::FakeRedis;

my $t = Weir::Test->new(workers => 1);
my $host = "x\r\n2026/01/01 00:00:00 [alert] 1#1: forged \e[31m";
my $fake = Weir::FakeRedis->new($t,
    HELLO => "*6\r\n\$7\r\nversion\r\n\$5\r\n7.0.0\r\n\$5\r\nproto\r\n:2\r\n"
             . "\$4\r\nmode\r\n\$8\r\nsentinel\r\n",
    ROLE => "*2\r\n\$8\r\nsentinel\r\n*1\r\n\$4\r\nmain\r\n",
    SENTINEL => "*2\r\n\$" . length($host) . "\r\n$host\r\n\$4\r\n6379\r\n");
my $words = 'sentinel://127.0.0.1:' . $fake->port . '/main';

my ($rc, $out, $err) = $t->weirctl('status', '--store', $words);
is($rc, 3, 'weirctl: no such store');
like($err, qr/SENTINEL: unexpected-reply$/, 'and why');
unlike("$out$err", qr/forged|[^ -~\n]/, 'the host is not repeated');

Weir::RedisGateway->new($t, $words);
$t->run;
wait_for { slurp($t->path('error.log')) =~ /SENTINEL/ } 10, 'the log';
unlike(slurp($t->path('error.log')), qr/forged|[^\t-~]|\x1b/,
       'nor in the error log');

done_testing();
