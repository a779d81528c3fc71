# security.md 2.1: what says who somebody is comes from Weir or not at all:
# in every server, in any spelling, over every protocol and by every way that
# a request goes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::CGI;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up');
my $grpc = Weir::Upstream->new($t, port => 'grpc', h2 => 1, handler => sub {
    return { headers => ['content-type' => 'application/grpc'],
             body => '', trailers => ['grpc-status' => 0] };
});
my $cgi = Weir::CGI->new($t, port => 'cgi', protocol => 'fastcgi');

$up->answer('/t/answer' => { headers => [
    'X-Weir-Subject' => 'evil', 'x-weir-x' => 'evil', 'X-WEIR-Y' => 'evil',
    'X-Request-Id' => 'evil', 'X-Weirdo' => 'fine', 'X-User' => 'fine'] });
$up->answer('/t/missing' => { status => 404 });

$t->file('policies/all.policy', <<'EOF2');
language 1;
policy all;
permit all { who anyone; what * /**; }
deny no    { what * /t/denied/**; }
EOF2

$t->file('html/ssi.html', 'a <!--#include virtual="/t/included" --> b');

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
weir_trace   on;
ISSUER

underscores_in_headers  on;
ignore_invalid_headers  off;
weir_strip_headers  X-Tenant;
weir_pass_headers   X-User-Agent-Hint X-Internal-Ok*;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    root    %%TESTDIR%%/html;
    error_page  400 494 =200 /page;

    weir_auth    corp optional;
    weir_policy  all;
    weir_identity_header  X-Subject-Is $weir_subject;
    weir_identity_header  X-Weir-Subject $weir_subject;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location /s.S/ {
        grpc_pass  127.0.0.1:%%PORT_grpc%%;
    }

    location /cgi {
        fastcgi_pass   127.0.0.1:%%PORT_cgi%%;
        fastcgi_param  REQUEST_METHOD  $request_method;
    }

    location /page {
        weir_auth    off;
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /t/denied {
        error_page  403 = @page;
    }

    location @page {
        weir_auth    off;
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /try/ {
        try_files  /none @page;
    }

    location /ssi.html {
        ssi  on;
    }

    location /other/ {
        weir_auth    corp optional;
        weir_policy  off;
        weir_identity_header  X-Other-Is $weir_subject;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /mirrored/ {
        mirror      /mirror;
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location = /mirror {
        internal;
        weir_auth    off;
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /auth_request/ {
        auth_request  /check;
        proxy_pass    http://127.0.0.1:%%PORT_up%%;
    }

    location = /check {
        internal;
        weir_auth    off;
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /missing {
        proxy_intercept_errors  on;
        error_page  404 /page;
        proxy_pass  http://127.0.0.1:%%PORT_up%%/t/missing;
    }
}

server {
    listen  127.0.0.1:%%PORT_other%%;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }
}
EOF2

$t->run;

my @forged = qw(
    X-Weir-Subject X-Weir-Principal X-Weir-X X-Auth-User X-Auth-Request-Email
    X-Auth-Token X-User X-User-Id X-Users X-Username X-Userinfo X-UserInfo
    X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups
    X-Forwarded-Preferred-Username X-Forwarded-Access-Token Remote-User
    X-Remote-User X-Remote-Groups X-Consumer-Id X-Consumer-Username
    X-Credential-Identifier X-Authenticated-Userid X-Authenticated-Scope
    X-JWT-Payload X-JWT-Assertion X-SSL-Client-Cert X-SSL-Client-S-DN
    X-Client-Cert X-Client-Cert-Chain X-Client-Certificate
    X-Forwarded-Client-Cert X-Gateway-User X-Internal-Token X-Internal-X
    X-Subject-Is X-Other-Is X-Tenant
);

my @fine = qw(
    X-Weird X-Author X-Auth X-Use X-Forwarded-Users X-Forwarded-Host
    X-Forwarded-Proto X-Forwarded-Port Remote-Users Remote X-Remote
    X-Consumers X-Credentials X-Authenticate X-JWT X-SSL-Client X-Client-Id
    X-Client X-Gateways X-Internals X-Tenants X-User-Agent-Hint
    X-Internal-Ok X-Internal-Ok-2 Forwarded X-Api-Version X-Correlation-Id
    X-Request-Start X-Csrf-Token Accept-Language X-Requested-With
);

my %names;

sub spellings {
    my ($name) = @_;

    return ($name, lc $name, uc $name, $name =~ tr/-/_/r,
            lc $name =~ tr/-/_/r, $name =~ s/-/_/r, $name =~ s/.*\K-/_/r,
            $name =~ tr/-/./r, $name =~ tr/-/!/r, $name =~ tr/-/~/r,
            $name =~ s/-/*/r, join '', map { rand() < 0.5 ? lc : uc }
                                       split //, $name);
}

srand 7;

my %once;
my @spelt = grep { !$once{$_}++ } map { spellings($_) } @forged;

my @all = (['Host', 'localhost'], (map { [$_, 'evil'] } @spelt),
           map { [$_, 'fine'] } @fine);

# mixed, so that all neighbours occur, and some at a time

@all = map { $_->[0] } sort { $a->[1] <=> $b->[1] } map { [$_, rand] } @all;

my @batches;
push @batches, [splice @all, 0, 60] while @all;


sub check {
    my ($what, $got, $sent) = @_;

    my @evil = grep { defined $_->[1] && $_->[1] =~ /evil/ } $got->headers;
    my %have = map { lc($_->[0] =~ s/^HTTP_//r =~ tr/_/-/r) => 1 }
               $got->headers;

    my @lost = grep { !$have{lc $_->[0]} }
               grep { $_->[1] eq 'fine' } @$sent;

    return map { "$what: " . $_->[0] } @evil, @lost;
}


my @ways = (
    ['/t/a'], ['/page'], ['/t/denied/x'], ['/try/x'], ['/other/x'],
    ['/mirrored/x', 2], ['/auth_request/x', 2], ['/missing', 2],
    ['/ssi.html', 1], ['/cgi', 1, $cgi], ['/s.S/M', 1, $grpc],
);

for my $way (@ways) {
    my ($path, $n, $where) = @$way;
    my @bad;

    $where ||= $up;

    for my $batch (@batches) {
        $where->clear;

        my @sent = @$batch;
        push @sent, ['Host', 'localhost']
            unless grep { $_->[0] eq 'Host' } @sent;

        my $method = $path eq '/s.S/M' ? 'POST' : 'GET';
        push @sent, ['Content-Type', 'application/grpc'],
                    ['Content-Length', 0] if $where == $grpc;

        http_request($t->port, $method, $path, headers => \@sent);
        eval { $where->wait_count($n || 1) };

        my @got = $where->requests;
        push @bad, "$path: " . @got . ' upstream' if @got != ($n || 1);
        push @bad, map { check($path, $_, $batch) } @got;
    }

    is(join("\n", @bad), '', "$path: " . @spelt . ' forged, '
       . @fine . ' others');
}

# HTTP/2, whose names are lower case

my @bad;

for my $batch (@batches) {
    $up->clear;

    my @sent = map { [lc $_->[0], $_->[1]] }
               grep { $_->[0] ne 'Host' && $_->[0] !~ /[*!~.]/ } @$batch;

    http2_get($t->port('h2'), '/t/a', headers => \@sent);

    push @bad, map { check('HTTP/2', $_, \@sent) } $up->requests;
    push @bad, 'none' if $up->count != 1;
}

is(join("\n", @bad), '', 'HTTP/2');

# requests that do not parse, and whose page is proxied

$up->clear;
my $r = http($t->port, "GET /t/a HTTP/1.1\r\n"
             . join('', map { "$_: evil\r\n" } @spelt[0 .. 40])
             . "Host: a/b\r\n\r\n");
is($r->status, 200, 'a page for what does not parse');
is(join(' ', map { $_->[0] } grep { $_->[1] =~ /evil/ } $up->last->headers),
   '', 'nothing forged with it');

# a server without Weir: stripped as well, once weir_auth stands anywhere

$up->clear;
@bad = ();

for my $batch (@batches) {
    http_request($t->port('other'), 'GET', '/t/a', headers => $batch);
}

is(join("\n", map { check('other', $_, []) } $up->requests), '',
   'another server');

# with an identity: ours, once

for my $path ('/t/a', '/other/x') {
    my $name = $path eq '/t/a' ? 'X-Subject-Is' : 'X-Other-Is';

    for my $spelling (spellings($name)) {
        $up->clear;
        http_get($t->port, $path, headers => [
            [$spelling, 'evil'], [bearer('alice')], [$spelling, 'evil']]);

        my @values = map { $_->[1] }
                     grep { ($_->[0] =~ tr/a-zA-Z0-9/-/cr) =~ /^$name$/i }
                     $up->last->headers;
        is(join('|', @values), 'alice', "$path: $spelling");
    }
}

is(join('|', map { defined ? $_ : () } $up->last->header('X-Subject-Is')), '',
   'no header of another location');

# without one: none

$up->clear;
http_get($t->port, '/t/a', headers => ['X-Subject-Is', 'evil']);
is(join('|', grep { defined } $up->last->header('X-Subject-Is')), '',
   'no identity, no header');

# from upstream

$r = http_get($t->port, '/t/answer');
is(join('|', grep { defined } map { scalar $r->header($_) }
             'X-Weir-Subject', 'X-Weir-X', 'X-Weir-Y'), '',
   'nothing of ours comes from upstream');
is($r->header('X-Weirdo'), 'fine', 'other headers do');
is(scalar(() = $r->header('X-Request-Id')), 1, 'one request id');
isnt($r->header('X-Request-Id'), 'evil', 'which is ours');

# the lists are told at start

like($t->error_log, qr/weir_strip_headers.*X-Tenant/i, 'what is added is told');
like($t->error_log, qr/weir_pass_headers.*X-User-Agent-Hint/i,
     'what is exempt too');

# what cannot be named

for my $name (qw(Host host Connection Content-Length Transfer-Encoding
                 Ho* H* Connectio* C* Content-* T* Transfer* Content_Length
                 * ''))
{
    my $c = Weir::Test->new->allow(qr/\[emerg\]/);

    for my $directive (qw(weir_strip_headers weir_pass_headers)) {
        my ($rc, $out) = $c->test_config("events {}\nhttp {\n"
                                         . "$directive X-A $name;\n}\n");

        next if $directive eq 'weir_pass_headers' && $rc == 0;
        is($rc, 1, "$directive $name");
        like($out, qr/\[emerg\].* in \S+:3$/m, 'refused');
    }
}

for my $name (qw(X-Subject-Is x_subject_is X-Sub* X-Subject-Is*)) {
    my $c = Weir::Test->new->allow(qr/\[emerg\]/);
    my $issuer = issuer($c);
    my ($rc, $out) = $c->test_config("events {} http { $issuer" . <<"EOF2");
    weir_pass_headers  $name;
    weir_auth          corp;
    weir_policy        off;
    weir_identity_header  X-Subject-Is \$weir_subject;
    server { }
}
EOF2
    is($rc, 1, "an identity header cannot be passed: $name");
    like($out, qr/"weir_pass_headers"\ names\ "x-sub\S+",\ and
                 \ "weir_identity_header"\ sets\ "x-subject-is"/x, 'and why');
}

done_testing();
