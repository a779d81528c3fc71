# Ids reach every kind of upstream without a word in its configuration: proxy,
# grpc, fastcgi, uwsgi, scgi; several attempts carry one parent id.

use IO::Socket::INET;

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);
my $h2 = Weir::Upstream->new($t, h2 => 1);
my $bad = Weir::Upstream->new($t, handler => sub { return { close => 1 } });

$t->http_conf(<<"END");
    weir_trace on;
    weir_trace_trust ids;
    log_format ids '\$uri \$weir_trace_id \$weir_span_id \$weir_request_id';
    access_log %%TESTDIR%%/access.log ids;

    upstream retried {
        server @{[ $bad->address ]} max_fails=0;
        server @{[ $up->address ]} backup;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /proxy { proxy_pass http://@{[ $up->address ]}; }
        location /http11 {
            proxy_pass http://@{[ $up->address ]};
            proxy_http_version 1.1;
            proxy_set_header Host other;
            proxy_set_header X-Own 1;
        }
        location /variable {
            set \$to @{[ $up->address ]};
            proxy_pass http://\$to;
        }
        location /own {
            proxy_pass http://@{[ $up->address ]};
            proxy_set_header traceparent "";
            proxy_set_header X-Request-Id "\$weir_request_id-own";
        }
        location /retried {
            proxy_pass http://retried;
            proxy_next_upstream error timeout;
        }
        location /grpc { grpc_pass grpc://@{[ $h2->address ]}; }
        location /fastcgi {
            fastcgi_pass 127.0.0.1:%%PORT_fastcgi%%;
            fastcgi_param REQUEST_URI \$request_uri;
        }
        location /uwsgi {
            uwsgi_pass 127.0.0.1:%%PORT_uwsgi%%;
            uwsgi_param REQUEST_URI \$request_uri;
        }
        location /scgi {
            scgi_pass 127.0.0.1:%%PORT_scgi%%;
            scgi_param REQUEST_URI \$request_uri;
        }
    }
END

# Servers that write what they were told into a file, a line a parameter.

my %decode = (
    fastcgi => sub {
        my ($c) = @_;
        my $data = '';

        while (1) {
            read($c, my $head, 8) == 8 or return;
            my (undef, $type, undef, $length, $padding)
                = unpack 'CCnnC', $head;
            read($c, my $content, $length) if $length;
            read($c, my $pad, $padding) if $padding;
            last if $type == 5 && !$length;
            $data .= $content if $type == 4 && $length;
        }

        my @pairs;

        while (length $data) {
            my @lengths;
            for (1 .. 2) {
                my $n = unpack 'C', $data;
                push @lengths, $n < 128 ? $n
                               : unpack('N', $data) & 0x7fffffff;
                substr($data, 0, $n < 128 ? 1 : 4) = '';
            }
            push @pairs, map { substr $data, 0, $_, '' } @lengths;
        }

        my $out = "Content-Type: text/plain\r\n\r\nok";

        print $c pack('CCnnCC', 1, 6, 1, length $out, 0, 0), $out,
                 pack('CCnnCC', 1, 3, 1, 8, 0, 0), "\0" x 8;

        return @pairs;
    },
    uwsgi => sub {
        my ($c) = @_;

        read($c, my $head, 4) == 4 or return;
        my (undef, $size) = unpack 'Cv', $head;
        read($c, my $data, $size);

        my @pairs;
        while (length $data) {
            my $n = unpack 'v', substr $data, 0, 2, '';
            push @pairs, substr $data, 0, $n, '';
        }

        print $c "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
        return @pairs;
    },
    scgi => sub {
        my ($c) = @_;
        my ($size, $digit) = ('', '');

        while (read($c, $digit, 1) == 1 && $digit ne ':') {
            $size .= $digit;
        }
        read($c, my $data, $size);

        print $c "Status: 200\r\nContent-Length: 2\r\n\r\nok";
        return split /\0/, $data, -1;
    },
);

for my $kind (sort keys %decode) {
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $t->port($kind), Listen => 8,
        ReuseAddr => 1) or die "$kind: $!";

    $t->spawn(sub {
        while (my $c = $listen->accept) {
            my @pairs = $decode{$kind}->($c);
            my $text = '';
            while (@pairs > 1) {
                my ($name, $value) = splice @pairs, 0, 2;
                $text .= "$name=$value\n";
            }
            spew($t->path("$kind.new"), $text);
            rename $t->path("$kind.new"), $t->path("$kind.got");
            close $c;
        }
    });
    close $listen;
}

$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my @client = (traceparent => "00-$trace-00f067aa0ba902b7-01",
              tracestate => 'a=1', tracestate => 'b=2',
              'X-Request-Id' => 'the-clients-own');

# trace id, span id and request id of the request's log line

sub logged {
    my ($path) = @_;
    $t->wait_access_log(qr/^\Q$path\E /m);
    my ($line) = grep { /^\Q$path\E / } reverse split /\n/, $t->access_log;
    return (split ' ', $line)[1 .. 3];
}


for my $path ('/proxy', '/http11', '/variable', '/retried') {
    my $r = http_get($t->port, $path, headers => \@client);
    my $u = $up->last;
    my ($id, $span, $request) = logged($path);

    is($r->status, 200, "$path: answered");
    is($id, $trace, "$path: the trace goes on");
    is_deeply([$u->header('traceparent')], ["00-$trace-$span-00"],
              "$path: traceparent");
    is_deeply([$u->header('tracestate')], ['a=1,b=2'], "$path: tracestate");
    is_deeply([$u->header('X-Request-Id')], [$request],
              "$path: X-Request-Id");
    is_deeply([$u->header('X-Client-Request-Id')], ['the-clients-own'],
              "$path: X-Client-Request-Id");
}

{
    my ($first) = $bad->requests;
    my $second = $up->last;

    is($bad->count, 1, 'the first attempt was made');
    is($first->header('traceparent'), $second->header('traceparent'),
       'both attempts carry one parent id');
    is($first->header('X-Request-Id'), $second->header('X-Request-Id'),
       'and one request id');
}


# an operator's own words win

{
    my $r = http_get($t->port, '/own', headers => \@client);
    my $u = $up->last;

    is($u->header('traceparent'), undef, 'proxy_set_header removes ours');
    is_deeply([$u->header('X-Request-Id')],
              [$r->header('X-Request-Id') . '-own'],
              'proxy_set_header replaces ours');
}


# a body goes on too

{
    http_request($t->port, 'POST', '/proxy', headers => \@client,
                 body => 'x' x 100000);
    is(length $up->last->body, 100000, 'POST: the body is whole');
    is(scalar(my @v = $up->last->header('traceparent')), 1,
       'POST: one traceparent');
}


{
    my $r = http_request($t->port, 'POST', '/grpc', body => "\0\0\0\0\0",
                         headers => [@client,
                                     'Content-Type' => 'application/grpc']);
    my $u = $h2->last;
    my ($id, $span, $request) = logged('/grpc');

    is($r->status, 200, '/grpc: answered');
    is_deeply([$u->header('traceparent')], ["00-$trace-$span-00"],
              '/grpc: traceparent');
    is_deeply([$u->header('tracestate')], ['a=1,b=2'], '/grpc: tracestate');
    is_deeply([$u->header('x-request-id')], [$request], '/grpc: x-request-id');
    ok(!grep({ /[A-Z]/ } $u->names), '/grpc: names are lower case');
}


for my $kind (sort keys %decode) {
    my $path = "/$kind";
    my $r = http_get($t->port, $path, headers => \@client);
    my ($id, $span, $request) = logged($path);

    is($r->status, 200, "$path: answered");
    my $file = $t->path("$kind.got");
    wait_for { return -e $file } 5, $file;

    my @lines = split /\n/, slurp($file);
    my %got;

    for (@lines) {
        push @{ $got{$1} }, $2 if /^(\w+)=(.*)/;
    }

    is_deeply($got{HTTP_TRACEPARENT}, ["00-$trace-$span-00"],
              "$path: HTTP_TRACEPARENT");
    is_deeply($got{HTTP_TRACESTATE}, ['a=1,b=2'], "$path: HTTP_TRACESTATE");
    is_deeply($got{HTTP_X_REQUEST_ID}, [$request], "$path: HTTP_X_REQUEST_ID");
    is_deeply($got{HTTP_X_CLIENT_REQUEST_ID}, ['the-clients-own'],
              "$path: HTTP_X_CLIENT_REQUEST_ID");
}

done_testing;
