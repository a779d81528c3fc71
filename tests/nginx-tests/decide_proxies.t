#!/usr/bin/perl

# weir_decide asked by nginx's auth_request, Traefik's forwardAuth and Envoy's
# ext_authz: what they let through, what they do not, and what their clients
# cannot talk them into.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use Weir::Upstream;

my $peers = ($ENV{WEIR_BUILD} || Weir::Test->top . '/build') . '/peers';
my ($envoy) = glob "$peers/lib/python3*/site-packages/envoy/_bin/envoy*";

plan skip_all => "no $peers: scripts/deps could not reach PyPI"
    unless -x "$peers/bin/traefik" && $envoy;

my $t = Weir::Test->new;
my $issuer = issuer($t);
my $up = Weir::Upstream->new($t, port => 'up');

$t->make_cert('server');
$t->make_cert('ca', is_ca => 1);
$t->make_cert('proxy', ca => 'ca', san => 'URI:spiffe://corp.test/proxy');

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;

schema from corp { claim sub string; }

permit own    { who issuer corp; what GET, PUT, MOVE /u/{user}/**;
                if claim.sub == path.user; }
permit public { who anyone; what GET /public/**; }
permit query  { who anyone; what GET /query; if has query("q")
                && query("q") == "a b"; }
permit host   { who anyone; what GET /host; host api.test; }
permit inside { who anyone; what GET /inside; from 10.0.0.0/8; }
permit local  { who anyone; what GET /local; from 127.0.0.0/8; }
permit any    { who anyone; what GET /hdr; what GET /hash; }
deny   tenant { what * /hdr;
                if has header("x-tenant") && header("x-tenant") != "a"; }
deny   hash   { what * /hash; if has query("x") && query("x") == "1"; }
deny   gone   { what * /gone/**; status 451; }
END

$t->file('policies/askers.policy', <<'END');
language 1;
policy askers;
permit proxy { who anyone; what * /asked/**;
               if has tls.spiffe && tls.spiffe == "spiffe://corp.test/proxy"; }
END

# The asking nginx has no policy of its own.

$t->http_conf(<<END);
    weir_zone   8m;
    weir_bundle policies;
    $issuer

    server {
        listen 127.0.0.1:%%PORT_weir%% ssl;

        ssl_certificate        %%TESTDIR%%/server.crt;
        ssl_certificate_key    %%TESTDIR%%/server.key;
        ssl_client_certificate %%TESTDIR%%/ca.crt;
        ssl_verify_client      on;
        ssl_session_tickets    off;

        location /asked {
            weir_auth            corp optional;
            weir_policy          askers;
            weir_identity_header X-Corp-Subject \$weir_subject;
            weir_decide          orders;

            set_real_ip_from     127.0.0.1;
            real_ip_header       X-Forwarded-For;
        }

        location = /health { weir_health ready; }
    }

    server {
        listen 127.0.0.1:%%PORT_nginx%%;
        weir_default open;

        location / {
            auth_request     /_ask;
            auth_request_set \$who \$upstream_http_x_corp_subject;
            proxy_set_header X-Corp-Subject \$who;
            proxy_pass       http://127.0.0.1:%%PORT_up%%;
        }

        location = /_ask {
            internal;
            proxy_pass                https://127.0.0.1:%%PORT_weir%%/asked;
            proxy_ssl_certificate     %%TESTDIR%%/proxy.crt;
            proxy_ssl_certificate_key %%TESTDIR%%/proxy.key;
            proxy_ssl_session_reuse   off;    # nginx never frees the last
            proxy_pass_request_body   off;
            proxy_set_header          Content-Length "";
            proxy_set_header          X-Original-Method \$request_method;
            proxy_set_header          X-Original-URI \$request_uri;
            proxy_set_header          X-Original-Host \$host;
            proxy_set_header          X-Forwarded-For \$remote_addr;
        }
    }
END

$t->run;


# Traefik

my $traefik = $t->port('traefik');

$t->file('dynamic.yml', $t->expand(<<'END'));
http:
  routers:
    all: { rule: "PathPrefix(`/`)", service: up, middlewares: [weir],
           entryPoints: [web] }
  middlewares:
    weir:
      forwardAuth:
        address: "https://localhost:%%PORT_weir%%/asked"
        authResponseHeaders: [X-Corp-Subject]
        tls:
          ca: %%TESTDIR%%/server.crt
          cert: %%TESTDIR%%/proxy.crt
          key: %%TESTDIR%%/proxy.key
  services:
    up: { loadBalancer: { servers: [{ url: "http://127.0.0.1:%%PORT_up%%" }] } }
END

my $dir = $t->dir;

$t->spawn(sub {
    open STDOUT, '>', "$dir/traefik.log";
    open STDERR, '>&', \*STDOUT;
    exec "$peers/bin/traefik", "--entryPoints.web.address=127.0.0.1:$traefik",
         "--providers.file.filename=$dir/dynamic.yml",
         '--global.checkNewVersion=false', '--global.sendAnonymousUsage=false';
});


# Envoy

my $type = 'type.googleapis.com/envoy.extensions';

# A cluster of one address

sub cluster {
    my ($name, $port, @more) = @_;

    return <<END;
  - name: $name
    load_assignment:
      cluster_name: $name
      endpoints:
      - lb_endpoints:
        - endpoint:
            address:
              socket_address: { address: 127.0.0.1, port_value: %%PORT_$port%% }
@more
END
}

my $up_cluster = cluster('up', 'up');
my $weir_cluster = cluster('weir', 'weir', <<END);
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "\@type": $type.transport_sockets.tls.v3.UpstreamTlsContext
        sni: localhost
        common_tls_context:
          tls_certificates:
          - certificate_chain: { filename: %%TESTDIR%%/proxy.crt }
            private_key: { filename: %%TESTDIR%%/proxy.key }
          validation_context:
            trusted_ca: { filename: %%TESTDIR%%/server.crt }
END

my $manager = 'network.http_connection_manager';

$t->file('envoy.yml', $t->expand(<<END));
static_resources:
  listeners:
  - address:
      socket_address: { address: 127.0.0.1, port_value: %%PORT_envoy%% }
    filter_chains:
    - filters:
      - name: envoy.filters.$manager
        typed_config:
          "\@type": $type.filters.$manager.v3.HttpConnectionManager
          stat_prefix: in
          use_remote_address: true
          common_http_protocol_options:
            headers_with_underscores_action: REJECT_REQUEST
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{ match: { prefix: "/" }, route: { cluster: up } }]
          http_filters:
          - name: envoy.filters.http.ext_authz
            typed_config:
              "\@type": $type.filters.http.ext_authz.v3.ExtAuthz
              allowed_headers:
                patterns:
                - { prefix: x- }
                - { exact: content-type }
                - { exact: destination }
              http_service:
                server_uri:
                  uri: "https://localhost"
                  cluster: weir
                  timeout: 5s
                path_prefix: /asked
                authorization_response:
                  allowed_upstream_headers:
                    patterns: [{ exact: x-corp-subject }]
          - name: envoy.filters.http.router
            typed_config:
              "\@type": $type.filters.http.router.v3.Router
  clusters:
$up_cluster
$weir_cluster
END

$t->spawn(sub {
    open STDOUT, '>', "$dir/envoy.log";
    open STDERR, '>&', \*STDOUT;
    exec $envoy, '-c', "$dir/envoy.yml", '--disable-hot-restart',
         '--concurrency', 1;
});


# The status, and who the upstream was told that it is: "-" not asked.

sub through {
    my ($proxy, $method, $target, @headers) = @_;

    $up->clear;
    my $r = http_request($t->port($proxy), $method, $target,
                         headers => \@headers);
    my ($got) = $up->requests;

    return $r->status . ' ' . (!$got ? '-'
                               : $got->header('X-Corp-Subject') || 'nobody');
}

for my $proxy (qw(nginx traefik envoy)) {

    wait_for {
        eval { http_get($t->port($proxy), '/public/x')->status == 200 };
    } 30, "$proxy answers";

    my @alice = bearer('alice');
    my $as = sub { through($proxy, @_, @alice) };

    is($as->('GET', '/u/alice/x'), '200 alice', "$proxy: her own");
    is($as->('PUT', '/u/alice/x'), '200 alice', "$proxy: a method");
    is($as->('DELETE', '/u/alice/x'), '403 -', "$proxy: another");
    is($as->('GET', '/u/bob/x'), '403 -', "$proxy: another's");
    is($as->('GET', '/query?q=a+b'), '200 alice', "$proxy: the query");
    is($as->('GET', '/query?q=c'), '403 -', "$proxy: another query");
    is($as->('GET', '/host', Host => 'api.test'), '200 alice',
       "$proxy: the host");
    is($as->('GET', '/host'), '403 -', "$proxy: another host");
    is($as->('GET', 'http://api.test/host', Host => 'b.test'), '200 alice',
       "$proxy: the host of an absolute form");
    is($as->('GET', 'http://b.test/host', Host => 'api.test'), '403 -',
       "$proxy: not that beside it");
    like($as->('MOVE', '/u/alice/x', Destination => '/u/bob/x'),
         qr/^(?:403|400|500) -$/, "$proxy: another's by MOVE");
    like($as->('GET', $_), qr/^(?:400|403) -$/, "$proxy: $_")
        for '/../health', '/%2e%2e/health', '/..%2fhealth',
            '/public/../../health';
    for my $type ('application/grpc', 'application/grpc+proto') {
        my @type = ('Content-Type' => $type);

        # Envoy's own refusal of such a request is a 200

        like($as->('GET', '/u/bob/x', @type), qr/^(?:403|200) -$/,
             "$proxy: $type");
        like($as->('POST', '/u/bob/x', @type), qr/^(?:403|200) -$/,
             "$proxy: POST $type");
        like(through($proxy, 'GET', '/u/bob/x', @type), qr/^(?:401|200) -$/,
             "$proxy: $type of nobody");
        is($as->('GET', '/u/alice/x', @type), '200 alice',
           "$proxy: $type, permitted");
    }

    is(through($proxy, 'GET', '/public/x', 'X-Corp-Subject', 'root'),
       '200 nobody', "$proxy: who nobody says that he is");
    unlike(through($proxy, 'GET', '/public/x', 'X_Corp_Subject', 'root'),
           qr/root/, "$proxy: spelt in another way");
    is(through($proxy, 'GET', '/inside', 'X-Forwarded-For', '10.9.9.9'),
       '401 -', "$proxy: the client's address is not what it says");
    is($as->('GET', '/hdr', 'X-Tenant', 'a'), '200 alice', "$proxy: a field");
    is($as->('GET', '/hdr', 'X-Tenant', 'b'), '403 -', "$proxy: a deny's");
    like($as->('GET', '/hdr', 'X-Tenant', 'a', 'X-Tenant', 'b'),
         qr/^(?:400|403) -$/, "$proxy: twice");
    is($as->('GET', '/u/alice/x', 'If-Match', '"v1"'), '200 alice',
       "$proxy: a condition");

    my $other = $as->('GET', '/hdr', 'X_Tenant', 'b');
    my ($got) = $up->requests;

    is($got ? join(' ', grep { /tenant/i } map { $_->[0] } $got->headers)
       : '', '',
       "$proxy: spelt in another way ($other)");
    is($as->('GET', '/hash?x=1'), '403 -', "$proxy: a deny of a query");
    like($as->('GET', '/hash?x=1#'), qr/^(?:400|403|500) -$/,
         "$proxy: not escaped by #");
    is($as->('POST', '/access/v1/evaluation'), '403 -',
       "$proxy: no endpoint of AuthZEN");
    is($as->('GET', '/u/alice/x', 'X-Corp-Subject', 'root'), '200 alice',
       "$proxy: who it is");

    is(through($proxy, 'GET', '/public/x'), '200 nobody', "$proxy: nobody");
    is(through($proxy, 'GET', '/u/alice/x'), '401 -',
       "$proxy: a credential is missing");
    is(through($proxy, 'GET', '/public/x', Authorization => 'Bearer x'),
       '401 -', "$proxy: a bad one");

    # auth_request knows 401 and 403 only

    is($as->('GET', '/gone/x'), $proxy eq 'nginx' ? '500 -' : '451 -',
       "$proxy: a deny's status");
    is($as->('GET', '/public/%2e%2e/gone/x') =~ /^(?:400|500|451) -$/, 1,
       "$proxy: an ambiguous path");

    for ([qw(X-Original-URI /public/x X-Original-Method GET)],
         [qw(X-Forwarded-Uri /public/x X-Forwarded-Method GET)],
         [qw(X-Original-URI /public/x)], [qw(X-Forwarded-Uri /public/x)],
         [qw(X-Forwarded-Method GET)], [qw(X-Original-Method GET)],
         [qw(X-Original-URL /public/x)], [qw(X-HTTP-Method-Override GET)])
    {
        like($as->('GET', '/u/bob/x', @$_), qr/^(?:400|403|500) -$/,
             "$proxy: cannot be talked into by $_->[0]");
    }
}

# nginx tells of each answer of auth_request that it does not know

$t->allow(qr/auth request unexpected status/);

# who asks is gone: nobody is let through

$t->stop;
like(eval { through('traefik', 'GET', '/public/x') } || '-', qr/^5\d\d -$/,
     'Traefik without Weir');
like(eval { through('envoy', 'GET', '/public/x') } || '-',
     qr/^(?:403|5\d\d) -$/, 'Envoy without Weir');

$t->done_testing;
