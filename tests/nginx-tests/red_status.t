# A proxy on the same machine that speaks PROXY protocol forwards strangers
# from a loopback address, without any header: its listener shows no status.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit all { who anyone; what GET /with-policy; }
END

$t->file('html/f/page.html', 'a<!--#include virtual="/metrics" -->b');
$t->file('html/f/api.html', 'a<!--#include virtual="/api" -->b');

$t->http_conf(<<'END');
weir_bundle %%TESTDIR%%/policies;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_proxy%% proxy_protocol;

    location = /metrics { weir_policy off; weir_metrics; }
    location = /api     { weir_policy off; weir_api; }

    location /f/      { weir_policy off; ssi on; root %%TESTDIR%%/html; }
    location /added/  { weir_policy off; root %%TESTDIR%%/html;
                        add_after_body /metrics; }
    location /asked/  { weir_policy off; auth_request /metrics;
                        root %%TESTDIR%%/html; }
    location /copied/ { weir_policy off; mirror /api;
                        root %%TESTDIR%%/html; }

    location = /with-policy { weir_policy p; weir_metrics; }
}
END

$t->run;

for my $path ('/metrics', '/api') {
    is(http_get($t->port, $path)->status, 200, "$path directly");

    for my $line ('TCP4 203.0.113.9 192.0.2.1 40000 80', 'UNKNOWN',
                  'TCP4 127.0.0.1 127.0.0.1 40000 80',
                  'TCP6 2001:db8::9 ::1 40000 80')
    {
        like(behind($line, $path), qr{^HTTP/1\.1 403 }, "$path by $line");
    }
}

like(behind('TCP4 203.0.113.9 192.0.2.1 40000 80', '/with-policy'),
     qr{^HTTP/1\.1 200 }, 'what a policy permits is shown');

# as a part of another page it answers whoever sees it by itself

$t->file("html/$_/page.html", "ab\n") for 'added', 'asked', 'copied';

for my $path ('/f/page.html', '/f/api.html', '/added/page.html',
              '/asked/page.html', '/copied/page.html')
{
    is(http_get($t->port, $path)->status, 200, "$path, a subrequest");

    my $r = http_get($t->port, $path,
                     headers => ['X-Forwarded-For' => '203.0.113.9']);
    is($r->status, $path =~ /asked/ ? 403 : 200, "$path, forwarded");
    unlike($r->body, qr/weir_|uptime/, "$path, forwarded: shows nothing");
}

like(http_get($t->port, '/f/page.html')->body, qr/^a.*weir_build_info.*b$/s,
     'the included page');

for my $name ('Fastly-Client-IP', 'X-Envoy-External-Address', 'CDN-Loop') {
    is(http_get($t->port, '/metrics', headers => [$name => '203.0.113.9'])
       ->status, 403, "$name is a proxy's");
}

done_testing();


sub behind {
    my ($line, $path) = @_;

    my $c = Weir::Net->new(port => $t->port('proxy'));
    $c->send("PROXY $line\r\nGET $path HTTP/1.1\r\nHost: localhost\r\n"
             . "Connection: close\r\n\r\n");

    return $c->read_all;
}
