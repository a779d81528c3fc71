# The final assertions can fail: test files that must not pass do not.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(module => '');

my $head = <<'EOF2';
use lib "LIB";
use Weir::Test;
my $t = Weir::Test->new(module => '');
$t->http_conf('server { listen 127.0.0.1:%%PORT_0%%; return 204; }');
$t->run;
ok(1, 'one');
EOF2

$head =~ s{LIB}{$FindBin::Bin/lib};

sub outcome {
    my ($tail, $first) = @_;
    my $file = $t->path('inner.t');
    spew($file, $first ? $head =~ s/^\$t->http_conf.*//msr . $tail
                       : $head . $tail);
    return $t->execute([$^X, $file]);
}

my ($rc, $out) = outcome('done_testing();');
is($rc, 0, 'a good file passes');
like($out, qr/^ok 6 - no sanitizer report\n1\.\.6$/m, 'with all assertions');

($rc, $out) = outcome('');
is($rc, 0, 'done_testing may be left out');
like($out, qr/^1\.\.6$/m, 'the assertions are made');

($rc, $out) = outcome(<<'EOF2');
my ($pid) = $t->worker_pids;
kill 'KILL', $pid;
wait_for { !grep { $_ == $pid } $t->worker_pids };
done_testing();
EOF2
isnt($rc, 0, 'a killed worker fails');
like($out, qr/^not ok \d+ - no process was killed$/m, 'by its assertion');

($rc, $out) = outcome(<<'EOF2');
open(my $log, '>>', $t->path('error.log'));
print $log "2026/01/01 00:00:00 [alert] 1#1: open socket #3 left\n";
close $log;
done_testing();
EOF2
isnt($rc, 0, 'an alert fails');
like($out, qr/^not ok \d+ - no alert in the error log$/m, 'by its assertion');

($rc, $out) = outcome('spew($t->path("san/asan.1"), "ERROR: x");');
isnt($rc, 0, 'a sanitizer report fails');
like($out, qr/^not ok \d+ - no sanitizer report$/m, 'by its assertion');

($rc, $out) = outcome(<<'EOF2');
kill 'STOP', ($t->worker_pids)[0];
kill 'KILL', $t->pid;
EOF2
isnt($rc, 0, 'a worker left behind fails');
like($out, qr/^not ok \d+ - no worker is left$/m, 'by its assertion');

($rc, $out) = outcome('plan(skip_all => "no reason");', 1);
is($rc, 0, 'a file that skips passes');
is($out, "1..0 # SKIP no reason\n", 'and says nothing else');

($rc, $out) = outcome('die "early\n";');
isnt($rc, 0, 'a file that dies fails');

done_testing();
