package Weir::Proxy;

# Between a gateway and its store: passes on bytes, late if told so, to one
# port and then to another, and counts connections.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

use Weir::Net qw(slurp spew);

my $count = 0;


# Weir::Proxy->new($t, $port): to that port of 127.0.0.1.

sub new {
    my ($class, $t, $to) = @_;

    my $n = $count++;
    my $port = $t->port("proxy_$n");
    my $self = bless {
        port => $port,
        map { $_ => $t->path("proxy-$n.$_") } qw(to late seen),
    }, $class;

    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
        Listen => 64, ReuseAddr => 1) or die "port $port: $!";

    spew($self->{$_}, 0) for qw(late seen);
    spew($self->{to}, $to);
    $self->{pid} = $t->spawn(sub { $self->pass($listen) });
    close $listen;

    return $self;
}


sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }


# What the store says comes that many seconds later, from now on.

sub late {
    my ($self, $seconds) = @_;
    spew($self->{late}, $seconds);
}


# To that port from now on; whoever was connected to the other one is not any
# more.

sub to {
    my ($self, $port) = @_;
    spew($self->{to}, $port);
}


sub connections { return slurp($_[0]{seen}) + 0 }


# Each direction is a queue of [when, bytes]; undef for the end.

sub pass {
    my ($self, $listen) = @_;

    $SIG{PIPE} = 'IGNORE';

    my $ready = IO::Select->new($listen);
    my ($seen, %other, %queue, %client) = (0);

    my $close = sub {
        my @both = @_;

        for my $s (@both) {
            $ready->remove($s);
            delete $other{$s};
            delete $queue{$s};
            delete $client{$s};
            close $s;
        }
    };

    my $to = slurp($self->{to});

    while (1) {
        my $now = slurp($self->{to});

        if ($now != $to) {
            my @all = values %other;
            $close->(@all);
            $to = $now;
        }

        my @readable = $ready->can_read(0.01);

        for my $s (@readable) {

            if ($s == $listen) {
                my $c = $listen->accept or next;
                spew($self->{seen}, ++$seen);

                my $s = IO::Socket::INET->new(
                    PeerAddr => '127.0.0.1', PeerPort => $to, Timeout => 5);

                if (!$s) {
                    close $c;
                    next;
                }

                @other{$c, $s} = ($s, $c);
                @queue{$c, $s} = ([], []);
                $client{$c} = 1;
                $ready->add($c, $s);
                next;
            }

            my $peer = $other{$s} or next;
            my $n = sysread($s, my $bytes, 65536);
            my $wait = $client{$s} ? 0 : slurp($self->{late}) || 0;

            push @{ $queue{$peer} }, [time() + $wait, $n ? $bytes : undef];
            $ready->remove($s) unless $n;
        }

        my @open = values %other;

        for my $s (@open) {
            next unless $s && $queue{$s};

            while (@{ $queue{$s} } && $queue{$s}[0][0] <= time()) {
                my $bytes = (shift @{ $queue{$s} })->[1];

                if (!defined $bytes || !syswrite $s, $bytes) {
                    $close->($s, $other{$s});
                    last;
                }
            }
        }
    }
}


1;
