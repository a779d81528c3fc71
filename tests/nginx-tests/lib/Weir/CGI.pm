package Weir::CGI;

# An upstream of Weir::Upstream's kind that speaks FastCGI, uwsgi or SCGI:
# what it records has the parameters, in order, in place of headers.

use strict;
use warnings;

use parent -norequire, 'Weir::Upstream';
use Weir::Upstream;
use Weir::Net;


# Weir::CGI->new($test, protocol => 'fastcgi' | 'uwsgi' | 'scgi', ...): the
# further options are those of Weir::Upstream.

sub serve {
    my ($self, $sock) = @_;

    my $c = Weir::Net->new(sock => $sock, timeout => 600);

    my ($params, $body) = $self->{protocol} eq 'fastcgi' ? fastcgi($c)
                        : $self->{protocol} eq 'uwsgi'   ? uwsgi($c)
                                                         : scgi($c);
    return unless $params;

    my %p = map { @$_ } @$params;

    my $r = Weir::Upstream::Request->new({
        method => $p{REQUEST_METHOD}, target => $p{REQUEST_URI} || '',
        version => $self->{protocol}, headers => $params, body => $body,
        trailers => [],
    });

    $self->record($r);

    my $answer = $self->decide($r);
    my $status = $answer->{status} || 200;
    my $head = join '', map { "$_->[0]: $_->[1]\r\n" }
                        Weir::HTTP::pairs($answer->{headers});

    if ($self->{protocol} eq 'fastcgi') {
        my $out = "Status: $status\r\n$head\r\n$answer->{body}";
        my $records = '';

        $records .= fcgi(6, substr($out, 0, 65535, '')) while length $out;

        return $c->send($records . fcgi(6, '') . fcgi(3, "\0" x 8));
    }

    $head .= 'Content-Length: ' . length($answer->{body}) . "\r\n";

    $c->send("HTTP/1.1 $status Answer\r\n$head\r\n$answer->{body}");
}


sub fcgi {
    my ($type, $data) = @_;
    return pack('CCnnCx', 1, $type, 1, length $data, 0) . $data;
}


sub fastcgi {
    my ($c) = @_;

    my ($text, $body) = ('', '');

    while (1) {
        my $head = $c->read_n(8);
        return unless defined $head;

        my (undef, $type, undef, $len, $pad) = unpack 'CCnnC', $head;
        my $data = $len + $pad ? $c->read_n($len + $pad) : '';
        return unless defined $data;

        $data = substr $data, 0, $len;
        $text .= $data if $type == 4;
        $body .= $data if $type == 5;

        last if $type == 5 && $len == 0;
    }

    my @params;

    while (length $text) {
        my @n = map {
            ord($text) & 0x80 ? unpack('N', substr($text, 0, 4, ''))
                                & 0x7fffffff
                              : ord substr($text, 0, 1, '')
        } 1 .. 2;

        push @params, [map { substr $text, 0, $_, '' } @n];
    }

    return (\@params, $body);
}


sub uwsgi {
    my ($c) = @_;

    my $head = $c->read_n(4);
    return unless defined $head;

    my (undef, $len) = unpack 'Cv', $head;
    my $text = $c->read_n($len);
    return unless defined $text;

    my @params;

    while (length $text) {
        push @params, [map { substr $text, 0,
                                    unpack('v', substr($text, 0, 2, '')), '' }
                       1 .. 2];
    }

    return with_body($c, \@params);
}


sub scgi {
    my ($c) = @_;

    my $len = $c->read_until(':');
    return unless defined $len;

    my $text = $c->read_n($len =~ /^(\d+):$/ ? $1 : 0);
    return unless defined $text && defined $c->read_n(1);

    my @f = split /\0/, $text, -1;
    my @params;

    push @params, [splice @f, 0, 2] while @f > 1;

    return with_body($c, \@params);
}


sub with_body {
    my ($c, $params) = @_;

    my ($n) = map { $_->[1] } grep { $_->[0] eq 'CONTENT_LENGTH' } @$params;
    my $body = $n ? $c->read_n($n) : '';

    return ($params, defined $body ? $body : '');
}


1;
