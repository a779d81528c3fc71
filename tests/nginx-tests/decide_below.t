#!/usr/bin/perl

# Questions below a location (Envoy's path_prefix): what the client adds to the
# prefix, and its Host, never lead to anything else that answers 200.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;

my $t = Weir::Test->new;
my $issuer = issuer($t);

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
permit all { who issuer corp; what GET /public/**; }
END

$t->file('html/index.html', 'page');
$t->file('html/asked/x.png', 'picture');

$t->http_conf(<<END);
    weir_zone   8m;
    weir_bundle policies;
    $issuer

    server {
        listen 127.0.0.1:%%PORT_0%% default_server;
        server_name ask.test;
        error_page 400 404 405 414 494 505 = /index.html;

        location /asked {
            weir_auth   corp;
            weir_policy off;
            weir_decide orders;
        }

        location /asked/open { weir_policy off; return 200; }
        location /asked/access/v1 {
            weir_auth   corp;
            weir_policy off;
            weir_decide orders;
        }

        location = /health  { weir_health ready; }
        location = /moved   { weir_policy off; return 200; }
        location /          { weir_policy off; root html;
                              try_files \$uri /index.html; }
        location ~ \\.png\$ { weir_policy off; root html; }
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        server_name other.test;
        weir_policy off;
        error_page 400 = /index.html;
        location / { root html; try_files \$uri /index.html; }
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        server_name returns.test;
        weir_policy off;
        return 200;
    }

    server {
        listen 127.0.0.1:%%PORT_far%%;
        server_name ask.test;
        weir_policy off;
        location / { return 200; }
    }

    server {
        listen 127.0.0.1:%%PORT_exact%%;
        weir_policy off;
        location = /asked { weir_auth corp; weir_decide orders; }
        location / { return 200; }
    }

    server {
        listen 127.0.0.1:%%PORT_root%%;
        weir_policy off;
        location / { weir_auth corp; weir_decide orders; }
        location = /health { weir_health ready; }
    }
END

$t->run;

sub status {
    my ($target, %o) = @_;

    return http_request($t->port($o{port} || 0), 'GET', $target,
        headers => [Host => $o{host} || 'ask.test', bearer('alice')])->status;
}

is(status('/asked/public/x'), 200, 'a permit');
is(status('/asked/private'), 403, 'a deny');

for my $path ('/../health', '/%2e%2e/health', '/x/../../health', '/..%2fhealth',
              '/../moved', '/../index.html', '/../nothing', '/./../health',
              '/..//health', '/public/../../health', '/../../asked/../health',
              '/x.png', '/open', '/open/x', '/access/v1/evaluation')
{
    is(status("/asked$path"), 400, "below the prefix: $path");
}

is(status('//asked/../health'), 200, 'what is not below it is no question');
is(status('/health'), 200, 'a page');
is(status('/index.html'), 200, 'another');
is(status('/asked/public/../public/x'), 400,
   'what comes back to the location passes its gate');

for my $host (qw(other.test returns.test)) {
    is(status('/asked/public/x', host => $host), 400, "$host is not asked");
    is(status('/index.html', host => $host), 200, 'and is there');
}

is(status('/asked/private', host => 'nobody.test'), 403,
   'of an unknown host the default server is asked');
is(status('/asked/private', port => 'far'), 200, 'another address has its own');
is(status('/asked/private', port => 'exact'), 200,
   'an exact location has nothing below it');
is(status('/public/x', port => 'root'), 200, 'all of a server: a permit');
is(status('/health', port => 'root'), 400,
   'a question about /health is none for a page of that name');

# what nginx itself refuses, before it looks for a location

for my $raw ("GET /asked/%zz HTTP/1.1", "GET /asked/%00 HTTP/1.1",
             "GET /asked/x HTTP/9.9",
             "GET /asked/" . 'x' x 20_000 . " HTTP/1.1",
             "GET /asked/x HTTP/1.1\r\nX-Large: " . 'x' x 40_000,
             "POST /asked/x HTTP/1.1\r\nContent-Length: x")
{
    for my $host (qw(ask.test other.test)) {
        my $r = http($t->port, "$raw\r\nHost: $host\r\n"
            . "Connection: close\r\n\r\n");

        cmp_ok($r->status, '>=', 400, "$host refuses "
               . (substr $raw, 0, 40) =~ tr/\r\n/  /r);
    }
}

my @grpc = ('Content-Type', 'application/grpc');

for my $case (['ask.test', '/asked/../health'], ['other.test', '/asked/x'],
              ['returns.test', '/asked/x'])
{
    is(http_get($t->port, $case->[1], headers => [Host => $case->[0], @grpc,
                bearer('alice')])->status, 400, "$case->[1] of gRPC");
}

is(http_get($t->port, '/asked/x', headers => [Host => 'ask.test', @grpc])
   ->status, 401, 'nobody, of gRPC');

like($t->error_log, qr/a question below "\/asked" leads to another location/,
     'and is told');

$t->done_testing;
