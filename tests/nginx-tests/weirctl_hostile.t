#!/usr/bin/perl

# What hostile policies and requests do to check, fmt and eval: an error that
# says what and where, soon, and within 2 GB of memory.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use POSIX qw(mkfifo);

my $t = Weir::Test->new(assert => 0);
my $weirctl = ($ENV{WEIR_BUILD} || Weir::Test->top . '/build') . '/weirctl';
my $head = "language 1; policy p;\n";
my $rule = 'permit r { who anyone; what GET /a;';

# sanitizers reserve more addresses than that, and are slow

my $sanitized = `grep -c __asan_init '$weirctl' 2>/dev/null` > 0;
my $limit = $sanitized ? '' : 'ulimit -v 2000000; ';
my $many = $sanitized ? 2_000_000 : 50_000_000;

sub run {
    my ($stdin, @args) = @_;

    return $t->execute(['/bin/sh', '-c', "${limit}exec \"\$@\"", 'sh',
                        $weirctl, @args], stdin => $stdin, seconds => 60);
}

# A policy that each verb answers; fmt by the same error, or none.

sub policy {
    my ($name, $text, $rc, $re, %o) = @_;

    $t->file('h/p.policy', $text);

    for my $verb (['check', 'h'], ['eval', 'h'], ['fmt', '--check', 'h']) {
        my ($got, $out, $err) = run('', $verb->[0], @{$verb}[1 .. $#$verb - 1],
                                    $t->path('h'));
        my $is = $verb->[0] eq 'fmt' && exists $o{fmt} ? $o{fmt} : $rc;

        is($got, $is, "$name: $verb->[0]") or diag(substr "$out$err", 0, 500);
        like($err, $re, "$name: $verb->[0] says why")
            if $is && !($verb->[0] eq 'fmt' && exists $o{fmt});
        cmp_ok(length $err, '<', 1_000_000, "$name: and is not endless");
    }
}


# long, and deep

policy('parentheses', "$head$rule if " . '(' x $many, 1,
       qr/^p\.policy:2:\d+: error: parentheses nest deeper than 64/);
policy('negations', "$head$rule if " . '!' x $many, 1,
       qr/^p\.policy:2:\d+: error: a value expected, not "!"/);
policy('operators', "$head$rule if " . 'request.path == "/a" && ' x ($many / 25)
       . 'true; }', 1,
       qr/^p\.policy:2:\d+: error: an expression has at most 256 operators/);
policy('a string', "$head$rule if request.path == \"" . 'a' x $many . '"; }',
       1, qr/^p\.policy:2:\d+: error: a string has at most 65536 bytes/);
policy('a glob', "$head$rule if request.path like \"" . 'a*' x 600 . '"; }', 1,
       qr/:2:\d+: error: a pattern of "like" has at most 1024 bytes/,
       fmt => 1);
policy('no end of a string', "$head$rule if request.path == \"" . 'a' x $many,
       1, qr/:2:\d+: error: this string does not end on its line/);
policy('a name', "${head}permit " . 'a' x $many . ' {}', 1,
       qr/:2:8: error: a name has at most 64 characters, this one $many/);
policy('segments', "$head$rule what GET /" . 'a/' x ($many / 2) . '; }', 1,
       qr/:2:\d+: error: a path has at most 256 segments/);
policy('items', "${head}set s string " . join(',', map { "\"$_\"" }
       1 .. $many / 10) . ';', 1,
       qr/:2:\d+: error: a set has at most 100000 items/);
policy('a comment', "$head#" . 'a' x $many, 0, qr/^/, fmt => 1);
policy('lines', $head . "\n" x $many, 0, qr/^/, fmt => 1);
policy('semicolons', $head . ';' x ($many / 5), 1,
       qr/:2:1: error: import, schema, .* expected, not ";"/);


# many errors, and names that are near to many

policy('errors', $head . "permit { }\n" x ($many / 50), 1,
       qr/:2:8: error: the rule's name expected, not "\{"/);
policy('names', $head
       . join('', map { "role role_$_ { when true; }\n" } 1 .. 20_000)
       . join('', map { "permit r$_ { who role rolle_$_; what GET /a; }\n" }
              1 .. 50_000), 1,
       qr/:20002:\d+: error: role rolle_1 is not defined; is it role_\d+\?/,
       fmt => 1);


# what grows by itself

policy('roles', "${head}schema from c { claim r set<string>; }\n"
       . join('', map { my $i = $_; "role a$i { when \"x\" in claim.r; "
                        . 'includes ' . join(', ', map { "a$_" }
                        $i + 1 .. $i + 20) . "; }\n" } 1 .. 1000)
       . join('', map { "role a$_ { when \"x\" in claim.r; }\n" }
              1001 .. 1020), 1,
       qr/the roles of this file include each other in more than 100000 ways/,
       fmt => 1);
policy('a circle of roles', $head . join('', map {
       "role a$_ { includes a" . ($_ + 1) % 100_000 . "; }\n" } 0 .. 99_999),
       1, qr/error: role a0 includes itself through other roles/, fmt => 1);
policy('an expression', "$head$rule if request.path ~ \"(a+)+(a+)+b\"; }\n"
       . 'permit s { who anyone; what GET /a; if request.path ~ '
       . '"a{60000}{60000}"; }', 1,
       qr/:3:\d+: error: in the regular expression: /, fmt => 1);
policy('globs of one value', $head . join('', map {
       "permit r$_ { who anyone; what GET /a; if request.path like \"*"
       . 'ab' x 250 . "*$_\" && request.path like \"*" . 'ba' x 250
       . "*\"; }\n" } 1 .. 300), 0, qr/^/, fmt => 1);


# what is no text

policy('NUL', "$head\0", 1, qr/:2:1: error: NUL may not stand in a policy/);
policy('a byte order mark', "\xef\xbb\xbf$head", 1,
       qr/:1:1: error: a byte order mark/);
policy('overlong UTF-8', "$head# \xc0\xaf", 1,
       qr/:2:3: error: this is not UTF-8/);
policy('noise', join('', map { pack 'L', $_ * 2654435761 % 4294967296 }
       1 .. 1_000_000), 1, qr/^p\.policy:1:\d+: error: /);
unlink $t->path('h/p.policy');


# folders

$t->file('loop/p.policy', 'language 1; policy p; import "a.policy" as a;');
$t->file('loop/a.policy', 'language 1; import "b.policy" as b;');
$t->file('loop/b.policy', 'language 1; import "a.policy" as a;');

my ($rc, $out, $err) = run('', 'check', $t->path('loop'));
is($rc, 1, 'imports in a circle');
like($err, qr/^b\.policy:1:\d+: error: a\.policy imports itself through/,
     'which is told');

$t->file('odd/p.policy', "$head$rule }\n");
mkfifo($t->path('odd/fifo.policy'), 0600);
symlink('/dev/zero', $t->path('odd/zero.policy'));
symlink('.', $t->path('odd/again'));
mkdir $t->path('odd/folder.policy');

for my $verb (['check'], ['eval'], ['fmt', '--check']) {
    ($rc) = run('', @$verb, $t->path('odd'));
    is($rc, $verb->[0] eq 'fmt' ? 1 : 0,
       "$verb->[0]: a FIFO, links and folders are no policies");
    ($rc, $out, $err) = run('', @$verb, $t->path('odd/fifo.policy'));
    is($rc, 2, "$verb->[0]: nor does it wait for a FIFO");
    ($rc, $out, $err) = run('', @$verb, '/dev/zero');
    is($rc, 2, "$verb->[0]: nor read a device");
}


# requests

my $next = "\n{\"id\":2,\"method\":\"GET\",\"path\":\"/a\"}\n";

for (['a path', '{"method":"GET","path":"/' . 'a' x $many . '"}', 'too long'],
     ['arrays', '[' x $many, 'too long'],
     ['arrays that nest', '[' x 1000, 'no JSON, or nests too deep'],
     ['objects', '{"a":' x 1000 . '1' . '}' x 1000,
      'no JSON, or nests too deep'],
     ['claims', '{"method":"GET","path":"/a","claims":{"a":['
      . join(',', (1) x 600_000) . ']}}', 'too long'],
     ['segments', '{"method":"GET","path":"/' . 'a/' x 100_000 . '"}', ''],
     ['noise', "\xff\xfe\0\1" x 10_000, 'decode'])
{
    my ($name, $line, $error) = @$_;

    ($rc, $out, $err) = run($line . $next, 'eval', $t->path('odd'));
    is($rc, 0, "eval, $name");

    my ($first, $second) = split /\n/, $out;
    like($first, $error ? qr/"error":".*$error/i : qr/"verdict":"deny"/,
         'is answered');
    like($second, qr/"id":2,"verdict":"permit"/, 'and the next one, too');
}

done_testing();
