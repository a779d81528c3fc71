# Hostile and malformed tokens, most of them correctly signed: each is 401,
# none is a 5xx, none reaches the upstream.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Digest::SHA qw(hmac_sha256 hmac_sha512);

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

my @algs = qw(ES256 ES384 RS256 PS256 EdDSA);

$t->file('jwks.json', $k->jwks(map { $k->jwk($_, $_) } @algs));

$t->http_conf(<<'EOC');
    weir_zone 8m;
    large_client_header_buffers 4 32k;
    keepalive_requests 10000;

    weir_issuer corp {
        issuer   https://idp.example.com/;
        audience orders;
        jwks     jwks.json;
    }

    server {
        listen 127.0.0.1:%%PORT_gw%%;
        location / {
            weir_auth corp;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /optional/ {
            weir_auth corp optional;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
    }
EOC

$t->run;

my $c = Weir::HTTP->new(port => $t->port('gw'));
my $now = time();
my %known;

sub status {
    my ($token, $path) = @_;
    my $r = $c->request('GET', $path || '/x', headers => ['Authorization',
                                                          "Bearer $token"]);
    return $r ? $r->status : 'no answer';
}

my ($sent, @wrong) = (0);

sub hostile {
    my ($what, $token) = @_;

    return if $known{$token}++;
    $sent++;

    for my $path ('/x', '/optional/x') {
        my $status = status($token, $path);
        push @wrong, "$what: $status at $path: $token" if $status ne '401';
    }
}

my %base = (iss => 'https://idp.example.com/', aud => 'orders',
            sub => 'alice');
my $ok = '"iss":"https://idp.example.com/","aud":"orders","sub":"alice",'
         . '"exp":' . ($now + 200);
my $head = '"alg":"ES256","kid":"ES256"';

sub raw {
    my ($header, $payload, %o) = @_;
    return $k->mint(alg => 'ES256', key => 'ES256', header_json => $header,
                    payload_json => $payload, %o);
}

my $good = raw("{$head}", "{$ok}");
is(status($good), 200, 'what they are made of is good');
is($up->count, 1, 'and reaches the upstream');

# headers

hostile("header $_", raw($_, "{$ok}")) for
    '', '{}', '[]', 'null', '{', "[{$head}]", "{$head}x", "{$head,}",
    "{$head,\"alg\":\"ES256\"}", "{$head,\"kid\":\"ES256\"}",
    "{$head,\"\\u0061lg\":\"ES256\"}", "{$head,\"x\":{\"a\":1,\"a\":1}}",
    "{$head,\"x\":\"\xff\"}", "{$head,\"x\":\"\\u0000\"}",
    (map { "{$head,$_}" } '"crit":[]', '"crit":["exp"]', '"crit":null',
     '"crit":["b64"],"b64":false', '"b64":false', '"b64":true',
     '"enc":"A128GCM"', '"zip":"DEF"', '"cty":"JWT"', '"cty":"jwt"',
     '"typ":"logout+jwt"', '"typ":"dpop+jwt"', '"typ":""', '"typ":null',
     '"typ":1', '"typ":["JWT"]', '"typ":"secevent+jwt"',
     '"x":' . '[' x 16 . ']' x 16, '"x":"' . 'x' x 2048 . '"',
     join(',', map { "\"m$_\":1" } 1 .. 256)),
    (map { "{\"alg\":$_,\"kid\":\"ES256\"}" } '"none"', '"None"', '"NONE"',
     '""', '"es256"', '" ES256"', '"ES256 "', '"ES384"', '"ES512"',
     '"ES256K"', '"RS256"', '"PS256"', '"HS256"', '"EdDSA"', '"Ed25519"',
     'null', '1', 'true', '["ES256"]', '{}'),
    (map { "{\"alg\":\"ES256\",\"kid\":$_}" } '""', 'null', '1', '[]', '{}',
     'true', '"es256"', '"ES256 "', '"ES25"', '"ES2566"', '"ES384"',
     '"EdDSA"', '"../../../dev/null"', '"x\' OR 1=1--"', '"ES256\u0000"',
     '"https://evil.test/k"', '["ES256"]', '"' . 'k' x 129 . '"'),
    '{"kid":"ES256"}', '{"Alg":"ES256","kid":"ES256"}';

# key material of the attacker

{
    my $jwk = Weir::Token::to_json($k->jwk('ES256', 'evil', kid => 'ES256'));

    hostile("header keys $_", raw($_, "{$ok}", key => 'evil')) for
        "{$head,\"jwk\":$jwk}", "{\"alg\":\"ES256\",\"jwk\":$jwk}",
        "{$head,\"jku\":\"https://evil.test/\"}",
        "{$head,\"x5u\":\"https://evil.test/\"}",
        "{$head,\"x5c\":[\"MIIB\"]}", "{$head}",
        '{"alg":"ES256","kid":"evil"}';
}

# HMAC keyed with what is public

for my $alg (@algs) {
    my $pem = slurp($k->public($alg, $alg));
    (my $bare = $pem) =~ s/\n\z//;
    my $jwk = Weir::Token::to_json($k->jwk($alg, $alg));

    for my $secret ($pem, $bare, $jwk, '') {
        for my $hs ('HS256', 'HS512') {
            my $input = encode_base64url("{\"alg\":\"$hs\",\"kid\":\"$alg\"}")
                        . '.' . encode_base64url("{$ok}");
            my $mac = $hs eq 'HS256' ? hmac_sha256($input, $secret)
                                     : hmac_sha512($input, $secret);
            hostile("$hs by $alg", "$input." . encode_base64url($mac));
        }
    }
}

# payloads

hostile("payload $_", raw("{$head}", $_)) for
    '', '{}', '[]', 'null', '1', '"x"', '{', "[{$ok}]", "{$ok}x", "{$ok,}",
    "\xef\xbb\xbf{$ok}", "{$ok,\"x\":1e999}", "{$ok,\"x\":NaN}",
    "{$ok,\"x\":01}", "{$ok,\"x\":\"\xff\"}", "{$ok,\"x\":\"\\u0000\"}",
    "{$ok,\"x\":\"\\ud800\"}", "{$ok,\"x\":" . '[' x 16 . ']' x 16 . '}',
    "{$ok,\"x\":" . '[' x 2000 . '}',
    "{$ok," . join(',', map { "\"m$_\":1" } 1 .. 253) . '}',
    "{$ok,\"" . 'n' x 3000 . '":{' . join(',', map { "\"$_\":1" } 1 .. 100)
        . '}}',
    (map { "{$ok,$_}" } '"sub":"root"', '"aud":"orders"', '"exp":9999999999',
     '"iss":"https://idp.example.com/"', '"\u0073ub":"root"',
     '"role":"a","role":"b"', '"o":{"a":1,"a":2}', '"cnf":{"jkt":"x"}',
     '"cnf":{"x5t#S256":"x"}', '"cnf":null', '"cnf":{}', '"events":{}',
     '"nbf":' . ($now + 3600), '"nbf":"0"', '"nbf":null', '"nbf":1e300',
     '"nbf":-1', '"nbf":99999999999999999999', '"iat":' . ($now + 3600),
     '"iat":"0"', '"iat":1e300', '"iat":[]');

my $noexp = '"iss":"https://idp.example.com/","aud":"orders"';

hostile("exp $_", raw("{$head}", "{$noexp,\"exp\":$_}")) for
    0, -1, 1, $now - 31, $now - 3600, "\"" . ($now + 200) . "\"", 'null',
    'true', '[]', '{}', "[$now]", '1e300', '-1e300', '1e18', '9999999999',
    '9223372036854775807', '9223372036854775808', '-9223372036854775809',
    '18446744073709551616', '18446744073709551616' + 0, ($now + 200) * 1000,
    4294967296 + $now, '99999999999999999999999999999999999999',
    '"2030-01-01T00:00:00Z"', $now + 86400 + 60, 'Infinity', '0x7fffffff';
hostile('no exp', raw("{$head}", "{$noexp}"));

my $exp = '"exp":' . ($now + 200);

hostile("aud $_", raw("{$head}",
    "{\"iss\":\"https://idp.example.com/\",$exp$_}")) for
    '', map { ",\"aud\":$_" } '"other"', '"Orders"', '"orders "', '"order"',
    '"orders,x"', '""', '[]', '["x"]', '[["orders"]]', '["orders",1]',
    '["orders",null]', '{"orders":1}', 'null', '1', 'true', '"*"';

hostile("iss $_", raw("{$head}", "{\"aud\":\"orders\",$exp$_}")) for
    '', map { ",\"iss\":$_" } '"https://idp.example.com"', '""', 'null', '1',
    '["https://idp.example.com/"]', '"https://IDP.example.com/"',
    '"https://idp.example.com/x"', '"https://idp.example.com/ "',
    '"http://idp.example.com/"', '"https://evil.test/"', '{}',
    '"https://idp.example.com.evil.test/"', '"*"';

hostile("sub $_", raw("{$head}", "{$noexp,$exp,\"sub\":$_}")) for
    '""', 'null', '1', '[]', '{}', '["alice"]', 'true';

# shapes

my ($h, $p, $s) = split /\./, $good;

hostile("shape $_", $_) for
    '.', '..', '...', 'a', 'a.b', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e', "$h.$p",
    "$h.$p.", "$h..$s", ".$p.$s", "$h.$p.$s.", ".$h.$p.$s", "$h.$p.$s.$s",
    "$h.$p.$s.$s.$s", "$p.$h.$s", "$h.$s.$p", "$h.$h.$s", "$h.$p.$s=",
    "$h.$p.$s==", "$h=.$p.$s", "$h.$p=.$s", "$h.$p.${s}A", "$h.$p.${s}AA",
    "$h.$p.${s}AAAA", "$h.$p.A$s", "$h.${p}AAAA.$s", "${h}AAAA.$p.$s",
    "$h.$p." . substr($s, 0, 84), "$h.$p." . substr($s, 0, 43), "$h.$p.$s$s",
    "$h?.$p.$s", "$h.$p.$s+", "$h.$p.$s/", "$h.$p.$s%", "\"$good\"",
    "$good,$good", "$good $good", "$good,Bearer $good", "Bearer $good",
    "token=$good", "$h.$p.$s;", ' ' . $good, "\t$good",
    '.' x 8192, '.' x 20000, 'A' x 8192, 'A' x 20000, 'A.' x 4000,
    'A' x 20 . '.' . 'A' x 20 . '.' . 'A' x 8000,
    'A' x 4000 . '.' . 'A' x 20 . '.' . 'A' x 86,
    'eyJhbGciOiJub25lIn0.e30.', "eyJhbGciOiJub25lIn0.$p.",
    "eyJhbGciOiJub25lIn0.$p.$s", "\x80", "\xff" x 100, '%00', '{}';

# signatures

for my $alg (@algs) {
    my $good = $k->mint(alg => $alg, key => $alg, claims => \%base);
    is(status($good), 200, "$alg");

    my ($h, $p, $s) = split /\./, $good;
    my $n = length decode_base64url($s);

    hostile("$alg signature", "$h.$p." . encode_base64url($_)) for
        "\0" x $n, "\xff" x $n, "\1" x $n, "\0" x ($n - 1) . "\1",
        "\0" x ($n - 1), "\0" x ($n + 1), "\0", "\0" x 10,
        substr(decode_base64url($s), 1), decode_base64url($s) . "\0",
        "\0" . decode_base64url($s), scalar reverse decode_base64url($s);

    for my $i (0 .. 11) {
        my $at = int(length($good) * $i / 12);
        my $text = $good;
        next if substr($text, $at, 1) eq '.';
        substr($text, $at, 1) = substr($text, $at, 1) eq 'A' ? 'B' : 'A';
        hostile("$alg, a letter changed at $at", $text);
        hostile("$alg, cut at $at", substr $good, 0, $at) if $at;
    }

    for my $other (@algs) {
        next if $other eq $alg;
        hostile("$alg claimed, $other signed", $k->mint(alg => $other,
            key => $other, claims => \%base,
            header_json => "{\"alg\":\"$alg\",\"kid\":\"$alg\"}"));
        hostile("$alg under the kid of $other", $k->mint(alg => $alg,
            key => $alg, kid => $other, claims => \%base));
    }

    hostile("$alg by another key", $k->mint(alg => $alg, key => 'evil',
                                            kid => $alg, claims => \%base));
}

is(join("\n", @wrong), '', 'every one is 401');
cmp_ok($sent, '>=', 400, "$sent hostile tokens");
is($up->count, 1 + @algs, 'none of them reached the upstream');
is(status($good), 200, 'the good one is still good');
is(scalar(grep { /" 5\d\d / } split /\n/, $t->access_log), 0, 'no 5xx');

done_testing();
