# security.md 1.6: a header or a query parameter that an upstream could read
# otherwise than the policy did is unknown to it: it grants nothing, and a
# deny stands.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::CGI;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');
my $cgi = Weir::CGI->new($t, port => 'cgi', protocol => 'fastcgi');

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;

permit tenant { who anyone; what GET, POST /tenant/**;
                if has header("x-tenant") && header("x-tenant") == "acme"; }
permit mode   { who anyone; what GET /mode/**;
                if has query("mode") && query("mode") == "read"; }
permit flag   { who anyone; what GET /flag/**; }
deny no-flag   { what * /flag/**; if has query("admin"); }
permit open   { who anyone; what GET /open/**; }
deny no-open   { what * /open/**;
                if has header("x-role") && header("x-role") == "admin"; }
EOF2

$t->http_conf(<<'EOF2');
weir_bundle  %%TESTDIR%%/policies;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    underscores_in_headers  on;
    weir_policy  p;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location ~ /cgi {
        fastcgi_pass   127.0.0.1:%%PORT_cgi%%;
        fastcgi_param  REQUEST_METHOD  $request_method;
        fastcgi_param  REQUEST_URI     $request_uri;
    }
}
EOF2

$t->run;

sub head { return join '', map { "$_\r\n" } @_ }

my @cases = (
    # target, headers, does it pass?

    ['/tenant/x', head('X-Tenant: acme'), 1],
    ['/tenant/x', head('x-tenant: acme'), 1],
    ['/tenant/x', head('X-TENANT:   acme   '), 1],
    ['/tenant/x', head('X-Tenant: evil')],
    ['/tenant/x', ''],
    ['/tenant/x', head('X-Tenant:')],
    ['/tenant/x', head('X-Tenant: acme', 'X-Tenant: evil')],
    ['/tenant/x', head('X-Tenant: evil', 'X-Tenant: acme')],
    ['/tenant/x', head('X-Tenant: acme', 'X-Tenant: acme')],
    ['/tenant/x', head('X-Tenant: acme', 'x-tenant: evil')],
    ['/tenant/x', head('X-Tenant: acme', 'X-Tenant:')],
    ['/tenant/x', head('X-Tenant: acme', 'X_Tenant: evil')],
    ['/tenant/x', head('X_Tenant: evil', 'X-Tenant: acme')],
    ['/tenant/x', head('X_Tenant: acme')],
    ['/tenant/x', head('x_tenant: acme')],
    ['/tenant/x', head('X-Tenant: acme, evil')],
    ['/tenant/x', head('X-Tenant: acme;evil')],
    ['/tenant/x', head('X-Tenant: Acme')],
    ['/tenant/x', head("X-Tenant: acme\tevil")],
    ['/tenant/x', head("X-Tenant: acme\x01")],
    ['/tenant/x', head('X-Tenants: acme')],

    ['/mode/x?mode=read', '', 1],
    ['/mode/x?a=b&mode=read&c', '', 1],
    ['/mode/x?mode=re%61d', '', 1],
    ['/mode/x?m%6fde=read', '', 1],
    ['/mode/x?mode=read&', '', 1],
    ['/mode/x?&mode=read', '', 1],
    ['/mode/x?mode=write'],
    ['/mode/x?mode=read&mode=write'],
    ['/mode/x?mode=write&mode=read'],
    ['/mode/x?mode=read&mode=read'],
    ['/mode/x?mode=read&m%6fde=write'],
    ['/mode/x?mode=read&mode'],
    ['/mode/x?mode=read&mode='],
    ['/mode/x?mode=read#&mode=write'],
    ['/mode/x?mode=read%00'],
    ['/mode/x?mode=read%00&mode=write'],
    ['/mode/x?mode=read&x=%zz', '', 1],
    ['/mode/x?mode=read&m%zzde=write'],
    ['/mode/x?mode%00=read'],
    ['/mode/x?Mode=read'],
    ['/mode/x?mode=read;mode=write'],
    ['/mode/x?mode=read+'],
    ['/mode/x?mode[]=read'],
    ['/mode/x%3fmode=read'],
    ['/mode/x?x?mode=read'],
    ['/mode/x'],

    ['/flag/x', '', 1],
    ['/flag/x?other=1', '', 1],
    ['/flag/x?administrator=1', '', 1],
    ['/flag/x?x=admin', '', 1],
    ['/flag/x?admin'],
    ['/flag/x?admin='],
    ['/flag/x?admin=1'],
    ['/flag/x?a=b&admin=1'],
    ['/flag/x?a=b&admin=1&admin=0'],
    ['/flag/x?%61dmin=1'],
    ['/flag/x?adm%69n'],
    ['/flag/x?#&admin=1'],
    ['/flag/x?a#&admin=1'],
    ['/flag/x?adm%zzin'],
    ['/flag/x?admin%00'],
    ['/flag/x?a%00=1&b'],

    ['/open/x', '', 1],
    ['/open/x', head('X-Role: user'), 1],
    ['/open/x', head('X-Role: admin')],
    ['/open/x', head('X-Role: user', 'X-Role: admin')],
    ['/open/x', head('X-Role: admin', 'X-Role: user')],
    ['/open/x', head('X-Role: user', 'X_Role: admin')],
    ['/open/x', head('X_Role: admin')],
    ['/open/x', head('x_ROLE: user')],
);

for my $case (@cases) {
    my ($target, $headers, $passes) = @$case;
    $headers = '' unless defined $headers;

    for my $way ('', '/cgi') {
        my $to = $target =~ s{^(/\w+)}{$1$way}r;
        my $upstream = $way ? $cgi : $up;

        $upstream->clear;
        my $r = http($t->port, "GET $to HTTP/1.1\r\nHost: localhost\r\n"
                     . "${headers}Connection: close\r\n\r\n");

        (my $name = "$to $headers") =~ s/\r\n/ | /g;
        $name =~ s/([^ -~])/sprintf '\x%02x', ord $1/ge;

        is($upstream->count, $passes ? 1 : 0, $name);
        like($r->status, $passes ? qr/^200$/ : qr/^40[03]$/, 'status');
    }
}

# HTTP/2

for my $case (
    [['x-tenant' => 'acme'], 1],
    [['x-tenant' => 'acme', 'x-tenant' => 'evil']],
    [['x-tenant' => 'acme', 'x_tenant' => 'evil']],
    [['x_tenant' => 'acme']],
    [['x-tenant' => "acme\0"]],
) {
    my ($headers, $passes) = @$case;

    $up->clear;
    http2_get($t->port('h2'), '/tenant/x', headers => $headers);
    is($up->count, $passes ? 1 : 0, 'HTTP/2: ' . join ' ', @$headers);
}

# what comes behind the body is nobody's header

$up->clear;
my $r = http($t->port, "POST /tenant/x HTTP/1.1\r\nHost: localhost\r\n"
             . "Transfer-Encoding: chunked\r\nTrailer: X-Tenant\r\n"
             . "Connection: close\r\n\r\n1\r\na\r\n0\r\n"
             . "X-Tenant: acme\r\n\r\n");
is($r->status . ' ' . $up->count, '403 0', 'a trailer grants nothing');

$r = http($t->port, "POST /tenant/x HTTP/1.1\r\nHost: localhost\r\n"
          . "X-Tenant: acme\r\nTransfer-Encoding: chunked\r\n"
          . "Connection: close\r\n\r\n1\r\na\r\n0\r\nX-Tenant: evil\r\n"
          . "X-Weir-Subject: evil\r\n\r\n");
is($r->status . ' ' . $up->count, '200 1', 'beside a header');
is(join('|', $up->last->header('X-Tenant')), 'acme', 'it does not go on');
is($up->last->header('X-Weir-Subject'), undef, 'as a header');
is(scalar @{ $up->last->{trailers} }, 0, 'nor as a trailer');

$up->clear;
$r = http2_request($t->port('h2'), 'POST', '/tenant/x', body => 'a',
                   headers => ['x-tenant' => 'acme'],
                   trailers => ['x-tenant' => 'evil']);
like(join('|', map { $_->header('X-Tenant') } $up->requests), qr/^(?:acme)?$/,
     'HTTP/2: nor there');

done_testing();
