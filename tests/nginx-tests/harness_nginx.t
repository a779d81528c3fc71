# The harness itself: processes, configuration and final assertions, with bare
# nginx.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(module => '');

$t->file('html/hello.txt', "port %%PORT_0%%\n");

my $conf = <<'EOF2';
events {}

http {
    server {
        listen  127.0.0.1:%%PORT_0%%;
        root    %%TESTDIR%%/html;

        location /version {
            return 200 one;
        }
    }
}
EOF2

$t->conf($conf)->run;

my @workers = $t->worker_pids;
is(scalar @workers, 2, 'two workers');

my $r = http_get($t->port, '/hello.txt');
is($r->status, 200, 'status');
is($r->body, 'port ' . $t->port . "\n", 'body, and a file with its port');
like($r->header('content-type'), qr{^text/plain}, 'a header');
$t->wait_access_log(qr{"GET /hello.txt HTTP/1.1" 200});

# reload

(my $second = $conf) =~ s/200 one/200 two/;
$t->conf($second);
ok($t->reload, 'reloaded');

is(http_get($t->port, '/version')->body, 'two', 'the new configuration');
my %old = map { $_ => 1 } @workers;
is(scalar(grep { !$old{$_} } $t->worker_pids), 2, 'new workers');
ok(!-e "/proc/$workers[0]", 'old worker is gone');

# a configuration that is refused

(my $broken = $conf) =~ s/return 200 one/nonsense here/;
my ($rc, $out) = $t->test_config($broken);

is($rc, 1, 'nginx -t fails');
like($out, qr/unknown directive "nonsense" in \S+tested.conf:9$/m,
     "the line is that of the test's text");

($rc, $out) = $t->test_config;
is($rc, 0, "nginx -t of the test's own configuration");

$t->conf($broken);
$t->allow(qr/unknown directive "nonsense"/);
ok(!$t->reload, 'the reload is refused');
is(http_get($t->port, '/version')->body, 'two', 'the old workers serve on');

# a worker that dies by a signal must be named

my ($victim) = $t->worker_pids;
$t->allow(qr/worker process $victim exited on signal 9/);
kill 'KILL', $victim;
wait_for {
    my @now = $t->worker_pids;
    @now == 2 && !grep { $_ == $victim } @now
};

# two tests at once have different ports and folders

my $u = Weir::Test->new(module => '', workers => 1);
isnt($u->port, $t->port, 'ports differ');
$u->conf($conf)->run;
is(scalar $u->worker_pids, 1, 'one worker');
is(http_get($u->port, '/version')->body, 'one', 'the second nginx');

my ($out2, $err2);
($rc, $out2, $err2) = $t->execute(['sh', '-c', 'cat; echo bad >&2; exit 3'],
                                  stdin => "in\n");
is_deeply([$rc, $out2, $err2], [3, "in\n", "bad\n"], 'execute');

done_testing();
