#!/usr/bin/perl

# weir_decide by the AuthZEN API: who may ask, what a question says, what is
# answered and recorded.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use JSON::PP;

my $t = Weir::Test->new->allow(qr{tested.conf});
my $issuer = issuer($t) . issuer($t, 'apps');

$t->file('policies/askers.policy', <<'END');
language 1;
policy askers;
permit apps { who issuer apps; what POST /pdp/access/v1/**; }
END

my $orders = <<'END';
language 1;
policy orders;

schema from corp {
    claim tenant string;
    claim roles  optional set<string>;
    claim level  optional int;
}

permit tenant  { who issuer corp; what GET, HEAD /t/{tenant}/**;
                 if claim.tenant == path.tenant;
                 limit few; log notice; add_header X-Rule "tenant"; }
permit roles   { who issuer corp; what POST /r;
                 if has claim.roles && "admin" in claim.roles; }
permit level   { who issuer corp; what GET /level;
                 if has claim.level && claim.level >= 3; }
permit inside  { who anyone; what GET /inside; from 10.0.0.0/8; }
permit host    { who anyone; what GET /host; host api.test;
                 if request.scheme == "https"; }
permit header  { who anyone; what GET /header;
                 if has header("x-a") && header("x-a") == "1"; }
permit query   { who anyone; what GET /query;
                 if has query("q") && query("q") == "a b"; }
permit spiffe  { who anyone; what GET /spiffe;
                 if has tls.spiffe && tls.spiffe == "spiffe://corp.test/a"; }
permit night   { who anyone; what GET /night;
                 if request.time < 2020-01-01T00:00:00Z; }
permit hosthdr { who anyone; what GET /hosthdr;
                 if has header("host") && header("host") == "a.test"; }
permit long    { who anyone; what GET /long;
                 if has header("x-1") && header("x-1") != "";
                 if has header("x-2") && header("x-2") != "";
                 if has header("x-3") && header("x-3") != ""; }
permit key     { who anyone; what GET /key; if identity.kind == "apikey"; }
deny   closed  { what * /closed/**; status 451; }
END

$t->file('policies/orders.policy', $orders);
$t->file('candidate/orders.policy', $orders =~ s/>= 3/>= 4/r);
$t->file('candidate/askers.policy', slurp($t->path('policies/askers.policy')));

$t->http_conf(<<END);
    weir_zone   8m;
    weir_bundle policies;
    weir_candidate candidate;
    weir_decision_log %%TESTDIR%%/decisions.log;
    weir_quota few key=\$remote_addr rate=1000r/s;
    $issuer

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /pdp/access/v1/ {
            weir_auth   apps corp;
            weir_policy askers;
            weir_decide orders;
            client_body_buffer_size 32k;
        }

        location /large/access/v1/ {
            weir_auth   apps;
            weir_policy off;
            weir_decide orders;
            client_body_buffer_size 256k;
        }

        location /free/ {
            weir_auth   apps;
            weir_policy off;
            weir_decide orders authzen;
        }

        location /optional/access/v1/ {
            weir_auth   apps optional;
            weir_policy off;
            weir_decide orders;
        }

        location /metrics { weir_policy off; weir_metrics; }
    }
END

$t->run;

my @asker = bearer('shop', issuer => 'apps');
my $json = JSON::PP->new->canonical;

# The answer to a body, of the endpoint EVALUATION

sub raw {
    my ($body, %o) = @_;

    return http_request($t->port, 'POST',
        ($o{at} || '/pdp/access/v1') . '/' . ($o{to} || 'evaluation'),
        headers => [$o{as} ? @{ $o{as} } : @asker,
                    'Content-Type', $o{type} || 'application/json',
                    @{ $o{headers} || [] }],
        body => $body);
}

sub question {
    my ($path, %o) = @_;

    return { subject => { type => $o{type} || 'user', id => $o{id} || 'alice',
                          properties => $o{claims} || {} },
             action => { name => $o{method} || 'GET' },
             resource => { type => 'route', id => $path,
                           $o{resource} ? (properties => $o{resource}) : () },
             $o{context} ? (context => $o{context}) : () };
}

# "true RULE" or "false REASON"

sub verdict {
    my ($answer) = @_;
    my $c = $answer->{context};

    return $c->{error} ? "error $c->{error}{message}"
           : $answer->{decision} ? "true $c->{rule}" : "false $c->{reason}";
}

sub ask {
    my $r = raw($json->encode(question(@_)));

    return $r->status == 200 ? verdict($r->json)
                             : $r->status . ' ' . $r->json->{error}{message};
}

my %acme = (claims => { issuer => 'corp', tenant => 'acme' });


# what is decided

is(ask('/t/acme/x', %acme), 'true tenant', 'a claim');
is(ask('/t/beta/x', %acme), 'false default-deny', 'of another tenant');
is(ask('/t/acme/x', %acme, method => 'PUT'), 'false default-deny', 'a method');
is(ask('/t/acme/x', claims => { tenant => 'acme' }), 'false default-deny',
   'two issuers: none is assumed');
is(ask('/t/acme/x', claims => { issuer => 'apps', tenant => 'acme' }),
   'false default-deny', 'claims of another issuer');
is(ask('/t/acme/x', %acme, type => 'apikey'), 'false default-deny',
   'an API key has no claims');
is(ask('/t/acme/x', %acme, type => 'anonymous'), 'false default-deny',
   'nobody has none');
is(ask('/r', method => 'POST',
       claims => { issuer => 'corp', tenant => 'a', roles => ['x', 'admin'] }),
   'true roles', 'a set');
is(ask('/level', claims => { issuer => 'corp', tenant => 'a', level => 3 }),
   'true level', 'a number');
is(ask('/level', claims => { issuer => 'corp', tenant => 'a', level => '3' }),
   'false default-deny', 'a string is none');
is(ask('/inside', context => { source => '10.1.2.3' }), 'true inside',
   'a source');
is(ask('/inside'), 'false default-deny', "not the asker's address");
is(ask('https://api.test/host'), 'true host', 'a URL');
is(ask('https://API.test:8443/host'), 'true host', 'its host is canonical');
is(ask('http://api.test/host'), 'false default-deny', 'another scheme');
is(ask('/host', resource => { host => 'api.test', scheme => 'https' }),
   'true host', 'host and scheme as properties');
is(ask('https://other.test/host', resource => { host => 'api.test' }),
   '400 resource.properties.host is not that of the URL',
   'a host that is said in two ways');
is(ask('https://API.test:8443/host', resource => { host => 'api.test' }),
   'true host', 'which may be said again');
is(ask('42', resource => { path => '/inside' },
       context => { source => '10.0.0.1' }), 'true inside',
   'path beside an id');
is(ask('/header', context => { headers => { 'X-A' => '1' } }), 'true header',
   'a header');
is(ask('/header', context => { headers => { 'X-A' => ['1', '1'] } }),
   'false default-deny', 'twice');
is(ask('/query?q=a+b'), 'true query', 'the query');
is(ask('/query?q=a+b&q=a+b'), 'false default-deny', 'twice, too');
is(ask('/spiffe', type => 'spiffe', id => 'spiffe://corp.test/a'),
   'true spiffe', 'a SPIFFE ID');
is(ask('/spiffe', context => { tls => { spiffe => 'spiffe://corp.test/a' } }),
   'true spiffe', 'as an attribute of TLS');
is(ask('/night', context => { time => '2019-07-01T00:00:00Z' }), 'true night',
   'a time');
is(ask('/night'), 'false default-deny', 'now');
is(ask('/hosthdr', resource => { host => 'a.test' }), 'true hosthdr',
   'header("host") is the host');
is(ask('/key', type => 'apikey', id => 'k1'), 'true key', 'a kind');
is(ask('/closed/x'), 'false deny-rule', 'a deny');
is(ask('/a//b'), 'false ambiguous-path', 'a path that is ambiguous');
is(ask('/a/%2e%2e/closed/x'), 'false ambiguous-path', 'encoded, too');
is(ask('/x', resource => { host => 'a,b' }), 'false ambiguous-host',
   'a host that is ambiguous');


# what is told of it

my $r = raw($json->encode(question('/t/acme/x', %acme)),
            headers => ['X-Request-ID', 'bfe9eb29-ab87']);

is($r->header('Content-Type'), 'application/json', 'JSON');
is($r->header('Cache-Control'), 'no-store', 'not for a cache');
is($r->header('X-Request-ID'), 'bfe9eb29-ab87', 'X-Request-ID comes back');
is_deeply($r->json->{context}, {
    reason => 'permit-rule', policy => 'orders', rule => 'tenant',
    bundle => '0',
    obligations => { limit => ['few'], log => 'notice',
                     add_header => { 'X-Rule' => 'tenant' } },
}, 'why, and what it obliges to');
is($r->header('X-Rule'), undef, "obligations are not the asker's own");

$r = raw($json->encode(question('/closed/x')));
is_deeply($r->json->{context}{obligations}, { status => 451 },
          'the status of a deny');
is($r->status, 200, 'which is not that of the answer');


# several at once

sub batch {
    my ($body, %o) = @_;
    my $r = raw(ref $body ? $json->encode($body) : $body, to => 'evaluations',
                %o);

    return $r->status . ' ' . $r->json->{error}{message} if $r->status != 200;
    return join '; ', map { verdict($_) } @{ $r->json->{evaluations} };
}

my $all = question('/t/acme/x', %acme);
my @list = ({}, { resource => { type => 'route', id => '/t/beta' } },
            { action => {} }, 7, { resource => { type => 'route',
                                                 id => '/t/acme' } });

is(batch({ %$all, evaluations => \@list }),
   'true tenant; false default-deny; error action.name is no string; '
   . 'error an evaluation is no object; true tenant',
   'each is decided, with defaults');
is(batch({ %$all, evaluations => \@list,
           options => { evaluations_semantic => 'deny_on_first_deny' } }),
   'true tenant; false default-deny', 'up to the first deny');
is(batch({ %$all, evaluations => [@list[1, 0, 4]],
           options => { evaluations_semantic => 'permit_on_first_permit' } }),
   'false default-deny; true tenant', 'up to the first permit');
is(batch({ %$all, evaluations => \@list,
           options => { evaluations_semantic => 'x' } }),
   '400 options.evaluations_semantic is unknown', 'another semantic');
is(verdict(raw($json->encode({ %$all, evaluations => [] }),
               to => 'evaluations')->json), 'true tenant',
   'no evaluations: one question');
is(verdict(raw($json->encode($all), to => 'evaluations')->json), 'true tenant',
   'not even the member');
is(batch({ %$all, evaluations => [({}) x 256] }),
   join('; ', ('true tenant') x 256), '256 of them');
is(batch({ %$all, evaluations => [({}) x 257] }),
   '400 there are more than 256 evaluations', 'and no more');
is(batch({ %$all, evaluations => {} }), '400 evaluations is no array',
   'no list');
is(verdict(raw($json->encode({ %$all, evaluations => [{}, {}] }))->json),
   'true tenant', 'of one question evaluations are no part');


is(batch({ %$all, evaluations => [
       question('/spiffe', type => 'spiffe', id => 'spiffe://corp.test/z',
                context => { tls => { spiffe => 'spiffe://corp.test/a' } }),
       {} ] }),
   'error context.tls.spiffe is not the subject; true tenant',
   'two SPIFFE IDs are an error of the one that has them');


# what evaluations share does not count 256 times

my @large = (at => '/large/access/v1');
my %many = map { sprintf('p%03d', $_) => 1 } 1 .. 500;

is(batch({ %{ question('/t/acme/x', claims => { %{ $acme{claims} }, %many }) },
           evaluations => [({}) x 256] }),
   join('; ', ('true tenant') x 256), '500 claims of all');

%many = map { sprintf('%05x', $_) => 1 } 1 .. 20000;

is(batch({ %{ question('/t/acme/x', claims => \%many) },
           evaluations => [({}) x 256] }, @large),
   join('; ', ('error subject.properties is too large or too deep') x 256),
   'more than a token may have');

# a few bytes of JSON that are many of claims: each name has that around it

%many = (('p' x 300) => { map { sprintf('%02x', $_) => 1 } 1 .. 90 });

$r = raw($json->encode({ %$all, evaluations => [
    map { { subject => { type => 'user', id => 'a', properties => {
        %many, n => $_ } } } } 1 .. 256 ] }),
    to => 'evaluations', @large);

is($r->status, 413, 'more memory than there is for one');
is($r->json->{error}{message},
   'the question needs more memory than there is for one', 'is told');


# bodies that are none

sub bad {
    my ($body, $message, $name, %o) = @_;
    my $r = raw(ref $body ? $json->encode($body) : $body, %o);

    is($r->status, $o{status} || 400, "$name: status");
    is($r->json->{error}{message}, $message, $name);
}

bad('', 'the body is no JSON object', 'no body');
bad('[]', 'the body is no JSON object', 'an array');
bad('{', 'the body is no JSON object', 'half of one');
bad('{"subject":{},"subject":{}}', 'the body is no JSON object', 'twice');
bad('{"a":' x 40 . '1' . '}' x 40, 'the body is no JSON object', 'too deep');
bad({}, 'subject is no object', 'no subject');
bad({ %$all, subject => { id => 'x' } }, 'subject.type is no string',
    'no type');
bad({ %$all, subject => { type => 'user' } }, 'subject.id is no string',
    'no id');
bad({ %$all, subject => { type => 'user', id => 'x', properties => [] } },
    'subject.properties is no object', 'properties');
bad({ %$all, action => 'GET' }, 'action is no object', 'no action');
bad({ %$all, action => { name => 7 } }, 'action.name is no string', 'a name');
bad({ %$all, resource => { type => 'route' } }, 'resource.id is no string',
    'no resource');
bad(question('t/acme'), 'resource is neither a path nor an http URL with one',
    'no path');
bad(question('https://api.test'),
    'resource is neither a path nor an http URL with one', 'no path in a URL');
bad(question('/x', context => []), 'context is no object', 'context');
bad(question('/x', context => { source => 'x' }),
    'context.source is no address', 'source');
bad(question('/x', context => { time => 'now' }),
    'context.time is no RFC 3339 time', 'time');
bad(question('/x', context => { headers => { a => 1 } }),
    'a value of context.headers is neither a string nor an array of strings',
    'headers');
bad(question('/x', context => { tls => { sni => 1 } }),
    'a member of context.tls is no string', 'tls');
bad(question('https://other.test/host', resource => { host => 'api.test' }),
    'resource.properties.host is not that of the URL', 'two hosts');
bad(question('http://api.test/host', resource => { scheme => 'https' }),
    'resource.properties.scheme is not that of the URL', 'two schemes');
bad(question('https://api.test/host',
             context => { headers => { Host => 'other.test' } }),
    'the host of context.headers is not that of the resource',
    'another host in a header');
bad(question('/spiffe', type => 'spiffe', id => 'spiffe://corp.test/z',
             context => { tls => { spiffe => 'spiffe://corp.test/a' } }),
    'context.tls.spiffe is not the subject', 'two SPIFFE IDs');
bad(question('/x', claims => { issuer => 'corp', sub => 'bob' }),
    'subject.properties.sub is not subject.id', 'two subjects');
bad(question('/' . 'x' x 8192), 'action and resource are longer than 8 KiB',
    'a path of no request');
bad($all, 'the Content-Type is not application/json', 'another type',
    type => 'text/plain');
bad({ %$all, x => 'x' x 60000 },
    'the question is larger than 256k or client_body_buffer_size', 'too large',
    status => 413);
is(verdict(raw($json->encode({ %$all, x => 'x' x 30000 }),
               type => 'application/json; charset=utf-8')->json),
   'true tenant', 'as large as may be');


# who may ask

is(raw($json->encode($all), as => [])->status, 401, 'nobody does not');
is(raw($json->encode($all), as => ['Authorization', 'Bearer x'])->status, 401,
   'nor with a bad token');
is(raw($json->encode($all), as => [bearer('alice')])->status, 403,
   "nor whom the location's own policy denies");
is(verdict(raw($json->encode($all), at => '/free/access/v1')->json),
   'true tenant', 'without a policy whoever has a credential');
is(raw($json->encode($all), at => '/optional/access/v1', as => [])->status,
   401, 'optional or not: nobody');
is(http_get($t->port, '/pdp/access/v1/evaluation', headers => \@asker)->status,
   403, "the location's policy decides of GET");
is(http_get($t->port, '/free/access/v1/evaluation', headers => \@asker)
   ->header('Allow'), 'POST', 'and where it has none: POST only');
is(raw($json->encode($all), to => 'search')->status, 404, 'another endpoint');


# what is recorded: a line of each question, one of the asker

my $log = $t->path('decisions.log');
my @lines;

batch({ %$all, context => { source => '10.1.2.3' },
        evaluations => [{}, { resource => {
            type => 'route', id => 'https://api.test/t/beta' } }] },
      headers => ['X-Request-ID', 'marked']);

wait_for {
    @lines = grep { /"request_id":"marked"/ } split /\n/, slurp($log);
    @lines == 3;
} 5, 'three lines';

my @told = map { $json->decode($_) } @lines;
my ($first) = grep { $_->{policy} eq 'orders' && $_->{verdict} eq 'permit' }
              @told;
my ($second) = grep { $_->{policy} eq 'orders' && $_->{verdict} eq 'deny' }
               @told;
my ($third) = grep { $_->{policy} eq 'askers' } @told;

is($first->{path}, '/t/acme/x', 'of a permit');
is($first->{method}, 'GET', 'its method');
is($first->{source}, '10.1.2.3', 'its source');
is_deeply($first->{rules}, ['tenant'], 'its rules');
is($first->{identity}{kind}, 'jwt', 'its subject');
is($first->{identity}{issuer}, 'corp', 'its issuer');
is($first->{read}{'claim.tenant'}, 'acme', 'what was read');
is($second->{path}, '/t/beta', 'of a deny');
is($second->{host}, 'api.test', 'its host');
is($second->{reason}, 'default-deny', 'its reason');
is($third->{method}, 'POST', "the asker's own");
is($third->{path}, '/pdp/access/v1/evaluations', 'and its path');
is($third->{identity}{issuer}, 'apps', 'and who he is');
isnt($first->{id}, $second->{id}, 'each with an id of its own');

raw($json->encode(question('/level', claims => {
        issuer => 'corp', tenant => 'a', level => 3 })),
    headers => ['X-Request-ID', 'other']);

wait_for {
    @lines = grep { /"request_id":"other"/ } split /\n/, slurp($log);
    @lines == 2;
} 5, 'two lines';

my ($other) = grep { $_->{policy} eq 'orders' }
              map { $json->decode($_) } @lines;

is_deeply($other->{candidate},
          { verdict => 'deny', reason => 'default-deny', rules => [] },
          'a candidate is asked about questions, too');

like(http_get($t->port, '/metrics')->body,
     qr/^weir_policy_decisions_total\{policy="orders",verdict="permit",
        reason="permit-rule"\}\ \d{3}/mx,
     'and counted');

# questions that no policy is asked are denies as others are

# (one request after the other: two workers have two orders)

sub refused_lines {
    my ($n) = @_;

    wait_for {
        @lines = grep { /"request_id":"refused"/ } split /\n/, slurp($log);
        @lines == $n;
    } 5, "$n lines";
}

raw($json->encode({ %$all, evaluations => [
        { resource => { type => 'route', id => '/a//b' } },
        { resource => { type => 'route', id => 'https://a,b/x' } },
        { action => {} } ] }),
    to => 'evaluations', headers => ['X-Request-ID', 'refused']);
refused_lines(4);

raw($json->encode(question('none')), headers => ['X-Request-ID', 'refused']);
refused_lines(6);

my @refused = grep { $_->{policy} eq 'orders' }
              map { $json->decode($_) } @lines;

is_deeply([map { $_->{verdict} } @refused], [('deny') x 4], 'all are denies');
is_deeply([map { $_->{reason} } @refused],
          ['ambiguous-path', 'ambiguous-host', 'ambiguous-request',
           'ambiguous-request'], 'why');
is_deeply([map { $_->{path} } @refused], ['/a//b', '/x', undef, undef],
          'the path that was asked about, as it came');
is($refused[1]{host}, 'a,b', 'and the host');
is($refused[0]{identity}{issuer}, 'corp', 'and of whom');
is($refused[0]{read}, undef, 'nothing was read');

my $metrics = http_get($t->port, '/metrics')->body;

for my $reason (qw(path host request)) {
    like($metrics, qr/^weir_policy_decisions_total\{policy="orders",
         verdict="deny",reason="ambiguous-$reason"\}\ [1-9]/mx,
         "ambiguous-$reason is counted");
}

unlike($metrics, qr/policy="askers",[^}]*ambiguous/,
       "requests of the gate's own are not");

like($t->error_log, qr/rule "tenant" of policy "orders" permits the request/,
     'effect log');


# configurations

sub config {
    my ($location, $like, $name) = @_;
    my $text = "events {} http { weir_zone 8m; weir_bundle policies; "
               . "weir_quota few key=x rate=1r/s; $issuer "
               . "server { listen 127.0.0.1:%%PORT_1%%; $location } }";
    my ($ok, $err) = $t->test_config($text);

    like($err, $like, $name);
}

my $ask = 'weir_auth apps; weir_policy askers;';

config("location /d { $ask weir_decide nobody; }",
       qr/unknown policy "nobody"/, 'a policy that is not there');
config("location /d { $ask weir_decide ORDERS; }",
       qr/invalid policy name "ORDERS"/, 'no name');
config("location /d { $ask weir_decide orders x; }",
       qr/invalid parameter "x"/, 'another word');
config("location /d { $ask weir_decide orders; weir_decide orders; }",
       qr/"weir_decide" directive is duplicate/, 'twice');
config("location ~ /d { $ask weir_decide orders; }",
       qr/needs a location that is a prefix, or exact/,
       'a regular expression');
config("location /d { weir_policy askers; weir_decide orders; }",
       qr/"weir_decide" in location "\/d" needs "weir_auth"/, 'nobody to ask');
config("location /d { $ask weir_decide orders; return 200; }",
       qr/"return" in location "\/d" answers before/, 'return');
config("location /d { $ask weir_decide orders; proxy_pass http://127.0.0.1; }",
       qr/another handler|duplicate/, 'another handler');
config("location /d { weir_auth apps; weir_policy off; weir_decide orders; }",
       qr/whoever has a credential may ask/, 'a warning without a policy');

$t->done_testing;
