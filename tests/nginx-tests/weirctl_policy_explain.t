
# weirctl explain: the decision of eval, and which statements of which rules
# hold.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

$t->file('p/lib/nets.policy', <<'EOF');
language 1;
set office cidr 10.0.0.0/8;
role clerk { when true; }
EOF

$t->file('p/o.policy', <<'EOF');
language 1;
policy orders;  # a comment; with "{"
import "lib/nets.policy" as nets;
schema from corp { claim tenant string; claim roles set<string>; }
permit read {
    who role nets.clerk;
    what GET /t/{tenant}/**;  # }
    what GET "/a;b/x";
    from nets.office;
    if claim.tenant == "a;}" || claim.tenant ~ "[a-z]{2,4}";
    unless "x" in claim.roles;
}
permit open { who anyone; what GET /open; }
shadow deny dark { what * /t/**; }
deny admin { what * /t/*/admin; unless claim.tenant == "root"; }
deny wide { from 192.168.0.0/16; }
EOF

my %who = (identity => { issuer => 'corp' },
           claims => { tenant => 'acme', roles => ['a'] });

sub explained {
    my ($request, @options) = @_;

    my ($rc, $out, $err) = $t->weirctl('explain', $t->path('p'), '--request',
                                       encode_json($request), '--json',
                                       @options);
    my $answer = eval { decode_json($out) };

    ok($answer, 'JSON') or diag($out, $err);
    is($rc, 0, 'exit code');

    my (undef, $eval) = $t->weirctl('eval', $t->path('p'),
                                    { stdin => encode_json($request) . "\n" });
    $eval = decode_json($eval);
    my $explain = delete $answer->{explain};

    delete $eval->{id};
    is_deeply($answer, $eval, 'the same decision as that of eval');

    return ($answer, map { $_->{rule} => $_ } @$explain);
}

sub values_of {
    my ($rule) = @_;

    return join(' ', $rule->{value}, map { $_->{value} }
                     @{ $rule->{statements} });
}

my ($d, %r) = explained({ method => 'GET', path => '/t/acme/7',
                        source => '10.1.1.1', %who });
is($d->{verdict}, 'permit', 'a permit');
is_deeply([sort keys %r], ['dark', 'read', 'wide'],
          'rules for its method and path');
is(values_of($r{read}), 'true true true false true true true',
   'all of it holds, by one of the paths');
is($r{read}{line}, 5, 'its line');
is($r{read}{file}, 'o.policy', 'and file');
is($r{dark}{effect}, 'shadow deny', 'a shadow');
is(values_of($r{wide}), 'false false', 'a deny that is ruled out');

($d, %r) = explained({ method => 'GET', path => '/t/acme/7', %who });
is($d->{reason}, 'deny-unknown', 'without an address');
is(values_of($r{read}), 'unknown true true false unknown true true',
   'what is unknown');
is(values_of($r{wide}), 'unknown unknown', 'and why that denies');

($d, %r) = explained({ method => 'GET', path => '/t/b/x',
                     source => '10.1.1.1', identity => { issuer => 'corp' },
                     claims => { tenant => 'a;}', roles => ['x'] } });
is($d->{reason}, 'default-deny', 'by default');
is(values_of($r{read}), 'false true true false true true false',
   'the statement that does not hold');

($d, %r) = explained({ method => 'GET', path => '/a/../b' });
is($d->{reason}, 'ambiguous-path', 'refused by the gate');
is_deeply(\%r, {}, 'so that no rule decides');

my ($rc, $out, $err) = $t->weirctl('explain', $t->path('p'), '--request', '-',
    { stdin => encode_json({ method => 'GET', path => '/open',
                             source => '10.1.1.1' }) . "\n" });
is($rc, 0, 'from stdin');
like($out, qr/^orders: permit, permit-rule open$/m, 'the decision as text');
like($out, qr/^true     permit open \(o\.policy:13\)$/m, 'a rule');
like($out, qr/^  true     what GET \/open;$/m, 'a statement');
like($out, qr/^3 of 5 rules are for other methods or paths$/m, 'the others');

# what a statement that does not hold read, through roles, too

$t->file('r/o.policy', <<'EOF');
language 1;
policy orders;
schema from corp { claim tenant string; claim roles set<string>; claim n int; }
role admin { when "admin" in claim.roles; }
role root { when claim.n == 0; includes admin; }
permit a {
    who role admin;
    what GET /t/{tenant};
    if claim.tenant == path.tenant;
    unless has header("X-A") && header("X-A") == "b";
    unless claim.n > 3 || claim.n > 4;
    from 10.0.0.0/8;
    host a.test;
}
EOF

my @request = ('--request', encode_json({ method => 'GET', path => '/t/a',
    host => 'b.test', headers => { 'x-a' => 'b' },
    identity => { issuer => 'corp' },
    claims => { roles => ['u', "v\x{1}"], n => 'x' } }));

for my $path ('r', 'r/o.policy') {
    ($rc, $out) = $t->weirctl('explain', $t->path($path), @request);
    is($out, <<'EOF', "what was read: $path");
orders: deny, default-deny
false    permit a (o.policy:6)
  unknown  who role admin;
           claim.roles is ["u", "v\u0001"]
           claim.n is of another type than declared
  true     what GET /t/{tenant};
  unknown  if claim.tenant == path.tenant;
           claim.tenant is absent
  false    unless has header("X-A") && header("X-A") == "b";
           header("x-a") is "b"
  unknown  unless claim.n > 3 || claim.n > 4;
           claim.n is of another type than declared
  unknown  from 10.0.0.0/8;
           source.ip is absent
  false    host a.test;
           request.host is "b.test"
EOF
}

# a single file is enough for the verbs that decide

$t->file('one/x.policy', 'language 1; policy x; permit a { who anyone; '
         . 'what GET /a; } test "t" { request GET /a; expect permit; }' . "\n");

($rc, $out) = $t->weirctl('test', $t->path('one/x.policy'));
is($rc, 0, 'test of a file');
like($out, qr/^ok 1 - x: t$/m, 'runs its tests');

(undef, $out) = $t->weirctl('eval', $t->path('one/x.policy'),
                        { stdin => '{"method":"GET","path":"/a"}' . "\n" });
is(decode_json($out)->{verdict}, 'permit', 'eval of a file');

(undef, $out) = $t->weirctl('explain', $t->path('r'), '--json', @request);
is_deeply([map { $_->{read} } @{ decode_json($out)->{explain}[0]{statements} }],
          [{ 'claim.roles' => ['u', "v\x{1}"], 'claim.n' => {} }, {},
           { 'claim.tenant' => undef }, { 'header("x-a")' => 'b' },
           { 'claim.n' => {} }, { 'source.ip' => undef },
           { 'request.host' => 'b.test' }], 'as JSON');

($rc, undef, $err) = $t->weirctl('explain', $t->path('p'), '--request', '{}');
is($rc, 2, 'a request that cannot be read: 2');
like($err, qr/method is missing/, 'and why');

($rc) = $t->weirctl('explain', $t->path('p'));
is($rc, 2, 'no request: 2');

done_testing();
