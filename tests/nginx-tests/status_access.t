# Who may see weir_metrics and weir_api where no policy stands: this machine,
# by no proxy, for a name of the server; and by which methods.

use Weir::Test;

my $t = Weir::Test->new;

my $pages = 'location = /metrics { weir_metrics; }'
            . ' location = /api { weir_api; }';

$t->http_conf(<<"END");
    weir_trace on;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_proxied%% proxy_protocol;
        listen unix:%%TESTDIR%%/status.sock;
        server_name gw.example .wild.example *.star.example pre.*
                    "~^re\\d+\\.example\$" "";
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Real-Client;

        $pages

        location /plain { return 200 plain; }
        location /internal { rewrite ^ /metrics last; }
        location /any {
            satisfy any;
            allow all;
            location = /any/metrics { weir_metrics; }
        }
    }
    server {
        listen 127.0.0.1:%%PORT_h2%% @{[ $t->version >= 1025001 ? ';http2 on'
                                                                : 'http2' ]};
        $pages
    }
END
$t->run;

sub status {
    my ($page, @headers) = @_;
    return http_get($t->port, $page, headers => \@headers)->status;
}


for my $page ('/metrics', '/api') {

    # names

    for my $host (qw(localhost LOCALHOST localhost:8080 127.0.0.1
                     127.0.0.1:1 [::1] [::1]:8080 localhost. gw.example
                     GW.EXAMPLE:80 wild.example a.wild.example
                     a.b.wild.example a.star.example pre.example re7.example))
    {
        is(status($page, Host => $host), 200, "$page: Host $host");
    }

    for my $host (qw(evil.example gw.example.evil.example agw.example
                     localhost.evil.example 127.0.0.2 10.0.0.1 [::2]
                     127.0.0.1.evil.example notwild.example star.example
                     apre.example rex.example _ 0 2130706433 0x7f000001))
    {
        is(status($page, Host => $host), 403, "$page: Host $host");
    }

    # what a proxy adds

    for (['X-Forwarded-For', '127.0.0.1'], ['X-Forwarded-For', ''],
         ['x-forwarded-for', '10.0.0.1'], ['Forwarded', 'for=127.0.0.1'],
         ['X-Real-IP', '127.0.0.1'], ['X-Forwarded-Host', 'localhost'],
         ['X-Forwarded-Proto', 'https'], ['Via', '1.1 squid'],
         ['X-Client-IP', '1.2.3.4'], ['True-Client-IP', '1.2.3.4'],
         ['CF-Connecting-IP', '1.2.3.4'])
    {
        is(status($page, @$_), 403, "$page: @$_");
    }

    is(status($page, 'X-Forward' => 1, 'X-Realm' => 1, 'Viaduct' => 1), 200,
       "$page: other headers are no forwarding headers");

    # methods

    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND get GETS)) {
        my $r = http_request($t->port, $method, $page);
        next if $method eq 'get' && $r->status == 400;    # newer nginx

        is($r->status, 405, "$page: $method");
        is($r->header('Allow'), 'GET, HEAD', "$page: $method: Allow");
    }

    is(http_request($t->port, 'POST', $page, body => 'x' x 100,
                    headers => [Host => 'evil.example'])->status, 403,
       "$page: strangers learn no methods");

    is(http_request($t->port, 'GET', $page, body => 'x' x 100)->status, 200,
       "$page: a body is ignored");
}


# the answer to a stranger

{
    my $r = http_get($t->port, '/metrics', headers => [Host => 'evil.example']);

    is($r->header('Content-Type'), 'application/problem+json', 'problem+json');
    is($r->json->{status}, 403, 'status');
    unlike($r->body, qr/weir_/, 'no metric');
}


# no Host, two, an absolute target that differs

is(http($t->port, "GET /metrics HTTP/1.0\r\n\r\n")->status, 403, 'no Host');
is(http($t->port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
                  . "Host: localhost\r\n\r\n")->status, 400, 'two Hosts');

for my $r (http($t->port, "GET http://localhost/metrics HTTP/1.1\r\n"
                          . "Host: evil.example\r\nConnection: close\r\n\r\n"),
           http($t->port, "GET http://evil.example/metrics HTTP/1.1\r\n"
                          . "Host: localhost\r\nConnection: close\r\n\r\n"))
{
    isnt($r->status, 200, 'an absolute target that differs from Host');
}

is(http($t->port, "GET http://localhost/metrics HTTP/1.1\r\n"
                  . "Host: localhost\r\nConnection: close\r\n\r\n")->status,
   200, 'an absolute target that does not');


# the peer of the connection counts, not what realip makes of it

is(status('/metrics', 'X-Real-Client' => '203.0.113.9'), 200,
   'realip does not hide a local peer');
is(http_get($t->port('proxied'), '/metrics', preamble =>
            "PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n")->status, 403,
   'but who speaks the PROXY protocol is a proxy');
is(http_get(undef, '/metrics', unix => $t->path('status.sock'))->status, 403,
   'a unix socket\'s peer is unknown');
is(http_get(undef, '/metrics', unix => $t->path('status.sock'),
            headers => ['X-Real-Client' => '127.0.0.1'])->status, 403,
   'and realip cannot make it local');

is(http_get(undef, '/plain', unix => $t->path('status.sock'))->status, 200,
   'other locations are open to it');


# by other ways

is(status('/internal'), 200, 'a rewrite');
is(status('/internal', Host => 'evil.example'), 403, 'a rewrite, forbidden');
is(status('/any/metrics', Host => 'evil.example'), 403, 'satisfy any');


# HTTP/2

is(http2_get($t->port('h2'), '/metrics')->status, 200, 'h2');
is(http2_get($t->port('h2'), '/metrics', authority => 'evil.example')->status,
   403, 'h2: a foreign authority');
is(http2_get($t->port('h2'), '/metrics',
             headers => ['x-forwarded-for' => '127.0.0.1'])->status, 403,
   'h2: forwarded');

done_testing;
