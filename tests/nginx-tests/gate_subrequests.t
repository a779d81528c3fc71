# Subrequests: nginx skips the access phase for them, Weir decides them with
# the main request's identity, as GET of their own path; mirrors need
# `weir_policy off` (architecture "A request's way").

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;

    return { status => 200, body => substr('0123456789' x 3, $1, $2 - $1 + 1),
             headers => ['Content-Range' => "bytes $1-$2/30",
                         'Content-Type' => 'text/plain'], status => 206 }
        if $r->target =~ m{^/slice}
           && ($r->header('Range') || '') =~ /^bytes=(\d+)-(\d+)$/;

    return { status => $1, body => 'UP' } if $r->target =~ m{^/check/(\d+)};

    return { headers => ['Content-Type' => 'text/html'],
             body => join '|', map { "<!--#include virtual=\"$_\" -->" }
                               split /,/, $1 }
        if $r->target =~ m{^/page\S*\?include=(\S+)};

    return { headers => ['Content-Type' => 'text/html'],
             body => 'UP' . $r->target };
});

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;

permit pages   { who anyone; what GET, POST /page; what GET, POST /page2;
                 what GET /slice; what GET /added; }
permit inside  { who anyone; what GET /in/**; }
permit odd     { who anyone; what POST /in-post; }
permit alice   { who subject alice issuer corp; what GET /alice/**; }
permit host    { who anyone; what GET /host/**; host a.test; }
permit query   { who anyone; what GET /query;
                 if has query("ok") && query("ok") == "1"; }
permit any     { who anyone; what GET /deny/**; }
deny deny      { what * /deny/**; }
EOF2

$t->file('policies/user.policy', <<'EOF2');
language 1;
policy user;
permit user { who authenticated; what * /**; }
EOF2

$t->file('policies/any.policy', <<'EOF2');
language 1;
policy any;
permit any { who anyone; what * /**; }
EOF2

$t->http_conf(<<'EOF2' =~ s/ISSUERS/issuer($t) . issuer($t, 'other')/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUERS

upstream u {
    server  127.0.0.1:%%PORT_up%%;
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    root    %%TESTDIR%%/html;

    location /page   { weir_auth corp optional; weir_policy p; ssi on;
                       proxy_pass http://u; }
    location /page2  { weir_policy p; ssi on; proxy_pass http://u; }
    location /open   { weir_policy off; ssi on;
                       rewrite ^ /page break; proxy_pass http://u; }

    location /in/    { weir_policy p; proxy_pass http://u; }
    location /in-post { weir_policy p; proxy_pass http://u; }
    location /alice/ { weir_policy p; proxy_pass http://u; }
    location /alice/must/ { weir_auth corp; weir_policy p;
                       proxy_pass http://u; }
    location /alice/other/ { weir_auth other; weir_policy p;
                       proxy_pass http://u; }
    location /alice/both/ { weir_auth corp + other; weir_policy p;
                       proxy_pass http://u; }
    location /auth/  { weir_auth corp; weir_policy off; proxy_pass http://u; }
    location /maybe/ { weir_auth corp optional; weir_policy user;
                       proxy_pass http://u; }
    location /host/  { weir_policy p; proxy_pass http://u; }
    location /query  { weir_policy p; proxy_pass http://u; }
    location /deny/  { weir_policy p; proxy_pass http://u; }
    location /off/   { weir_policy off; proxy_pass http://u; }
    location /closed/ { proxy_pass http://u; }
    location /nested/ { weir_policy p; ssi on; rewrite ^/nested(.*)$ $1 last; }
    location /fall/  { weir_policy p; error_page 403 = @fall;
                       proxy_pass http://u; }
    location @fall   { weir_policy off; proxy_pass http://u; }
    location /fall2/ { weir_policy p; error_page 403 = /in/page;
                       proxy_pass http://u; }
    location /fall3/ { weir_policy p; error_page 403 = @inside;
                       proxy_pass http://u; }
    location @inside { weir_policy any; proxy_pass http://u; }
    location /return/ { weir_policy p; return 200 "RETURNED"; }

    # what others ask

    location /added/ { weir_policy p; add_before_body /in/before;
                       add_after_body /deny/after; proxy_pass http://u; }
    location /added  { weir_policy p; add_before_body /in/before;
                       add_after_body /deny/after; proxy_pass http://u; }
    location /asks/off    { weir_policy off; auth_request /check/200;
                            proxy_pass http://u; }
    location /asks/no     { weir_policy off; auth_request /check/401;
                            proxy_pass http://u; }
    location /asks/closed { weir_policy off; auth_request /closed/check;
                            proxy_pass http://u; }
    location /asks/in     { weir_policy off; auth_request /in/check;
                            proxy_pass http://u; }
    location /asks/deny   { weir_policy off; auth_request /deny/check;
                            proxy_pass http://u; }
    location /asks/alice  { weir_auth corp optional; weir_policy off;
                            auth_request /alice/must/check;
                            proxy_pass http://u; }
    location /check/ { weir_policy off; internal; proxy_pass http://u; }

    location /mirrors/off    { weir_policy off; mirror /off/mirror;
                               proxy_pass http://u; }
    location /mirrors/closed { weir_policy off; mirror /closed/mirror;
                               proxy_pass http://u; }
    location /mirrors/deny   { weir_policy off; mirror /deny/mirror;
                               proxy_pass http://u; }
    location /mirrors/in     { weir_policy off; mirror /in/mirror;
                               proxy_pass http://u; }
    location /mirrors/post   { weir_policy off; mirror /in-post;
                               proxy_pass http://u; }

    location /slice { weir_policy p; slice 10;
                      proxy_set_header Range $slice_range;
                      proxy_http_version 1.1; proxy_pass http://u; }
}
EOF2

$t->run;


# Gets a page that includes these; what of them came, and what the upstream
# saw of them.

sub includes {
    my ($page, $uris, %o) = @_;

    $up->clear;

    my $r = http_request($t->port, $o{method} || 'GET',
                         "$page?include=" . join(',', @$uris), %o);

    my @parts = split /\|/, $r->body, -1;
    my @seen = map { $_->target } grep { $_->target !~ /include=/ }
               $up->requests;

    return ([map { /^UP/ ? 'yes' : /^RETURNED/ ? 'returned'
                   : /(\d\d\d) [A-Z]/ ? $1 : "? $_" } @parts],
            \@seen);
}


sub is_included {
    my ($page, $table, $name, %o) = @_;

    my @uris = map { $_->[0] } @$table;
    my ($got, $seen) = includes($page, \@uris, %o);

    is_deeply([map { "$uris[$_]: " . ($got->[$_] || '') } 0 .. $#uris],
              [map { "$_->[0]: $_->[1]" } @$table], $name);

    is_deeply([sort @$seen],
              [sort map { $_->[2] || $_->[0] } grep { $_->[1] eq 'yes' }
                    @$table],
              "$name: upstream");
}

my @alice = (headers => [bearer('alice')]);
my @bob = (headers => [bearer('bob')]);

my @always = (
    ['/in/x', 'yes'], ['/in/x/y', 'yes'], ['/deny/x', 403],
    ['/closed/x', 403], ['/nowhere', 403], ['/off/x', 'yes'],
    ['/in-post', 403], ['/host/x', 403],
    ['/query', 403], ['/query?ok=0', 403], ['/query?ok=1', 'yes'],
    ['/query?ok=1&ok=1', 403], ['/fall/x', 'yes'],
    ['/fall2/x', 403], ['/fall3/x', 403], ['/return/x', 'returned'],
    ['/nested/deny/x', 403], ['/nested/in/x', 'yes', '/in/x'],
    ['/check/200', 'yes'],
);

is_included('/page', \@always, 'by nobody');
is_included('/page', [['/alice/x', 403], ['/alice/must/x', 401],
                      ['/alice/other/x', 401], ['/auth/x', 401],
                      ['/maybe/x', 403], ['/in/x', 'yes']],
            'nobody is not alice');
is_included('/page', [['/alice/x', 'yes'], ['/alice/must/x', 'yes'],
                      ['/alice/other/x', 401], ['/alice/both/x', 401],
                      ['/auth/x', 'yes'], ['/maybe/x', 'yes'],
                      ['/deny/x', 403], ['/closed/x', 403]],
            'alice', @alice);
is_included('/page', [['/alice/x', 403], ['/alice/must/x', 403],
                      ['/auth/x', 'yes'], ['/maybe/x', 'yes']],
            'bob', @bob);
is_included('/page', \@always, 'included by a POST', method => 'POST',
            body => 'x');

# where the main request was nobody's business

is_included('/open', \@always, 'from an open location');
is_included('/open', [['/alice/x', 403], ['/alice/must/x', 401],
                      ['/auth/x', 401]],
            'with a token that nobody asked for', @alice);
is_included('/page2', [['/alice/x', 403], ['/alice/must/x', 401]],
            'without weir_auth there is no identity', @alice);

# the host is the main request's

is_included('/page', [['/host/x', 'yes']], 'its host', host_header =>
            'A.test:80');
is_included('/open', [['/host/x', 'yes']], 'also from an open location',
            host_header => 'a.test');

# an ambiguous one is nobody's, also where the main request was not decided

for my $head ("GET http://a.test/open?include=/host/x,/in/x HTTP/1.1\r\n"
              . "Host: b.test\r\n",
              "GET http://b.test/open?include=/host/x,/in/x HTTP/1.1\r\n"
              . "Host: a.test\r\n",
              "GET /open?include=/host/x,/in/x HTTP/1.1\r\n"
              . "Host: a.test,b.test\r\n")
{
    $up->clear;
    http($t->port, $head . "Connection: close\r\n\r\n");
    is(join(' ', grep { m{^/(?:host|in)} } map { $_->target }
                 $up->requests), '', 'an ambiguous host');
}

# ambiguous spellings; nginx itself refuses what leaves the root

for my $uri ('/in//x', '/in/../deny/x', '/in/..;/deny/x', '/in/%2e%2e/deny/x',
             '/in/x;y', '/in/%2525', '/in/x%23y', '/in/x%5cy', '/./deny/x',
             '//deny/x', '/deny/../deny/x')
{
    my ($got, $seen) = includes('/page', [$uri]);
    is(join(' ', grep { m{deny|//|;|%} } @$seen), '', "not upstream: $uri");
}

# nested, in parallel, with wait, in a variable

$up->clear;
my $r = http_get($t->port, '/page?include=/page2?include=/deny/x,/in/x');
unlike(join(' ', map { $_->target } $up->requests), qr{ /deny/},
       'an include in an include');

# HTTP/2

$up->clear;
$r = http2_get($t->port('h2'), '/page?include=/deny/x,/in/x,/closed/y',
               headers => [authorization => (bearer('alice'))[1]]);
is(join(' ', map { $_->target } grep { $_->target !~ /include/ }
             $up->requests), '/in/x', 'HTTP/2');

# the main request's verdict is its own

is($r->status, 200, 'the page itself');
like($r->body, qr/403 Forbidden.*UP.*403 Forbidden/s, 'parts of it');

# addition

for my $path ('/added', '/added/') {
    $up->clear;
    $r = http_get($t->port, $path);
    is(join(' ', sort map { $_->target } $up->requests),
       "$path /in/before", 'what is added');
}

# auth_request of others

my %asks = (off => '200 /check/200 /asks/off', no => '401 /check/401',
            closed => '403', in => '200 /in/check /asks/in', deny => '403');

for my $way (sort keys %asks) {
    $up->clear;
    $r = http_get($t->port, "/asks/$way");
    is(join(' ', $r->status, map { $_->target } $up->requests), $asks{$way},
       "auth_request: $way");
}

for my $case (['alice', 200, @alice], ['bob', 403, @bob], ['nobody', 401]) {
    my ($name, $status, @o) = @$case;
    is(http_get($t->port, '/asks/alice', @o)->status, $status,
       "auth_request with the identity: $name");
}

# mirrors

my %mirrors = (off => '/mirrors/off /off/mirror', closed => '/mirrors/closed',
               deny => '/mirrors/deny', in => '/in/mirror /mirrors/in',
               post => '/mirrors/post');

for my $way (sort keys %mirrors) {
    $up->clear;
    $r = http_get($t->port, "/mirrors/$way");
    is($r->status, 200, "mirror: $way");

    # a last request, so that a mirror would have come

    http_get($t->port, '/in/last');
    eval { $up->wait_count(1 + split ' ', $mirrors{$way}) };

    is(join(' ', sort grep { $_ ne '/in/last' } map { $_->target }
                 $up->requests), $mirrors{$way}, 'what is sent');
}

$up->clear;
$r = http_request($t->port, 'POST', '/mirrors/post', body => 'x');
eval { $up->wait_count(2) };
is(join(' ', sort map { $_->method . $_->target } $up->requests),
   'POST/in-post POST/mirrors/post', 'a mirror has its own method');

# slices are subrequests of the same place

$up->clear;
$r = http_get($t->port, '/slice');
is($r->status, 200, 'slices');
is($r->body, '0123456789' x 3, 'all of them');
is($up->count, 3, 'three');

# a page of ours after subrequests (status by auth_request, body by us)

$r = http_get($t->port, '/asks/closed');
unlike($r->body, qr/problem/, 'the refusal of auth_request is not ours');

done_testing();
