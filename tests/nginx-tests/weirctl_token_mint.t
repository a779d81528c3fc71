# weirctl token mint, jwks, inspect; and what all verbs have in common.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);

my $t = Weir::Test->new(module => '');
my $k = Weir::Token->new($t);

my @algs = qw(ES256 ES384 RS256 PS256 EdDSA);

sub ctl {
    my ($rc, $out, $err) = $t->weirctl(@_);
    return ($rc, $out, $err);
}

sub parts {
    my ($h, $p) = split /\./, $_[0];
    return (decode_json(decode_base64url($h)),
            decode_json(decode_base64url($p)));
}

# a key set of all, then a token of each

my ($rc, $set, $err) = ctl('token', 'jwks',
    map { "$_=" . $k->public($_, $_) } qw(ES256 ES384 RS256 EdDSA));
is($rc, 0, 'jwks');
$t->file('jwks.json', $set);

my $keys = decode_json($set)->{keys};
is_deeply([map { "$_->{kid} $_->{alg} $_->{use}" } @$keys],
          ['ES256 ES256 sig', 'ES384 ES384 sig', 'RS256 RS256 sig',
           'EdDSA EdDSA sig'], 'its keys');

for my $key (@$keys) {
    my $want = $k->jwk($key->{alg}, $key->{kid});
    is_deeply($key, $want, "the key $key->{kid} as openssl has it");
}

($rc, $set) = ctl('token', 'jwks', '--rsa-alg', 'PS256', 'PS256='
                  . $k->public('PS256', 'PS256'));
is(decode_json($set)->{keys}[0]{alg}, 'PS256', 'an RSA key for PS256');
$t->file('ps.json', $set);

for my $alg (@algs) {
    my ($rc, $token) = ctl('token', 'mint', '--alg', $alg, '--key',
        $k->key($alg, $alg), '--kid', $alg, '--issuer', 'https://i/',
        '--subject', 'alice', '--audience', 'orders', '--lifetime', '2m',
        '--claim', 'tenant="acme"', '--claim', 'roles=["a","b"]',
        '--claim=n=5');
    is($rc, 0, "mint $alg");
    chomp $token;

    my ($h, $p) = parts($token);
    is_deeply($h, { alg => $alg, typ => 'JWT', kid => $alg }, 'header');

    my $iat = delete $p->{iat};
    ok(abs($iat - time()) < 10, 'iat');
    is(delete($p->{exp}) - $iat, 120, 'exp');
    is_deeply($p, { iss => 'https://i/', sub => 'alice', aud => 'orders',
                    tenant => 'acme', roles => ['a', 'b'], n => 5 },
              'claims');

    my ($v, $out) = ctl('token', 'verify', $token, '--jwks',
        $t->path($alg eq 'PS256' ? 'ps.json' : 'jwks.json'),
        '--issuer', 'https://i/', '--audience', 'orders');
    is("$v $out", "0 accept\n", 'it verifies');

    (my $at, $token) = ctl('token', 'mint', '--alg', $alg, '--key',
        $k->key($alg, $alg), '--typ', 'at+jwt', '--audience', 'a',
        '--audience', 'b');
    ($h, $p) = parts($token);
    is($h->{typ}, 'at+jwt', 'typ');
    ok(!exists $h->{kid}, 'no kid');
    is_deeply($p->{aud}, ['a', 'b'], 'two audiences');
    is($p->{exp} - $p->{iat}, 300, 'five minutes');
}

# what does not go

sub fails {
    my ($what, $re, @args) = @_;
    my ($rc, $out, $err) = ctl(@args);
    is($rc, 2, $what);
    is($out, '', "$what: nothing on stdout");
    like($err, $re, "$what: why");
}

my @mint = ('token', 'mint');

fails('no algorithm', qr/--alg is missing/, @mint, '--key', 'x');
fails('no key', qr/--key is missing/, @mint, '--alg', 'ES256');
fails('none', qr/unsupported algorithm "none"/, @mint, '--alg', 'none',
      '--key', $k->key('ES256'));
fails('HS256', qr/unsupported algorithm/, @mint, '--alg', 'HS256', '--key',
      $k->key('ES256'));
fails('a missing file', qr/missing: No such file/, @mint, '--alg', 'ES256',
      '--key', $t->path('missing'));
fails('a public key', qr/no private key/, @mint, '--alg', 'ES256', '--key',
      $k->public('ES256'));
fails('a key of another kind', qr/not one for ES256/, @mint, '--alg',
      'ES256', '--key', $k->key('RS256'));
fails('of another curve', qr/not one for ES256/, @mint, '--alg', 'ES256',
      '--key', $k->key('ES384'));
fails('a bad claim', qr/NAME=JSON/, @mint, '--alg', 'ES256', '--key',
      $k->key('ES256'), '--claim', 'x');
fails('a claim that is no JSON', qr/no valid JSON/, @mint, '--alg', 'ES256',
      '--key', $k->key('ES256'), '--claim', 'x=y');
fails('a bad lifetime', qr/invalid --lifetime/, @mint, '--alg', 'ES256',
      '--key', $k->key('ES256'), '--lifetime', 'long');
fails('an option twice', qr/duplicate/, @mint, '--alg', 'ES256', '--alg',
      'ES384');
fails('a private key in a key set', qr/no public key/, 'token', 'jwks',
      $k->key('ES256'));
fails('a kid twice', qr/duplicate/, 'token', 'jwks',
      'a=' . $k->public('ES256'), 'a=' . $k->public('ES384'));
fails('an unsupported curve', qr/not supported/, 'token', 'jwks',
      $k->public('ES512'));
fails('no file at all', qr/is missing/, 'token', 'jwks');

$k->key('RS256', 'small', bits => 1024);
fails('a short RSA key in a key set', qr/2048/, 'token', 'jwks',
      $k->public('RS256', 'small'));
fails('and one to sign with', qr/2048/, @mint, '--alg', 'PS256', '--key',
      $k->key('RS256', 'small'));

# a kid of its own: the RFC 7638 thumbprint

($rc, my $out) = ctl('token', 'jwks', $k->public('EdDSA'));
like(decode_json($out)->{keys}[0]{kid}, qr/^[A-Za-z0-9_-]{43}$/,
     'a thumbprint for a kid');

# inspect

my $token = $k->mint(alg => 'EdDSA', header => { typ => 'at+jwt' },
                     claims => { sub => 'alice', exp => 1767225600 });

($rc, $out) = ctl('token', 'inspect', $token);
is($rc, 0, 'inspect');
like($out, qr/^not verified/, 'it says so');
like($out, qr/expires +2026-01-01T00:00:00Z/, 'a time to read');

($rc, $out) = ctl('token', 'inspect', $token, '--json');
my $all = decode_json($out);
is($all->{verified}, JSON::PP::false, 'JSON says so too');
is($all->{header}{typ}, 'at+jwt', 'header');
is($all->{claims}{sub}, 'alice', 'claims');
is($all->{signature_bytes}, 64, 'signature');

($rc, $out) = ctl('token', 'inspect', '-', '--json', { stdin => "$token\n" });
is(decode_json($out)->{claims}{sub}, 'alice', 'from stdin');

($rc, $out) = ctl('token', 'inspect', $k->mint(header_json =>
    '{"alg":"none"}', signature => ''), '--json');
is(decode_json($out)->{header}{alg}, 'none', 'whatever it is');

for my $bad ('', 'x', 'a.b', 'a.b.c', 'e30.x!.c', '!.e30.c') {
    ($rc, $out) = ctl('token', 'inspect', $bad);
    is("$rc $out", '1 ', "inspect \"$bad\"");
}

# what all verbs have in common

is((ctl('--version'))[1], "weirctl 0.1.0\n", 'version');
is((ctl())[0], 2, 'no verb');
is((ctl('nothing'))[0], 2, 'an unknown verb');
is((ctl('token'))[0], 2, 'no verb below');
is((ctl('token', 'nothing'))[0], 2, 'an unknown one below');
is((ctl('--nothing'))[0], 2, 'an unknown option');

for my $verb ([], ['token'], ['token', 'mint'], ['token', 'jwks'],
              ['token', 'inspect'], ['token', 'verify'])
{
    ($rc, $out, $err) = ctl(@$verb, '--help');
    is($rc, 0, "@$verb --help");
    like($out, qr/^usage: weirctl/, 'usage');
    is($err, '', 'nothing on stderr');
}

# a result that cannot be written is none

SKIP: {
    skip 'no /dev/full', 1 unless -w '/dev/full';
    my $build = $ENV{WEIR_BUILD} || $t->top . '/build';
    system("'$build/weirctl' --version > /dev/full 2> /dev/null");
    is($? >> 8, 2, 'a full disk');
}

done_testing();
