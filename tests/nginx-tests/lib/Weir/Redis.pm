package Weir::Redis;

# A real redis-server as a child of the test, and a client for it.

use strict;
use warnings;

use Carp qw(croak);

use Weir::Net qw(wait_for);

my $count = 0;


# Options: unix => 1 (a socket instead of a port), args => [...] (further
# ones of redis-server).  Returns when it answers.

sub new {
    my ($class, $test, %o) = @_;

    my $n = $count++;
    my $dir = $test->path("redis-$n");
    mkdir $dir or croak "$dir: $!";

    my $self = bless { test => $test, dir => $dir, %o }, $class;

    if ($o{unix}) {
        $self->{unix} = "$dir/redis.sock";

    } else {
        $self->{port} = $test->port("redis_$n");
    }

    $self->start;
    return $self;
}


sub port { return $_[0]{port} }
sub unix { return $_[0]{unix} }
sub pid  { return $_[0]{pid} }


sub start {
    my ($self) = @_;

    my @where = $self->{unix}
        ? ('--port', 0, '--unixsocket', $self->{unix}, '--unixsocketperm', 777)
        : ('--port', $self->{port}, '--bind', '127.0.0.1');

    my @command = ('redis-server', @where, '--dir', $self->{dir}, '--save', '',
                   '--appendonly', 'no', '--daemonize', 'no',
                   @{ $self->{args} || [] });

    $self->{pid} = $self->{test}->spawn(sub {
        open(STDOUT, '>>', "$self->{dir}/log");
        open(STDERR, '>&', \*STDOUT);
        exec { $command[0] } @command;
    });

    wait_for {
        my $pong = eval { $self->command('PING') };
        ($pong && $pong eq 'PONG') || ($@ && $@ =~ /NOAUTH/);
    } 10, 'redis-server';
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


# One command: a string, a number, undef (nil) or a list reference; dies with
# the server's error.

sub command {
    my ($self, @args) = @_;

    $self->{c} ||= Weir::Net->new(
        $self->{unix} ? (unix => $self->{unix}) : (port => $self->{port}),
        timeout => 5);

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


1;
