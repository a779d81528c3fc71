package Weir::FakeRedis;

# A server that begins as Redis does and then answers as the test says: for
# what a real one would never send.

use strict;
use warnings;

use IO::Socket::INET;

my $count = 0;

my %usual = (
    HELLO => "*6\r\n\$7\r\nversion\r\n\$5\r\n7.0.0\r\n\$5\r\nproto\r\n:2\r\n"
             . "\$4\r\nmode\r\n\$10\r\nstandalone\r\n",
    ROLE => "*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n",
);


# Answers: COMMAND => bytes, or a code reference that gets the socket and the
# words; '*' is any other command; connect => what is sent first.

sub new {
    my ($class, $test, %answers) = @_;

    my $port = $test->port('fake_redis_' . $count++);
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
        Listen => 16, ReuseAddr => 1) or die "port $port: $!";

    my $self = bless { port => $port }, $class;

    $self->{pid} = $test->spawn(sub {
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';

        while (1) {
            my $c = $listen->accept or next;
            next if fork;
            serve($c, { %usual, %answers });
            POSIX::_exit(0);
        }
    });

    close $listen;

    return $self;
}


sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }


sub serve {
    my ($c, $answers) = @_;

    syswrite($c, $answers->{connect}) if defined $answers->{connect};

    my $in = '';

    while (1) {
        my @words = command($c, \$in) or return;
        my $answer = exists $answers->{ uc $words[0] }
            ? $answers->{ uc $words[0] } : $answers->{'*'};

        return unless defined $answer;

        if (ref $answer) {
            $answer->($c, @words) or return;

        } else {
            syswrite($c, $answer);
        }
    }
}


sub command {
    my ($c, $in) = @_;

    while (1) {
        if ($$in =~ /^\*(\d+)\r\n/) {
            my ($n, $rest, @words) = ($1, substr($$in, length $&));

            while (@words < $n && $rest =~ /^\$(\d+)\r\n/
                   && length($rest) >= length($&) + $1 + 2)
            {
                push @words, substr($rest, length $&, $1);
                $rest = substr($rest, length($&) + $1 + 2);
            }

            if (@words == $n) {
                $$in = $rest;
                return @words;
            }
        }

        sysread($c, $$in, 65536, length $$in) or return;
    }
}


1;
