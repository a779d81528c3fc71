# A request that goes on elsewhere: error pages, named locations, index,
# try_files, rewrite, X-Accel-Redirect.  What is refused stays refused but
# where `weir_policy off` is written; what comes to another place is decided
# there too (security.md 1.2, 1.8).

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::CGI;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);

my $handler = sub {
    my ($r) = @_;
    return { status => 404, body => 'none' } if $r->target =~ m{/none};
    return { headers => ['x-accel-redirect' => $1], body => 'answer' }
        if $r->target =~ m{accel=([^&]+)};
    return { body => 'upstream' };
};

my $up = Weir::Upstream->new($t, port => 'up', handler => $handler);
my $grpc = Weir::Upstream->new($t, port => 'grpc', h2 => 1,
                               handler => $handler);
Weir::CGI->new($t, port => $_, protocol => $_, handler => $handler)
    for qw(fastcgi uwsgi scgi);

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;

permit get { who anyone; what GET, POST /**; }
deny secret   { what * /secret/**; }
deny index    { what * /dir/closed/index.html; }
deny post     { what POST /get-only/**; }
deny client   { what * /denied/**; }
EOF2

$t->file('policies/all.policy', <<'EOF2');
language 1;
policy all;
permit all { who anyone; what * /**; }
EOF2

$t->file('policies/alice.policy', <<'EOF2');
language 1;
policy alice;
permit alice { who subject alice issuer corp; what * /**; }
EOF2

$t->file("html/$_", "file $_\n")
    for qw(dir/index.html dir/closed/index.html dir/open/index.html
           pages/local.html pages/policy.html pages/nothing.html ok/file.html
           secret/file.html denied/file.html off/index.html other/x);

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

log_format  v  '$request_uri $weir_verdict $weir_reason $weir_origin $status';
access_log  %%TESTDIR%%/access.log v;

upstream u {
    server  127.0.0.1:%%PORT_up%%;
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    root    %%TESTDIR%%/html;

    weir_policy  p;

    location / {
        proxy_pass  http://u;
    }

    # after a refusal

    location /secret/1 { error_page 403 = @off;      proxy_pass http://u; }
    location /secret/2 { error_page 403 = @inherits; proxy_pass http://u; }
    location /secret/3 { error_page 403 = @all;      proxy_pass http://u; }
    location /secret/4 { error_page 403 =200 @all;   proxy_pass http://u; }
    location /secret/5 { error_page 403 /pages/local.html;   proxy_pass http://u; }
    location /secret/6 { error_page 403 /pages/nothing.html; proxy_pass http://u; }
    location /secret/7 { error_page 403 /pages/policy.html;  proxy_pass http://u; }
    location /secret/8 { error_page 403 https://login.test/; proxy_pass http://u; }
    location /secret/9 { error_page 403 =200 /pages/local.html;
                         proxy_pass http://u; }
    location /secret/a { error_page 403 =307 https://login.test/;
                         proxy_pass http://u; }
    location /secret/b { error_page 403 = /off/proxied;   proxy_pass http://u; }
    location /secret/c { error_page 403 = /open/proxied;  proxy_pass http://u; }
    location /secret/d { error_page 403 404 = @off404;    proxy_pass http://u; }
    location /secret/e { recursive_error_pages on;
                         error_page 403 = @cycle;         proxy_pass http://u; }
    location /secret/f { error_page 403 = /secret/f;      proxy_pass http://u; }
    location /secret/g { error_page 403 = $uri;           proxy_pass http://u; }
    location /secret/h { error_page 403 = @if;            proxy_pass http://u; }
    location /secret/i { error_page 403 = @tries;         proxy_pass http://u; }
    location /secret/j { error_page 403 = @nested;        proxy_pass http://u; }
    location /secret/k { error_page 403 = /off/dir/;      proxy_pass http://u; }
    location /secret/l { error_page 404 =200 /pages/local.html;
                         proxy_pass http://u; }
    location /ambiguous/ { error_page 400 = @inherits;    proxy_pass http://u; }
    location /ambiguous2/ { error_page 400 = @off;        proxy_pass http://u; }

    location @off      { weir_policy off; proxy_pass http://u; }
    location @inherits { proxy_pass http://u; }
    location @all      { weir_policy all; proxy_pass http://u; }
    location @off404   { weir_policy off; return 404; }
    location @cycle    { recursive_error_pages on; error_page 403 = @cycle;
                         proxy_pass http://u; }
    location @if       { weir_policy off;
                         if ($uri) { proxy_pass http://u; } }
    location @tries    { weir_policy off; try_files /nowhere /open/tried; }
    location @nested   { proxy_pass http://u; }

    location = /pages/local.html   { weir_policy off; }
    location = /pages/policy.html  { weir_policy all; }
    location /off/                 { weir_policy off; proxy_pass http://u; }
    location /off/dir/             { weir_policy off; index index.html;
                                     alias %%TESTDIR%%/html/off/; }
    location /open/                { weir_policy all; proxy_pass http://u; }

    # 401

    location /auth/1 { weir_auth corp; weir_policy alice;
                       error_page 401 /pages/local.html; proxy_pass http://u; }
    location /auth/2 { weir_auth corp; weir_policy alice;
                       error_page 401 =200 /pages/local.html;
                       proxy_pass http://u; }
    location /auth/3 { weir_auth corp; weir_policy alice;
                       error_page 401 = @off; proxy_pass http://u; }
    location /auth/4 { weir_auth corp; weir_policy alice;
                       error_page 401 = @all; proxy_pass http://u; }
    location /auth/5 { weir_auth corp; weir_policy alice;
                       error_page 401 https://login.test/; proxy_pass http://u; }

    # a file, an index, the next try

    location /dir/         { index index.html; }
    location /dir/closed/  { index index.html; }
    location /dir/open/    { index index.html; weir_policy off; }
    location /dir2/        { index /secret/file.html;
                             alias %%TESTDIR%%/html/dir/; }
    location /try/1        { try_files /none /ok/file.html; }
    location /try/2        { try_files /none /secret/file.html; }
    location /try/3        { try_files /none @inherits; }
    location /try/4        { try_files /none =404; }
    location /try/5        { try_files /ok/file.html =404; }
    location /try/6        { try_files /secret/file.html =404; }
    location /ok/          { }
    location /other/       { weir_policy alice; weir_auth corp; }
    location /try/7        { try_files /none /other/x; }
    location /opentry/1    { weir_policy off;
                             try_files /none /secret/file.html; }
    location /opentry/2    { weir_policy off; try_files /none /ok/file.html; }
    location /opentry/3    { weir_policy off; try_files /none @inherits; }
    location /opentry/4    { weir_policy off; try_files /none /other/x; }

    # a rewrite: the client's path is what policies know

    location /denied/      { rewrite ^ /ok/file.html last; }
    location /get-only/    { rewrite ^ /ok/file.html last; }
    location /rewrite/1    { rewrite ^ /secret/rewritten last; }
    location /rewrite/2    { rewrite ^ /secret/rewritten break;
                             proxy_pass http://u; }
    location /rewrite/3    { rewrite ^/rewrite/3(.*)$ $1 last; }
    location /rewrite/4    { rewrite ^ /off/x last; }
    location /rewrite/5    { rewrite ^ /pages/../x break; proxy_pass http://u; }
    location /rewrite/6    { rewrite ^ "/a//b" break; proxy_pass http://u; }

    # what upstreams did not have

    location /fall/1/ { proxy_intercept_errors on; error_page 404 = @inherits2;
                        proxy_pass http://u; }
    location /fall/2/ { proxy_intercept_errors on; error_page 404 /secret/fell;
                        proxy_pass http://u; }
    location /fall/3/ { proxy_intercept_errors on; error_page 404 /ok/file.html;
                        proxy_pass http://u; }
    location /fall/4/ { proxy_intercept_errors on; error_page 404 /other/x;
                        proxy_pass http://u; }
    location @inherits2 { rewrite ^ /fell break; proxy_pass http://u; }

    # what is asked for when all is done

    location /secret/m  { post_action @inherits; proxy_pass http://u; }
    location /secret/n  { post_action /open/after; proxy_pass http://u; }
    location /secret/o  { post_action @off; proxy_pass http://u; }
    location /after/1   { post_action /open/after; proxy_pass http://u; }
    location /after/2   { post_action /secret/after; proxy_pass http://u; }
    location /after/3   { post_action @all; proxy_pass http://u; }

    # answers before access

    location /teapot/      { error_page 418 = @inherits; return 418; }
    location /secret/tea   { error_page 418 = @inherits; return 418; }
    location /secret/tea2  { error_page 418 = @all; return 418; }

    # X-Accel-Redirect

    location /accel/http     { proxy_pass http://u; }
    location /accel/fastcgi  { fastcgi_pass 127.0.0.1:%%PORT_fastcgi%%;
                               fastcgi_param REQUEST_METHOD GET;
                               fastcgi_param REQUEST_URI $request_uri; }
    location /accel/uwsgi    { uwsgi_pass 127.0.0.1:%%PORT_uwsgi%%;
                               uwsgi_param REQUEST_METHOD GET;
                               uwsgi_param REQUEST_URI $request_uri; }
    location /accel/scgi     { scgi_pass 127.0.0.1:%%PORT_scgi%%;
                               scgi_param REQUEST_METHOD GET;
                               scgi_param CONTENT_LENGTH 0;
                               scgi_param REQUEST_URI $request_uri; }
    location /accel/grpc     { grpc_pass 127.0.0.1:%%PORT_grpc%%; }
    location /accel/off      { weir_policy off; proxy_pass http://u; }
    location /accel/if       { if ($uri) { proxy_pass http://u; } }
    location /accel/own      { proxy_ignore_headers X-Accel-Expires;
                               proxy_pass http://u; }
    location /accel/on       { weir_accel on; proxy_pass http://u; }
    location /accel/on/off   { weir_accel off; proxy_pass http://u; }
    location /internal/      { internal; weir_policy off;
                               alias %%TESTDIR%%/html/; }
}

server {
    listen  127.0.0.1:%%PORT_bare%%;
    root    %%TESTDIR%%/html;

    location / {
        proxy_pass  http://u;
    }

    location /internal/ {
        internal;
        alias  %%TESTDIR%%/html/;
    }
}
EOF2

$t->run;

my $json = 'application/problem+json';


# path, status, what reached the upstream (targets), what the answer holds;
# options of the request.

sub is_answered {
    my ($path, $status, $upstream, $like, %o) = @_;

    $up->clear;

    my $r = http_request($o{port} || $t->port, $o{method} || 'GET', $path, %o);
    my $name = ($o{method} || 'GET') . " $path" . ($o{name} ? " ($o{name})"
                                                            : '');

    is($r ? $r->status : 'closed', $status, $name);
    is(join(' ', map { $_->target } $up->requests), $upstream,
       "$name: upstream");

    my $text = $r ? $r->head_text : '';
    $like ? like($text, $like, "$name: answer")
          : unlike($text, qr/problem\+json/, "$name: not our page")
        if defined $like;

    return $r;
}

sub Weir::HTTP::Response::head_text { return $_[0]{head} . $_[0]{body} }

my $refused = qr{problem\+json.*"status":403}s;

# after a refusal

is_answered('/secret/1', 200, '/secret/1', qr/upstream/);
is_answered('/secret/2', 403, '', $refused);
is_answered('/secret/3', 403, '', $refused);
is_answered('/secret/4', 403, '', $refused);
is_answered('/secret/5', 403, '', qr/file pages\/local/);
is_answered('/secret/6', 403, '', $refused);
is_answered('/secret/7', 403, '', $refused);
is_answered('/secret/8', 302, '', qr{^Location: https://login\.test/\r}m);
is_answered('/secret/9', 200, '', qr/file pages\/local/);
is_answered('/secret/a', 307, '', qr{^Location: https://login\.test/\r}m);
is_answered('/secret/b', 200, '/off/proxied', qr/upstream/);
is_answered('/secret/c', 403, '', $refused);
is_answered('/secret/d', 404, '', '');
is_answered('/secret/e', 500, '', qr/./);
is_answered('/secret/f', 403, '', $refused);
is_answered('/secret/g', 403, '', $refused);
is_answered('/secret/h', 200, '/secret/h', qr/upstream/);
is_answered('/secret/i', 403, '', $refused);
is_answered('/secret/j', 403, '', $refused);
is_answered('/secret/k', 200, '', qr/file off\/index/);
is_answered('/secret/l', 403, '', $refused);
is_answered('/ambiguous/a//b', 400, '', qr{problem\+json.*"status":400}s);
is_answered('/ambiguous2/a//b', 200, '/ambiguous2/a//b', qr/upstream/);

# the same by POST: an error page is a GET

is_answered('/secret/2', 403, '', $refused, method => 'POST', body => 'x');
is_answered('/secret/3', 403, '', $refused, method => 'POST', body => 'x');
is_answered('/secret/5', 403, '', qr/file pages/, method => 'POST',
            body => 'x');

# 401

my @alice = (headers => [bearer('alice')]);
my @bob = (headers => [bearer('bob')]);
my $asks = qr/^WWW-Authenticate: Bearer realm="weir"\r$/m;

is_answered('/auth/1', 200, '/auth/1', qr/upstream/, @alice);
is_answered('/auth/1', 403, '', $refused, @bob);

my $r = is_answered('/auth/1', 401, '', $asks);
like($r->body, qr/file pages/, "the operator's page, and our question");
is(scalar(() = $r->header('WWW-Authenticate')), 1, 'once');

$r = is_answered('/auth/2', 200, '', qr/file pages/);
is($r->header('WWW-Authenticate'), undef, 'no question with a 200');

is_answered('/auth/3', 200, '/auth/3', qr/upstream/);
$r = is_answered('/auth/4', 401, '', $asks);
like($r->header('Content-Type'), qr/problem\+json/, 'our page');
$r = is_answered('/auth/5', 302, '', qr/login\.test/);
is($r->header('WWW-Authenticate'), undef, 'no question with a redirect');

# a credential that is bad

$r = is_answered('/auth/1', 401, '', qr/invalid_token/,
                 headers => [Authorization => 'Bearer a.b.c']);
is_answered('/auth/4', 401, '', qr/invalid_token/,
            headers => [Authorization => 'Bearer a.b.c']);

# files

is_answered('/dir/', 200, '', qr/file dir\/index/);
is_answered('/dir/closed/', 403, '', $refused);
is_answered('/dir/closed/index.html', 403, '', $refused);
is_answered('/dir/open/', 200, '', qr/file dir\/open/);
is_answered('/dir2/', 403, '', $refused);
is_answered('/try/1', 200, '', qr/file ok/);
is_answered('/try/2', 403, '', $refused);
is_answered('/try/3', 200, '/try/3', qr/upstream/);
is_answered('/try/4', 404, '', '');
is_answered('/try/5', 200, '', qr/file ok/);
is_answered('/try/7', 401, '', qr/"status":401/);
is_answered('/try/7', 200, '', qr/file other/, @alice);
is_answered('/try/7', 403, '', $refused, @bob);
is_answered('/opentry/1', 403, '', $refused);
is_answered('/opentry/2', 200, '', qr/file ok/);
is_answered('/opentry/3', 200, '/opentry/3', qr/upstream/);
is_answered('/opentry/4', 401, '', qr/"status":401/);
is_answered('/opentry/4', 200, '', qr/file other/, @alice);

# an open location's path is looked at once a policy needs it

is_answered('/opentry/2/a//b', 400, '', qr/"status":400/);

# a rewrite

is_answered('/denied/x', 403, '', $refused);
is_answered('/get-only/x', 200, '', qr/file ok/);
is_answered('/get-only/x', 403, '', $refused, method => 'POST', body => '');
is_answered('/rewrite/1', 200, '/secret/rewritten', qr/upstream/);
is_answered('/rewrite/2', 200, '/secret/rewritten', qr/upstream/);
is_answered('/rewrite/3/ok/file.html', 200, '', qr/file ok/);
is_answered('/rewrite/4', 200, '/off/x', qr/upstream/);
is_answered('/rewrite/5', 400, '', qr/"status":400/);
is_answered('/rewrite/6', 400, '', qr/"status":400/);

# upstream's own errors

is_answered('/fall/1/none', 200, '/fall/1/none /fell', qr/upstream/);
is_answered('/fall/2/none', 403, '/fall/2/none', $refused);
is_answered('/fall/3/none', 404, '/fall/3/none', qr/file ok/);
is_answered('/fall/4/none', 401, '/fall/4/none', qr/"status":401/);
is_answered('/fall/4/none', 404, '/fall/4/none', qr/file other/, @alice);

# post_action: another request of the same client, decided as one

for my $case (
    ['/secret/m', 403, ''], ['/secret/n', 403, ''],
    ['/secret/o', 403, '/secret/o'],
    ['/after/1', 200, '/after/1 /open/after'], ['/after/2', 200, '/after/2'],
    ['/after/3', 200, '/after/3 /after/3'],
) {
    my ($path, $status, $upstream) = @$case;

    $up->clear;
    is(http_get($t->port, $path)->status, $status, "post_action: $path");
    eval { $up->wait_count(scalar split ' ', $upstream) };

    # a last one, behind which nothing comes

    http_get($t->port, '/off/last');
    is(join(' ', grep { $_ ne '/off/last' } map { $_->target }
                 $up->requests), $upstream, "post_action: $path: upstream");
}

# return runs before, and what it leads to is decided

is_answered('/teapot/x', 200, '/teapot/x', qr/upstream/);
is_answered('/secret/tea', 403, '', $refused);
is_answered('/secret/tea2', 200, '/secret/tea2', qr/upstream/);

# X-Accel-Redirect

for my $way (qw(http fastcgi uwsgi scgi grpc off if own on/off)) {
    for my $to ('/internal/secret/file.html', '/internal/ok/file.html',
                '/secret/file.html')
    {
        $r = http_get($t->port, "/accel/$way?accel=$to");
        is($r->status, 200, "X-Accel-Redirect: $way");
        is($r->body, 'answer', 'is ignored');
        is($r->header('X-Accel-Redirect'), undef, 'and not told');
    }
}

is_answered('/accel/on?accel=/ok/file.html', 200,
            '/accel/on?accel=/ok/file.html', qr/file ok/);
is_answered('/accel/on?accel=/internal/secret/file.html', 200,
            '/accel/on?accel=/internal/secret/file.html', qr/file secret/);
is_answered('/accel/on?accel=/secret/file.html', 403,
            '/accel/on?accel=/secret/file.html', $refused);
is_answered('/accel/on?accel=/other/x', 401, '/accel/on?accel=/other/x',
            qr/"status":401/);
is_answered('/accel/on?accel=/other/x', 200, '/accel/on?accel=/other/x',
            qr/file other/, @alice);
is_answered('/accel/on?accel=/get-only/x', 200,
            '/accel/on?accel=/get-only/x', qr/file ok/,
            method => 'POST', body => '');
is_answered('/x?accel=/internal/ok/file.html', 200,
            '/x?accel=/internal/ok/file.html', qr/file ok/,
            port => $t->port('bare'), name => 'a server without Weir');

# what the log says

$t->wait_access_log(qr{^/accel/on\?accel=/get-only/x }m);

for my $case (
    ['/secret/1', 'deny deny-rule upstream 200'],
    ['/secret/2', 'deny deny-rule weir 403'],
    ['/secret/5', 'deny deny-rule nginx 403'],
    ['/secret/8', 'deny deny-rule nginx 302'],
    ['/secret/d', 'deny deny-rule nginx 404'],
    ['/auth/1', 'permit permit-rule upstream 200'],
    ['/auth/1', 'unauthenticated missing nginx 401'],
    ['/try/2', 'deny deny-rule weir 403'],
    ['/try/4', 'permit permit-rule nginx 404'],
    ['/fall/3/none', 'permit permit-rule nginx 404'],
    ['/fall/2/none', 'deny deny-rule weir 403'],
    ['/rewrite/4', 'none  upstream 200'],
    ['/dir/', 'permit permit-rule nginx 200'],
) {
    my ($path, $says) = @$case;
    like($t->access_log, qr/^\Q$path $says\E$/m, "log: $path $says");
}

done_testing();
