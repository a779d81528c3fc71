
# weirctl check and test: errors with their place, as text and as JSON, TAP,
# exit codes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);


# the form of an error

my $bad = <<'END';
language 1;
policy reports;
schema    { claim tenant string; }

permit a {
    who anyone;
    if claim.tenant == 7;
}
END

$t->file('bad/reports.policy', $bad);

my ($rc, $out, $err) = $t->weirctl('check', $t->path('bad'));

is($rc, 1, 'check: errors exit 1');
is($out, '', 'nothing on stdout');
is($err, <<'END', 'the message of the contract');
reports.policy:7:24: error: claim.tenant is string, compared with int
    7 |     if claim.tenant == 7;
      |                        ^ declared at reports.policy:3:19
END

($rc, $out, $err) = $t->weirctl('check', $t->path('bad/reports.policy'));

is($rc, 1, 'check of a file');
like($err, qr/^reports\.policy:7:24: error: /, 'the same message');

($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('bad'));

is($rc, 1, 'check --json');
is($err, '', 'nothing on stderr');
is_deeply(decode_json($out), [ {
    file => 'reports.policy', line => 7, column => 24, severity => 'error',
    message => 'claim.tenant is string, compared with int',
    related => [ { file => 'reports.policy', line => 3, column => 19,
                   message => 'declared' } ],
} ], 'the same as JSON');


# no error, and a warning

$t->file('good/lib/roles.policy', "language 1;\n"
         . "role x { when true; }\n");
$t->file('good/a.policy', <<'END');
language 1;
policy a;
permit all { what GET /**; }
test "it permits" { request GET /; expect permit by all; }
test "# no directive" { request GET /x; expect permit; }
END

($rc, $out, $err) = $t->weirctl('check', $t->path('good'));
is($rc, 0, 'check: warnings exit 0');
like($err, qr/^a\.policy:3:8: warning: permit all has no "who"/, 'the warning');

($rc, $out, $err) = $t->weirctl('check', '--quiet', $t->path('good'));
is("$rc$out$err", '0', '--quiet says nothing');

($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('good'));
is($rc, 0, 'check --json: warnings exit 0');
is_deeply([ map { "$_->{file} $_->{severity}" } @{ decode_json($out) } ],
          ['a.policy warning'], 'the warning as JSON');

$t->file('clean/a.policy', "language 1; policy a;\n");
($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('clean'));
is($rc, 0, 'nothing to say');
is_deeply(decode_json($out), [], 'an empty array');


# several files: in byte order of path, all errors of all

$t->file('many/b.policy', "language 1; policy a;\nbogus;\n");
$t->file('many/B.policy', "language 1; policy b;\nbogus;\nbogus;\n");
$t->file('many/a/z.policy', "language 1; policy a;\n");
$t->file('many/.hidden.policy', "bogus");
$t->file('many/.git/a.policy', "bogus");
$t->file('many/a.txt', "bogus");
symlink $t->path('bad/reports.policy'), $t->path('many/link.policy');
symlink $t->path('bad'), $t->path('many/linked');

($rc, $out, $err) = $t->weirctl('check', $t->path('many'));
is($rc, 1, 'check of several files');
is_deeply([ $err =~ /^(\S+?: error: [^,\n]*)/mg ], [
    'B.policy:2:1: error: import',
    'B.policy:3:1: error: import',
    'b.policy:1:20: error: policy a is duplicate',
    'b.policy:2:1: error: import',
], 'all errors, in order');
like($err, qr/\^ first at a\/z\.policy:1:20/, 'the other place');

($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('many'));
is_deeply([ map { "$_->{file}:$_->{line}" } @{ decode_json($out) } ],
          [qw(B.policy:2 B.policy:3 b.policy:1 b.policy:2)], 'as JSON too');


# what is no bundle

mkdir $t->path('empty');

($rc, $out, $err) = $t->weirctl('check', $t->path('empty'));
is($rc, 1, 'a folder without policies is an error of the policies');
like($err, qr/there is no \*\.policy file/, 'which is said');

($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('empty'));
is($rc, 1, 'with --json too');
is(decode_json($out)->[0]{severity}, 'error', 'as JSON');

for my $verb (qw(test eval)) {
    ($rc) = $t->weirctl($verb, $t->path('empty'));
    is($rc, 1, "$verb: the same");
}

for (['missing', 'a missing folder'], ['bad/missing.policy', 'a missing file'])
{
    ($rc, $out, $err) = $t->weirctl('check', $t->path($_->[0]));
    is($rc, 2, "$_->[1] exits 2");
    like($err, qr/No such file or directory/, 'which is said');
}

SKIP: {
    skip 'root reads everything', 1 if $> == 0;

    $t->file('closed/a.policy', "language 1;", 0);
    ($rc) = $t->weirctl('check', $t->path('closed'));
    is($rc, 2, 'a file that cannot be read exits 2');
}

for my $args (['check'], ['check', 'a', 'b'], ['check', '--bogus', 'a'],
              ['test'], ['test', 'a', 'b'], ['eval'], ['eval', 'a', 'b'])
{
    ($rc) = $t->weirctl(@$args);
    is($rc, 2, "usage: @$args");
}

for my $verb (qw(check test eval)) {
    ($rc, $out, $err) = $t->weirctl($verb, '--help');
    is($rc, 0, "$verb --help");
    like($out, qr/^usage: weirctl $verb /, 'its usage');
}

$t->file('bytes/a.policy', "language 1; # \xff\n");
($rc, $out, $err) = $t->weirctl('check', '--json', $t->path('bytes'));
is($rc, 1, 'what is no UTF-8 is an error');
is(decode_json($out)->[0]{column}, 15, 'with its place');

$t->file("odd/a\nb.policy", 'language 1;');
($rc, $out, $err) = $t->weirctl('check', $t->path('odd'));
is($rc, 1, 'a name with a line feed is an error');


# test: TAP

($rc, $out, $err) = $t->weirctl('test', $t->path('good'));
is($rc, 0, 'test: all pass');
is($out, "1..2\nok 1 - a: it permits\nok 2 - a: \\# no directive\n", 'TAP');

$t->file('fail/p.policy', <<'END');
language 1;
policy p;
permit all { who anyone; what GET /a; }
test "right" { request GET /a; expect permit by all; }
test "wrong" { request GET /b; expect permit by all; }
test "other" { request GET /a; expect deny; }
END

($rc, $out, $err) = $t->weirctl('test', $t->path('fail'));
is($rc, 1, 'test: failures exit 1');
is($out, <<'END', 'TAP with the place and what came instead');
1..3
ok 1 - p: right
not ok 2 - p: wrong
# p.policy:5:32: expected permit by all, got deny (default-deny)
not ok 3 - p: other
# p.policy:6:32: expected deny, got permit by all (permit-rule)
END

($rc, $out, $err) = $t->weirctl('test', '--json', $t->path('fail'));
is($rc, 1, 'test --json');
is_deeply([ map { "$_->{line}:$_->{column} $_->{severity} $_->{message}" }
            @{ decode_json($out) } ],
          [ '5:32 error expected permit by all, got deny (default-deny)',
            '6:32 error expected deny, got permit by all (permit-rule)' ],
          'failures as diagnostics');

($rc, $out, $err) = $t->weirctl('test', '--json', $t->path('good'));
is($rc, 0, 'test --json: all pass');

($rc, $out, $err) = $t->weirctl('test', $t->path('bad'));
is($rc, 1, 'test: policies with errors exit 1');
unlike($out, qr/^ok/m, 'and nothing is run');
like($err, qr/^reports\.policy:7:24: error: /, 'the errors are told');

($rc, $out, $err) = $t->weirctl('test', $t->path('clean'));
is($rc, 0, 'no tests');
like($out, qr/^1\.\.0/, 'an empty plan');


# the examples that we ship are policies that pass their tests

for my $dir (glob($t->top . '/lua-free-policies/*/'),
             $t->top . '/conf/weir/policies')
{
    my ($name) = $dir =~ m{([^/]+)/?$};

    ($rc, $out, $err) = $t->weirctl('test', $dir);
    is($rc, 0, "$name passes its tests") or diag("$out$err");
    is($err, '', "$name has no warnings");
}

done_testing();
