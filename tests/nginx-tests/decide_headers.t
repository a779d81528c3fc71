#!/usr/bin/perl

# weir_decide by headers: which request is meant, whose it is, what the answer
# carries; what could be read in two ways is denied.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use JSON::PP;

my $t = Weir::Test->new;
my $issuer = issuer($t);

$t->make_cert('server');
$t->make_cert('ca', is_ca => 1);
$t->make_cert('otherca', is_ca => 1);
$t->make_cert('proxy', ca => 'ca', san => 'URI:spiffe://corp.test/proxy');
$t->make_cert('other', ca => 'ca', san => 'URI:spiffe://corp.test/other');
$t->make_cert('stranger', ca => 'otherca',
              san => 'URI:spiffe://corp.test/proxy');

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;

schema from corp { claim sub string; }

permit own     { who issuer corp; what GET, PUT /u/{user}/**;
                 if claim.sub == path.user; log notice; }
permit public  { who anyone; what GET /public/**; }
permit root    { who issuer corp; what GET /; }
permit host    { who anyone; what GET /host; host api.test; }
permit https   { who anyone; what GET /https; if request.scheme == "https"; }
permit query   { who anyone; what GET /query;
                 if has query("q") && query("q") == "a b"; }
permit header  { who anyone; what GET /header;
                 if has header("x-a") && header("x-a") == "1"; }
permit list    { who anyone; what GET /list;
                 if has header("x-a") && header("x-a") == "a, b"; }
permit inside  { who anyone; what GET /inside; from 127.0.0.0/8; }
permit outside { who anyone; what GET /inside; from 192.0.2.0/24; }
permit spiffe  { who anyone; what GET /spiffe;
                 if has tls.spiffe
                 && tls.spiffe == "spiffe://corp.test/proxy"; }
permit headers { who issuer corp; what GET /headers;
                 set_header X-Tier "gold"; add_header X-Seen "yes";
                 split canary green; slo fast; }
permit files   { who anyone; what COPY, MOVE /files/**; host api.test; }
permit more    { who anyone; what * /more/**; limit few; }
permit limit   { who issuer corp; what GET /limit; limit few; }
deny   gone    { what * /gone/**; status 451; }
END

$t->file('policies/askers.policy', <<'END');
language 1;
policy askers;
permit proxy { who anyone; what * /asked/**;
               if has tls.spiffe && tls.spiffe == "spiffe://corp.test/proxy"; }
permit apps  { who issuer corp; what * /if/**; }
END

$t->http_conf(<<END);
    weir_zone   8m;
    weir_bundle policies;
    weir_decision_log %%TESTDIR%%/decisions.log;
    weir_quota few key=\$remote_addr rate=1000r/s;
    weir_split canary key=\$arg_u { green 0%; blue *; }
    weir_objective fast { availability 99%; }
    $issuer

    server {
        listen 127.0.0.1:%%PORT_0%%;

        weir_auth   corp;
        weir_policy off;
        weir_identity_header X-Corp-Subject \$weir_subject;

        location /decide { weir_decide orders; }
        location /slash/ { weir_decide orders; }
        location /word { weir_decide orders headers; }

        location /if {
            weir_policy askers;
            weir_decide orders;
            if (\$http_x_if) { set \$if 1; }
            limit_except GET { allow all; }
        }

        error_page 401 403 405 413 451 500 503 = /page;
        location = /page { weir_auth off; weir_policy off; return 200 page; }

        location /body {
            weir_decide          orders;
            client_max_body_size 1;
        }

        location /real {
            set_real_ip_from 127.0.0.1;
            real_ip_header   X-Forwarded-For;
            weir_decide      orders;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;

        ssl_certificate        %%TESTDIR%%/server.crt;
        ssl_certificate_key    %%TESTDIR%%/server.key;
        ssl_client_certificate %%TESTDIR%%/ca.crt;
        ssl_verify_client      optional;
        ssl_session_tickets    off;

        location /asked {
            weir_auth   corp optional;
            weir_policy askers;
            weir_decide orders;
        }

        location /anybody { weir_policy off; weir_decide orders; }
    }
END

$t->run;

my %style = (
    original  => [qw(X-Original-Method X-Original-URI X-Original-Host)],
    forwarded => [qw(X-Forwarded-Method X-Forwarded-Uri X-Forwarded-Host)],
);

# The answer to a question in a style, as alice unless as => [...]

sub ask {
    my ($style, $method, $target, %o) = @_;
    my @h = $o{as} ? @{ $o{as} } : bearer('alice');
    my $names = $style{$style};

    push @h, @{ $o{headers} || [] };

    if (!$names) {
        return http_request($o{port} || $t->port, $method,
            ($o{at} || '/decide') . $target, headers => [
                @h, Host => $o{host} || 'localhost'], %{ $o{tls} || {} });
    }

    return http_request($o{port} || $t->port, 'GET', $o{at} || '/decide',
        headers => [@h, $names->[0], $method, $names->[1], $target,
                    $o{host} ? ($names->[2], $o{host}) : ()],
        %{ $o{tls} || {} });
}


# which request is meant

for my $style (qw(original forwarded path)) {

    is(ask($style, 'GET', '/u/alice/x')->status, 200, "$style: her own");
    is(ask($style, 'PUT', '/u/alice/x')->status, 200, "$style: a method");
    is(ask($style, 'DELETE', '/u/alice/x')->status, 403, "$style: another");
    is(ask($style, 'GET', '/u/bob/x')->status, 403, "$style: another's");
    is(ask($style, 'GET', '/gone/x')->status, 451, "$style: a deny's status");
    is(ask($style, 'GET', '/query?q=a+b')->status, 200, "$style: the query");
    is(ask($style, 'GET', '/query?q=a+b&q=c')->status, 403,
       "$style: not twice");
    is(ask($style, 'GET', '/host', host => 'API.test:80')->status, 200,
       "$style: the host");
    is(ask($style, 'GET', '/host', host => 'b.test')->status, 403,
       "$style: another");
    is(ask($style, 'GET', '/header', headers => ['X-A', '1'])->status, 200,
       "$style: a header of the client's");
    is(ask($style, 'GET', '/public/x/%2e%2e/gone/x')->status, 400,
       "$style: an ambiguous path");
    is(ask($style, 'GET', '/public//x')->status, 400, "$style: another");
    is(ask($style, 'GET', '/query?q=a+b#')->status, 400, "$style: a #");
    is(ask($style, 'GET', '/header', headers => ['X_A', '1'])->status, 403,
       "$style: a header in another spelling");
    is(ask($style, 'GET', '/header', headers => ['X-A', '1', 'X_A', '2'])
       ->status, 403, "$style: in both");
    is(ask($style, 'GET', '/list', headers => ['X-A', 'a, b'])->status,
       $style eq 'path' ? 403 : 200, "$style: a header with a comma");

    for my $condition (['If-Match', '"v1"'], ['If-None-Match', '*'],
                       ['If-Unmodified-Since',
                        'Mon, 05 Jan 2026 10:00:00 GMT'])
    {
        is(ask($style, 'GET', '/u/alice/x', headers => $condition)->status,
           200, "$style: $condition->[0]");
    }

    is(ask($style, 'GET', '/u/bob/x',
           headers => ['Content-Type', 'application/grpc'])->status, 403,
       "$style: a deny for gRPC");
    is(ask($style, 'GET', '/u/alice/x',
           headers => ['X-HTTP-Method-Override', 'DELETE'])->status, 400,
       "$style: another method");
    is(ask($style, 'GET', '/')->status, 200, "$style: the root");
    is(ask($style, 'GET', '/public/x', as => [])->status, 401,
       "$style: nobody does not ask, whatever he asks about");
    is(ask($style, 'GET', '/u/alice/x', as => [Authorization => 'Bearer x'])
       ->status, 401, "$style: nor with a bad token");
    is(ask($style, 'GET', '/inside')->status, 403,
       "$style: the proxy's address is not the client's");
    is(ask($style, 'GET', '/inside', at => '/real',
           headers => ['X-Forwarded-For', '192.0.2.7'])->status, 200,
       "$style: what realip makes of it is");
}

is(ask('forwarded', 'GET', '/https', headers => ['X-Forwarded-Proto', $_])
   ->status, /https|wss/ ? 200 : 403, "the scheme $_")
    for qw(https http wss ws x);
is(ask('path', 'GET', '/https', headers => ['X-Forwarded-Proto', 'https'])
   ->status, 200, 'of Envoy, too');
is(ask('original', 'GET', '/https', headers => ['X-Forwarded-Proto', 'https'])
   ->status, 403, 'of auth_request it may be anybody\'s');
is(ask('path', 'GET', '/u/alice/x', at => '/slash')->status, 200,
   'a location with a final slash');
is(ask('forwarded', 'GET', '/u/alice/x', at => '/word')->status, 200,
   'and the word');


# in two ways, or in none

sub unclear {
    my ($at, $name, @headers) = @_;

    is(http_get($t->port, $at, headers => [bearer('alice'), @headers])->status,
       400, $name);
}

my @original = ('X-Original-Method', 'GET', 'X-Original-URI', '/u/alice/x');
my @forwarded = ('X-Forwarded-Method', 'GET', 'X-Forwarded-Uri', '/u/alice/x');

unclear('/decide', 'no header');
unclear('/decide', 'both', @original, @forwarded);
unclear('/decide', 'one and a part of the other', @forwarded,
        'X-Original-URI', '/u/alice/x');
unclear('/decide', 'the other way round', @original,
        'X-Forwarded-Method', 'GET');
unclear('/decide', 'no method', @original[2, 3]);
unclear('/decide', 'no target', @original[0, 1]);
unclear('/decide', 'a target twice', @original, 'X-Original-URI', '/u/bob/x');
unclear('/decide', 'a host twice', @original, 'X-Original-Host', 'a',
        'X-Original-Host', 'b');
unclear('/decide', 'no path', @original[0 .. 2], 'u/alice/x');
unclear('/decide', 'no method\'s bytes', 'X-Original-Method', 'G ET',
        @original[2, 3]);
unclear('/decide/u/alice/x', 'a path and headers', @original);
unclear('/decide/u/alice/x', 'a path and the other headers', @forwarded);
unclear('/decide/u/alice/x', 'a path and one header',
        'X-Forwarded-Method', 'GET');
unclear('/%64ecide/u/alice/x', 'a location spelt in another way');
unclear('/decidemore', 'and what is not below it', @original);


# COPY and MOVE write to another path

for my $style (qw(original forwarded path)) {
    for my $case (['/files/b', 200], ['/files/b?x=1', 200],
                  ['http://api.test/files/b', 200], ['/admin/b', 403],
                  ['/gone/b', 451], ['/files/../admin/b', 400],
                  ['http://b.test/files/b', 400], ['files/b', 400],
                  ['http://api.test:81/files/b', 400], ['', 400])
    {
        my ($to, $status) = @$case;

        is(ask($style, 'MOVE', '/files/a', host => 'api.test',
               headers => [Destination => $to])->status, $status,
           "$style: to \"$to\"");
    }

    is(ask($style, 'COPY', '/files/a', host => 'api.test')->status, 400,
       "$style: nowhere that it says");
    is(ask($style, 'COPY', '/files/a', host => 'api.test',
           headers => [Destination => '/files/b', Destination => '/files/c'])
       ->status, 400, "$style: to two");
    is(ask($style, 'MOVE', '/files/a', host => 'api.test',
           headers => [Destination => '/more/b'])->status, 500,
       "$style: what the other permit obliges to counts");
    is(ask($style, 'GET', '/u/alice/x',
           headers => [Destination => '/admin/b'])->status, 200,
       "$style: of another method it is nothing");
}


# an "if", whose condition the client may choose, changes no question

for my $style (qw(original forwarded path)) {
    for my $if ('', '1') {
        my %o = (at => '/if', headers => ['X-If', $if]);

        is(ask($style, 'GET', '/u/alice/x', %o)->status, 200,
           "$style: in an if");
        is(ask($style, 'GET', '/u/bob/x', %o)->status, 403,
           "$style: another's in an if");
    }
}


is(ask('path', 'PUT', '/u/alice/x', at => '/if')->status, 200,
   'limit_except');
is(ask('path', 'PUT', '/u/bob/x', at => '/if')->status, 403,
   "another's in limit_except");


# a page of the server's own is nobody's permit

is(http_get($t->port, '/page')->body, 'page', 'there is one');
is(http_request($t->port, 'PUT', '/body/u/bob/x',
                headers => [bearer('alice')], body => 'large')->status, 413,
   'not of what nginx itself refuses');


# what the answer carries

my $r = ask('original', 'GET', '/headers',
            headers => ['X-Corp-Subject', 'mallory', 'X-Tier', 'platinum']);

is($r->status, 200, 'a permit with headers');
is($r->header('X-Corp-Subject'), 'alice', 'who it is');
is($r->header('X-Tier'), 'gold', 'set_header');
is($r->header('X-Seen'), 'yes', 'add_header');
is($r->header('Cache-Control'), 'no-store', 'not for a cache');
is($r->header('Content-Length'), 0, 'no body');

$r = ask('original', 'GET', '/u/bob/x');
is($r->header('X-Corp-Subject'), undef, 'a deny tells nothing');
like($r->header('Content-Type'), qr{application/problem\+json},
     'but why, as the gateway would');

is(ask('original', 'GET', '/limit')->status, 500,
   'a quota that nobody would charge permits nothing');
like($t->error_log, qr/permits with "limit few", which no other proxy/,
     'and says so');
like($t->error_log, qr/rule "own" of policy "orders" permits the request/,
     'effect log');


# who asks, by a certificate

sub tls {
    my ($cert) = @_;

    return { tls => { $cert ? (SSL_cert_file => $t->path("$cert.crt"),
                               SSL_key_file => $t->path("$cert.key")) : () } };
}

sub with {
    my ($cert, $target, %o) = @_;

    return ask('path', 'GET', $target, at => $o{at} || '/asked', as => [],
               port => $t->port('tls'), tls => tls($cert), %o)->status;
}

is(with('proxy', '/public/x'), 200, 'of an anonymous client');
is(with('proxy', '/u/alice/x'), 401, 'who lacks a credential');
is(with('proxy', '/u/alice/x', as => [bearer('alice')]), 200, 'of alice');
is(with('proxy', '/u/bob/x', as => [bearer('alice')]), 403, 'not as bob');
is(with('proxy', '/u/alice/x', as => [Authorization => 'Bearer x']), 401,
   'a bad token is none');
is(with('proxy', '/spiffe'), 401,
   "the proxy's certificate is not the client's");
is(with('other', '/public/x'), 401, 'a proxy that may not ask');
is(with('other', '/public/x', as => [bearer('alice')]), 403,
   'not with a token either');
is(with(undef, '/public/x'), 401, 'nobody asks');
is(with('other', '/public/x', at => '/anybody'), 200,
   'without a policy any proxy does');
is(with(undef, '/public/x', at => '/anybody'), 401, 'but not nobody');
is(with('other', '/public/x', at => '/anybody',
        headers => ['X-HTTP-Method-Override', 'DELETE']), 400,
   'without a policy the gates are the same');
is(with('stranger', '/public/x', at => '/anybody'), 400,
   'nor with a certificate of others');


# the record is of what was asked about

my @lines;

ask('forwarded', 'PUT', '/u/bob/marked?x=1', host => 'api.test', at => '/real',
    headers => ['X-Forwarded-For', '192.0.2.7']);

wait_for {
    @lines = grep { m{/marked} } split /\n/, slurp($t->path('decisions.log'));
    @lines;
} 5, 'a line';

is(scalar(@lines), 1, 'one line');

my $line = decode_json($lines[0]);

is($line->{policy}, 'orders', 'its policy');
is($line->{method}, 'PUT', 'its method');
is($line->{path}, '/u/bob/marked', 'its path');
is($line->{host}, 'api.test', 'its host');
is($line->{source}, '192.0.2.7', 'its source');
is($line->{verdict}, 'deny', 'its verdict');
is($line->{status}, 403, 'its status');
is($line->{reason}, 'default-deny', 'its reason');
is($line->{identity}{issuer}, 'corp', 'its identity');

$t->done_testing;
