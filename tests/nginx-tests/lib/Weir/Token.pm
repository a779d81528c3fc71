package Weir::Token;

# Keys, key sets and tokens of any kind, made by the openssl program alone:
# independent of what is tested, and able to make what no library would.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

use Weir::Net qw(slurp spew);

my %CURVE = (ES256 => 'prime256v1', ES384 => 'secp384r1',
             ES512 => 'secp521r1');
my %SIZE  = (ES256 => 32, ES384 => 48, ES512 => 66);
my %NAME  = (ES256 => 'P-256', ES384 => 'P-384', ES512 => 'P-521');

my $json = JSON::PP->new->canonical->latin1->allow_nonref;


# Keys live in the test's folder and are made when first asked for.

sub new {
    my ($class, $test) = @_;

    my $dir = $test->path('keys');
    mkdir $dir unless -d $dir;

    return bless { test => $test, dir => $dir, keys => {} }, $class;
}


sub b64     { return encode_base64url($_[0]) }
sub to_json { return $json->encode($_[0]) }


sub openssl {
    my ($self, @args) = @_;

    my %o = ref $args[-1] eq 'HASH' ? %{ pop @args } : ();
    my ($rc, $out, $err) = $self->{test}->execute(['openssl', @args], %o);

    croak "openssl @args: $err" if $rc ne '0';

    return $out;
}


# The private key's file of an algorithm and a name: ES256, ES384, ES512,
# RS*, PS* (RSA; bits => 2048), EdDSA.

sub key {
    my ($self, $alg, $name, %o) = @_;

    $name = 'default' unless defined $name;

    my $kind = $alg =~ /^[RP]S/ ? 'RSA' : $alg;
    my $file = "$self->{dir}/$kind-$name.pem";

    return $file if -e $file;

    my @args = $CURVE{$kind}
        ? ('-algorithm', 'EC', '-pkeyopt', "ec_paramgen_curve:$CURVE{$kind}")
        : $kind eq 'RSA'
        ? ('-algorithm', 'RSA', '-pkeyopt',
           'rsa_keygen_bits:' . ($o{bits} || 2048))
        : ('-algorithm', 'ed25519');

    $self->openssl('genpkey', @args, '-out', $file);

    return $file;
}


# The public key as SPKI in PEM: its file.

sub public {
    my ($self, $alg, $name) = @_;

    my $key = $self->key($alg, $name);
    (my $file = $key) =~ s/pem$/pub/;

    $self->openssl('pkey', '-in', $key, '-pubout', '-out', $file)
        unless -e $file;

    return $file;
}


# The public key as a JWK (a hash); further members override: jwk('ES256',
# 'a', kid => 'x', alg => undef) leaves alg out.

sub jwk {
    my ($self, $alg, $name, %more) = @_;

    $name = 'default' unless defined $name;

    my %jwk = (kid => $name, alg => $alg, use => 'sig');
    my $public = $self->public($alg, $name);

    if ($alg =~ /^[RP]S/) {
        my $text = $self->openssl('rsa', '-pubin', '-in', $public, '-noout',
                                  '-modulus');
        my ($hex) = $text =~ /Modulus=([0-9A-F]+)/ or croak 'no modulus';
        @jwk{qw(kty n e)} = ('RSA', b64(pack 'H*', $hex), 'AQAB');

    } else {
        my $der = $self->openssl('pkey', '-pubin', '-in', $public, '-outform',
                                 'DER');

        if (my $n = $SIZE{$alg}) {
            my $point = substr $der, -2 * $n;
            @jwk{qw(kty crv x y)} = ('EC', $NAME{$alg},
                b64(substr $point, 0, $n), b64(substr $point, $n));

        } else {
            @jwk{qw(kty crv x)} = ('OKP', 'Ed25519', b64(substr $der, -32));
        }
    }

    for my $k (keys %more) {
        defined $more{$k} ? ($jwk{$k} = $more{$k}) : delete $jwk{$k};
    }

    return \%jwk;
}


# A key set's text of hashes by jwk().

sub jwks {
    my ($self, @keys) = @_;
    return to_json({ keys => \@keys });
}


# The signature of these bytes, in the form of JWS.

sub sign {
    my ($self, $alg, $data, $name) = @_;

    my ($bits) = $alg =~ /^..(\d+)$/;

    if ($alg =~ /^HS/) {
        my $hmac = Digest::SHA->can("hmac_sha$bits");
        return $hmac->($data, defined $name ? $name : 'secret');
    }

    return '' if lc $alg eq 'none';

    my $key = $self->key($alg, $name);

    if ($alg eq 'EdDSA') {
        my $file = "$self->{dir}/data.$$";
        spew($file, $data);
        my $sig = $self->openssl('pkeyutl', '-sign', '-rawin', '-inkey', $key,
                                 '-in', $file);
        unlink $file;
        return $sig;
    }

    my @pss = $alg =~ /^PS/ ? ('-sigopt', 'rsa_padding_mode:pss', '-sigopt',
                               'rsa_pss_saltlen:digest') : ();

    # ES512 is P-521 with SHA-512

    my $sig = $self->openssl('dgst', "-sha$bits", '-sign', $key, @pss,
                             { stdin => $data });

    return $SIZE{$alg} ? der_to_raw($sig, $SIZE{$alg}) : $sig;
}


# ECDSA: SEQUENCE of two INTEGERs into r || s.

sub der_to_raw {
    my ($der, $n) = @_;

    my $pos = ord(substr $der, 1, 1) & 0x80 ? 3 : 2;
    my $raw = '';

    for (1 .. 2) {
        my $len = ord substr $der, $pos + 1, 1;
        my $int = substr $der, $pos + 2, $len;
        $pos += 2 + $len;

        $int =~ s/^\0+//;
        $raw .= "\0" x ($n - length $int) . $int;
    }

    return $raw;
}


# mint(alg => 'ES256', claims => {...}, ...): a token around now, valid for
# five minutes.
#   key           name of the key (default)
#   kid           undef leaves it out; otherwise the key's name
#   header        more members of the header (undef removes one)
#   claims        more claims, likewise (undef removes iat or exp)
#   header_json, payload_json    exact text instead
#   sign_alg      sign by this algorithm, whatever the header says
#   signature     exact bytes instead

sub mint {
    my ($self, %o) = @_;

    my $alg = $o{alg} || 'ES256';
    my $name = defined $o{key} ? $o{key} : 'default';
    my $now = $o{now} || time();

    my %header = (alg => $alg, typ => 'JWT', kid => $name,
                  %{ $o{header} || {} });
    $header{kid} = $o{kid} if exists $o{kid};

    my %claims = (iat => $now, exp => $now + 300, %{ $o{claims} || {} });

    for my $h (\%header, \%claims) {
        delete $h->{$_} for grep { !defined $h->{$_} } keys %$h;
    }

    my $head = defined $o{header_json} ? $o{header_json} : to_json(\%header);
    my $payload = defined $o{payload_json} ? $o{payload_json}
                                           : to_json(\%claims);

    my $input = b64($head) . '.' . b64($payload);

    my $signature = defined $o{signature} ? $o{signature}
                    : $self->sign($o{sign_alg} || $alg, $input,
                                  $o{secret} || $name);

    return "$input." . b64($signature);
}


1;
