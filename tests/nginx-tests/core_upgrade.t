# A binary upgrade (USR2): the new binary's zone starts afresh and says so,
# the old one's goes on with its counts.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->http_conf(<<'EOF2');
weir_zone  4m;

server {
    listen  127.0.0.1:%%PORT_0%%;

    location / {
        weir_service  svc;
        return        204;
    }

    location = /api {
        weir_api;
    }
}
EOF2

# only a daemon takes WINCH, and USR2 only where its parent has gone

my $text = slurp($t->path('nginx.conf'));
$text =~ s/daemon off;/daemon on;/;
spew($t->path('nginx.conf'), $text);

is(($t->execute([$t->command]))[0], 0, 'started');

my $old = wait_for { 0 + (slurp($t->path('nginx.pid')) || 0) } 20, 'its pid';
my %masters = ($old => 1);
$t->{pid} = $old;

END {
    kill 'TERM', grep { slurp("/proc/$_/cmdline") =~ /^nginx: master/ }
                 keys %masters;
}

wait_for { $t->worker_pids == 2 } 20, 'the workers';

sub counted {
    my ($n, $name) = @_;

    my $is;

    eval {
        wait_for {
            my $requests = http_get($t->port, '/api')->json->{requests}{svc};
            $is = 0;
            $is += $_ for values %$requests;
            $is >= $n;
        } 5;
    };

    is($is, $n, $name);
}

sub gone {
    my ($pid) = @_;
    wait_for { slurp("/proc/$pid/stat") =~ /^(?!.*\) [^Z] )/s } 20,
        "end of $pid";
}

http_get($t->port, '/') for 1 .. 4;
counted(4, 'before');

$t->signal('USR2');

my $new = wait_for {
    my $pid = 0 + (slurp($t->path('nginx.pid')) || 0);
    -s $t->path('nginx.pid.oldbin') && $pid && $pid != $old ? $pid : 0;
} 20, 'a second master';

$masters{$new} = 1;

ok($t->wait_error_log(qr/weir zone starts afresh in the new binary/),
   'it says so');

# the old workers leave: the new binary's answer

$t->signal('WINCH');
wait_for { $t->worker_pids == 0 } 20, 'the end of the old workers';

http_get($t->port, '/') for 1 .. 3;
counted(3, 'the new binary counts for itself');

# back again: the old master's workers, its zone

$t->signal('HUP');
wait_for { $t->worker_pids == 2 } 20, 'workers of the old binary';

kill 'QUIT', $new;
gone($new);

# the old master has seen it too: before that it takes no other binary

wait_for { !-e $t->path('nginx.pid.oldbin') } 20, 'the old master alone';

http_get($t->port, '/');
counted(5, 'the old zone is as it was left');

# the upgrade is completed

$t->signal('USR2');

$new = wait_for {
    my $pid = 0 + (slurp($t->path('nginx.pid')) || 0);
    -s $t->path('nginx.pid.oldbin') && $pid && $pid != $old ? $pid : 0;
} 20, 'a second master again';

$masters{$new} = 1;

my @old = $t->worker_pids;

$t->{pid} = $new;
wait_for { $t->worker_pids == 2 } 20, 'its workers';

kill 'QUIT', $old;
gone($_) for @old, $old;

http_get($t->port, '/') for 1 .. 2;
counted(2, 'the new binary alone');

kill 'QUIT', $new;
gone($new);

# the old master has seen it too: before that it takes no other binary

wait_for { !-e $t->path('nginx.pid.oldbin') } 20, 'the old master alone';
$t->{pid} = undef;

done_testing();
