# What weir_split refuses and warns of, and how it says it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/ in \S+tested\.conf:\d+$/);


sub tested {
    my ($http, $location) = @_;

    return $t->test_config(
        "events {} http { $http\nserver { listen 127.0.0.1:%%PORT_0%%;\n"
        . "location / { " . ($location || '') . " } } }");
}


sub refused {
    my ($http, $re, $name) = @_;

    my ($rc, $text) = tested($http);

    isnt($rc, 0, "refused: $name");
    like($text, $re, $name);
    like($text, qr/tested\.conf:1$/m, "$name: the line");
}


my $s = 'weir_split s key=$arg_u';

refused("$s { green 5%; }", qr/last line of weir_split "s" must be "COLOUR \*"/,
        'no rest');
refused("$s { }", qr/last line of weir_split "s"/, 'nothing');
refused("$s { blue *; green 5%; }", qr/"\*" must be in the last line/,
        'the rest first');
refused("$s { green *; blue *; }", qr/"\*" must be in the last line/,
        'the rest twice');
refused("$s { green 5%; green 6%; blue *; }", qr/colour "green" is duplicate/,
        'a colour twice');
refused("$s { green 5%; green *; }", qr/colour "green" is duplicate/,
        'the rest as well');
refused("$s { green 60%; red 50%; blue *; }",
        qr/with "50%" the weights of weir_split "s" are more than 100%/,
        'more than all');

for my $bad (qw(5 -5% 101% 0.001% 5.% .5% 1e1% five% %)) {
    refused("$s { green $bad; blue *; }", qr/invalid weight "\Q$bad"\E/,
            "weight $bad");
}

refused("$s { green; }", qr/invalid number of arguments/, 'no weight');
refused("$s { green 5% 6%; blue *; }", qr/invalid number of arguments/,
        'two weights');
refused("$s { Green 5%; blue *; }", qr/invalid colour name "Green"/,
        'the name of a colour');
refused("$s { none 5%; blue *; }", qr/invalid colour name "none"/,
        'a reserved name');
refused("$s { " . join('', map { "c$_ 1%;" } 1 .. 32) . ' blue *; }',
        qr/more than 32 colours/, 'too many colours');

refused('weir_split s { blue *; }', qr/"key=" is missing/, 'no key');
refused('weir_split s key= { blue *; }', qr/invalid parameter "key="/,
        'an empty key');
refused("$s key=\$arg_v { blue *; }", qr/duplicate parameter "key=/,
        'two keys');
refused("$s salt=a salt=b { blue *; }", qr/duplicate parameter "salt=b"/,
        'two salts');
refused("$s header=A header=B { blue *; }", qr/duplicate parameter "header=B"/,
        'two headers');
refused("$s header=a_b { blue *; }", qr/invalid parameter "header=a_b"/,
        'a header that nginx drops');
refused("$s cookie=a,b { blue *; }", qr/invalid parameter "cookie=a,b"/,
        'no cookie');
refused("$s sticky { blue *; }", qr/invalid parameter "sticky"/,
        'an unknown parameter');
refused('weir_split S key=$arg_u { blue *; }', qr/invalid split name "S"/,
        'the name of a split');
refused("$s { blue *; } $s { blue *; }", qr/weir_split "s" is duplicate/,
        'a split twice');
refused('weir_split a-b key=$arg_u { blue *; } '
        . 'weir_split a_b key=$arg_u { blue *; }',
        qr/"a_b" and weir_split "a-b" have the same variable "\$weir_split_a_b/,
        'two with one variable');

my ($rc, $text) = tested($s . ' { include %%TESTDIR%%/colours; }');
isnt($rc, 0, 'an include that is not there');

$t->file('colours', 'green 5%; blue *;');
($rc, $text) = tested($s . ' { include %%TESTDIR%%/colours; }');
is($rc, 0, 'an include') or diag($text);

# --- upstreams

my $split = "$s { green 5%; blue *; }";
my $blue = 'upstream x-blue { server 127.0.0.1:1; }';
my $missing = 'no upstream "x-green" for colour "green" of weir_split "s"';
my $green = 'upstream X-Green { server 127.0.0.1:1; }';

for my $pass ('http://x-$weir_split_s', 'http://x-${weir_split_s}',
              'https://x-$weir_split_s', 'http://x-$weir_split_s/path',
              'http://x-$weir_split_s$request_uri')
{
    ($rc, $text) = tested("$split $blue", "proxy_pass $pass;");

    is($rc, 0, "$pass: no error") or diag($text);

    if ($pass =~ /request_uri/) {
        unlike($text, qr/no upstream/, "$pass: nobody can know");
        next;
    }

    like($text, qr/\[warn\].*\Q$missing\E in \S+tested\.conf:3$/m,
         "$pass: a warning");
    unlike($text, qr/no upstream "x-blue"/, "$pass: of one only");
}

($rc, $text) = tested("$split $blue $green",
                      'proxy_pass http://x-$weir_split_s;');
unlike($text, qr/no upstream/, 'all are there');

($rc, $text) = tested("resolver 127.0.0.1; $split",
                      'proxy_pass http://x-$weir_split_s.test;');
unlike($text, qr/no upstream/, 'a name for the resolver');

# defined after its use

($rc, $text) = $t->test_config(
    'events {} http { server { listen 127.0.0.1:%%PORT_0%%; location / { '
    . 'proxy_pass http://x-$weir_split_s; } } '
    . "$split $blue }");
is($rc, 0, 'a split that is defined later') or diag($text);
like($text, qr/no upstream "x-green"/, 'is warned of too');

# --- nginx's own directive is itself again, whatever happened

$t->http_conf(<<"END");
    $split
    upstream x-green { server 127.0.0.1:%%PORT_up%%; }
    upstream x-blue  { server 127.0.0.1:%%PORT_up%%; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://x-\$weir_split_s; }
    }
    server {
        listen 127.0.0.1:%%PORT_up%%;
        location / { return 200 up; }
    }
END

$t->run;
is(http_get($t->port, '/')->body, 'up', 'proxied');

my $good = slurp($t->path('nginx.conf'));

for my $n (1 .. 2) {
    my $bad = $good;
    $bad =~ s/return 200 up;/return 200 up; no_such_directive;/;
    spew($t->path('nginx.conf'), $bad);
    $t->allow(qr/no_such_directive/);
    ok(!$t->reload, "a reload that fails: $n");

    spew($t->path('nginx.conf'), $good);
    ok($t->reload, "a reload that does not: $n");
    is(http_get($t->port, '/')->body, 'up', 'still proxied');
}

done_testing();
