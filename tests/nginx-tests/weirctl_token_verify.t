# weirctl token verify: a single token, and JSON lines for other programs.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);

my $t = Weir::Test->new(module => '');
my $k = Weir::Token->new($t);
my $json = JSON::PP->new->canonical->latin1;

my @algs = qw(ES256 ES384 RS256 PS256 EdDSA);
my $set = $t->file('jwks.json', $k->jwks(map { $k->jwk($_, $_) } @algs));
my $now = 1767225600;

sub verify {
    my (@args) = @_;
    my ($rc, $out, $err) = $t->weirctl('token', 'verify', @args);
    chomp $out;
    return "$rc $out";
}

sub mint {
    my (%o) = @_;
    my $alg = $o{alg} || 'ES256';
    $o{claims} = { iss => 'https://i/', aud => ['orders', 'x'],
                   sub => 'alice', %{ $o{claims} || {} } };
    return $k->mint(key => $alg, now => $now, %o);
}

my @at = ('--at', '2026-01-01T00:00:00Z');
my @base = ('--jwks', $set, @at);

# one token

for my $alg (@algs) {
    is(verify(mint(alg => $alg), @base), '0 accept', $alg);
    is(verify(mint(alg => $alg, signature => 'x' x 64), @base),
       '1 reject signature', "$alg, another signature");
}

my $token = mint();

is(verify($token, @base, '--issuer', 'https://i/', '--audience', 'orders'),
   '0 accept', 'issuer and audience');
is(verify($token, @base, '--issuer', 'https://j/'), '1 reject issuer',
   'another issuer');
is(verify($token, @base, '--audience', 'y'), '1 reject audience',
   'another audience');
is(verify($token, @base, '--audience', 'y', '--audience', 'x'), '0 accept',
   'one of two audiences');
is(verify($token, @base, '--algorithms', 'ES256,EdDSA'), '0 accept',
   'algorithms');
is(verify($token, @base, '--algorithms', 'EdDSA RS256'), '1 reject alg',
   'others');
is(verify($token, '--jwks', $set, '--at', '2026-01-01T00:05:29Z'), '0 accept',
   'within the leeway');
is(verify($token, '--jwks', $set, '--at', '2026-01-01T00:05:30Z'),
   '1 reject expired', 'behind it');
is(verify($token, '--jwks', $set, '--at', '2026-01-01T00:05:00Z',
          '--leeway', '0s'), '1 reject expired', 'no leeway');
is(verify($token, '--jwks', $set, '--at', $now), '0 accept', 'seconds');
is(verify($token, '--jwks', $set), '1 reject ' . (time() > $now + 330
   ? 'expired' : 'issued-at'), 'now');
is(verify($token, @base, '--max-age', '1m'), '1 reject lifetime', 'max-age');
is(verify($token, @base, '--typ', 'at+jwt'), '1 reject typ', 'typ');
is(verify(mint(claims => { cnf => { jkt => 'x' } }), @base), '1 reject cnf',
   'cnf');
is(verify(mint(payload_json => 'no claims'), @base), '1 reject claims',
   'no claims');
is(verify(mint(payload_json => 'no claims'), @base, '--jws'), '0 accept',
   'any bytes with --jws');
is(verify('a.b', @base), '1 reject malformed', 'malformed');

my ($rc, $out) = $t->weirctl('token', 'verify', '-', @base,
                             { stdin => "$token\n" });
is("$rc $out", "0 accept\n", 'from stdin');

is_deeply(decode_json((verify($token, @base, '--json') =~ /(\{.*)/)[0]),
          { verdict => 'accept', reason => undef }, 'JSON');
is_deeply(decode_json((verify('a.b', @base, '--json') =~ /(\{.*)/)[0]),
          { verdict => 'reject', reason => 'malformed' }, 'JSON of a refusal');
is(verify($token, @base, '--quiet'), '0 ', 'quiet');
is(verify('a.b', @base, '--quiet'), '1 ', 'quiet refusal');

# usage

is((verify())[0], '2 ', 'no token');
is(verify($token), '2 ', 'no key set');
is(verify($token, '--jwks', $t->path('missing')), '2 ', 'a missing file');
is(verify($token, '--jwks', $t->file('bad.json', '{')), '1 ',
   'a bad key set');
is(verify($token, @base, 'more'), '2 ', 'two tokens');
is(verify($token, @base, '--leeway', '61s'), '2 ', 'too much leeway');
is(verify($token, @base, '--algorithms', 'none'), '2 ', 'none');
is(verify($token, '--jwks', $set, '--at', 'tomorrow'), '2 ', 'no time');
is(verify($token, @base, '--frobnicate'), '2 ', 'an unknown option');
is(verify('--batch', 'x'), '2 ', 'batch and a token');
like(verify('--help'), qr/^0 usage: weirctl token verify/, 'help');

# batch

sub batch {
    my ($lines, @args) = @_;
    my ($rc, $out) = $t->weirctl('token', 'verify', '--batch', @args,
                                 { stdin => $lines });
    is($rc, 0, 'batch ends well');
    return $out;
}

sub line {
    my ($id, $token, @keys) = @_;
    return $json->encode({ id => $id, token => $token,
                           jwks => { keys => \@keys } }) . "\n";
}

my $jws = join '', map { line($_, mint(alg => $_, payload_json => "\0bytes"),
                              $k->jwk($_, $_)) } @algs;

is(batch($jws, '--jws'), join('', map { "$_ accept\n" } @algs),
   'all algorithms, any payload');
is(batch($jws, @at), join('', map { "$_ reject claims\n" } @algs),
   'without --jws claims are checked');

my $other = $k->jwk('ES256', 'other', kid => 'ES256');
my %without = map { $_ => $k->jwk('ES256', 'ES256', $_ => undef) }
              qw(kid alg use);

my @cases = (
    ['good', $token, [$k->jwk('ES256', 'ES256')], 'accept'],
    ['other', $token, [$other], 'reject signature'],
    ['nokid', $token, [$without{kid}], 'reject kid-unknown'],
    ['noalg', $token, [$without{alg}], 'accept'],
    ['nouse', $token, [$without{use}], 'accept'],
    ['tokennokid', mint(kid => undef), [$without{kid}], 'accept'],
    ['twokeys', mint(kid => undef), [$without{kid}, $other],
     'reject kid-missing'],
    ['none', mint(header => { alg => 'none' }, signature => ''),
     [$without{kid}], 'reject alg'],
    ['hs', mint(header => { alg => 'HS256' }), [$k->jwk('ES256', 'ES256')],
     'reject alg'],
    ['es512', $k->mint(alg => 'ES512', now => $now),
     [$k->jwk('ES512', 'default')], 'reject alg'],
    ['rs384', $k->mint(alg => 'RS384', key => 'RS256'),
     [$k->jwk('RS256', 'RS256', alg => undef)], 'reject alg'],
    ['enc', $token, [$k->jwk('ES256', 'ES256', use => 'enc')], 'reject key'],
    ['ops', $token, [$k->jwk('ES256', 'ES256', key_ops => ['verify'])],
     'accept'],
    ['wrongops', $token, [$k->jwk('ES256', 'ES256', key_ops => ['sign'])],
     'reject key'],
    ['private', $token, [$k->jwk('ES256', 'ES256', d => 'AA')],
     'reject key'],
    ['samekid', $token, [$k->jwk('ES256', 'ES256'), $other], 'reject key'],
    ['mixed', $token, [$k->jwk('ES256', 'ES256'), { kty => 'oct', k => 'AA' }],
     'reject key'],
    ['oct', mint(header => { alg => 'HS256' }), [{ kty => 'oct', k => 'AA' }],
     'reject alg'],
    ['empty', $token, [], 'reject kid-unknown'],
    ['crit', mint(header => { crit => ['exp'] }),
     [$k->jwk('ES256', 'ES256')], 'reject crit'],
    ['', '', [], undef]
);

pop @cases;

is(batch(join('', map { line($_->[0], $_->[1], @{ $_->[2] }) } @cases),
         '--jws'),
   join('', map { "$_->[0] $_->[3]\n" } @cases), 'cases');

is(batch("{\"id\":\"a\",\"token\":\"$token\"}\n", '--jws', '--jwks', $set),
   "a accept\n", 'the key set of --jwks');
is(batch("{\"id\":\"a\",\"token\":\"$token\"}\n", '--jwks', $set, @at,
         '--issuer', 'https://j/'), "a reject issuer\n", 'with claims');

my $keys = $json->encode({ keys => [$k->jwk('ES256', 'ES256')] });

is(batch(join("\n", '', 'x', '[]', '{}', '{"id":"a"}',
              '{"id":"a","token":"b"}', "{\"token\":\"a.b.c\",\"jwks\":$keys}",
              "{\"id\":\"a\",\"token\":1,\"jwks\":$keys}",
              '{"id":"a","token":"b","jwks":[]}',
              "{\"id\":\"\",\"token\":\"b\",\"jwks\":$keys}",
              "{\"id\":\"a\\nb\",\"token\":\"b\",\"jwks\":$keys}", "\xff")
         . "\n", '--jws'), "- reject malformed-line\n" x 12, 'bad lines');

is(batch("{\"id\":7,\"token\":\"a.b.c\",\"jwks\":$keys}", '--jws'),
   "7 reject malformed\n", 'an integer for an id, no end of line');
is(batch("{\"id\":\"x\",\"token\":\"$token\",\"jwks\":{\"keys\":["
         . "{\"kty\":\"EC\",\"kty\":\"EC\"}]}}\n", '--jws'),
   "x reject malformed-line\n", 'a member twice, the id can be told');
is(batch('x' x 2_000_000 . "\n" . line('a', $token,
         $k->jwk('ES256', 'ES256')), '--jws'),
   "- reject malformed-line\na accept\n", 'an endless line, then a good one');
is(batch('', '--jws'), '', 'nothing');

# each answer comes before the next line is read

my $build = $ENV{WEIR_BUILD} || $t->top . '/build';

{
    require IPC::Open2;
    my $pid = IPC::Open2::open2(my $from, my $to, "$build/weirctl", 'token',
                                'verify', '--batch', '--jws');
    $to->autoflush(1);

    for my $n (1 .. 3) {
        print $to line("n$n", $token, $k->jwk('ES256', 'ES256'));
        is(scalar <$from>, "n$n accept\n", "answer $n");
    }

    close $to;
    waitpid $pid, 0;
    is($?, 0, 'ends with its input');
}

done_testing();
