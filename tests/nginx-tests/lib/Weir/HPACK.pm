package Weir::HPACK;

# Header compression of HTTP/2 (RFC 7541): a whole decoder, and an encoder that
# writes literals only, so that any bytes can be sent as a name or a value.

use strict;
use warnings;


# RFC 7541, appendix A.

my @static = ([':authority', ''], [':method', 'GET'], [':method', 'POST'],
    [':path', '/'], [':path', '/index.html'], [':scheme', 'http'],
    [':scheme', 'https'], (map { [':status', $_] }
    qw(200 204 206 304 400 404 500)), ['accept-charset', ''],
    ['accept-encoding', 'gzip, deflate'], map { [$_, ''] }
    qw(accept-language accept-ranges accept access-control-allow-origin age
       allow authorization cache-control content-disposition content-encoding
       content-language content-length content-location content-range
       content-type cookie date etag expect expires from host if-match
       if-modified-since if-none-match if-range if-unmodified-since
       last-modified link location max-forwards proxy-authenticate
       proxy-authorization range referer refresh retry-after server set-cookie
       strict-transport-security transfer-encoding user-agent vary via
       www-authenticate));


# Appendix B.  The code is canonical: symbols of equal length have
# consecutive codes in the order of their values, so the lengths suffice.

my %lengths = (
    5  => [map { ord } qw(0 1 2 a c e i o s t)],
    6  => [map { ord } split //, ' %-./3456789=A_bdfghlmnpru'],
    7  => [map { ord } split //, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz'],
    8  => [map { ord } split //, '&*,;XZ'],
    10 => [map { ord } split //, '!"()?'],
    11 => [map { ord } split //, "'+|"],
    12 => [map { ord } split //, '#>'],
    13 => [0, map { ord } split //, '$@[]~'],
    14 => [map { ord } split //, '^}'],
    15 => [map { ord } split //, '<`{'],
    19 => [92, 195, 208],
    20 => [128, 130, 131, 162, 184, 194, 224, 226],
    21 => [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230],
    22 => [129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170,
           173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233],
    23 => [1, 135, 137 .. 141, 143, 147, 149 .. 152, 155, 157, 158, 165, 166,
           168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239],
    24 => [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237],
    25 => [199, 207, 234, 235],
    26 => [192, 193, 200 .. 202, 205, 210, 213, 218, 219, 238, 240, 242, 243,
           255],
    27 => [203, 204, 211, 212, 214, 221 .. 223, 241, 244 .. 248, 250 .. 254],
    28 => [2 .. 8, 11, 12, 14 .. 21, 23 .. 31, 127, 220, 249],
    30 => [10, 13, 22, 256],
);

my (%symbol, %code);

{
    my $next = 0;
    my $last = 0;

    for my $len (sort { $a <=> $b } keys %lengths) {
        $next <<= $len - $last;
        $last = $len;

        for my $sym (sort { $a <=> $b } @{ $lengths{$len} }) {
            my $bits = sprintf "%0${len}b", $next++;
            $symbol{$bits} = $sym;
            $code{$sym} = $bits;
        }
    }

    # a complete prefix code ends with all ones

    die "huffman table" unless $next == 1 << $last;
}


sub new {
    my ($class) = @_;
    return bless { table => [], size => 0, max => 4096 }, $class;
}


sub huffman_decode {
    my ($bytes) = @_;

    my $bits = unpack 'B*', $bytes;
    my $out = '';
    my $part = '';

    for my $bit (split //, $bits) {
        $part .= $bit;

        if (defined(my $sym = $symbol{$part})) {
            die "hpack: EOS in a string\n" if $sym == 256;
            $out .= chr $sym;
            $part = '';
        }
    }

    die "hpack: bad padding\n" if length $part > 7 || $part =~ /0/;

    return $out;
}


sub huffman_encode {
    my ($bytes) = @_;

    my $bits = join '', map { $code{$_} } unpack 'C*', $bytes;
    $bits .= '1' x (-length($bits) % 8);

    return pack 'B*', $bits;
}


sub integer {
    my ($prefix, $first, $n) = @_;

    my $max = (1 << $prefix) - 1;
    return chr($first | $n) if $n < $max;

    my $out = chr($first | $max);
    $n -= $max;

    while ($n >= 128) {
        $out .= chr($n % 128 + 128);
        $n = int($n / 128);
    }

    return $out . chr $n;
}


# A header list into literals, never indexed; with huffman => 1 compressed.

sub encode {
    my ($self, $headers, %o) = @_;

    my $string = sub {
        my ($s) = @_;
        return integer(7, 0, length $s) . $s unless $o{huffman};
        my $h = huffman_encode($s);
        return integer(7, 128, length $h) . $h;
    };

    return join '', map { "\x10" . $string->($_->[0]) . $string->($_->[1]) }
                    @$headers;
}


# A complete header block into a list of pairs; dies on an error.

sub decode {
    my ($self, $block) = @_;

    my @out;
    my $pos = 0;

    my $byte = sub {
        die "hpack: truncated\n" if $pos >= length $block;
        return ord substr $block, $pos++, 1;
    };

    my $number = sub {
        my ($prefix, $first) = @_;
        my $max = (1 << $prefix) - 1;
        my $n = $first & $max;
        return $n if $n < $max;

        my $shift = 0;
        while (1) {
            my $b = $byte->();
            $n += ($b & 127) << $shift;
            return $n unless $b & 128;
            $shift += 7;
            die "hpack: integer too large\n" if $shift > 28;
        }
    };

    my $string = sub {
        my $first = $byte->();
        my $len = $number->(7, $first);
        die "hpack: truncated\n" if $pos + $len > length $block;
        my $s = substr $block, $pos, $len;
        $pos += $len;
        return $first & 128 ? huffman_decode($s) : $s;
    };

    while ($pos < length $block) {
        my $first = $byte->();

        if ($first & 0x80) {
            push @out, [@{ $self->entry($number->(7, $first)) }];
            next;
        }

        if (($first & 0xe0) == 0x20) {
            my $max = $number->(5, $first);
            die "hpack: table size\n" if $max > 4096;
            $self->{max} = $max;
            $self->evict(0);
            next;
        }

        my $keep = $first & 0x40;
        my $index = $number->($keep ? 6 : 4, $first);

        my $name = $index ? $self->entry($index)->[0] : $string->();
        my $value = $string->();

        push @out, [$name, $value];

        if ($keep) {
            my $size = length($name) + length($value) + 32;
            $self->evict($size);
            next if $size > $self->{max};
            unshift @{ $self->{table} }, [$name, $value];
            $self->{size} += $size;
        }
    }

    return \@out;
}


sub entry {
    my ($self, $index) = @_;

    my $e = $index == 0 ? undef
            : $index <= @static ? $static[$index - 1]
            : $self->{table}[$index - @static - 1];

    die "hpack: no entry $index\n" unless $e;

    return $e;
}


sub evict {
    my ($self, $more) = @_;

    while (@{ $self->{table} } && $self->{size} + $more > $self->{max}) {
        my $e = pop @{ $self->{table} };
        $self->{size} -= length($e->[0]) + length($e->[1]) + 32;
    }
}


1;
