# Requests that nginx refuses before any phase runs (they do not parse), and
# that an error_page hands to an upstream all the same: they are stripped too,
# by whatever way the page is reached.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$t->http_conf(<<'EOF2');
log_format  early  '$status [$http_x_strip] $weir_verdict $uri';
access_log  %%TESTDIR%%/access.log early;

weir_trace          on;
weir_strip_headers  X-Strip;
large_client_header_buffers  2 4k;

server {
    listen  127.0.0.1:%%PORT_uri%%;
    listen  127.0.0.1:%%PORT_uri2%% http2;
    error_page  400 405 413 414 494 501 505 =200 /page;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }
}

server {
    listen  127.0.0.1:%%PORT_named%%;
    listen  127.0.0.1:%%PORT_named2%% http2;
    error_page  400 405 413 414 494 501 505 =200 @page;

    location @page {
        set  $copy  $http_x_strip;
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  X-Copy  $copy;
    }
}

server {
    listen  127.0.0.1:%%PORT_plain%%;
}
EOF2

$t->run;

my $strip = "X-Strip: evil\r\nX-Keep: kept\r\n";
my $host = "Host: localhost\r\n";

my @early = (
    ['no Host', "GET /a HTTP/1.1\r\n$strip\r\n"],
    ['two Hosts', "GET /a HTTP/1.1\r\n$host$strip$host\r\n"],
    ['a bad Host', "GET /a HTTP/1.1\r\n${strip}Host: a/b\r\n\r\n"],
    ['two lengths', "GET /a HTTP/1.1\r\n$host${strip}Content-Length: 1\r\n"
                    . "Content-Length: 2\r\n\r\nx"],
    ['a bad length', "POST /a HTTP/1.1\r\n$host${strip}"
                     . "Content-Length: 1x\r\n\r\nx"],
    ['length and encoding', "POST /a HTTP/1.1\r\n$host${strip}"
                            . "Content-Length: 1\r\n"
                            . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['an unknown encoding', "POST /a HTTP/1.1\r\n$host${strip}"
                            . "Transfer-Encoding: gzip\r\n\r\n"],
    ['a bad header line', "GET /a HTTP/1.1\r\n$host$strip: nothing\r\n\r\n"],
    ['a long header', "GET /a HTTP/1.1\r\n$host${strip}X-Long: "
                      . 'x' x 9000 . "\r\n\r\n"],
    ['TRACE', "TRACE /a HTTP/1.1\r\n$host$strip\r\n"],

    # nothing of the headers was read, not even the list is there

    ['a bad request line', "GET /a HTTP/x\r\n$host$strip\r\n", 'bare'],
    ['a bad method', "g\@t /a HTTP/1.1\r\n$host$strip\r\n", 'bare'],
    ['CONNECT', "CONNECT a:1 HTTP/1.1\r\n$host$strip\r\n",
     $t->version < 1029000 ? 'bare' : ''],
    ['a bad target', "GET /%zz HTTP/1.1\r\n$host$strip\r\n", 'bare'],
    ['a target above the root', "GET /../a HTTP/1.1\r\n$host$strip\r\n",
     'bare'],
    ['a long target', 'GET /' . 'a' x 9000 . " HTTP/1.1\r\n$host$strip\r\n",
     'bare'],
    ['a bad host in the line', "GET http://a\x7f/ HTTP/1.1\r\n$host\r\n",
     'bare'],
    ['a future version', "GET /a HTTP/3.0\r\n$host$strip\r\n", 'bare'],
);

for my $way (qw(uri named)) {
    for my $case (@early) {
        my ($name, $bytes, $bare) = @$case;

        $up->clear;
        my $r = http($t->port($way), $bytes);

        if ($bare && $way eq 'named') {

            # nginx itself has no URI to go on with

            is($r->status . ' ' . $up->count, '500 0', "$way: $name");
            next;
        }

        is($r ? $r->status : 'nothing', 200, "$way: $name: the page");
        is($up->count, 1, 'it came from upstream');

        my $got = $up->last;

        is(join(' ', grep { defined } $got->header('X-Strip')), '',
           'stripped');
        is($got->header('X-Copy'), undef, 'also for what runs before')
            if $way eq 'named';
        is(scalar(() = $got->header('X-Request-Id')), 1, 'a request id')
            if !$bare;
        like($got->header('X-Keep') || ($bare ? 'kept' : ''),
             qr/^kept$/, 'the others are kept')
            if $name !~ /^(?:a long header)$/;
    }
}

# HTTP/2

for my $way (qw(uri2 named2)) {
    for my $case (
        ['no authority', pseudo => [[':method', 'GET'], [':scheme', 'http'],
                                    [':path', '/a']]],
        ['a bad authority', authority => 'a/b'],
        ['a bad length', headers => ['content-length' => '1x']],
        ['TRACE', method => 'TRACE'],
    ) {
        my ($name, %o) = @$case;
        my $headers = ['x-strip' => 'evil', 'x-keep' => 'kept',
                       @{ delete $o{headers} || [] }];

        $up->clear;
        my $r = http2_request($t->port($way), $o{method} || 'GET', '/a', %o,
                              headers => $headers);

        my @got = $up->requests;
        is(join(' ', map { grep { defined } $_->header('X-Strip') } @got), '',
           "$way: $name: stripped");
        is($r->status . ' ' . scalar(@got), '200 1', 'the page, proxied')
            unless defined $r->{rst};
    }
}

# what has no page of its own is answered as ever

for my $case (@early) {
    my $r = http($t->port('plain'), $case->[1]);
    like($r->status, qr/^(?:4|50[15])/, "no page: $case->[0]");
}

is(http_get($t->port('uri'), '/alive')->status, 200, 'all is well');
unlike($t->access_log, qr/\[evil\]/, 'no variable ever saw it');

done_testing();
