package Weir::HTTP;

# An HTTP/1 client that sends exactly the bytes it is told to, and reads what
# comes back into its parts.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

use parent -norequire, 'Weir::Net';
use Weir::Net;

our @EXPORT = qw(http http_get http_request);


# http(PORT, BYTES, option => ...): one connection, these bytes, the first
# response (undef where none came).  The options are those of Weir::Net; head
# => 1 says that the response has no body, parts => [...] are sent instead of
# BYTES one by one.

sub http {
    my ($port, $bytes, %o) = @_;

    my $c = Weir::HTTP->new(port => $port, %o);

    $o{parts} ? $c->send_parts(@{ $o{parts} }) : $c->send($bytes);

    my $r = $c->response(head => $o{head});
    $c->close;

    return $r;
}


sub http_get {
    my ($port, $target, %o) = @_;
    return http_request($port, 'GET', $target, %o);
}


# http_request(PORT, METHOD, TARGET, headers => [...], body => ..., ...)

sub http_request {
    my ($port, $method, $target, %o) = @_;

    return http($port, Weir::HTTP->format($method, $target, %o,
                                          close => 1),
                head => $method eq 'HEAD', %o);
}


# The bytes of a request.  A Host is added unless there is one or host =>
# undef, Content-Length where there is a body; headers is a flat list or a
# list of pairs.

sub format {
    my ($class, $method, $target, %o) = @_;

    my @h = pairs($o{headers});
    my %have = map { lc $_->[0] => 1 } @h;

    my $host = exists $o{host_header} ? $o{host_header} : 'localhost';

    unshift @h, ['Host', $host] if defined $host && !$have{host};
    push @h, ['Content-Length', length $o{body}]
        if defined $o{body} && !$have{'content-length'}
           && !$have{'transfer-encoding'};
    push @h, ['Connection', 'close'] if $o{close} && !$have{connection};

    my $version = $o{version} || 'HTTP/1.1';

    return "$method $target $version\r\n"
           . join('', map { "$_->[0]: $_->[1]\r\n" } @h) . "\r\n"
           . (defined $o{body} ? $o{body} : '');
}


sub pairs {
    my ($list) = @_;

    return () unless $list;
    return @$list if @$list && ref $list->[0];

    my @copy = @$list;
    my @pairs;
    push @pairs, [splice(@copy, 0, 2)] while @copy;

    return @pairs;
}


# On an open connection: send, then read the response.

sub request {
    my ($self, $method, $target, %o) = @_;

    $self->send(Weir::HTTP->format($method, $target, %o)) or return undef;

    return $self->response(head => $method eq 'HEAD', %o);
}


# The next response, its 1xx ones collected beside it; undef where the
# connection was closed, or nothing came, before a whole head was there.

sub response {
    my ($self, %o) = @_;

    my $end = time() + ($o{timeout} || $self->{timeout});
    my @interim;

    while (1) {
        my $head = $self->read_until("\r\n\r\n", $end);
        return undef unless defined $head;

        my $r = Weir::HTTP::Response->parse($head);

        if ($r->status =~ /^1/ && $r->status != 101) {
            push @interim, $r;
            next;
        }

        $r->{interim} = \@interim;
        $self->body($r, $end, %o);

        return $r;
    }
}


sub body {
    my ($self, $r, $end, %o) = @_;

    $r->{body} = '';

    return if $o{head} || $r->status =~ /^(1..|204|304)$/;

    if (lc($r->header('Transfer-Encoding') || '') eq 'chunked') {
        return $self->chunks($r, $end);
    }

    my $length = $r->header('Content-Length');

    if (defined $length) {
        my $body = $self->read_n($length, $end);

        if (defined $body) {
            $r->{body} = $body;
            return;
        }
        $r->{truncated} = 1;

    } else {
        1 while $self->fill($end);
        $r->{truncated} = 1 unless $self->{eof};
    }

    $r->{body} = substr($self->{in}, 0, length $self->{in}, '');
}


sub chunks {
    my ($self, $r, $end) = @_;

    $r->{truncated} = 1;

    while (1) {
        my $line = $self->read_until("\r\n", $end);
        return unless defined $line && $line =~ /^([0-9a-f]+)/i;

        my $n = hex $1;
        last if $n == 0;

        my $data = $self->read_n($n + 2, $end);
        return unless defined $data;

        push @{ $r->{chunks} }, substr($data, 0, $n);
        $r->{body} .= substr($data, 0, $n);
    }

    while (defined(my $line = $self->read_until("\r\n", $end))) {
        if ($line eq "\r\n") {
            delete $r->{truncated};
            return;
        }
        push @{ $r->{trailers} }, [$1, $2]
            if $line =~ /^([^:]+):[ \t]*(.*?)[ \t]*\r\n$/;
    }
}


package Weir::HTTP::Response;

# status, reason, version, headers (a list of pairs in order), body, chunks,
# trailers, interim (1xx), head (the raw bytes), truncated.

sub parse {
    my ($class, $head) = @_;

    my ($first, @lines) = split /\r\n/, $head;

    my ($version, $status, $reason)
        = $first =~ m{^(HTTP/[\d.]+) (\d\d\d) ?(.*)$};

    my @headers = map { /^([^:]*):[ \t]*(.*?)[ \t]*$/ ? [$1, $2] : [$_, undef] }
                  @lines;

    return bless {
        head => $head, version => $version || '', status => $status || 0,
        reason => $reason, headers => \@headers, body => '', trailers => [],
        interim => [],
    }, $class;
}


sub status   { return $_[0]{status} }
sub body     { return $_[0]{body} }
sub headers  { return @{ $_[0]{headers} } }
sub trailers { return @{ $_[0]{trailers} } }


# All values of a header in list context, the first in scalar context.

sub header {
    my ($self, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                 @{ $self->{headers} };
    return wantarray ? @values : $values[0];
}


sub trailer {
    my ($self, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                 @{ $self->{trailers} };
    return wantarray ? @values : $values[0];
}


sub json {
    my ($self) = @_;
    require JSON::PP;
    return eval { JSON::PP->new->utf8->decode($self->{body}) };
}


1;
