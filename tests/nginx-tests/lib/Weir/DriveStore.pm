package Weir::DriveStore;

# weirctl's way to a store, driven line by line (tests/unit/drive_store.c).

use strict;
use warnings;

use Carp qw(croak);
use IPC::Open2;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use Weir::Net qw(deadline_factor);


# The words of the store in one string.  Where it cannot be opened, opened is
# false, and `first` says why.

sub new {
    my ($class, $test, $words) = @_;

    my $build = $ENV{WEIR_BUILD} || $test->top . '/build';
    my $self = bless { in => '' }, $class;

    my %env = $test->environment;
    local @ENV{ keys %env } = values %env;

    $self->{pid} = open2($self->{from}, $self->{to},
                         "$build/unit/drive_store", $words);
    $self->{first} = $self->line;

    return $self;
}


sub first  { return $_[0]{first} }
sub opened { return $_[0]{first} eq 'ok open' }


# One operation; the line that answers it.  took: the seconds of the last one.

sub op {
    my ($self, @words) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $from = time();
    syswrite($self->{to}, join(' ', @words) . "\n");
    my $line = $self->line;
    $self->{took} = time() - $from;

    return $line;
}


sub took { return $_[0]{took} }


# To be answered later, by line.

sub start {
    my ($self, @words) = @_;
    syswrite($self->{to}, join(' ', @words) . "\n");
}


sub line {
    my ($self) = @_;

    my $end = time() + 60 * deadline_factor();

    while (index($self->{in}, "\n") < 0) {
        my $bits = '';
        vec($bits, fileno($self->{from}), 1) = 1;

        croak 'drive_store does not answer' if time() > $end;
        next unless select($bits, undef, undef, 1);

        sysread($self->{from}, $self->{in}, 65536, length $self->{in})
            or return "ended: $self->{in}";
    }

    $self->{in} =~ s/^(.*)\n//;

    return $1;
}


# What happened to it: 0 where it ended by itself.

sub close {
    my ($self) = @_;

    return 0 unless $self->{pid};

    # other children of the test may hold the pipe open

    local $SIG{PIPE} = 'IGNORE';
    syswrite($self->{to}, "quit\n");
    CORE::close($self->{to});
    waitpid($self->{pid}, 0);
    $self->{pid} = undef;

    return $?;
}


sub DESTROY {
    my ($self) = @_;

    return unless $self->{pid};

    local ($?, $!);
    CORE::close($self->{to});
    kill 'KILL', $self->{pid} if !waitpid($self->{pid}, WNOHANG);
    waitpid($self->{pid}, 0);
}


1;
