package Weir::Net;

# Sockets of the harness: a stream with a buffer and deadlines (TCP, unix,
# TLS), ports that belong to one test alone, and waiting for a condition.

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use Fcntl qw(:flock O_RDWR O_CREAT);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time usleep);

our @EXPORT_OK = qw(allocate_port wait_for slurp spew deadline_factor);


# Sanitized and otherwise slow binaries get more time for everything.

sub deadline_factor {
    return $ENV{TEST_NGINX_SLOW} || 1;
}


# wait_for { condition } SECONDS, WHAT: polls until the condition is true and
# returns its value; dies after the deadline.

sub wait_for (&;$$) {
    my ($cond, $seconds, $what) = @_;

    my $end = time() + ($seconds || 10) * deadline_factor();
    my $pause = 1000;

    while (1) {
        my $value = $cond->();
        return $value if $value;

        croak "deadline passed while waiting for "
              . ($what || 'a condition') if time() > $end;

        usleep($pause);
        $pause = $pause * 1.5 if $pause < 20000;
    }
}


# Ports lie below the range of outgoing connections.  A lock file for each is
# held as long as the process lives, so that tests that run at the same time
# never meet.

my %held;

sub allocate_port {
    my $dir = "/tmp/weir-ports.$>";
    mkdir $dir, 0700;

    my $first = 20000 + ($$ * 7) % 10000;

    for my $i (0 .. 9999) {
        my $port = 20000 + ($first - 20000 + $i) % 10000;
        next if $held{$port};

        sysopen(my $fh, "$dir/$port", O_RDWR | O_CREAT, 0600)
            or croak "$dir/$port: $!";
        next unless flock($fh, LOCK_EX | LOCK_NB);

        my $probe = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
            Listen => 1, ReuseAddr => 1) or next;
        CORE::close($probe);

        $held{$port} = $fh;
        return $port;
    }

    croak "no free port";
}


sub slurp {
    my ($file) = @_;
    open(my $fh, '<:raw', $file) or return '';
    local $/;
    my $text = <$fh>;
    return defined $text ? $text : '';
}


sub spew {
    my ($file, $text) = @_;
    my $new = "$file.new.$$";
    open(my $fh, '>:raw', $new) or croak "$file: $!";
    print $fh $text;
    CORE::close($fh) or croak "$file: $!";
    rename $new, $file or croak "$file: $!";
}


# Options: port, host (127.0.0.1), from (local address), unix (a path),
# tls (1, or options of IO::Socket::SSL), timeout in seconds, sock (an open
# socket to wrap).

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        in => '', eof => 0, timeout => ($o{timeout} || 10) * deadline_factor(),
    }, $class;

    if ($o{sock}) {
        $self->{sock} = $o{sock};

    } elsif ($o{unix}) {
        $self->{sock} = IO::Socket::UNIX->new(Peer => $o{unix})
            or croak "connect to $o{unix}: $!";

    } else {
        my @from = $o{from} ? (LocalAddr => $o{from}) : ();

        $self->{sock} = IO::Socket::INET->new(
            PeerAddr => $o{host} || '127.0.0.1', PeerPort => $o{port}, @from,
            Proto => 'tcp', Timeout => 10)
            or croak "connect to port $o{port}: $!";
    }

    binmode $self->{sock};
    setsockopt($self->{sock}, IPPROTO_TCP, TCP_NODELAY, pack('i', 1))
        unless $o{unix};

    # what precedes the TLS handshake, such as a PROXY protocol line

    $self->send($o{preamble}) if defined $o{preamble};
    $self->starttls($o{tls}) if $o{tls};

    return $self;
}


sub starttls {
    my ($self, $tls) = @_;

    require IO::Socket::SSL;

    my %opt = ref $tls ? %$tls : ();

    IO::Socket::SSL->start_SSL($self->{sock},
        SSL_verify_mode => 0, SSL_hostname => 'localhost', %opt)
        or croak "TLS handshake: " . IO::Socket::SSL::errstr();

    $self->{tls} = 1;
}


sub alpn { return $_[0]{sock}->alpn_selected }


# Writes exactly these bytes; false where the peer has closed.

sub send {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my $end = time() + $self->{timeout};
    my $off = 0;

    while ($off < length $bytes) {
        my $n = syswrite($self->{sock}, $bytes, length($bytes) - $off, $off);

        if (!defined $n) {
            next if $!{EINTR};
            return 0 unless $!{EAGAIN} || $!{EWOULDBLOCK};
            return 0 if time() > $end;
            IO::Select->new($self->{sock})->can_write(1);
            next;
        }

        $off += $n;
    }

    return 1;
}


# Each part in a packet of its own; between two the other side gets the time
# to read what has come, but nothing here depends on it.

sub send_parts {
    my ($self, @parts) = @_;

    for my $part (@parts) {
        $self->send($part) or return 0;
        usleep(2000);
    }

    return 1;
}


# Reads once, until the deadline; false at end of file or after the deadline,
# $self->{eof} tells which.

sub fill {
    my ($self, $end) = @_;

    $end = time() + $self->{timeout} unless defined $end;
    return 0 if $self->{eof};

    while (1) {
        my $pending = $self->{tls} && $self->{sock}->pending;
        my $left = $end - time();

        if (!$pending) {
            return 0 if $left <= 0;
            IO::Select->new($self->{sock})->can_read($left) or return 0;
        }

        my $n = sysread($self->{sock}, my $buf, 65536);

        if (!defined $n) {
            next if $!{EINTR};
            if ($!{EAGAIN} || $!{EWOULDBLOCK}) {
                usleep(500);
                next;
            }
            $self->{eof} = 1;
            $self->{reset} = 1 if $!{ECONNRESET};
            return 0;
        }

        if ($n == 0) {
            $self->{eof} = 1;
            return 0;
        }

        $self->{in} .= $buf;
        return 1;
    }
}


# True once n bytes are in the buffer.

sub have {
    my ($self, $n, $end) = @_;

    $end = time() + $self->{timeout} unless defined $end;

    while (length $self->{in} < $n) {
        $self->fill($end) or return 0;
    }

    return 1;
}


# Exactly n bytes, or undef.

sub read_n {
    my ($self, $n, $end) = @_;

    $self->have($n, $end) or return undef;

    return substr($self->{in}, 0, $n, '');
}


# Everything up to and including the delimiter, or undef.

sub read_until {
    my ($self, $delimiter, $end) = @_;

    my $at;

    while (($at = index($self->{in}, $delimiter)) < 0) {
        $self->fill($end) or return undef;
    }

    return substr($self->{in}, 0, $at + length $delimiter, '');
}


# All that comes until the peer closes (or the deadline).

sub read_all {
    my ($self, $end) = @_;

    1 while $self->fill($end);
    return substr($self->{in}, 0, length $self->{in}, '');
}


# True where the peer closes without sending anything more.

sub closed {
    my ($self, $seconds) = @_;

    my $end = time() + ($seconds || 5) * deadline_factor();
    return 0 if length $self->{in};

    $self->fill($end);
    return $self->{eof} && !length $self->{in} ? 1 : 0;
}


# Half-close: no more from us.

sub shutdown_write { shutdown($_[0]{sock}, 1) }


# Close with a reset.

sub reset {
    my ($self) = @_;
    setsockopt($self->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    $self->close;
}


sub close {
    my ($self) = @_;
    return unless $self->{sock};
    $self->{tls} ? $self->{sock}->close(SSL_no_shutdown => 0)
                 : CORE::close($self->{sock});
    delete $self->{sock};
    $self->{eof} = 1;
}


1;
