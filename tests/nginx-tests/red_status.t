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

$t->http_conf(<<'END');
weir_bundle %%TESTDIR%%/policies;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_proxy%% proxy_protocol;

    location = /metrics { weir_policy off; weir_metrics; }
    location = /api     { weir_policy off; weir_api; }

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

done_testing();


sub behind {
    my ($line, $path) = @_;

    my $c = Weir::Net->new(port => $t->port('proxy'));
    $c->send("PROXY $line\r\nGET $path HTTP/1.1\r\nHost: localhost\r\n"
             . "Connection: close\r\n\r\n");

    return $c->read_all;
}
