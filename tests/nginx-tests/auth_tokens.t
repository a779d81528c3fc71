# A bearer token becomes an identity: what is admitted, what is refused and
# how, what the upstream learns, and what is left of the credential.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use JSON::PP;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

my @algs = qw(ES256 ES384 RS256 PS256 EdDSA);

$t->file('corp.json', $k->jwks(map { $k->jwk($_, "k$_") } @algs));
$t->file('partner.json', $k->jwks($k->jwk('ES256', 'partner')));

$t->http_conf(<<'EOC');
    log_format id '$uri|$weir_principal|$weir_subject|$weir_issuer|'
                  '$weir_auth_kind|$weir_claim_tenant|$weir_claim_n|'
                  '$weir_claim_admin|$weir_claim_roles|$deep|$weir_reason|'
                  '$early';
    access_log %%TESTDIR%%/access.log id;

    # nginx itself refuses a header line above 8 KB with 400
    large_client_header_buffers 4 32k;

    weir_zone 8m;
    weir_claim_variable $deep "realm.roles";

    # forward references are legal
    server {
        listen 127.0.0.1:%%PORT_gw%%;
        weir_auth corp;

        set $early "<$weir_subject>";

        location / {
            weir_policy off;
            weir_identity_header X-Weir-Subject $weir_subject;
            weir_identity_header X-Tenant $weir_claim_tenant;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /forward/ {
            weir_policy off;
            weir_forward_token on;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /optional/ {
            weir_auth corp optional;
            weir_policy off;
            weir_identity_header X-Weir-Subject $weir_subject;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /either/ {
            weir_auth corp partner;
            weir_policy off;
            weir_identity_header X-Weir-Principal $weir_principal;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /both/ {
            weir_auth corp + partner;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /public/ {
            weir_auth off;
            weir_policy off;
            weir_identity_header X-Weir-Subject $weir_subject;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /none/ {
            weir_identity_header off;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /moved/ {
            weir_policy off;
            weir_identity_header X-Moved $weir_subject;
            rewrite ^/moved/(.*)$ /$1 last;
        }
        location = /try {
            weir_policy off;
            weir_identity_header X-Tried $weir_subject;
            try_files /nothing /public/tried;
        }
    }

    weir_issuer corp {
        issuer     https://idp.example.com/;
        audience   orders billing;
        jwks       file:%%TESTDIR%%/corp.json;
    }

    weir_issuer partner {
        issuer     https://partner.example.com/;
        audience   orders;
        jwks       partner.json;
        algorithms ES256;
        typ        at+jwt;
        max_age    10m;
        leeway     0s;
    }
EOC

$t->run;

my $gw = $t->port('gw');

sub mint {
    my (%o) = @_;
    my $alg = $o{alg} || 'ES256';
    $o{claims} = { iss => 'https://idp.example.com/', aud => 'orders',
                   sub => 'alice', %{ $o{claims} || {} } };
    return $k->mint(key => "k$alg", %o);
}

sub get {
    my ($path, $token, @more) = @_;
    return http_get($gw, $path, headers => [
        defined $token ? ('Authorization', "Bearer $token") : (), @more ]);
}

# every algorithm, twice: verified, then found again

for my $alg (@algs) {
    my $token = mint(alg => $alg);
    is(get('/a', $token)->status, 200, "$alg");
    is(get('/a', $token)->status, 200, "$alg again");
    my $bad = $token;
    substr($bad, -9, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/;
    is(get('/a', $bad)->status, 401, "$alg changed");
    like($t->access_log, qr/\|\|\|\|/, 'nobody in the log');
}

# the refusal

my $r = get('/a');
is($r->status, 401, 'missing');
is($r->header('WWW-Authenticate'), 'Bearer realm="weir"', 'challenge');
is($r->header('Content-Type'), 'application/problem+json', 'problem');
is(decode_json($r->body)->{status}, 401, 'status in the body');

$r = get('/a', 'x.y.z');
is($r->status, 401, 'malformed');
is($r->header('WWW-Authenticate'),
   'Bearer realm="weir", error="invalid_token"', 'challenge with error');

is(http_get($gw, '/a', headers => ['Authorization', 'Basic YTpi'])->header(
   'WWW-Authenticate'), 'Bearer realm="weir"', 'another scheme is missing');

for my $value ('Bearer', 'Bearer ', 'Bearer  ' . mint(), 'Bearer,' . mint(),
               mint(), '', 'Bearer ' . mint() . ',x', "Bearer\t" . mint())
{
    my $r = http_get($gw, '/a', headers => ['Authorization', $value]);
    is($r->status, 401, 'Authorization: ' . substr $value, 0, 12);
}

is(http_get($gw, '/a', headers => ['authorization', 'bEARER ' . mint()])
   ->status, 200, 'the scheme ignores case');

my $two = http_get($gw, '/a', headers => ['Authorization', 'Bearer ' . mint(),
                   'Authorization', 'Bearer ' . mint()])->status;
ok($two == 400 || $two == 401, 'two Authorization fields');

is(get('/optional/x', undef)->status, 200, 'optional, none');
is(get('/optional/x', 'x.y.z')->status, 401, 'optional, a bad one');
is(get('/optional/x', mint())->status, 200, 'optional, a good one');
is($up->last->header('X-Weir-Subject'), 'alice', 'optional: identity');

for my $method (qw(OPTIONS HEAD POST PUT DELETE PATCH TRACK FOO)) {
    my $r = http_request($gw, $method, '/a');
    is($r->status, 401, "$method without a token");
}

# reasons, as the log has them

my $now = time();

my %reasons = (
    'malformed'   => 'a.b',
    'too-large'   => 'A' x 6000 . '.' . 'A' x 2300 . '.A',
    'alg'         => mint(header => { alg => 'HS256' }),
    'crit'        => mint(header => { crit => ['exp'] }),
    'typ'         => mint(header => { typ => 'logout+jwt' }),
    'kid-missing' => undef,
    'kid-unknown' => mint(header => { kid => 'other' }),
    'signature'   => mint(signature => 'x' x 64),
    'exp-missing' => mint(claims => { exp => undef }),
    'expired'     => mint(claims => { exp => $now - 40 }),
    'lifetime'    => mint(claims => { exp => $now + 200000 }),
    'not-before'  => mint(claims => { nbf => $now + 100 }),
    'issued-at'   => mint(claims => { iat => $now + 100 }),
    'issuer'      => mint(claims => { iss => 'https://idp.example.com' }),
    'audience'    => mint(claims => { aud => ['other'] }),
    'claims'      => mint(claims => { exp => "$now" }),
    'cnf'         => mint(claims => { cnf => { jkt => 'x' } }),
);

delete $reasons{'kid-missing'};

for my $reason (sort keys %reasons) {
    is(get("/r-$reason", $reasons{$reason})->status, 401, $reason);
    ok($t->wait_access_log(qr{^/r-$reason\|\|\|\|anonymous\|.*\|$reason\|}m),
       "$reason is logged");
}

# leeway

is(get('/a', mint(claims => { exp => $now - 10 }))->status, 200, 'leeway');

# several issuers

my $partner = $k->mint(key => 'partner', header => { typ => 'at+JWT' },
    claims => { iss => 'https://partner.example.com/', aud => ['x', 'orders'],
                sub => 'alice' });

is(get('/either/x', mint())->status, 200, 'either: corp');
is($up->last->header('X-Weir-Principal'), 'jwt:corp:alice', 'principal');
is(get('/either/x', $partner)->status, 200, 'either: partner');
is($up->last->header('X-Weir-Principal'), 'jwt:partner:alice', 'principal');
is(get('/a', $partner)->status, 401, "another's token, found verified");
is(get('/both/x', $partner)->status, 401, 'both: partner alone');
is(get('/both/x', mint())->status, 401, 'both: corp alone');

is(get('/either/x', $k->mint(key => 'partner', claims => {
   iss => 'https://partner.example.com/', aud => 'orders', sub => 'a' }))
   ->status, 401, 'partner: typ JWT');
is(get('/either/x', $k->mint(key => 'partner', header => { typ => 'at+jwt' },
   claims => { iss => 'https://partner.example.com/', aud => 'orders',
   sub => 'a', exp => $now + 700 }))->status, 401, 'partner: max_age');
is(get('/either/x', $k->mint(key => 'partner', header => { typ => 'at+jwt' },
   claims => { iss => 'https://idp.example.com/', aud => 'orders',
   sub => 'a' }))->status, 401, "corp's name, partner's key");
is(get('/either/x', mint(claims => { iss => 'https://partner.example.com/' }))
   ->status, 401, "partner's name, corp's key");

# what the upstream gets

get('/a', mint(claims => { tenant => 'acme' }), 'X-Weir-Subject', 'root',
    'x_weir_subject', 'root', 'X-Tenant', 'evil', 'X-User', 'root');
my $req = $up->last;
is($req->header('X-Weir-Subject'), 'alice', 'identity header');
is($req->header('X-Tenant'), 'acme', 'claim header');
is($req->header('X-User'), undef, 'stripped');
is($req->header('Authorization'), undef, 'the token stays here');

get('/a', mint(), 'X-Tenant', 'evil');
is($up->last->header('X-Tenant'), undef, 'no claim, no header');

my $token = mint();
get('/forward/a', $token);
is($up->last->header('Authorization'), "Bearer $token", 'forwarded');

http_get($gw, '/optional/a', headers => ['Authorization', 'Basic YTpi']);
is($up->last->header('Authorization'), 'Basic YTpi', 'what is not ours goes');

get('/public/a', $token);
is($up->last->header('Authorization'), "Bearer $token",
   'nor what nobody verified');
is($up->last->header('X-Weir-Subject'), undef, 'public: nobody');

get('/none/a', $token, 'X-Tenant', 'evil', 'X-Weir-Subject', 'root');
is($up->last->header('X-Tenant'), undef, 'off: stripped still');

# values that no header may hold

for my $case (["a\r\nX-Evil: 1", 'YQ0KWC1FdmlsOiAx'], [" a", 'IGE'],
              ["a ", 'YSA'], ["\x{e5}", 'w6U'], ["a\x7f", 'YX8'],
              ['a b', 'a b'])
{
    my ($sub, $value) = @$case;
    utf8::encode($sub);
    my $json = JSON::PP->new->latin1;
    my $payload = $json->encode({ iss => 'https://idp.example.com/',
        aud => 'orders', sub => 'SUB', exp => $now + 100 });
    my $text = JSON::PP->new->allow_nonref->encode($case->[0]);
    utf8::encode($text);
    $payload =~ s/"SUB"/$text/;

    is(get('/a', mint(payload_json => $payload))->status, 200, 'odd subject');
    is($up->last->header('X-Weir-Subject'), $value, 'its header');
    is($up->last->header('X-Evil'), undef, 'nothing injected');
}

# internal redirects

get('/moved/x', mint());
is($up->last->header('X-Moved'), undef, 'header of the first location');
is($up->last->header('X-Weir-Subject'), 'alice', 'of the second');

get('/try', mint());
is($up->last->target, '/public/tried', 'redirected');
is($up->last->header('X-Tried'), undef, 'its identity header is gone');
is($up->last->header('X-Weir-Subject'), undef, 'nobody in public');
is($up->last->header('Authorization'), undef, 'a used token stays here');

# variables

get('/v', mint(claims => { tenant => 'acme', n => 12345678901234567,
    admin => JSON::PP::true, roles => ['a', 'b'],
    realm => { roles => ['x'] } }));
ok($t->wait_access_log(qr{^/v\|jwt:corp:alice\|alice\|corp\|jwt\|acme\|
                          12345678901234567\|true\|a,b\|x\|\|<>$}mx),
   'variables, and empty ones before the decision')
   or diag $t->access_log;

# HTTP/2 needs the same

done_testing();
