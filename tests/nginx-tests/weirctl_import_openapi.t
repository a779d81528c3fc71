#!/usr/bin/perl

# weirctl import openapi: a permit for each operation, by its security
# requirements; what is not understood gets none; nothing is widened.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

my %schemes = (
    oauth => { type => 'oauth2', flows => {} },
    oidc  => { type => 'openIdConnect', openIdConnectUrl => 'https://x' },
    token => { type => 'http', scheme => 'Bearer' },
    key   => { type => 'apiKey', in => 'header', name => 'X-Key' },
    cert  => { type => 'mutualTLS' },
    basic => { type => 'http', scheme => 'basic' },
);

sub import_doc {
    my ($doc, @args) = @_;

    $doc = JSON::PP->new->canonical->encode({ openapi => '3.1.0',
        components => { securitySchemes => \%schemes }, %$doc })
        if ref $doc;

    $t->file('api.json', $doc);
    unlink $t->path('p/p.policy');

    my ($rc, $out, $err) = $t->weirctl('import', 'openapi',
                                       $t->path('api.json'), @args);
    $t->file('p/p.policy', $out);
    return ($rc, $out, $err);
}

# Verdicts of requests: "METHOD PATH WHO SCOPE...": WHO is -, jwt, apikey, mtls

sub verdicts {
    my (@asked) = @_;
    my $lines = '';

    for (@asked) {
        my ($method, $path, $who, @scope) = split / /;

        $lines .= encode_json({ method => $method, path => $path,
            $who eq '-' ? () : (identity => { kind => $who,
                issuer => 'corp' }),
            @scope ? (claims => { scope => \@scope }) : () }) . "\n";
    }

    my ($rc, $out) = $t->weirctl('eval', $t->path('p'), { stdin => $lines });
    return map { decode_json($_)->{verdict} } split /\n/, $out;
}

sub decides {
    my ($what, %expect) = @_;
    my @asked = sort keys %expect;
    my @got = verdicts(@asked);

    is($got[$_], $expect{ $asked[$_] }, "$what: $asked[$_]") for 0 .. $#asked;
}


# a document

my ($rc, $out, $err) = import_doc({
    info => { title => "Pets \"R\" us\n# permit" },
    servers => [{ url => 'https://api.example.com/v1' },
                { url => 'https://eu.example.com/v1/' },
                { url => 'https://old.example.com' }],
    security => [{ oauth => ['pets:read'] }],
    paths => {
        '/pets' => {
            get => { operationId => 'listPets' },
            post => { operationId => '1 create pet!',
                      security => [{ oauth => ['pets:read', 'pets:write'] }] },
            parameters => [],
        },
        '/pets/{petId}' => {
            get => { operationId => 'showPet' },
            delete => { security => [{ oidc => ['pets:admin'] },
                                     { key => [] }, { cert => [] }] },
        },
        '/pets/mine' => { get => { operationId => 'minePets',
                                   security => [{ token => ['me'] }] } },
        '/pets/{a}/toys/{a}' => { get => { operationId => 'showPet' } },
        '/report.{format}' => { get => { security => [] } },
        '/open' => { get => { security => [{}, { oauth => ['x'] }] } },
        '/closed' => { get => { security => [{ basic => [] }] } },
        '/both' => { get => { security => [{ oauth => ['a'], key => [] }] } },
        '/either' => { get => { security => [{ basic => [] },
                                             { oauth => ['a'] }] } },
        '/undeclared' => { get => { security => [{ nothing => [] }] } },
        'x-internal' => {},
    },
}, '--issuer', 'corp');

is($rc, 1, 'some operations are left out');
is(join(' ', sort($err =~ /weirctl: GET (\S+) is left out/g)),
   '/both /closed /undeclared', 'and named');
is(($t->weirctl('check', $t->path('p')))[0], 0, 'compiles');
is(($t->weirctl('fmt', '--check', $t->path('p')))[0], 0, 'is laid out');
is(($t->weirctl('test', $t->path('p')))[0], 0, 'passes its tests');
cmp_ok(scalar(() = $out =~ /^test /mg), '>', 20, 'which are many');

decides('as it says',
    'GET /v1/pets jwt pets:read'              => 'permit',
    'GET /pets jwt pets:read'                 => 'permit',
    'GET /v2/pets jwt pets:read'              => 'deny',
    'GET /v1/pets jwt pets:write'             => 'deny',
    'GET /v1/pets jwt'                        => 'deny',
    'GET /v1/pets -'                          => 'deny',
    'GET /v1/pets mtls'                       => 'deny',
    'HEAD /v1/pets jwt pets:read'             => 'deny',
    'POST /v1/pets jwt pets:read pets:write'  => 'permit',
    'POST /v1/pets jwt pets:write'            => 'deny',
    'GET /v1/pets/7 jwt pets:read'            => 'permit',
    'GET /v1/pets/7/toys jwt pets:read'       => 'deny',
    'GET /v1/pets/7/toys/8 jwt pets:read'     => 'permit',
    'DELETE /v1/pets/7 jwt pets:read'         => 'deny',
    'DELETE /v1/pets/7 jwt pets:admin'        => 'permit',
    'DELETE /v1/pets/7 apikey'                => 'permit',
    'DELETE /v1/pets/7 mtls'                  => 'permit',
    'DELETE /v1/pets/7 -'                     => 'deny',
    'GET /v1/report.pdf -'                    => 'permit',
    'GET /v1/report -'                        => 'deny',
    'GET /v1/reports -'                       => 'deny',
    'GET /v1/open -'                          => 'permit',
    'GET /v1/closed jwt'                      => 'deny',
    'GET /v1/both jwt a'                      => 'deny',
    'GET /v1/both apikey'                     => 'deny',
    'GET /v1/either jwt a'                    => 'permit',
    'GET /v1/either -'                        => 'deny',
    'GET /v1/undeclared jwt'                  => 'deny',
);

decides('a template leaves the concrete path alone',
    'GET /v1/pets/mine jwt pets:read'         => 'deny',
    'GET /v1/pets/mine jwt me'                => 'permit',
    'DELETE /v1/pets/mine jwt pets:admin'     => 'permit',
);


# without security nobody is asked; without servers paths are as written

($rc, $out, $err) = import_doc({ paths => { '/' => { get => {} },
                                            '/a/' => { get => {} } } });
is($rc, 0, 'nothing is left out');
decides('open', 'GET / -' => 'permit', 'GET /a -' => 'permit',
        'GET /b -' => 'deny', 'POST / -' => 'deny');

($rc, $out, $err) = import_doc({ servers => [{ url => '/{v}' }],
    paths => { '/a' => { get => {} } } }, '--base', '/api/', '--policy', 'q');
is($rc, 0, '--base');
like($out, qr/^policy q;$/m, '--policy');
decides('--base', 'GET /api/a -' => 'permit', 'GET /a -' => 'deny');


# what cannot be read

for (['{', [], qr/api\.json:1: /, 'half a document'],
     ["openapi: 3.0.0\n", [], qr/api\.json:1: .*YAML/, 'YAML'],
     [{ openapi => '2.0' }, [], qr/"openapi": "3\.x" is needed/, 'version 2'],
     [{}, [], qr/no "paths"/, 'no paths'],
     [{ paths => { 'a' => { get => {} } } }, [], qr/does not begin with/,
      'a path without a slash'],
     [{ paths => { '/a//b' => { get => {} } } }, [], qr/empty segment/,
      'an empty segment'],
     [{ paths => { '/a/../b' => { get => {} } } }, [], qr/dot segment/,
      'a dot segment'],
     [{ paths => { '/a%20b' => { get => {} } } }, [], qr/which no template/,
      'an escape'],
     [{ paths => { '/a*' => { get => {} } } }, [], qr/which no template/,
      'a star'],
     [{ paths => { '/{a' => { get => {} } } }, [], qr/do not match/,
      'half a template'],
     [{ paths => { '/a' => { '$ref' => 'x' } } }, [], qr/"\$ref"/, 'a $ref'],
     [{ paths => { '/a' => { get => { servers => [] } } } }, [],
      qr/servers of its own/, 'servers of an operation'],
     [{ paths => {}, servers => [{ url => 'https://x/{v}' }] }, [],
      qr/is not plain: say --base/, 'a server with variables'],
     [{ paths => {}, servers => [{ url => 'v1' }] }, [], qr/is relative/,
      'a relative server'],
     [{ paths => { '/a' => { get => { security => {} } } } }, [],
      qr/"security" is no array/, 'security that is none'],
     [{ paths => {} }, ['--policy', 'No'], qr/no name of a policy/,
      'a bad name'])
{
    my ($doc, $args, $re, $what) = @$_;

    ($rc, $out, $err) = import_doc($doc, @$args);
    is($rc, 2, $what);
    is($out, '', 'writes nothing');
    like($err, $re, 'and says why');
}

# what the document leaves open is not decided by the weaker

sub op {
    return { get => { security => [{ oauth => [@_] }], responses => {} } };
}

for (['/d', '/d/'], ['/c/{x}/d', '/c/z/{y}'], ['/t/{x}', '/t/{y}'],
     ['/t/a{x}', '/t/{y}b'])
{
    my ($one, $two) = @$_;
    my ($rc, $out, $err) = import_doc({ paths => {
        $one => op('adm'), $two => op('read') } });

    is($rc, 2, "$one and $two");
    is($out, '', 'nothing is written');
    like($err, qr/GET \S+ and \S+ can be the same path, and ask for different/,
         'and why');
    like($err, qr/ \Q$_\E /, "$_ is named") for $one, $two;

    ($rc) = import_doc({ paths => { $one => op('adm'), $two => op('adm') } });
    is($rc, 0, 'with the same security they may');
}

for (['/t/a', '/t/{x}'], ['/t/a{x}', '/t/{x}'], ['/t/a{x}', '/t/b'],
     ['/t/a', '/t/b'], ['/t', '/t/{x}'])
{
    my ($one, $two) = @$_;
    my ($rc, $out, $err) = import_doc({ paths => {
        $one => op('adm'), $two => op('read') } });

    is("$rc$err", '0', "$one and $two are told apart");
}

{
    my ($rc, $out, $err) = import_doc({ paths => { '/e;x' => op('a') } });
    is($rc, 2, 'a path with ;');
    like($err, qr/the path "\/e;x" holds ";", which the gateway refuses/,
         'and why');
}

done_testing();
