package Weir::Late;

# A TCP proxy between a gateway and what it talks to, which takes its time:
# every byte of an answer arrives that much later, none is lost or reordered.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);

use Weir::Net qw(slurp spew);

my $count = 0;


# Weir::Late->new($t, PORT, delay => SECONDS).

sub new {
    my ($class, $test, $to, %o) = @_;

    my $n = $count++;
    my $self = bless { port => $test->port("late_$n"),
                       control => $test->path("late-$n") }, $class;

    $self->delay($o{delay} || 0);

    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 64,
        ReuseAddr => 1) or die "port $self->{port}: $!";

    $self->{pid} = $test->spawn(sub {
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';

        while (1) {
            my $c = $listen->accept or next;
            next if fork;
            close $listen;
            $self->carry($c, $to);
            POSIX::_exit(0);
        }
    });

    close $listen;

    return $self;
}


sub port { return $_[0]{port} }

# From now on, for what comes from now on.

sub delay { spew($_[0]{control}, $_[1]) }


sub carry {
    my ($self, $c, $to) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to)
        or return;
    my $select = IO::Select->new($c, $s);
    my @late;

    while (1) {
        my $wait = @late ? $late[0][0] - time() : 0.2;

        for my $from ($select->can_read($wait > 0 ? $wait : 0)) {
            sysread($from, my $bytes, 65536) or return;

            if ($from == $c) {
                syswrite($s, $bytes) or return;

            } else {
                push @late, [time() + (slurp($self->{control}) || 0), $bytes];
            }
        }

        while (@late && $late[0][0] <= time()) {
            my $bytes = (shift @late)->[1];
            syswrite($c, $bytes) or return;
        }
    }
}


1;
