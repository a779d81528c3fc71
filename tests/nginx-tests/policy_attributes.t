
# What a policy sees of a request: every attribute, over the wire.  Each path
# has a permit of its own; X-Rule tells which one granted.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use JSON::PP;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'corp')));

$t->file('policies/p.policy', <<'END');
language 1;
policy p;

schema from corp {
    claim tenant  string;
    claim level   int;
    claim admin   bool;
    claim roles   set<string>;
    claim scope   set<string>;
    claim realm.access.roles set<string>;
    claim "https://corp.test/dept" string;
    claim note    optional string;
}
schema from partner { claim tenant string; }

role analyst { when "analyst" in claim.roles; }

# of the request
permit method   { who anyone; what GET, REPORT /method; }
permit anymethod { who anyone; what * /anymethod; }
permit path     { who anyone; what * /path/{a}/**/{z};
                  if path.a == "x y" && path.z == "end"; }
permit wholepath { who anyone; what * /whole/**;
                  if request.path == "/whole/a b/c/"; }
permit host     { who anyone; what * /host; host api.test, *.wild.test; }
permit hostattr { who anyone; what * /hostattr;
                  if request.host == "api.test"; }
permit http     { who anyone; what * /scheme;
                  if request.scheme == "http"; }
permit now      { who anyone; what * /time;
                  if request.time > 2024-01-01T00:00:00Z
                     && request.time < 2100-01-01T00:00:00Z; }

# headers and query
permit header   { who anyone; what * /header;
                  if has header("X-Level") && header("x-level") == "3"; }
permit nohdr    { who anyone; what * /nohdr; unless has header("x-level"); }
deny   hdeny    { what * /hdeny; if has header("x-level")
                                    && header("x-level") == "bad"; }
permit hdenyall { who anyone; what * /hdeny; }
deny   hstrict  { what * /hstrict; unless header("x-level") == "good"; }
permit hstrictall { who anyone; what * /hstrict; }
permit query    { who anyone; what * /query;
                  if has query("q") && query("q") == "a b"; }
permit noquery  { who anyone; what * /noquery; unless has query("debug"); }
deny   qdeny    { what * /qdeny; if has query("q") && query("q") == "bad"; }
permit qdenyall { who anyone; what * /qdeny; }

# addresses
permit from     { who anyone; what * /from; from 127.0.0.0/8; }
permit from6    { who anyone; what * /from; from 2001:db8::/32; }
permit notv4    { who anyone; what * /notv4; from ::/0, ::ffff:0:0/96; }
permit real     { who anyone; what * /real;
                  if source.ip == 198.51.100.7
                     && source.peer in 127.0.0.0/8; }

# identities
permit anyone   { who anyone; what * /anyone; }
permit auth     { who authenticated; what * /authenticated; }
permit corp     { who issuer corp; what * /issuer; }
permit alice    { who subject alice issuer corp; what * /subject; }
permit role     { who role analyst; what * /role; }
permit ident    { who anyone; what * /identity;
                  if identity.kind == "jwt" && has identity.issuer
                     && identity.issuer == "corp" && has identity.subject
                     && identity.subject == "alice"
                     && identity.principal == "jwt:corp:alice"; }
permit anon     { who anyone; what * /anonymous;
                  if identity.kind == "anonymous"
                     && identity.principal == "anonymous::";
                  unless has identity.subject || has identity.issuer; }

# claims
permit tenant   { who anyone; what * /t/{tenant}/**;
                  if claim.tenant == path.tenant; }
permit level    { who anyone; what * /level; if claim.level >= 3; }
permit admin    { who anyone; what * /admin; if claim.admin; }
permit scope    { who anyone; what * /scope; if "write" in claim.scope; }
permit nested   { who anyone; what * /nested;
                  if "ops" in claim.realm.access.roles; }
permit url      { who anyone; what * /url;
                  if claim["https://corp.test/dept"] like "eng*"; }
permit note     { who anyone; what * /note;
                  if has claim.note && claim.note == "x"; }
deny   nonote   { what * /nonote; unless claim.note == "x"; }
permit nonoteall { who anyone; what * /nonote; }
END

$t->http_conf(<<'END');
    log_format d '$request_uri|$weir_verdict|$weir_reason|$weir_rule|'
                 '$weir_bundle';
    access_log %%TESTDIR%%/access.log d;

    weir_zone   8m;
    weir_bundle policies;

    weir_issuer corp {
        issuer    https://corp.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }
    weir_issuer partner {
        issuer    https://partner.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }

    add_header X-Rule $weir_rule always;
    add_header X-Bundle $weir_bundle always;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen unix:%%TESTDIR%%/gw.sock;

        weir_auth   corp partner optional;
        weir_policy p;

        set_real_ip_from 127.0.0.1;
        real_ip_header X-Real-IP;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
END

$t->run;


# "STATUS RULE" of a request; headers and options as http_request has them

sub ask {
    my ($method, $target, @headers) = @_;
    return said(http_request($t->port, $method, $target,
                             headers => \@headers));
}

sub said {
    my ($r) = @_;
    return $r->status . ' ' . (defined $r->header('X-Rule')
                               ? $r->header('X-Rule') : '-');
}

sub token {
    my (%claims) = @_;

    return (Authorization => 'Bearer ' . $k->mint(key => 'corp', claims => {
        iss => 'https://corp.test/', aud => 'orders', sub => 'alice', %claims,
    }));
}

my @alice = token();


# the request itself

is(ask('GET', '/method'), '200 method', 'a method');
is(ask('REPORT', '/method'), '200 method', 'another one');
is(ask('HEAD', '/method'), '401 -', 'GET does not imply HEAD');
is(ask('POST', '/method'), '401 -', 'nor POST');
is(ask('BREW', '/anymethod'), '200 anymethod', 'an unknown one matches *');
is(ask('GET', '/path/x%20y/end'), '200 path', 'captures, decoded');
is(ask('GET', '/path/x%20y/1/2/end/'), '200 path', 'from the end');
is(ask('GET', '/path/x%20y/1/2/End'), '401 -', 'case counts');
is(ask('GET', '/whole/a%20b/c/'), '200 wholepath', 'request.path');
is(ask('GET', '/whole/a%20b/c'), '401 -', 'request.path as it came');
is(ask('GET', '/host', Host => 'api.test'), '200 host', 'a host');
is(ask('GET', '/host', Host => 'API.Test.:8080'), '200 host',
   'case, port and final dot');
is(ask('GET', '/host', Host => 'a.b.wild.test'), '200 host', 'labels');
is(ask('GET', '/host', Host => 'wild.test'), '401 -', 'no label');
is(ask('GET', '/hostattr', Host => 'API.test:1'), '200 hostattr',
   'request.host');
is(ask('GET', '/scheme'), '200 http', 'request.scheme');
is(ask('GET', '/time'), '200 now', 'request.time');


# headers

is(ask('GET', '/header', 'X-Level' => 3), '200 header', 'a header');
is(ask('GET', '/header', 'x-lEVEL' => 3), '200 header', 'of any case');
is(ask('GET', '/header', 'X-Level' => 4), '401 -', 'another value');
is(ask('GET', '/header'), '401 -', 'none');
is(ask('GET', '/header', 'X-Level' => 3, 'X-Level' => 3), '401 -',
   'a repeated header grants nothing');
is(ask('GET', '/nohdr'), '200 nohdr', 'unless has: absent');
is(ask('GET', '/nohdr', 'X-Level' => ''), '401 -', 'unless has: empty');
is(ask('GET', '/nohdr', 'X-Level' => 1, 'X-Level' => 1), '401 -',
   'unless has: repeated');
is(ask('GET', '/hdeny'), '200 hdenyall', 'deny if: absent');
is(ask('GET', '/hdeny', 'X-Level' => 'good'), '200 hdenyall',
   'deny if: another');
is(ask('GET', '/hdeny', @alice, 'X-Level' => 'bad'), '403 hdeny', 'deny if');
is(ask('GET', '/hdeny', @alice, 'X-Level' => 'good', 'X-Level' => 'good'),
   '403 hdeny', 'a deny stands on a repeated header');
is(ask('GET', '/hstrict', 'X-Level' => 'good'), '200 hstrictall',
   'deny unless');
is(ask('GET', '/hstrict', @alice), '403 hstrict', 'deny unless: absent');


# the query

is(ask('GET', '/query?q=a+b'), '200 query', 'a parameter, + is a space');
is(ask('GET', '/query?x=1&q=a%20b&y'), '200 query', 'decoded');
is(ask('GET', '/query?%71=a%20b'), '200 query', 'the name too');
is(ask('GET', '/query?q=a%2520b'), '401 -', 'once');
is(ask('GET', '/query?Q=a+b'), '401 -', 'names have case');
is(ask('GET', '/query'), '401 -', 'none');
is(ask('GET', '/query?q=a+b&q=a+b'), '401 -',
   'a repeated parameter grants nothing');
is(ask('GET', '/query?q=a+b&%71=x'), '401 -', 'spelt differently');
is(ask('GET', '/query?q=a+b%zz'), '401 -', 'a bad escape');
is(ask('GET', '/query?q=a+b%00'), '401 -', 'NUL');
is(ask('GET', '/query?q=a+b#&q=x'), '400 -', 'a raw # is refused');
is(ask('GET', '/noquery'), '200 noquery', 'unless has: absent');
is(ask('GET', '/noquery?debug'), '401 -', 'unless has: without value');
is(ask('GET', '/noquery?x#&debug=1'), '400 -', 'unless has: behind a #');
is(ask('GET', '/qdeny?q=good'), '200 qdenyall', 'deny if: another');
is(ask('GET', '/qdeny', @alice), '200 qdenyall', 'deny if: absent');
is(ask('GET', '/qdeny?q=bad', @alice), '403 qdeny', 'deny if');
is(ask('GET', '/qdeny?q=good&q=good', @alice), '403 qdeny',
   'a deny stands on a repeated parameter');
is(ask('GET', '/qdeny?q=%zz', @alice), '403 qdeny', 'on a bad escape');
is(ask('GET', '/qdeny?q=good#&q=bad', @alice), '400 -', 'and on a #');


# addresses

is(ask('GET', '/from'), '200 from', 'IPv4');
is(ask('GET', '/from', 'X-Real-IP' => '2001:db8::7'), '200 from6', 'IPv6');
is(ask('GET', '/from', 'X-Real-IP' => '2001:db9::7'), '401 -', 'another net');
is(ask('GET', '/from', 'X-Real-IP' => '::ffff:127.1.2.3'), '200 from',
   'IPv4 in IPv6 is IPv4');
is(ask('GET', '/notv4', 'X-Real-IP' => '::ffff:127.1.2.3'), '401 -',
   'and never in ::/0 or ::ffff:0:0/96');
is(ask('GET', '/notv4', 'X-Real-IP' => 'fe80::1'), '200 notv4', 'as IPv6 is');
is(said(http_get(undef, '/from', unix => $t->path('gw.sock'))), '401 -',
   'a unix socket has no address');
is(ask('GET', '/real', 'X-Real-IP' => '198.51.100.7'), '200 real',
   'source.ip after realip, source.peer before');
is(ask('GET', '/real'), '401 -', 'not without');
is(ask('GET', '/real', 'X-Forwarded-For' => '198.51.100.7'), '401 -',
   'X-Forwarded-For is nobody');


# identities

is(ask('GET', '/anyone'), '200 anyone', 'anyone: anonymous');
is(ask('GET', '/anyone', @alice), '200 anyone', 'anyone: alice');
is(ask('GET', '/authenticated'), '401 -', 'authenticated: anonymous');
is(ask('GET', '/authenticated', @alice), '200 auth', 'authenticated');
is(ask('GET', '/issuer', @alice), '200 corp', 'issuer');
is(ask('GET', '/issuer', token(iss => 'https://partner.test/')), '403 -',
   'another issuer');
is(ask('GET', '/subject', @alice), '200 alice', 'subject');
is(ask('GET', '/subject', token(sub => 'bob')), '403 -', 'another subject');
is(ask('GET', '/subject', token(iss => 'https://partner.test/')), '403 -',
   'the same subject of another issuer');
is(ask('GET', '/role', token(roles => ['x', 'analyst'])), '200 role',
   'a role');
is(ask('GET', '/role', token(roles => ['x'])), '403 -', 'not the role');
is(ask('GET', '/role', token(roles => 'analyst')), '403 -',
   'a string is no set');
is(ask('GET', '/role', token(iss => 'https://partner.test/',
                             roles => ['analyst'])), '403 -',
   'claims of an issuer that the schema does not name do not exist');
is(ask('GET', '/identity', @alice), '200 ident', 'identity.*');
is(ask('GET', '/anonymous'), '200 anon', 'identity.* of nobody');
is(ask('GET', '/anonymous', @alice), '403 -', 'and not of alice');


# claims

is(ask('GET', '/t/acme/x', token(tenant => 'acme')), '200 tenant', 'a string');
is(ask('GET', '/t/acme/x', token(tenant => 'globex')), '403 -', 'another');
is(ask('GET', '/t/acme/x', token(tenant => undef)), '403 -', 'absent');
is(ask('GET', '/t/acme/x', token(tenant => ['acme'])), '403 -', 'an array');
is(ask('GET', '/t/7/x', token(tenant => 7)), '403 -', 'a number');
is(ask('GET', '/t/acme/x', token(tenant => 'acme',
                                 iss => 'https://partner.test/')),
   '200 tenant', 'of the other issuer that declares it');
is(ask('GET', '/level', token(level => 3)), '200 level', 'an int');
is(ask('GET', '/level', token(level => 2)), '403 -', 'a smaller one');
is(ask('GET', '/level', token(level => '3')), '403 -', 'a string is no int');

for (['3.0', 'a fraction'], ['1e1', 'an exponent'],
     ['99999999999999999999', 'beyond 64 bits'], ['null', 'null'])
{
    my ($value, $name) = @$_;

    my $payload = '{"iss":"https://corp.test/","aud":"orders","sub":"alice",'
                  . '"exp":' . (time() + 300) . ',"level":' . $value . '}';

    is(ask('GET', '/level', Authorization => 'Bearer '
           . $k->mint(key => 'corp', payload_json => $payload)), '403 -',
       "$name is no int");
}

is(ask('GET', '/admin', token(admin => JSON::PP::true)), '200 admin', 'a bool');
is(ask('GET', '/admin', token(admin => JSON::PP::false)), '403 -', 'false');
is(ask('GET', '/admin', token(admin => 1)), '403 -', 'a number is no bool');
is(ask('GET', '/scope', token(scope => ' read  write ')), '200 scope',
   'scope as a string, split at spaces');
is(ask('GET', '/scope', token(scope => ['read', 'write'])), '200 scope',
   'scope as an array');
is(ask('GET', '/scope', token(scope => 'rewrite')), '403 -', 'whole words');
is(ask('GET', '/nested', token(realm => { access => { roles => ['ops'] } })),
   '200 nested', 'a member of a member');
is(ask('GET', '/nested', token('realm.access.roles' => ['ops'])), '403 -',
   'a name with dots is another one');
is(ask('GET', '/nested', token(realm => 'x')), '403 -',
   'a member of what is no object');
is(ask('GET', '/url', token('https://corp.test/dept' => 'engineering')),
   '200 url', 'a quoted name');
is(ask('GET', '/note', token(note => 'x')), '200 note', 'an optional one');
is(ask('GET', '/note', @alice), '403 -', 'absent');
is(ask('GET', '/nonote', token(note => 'x')), '200 nonoteall',
   'deny unless: there');
is(ask('GET', '/nonote', @alice), '403 nonote', 'deny unless: absent');
is(ask('GET', '/nonote'), '403 nonote', 'deny unless: nobody');


# what the log knows

is(http_get($t->port, '/anyone')->header('X-Bundle'), '0', '$weir_bundle');

$t->wait_access_log(qr/nonote\|deny/);

like($t->access_log, qr{^/anyone\|permit\|permit-rule\|anyone\|0$}m,
     'a permit');
like($t->access_log, qr{^/hdeny\|deny\|deny-rule\|hdeny\|0$}m, 'a deny');
like($t->access_log, qr{^/hdeny\|deny\|deny-unknown\|hdeny\|0$}m,
     'a deny that cannot be ruled out');
like($t->access_log, qr{^/level\|deny\|default-deny\|\|0$}m,
     'nothing permits');

done_testing();
