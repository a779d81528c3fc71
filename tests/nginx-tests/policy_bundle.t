
# weir_bundle and weir_policy at configuration time: what nginx -t accepts,
# what it refuses, and with which words.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;

my $t = Weir::Test->new;

# all of them are provoked, and told into the error log too

$t->allow(qr/./);

my $k = Weir::Token->new($t);

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'corp')));

$t->file('good/orders.policy', <<'END');
language 1;
policy orders;

permit all { who anyone; what GET /**; }
END

my $issuers = join '', map { <<"END" } qw(corp partner);
    weir_issuer $_ {
        issuer    https://$_.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }
END


# nginx -t of what stands in http {}; every text begins on line 2.

sub config {
    my ($text) = @_;
    return $t->test_config("events {} http {\n$text\n}\n");
}

sub refused {
    my ($text, $re, $name) = @_;

    my ($rc, $out) = config($text);

    is($rc, 1, "$name: refused");
    like($out, $re, $name);
}

sub accepted {
    my ($text, $name) = @_;

    my ($rc, $out) = config($text);

    is($rc, 0, $name) or diag($out);
    return $out;
}

# A server with these directives in a location, and these policies.

sub bundle {
    my ($name, $policy, $directives, $http) = @_;

    $t->file("$name/p.policy", $policy);

    return "weir_bundle $name; " . ($http || '')
           . "server { listen 127.0.0.1:%%PORT_0%%;\n"
           . "    location / {\n        $directives\n    }\n}";
}


# a bundle, relative as include is

my $server = "server { listen 127.0.0.1:%%PORT_0%%;\n"
             . "location / { weir_policy orders; } }";

accepted("weir_bundle good; $server", 'a relative folder');
accepted("weir_bundle %%TESTDIR%%/good; $server", 'an absolute folder');
accepted("weir_bundle good bootstrap; $server", 'bootstrap');
accepted('weir_bundle good;', 'without a policy in use');

refused("weir_bundle good; weir_bundle good;",
        qr/"weir_bundle" directive is duplicate .*tested.conf:2/, 'duplicate');
refused("weir_bundle good now;",
        qr/invalid parameter "now" in .*tested.conf:2/, 'another word');
refused("weir_bundle;", qr/invalid number of arguments/, 'no folder');
refused("server { weir_bundle good; }",
        qr/"weir_bundle" directive is not allowed here/, 'in a server');


# folders that are no bundle

mkdir $t->path('empty');
$t->file('only/readme.txt', 'language 1;');

refused("weir_bundle missing;", qr/missing" failed \(2: No such file/,
        'no such folder');
refused("weir_bundle empty;",
        qr/"weir_bundle" ".*empty": there is no \*\.policy file/, 'empty');
refused("weir_bundle only;", qr/there is no \*\.policy file/,
        'without policies');
refused("weir_bundle good/orders.policy;",
        qr/orders.policy" failed \(20: Not a directory/, 'a file');


# dot files, links and other names do not count; folders below do

$t->file('mixed/a.policy', "language 1; policy a;\n");
$t->file('mixed/.hidden.policy', 'bogus');
$t->file('mixed/.git/x.policy', 'bogus');
$t->file('mixed/note.txt', 'bogus');
$t->file('mixed/b.policy~', 'bogus');
$t->file('bogus', 'bogus');
symlink $t->path('bogus'), $t->path('mixed/link.policy');
symlink $t->path('good'), $t->path('mixed/linked');
$t->file('mixed/deep/er/c.policy', "language 1; policy c;\n");

accepted("weir_bundle mixed; server { listen 127.0.0.1:%%PORT_0%%;\n"
         . "location /a { weir_policy a; } location /c { weir_policy c; } }",
         'regular files in folders');
refused("weir_bundle mixed; $server",
        qr/unknown policy "orders": .*mixed" has no such one in .*:3/,
        'not through a link');


# the compiler's message, with its place, source and caret; all errors

refused(bundle('bad', "language 1;\npolicy p;\n\nschema from corp {\n"
               . "    claim tenant string;\n}\n\npermit a {\n"
               . "    if claim.tenant == 7;\n    from 10.0.0.1/8;\n}\n"
               . "bogus;\n", 'weir_policy p;'),
        qr{
            ^nginx:\s\[emerg\]\sp\.policy:9:24:\serror:\sclaim\.tenant\sis
                \sstring,\scompared\swith\sint\n
            ^nginx:\s\[emerg\]\s\s\s\s\s9\ \|\s\s\s\s\sif\ claim\.tenant
                \ ==\ 7;\n
            ^nginx:\s\[emerg\]\s\s\s\s\s\s\s\|\s{24}\^\ declared\ at
                \ p\.policy:5:11\n
            .*p\.policy:10:10:\serror:\s10\.0\.0\.1/8\ has\ host\ bits
            .*p\.policy:12:1:\serror:\s
            .*"weir_bundle"\s"[^"]*/bad"\ has\ 3\ errors\ in
                \ [^\n]*tested\.conf:2\n
        }mxs, 'errors of policies');

# what only nginx.conf knows, and nothing enforces yet

refused(bundle('bad', "language 1; policy p;\n"
               . "permit a { who anyone; limit silver; }", 'weir_policy p;'),
        qr/p\.policy:2:30: error: policy p names quota silver, and there is no/,
        'a quota of a policy');

{
    my $long = "language 1; policy p;\n" . ('x' x 5000) . ";\n";

    refused(bundle('bad', $long, 'weir_policy p;'),
            qr/p\.policy:2:1: error: [^\n]{1,300}\n.*1 error /s,
            'a long line is no lost message');
}

like(accepted(bundle('warn', "language 1; policy p;\npermit a { what * /; }",
                     'weir_policy p;'), 'a warning'),
     qr/\[warn\] p\.policy:2:8: warning: permit a has no "who"/,
     'and it is told');


# weir_policy

refused("weir_bundle good; server { listen 127.0.0.1:%%PORT_0%%;\n\n"
        . "location / {\n weir_policy order; } }",
        qr/unknown policy "order": .* in .*tested\.conf:5/, 'unknown policy');
refused("weir_bundle good; server { listen 127.0.0.1:%%PORT_0%%;\n"
        . "weir_policy orders; location /a { weir_policy x; } }",
        qr/unknown policy "x": .* in .*tested\.conf:3/, 'in a location');
refused("weir_bundle good; weir_policy x; server {\n"
        . "listen 127.0.0.1:%%PORT_0%%; location /a { } location /b { } }",
        qr/unknown policy "x": .* in .*tested\.conf:2/, 'inherited');

{
    my (undef, $out) = config("weir_bundle good; weir_policy x; server {\n"
        . "listen 127.0.0.1:%%PORT_0%%; location /a { } location /b { } }");

    is(scalar(() = $out =~ /unknown policy/g), 1, 'and told once');
}

for (['weir_policy orders; weir_policy orders;', qr/is duplicate/,
      'twice'],
     ['weir_policy orders; weir_policy off;', qr/is duplicate/,
      'name and off'],
     ['weir_policy off shadow;', qr/invalid parameter "shadow"/,
      'off shadow'],
     ['weir_policy orders now;', qr/invalid parameter "now"/,
      'another word behind'],
     ['weir_policy Orders;', qr/invalid policy name "Orders"/, 'a name'],
     ['weir_policy default;', qr/invalid policy name "default"/,
      'a reserved name'],
     ['weir_policy;', qr/invalid number of arguments/, 'nothing'],
     ['if ($arg_x) { weir_policy orders; }',
      qr/"weir_policy" directive is not allowed here/, 'in if'])
{
    my ($directives, $re, $name) = @$_;

    refused("weir_bundle good; server { listen 127.0.0.1:%%PORT_0%%;\n"
            . "location / { $directives } }", $re, "weir_policy: $name");
}

accepted("weir_bundle good; weir_policy orders; server {\n"
         . "listen 127.0.0.1:%%PORT_0%%; weir_policy off;\n"
         . "location / { weir_policy orders; } location /o { } }",
         'in http, server and location');


# no bundle at all: told, and answered 503

like(accepted("server { listen 127.0.0.1:%%PORT_0%%;\n"
              . "location / { weir_policy orders; } }", 'without a bundle'),
     qr/\[warn\] there is no "weir_bundle": .*"orders" .* in .*:3/,
     'a warning with its place');


# what a policy names, and what the location admits

refused(bundle('names', "language 1; policy p;\n"
               . "schema from corp, nobody { claim a string; }\n"
               . "permit b { who issuer other, subject x issuer third; }",
               'weir_policy p;', $issuers),
        qr{
            p\.policy:2:19:\serror:\spolicy\ p\ names\ issuer\ nobody.*
            p\.policy:3:23:\serror:\spolicy\ p\ names\ issuer\ other.*
            p\.policy:3:47:\serror:\spolicy\ p\ names\ issuer\ third.*
            policy\ "p"\ does\ not\ fit\ in\ [^\n]*tested\.conf:\d+
        }xs, 'unknown issuers');

accepted(bundle('unused', "language 1; policy p;\n"
                . "schema from nobody { claim a string; }", 'weir_policy off;',
                $issuers),
         'a policy that is not used may name what there is not');

my $plain = "language 1; policy p;\n\nschema { claim a string; }\n"
            . "permit a { who anyone; if claim.a == \"x\"; }";

refused(bundle('plain', $plain, 'weir_auth corp partner; weir_policy p;',
               $issuers),
        qr/p\.policy:3:1: error: policy p has a schema without "from" where /,
        'a schema without "from", two issuers');
accepted(bundle('plain', $plain, 'weir_auth corp; weir_policy p;', $issuers),
         'one issuer');
accepted(bundle('plain', $plain, 'weir_auth corp optional; weir_policy p;',
                $issuers), 'one issuer, optional');
accepted(bundle('plain', $plain, 'weir_policy p;', $issuers), 'no issuer');


# room in the zone

{
    my $rules = join '', map { "permit rule-number-$_ { who anyone;"
                               . " what GET /path/$_/**; }\n" } 1 .. 5000;

    $t->file('big/p.policy', "language 1; policy orders;\n$rules");

    my ($rc, $out) = config("weir_zone 2m; weir_bundle big; $server");

    is($rc, 1, 'a bundle without room');
    like($out, qr/no room for the bundle ".*big" in area "policies"/,
         'says which area');
    my ($size) = $out =~ /"weir_zone SIZE policies=(\d+)k"/;
    ok($size, 'and the size it needs');

    ($rc, $out) = config("weir_zone 64m policies=${size}k; weir_bundle big;"
                         . " $server");
    is($rc, 0, 'which is enough') or diag($out);

    $size -= 16;
    ($rc, $out) = config("weir_zone 64m policies=${size}k; weir_bundle big;"
                         . " $server");
    is($rc, 1, 'and not much more than needed');
}

done_testing();
