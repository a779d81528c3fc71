package Weir::DNS;

# A small DNS server: A records that the test changes at any time.

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(inet_aton);

use Weir::Net qw(slurp spew);

my $count = 0;


# Weir::DNS->new($t, NAME => [ADDRESS...]); ttl is a second.

sub new {
    my ($class, $test, %names) = @_;

    my $n = $count++;
    my $self = bless { test => $test, port => $test->port("dns_$n"),
                       zone => $test->path("dns-$n.zone"),
                       log => $test->path("dns-$n.log") }, $class;

    $self->names(%names);
    $self->start;

    return $self;
}


sub port { return $_[0]{port} }


# From now on; a name that is not there does not exist.

sub names {
    my ($self, %names) = @_;
    spew($self->{zone}, join '', map { "$_ @{ $names{$_} }\n" }
                                 sort keys %names);
}


# The names that were asked for, in order.

sub queries { return split /\n/, slurp($_[0]{log}) }


sub start {
    my ($self) = @_;

    my $socket = IO::Socket::INET->new(
        Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $self->{port},
        ReuseAddr => 1) or die "port $self->{port}: $!";

    $self->{pid} = $self->{test}->spawn(sub {
        open(my $log, '>>', $self->{log}) or die "log: $!";
        $log->autoflush(1);

        while (1) {
            my $from = recv($socket, my $query, 512, 0);
            next unless defined $from && length $query > 12;

            my ($answer, $name) = $self->answer($query);
            print $log "$name\n";
            send($socket, $answer, 0, $from);
        }
    });

    close $socket;
}


sub stop {
    my ($self) = @_;
    $self->{test}->kill_child($self->{pid});
}


# RFC 1035, section 4: one question, of class IN; AAAA has no answers.

sub answer {
    my ($self, $query) = @_;

    my ($id) = unpack 'n', $query;
    my ($at, @labels) = (12);

    while (my $len = ord substr $query, $at, 1) {
        push @labels, substr $query, $at + 1, $len;
        $at += $len + 1;
    }

    my $question = substr $query, 12, $at + 5 - 12;
    my ($type) = unpack 'n', substr $query, $at + 1, 2;
    my $name = lc join '.', @labels;

    my ($line) = slurp($self->{zone}) =~ /^\Q$name\E (.*)$/m;
    my @addresses = defined $line && $type == 1 ? split ' ', $line : ();

    my $records = join '', map {
        pack('n n n N n', 0xc00c, 1, 1, 1, 4) . inet_aton($_)
    } @addresses;

    my $code = defined $line ? 0 : 3;

    return (pack('n6', $id, 0x8580 | $code, 1, scalar @addresses, 0, 0)
            . $question . $records, $name);
}


1;
