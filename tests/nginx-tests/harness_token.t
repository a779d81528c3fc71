# Tokens that the harness mints verify by openssl and fail when changed.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);

my $t = Weir::Test->new(module => '');
my $k = Weir::Token->new($t);

sub verified {
    my ($alg, $token, $name) = @_;

    my ($h, $p, $s) = split /\./, $token;
    my $sig = decode_base64url($s);
    my $public = $k->public($alg, $name);

    spew($t->path('data'), "$h.$p");

    if ($alg =~ /^ES(\d+)/) {
        # back into DER
        my $n = length($sig) / 2;
        my $der = join '', map {
            my $i = $_;
            $i =~ s/^\0+//;
            $i = "\0$i" if ord($i) & 0x80;
            "\x02" . chr(length $i) . $i;
        } substr($sig, 0, $n), substr($sig, $n);
        $sig = "\x30" . (length $der > 127 ? "\x81" : '') . chr(length $der)
               . $der;
    }

    spew($t->path('sig'), $sig);

    my ($bits) = $alg =~ /(\d+)/;
    my @argv = $alg eq 'EdDSA'
        ? ('pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', $public,
           '-sigfile', $t->path('sig'), '-in', $t->path('data'))
        : ('dgst', "-sha$bits", '-verify', $public,
           ($alg =~ /^PS/ ? ('-sigopt', 'rsa_padding_mode:pss') : ()),
           '-signature', $t->path('sig'), $t->path('data'));

    my ($rc) = $t->execute(['openssl', @argv]);
    return $rc eq '0' ? 1 : 0;
}

for my $alg (qw(ES256 ES384 ES512 RS256 PS256 EdDSA)) {
    my $good = 0;

    # ECDSA's numbers now and then begin with zeros

    for (1 .. ($alg =~ /^E/ ? 5 : 1)) {
        my $token = $k->mint(alg => $alg, claims => { sub => 'alice' });
        $good++ if verified($alg, $token);
    }

    is($good, $alg =~ /^E/ ? 5 : 1, "$alg verifies");

    my $token = $k->mint(alg => $alg, key => 'other');
    ok(!verified($alg, $token, 'default'), "$alg by another key does not");
}

my ($h, $p, $s) = split /\./, $k->mint(claims => { sub => 'a', iat => undef },
                                      header => { typ => undef, x => [1] });
is_deeply(decode_json(decode_base64url($h)),
          { alg => 'ES256', kid => 'default', x => [1] }, 'header');
my $claims = decode_json(decode_base64url($p));
is($claims->{sub}, 'a', 'claim');
ok(!exists $claims->{iat}, 'a claim removed');
ok($claims->{exp} > time() && $claims->{exp} <= time() + 300, 'exp');

is($k->mint(header_json => '{"a":1,"a":2}', payload_json => 'x',
            signature => ''), 'eyJhIjoxLCJhIjoyfQ.eA.', 'exact parts');

# RFC 7515, A.1: HMAC, for attacks by a confused algorithm

is($k->mint(header_json => qq({"typ":"JWT",\r\n "alg":"HS256"}),
            payload_json => qq({"iss":"joe",\r\n "exp":1300819380,\r\n )
                            . qq("http://example.com/is_root":true}),
            sign_alg => 'HS256', secret => decode_base64url(
            'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i'
            . 'PS4hcgUuTwjAzZr1Z9CAow')),
   'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOj'
   . 'EzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjft'
   . 'JeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', 'RFC 7515, A.1');

my $jwk = $k->jwk('RS256', 'default', kid => 'z', alg => undef);
is($jwk->{kty}, 'RSA', 'kty');
is(length decode_base64url($jwk->{n}), 256, 'modulus');
ok(!exists $jwk->{alg}, 'a member removed');
is($k->jwk('ES384')->{crv}, 'P-384', 'crv');
is(length decode_base64url($k->jwk('ES384')->{y}), 48, 'y');
is(length decode_base64url($k->jwk('EdDSA')->{x}), 32, 'x');

done_testing();
