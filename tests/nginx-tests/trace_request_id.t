# X-Request-Id: on every answer, the same upstream and in the logs, the
# client's own under another name.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;
    log_format ids '\$request_uri \$status [\$weir_request_id]';
    access_log %%TESTDIR%%/access.log ids;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            proxy_pass http://@{[ $up->address ]};
        }
        location /ids {
            weir_trace_trust ids;
            proxy_pass http://@{[ $up->address ]};
        }
        location /full {
            weir_trace_trust full;
            proxy_pass http://@{[ $up->address ]};
        }
        location /off {
            weir_trace off;
            proxy_pass http://@{[ $up->address ]};
        }
        location /dead {
            proxy_pass http://127.0.0.1:%%PORT_dead%%;
        }
        location /return { return 204; }
        location /denied { deny all; }
        location /missing { root %%TESTDIR%%; }
        location /page {
            error_page 404 /404.html;
            root %%TESTDIR%%;
        }
        location /404.html { root %%TESTDIR%%; }
    }
END
$t->file('404.html', 'custom');
$t->run;

my $hex = qr/^[0-9a-f]{32}$/;


# every answer

for ('/x', '/ids', '/full', '/off', '/dead', '/return', '/denied', '/missing',
     '/page', '/404.html')
{
    my $r = http_get($t->port, "$_?q");
    my @ids = $r->header('X-Request-Id');

    is(scalar @ids, 1, "$_: one X-Request-Id");
    like($ids[0], $hex, "$_: of our form");
    $t->wait_access_log(qr/^\Q$_\E\?q \d+ \[$ids[0]\]$/m);
}

for my $bad ("GARBAGE\r\n\r\n", "GET /x HTTP/7.1\r\n\r\n",
             "\x16\x03\x01\r\n\r\n",
             "GET /x HTTP/1.1\r\n\r\n",
             "GET /x HTTP/1.1\r\nHost: a\r\nHost: b c\r\n\r\n",
             "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 40000 . "\r\n\r\n")
{
    my $r = http($t->port, $bad);

    like($r->status, qr/^(?:400|505)$/, 'does not parse');
    like($r->header('X-Request-Id'), $hex, 'and is answered with an id');
}

{
    my $r = http_request($t->port, 'HEAD', '/x');
    like($r->header('X-Request-Id'), $hex, 'HEAD');
}


# the same id upstream

for ('/x', '/ids', '/full') {
    my $r = http_get($t->port, $_);
    is($up->last->header('X-Request-Id'), $r->header('X-Request-Id'),
       "$_: upstream has the same");
}


# what upstream says its id is does not become a second one

$up->answer({ headers => ['X-Request-Id' => 'upstream', 'X-Other' => 1] });

for ('/x', '/full', '/off') {
    my $r = http_get($t->port, $_);
    my @ids = $r->header('X-Request-Id');

    is(scalar @ids, 1, "$_: one id although upstream sends one");
    like($ids[0], $hex, "$_: ours");
    is($r->header('X-Other'), 1, "$_: other headers stay");
}

$up->answer({});


# the client's

my $uuid = 'f47ac10b-58cc-4372-a567-0e02b2c3d479';

for my $path ('/x', '/ids') {
    my $r = http_get($t->port, $path, headers => ['X-Request-Id' => $uuid]);
    my $u = $up->last;

    like($r->header('X-Request-Id'), $hex, "$path: a new id");
    is_deeply([$u->header('X-Request-Id')], [$r->header('X-Request-Id')],
              "$path: and only that upstream");
    is_deeply([$u->header('X-Client-Request-Id')], [$uuid],
              "$path: the client's goes on beside it");
    is($r->header('X-Client-Request-Id'), undef, "$path: not in the answer");
}

{
    my $r = http_get($t->port, '/full', headers => ['X-Request-Id' => $uuid]);
    my $u = $up->last;

    is($r->header('X-Request-Id'), $uuid, 'full: continued');
    is_deeply([$u->header('X-Request-Id')], [$uuid], 'full: upstream');
    is($u->header('X-Client-Request-Id'), undef, 'full: no second one');
    $t->wait_access_log(qr/^\/full \d+ \[$uuid\]$/m);
}


# one that is printable but no id: not continued, not lost

for my $odd ('a', 'two words here', 'quo"ted-id', 'semi;colon-id') {
    my $r = http_get($t->port, '/full', headers => ['X-Request-Id' => $odd]);

    like($r->header('X-Request-Id'), $hex, "full: not continued: $odd");
    is($up->last->header('X-Client-Request-Id'), $odd, "kept: $odd");
}


# never edited, or not at all

is_deeply([client_id('/x', "X-Request-Id:\t  spaced id\t ")], ['spaced id'],
          'white space around it is not its own');

for my $bad ("X-Request-Id: tab\tinside", "X-Request-Id: caf\xc3\xa9",
             "X-Request-Id: esc\x1b[0m", 'X-Request-Id: ' . 'x' x 129,
             'X-Request-Id:', "X-Request-Id: del\x7f")
{
    (my $name = substr $bad, 0, 30) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;

    is_deeply([client_id('/x', $bad)], [], "dropped: $name");
    is_deeply([client_id('/full', $bad)], [], "full: dropped: $name");
}

is_deeply([client_id('/x', 'X-Request-Id: ' . 'x' x 128)], ['x' x 128],
          '128 bytes go on');

is_deeply([client_id('/x', 'X-Request-Id: one-one-one',
                     'X-Request-Id: two-two-two')], [],
          'of two, none is the client\'s');
is_deeply([client_id('/full', 'X-Request-Id: one-one-one',
                     'x-request-id: one-one-one')], [],
          'full: of two, none is the client\'s');
like($up->last->header('X-Request-Id'), $hex, 'and a new one is made');


# a client cannot set X-Client-Request-Id itself

is_deeply([client_id('/x', 'X-Client-Request-Id: forged')], [],
          'forged: dropped');
is_deeply([client_id('/full', 'X-Client-Request-Id: forged',
                     'X-Client-Request-Id: forged')], [],
          'full: forged: dropped');
is_deeply([client_id('/x', 'X-Client-Request-Id: forged',
                     'X-Request-Id: true-one')], ['true-one'],
          'forged: replaced');


sub client_id {
    my ($path, @lines) = @_;

    my $r = http($t->port, join("\r\n", "GET $path HTTP/1.1",
                                'Host: localhost', @lines,
                                'Connection: close', '', ''));
    my @ids = $up->last->header('X-Request-Id');

    is_deeply(\@ids, [$r->header('X-Request-Id')], 'one id, the answer\'s');

    return $up->last->header('X-Client-Request-Id');
}

done_testing;
