
# weirctl diff: what changes, with requests that eval confirms.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

my $head = <<'EOF';
language 1;
policy orders;
schema from corp { claim tenant string; claim amr optional set<string>;
  claim a.b int; }
EOF

my $permit = 'permit p { who issuer corp; what GET, HEAD /t/{tenant}/**;'
             . ' if claim.tenant == path.tenant; }';
my $deny = 'deny d { what * /t/*/admin/**; unless "mfa" in claim.amr; }';

$t->file('old/o.policy', "$head$permit\n$deny\n");
$t->file('same/o.policy', "$head$permit\n"
         . "deny e { what * /t/*/admin/**; unless \"mfa\" in claim.amr; }\n");
$t->file('wide/o.policy', "$head$permit\n"
         . 'deny d { what * /t/*/admin/**; unless "mfa" in claim.amr'
         . ' || claim.a.b == 7 && header("X-Ab") like "it\'s *"; }');
$t->file('none/o.policy', "$head$permit\n"
         . 'deny d { what * /**; }');
$t->file('bad/o.policy', "${head}permit x { who nobody; }\n");

sub diff {
    my ($a, $b, @options) = @_;

    my ($rc, $out, $err) = $t->weirctl('diff', $t->path($a), $t->path($b),
                                       @options, {});
    return ($rc, $out, $err);
}

sub json {
    my ($rc, $out, $err) = diff(@_, '--json');
    my $list = eval { decode_json($out) };

    ok($list, "JSON of @_") or diag($out, $err);

    return ($rc, $list || []);
}

my ($rc, $list) = json('old', 'same', '--no-new-access');
is($rc, 0, 'a rule renamed: no new access');
is(join(' ', map { "$_->{change}:$_->{verdict}" } @$list),
   'new-permit:proved new-deny:proved', 'and both ways are proved');

($rc, $list) = json('old', 'wide', '--no-new-access');
is($rc, 1, 'wider: 1');

my ($w) = grep { $_->{verdict} eq 'witness' } @$list;
is($w->{change}, 'new-permit', 'a request is newly permitted');
is_deeply($w->{rules}, [['d'], ['p']], 'the rules before and after');

for my $side (['old', 'deny'], ['wide', 'permit']) {
    my (undef, $out) = $t->weirctl('eval', $t->path($side->[0]),
                           { stdin => encode_json($w->{request}) . "\n" });
    is(decode_json($out)->{verdict}, $side->[1],
       "eval of $side->[0] confirms it");
}

($rc) = json('old', 'wide');
is($rc, 0, 'without --no-new-access: 0');

($rc, $list) = json('old', 'none', '--no-new-access');
is($rc, 0, 'narrower: no new access');
is((grep { $_->{change} eq 'new-deny' && $_->{verdict} eq 'witness' }
    @$list), 1, 'and the access that is lost is told');

# effects alone are no access

(my $obliges = $permit) =~ s/\}$/ log warn; limit gold; }/;
(my $turned = $permit) =~ s/\}$/ limit gold; log warn; }/;
$t->file('effects/o.policy', "$head$obliges\n$deny\n");
$t->file('turned/o.policy', "$head$turned\n$deny\n");

($rc, $list) = json('old', 'effects', '--no-new-access');
is($rc, 0, 'other effects: no new access');
is(join(' ', map { "$_->{change}:$_->{verdict}" } @$list),
   'new-permit:proved new-deny:proved obligations:witness', 'but told');
is($list->[2]{rule}, 'p', 'with the rule');
is_deeply($list->[2]{rules}, [['p'], ['p']], 'which decides both');

my (undef, $gold) = $t->weirctl('eval', $t->path('effects'),
                        { stdin => encode_json($list->[2]{request}) . "\n" });
is_deeply(decode_json($gold)->{obligations},
          { limit => ['gold'], log => 'warn' }, 'and a request that has them');

($rc, $list) = json('effects', 'turned');
is(join(' ', map { "$_->{change}:$_->{verdict}" } @$list),
   'new-permit:proved new-deny:proved obligations:proved',
   'their order does not matter');

# of several that match the same, the effects are no one rule's

my $both = 'permit a { who anyone; what GET /e;%s } '
           . "permit b { who anyone; what GET /e;%s }\n";

for my $case (['', ' limit q;', '', '', 'b'], [' limit q;', '', '', '', 'a'],
              ['', '', '', ' limit q;', 'b'],
              [' limit q;', ' limit r;', ' limit r;', ' limit q;', ''],
              [' limit q;', ' limit q;', '', ' limit q;', ''],
              [' limit q; log info;', ' log warn;', ' limit q;', ' log warn;',
               ''],
              [' log warn;', ' log info;', ' log info;', '', 'a'],
              [' limit q;', '', ' limit r;', '', 'a'])
{
    $t->file('e1/o.policy', $head . sprintf $both, @$case[0, 1]);
    $t->file('e2/o.policy', $head . sprintf $both, @$case[2, 3]);

    ($rc, $list) = json('e1', 'e2');
    is(join(' ', map { $_->{rule} // () }
                 grep { $_->{change} eq 'obligations' } @$list),
       $case->[4], "effects: @$case");
}

# a rule that comes, goes or matches more obliges where another decides, too

my $grants = 'permit a { who anyone; what GET /**; }';

for my $case (['comes', '', 'permit b { who anyone; what GET /e; limit q; }',
               'b', 1],
              ['goes', 'permit b { who anyone; what GET /e; limit q; }', '',
               'b', 1],
              ['matches more', 'permit b { who anyone; what GET /e; limit q; }',
               'permit b { who anyone; what GET /e; what GET /f; limit q; }',
               'b', 1],
              ['is two',
               'permit b { who anyone; what GET /e; what GET /f; limit q; }',
               'permit b { who anyone; what GET /e; limit q; } '
               . 'permit c { who anyone; what GET /f; limit q; }', '', 1],
              ['is denied', 'permit b { who anyone; what GET /e; limit q; }',
               'permit b { who anyone; what GET /e; limit q; } '
               . 'deny c { what GET /e; }', '', 1],
              ['denies with less', 'deny b { what GET /e; status 404; }',
               'deny b { what GET /e; status 404; } '
               . 'deny c { what GET /e; status 403; }', 'c', 0],
              ['denies with more', 'deny b { what GET /e; status 404; }',
               'deny b { what GET /e; status 404; } '
               . 'deny c { what GET /e; status 410; }', '', 0])
{
    my ($what, $before, $after, $rule, $permit) = @$case;

    $t->file('e1/o.policy', "$head $grants $before\n");
    $t->file('e2/o.policy', "$head $grants $after\n");

    ($rc, $list) = json('e1', 'e2');
    my @effects = grep { $_->{change} eq 'obligations' } @$list;

    is(scalar @effects, 1, "$what: one finding");
    is($effects[0]{rule} // '', $rule, 'of this rule');
    is($effects[0]{verdict}, $rule ? 'witness' : 'proved', 'its verdict');

    next unless $rule;

    my @obliged = map {
        my (undef, $out) = $t->weirctl('eval', $t->path($_),
            { stdin => encode_json($effects[0]{request}) . "\n" });
        decode_json($out);
    } 'e1', 'e2';

    is($obliged[0]{verdict}, $obliged[1]{verdict}, 'both decide alike');
    is($obliged[0]{verdict}, $permit ? 'permit' : 'deny', 'in this way');
    isnt(encode_json($obliged[0]{obligations}),
         encode_json($obliged[1]{obligations}), 'and oblige differently');
}

like((diff('e1', 'e2'))[1], qr/^orders: obliges to nothing else \(proved\)$/m,
     'as text');

# of a list that a set holds whole, all items are in the request

$t->file('e1/o.policy', $head . 'permit a { who anyone; what GET /never; }');
$t->file('e2/o.policy', $head . 'permit a { who anyone; what GET /never; } '
    . 'permit b { who issuer corp; what GET /e; '
    . 'if has claim.amr && ["a", "b", "c"] all in claim.amr; }');

($rc, $list) = json('e1', 'e2');
is_deeply([sort @{ $list->[0]{request}{claims}{amr} }], ['a', 'b', 'c'],
          'a list that a claim holds whole');

my (undef, $text) = diff('old', 'wide');
like($text, qr/newly permitted by d/, 'text names the rule');
like($text, qr/curl -X 'GET' -H 'x-ab: it'\\''s /i,
     'a curl line, quoted for the shell');

($rc) = diff('old', 'bad');
is($rc, 1, 'errors in a policy: 1');

($rc) = diff('old', 'nowhere');
is($rc, 2, 'no such folder: 2');

($rc) = diff('old', 'same', '--policy', 'other');
is($rc, 2, 'no such policy: 2');

done_testing();
