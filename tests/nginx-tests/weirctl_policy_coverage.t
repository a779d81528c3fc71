#!/usr/bin/perl

# weirctl test --coverage: rules and conditions that no test exercises.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new;

# What --coverage says of a policy with these rules and tests

sub coverage {
    my ($text, @args) = @_;

    $t->file('b/p.policy', "language 1;\npolicy p;\n"
             . "schema { claim t string; claim s optional string; }\n$text");

    my ($rc, $out, $err) = $t->weirctl('test', $t->path('b'), '--coverage',
                                       @args);
    return ($rc, @args ? $out : join '', $out =~ /^# .*\n/mg);
}

sub covers {
    my ($text, $rc, $expected, $name) = @_;
    my ($got, $out) = coverage($text);

    is($out, $expected, $name);
    is($got, $rc, "$name: exit code");
}

my $rule = 'permit a { who anyone; what GET /t/{t}; if claim.t == path.t; }';

sub test { return qq{\ntest "$_[0]" { request $_[1]; $_[2] }} }

covers("$rule\n", 1, <<'END', 'no test at all');
# p.policy:4: rule a: no test matches it
# p.policy:4: rule a: never holds: who anyone;
# p.policy:4: rule a: never holds: what GET /t/{t};
# p.policy:4: rule a: never holds: if claim.t == path.t;
# p.policy:4: rule a: never fails: if claim.t == path.t;
# coverage: 0 of 1 rules, 0 of 4 outcomes
END

covers($rule . test('x', 'GET /t/a', 'claim t a; expect permit by a;'), 0,
       <<'END', 'what never fails');
# p.policy:4: rule a: never fails: if claim.t == path.t;
# coverage: 1 of 1 rules, 3 of 4 outcomes
END

covers($rule . test('x', 'GET /t/a', 'claim t b; expect deny;'), 1,
       <<'END', 'what never holds');
# p.policy:4: rule a: no test matches it
# p.policy:4: rule a: never holds: if claim.t == path.t;
# coverage: 0 of 1 rules, 3 of 4 outcomes
END

covers($rule . test('x', 'GET /t/a', 'claim t a; expect permit;')
             . test('y', 'GET /t/a', 'expect deny;'), 0,
       "# coverage: 1 of 1 rules, 4 of 4 outcomes\n", 'unknown is a failure');

covers($rule . test('x', 'GET /t/a', 'claim t a; expect permit;')
             . test('y', 'POST /t/a', 'claim t b; expect deny;')
             . test('z', 'GET /u/a', 'claim t b; expect deny;'), 0,
       <<'END', 'tests of other methods and paths say nothing');
# p.policy:4: rule a: never fails: if claim.t == path.t;
# coverage: 1 of 1 rules, 3 of 4 outcomes
END

# alternatives, each of them

covers("permit b {\n  who anyone;\n  what GET /x;\n  what GET /y;\n"
       . "  host a.test;\n}"
       . test('x', 'GET /x', 'host a.test; expect permit;'), 0,
       <<'END', 'alternatives');
# p.policy:7: rule b: never holds: what GET /y;
# coverage: 1 of 1 rules, 3 of 4 outcomes
END

# a deny decides where it is unknown

covers('deny d { what * /d; unless claim.t == "a"; }'
       . test('x', 'GET /d', 'expect deny by d;'), 0, <<'END', 'a deny');
# p.policy:4: rule d: never fails: unless claim.t == "a";
# coverage: 1 of 1 rules, 2 of 3 outcomes
END

# what stands in shadow, what denies stop, roles, imports: all as it is decided

$t->file('b/lib.policy', "language 1;\nset n cidr 10.0.0.0/8;\n");

covers('import "lib.policy" as l;
role r { when claim.t == "a"; }
shadow deny s { what GET /s; }
permit p { who role r; what GET /s; from l.n; }'
       . test('x', 'GET /s', 'claim t a; from 10.1.1.1; expect permit by p;'),
       0, "# coverage: 2 of 2 rules, 4 of 4 outcomes\n",
       'shadow, roles, imports');

unlink $t->path('b/lib.policy');

# what the gates refuse exercises nothing

covers("permit e { who anyone; what GET /**; }"
       . test('x', 'GET /a//b', 'expect deny;'), 1, <<'END', 'a refusal');
# p.policy:4: rule e: no test matches it
# p.policy:4: rule e: never holds: who anyone;
# p.policy:4: rule e: never holds: what GET /**;
# coverage: 0 of 1 rules, 0 of 2 outcomes
END

# a test that fails exercises all the same, and fails

my ($rc, $out) = coverage($rule
    . test('x', 'GET /t/a', 'claim t a; expect deny;')
    . test('y', 'GET /t/a', 'claim t b; expect deny;'));
is($rc, 1, 'a failed test: exit code');
like($out, qr/coverage: 1 of 1 rules, 4 of 4 outcomes/, 'and covers');

# --json: diagnostics

($rc, $out) = coverage("$rule\npermit f { who anyone; what GET /f; }"
    . test('x', 'GET /t/a', 'claim t a; expect permit;'), '--json');
is($rc, 1, '--json: exit code');

my $json = decode_json($out);

is(join("\n", map { "$_->{file}:$_->{line} $_->{severity} $_->{message}" }
              @$json), <<'END' =~ s/\n\z//r, '--json');
p.policy:4 warning rule a: never fails: if claim.t == path.t;
p.policy:5 error rule f: no test matches it
p.policy:5 warning rule f: never holds: who anyone;
p.policy:5 warning rule f: never holds: what GET /f;
END

# the examples, all at once

($rc, $out) = $t->weirctl('test', $t->top . '/lua-free-policies',
                          '--coverage');
is($rc, 0, 'lua-free-policies: exit code');
like($out, qr/^# coverage: (\d+) of \1 rules, (\d+) of \2 outcomes$/m,
     'lua-free-policies: all of them');
unlike($out, qr/^not ok/m, 'lua-free-policies: all pass');

$t->done_testing;
