#!/usr/bin/perl

# weirctl check, fmt, eval and test of hostile input: each ends soon, within
# 2 GB, with the exit code and the message that it should.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;
use POSIX ();

my $t = Weir::Test->new(assert => 0);

my $weirctl = ($ENV{WEIR_BUILD} || "$FindBin::Bin/../../build") . '/weirctl';

# A sanitizer reserves terabytes of addresses.

my $bounded = slurp($weirctl) !~ /__asan_init/;
my $slow = $ENV{TEST_NGINX_SLOW} || 1;

my $HEAD = "language 1; policy p;\n";
my $MB = 1024 * 1024;


# Runs weirctl under a limit of 2 GB and a deadline: exit code, output, errors.

sub hostile {
    my ($args, %o) = @_;

    my @limit = $bounded ? ('sh', '-c', 'ulimit -v 2097152; exec "$@"', 'sh')
                         : ();

    return $t->execute([@limit, $weirctl, @$args],
                       seconds => 40 * $slow, %o);
}


# What a source makes of "check": the exit code, the first line and how many
# lines there are at most.

sub check_is {
    my ($what, $text, $rc, $first, $most) = @_;

    $t->file('h/p.policy', $text);

    my ($got, $out, $err) = hostile(['check', $t->path('h')]);
    my ($line) = $err =~ /\A([^\n]*)/;

    is($got, $rc, "$what: exit code") or diag substr($err, 0, 500);
    is($line, $first, "$what: message");
    cmp_ok($err =~ tr/\n//, '<=', $most || 3, "$what: little is said");

    unlink $t->path('h/p.policy');
}


# A source that compiles is to be formatted too, and decides.

sub works {
    my ($what, $text) = @_;

    check_is($what, $text, 0, '', 0);

    $t->file('h/p.policy', $text);

    my ($rc, $out, $err) = hostile(['fmt', $t->path('h')]);
    is("$rc$err", '0', "$what: fmt");

    ($rc, $out, $err) = hostile(['fmt', '--check', $t->path('h')]);
    is("$rc$out$err", '0', "$what: fmt leaves it then");

    ($rc, $out, $err) = hostile(['eval', $t->path('h')],
        stdin => '{"method":"GET","path":"/a"}' . "\n");
    is("$rc$err", '0', "$what: eval");
    like($out, qr/^\{"id":null,"verdict":"(?:permit|deny)",/,
         "$what: a decision");

    unlink $t->path('h/p.policy');
}


sub permit { return "${HEAD}permit a { who anyone; @_ }\n" }


# --- bytes that are no policy

my $noise = '';
my $seed = 7;

for (1 .. $MB / 4) {
    $seed = ($seed * 1103515245 + 12345) & 0x7fffffff;
    $noise .= chr($seed >> 16 & 0xff);
}

check_is('nothing', '', 1,
         'p.policy:1:1: error: a policy source begins with "language 1;"');
check_is('noise', "\x80" . $noise x 4, 1,
         'p.policy:1:1: error: this is not UTF-8');
check_is('noise behind the head', $HEAD . "\xff" x (5 * $MB), 1,
         'p.policy:2:1: error: this is not UTF-8');
check_is('overlong UTF-8', "$HEAD# \xc0\xaf\n", 1,
         'p.policy:2:3: error: this is not UTF-8');
check_is('a surrogate', "$HEAD# \xed\xa0\x80\n", 1,
         'p.policy:2:3: error: this is not UTF-8');
check_is('NUL', $HEAD . "\0" x (5 * $MB), 1,
         'p.policy:2:1: error: NUL may not stand in a policy', 60);
check_is('a byte order mark', "\xef\xbb\xbf$HEAD", 1, 'p.policy:1:1: error: a '
         . 'byte order mark (U+FEFF) may not stand in a policy');
check_is('UTF-16', join("\0", split //, $HEAD), 1,
         'p.policy:1:2: error: NUL may not stand in a policy', 70);
works('CRLF', "language 1;\r\npolicy p;\r\npermit a { who anyone; }\r\n");


# --- large, and nothing wrong

works('comments', $HEAD . "# nothing but a comment\n" x (2 * $MB)
      . "permit a { who anyone; }\n");
works('one comment', "$HEAD#" . 'x' x (50 * $MB) . "\n");
works('white space', $HEAD . "\r\n\t " x (2 * $MB));
works('the longest string', permit('if request.path != "' . 'a' x 65_536
                                   . '";'));
works('globs of one value', $HEAD . join('', map {
          "permit r$_ { who anyone; what GET /a; if request.path like \"*"
          . 'ab' x 250 . "*$_\" && request.path like \"*" . 'ba' x 250
          . "*\"; }\n" } 1 .. 100));
works('a long path', permit('') . 'test "t" { request GET /' . 'a/' x 2 ** 20
      . "; expect permit; }\n");
works('tests', permit('') . join '', map {
          "test \"t$_\" { request GET /; expect permit; }\n" } 1 .. 200_000);
works('regular expressions', permit('what GET /{a}; unless path.a ~ "(a+)+$" '
      . '|| path.a ~ "(a|a)*b" || path.a ~ "(x+x+)+y" || path.a ~ "(.*)*z";')
      . 'test "t" { request GET /' . 'a' x 4000 . "; expect deny; }\n");

$t->file('h/p.policy', permit('')
         . "test \"t\" { request GET /; expect permit; }\n" x 1_000_000);

my ($rc, $out, $err) = hostile(['test', $t->path('h')]);

is($rc, 0, 'a million tests');
like($out, qr/\A1\.\.1000000\nok 1 - p: t\n.*ok 1000000 - p: t\n\z/s,
     'all are told');

unlink $t->path('h/p.policy');


# --- deep

check_is('parentheses', permit('if ' . '(' x (50 * $MB)), 1,
         'p.policy:2:91: error: parentheses nest deeper than 64', 8);
check_is('parentheses that close', permit('if ' . '(' x (5 * $MB) . 'true'
         . ')' x (5 * $MB) . ';'), 1,
         'p.policy:2:91: error: parentheses nest deeper than 64', 8);
check_is('negations', permit('if ' . '!' x (10 * $MB) . 'true;'), 1,
         'p.policy:2:28: error: a value expected, not "!"', 8);
check_is('words that are none', permit('if ' . 'not ' x (10 * $MB) . 'true;'),
         1, 'p.policy:2:31: error: ";" expected, not "not"', 8);
check_is('conjunctions', permit('if true' . ' && true' x (2 * $MB) . ';'), 1,
         'p.policy:2:1048: error: an expression has at most 256 operators, '
         . 'attributes and literals');
check_is('lists', permit('if request.path in ' . '[' x (10 * $MB) . ';'), 1,
         'p.policy:2:44: error: a value expected, not "["', 8);
check_is('braces', $HEAD . '{' x (10 * $MB), 1, 'p.policy:2:1: error: import, '
         . 'schema, role, set, window, permit, deny, shadow, assert or test '
         . 'expected, not "{"');


# --- long

check_is('a name', "${HEAD}permit " . 'a' x (10 * $MB) . ' { who anyone; }',
         1, 'p.policy:2:8: error: a name has at most 64 characters, this one '
         . 10 * $MB);
check_is('a name of many', "${HEAD}schema { claim a" . '.a' x (2 * $MB)
         . " string; }\n", 0, '', 0);
check_is('a number', permit('if 1 == ' . '9' x (10 * $MB) . ';'), 1,
         'p.policy:2:32: error: ' . '9' x 511, 8);
check_is('a string', permit('if request.path == "' . 'a' x (50 * $MB) . '";'),
         1, 'p.policy:2:43: error: a string has at most 65536 bytes', 8);
check_is('a glob', permit('if request.path like "' . 'a*' x 513 . '";'), 1,
         'p.policy:2:45: error: a pattern of "like" has at most 1024 bytes',
         8);
check_is('a regular expression', permit('if request.path ~ '
                                        . '"a{60000}{60000}";'), 1,
         'p.policy:2:57: error: in the regular expression: quantifier does '
         . 'not follow a repeatable item', 8);
check_is('a string without end', permit('if request.path == "'
         . 'a' x (10 * $MB)), 1,
         'p.policy:2:43: error: this string does not end on its line', 8);
check_is('a list', permit('if request.path in [' . join(',', map { "\"$_\"" }
         1 .. 500_000) . '];'), 1,
         'p.policy:2:788939: error: a list has at most 100000 items');
check_is('a set', "${HEAD}set s cidr " . '10.0.0.1,' x 500_000 . "10.0.0.2;\n",
         1, 'p.policy:2:900012: error: a set has at most 100000 items');
check_is('a path', permit('what GET ' . '/a' x (10 * $MB) . ';'), 1,
         'p.policy:2:33: error: a path has at most 256 segments');
check_is('effects', permit(map { "limit q$_;" } 1 .. 500_000), 1,
         'p.policy:2:719: error: a rule has at most 64 effects', 4001);
check_is('conditions', permit('if true; ' x 500_000), 1,
         'p.policy:2:8: error: rule a may cost 500001 units, a rule has '
         . '100000; a regular expression costs 5000, two claims that '
         . 'are compared 16384');


# --- many

check_is('errors', $HEAD . "bogus;\n" x 2_000_000, 1, 'p.policy:2:1: error: '
         . 'import, schema, role, set, window, permit, deny, shadow, assert '
         . 'or test expected, not "bogus"', 3003);
check_is('errors of one line', $HEAD . 'bogus; ' x 2_000_000, 1,
         'p.policy:2:1: error: import, schema, role, set, window, permit, '
         . 'deny, shadow, assert or test expected, not "bogus"', 3003);
check_is('misspelt names', $HEAD
         . join('', map { "role role_number_$_ { when true; }\n" }
                1 .. 50_000)
         . join('', map { "permit p$_ { who role roel_number_$_; }\n" }
                1 .. 100_000), 1,
         'p.policy:50002:22: error: role roel_number_1 is not defined; is it '
         . 'role_number_1?', 3003);
check_is('rules of one name', $HEAD . "permit a { who anyone; }\n" x 200_000,
         1, 'p.policy:3:8: error: rule a is duplicate', 3003);
check_is('rules that decide the same', $HEAD . join('', map {
             "permit r$_ { who anyone; what GET /a; }\n" } 1 .. 50_000), 0,
         'p.policy:2:8: warning: rule r1 changes nothing: what it matches is '
         . 'decided the same by r100', 3010);
check_is('methods', permit('what ' . join(',', map { "M$_" } 1 .. 200_000)
                           . ' /a;'), 0, '', 3);
check_is('issuers', $HEAD . join('', map {
             "schema from i$_ { claim a string; }\n" } 1 .. 50_000), 1,
         'p.policy:20002:28: error: the schemas name too many issuers of '
         . 'claim.a, and of the claims before it', 3003);
check_is('asserts that do not hold', permit('') . join('', map {
             "assert never permit { what GET /b$_; }\n" } 1 .. 20_000), 1,
         'p.policy:3:1: error: this assert does not hold: p permits '
         . '(permit-rule a) {"policy":"p","method":"GET","path":"/b1",'
         . '"scheme":"https","time":"2026-01-05T09:40:00Z","identity":'
         . '{"kind":"anonymous"}}', 3010);
check_is('splits that contradict each other', $HEAD . join('', map {
             "permit p$_ { who anyone; what GET /a$_/**; what GET /b$_/**; "
             . "slo o$_; }\n" } 1 .. 20_000), 1,
         'p.policy:253:65: error: there are too many permits with "slo" of '
         . 'several values: whether two match the same request cannot be '
         . 'told', 3003);


# --- what leads back to itself, and what has many ways

check_is('roles in a ring', $HEAD . join('', map {
             "role r$_ { includes r" . ($_ + 1) % 100_000 . "; }\n" }
             0 .. 99_999), 1, 'p.policy:100001:24: error: role r0 includes '
         . 'itself through other roles');
check_is('roles in a chain', $HEAD . join('', map {
             "role r$_ { includes r" . ($_ + 1) . "; }\n" } 0 .. 99_999)
         . "role r100000 { when true; }\n", 1, 'p.policy:3:6: error: the '
         . 'roles of this file include each other in more than 100000 ways');
check_is('roles that meet again', $HEAD . join('', map {
             my $n = $_ + 1;
             "role a$_ { includes a$n, b$n; }\n"
             . "role b$_ { includes a$n, b$n; }\n" } 0 .. 999)
         . "role a1000 { when true; }\nrole b1000 { when true; }\n", 1,
         'p.policy:52:6: error: the roles of this file include each other in '
         . 'more than 100000 ways');

my $n = 5000;

for (0 .. $n - 1) {
    $t->file("ring/$_.policy", "language 1;\nimport \""
             . ($_ + 1) % $n . ".policy\" as next;\nrole r { when true; }\n");
    $t->file("chain/$_.policy", "language 1;\n"
             . ($_ + 1 < $n ? 'import "' . ($_ + 1) . ".policy\" as next;\n"
                            : '')
             . "role r { when true; }\n");
}

for (qw(ring chain)) {
    $t->file("$_/p.policy", "${HEAD}import \"0.policy\" as next;\n"
             . "permit a { who role next.r; }\n");
}

($rc, $out, $err) = hostile(['check', $t->path('chain')]);
is("$rc$err", '0', 'imports in a chain');

($rc, $out, $err) = hostile(['check', $t->path('ring')]);
is($rc, 1, 'imports in a ring');
like($err, qr/\A\S+\.policy:2:8: error: \S+ imports itself through other /,
     'which is said');


# --- what would take the analyser for ever: it ends, and says what is left

srand 3;

sub tangle {
    my ($depth) = @_;

    my $n = int rand 50;

    return ("claim.a == \"$n\"", "claim.b == \"$n\"", "\"$n\" in claim.r",
            "claim.a like \"*$n*\"", "claim.a == claim.b", "claim.n < $n")
           [rand 6] if $depth == 0;

    return '(' . tangle($depth - 1) . (' && ', ' || ')[rand 2]
           . ('', '!')[rand 2] . '(' . tangle($depth - 1) . '))';
}

my $tangled = "${HEAD}schema { claim a string; claim b string; claim n int; "
              . "claim r set<string>; }\n"
              . join '', map { (qw(permit deny))[rand 2] . " p$_ { who anyone; "
                               . "unless " . tangle(4) . "; }\n" } 1 .. 1500;

$t->file('h/p.policy', $tangled);

($rc, $out, $err) = hostile(['check', $t->path('h')]);
is($rc, 0, 'rules that all overlap');
like($err, qr{^p\.policy:\d+:\d+: warning: whether rule p\d+ and those }m,
     'what was left is said');
like($err, qr/decide anything was not looked at: the time is up$/m, 'and why');

$t->file('h/p.policy', $tangled . join '', map {
             "assert never permit { if " . tangle(5) . "; }\n" } 1 .. 300);

($rc, $out, $err) = hostile(['fmt', '--check', $t->path('h')]);
is($rc, 1, 'fmt proves nothing');
is($err, '', 'and says nothing');

unlink $t->path('h/p.policy');


# --- what is no regular file

$t->file('odd/p.policy', permit(''));
$t->file('odd/d.policy/q.policy', "language 1; policy q;\n");
POSIX::mkfifo($t->path('odd/f.policy'), 0600) or die "mkfifo: $!";
symlink 'l.policy', $t->path('odd/l.policy');
symlink '/dev/zero', $t->path('odd/z.policy');
symlink '..', $t->path('odd/up');

($rc, $out, $err) = hostile(['check', $t->path('odd')]);
is($rc, 0, 'links, a FIFO and a device in a folder');
is($err, '', 'nobody waits for them');
like($out, qr/: 2 files, no error/, 'nor reads them');

for (['odd/f.policy', 'this is no folder, and no regular file'],
     ['odd/l.policy', 'Too many levels of symbolic links'])
{
    my ($name, $why) = @$_;
    my $path = $t->path($name);

    for my $verb (['check'], ['fmt'], ['fmt', '--check']) {
        ($rc, $out, $err) = hostile([@$verb, $path]);
        is("$rc $err", "2 weirctl: $path: $why\n", "@$verb $name");
    }
}

for my $verb (['check'], ['fmt']) {
    ($rc, $out, $err) = hostile([@$verb, '/dev/zero']);
    is("$rc $err", "2 weirctl: /dev/zero: this is no folder, and no regular "
       . "file\n", "@$verb of a device");
}

my $fifo = $t->path('odd/f.policy');

($rc, $out, $err) = hostile(['fmt', '--from-json', $fifo]);
is("$rc $err", "1 weirctl: $fifo:1:0: '[' or '{' expected near end of file\n",
   'a FIFO that nobody writes is empty');

($rc, $out, $err) = hostile(['fmt', '--from-json', '/dev/zero']);
is("$rc $err", "2 weirctl: /dev/zero: larger than 33554432 bytes\n",
   'a device without end');

# a hole of a terabyte

open my $sparse, '>', $t->path('h/p.policy') or die "open: $!";
truncate $sparse, 2 ** 40 or die "truncate: $!";
close $sparse;

my $folder = $t->path('h');

for my $verb (['check'], ['fmt'], ['eval'], ['test']) {
    ($rc, $out, $err) = hostile([@$verb, $folder]);
    is($rc, 2, "@$verb of a terabyte");
    is($err, "weirctl: $folder/p.policy: larger than 67108865 bytes\n",
       'the limit is said');
}

unlink $t->path('h/p.policy');

for (1 .. 70_000) {
    open my $f, '>', $t->path("h/$_.policy") or die "open: $!";
    close $f;
}

($rc, $out, $err) = hostile(['check', $folder]);
is("$rc $err", "1 weirctl: $folder: a bundle has at most 65536 files\n",
   'more files than a bundle has');

unlink map { $t->path("h/$_.policy") } 1 .. 70_000;


# --- syntax trees

sub tree_is {
    my ($what, $text, $message) = @_;

    my $path = $t->file('tree.json', $text);

    my ($rc, $out, $err) = hostile(['fmt', '--from-json', $path]);
    is($rc, 1, "a tree: $what") or diag $err;
    is($out, '', 'nothing is laid out');

    $err =~ s/^(?:weirctl: )?\Q$path\E//;
    is((split /\n/, $err)[0], $message, 'the message');
}

my $many = ': this is no JSON, nests too deep, or has more than 4000000 '
           . 'values';

tree_is('deep', '[' x 3000, ":1:2049: maximum parsing depth reached near '['");
tree_is('deeper', '[' x (10 * $MB), $many);
tree_is('many objects', '[' . '{},' x (10 * $MB) . '{}]', $many);
tree_is('as many as are read', '[' . '{},' x 3_900_000 . '{}]',
        ': it has no list "statements"');
my $head = '{"statements":[{"kind":"language","version":"1"},{"kind":"policy",'
           . '"name":"';
my $rule = $head . 'p"},{"kind":"rule","effect":"permit","name":"a","body":'
           . '[{"kind":"if","expr":';

tree_is('a name', $head . 'a' x (20 * $MB) . '"}]}',
        ': it spells more than 2097152 bytes');
tree_is('nested', $rule . '{"op":"!","of":{"op":"()","of":' x 900
        . '{"literal":"true"}' . '}}' x 900 . '}]}]}',
        ':4:263: error: parentheses nest deeper than 64');
tree_is('a long list', $rule . '{"op":"in","left":{"attr":"request.path"},'
        . '"right":{"list":[' . '"\"a\"",' x 200_000 . '"\"b\""]}}}]}]}',
        ':4:500022: error: a list has at most 100000 items');


# --- lines of eval

$t->file('h/p.policy', permit('unless header("x") == "1";'));

my @lines = (
    'x' x (50 * $MB),
    '[' x 1_000_000,
    '{"method":"GET","path":"/a","claims":' . '{"a":' x 60_000,
    '{"method":"GET","path":"/a","headers":{'
        . join(',', map { "\"h$_\":\"\"" } 1 .. 60_000) . '}}',
    '{"method":"GET","path":"/a","claims":{'
        . join(',', map { "\"c$_\":[]" } 1 .. 60_000) . '}}',
    '{"method":"GET","path":"/a","id":"' . 'x' x 1_000_000 . '"}',
    '{"method":"GET","path":"/' . 'a/' x 500_000 . '"}',
    '{"method":"GET","path":"/a","x":' . '9' x 100_000 . '}',
    '{"method":"GET","path":"/a\u0000"}',
    "{\"method\":\"GET\",\"path\":\"/\xc0\xaf\"}",
    "\"\\\xe0\xa4\x8d",
    '{"id":7,"method":"GET","path":"/a"}',
);

($rc, $out, $err) = hostile(['eval', $t->path('h')],
                            stdin => join("\n", @lines));
is("$rc$err", '0', 'eval answers every line');

my @answers = map { decode_json($_) } split /\n/, $out;

is(scalar @answers, scalar @lines, 'with one of its own');
is_deeply([ map { $_->{error} || $_->{reason} } @answers ], [
    'the line is too long',
    'this is no JSON, or nests too deep',
    'this is no JSON, or nests too deep',
    'default-deny',
    'claims are too large or too deep',
    'default-deny',
    'ambiguous-path',
    'default-deny',
    '\u0000 is not allowed without JSON_ALLOW_NUL near \'"/a\u0000"\'',
    'unable to decode byte 0xc0 near \'"/\'',
    'this is no JSON',
    'default-deny',
], 'the answers');
is($answers[-1]{id}, 7, 'the last one is as good as the first');

done_testing();
