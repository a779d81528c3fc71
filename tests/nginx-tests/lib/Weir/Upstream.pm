package Weir::Upstream;

# An upstream that records exactly what it gets and answers what the test
# says: HTTP/1, WebSocket (echo) and HTTP/2 with prior knowledge (gRPC).

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(:flock);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Storable qw(freeze thaw);
use Time::HiRes qw(time usleep);

use Weir::Net qw(wait_for slurp spew);
use Weir::HTTP ();
use Weir::HTTP2 ();
use Weir::WebSocket ();

my $count = 0;


# Weir::Upstream->new($test, option => ...): listens when it returns.
#   port      a name or number of the test's ports; by default its own,
#             $up->port; unix => 1: a socket in the test's folder, $up->address
#   handler   sub { my ($request) = @_; return {answer} }, run in the daemon
#   h2        speaks HTTP/2
#   tls       { SSL_cert_file => ..., SSL_key_file => ... }
#
# An answer is a hash:
#   status, reason, headers (flat list or pairs), body, trailers (h2, chunked)
#   chunks    a list instead of the body: strings, and { wait => NAME }
#   wait      NAME: answer only after $up->release(NAME)
#   raw       these bytes and nothing else, then close
#   close     close without an answer, or after it
#   rst       h2: reset the stream with this code
#   websocket 1: accept and echo
# Without a handler the answer is what $up->answer(PATH => {...}) or
# $up->answer({...}) said last, else 200 "ok".

sub new {
    my ($class, $test, %o) = @_;

    my $n = $count++;
    my $dir = $test->path("upstream-$n");
    mkdir $dir or croak "$dir: $!";

    my $self = bless { test => $test, dir => $dir, %o }, $class;
    my $listen;

    if ($o{unix}) {
        my $path = $test->path("upstream-$n.sock");
        $listen = IO::Socket::UNIX->new(Local => $path, Listen => 128)
            or croak "$path: $!";
        chmod 0666, $path;
        $self->{address} = "unix:$path";

    } else {
        $self->{port} = $test->port(defined $o{port} ? $o{port}
                                                     : "upstream_$n");
        $listen = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $self->{port},
            Proto => 'tcp', Listen => 128, ReuseAddr => 1)
            or croak "port $self->{port}: $!";
        $self->{address} = "127.0.0.1:$self->{port}";
    }

    my $parent = $$;
    $self->{pid} = $test->spawn(sub { $self->daemon($listen, $parent) });
    CORE::close($listen);

    return $self;
}


sub port    { return $_[0]{port} }
sub address { return $_[0]{address} }


# Ends the daemon: connections to its port are refused from then on.

sub stop {
    my ($self) = @_;
    $self->{test}->kill_child($self->{pid}) if $self->{pid};
    $self->{pid} = undef;
}


# What was recorded, in the order of arrival.  A request is a hash: line (raw,
# without its end), method, target, version, headers (pairs in order), body,
# trailers, head (the raw bytes), connection (a number), seq; for h2 line is
# missing and the pseudo headers stand among the headers.

sub requests {
    my ($self) = @_;

    my @files = sort glob "$self->{dir}/request-??????";

    return map { Weir::Upstream::Request->new(thaw(slurp($_))) } @files;
}


sub last  { return ($_[0]->requests)[-1] }
sub count { return scalar(() = glob "$_[0]{dir}/request-??????") }


sub wait_count {
    my ($self, $n, $seconds) = @_;
    return wait_for { $self->count >= $n } $seconds || 5,
        "$n requests upstream";
}


sub clear {
    my ($self) = @_;
    unlink glob "$self->{dir}/request-*";
}


sub answer {
    my ($self, @args) = @_;

    my ($path, $answer) = @args == 2 ? @args : ('', @args);

    $self->{answers}{$path} = $answer;
    spew("$self->{dir}/answers", freeze($self->{answers}));
}


sub release {
    my ($self, $name) = @_;
    spew("$self->{dir}/release-$name", '');
}


# ---- the daemon

sub daemon {
    my ($self, $listen, $parent) = @_;

    $SIG{CHLD} = 'IGNORE';
    my $select = IO::Select->new($listen);
    my $connections = 0;

    while (getppid() == $parent) {
        $select->can_read(1) or next;
        my $sock = $listen->accept or next;
        $connections++;

        my $pid = fork;
        next if !defined $pid;

        if ($pid == 0) {
            CORE::close($listen);
            $self->{connection} = $connections;
            eval { $self->serve($sock) };
            warn "upstream: $@" if $@;
            CORE::close($sock);
            POSIX::_exit(0);
        }

        CORE::close($sock);
    }

    POSIX::_exit(0);
}


sub serve {
    my ($self, $sock) = @_;

    if ($self->{tls}) {
        require IO::Socket::SSL;
        IO::Socket::SSL->start_SSL($sock, SSL_server => 1,
            $self->{h2} ? (SSL_alpn_protocols => ['h2']) : (),
            %{ $self->{tls} }) or return;
    }

    my @opt = (sock => $sock, timeout => 600);

    return $self->serve_h2(Weir::HTTP2->new(@opt)) if $self->{h2};

    my $c = Weir::WebSocket->new(@opt);
    $c->{tls} = 1 if $self->{tls};

    1 while $self->serve_one($c);
}


sub serve_one {
    my ($self, $c) = @_;

    my $head = $c->read_until("\r\n\r\n");
    return 0 unless defined $head;

    my ($line, @lines) = split /\r\n/, $head;
    my ($method, $target, $version) = $line =~ /^(\S+) (.*) (\S+)$/;

    my $r = Weir::Upstream::Request->new({
        line => $line, method => $method, target => $target,
        version => $version, head => $head, body => '', trailers => [],
        headers => [map { /^([^:]*):[ \t]*(.*?)[ \t]*$/ ? [$1, $2]
                                                        : [$_, undef] }
                    @lines],
    });

    my $encoding = $r->header('Transfer-Encoding');
    my $length = $r->header('Content-Length');

    if (defined $encoding && lc $encoding eq 'chunked') {
        $c->chunks($r, time() + 600);

    } elsif ($length) {
        my $body = $c->read_n($length);
        $r->{body} = defined $body ? $body : $c->{in};
        $r->{truncated} = 1 unless defined $body;
    }

    $self->record($r);

    my $answer = $self->decide($r);

    if ($answer->{websocket}) {
        $c->serve_echo($r->header('Sec-WebSocket-Key') || '',
                       [Weir::HTTP::pairs($answer->{headers})]);
        return 0;
    }

    return 0 if $answer->{close} && !$answer->{status};

    if (defined $answer->{raw}) {
        $c->send($answer->{raw});
        return 0;
    }

    $self->respond($c, $r, $answer);

    return 0 if $answer->{close} || $version eq 'HTTP/1.0'
                || lc($r->header('Connection') || '') eq 'close';
    return 1;
}


sub respond {
    my ($self, $c, $r, $answer) = @_;

    my $status = $answer->{status} || 200;
    my @headers = Weir::HTTP::pairs($answer->{headers});
    my $body = $answer->{body};
    my $chunked = $answer->{chunks} || $answer->{trailers};
    my $bare = $r->{method} eq 'HEAD' || $status =~ /^(1..|204|304)$/;

    if ($chunked) {
        push @headers, ['Transfer-Encoding', 'chunked'];

    } elsif (!$bare && !grep { lc $_->[0] eq 'content-length' } @headers) {
        push @headers, ['Content-Length', length $body];
    }

    my $reason = defined $answer->{reason} ? $answer->{reason} : 'Answer';

    my $head = "HTTP/1.1 $status $reason\r\n"
               . join('', map { "$_->[0]: $_->[1]\r\n" } @headers) . "\r\n";

    return $c->send($head . ($bare ? '' : $body)) if !$chunked || $bare;

    $c->send($head);

    for my $chunk (@{ $answer->{chunks} || [$body] }) {
        if (ref $chunk) {
            $self->await($chunk->{wait});
            next;
        }
        next unless length $chunk;
        $c->send(sprintf("%x\r\n%s\r\n", length $chunk, $chunk));
    }

    $c->send("0\r\n" . join('', map { "$_->[0]: $_->[1]\r\n" }
                            Weir::HTTP::pairs($answer->{trailers})) . "\r\n");
}


sub serve_h2 {
    my ($self, $c) = @_;

    $c->{tls} = 1 if $self->{tls};
    $c->start_server or return;

    my %done;

    while ($c->read_frame(time() + 600)) {
        for my $sid (sort { $a <=> $b } keys %{ $c->{streams} }) {
            my $s = $c->{streams}{$sid};
            next if $done{$sid} || !$s->{headers} || !$s->{ended};

            $done{$sid} = 1;
            my %pseudo = map { @$_ } @{ $s->{headers} };

            my $r = Weir::Upstream::Request->new({
                method => $pseudo{':method'}, target => $pseudo{':path'},
                version => 'HTTP/2', headers => $s->{headers},
                body => $s->{body}, trailers => $s->{trailers} || [],
                stream => $sid,
            });

            $self->record($r);
            $self->respond_h2($c, $sid, $self->decide($r));
        }
    }
}


sub respond_h2 {
    my ($self, $c, $sid, $answer) = @_;

    return $c->close if $answer->{close};

    return $c->send_frame('RST_STREAM', 0, $sid, pack 'N', $answer->{rst})
        if defined $answer->{rst};

    my @trailers = Weir::HTTP::pairs($answer->{trailers});
    my @chunks = @{ $answer->{chunks} || [$answer->{body}] };
    my $bare = !grep { ref || length } @chunks;

    $c->send_headers($sid, [[':status', $answer->{status} || 200],
                            Weir::HTTP::pairs($answer->{headers})],
                     end => $bare && !@trailers);

    if (!$bare) {
        for my $i (0 .. $#chunks) {
            if (ref $chunks[$i]) {
                $self->await($chunks[$i]{wait});
                next;
            }
            $c->send_data($sid, $chunks[$i],
                          end => $i == $#chunks && !@trailers);
        }
    }

    $c->send_headers($sid, \@trailers, end => 1) if @trailers;
}


sub record {
    my ($self, $r) = @_;

    $r->{connection} = $self->{connection};

    open(my $lock, '>>', "$self->{dir}/lock") or die "lock: $!";
    flock($lock, LOCK_EX);

    my $seq = 1 + (slurp("$self->{dir}/seq") || 0);
    spew("$self->{dir}/seq", $seq);

    $r->{seq} = $seq;
    spew(sprintf("%s/request-%06d", $self->{dir}, $seq), freeze({ %$r }));
}


sub decide {
    my ($self, $r) = @_;

    my $answer;

    if ($self->{handler}) {
        $answer = $self->{handler}->($r);

    } elsif (-e "$self->{dir}/answers") {
        my $answers = thaw(slurp("$self->{dir}/answers"));
        (my $path = $r->{target}) =~ s/\?.*//;
        $answer = $answers->{$path} || $answers->{''};
    }

    my %answer = %{ $answer || {} };
    $answer{body} = 'ok' unless defined $answer{body};

    $self->await($answer{wait}) if defined $answer{wait};

    return \%answer;
}


sub await {
    my ($self, $name) = @_;
    eval { wait_for { -e "$self->{dir}/release-$name" } 60 };
}


package Weir::Upstream::Request;

sub new {
    my ($class, $r) = @_;
    return bless $r, $class;
}

sub line    { return $_[0]{line} }
sub method  { return $_[0]{method} }
sub target  { return $_[0]{target} }
sub body    { return $_[0]{body} }
sub headers { return @{ $_[0]{headers} } }


# All values in list context, the first in scalar context.

sub header {
    my ($self, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                 @{ $self->{headers} };
    return wantarray ? @values : $values[0];
}


sub names { return map { $_->[0] } @{ $_[0]{headers} } }


1;
