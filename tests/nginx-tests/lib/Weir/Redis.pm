package Weir::Redis;

# A real redis-server as a child of the test, and a client for it; several of
# them under Sentinels or as a cluster.

use strict;
use warnings;

use Carp qw(croak);

use Weir::Net qw(wait_for);

my $count = 0;


# Options: unix => 1 (a socket instead of a port), args => [...] (further
# ones of redis-server), auth => [USER, PASSWORD] or [PASSWORD] (of our own
# client), tls => NAME (NAME.crt and NAME.key in the test's folder, ca.crt;
# the port speaks TLS), sentinel => 1, server (the binary, else
# $TEST_REDIS_SERVER, else redis-server), address (127.0.0.1), port (else one
# of its own).  Returns when it answers.

sub new {
    my ($class, $test, %o) = @_;

    my $n = $count++;
    my $dir = $test->path("redis-$n");
    -d $dir || mkdir $dir or croak "$dir: $!";

    my $self = bless { test => $test, dir => $dir, %o }, $class;

    if ($o{unix}) {
        $self->{unix} = "$dir/redis.sock";

    } else {
        $self->{port} ||= $test->port("redis_$n");
    }

    $self->start;
    return $self;
}


# The major version of the one that is under test: 6, 7, 8.

my $version;

sub version {
    my $server = $ENV{TEST_REDIS_SERVER} || 'redis-server';

    ($version) = qx('$server' --version) =~ /v=(\d+)/
        or croak "$server: no version" unless $version;

    return $version;
}


# Of a user, keys that he may only read; Redis 6 cannot say so.

sub reads { return ($_[0]->version < 7 ? '~' : '%R~') . $_[1] }


sub port { return $_[0]{port} }
sub unix { return $_[0]{unix} }
sub pid  { return $_[0]{pid} }


sub start {
    my ($self) = @_;

    my $server = $self->{server} || $ENV{TEST_REDIS_SERVER} || 'redis-server';
    my $d = $self->{test}->dir;

    my @where = $self->{unix}
        ? ('--port', 0, '--unixsocket', $self->{unix}, '--unixsocketperm', 777)
        : ($self->{tls} ? ('--port', 0, '--tls-port') : '--port',
           $self->{port}, '--bind', $self->{address} || '127.0.0.1');

    push @where, '--tls-cert-file', "$d/$self->{tls}.crt", '--tls-key-file',
        "$d/$self->{tls}.key", '--tls-ca-cert-file', "$d/ca.crt"
        if $self->{tls};

    my @command = ($server, @where, '--dir', $self->{dir}, '--save', '',
                   '--appendonly', 'no', '--daemonize', 'no',
                   @{ $self->{args} || [] });

    @command = ($server, "$self->{dir}/sentinel.conf", '--sentinel')
        if $self->{sentinel};

    $self->{pid} = $self->{test}->spawn(sub {
        open(STDOUT, '>>', "$self->{dir}/log");
        open(STDERR, '>&', \*STDOUT);
        exec { $command[0] } @command;
    });

    wait_for {
        my $pong = eval { $self->command('PING') };
        ($pong && $pong eq 'PONG') || ($@ && $@ =~ /NOAUTH/);
    } 10, 'redis-server';

    return $self;
}


# As a crash ends it.

sub crash {
    my ($self) = @_;
    kill 'KILL', $self->{pid};
    $self->{test}->reap($self->{pid}, 5);
    $self->{pid} = undef;
    $self->{c} = undef;
}


sub stop {
    my ($self) = @_;
    $self->{test}->kill_child($self->{pid}) if $self->{pid};
    $self->{pid} = undef;
    $self->{c} = undef;
}


# A server that is there but does not answer.

sub pause  { kill 'STOP', $_[0]{pid} }
sub resume { kill 'CONT', $_[0]{pid} }


# A server that changes its role drops its clients.

sub reconnect {
    my ($self) = @_;
    $self->{c} = undef;
    return $self;
}


# One command: a string, a number, undef (nil) or a list reference; dies with
# the server's error.

sub command {
    my ($self, @args) = @_;

    if (!$self->{c}) {
        my $d = $self->{test}->dir;

        $self->{c} = Weir::Net->new(
            $self->{unix} ? (unix => $self->{unix})
                          : (port => $self->{port},
                             host => $self->{address}),
            $self->{tls} ? (tls => { SSL_cert_file => "$d/client.crt",
                                     SSL_key_file => "$d/client.key" })
                         : (),
            timeout => 5);

        $self->command('AUTH', @{ $self->{auth} }) if $self->{auth};
    }

    my $request = '*' . @args . "\r\n"
                  . join '', map { '$' . length($_) . "\r\n$_\r\n" } @args;

    if (!$self->{c}->send($request)) {
        $self->{c} = undef;
        croak 'redis: closed';
    }

    return $self->reply;
}


sub reply {
    my ($self) = @_;

    my $line = $self->{c}->read_until("\r\n");

    if (!defined $line) {
        $self->{c} = undef;
        croak 'redis: no reply';
    }

    my ($type, $rest) = $line =~ /^(.)(.*)\r\n$/s;

    croak "redis: $rest" if $type eq '-';
    return $rest if $type eq '+' || $type eq ':';
    return undef if $rest < 0;

    return substr $self->{c}->read_n($rest + 2), 0, $rest if $type eq '$';

    return [map { $self->reply } 1 .. $rest];
}


# A master, its replicas and three Sentinels, who take a second to notice.
# Options: replicas (2), sentinels (3), args (of the servers).

sub fleet {
    my ($class, $test, %o) = @_;

    my $master = $class->new($test, args => $o{args});

    my @replicas = map {
        $class->new($test, args => [@{ $o{args} || [] }, '--replicaof',
                                    '127.0.0.1', $master->port]);
    } 1 .. $o{replicas} || 2;

    wait_for {
        my @up = $master->command('INFO', 'replication') =~ /state=online/g;
        @up == @replicas;
    } 30, 'the replicas';

    my @sentinels = map {
        my $n = $count;
        my $dir = $test->path("redis-$n");
        mkdir $dir;

        my $port = $test->port("redis_$n");

        $test->file("redis-$n/sentinel.conf", <<"END");
port $port
bind 127.0.0.1
dir $dir
daemonize no
sentinel monitor main 127.0.0.1 @{[ $master->port ]} 2
sentinel down-after-milliseconds main 1000
sentinel failover-timeout main 5000
END
        $class->new($test, sentinel => 1);
    } 1 .. $o{sentinels} || 3;

    for my $s (@sentinels) {
        wait_for {
            my %m = @{ $s->command('SENTINEL', 'MASTER', 'main') };
            $m{'num-slaves'} == @replicas
                && $m{'num-other-sentinels'} == @sentinels - 1;
        } 30, 'the Sentinels';
    }

    return { master => $master, replicas => \@replicas,
             sentinels => \@sentinels };
}


# Three masters with a replica each.  Options: args (of the servers), auth (of
# who may make a cluster of them).

sub cluster {
    my ($class, $test, %o) = @_;

    my @nodes = map {
        my @bus = $class->version < 7 ? ()
                  : ('--cluster-port', $test->port("bus_$_"));
        $class->new($test, $o{auth} ? (auth => $o{auth}) : (), args => [
            '--cluster-enabled', 'yes', @bus,
            '--cluster-node-timeout', 1000, @{ $o{args} || [] } ]);
    } 1 .. 6;

    my ($rc, $out, $err) = $test->execute(
        ['redis-cli', '--cluster', 'create',
         (map { '127.0.0.1:' . $_->port } @nodes), '--cluster-replicas', 1,
         '--cluster-yes', $o{auth} ? ('--user', $o{auth}[0], '--pass',
                                      $o{auth}[1]) : ()], seconds => 60);

    croak "cluster: $out$err" if $rc ne '0';

    for my $node (@nodes) {
        wait_for {
            my $info = $node->command('CLUSTER', 'INFO');
            $info =~ /cluster_state:ok/ && $info =~ /known_nodes:6/
        } 30, 'the cluster';
    }

    return @nodes;
}


# Of these nodes the master that has the key's slot, and the slot.

sub owner {
    my ($class, $key, @nodes) = @_;

    for my $node (@nodes) {
        next unless $node->pid;

        my $slot = $node->command('CLUSTER', 'KEYSLOT', $key);

        for my $r (@{ $node->command('CLUSTER', 'SLOTS') }) {
            next if $slot < $r->[0] || $slot > $r->[1];
            my ($n) = grep { $_->port == $r->[2][1] } @nodes;
            return ($n, $slot);
        }
    }

    croak "nobody has the slot of $key";
}


1;
