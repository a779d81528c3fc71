package Weir::WebSocket;

# WebSocket (RFC 6455) on an open connection: the client's upgrade, frames in
# both directions, and the echo of the upstream.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use Exporter 'import';
use Time::HiRes qw(time);

use parent -norequire, 'Weir::HTTP';
use Weir::HTTP ();

our @EXPORT = qw(websocket);

use constant { TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9, PONG => 10 };


sub accept_key {
    my ($key) = @_;
    return sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
}


# websocket(PORT, TARGET, headers => [...], ...): sends the upgrade; the
# response is in {response}, {open} says whether it was accepted.

sub websocket {
    my ($port, $target, %o) = @_;

    my $c = Weir::WebSocket->new(port => $port, %o);
    my $key = $o{key} || 'dGhlIHNhbXBsZSBub25jZQ==';

    $c->{response} = $c->request('GET', $target, %o, headers => [
        ['Connection', 'Upgrade'], ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', 13], ['Sec-WebSocket-Key', $key],
        Weir::HTTP::pairs($o{headers}) ]);

    my $r = $c->{response};

    $c->{open} = $r && $r->status == 101
                 && ($r->header('Sec-WebSocket-Accept') || '')
                    eq accept_key($key);
    $c->{mask} = 1;

    return $c;
}


sub send_message {
    my ($self, $data, $op) = @_;

    my $len = length $data;
    my $bit = $self->{mask} ? 0x80 : 0;

    my $head = chr(0x80 | (defined $op ? $op : TEXT));
    $head .= $len < 126 ? chr($bit | $len)
             : $len < 65536 ? pack('Cn', $bit | 126, $len)
             : pack('CQ>', $bit | 127, $len);

    if ($bit) {
        my $key = "\x12\x34\x56\x78";
        $head .= $key;
        $data ^= substr $key x ($len / 4 + 1), 0, $len;
    }

    return $self->send($head . $data);
}


# The next frame as (opcode, data); an empty list at the end.

sub read_message {
    my ($self, %o) = @_;

    my $end = time() + ($o{timeout} || $self->{timeout});

    # a frame is taken whole or left, so that a deadline breaks nothing

    $self->have(2, $end) or return;

    my ($op, $len) = unpack 'CC', $self->{in};
    my $masked = $len & 0x80;
    my $head = 2;

    $len &= 0x7f;

    if ($len >= 126) {
        my $n = $len == 126 ? 2 : 8;
        $self->have(2 + $n, $end) or return;
        $len = unpack $n == 2 ? 'n' : 'Q>', substr $self->{in}, 2, $n;
        $head += $n;
    }

    $head += 4 if $masked;
    $self->have($head + $len, $end) or return;

    my $frame = $self->read_n($head + $len);
    my $data = substr $frame, $head;
    my $key = $masked ? substr $frame, $head - 4, 4 : '';

    $data ^= substr $key x ($len / 4 + 1), 0, $len if $masked;

    return ($op & 15, $data);
}


# The server's side: answers the upgrade of this request, then sends back what
# comes until the peer closes.  headers: those of the 101, in addition.

sub serve_echo {
    my ($self, $key, $headers) = @_;

    $self->send("HTTP/1.1 101 Switching Protocols\r\n"
                . "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                . 'Sec-WebSocket-Accept: ' . accept_key($key) . "\r\n"
                . join('', map { "$_->[0]: $_->[1]\r\n" } @{ $headers || [] })
                . "\r\n");

    while (my ($op, $data) = $self->read_message(timeout => 600)) {
        if ($op == CLOSE) {
            $self->send_message($data, CLOSE);
            return;
        }
        $self->send_message($data, $op == PING ? PONG : $op);
    }
}


1;
