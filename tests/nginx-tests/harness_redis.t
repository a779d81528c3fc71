# A real redis-server as a child, by port and by socket.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;

my $t = Weir::Test->new(module => '');

for my $unix (0, 1) {
    my $redis = Weir::Redis->new($t, unix => $unix);

    is($redis->command('SET', 'a', "x\r\ny"), 'OK', 'status reply');
    is($redis->command('GET', 'a'), "x\r\ny", 'bulk reply');
    is($redis->command('GET', 'b'), undef, 'nil');
    is($redis->command('INCRBY', 'n', 41), 41, 'integer');
    is_deeply($redis->command('MGET', 'a', 'b', 'n'), ["x\r\ny", undef, 41],
              'list');
    ok(!eval { $redis->command('NONSENSE'); 1 }, 'error');
    like($@, qr/unknown command/, 'its message');

    my $pid = $redis->pid;
    $redis->stop;
    ok(!-e "/proc/$pid", 'stopped');

    $redis->start;
    is($redis->command('GET', 'a'), undef, 'started anew, empty');
}

done_testing();
