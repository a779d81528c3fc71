
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

($rc, undef, $err) = $t->weirctl('explain', $t->path('p'), '--request', '{}');
is($rc, 2, 'a request that cannot be read: 2');
like($err, qr/method is missing/, 'and why');

($rc) = $t->weirctl('explain', $t->path('p'));
is($rc, 2, 'no request: 2');

done_testing();
