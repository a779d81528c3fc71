# weir_issuer, weir_auth and weir_identity_header: what nginx -t says.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);

$t->file('jwks.json', $k->jwks($k->jwk('ES256')));
$t->file('two.json', $k->jwks($k->jwk('ES256', 'a'), $k->jwk('RS256', 'b')));
$t->file('enc.json', $k->jwks($k->jwk('ES256', 'a', use => 'enc')));
$t->file('mixed.json', $k->jwks($k->jwk('ES256', 'a'),
                                { kty => 'oct', k => 'AAAA', kid => 'b' }));
$t->file('same.json', $k->jwks($k->jwk('ES256', 'a'),
                               $k->jwk('ES256', 'b', kid => 'a')));
$t->file('private.json', $k->jwks($k->jwk('ES256', 'a', d => 'AAAA')));
$t->file('weak.json', $k->jwks($k->jwk('RS256', 'a', n => 'AQAB'),
                               $k->jwk('ES256', 'b')));
$t->file('empty.json', '{"keys":[]}');
$t->file('broken.json', '{"keys":[}');
$t->file('huge.json', '{"keys":[]}' . ' ' x 70000);
$t->file('issuer.inc', "issuer https://idp.example.com/;\naudience orders;\n"
                       . "jwks jwks.json;\n");

$t->allow(qr/\[emerg\]/);

my $good = 'issuer https://idp.example.com/; audience orders; '
           . 'jwks jwks.json;';

# the text of http {}, and what nginx -t says: undef where it is satisfied

sub check {
    my ($name, $http, $re) = @_;

    my ($rc, $out) = $t->test_config("events {}\nhttp {\n$http\n}\n");

    if (!defined $re) {
        is($rc, 0, $name) or diag $out;
        return $out;
    }

    isnt($rc, 0, "$name is refused");
    like($out, qr/\[emerg\].*$re/, "$name: why");
    like($out, qr/(?:tested|issuer)\.(?:conf|inc):\d+/, "$name: where");
}

sub issuer { return "weir_issuer corp {\n$_[0]\n}" }

sub server { return "weir_issuer corp { $good }\n"
                    . "weir_issuer other { issuer https://o/; audience a; "
                    . "jwks jwks.json; }\n"
                    . "weir_issuer twin { issuer https://idp.example.com/; "
                    . "audience b; jwks jwks.json; }\n"
                    . "server { listen 127.0.0.1:%%PORT_gw%%; "
                    . "location / {\n$_[0]\nweir_policy off; } }" }

# weir_issuer

check('a minimal issuer', issuer($good));
check('a full issuer', issuer("$good algorithms ES256 EdDSA; leeway 0s; "
    . 'max_age 30d; typ at+jwt JWT application/x;'));
check('file:', issuer("issuer i; audience a b c; "
    . 'jwks file:%%TESTDIR%%/two.json;'));
check('include', issuer('include issuer.inc;'));
check('Ed25519 by name', issuer("$good algorithms Ed25519 ES256;"));

check('no issuer', issuer('audience a; jwks jwks.json;'),
      '"issuer" is missing');
check('no audience', issuer('issuer i; jwks jwks.json;'),
      '"audience" is missing');
check('no jwks', issuer('issuer i; audience a;'), '"jwks" is missing');
check('nothing', issuer(''), 'is missing in weir_issuer "corp"');
check('an unknown directive', issuer("$good colour blue;"),
      'unknown directive "colour"');
check('bind', issuer("$good bind mtls;"), 'later release');
check('introspection', issuer("$good introspection https://x/;"),
      'later release');
check('issuer twice', issuer("$good issuer x;"), '"issuer" is duplicate');
check('audience twice', issuer("$good audience x;"),
      '"audience" is duplicate');
check('jwks twice', issuer("$good jwks two.json;"), '"jwks" is duplicate');
check('leeway twice', issuer("$good leeway 1s; leeway 1s;"),
      '"leeway" is duplicate');
check('max_age twice', issuer("$good max_age 1s; max_age 1s;"),
      '"max_age" is duplicate');
check('typ twice', issuer("$good typ JWT; typ JWT;"), '"typ" is duplicate');
check('algorithms twice', issuer("$good algorithms ES256; algorithms ES384;"),
      '"algorithms" is duplicate');
check('an algorithm twice', issuer("$good algorithms ES256 ES256;"),
      'algorithm "ES256" is duplicate');
check('none', issuer("$good algorithms none;"),
      'unsupported algorithm "none"');
check('HS256', issuer("$good algorithms ES256 HS256;"),
      'unsupported algorithm "HS256"');
check('lower case', issuer("$good algorithms es256;"),
      'unsupported algorithm "es256"');
check('leeway beyond', issuer("$good leeway 61s;"), 'invalid value "61s"');
check('leeway no time', issuer("$good leeway soon;"), 'invalid value "soon"');
check('max_age 0', issuer("$good max_age 0s;"), 'invalid value "0s"');
check('an empty issuer', issuer('issuer ""; audience a; jwks jwks.json;'),
      'empty one');
check('an empty audience', issuer('issuer i; audience ""; jwks jwks.json;'),
      'empty audience');
check('two values', issuer('issuer a b; audience a; jwks jwks.json;'),
      'invalid number of arguments in "issuer"');
check('a URL', issuer('issuer i; audience a; jwks https://x/jwks.json;'),
      'remote key sets come with a later release');
check('a plain URL', issuer('issuer i; audience a; jwks http://x/k;'),
      'later release');
check('no file', issuer('issuer i; audience a; jwks missing.json;'),
      'missing.json" failed');
check('a folder', issuer('issuer i; audience a; jwks file:%%TESTDIR%%;'),
      'is no file');

my %sets = (broken => 'no valid JSON', mixed => 'symmetric',
    same => 'kid "a" is duplicate', private => 'private member "d"',
    enc => 'no usable key', empty => 'no usable key',
    huge => 'larger than 65536');

check("$_.json", issuer("issuer i; audience a; jwks $_.json;"), $sets{$_})
    for sort keys %sets;

my $out = check('a weak key beside a good one',
                issuer('issuer i; audience a; jwks weak.json;'));
like($out, qr/\[warn\][ ]key[ ]1[ ]\(kid[ ]"a"\)[ ]of[ ].*weak.json"
               [ ]is[ ]not[ ]used:[ ]it[ ]has[ ]less[ ]than[ ]2048[ ]bits/x,
     'a warning names it');

$out = check('a key of an algorithm not listed', issuer(
    'issuer i; audience a; jwks two.json; algorithms ES256;'));
like($out, qr/\[warn\] key 2 .* is not used: /, 'a warning names it');

check('a name twice', issuer($good) . "\n" . issuer($good),
      'weir_issuer "corp" is duplicate');

for my $name ('Corp', 'off', 'optional', 'mtls', 'apikey', 'none', 'a/b',
              'x' x 64)
{
    check("the name $name", "weir_issuer $name { $good }",
          'invalid issuer name');
}

# weir_auth

check('one', server('weir_auth corp;'));
check('two', server('weir_auth corp other;'));
check('optional', server('weir_auth corp other optional;'));
check('off', server('weir_auth off;'));
$out = check('both', server('weir_auth corp + other;'));
like($out, qr/\[warn\].*nobody can have both.*tested.conf:\d+/,
     'both: a warning');
check('a choice', server('weir_auth corp other + corp;'));

check('twice the same', server('weir_auth corp corp;'),
      'way "corp" is duplicate');
check('with itself', server('weir_auth other corp + corp;'),
      'way "corp" is duplicate');

check('unknown', server('weir_auth nobody;'),
      'unknown issuer "nobody" in "weir_auth" in .*tested.conf:7');
check('one of two unknown', server('weir_auth corp nobody;'),
      'unknown issuer "nobody"');
check('twice', server('weir_auth corp; weir_auth other;'), 'is duplicate');
check('off with a way', server('weir_auth corp off;'), 'invalid issuer name');
check('optional alone', server('weir_auth optional;'), 'names no way');
check('optional first', server('weir_auth optional corp;'),
      'invalid issuer name');
check('+ first', server('weir_auth + corp;'), 'without a way before it');
check('+ last', server('weir_auth corp +;'), 'without a way behind it');
check('+ twice', server('weir_auth corp + + other;'),
      'without a way before it');
check('mtls', server('weir_auth mtls;'), '"weir_auth mtls" comes with a later');
check('apikey', server('weir_auth corp + apikey;'),
      '"weir_auth apikey" comes with a later');
check('the same issuer twice over', server('weir_auth corp twin;'),
      'issuers "corp" and "twin" in "weir_auth" have the same "issuer"');

check('at http level, unknown', "weir_auth nobody;\n"
      . 'server { listen 127.0.0.1:%%PORT_gw%%; weir_policy off; }',
      'unknown issuer "nobody"');

# weir_identity_header, weir_forward_token, weir_claim_variable

check('headers', server('weir_auth corp; '
    . 'weir_identity_header X-A $weir_subject; '
    . 'weir_identity_header X-B "a $weir_claim_x"; weir_forward_token on;'));
check('headers off', server('weir_identity_header off;'));
check('a header twice', server('weir_identity_header X-A a; '
    . 'weir_identity_header x-a b;'), 'identity header "x-a" is duplicate');
check('a header and off', server('weir_identity_header X-A a; '
    . 'weir_identity_header off;'), 'is duplicate');
check('a header without a value', server('weir_identity_header X-A;'),
      'needs a name and a value');
check("the header $_", server("weir_identity_header $_ a;"),
      "\"$_\" cannot be an identity header") for
    'Authorization', 'authorization', 'Host', 'Cookie', 'Connection',
    'Transfer_Encoding', 'traceparent', 'X-Request-ID';
check('a header twice, by an underscore',
      server('weir_identity_header X-A a; weir_identity_header x_a b;'),
      'identity header "x_a" is duplicate');
check('no header name', server('weir_identity_header "X A" a;'),
      'invalid header name "X A"');
check('a header name with a colon', server('weir_identity_header X-A: a;'),
      'invalid header name "X-A:"');
check('a variable', 'weir_claim_variable $x a.b;');
check('no variable', 'weir_claim_variable x a.b;', 'invalid variable name');
check('a variable twice', "weir_claim_variable \$x a;\n"
      . 'weir_claim_variable $x b;', 'duplicate "x" variable');
check('a claim without a name', 'weir_claim_variable $x "";',
      'invalid claim');

# without any of it, nothing

check('nothing of Weir', 'server { listen 127.0.0.1:%%PORT_gw%%; }');

done_testing();
