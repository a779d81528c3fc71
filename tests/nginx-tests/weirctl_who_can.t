
# weirctl who-can: the permits that let somebody in, no more than are needed,
# each with a request that eval confirms.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

$t->file('p/orders.policy', <<'END');
language 1;
policy orders;
schema from corp {
    claim tenant string; claim roles set<string>;
    claim amr optional set<string>;
}
set office cidr 10.0.0.0/8;
role admin { when "admin" in claim.roles; }
permit adm { who role admin; what GET /admin/**; from office; }
permit one { who role admin; what GET /admin/x; from 10.0.0.1; }
permit ops { who spiffe spiffe://corp/ops; what * /admin/x; }
permit old { who anyone; what DELETE /admin/**; }
permit pub { who anyone; what GET /public/**; }
permit two { who role admin, spiffe spiffe://corp/ops; what GET /two; }
permit own { who authenticated; what GET /t/{tenant}/**;
    if claim.tenant ==  # the path's
        path.tenant; if request.method == "GET" || has claim.amr;
    if request.path like "/t/*"; unless claim.tenant == "b"; }
permit end { who anyone; what GET /end; if request.path == "/end"; }
permit slash { who anyone; what GET /slash; if request.path like "*/"; }
deny mfa { what GET /admin/**; unless "mfa" in claim.amr; }
deny mfa2 { what GET /admin/x; unless "mfa" in claim.amr; }
deny far { what GET /**; from 192.168.0.0/16; if request.path like "/z*"; }
deny del { what DELETE /**; }
END


sub who {
    my ($what, $dir) = @_;

    my ($rc, $out, $err) = $t->weirctl('who-can', $t->path($dir || 'p'),
                                       $what, '--json', {});
    is($rc, 0, "who can $what") or diag($err);

    my $list = decode_json($out);

    for my $g (@$list) {
        (undef, $out) = $t->weirctl('eval', $t->path($dir || 'p'),
                            { stdin => encode_json($g->{request}) . "\n" });
        my $d = decode_json($out);

        is($d->{verdict}, 'permit', "eval permits the request of $g->{rule}");
        ok(scalar(grep { $_ eq $g->{rule} } @{$d->{rules}}), 'by that rule');
        is("$g->{request}{method} $g->{request}{path}", $what,
           'it is the one that was asked for');
    }

    return $list;
}

sub said { return join ' ', map { "$_->{rule}:$_->{verdict}" } @{$_[0]} }

my $list = who('GET /admin/x');
is(said($list), 'adm:granted',
   'one permit: "one" lets in no others, "ops" have no second factor');
is($list->[0]{who}, 'role admin', 'whom');
is_deeply($list->[0]{conditions}, ['from office'], 'what it asks for');
is_deeply([map { [@$_{qw(rule line conditions)}] } @{$list->[0]{denies}}],
          [['mfa2', 22, ['unless "mfa" in claim.amr']]],
          'one of the two denies that say the same, none of the others');

is(said(who('POST /admin/x')), 'ops:granted', 'another method');
is(said(who('GET /public/a')), 'pub:granted', 'for anyone');
is(join(',', map { $_->{who} } @{who('GET /two')}),
   'role admin,spiffe spiffe://corp/ops', 'each principal by itself');

# a condition that the path decides is none of the principal

$list = who('GET /t/acme/x');
is_deeply($list->[0]{conditions}, ['if claim.tenant == "acme"'],
          'what is left, with what the path says');
is(said(who('GET /t/b/x')), '', 'a tenant that nobody may be');

is(said(who('GET /end')), 'end:granted', 'the path as it was asked for');
is(said(who('GET /end/')), '', 'with its slash');
is(said(who('GET /slash/')), 'slash:granted', 'that a glob asks for');
is(said(who('GET /slash')), '', 'and without');

is(said(who('DELETE /admin/x')), '', 'nobody: all are denied');
is(said(who('GET /elsewhere')), '', 'nobody: no permit');
is(said(who('GET /')), '', 'the root');

my ($rc, $out) = $t->weirctl('who-can', $t->path('p'), 'GET /elsewhere', {});
is($out, "nobody (proved)\n", 'as text');

($rc, $out) = $t->weirctl('who-can', $t->path('p'), 'GET /admin/x', {});
like($out, qr/^orders:\ granted\ by\ adm\ \(orders\.policy:9\)\n
              \ \ who\ role\ admin\n\ \ from\ office\n
              \ \ but\ not\ where\ mfa2\ denies\ \(orders\.policy:22\)\n
              \ \ \ \ unless\ "mfa"\ in\ claim\.amr\n
              \ \ \{"policy":"orders",.*\}\n$/x, 'a permit as text');

for my $bad ('GET', '/x', 'GET x', 'GET /a//b', 'GET /a?b', 'get /x', ' /x',
             'GET /a/../b', 'GET /%2e')
{
    ($rc) = $t->weirctl('who-can', $t->path('p'), $bad, {});
    is($rc, 2, "\"$bad\" is no request");
}

($rc) = $t->weirctl('who-can', $t->path('p'), 'GET /x', '--policy', 'none',
                    {});
is($rc, 2, 'no such policy: 2');

# no rules; a library alone; errors

$t->file('empty/e.policy', "language 1; policy e;\n");
is(said(who('GET /x', 'empty')), '', 'a policy without rules');
$t->file('library/l.policy', "language 1; set s string \"a\";\n");
is(said(who('GET /x', 'library')), '', 'a bundle without a policy');
$t->file('bad/b.policy', "language 1; policy b; permit x { who y; }\n");
($rc) = $t->weirctl('who-can', $t->path('bad'), 'GET /x', {});
is($rc, 1, 'errors in a policy: 1');

done_testing();
