#!/usr/bin/perl

# The fault matrix, a wire that fails: a Redis whose replies are late, and
# something in its place that says what no Redis would.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::FakeRedis;
use Weir::Faults;
use Weir::Proxy;
use Weir::Redis;
use Weir::Rig;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $proxy = Weir::Proxy->new($t, $r->port);
my $real = 'redis://127.0.0.1:' . $r->port;
my $rig = Weir::Rig->new(t => $t, ctl_url => $real,
                         url => 'redis://127.0.0.1:' . $proxy->port);

$rig->run;
$rig->publish(1);
$rig->weights('green=50%');
wait_for { $rig->green =~ / / } 5, 'live weights';

my $green = $rig->green;
my $f = Weir::Faults->new($rig);
my $content = 1;

sub unchanged {
    $f->is(($rig->get('/all')->header('X-Rule')), "v$content", 'content');
    $f->holds($rig->green eq $green, 'the weights are others');
}

sub down { wait_for { !$rig->up } 8, 'down' }

sub back { Weir::Faults::recovers { $rig->up } $f, 'up' }

$f->fault('replies 2 s late', 'stale and told; late replies mix with none',
          sub {
    my $before = $proxy->connections;

    $proxy->late(2);
    down();
    unchanged();
    $f->saw('down: ' . $rig->api->{store}{error}{message});

    # for long enough that each late reply met the next command

    my $until = time + 5;
    wait_for { $f->is($rig->trouble($_), '', "$_ refused")
               for qw(bundle split); time > $until } 10, 'late replies';

    $f->lasts;
    $f->saw('nothing refused meanwhile');
    $f->number($proxy->connections - $before . ' accepted');
    $proxy->late(0);
    back();
    $rig->publish(++$content);
    $f->saw("content $content is in effect afterwards");
    unchanged();
});


sub endless {
    my ($begin, $more) = @_;

    return sub {
        my ($c) = @_;
        syswrite $c, $begin;
        for (1 .. 4000) {
            syswrite $c, $more or return 0;
        }
        return 0;
    };
}

my @wires = (
    ['garbage', [GETRANGE => "\x16\x03\x01\x02\x00garbage\r\n"]],
    ['garbage in place of HELLO', [HELLO => "HTTP/1.1 400 No\r\n\r\n"]],
    ['an endless reply', [GETRANGE => endless('$2147483647' . "\r\n",
                                              'x' x 65536)]],
    ['an endless line', [GETRANGE => endless('+', 'x' x 65536)]],
    ['an endless array', [GETRANGE => "\$0\r\n\r\n",
                          HGET => endless("*2147483647\r\n",
                                          ":1\r\n" x 8000)]],
    ['an oversize reply', [GETRANGE => '$' . (1 << 20) . "\r\n"
                                       . ('x' x (1 << 20)) . "\r\n"]],
    ['extra replies', [ROLE => "*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n"
                               . "\$-1\r\n+EXTRA\r\n" x 20,
                       '*' => "\$-1\r\n+EXTRA\r\n"]],
    ['one that speaks first', [connect => "+PONG\r\n" x 5]],
    ['silence', [GETRANGE => sub { sleep 30; 0 }]],
);

for my $wire (@wires) {
    my ($name, $answers) = @$wire;

    $f->fault($name, 'closed, capped memory, backoff; unchanged', sub {
        my $fake = Weir::FakeRedis->new($t, @$answers);

        $proxy->to($fake->port);
        wait_for { !$rig->up && $rig->api->{store}{error}{message} !~ /close/
                   || $rig->trouble('bundle') } 10, 'told';
        $f->lasts;
        unchanged();

        # it comes back by itself, after pauses

        my $error = $rig->api->{store}{error};
        my ($said) = ($error ? $error->{message} : '') =~ /([^:]*)$/;
        $said = 'refused: ' . $rig->trouble('bundle') unless $error;
        $said =~ s/^ //;
        $f->saw("told: $said");

        $proxy->to($r->port);
        $t->kill_child($fake->pid);
        back();
        wait_for { !$rig->trouble('bundle') } 5, 'no refusal';
        unchanged();
    });
}

$rig->publish(++$content);
unchanged();
$f->stop;

done_testing();
