#!/usr/bin/perl

# Reload and quit while the link to Redis is in each of its states: old
# workers go at once, whatever the other side does, and nginx has no alert.

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Socket;
use Time::HiRes qw(time);
use Weir::Test;
use Weir::FakeRedis;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);

# so long that nobody waits for their end

my $slow = 'connect_timeout=60s handshake_timeout=60s timeout=60s';
my $g = Weir::RedisGateway->new($t);


# A port whose queue of connections is full: the next one waits for its SYN's
# answer.

sub full {
    my ($name) = @_;

    my $port = $t->port($name);

    socket(my $l, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($l, sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
    listen($l, 0) or die "listen: $!";

    my @fill = map {
        socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
        $s->blocking(0);
        connect($s, sockaddr_in($port, INADDR_LOOPBACK));
        $s;
    } 1 .. 4;

    return ($port, $l, @fill);
}

# What the worker's connections to a port are in (/proc/net/tcp): 01
# established, 02 waiting for the SYN's answer.

sub states {
    my ($port) = @_;
    my $hex = sprintf '%04X', $port;
    my %inode = map { (stat $_)[0] ? (readlink($_) =~ /socket:\[(\d+)\]/
                      ? ($1 => 1) : ()) : () }
                map { glob "/proc/$_/fd/*" } $t->worker_pids;

    return map { my @f = split; $inode{ $f[9] } && $f[2] =~ /:$hex$/
                 ? $f[3] : () } split /\n/, slurp('/proc/net/tcp');
}

my ($full, @keep) = full('full');

my $listener = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $t->port('mute'), Listen => 64,
    ReuseAddr => 1) or die "port: $!";
my $mute = $t->port('mute');

my $hello = Weir::FakeRedis->new($t, HELLO => sub { sleep 600; 0 });
my $reply = Weir::FakeRedis->new($t, GETRANGE => sub { sleep 600; 0 });
my $half = Weir::FakeRedis->new($t, GETRANGE => sub {
    syswrite($_[0], "\$1000\r\nhalf");
    sleep 600;
    0;
});
my $real = Weir::Redis->new($t);
my $nobody = $t->port('nobody');

$t->make_cert('ca', is_ca => 1);
my $ca = $t->path('ca.crt');

sub logged {
    my ($re, $from) = @_;
    return substr($t->error_log, $from) =~ $re;
}

# the state, the words, and how it is known that it is reached

my @states = (
    ['connecting', "redis://127.0.0.1:$full",
     sub { grep { $_ eq '02' } states($full) }],
    ['in the TLS handshake', "rediss://127.0.0.1:$mute ca=$ca",
     sub { grep { $_ eq '01' } states($mute) }],
    ['waiting for HELLO', 'redis://127.0.0.1:' . $hello->port,
     sub { grep { $_ eq '01' } states($hello->port) }],
    ['waiting for a reply', 'redis://127.0.0.1:' . $reply->port,
     sub { logged(qr/:@{[ $reply->port ]}: connected/, $_[0]) }],
    ['in the middle of a reply', 'redis://127.0.0.1:' . $half->port,
     sub { logged(qr/:@{[ $half->port ]}: connected/, $_[0]) }],
    ['in a pause', "redis://127.0.0.1:$nobody",
     sub { (() = logged(qr/(?::$nobody: Connection refused.*){6}/s, $_[0])) }],
    ['resolving a name', 'redis://redis.example insecure',
     sub { resolving() }],
    ['connected', 'redis://127.0.0.1:' . $real->port,
     sub { $g->state eq 'up' }],
);

# a resolver that never answers

my $dns = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
                                LocalPort => $t->port('dns')) or die "dns: $!";

$g->{more} = 'resolver 127.0.0.1:%%PORT_dns%% ipv6=off; '
             . 'resolver_timeout 60s;';

sub resolving {
    my $in = '';
    vec($in, fileno $dns, 1) = 1;
    return 0 unless select($in, undef, undef, 0);
    recv($dns, my $query, 512, MSG_DONTWAIT);
    return 1;
}

my $n = 0;

for my $state (@states) {
    my ($what, $words, $reached) = @$state;

    my $from = length $t->error_log;
    $g->words("$words $slow");
    $n++ ? $t->reload : $t->run;
    wait_for { $reached->($from) } 20, "$what";

    my $begin = time;
    ok($t->reload(seconds => 30), "$what: a reload");
    my $took = time - $begin;
    cmp_ok($took, '<', 10 * Weir::Net::deadline_factor(),
           "$what: old workers go at once");
    note(sprintf '%s: %.2f s', $what, $took);

    $from = length $t->error_log if $what ne 'in a pause';
    wait_for { $reached->($from) } 20, "$what, again"
        unless $what =~ /reply|pause/;

    $begin = time;
    is($t->stop, 0, "$what: quit");
    cmp_ok(time - $begin, '<', 10 * Weir::Net::deadline_factor(),
           "$what: at once");

    $t->run;

    # a master kills what needs more than a second to look for leaks

    next if $t->sanitize;

    wait_for { $reached->($from) } 20, "$what, once more"
        unless $what =~ /reply|pause/;
    is($t->stop('TERM'), 0, "$what: term");
    $t->run;
}

done_testing();
