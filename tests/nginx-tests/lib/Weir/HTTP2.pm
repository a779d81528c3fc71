package Weir::HTTP2;

# HTTP/2 on a connection: frames, streams, trailers, resets; the client of the
# tests, and the ground of the upstream that speaks gRPC.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

use parent -norequire, 'Weir::Net';
use Weir::Net;
use Weir::HPACK;

our @EXPORT = qw(http2 http2_get http2_request);

our %TYPE = (DATA => 0, HEADERS => 1, PRIORITY => 2, RST_STREAM => 3,
             SETTINGS => 4, PUSH_PROMISE => 5, PING => 6, GOAWAY => 7,
             WINDOW_UPDATE => 8, CONTINUATION => 9);

use constant {
    PREFACE     => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    END_STREAM  => 1,
    ACK         => 1,
    END_HEADERS => 4,
    PADDED      => 8,
    PRIORITY    => 32,
};


# http2(PORT, option => ...): a connection, the preface sent.  Plain with
# prior knowledge, or tls => 1 (ALPN h2 is then demanded).

sub http2 {
    my ($port, %o) = @_;

    if ($o{tls}) {
        my %tls = ref $o{tls} ? %{ $o{tls} } : ();
        $o{tls} = { SSL_alpn_protocols => ['h2'], %tls };
    }

    my $c = Weir::HTTP2->new(port => $port, %o);

    die "no h2 by ALPN" if $o{tls} && ($c->alpn || '') ne 'h2';

    $c->start_client;

    return $c;
}


sub http2_request {
    my ($port, $method, $path, %o) = @_;

    my $c = http2($port, %o);
    my $r = $c->request($method, $path, %o);
    $c->close;

    return $r;
}


sub http2_get {
    my ($port, $path, %o) = @_;
    return http2_request($port, 'GET', $path, %o);
}


sub init {
    my ($self, $server) = @_;

    $self->{server} = $server;
    $self->{encoder} = Weir::HPACK->new;
    $self->{decoder} = Weir::HPACK->new;
    $self->{streams} = {};
    $self->{next} = $server ? 2 : 1;
    $self->{window} = 65535;
    $self->{initial} = 65535;
}


sub start_client {
    my ($self) = @_;

    $self->init(0);

    # large windows, so that nothing has to be updated while reading

    $self->send(PREFACE . frame('SETTINGS', 0, 0, pack('nNnN', 2, 0,
                                                       4, 0x7fffffff))
                . frame('WINDOW_UPDATE', 0, 0, pack('N', 0x7fff0000)));
}


sub start_server {
    my ($self) = @_;

    $self->init(1);

    my $preface = $self->read_n(length PREFACE);
    return 0 unless defined $preface && $preface eq PREFACE;

    $self->send(frame('SETTINGS', 0, 0, pack('nN', 4, 0x7fffffff))
                . frame('WINDOW_UPDATE', 0, 0, pack('N', 0x7fff0000)));
    return 1;
}


sub frame {
    my ($type, $flags, $sid, $payload) = @_;

    $type = $TYPE{$type} if exists $TYPE{$type};
    my $len = length $payload;

    return pack('nCCCN', $len >> 8, $len & 255, $type, $flags, $sid)
           . $payload;
}


sub send_frame {
    my ($self, @frame) = @_;
    return $self->send(frame(@frame));
}


# A header block in as many frames as it takes; $o{split} bytes each.

sub send_headers {
    my ($self, $sid, $headers, %o) = @_;

    my $block = defined $o{block} ? $o{block}
                : $self->{encoder}->encode($headers, %o);
    my $max = $o{split} || 16384;
    my $flags = $o{end} ? END_STREAM : 0;

    my @parts;
    push @parts, substr($block, 0, $max, '') while length $block;
    push @parts, '' unless @parts;

    my $bytes = '';

    for my $i (0 .. $#parts) {
        my $last = $i == $#parts ? END_HEADERS : 0;
        $bytes .= $i == 0 ? frame('HEADERS', $flags | $last, $sid, $parts[$i])
                          : frame('CONTINUATION', $last, $sid, $parts[$i]);
    }

    return $self->send($bytes);
}


# Data within the other side's windows; reads frames where they are used up.

sub send_data {
    my ($self, $sid, $data, %o) = @_;

    my $s = $self->stream($sid);
    my $end = time() + $self->{timeout};

    while (1) {
        my $n = length $data;
        $n = 16384 if $n > 16384;
        $n = $self->{window} if $n > $self->{window};
        $n = $s->{window} if $n > $s->{window};

        if ($n <= 0 && length $data) {
            return 0 if defined $s->{rst} || !$self->read_frame($end);
            next;
        }

        my $part = substr($data, 0, $n, '');
        my $last = !length $data;

        $self->{window} -= $n;
        $s->{window} -= $n;

        $self->send_frame('DATA', $last && $o{end} ? END_STREAM : 0, $sid,
                          $part) or return 0;
        return 1 if $last;
    }
}


sub stream {
    my ($self, $sid) = @_;

    return $self->{streams}{$sid} ||= {
        id => $sid, window => $self->{initial}, body => '',
    };
}


# Options: headers (flat or pairs, after the pseudo headers), scheme,
# authority (undef: none), pseudo (a list of pairs instead of all of them),
# body, trailers, open => 1 (the stream is left open), split, huffman.
# Returns the stream's id.

sub start_request {
    my ($self, $method, $path, %o) = @_;

    require Weir::HTTP;

    my $sid = $self->{next};
    $self->{next} += 2;

    my $authority = exists $o{authority} ? $o{authority} : 'localhost';

    my @pseudo = $o{pseudo} ? @{ $o{pseudo} } : (
        [':method', $method],
        [':scheme', $o{scheme} || ($self->{tls} ? 'https' : 'http')],
        [':path', $path],
        (defined $authority ? [':authority', $authority] : ()),
    );

    my $body = $o{body};
    my $trailers = $o{trailers};

    $self->stream($sid);
    $self->send_headers($sid, [@pseudo, Weir::HTTP::pairs($o{headers})], %o,
                        end => !defined $body && !$trailers && !$o{open});

    $self->send_data($sid, $body, end => !$trailers && !$o{open})
        if defined $body;

    $self->send_headers($sid, [Weir::HTTP::pairs($trailers)], end => 1)
        if $trailers;

    return $sid;
}


sub request {
    my ($self, $method, $path, %o) = @_;
    return $self->response($self->start_request($method, $path, %o), %o);
}


# Reads until the stream is over: an object like that of Weir::HTTP, and rst
# (the error code of a reset) or goaway; undef where nothing came at all.

sub response {
    my ($self, $sid, %o) = @_;

    my $end = time() + ($o{timeout} || $self->{timeout});
    my $s = $self->stream($sid);

    while (!$s->{ended} && !defined $s->{rst}) {
        last if defined $self->{goaway} && $sid > $self->{goaway}{last};
        $self->read_frame($end) or last;
    }

    return $self->result($s);
}


# Reads until the head of the response is there.

sub response_head {
    my ($self, $sid, %o) = @_;

    my $end = time() + ($o{timeout} || $self->{timeout});
    my $s = $self->stream($sid);

    while (!$s->{headers} && !$s->{ended} && !defined $s->{rst}) {
        $self->read_frame($end) or last;
    }

    return $self->result($s);
}


sub result {
    my ($self, $s) = @_;

    return undef unless $s->{headers} || defined $s->{rst}
                        || $self->{goaway};

    my $headers = $s->{headers} || [];
    my ($status) = map { $_->[1] } grep { $_->[0] eq ':status' } @$headers;

    return bless {
        version => 'HTTP/2', status => $status || 0, reason => '',
        headers => [grep { $_->[0] !~ /^:/ } @$headers],
        body => $s->{body}, trailers => $s->{trailers} || [],
        interim => $s->{interim} || [], rst => $s->{rst},
        goaway => $self->{goaway}, ended => $s->{ended},
        trailers_only => $s->{headers_end} ? 1 : 0,
    }, 'Weir::HTTP::Response';
}


# Reads and handles one frame; returns it, or undef at the end.

sub read_frame {
    my ($self, $end) = @_;

    # a frame is taken whole or left, so that a deadline breaks nothing

    $self->have(9, $end) or return undef;

    my ($high, $low, $type, $flags, $sid) = unpack 'nCCCN', $self->{in};
    my $len = ($high << 8) + $low;

    $self->have(9 + $len, $end) or return undef;

    my $payload = substr $self->read_n(9 + $len), 9;

    my $f = { type => $type, flags => $flags, sid => $sid & 0x7fffffff,
              payload => $payload };

    push @{ $self->{frames} }, $f if $self->{keep_frames};
    $self->handle($f);

    return $f;
}


sub handle {
    my ($self, $f) = @_;

    my ($type, $sid) = @$f{qw(type sid)};
    my $data = $f->{payload};

    if ($type == $TYPE{DATA} || $type == $TYPE{HEADERS}) {
        if ($f->{flags} & PADDED) {
            my $pad = ord $data;
            $data = substr $data, 1, length($data) - 1 - $pad;
        }
        $data = substr $data, 5
            if $type == $TYPE{HEADERS} && $f->{flags} & PRIORITY;
    }

    if ($type == $TYPE{DATA}) {
        my $s = $self->stream($sid);
        $s->{body} .= $data;
        $s->{ended} = 1 if $f->{flags} & END_STREAM;

    } elsif ($type == $TYPE{HEADERS}) {
        $self->{block} = { sid => $sid, data => $data, flags => $f->{flags} };
        $self->headers_done if $f->{flags} & END_HEADERS;

    } elsif ($type == $TYPE{CONTINUATION}) {
        $self->{block}{data} .= $data;
        $self->headers_done if $f->{flags} & END_HEADERS;

    } elsif ($type == $TYPE{RST_STREAM}) {
        $self->stream($sid)->{rst} = unpack 'N', $data;

    } elsif ($type == $TYPE{SETTINGS} && !($f->{flags} & ACK)) {
        my %set = unpack '(nN)*', $data;

        if (defined $set{4}) {
            $_->{window} += $set{4} - $self->{initial}
                for values %{ $self->{streams} };
            $self->{initial} = $set{4};
        }

        $self->send_frame('SETTINGS', ACK, 0, '');

    } elsif ($type == $TYPE{PING} && !($f->{flags} & ACK)) {
        $self->send_frame('PING', ACK, 0, $data);

    } elsif ($type == $TYPE{PING}) {
        $self->{pong} = $data;

    } elsif ($type == $TYPE{GOAWAY}) {
        my ($last, $code) = unpack 'NN', $data;
        $self->{goaway} = { last => $last, code => $code };

    } elsif ($type == $TYPE{WINDOW_UPDATE}) {
        my $n = unpack('N', $data) & 0x7fffffff;
        if ($sid) { $self->stream($sid)->{window} += $n }
        else      { $self->{window} += $n }
    }
}


sub headers_done {
    my ($self) = @_;

    my $block = delete $self->{block};
    my $s = $self->stream($block->{sid});
    my $list = $self->{decoder}->decode($block->{data});
    my ($status) = map { $_->[1] } grep { $_->[0] eq ':status' } @$list;

    if ($s->{headers}) {
        $s->{trailers} = $list;

    } elsif (defined $status && $status =~ /^1/) {
        push @{ $s->{interim} }, $list;
        return;

    } else {
        $s->{headers} = $list;
        $s->{headers_end} = $block->{flags} & END_STREAM;
    }

    $s->{ended} = 1 if $block->{flags} & END_STREAM;
}


# A message in gRPC's framing, and back.

sub grpc_message   { return pack('CN', 0, length $_[0]) . $_[0] }
sub grpc_unmessage { return substr $_[0], 5 }


1;
