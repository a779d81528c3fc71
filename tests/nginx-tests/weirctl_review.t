
# weirctl review: a line for each permit, route and role, each with a request
# that eval confirms; since which published version, and by whom.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $dir = $t->dir;

$t->file('p/orders.policy', <<'END');
language 1;
policy orders;
schema from corp { claim tenant string; claim roles set<string>; }
role admin { when "admin" in claim.roles; }
permit own { who authenticated; what GET, HEAD /t/{t}/**; what POST /t/{t};
    if  claim.tenant ==
        path.t; }
permit adm { who role admin, spiffe spiffe://corp/a; what * /admin/**;
    if claim.tenant like "=\"*" || identity.kind == "mtls"; }
permit gone { who anyone; what GET /secret; }
permit all { who subject "=cmd|' /C calc'!A0" issuer corp; host a.example; }
shadow permit none { who anyone; }
deny secret { what * /secret/**; }
deny other { host b.example; }
END

# One record of RFC 4180 after another.

sub csv {
    my ($text) = @_;
    my @rows;

    while ($text =~ /\G((?:"(?:[^"]|"")*",?|[^",\r\n]*,?)+)\r\n/gc) {
        my ($line, @fields) = ($1);
        push @fields, $1 // $2
            while $line =~ /\G(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/gc
                  && pos($line) <= length $line && ($+[0] > $-[0]);
        s/""/"/g for @fields;
        push @rows, \@fields;
    }

    is(pos($text) // 0, length $text, 'all of it is CSV');

    return @rows;
}

my ($rc, $out, $err) = $t->weirctl('review', $t->path('p'), '--csv', {});
is($rc, 0, 'reviewed') or diag($err);

my ($head, @rows) = csv($out);

is("@$head", 'route role condition since by denied_by policy rule place'
   . ' verdict request', 'a head');

my @first = map { join '|', @$_[0 .. 9] } @rows;

is_deeply(\@first, [
    '* /admin/**|role admin|if claim.tenant like "=\"*" || identity.kind =='
    . ' "mtls"|||other|orders|adm|orders.policy:8|granted',
    '* /admin/**|spiffe spiffe://corp/a|if claim.tenant like "=\"*" ||'
    . ' identity.kind == "mtls"|||other|orders|adm|orders.policy:8|granted',
    "* /**|subject =cmd|' /C calc'!A0 issuer corp|host a.example|||secret|"
    . 'orders|all|orders.policy:11|granted',
    'GET /secret|anyone||||other secret|orders|gone|orders.policy:10|nobody',
    'GET, HEAD /t/{t}/**|authenticated|if claim.tenant == path.t|||other|'
    . 'orders|own|orders.policy:5|granted',
    'POST /t/{t}|authenticated|if claim.tenant == path.t|||other|orders|own|'
    . 'orders.policy:5|granted'
], 'a line for each permit, route and principal')
    or diag(join "\n", @first);

for my $row (grep { $_->[10] ne '' } @rows) {

    (undef, $out) = $t->weirctl('eval', $t->path('p'),
                                { stdin => "$row->[10]\n" });
    my $d = decode_json($out);

    is($d->{verdict}, 'permit', "eval permits $row->[7] $row->[0]");
    ok(scalar(grep { $_ eq $row->[7] } @{$d->{rules}}), 'by that rule');
}

# what a spreadsheet would take for a formula

$t->file('f/f.policy', <<'END');
language 1; policy f;
schema { claim a string; }
permit r { who anyone; what GET "/=1;x"; if claim.a == "=1"; }
END

$t->file('f/=x.policy', 'language 1; policy g; permit r { who anyone; }');

(undef, $out) = $t->weirctl('review', $t->path('f'), '--csv', {});
(undef, @rows) = csv($out);
is($rows[1][8], "'=x.policy:1", 'a field that begins so has a sign before it');
is($rows[0][8], 'f.policy:3', 'others have none');

# JSON and text; nothing to review

($rc, $out) = $t->weirctl('review', $t->path('p'), '--json', {});
my $list = decode_json($out);
is(scalar @$list, 6, 'JSON');
is_deeply([@{$list->[3]}{qw(rule who route verdict request)}],
          ['gone', 'anyone', 'GET /secret', 'nobody', undef], 'of nobody');
ok(!exists $list->[0]{since}, 'no version without a store');

($rc, $out) = $t->weirctl('review', $t->path('p'), {});
like($out, qr/^orders:\ nobody\ by\ gone\ \(orders\.policy:10\)\n
              \ \ what\ GET\ \/secret\n\ \ who\ anyone\n
              \ \ but\ not\ where\ other\ denies/mx, 'text');

$t->file('empty/e.policy', "language 1; policy e;\n");
($rc, $out) = $t->weirctl('review', $t->path('empty'), '--csv', {});
is("$rc " . scalar csv($out), '0 1', 'no rules: a head alone');

($rc) = $t->weirctl('review', $t->path('p'), '--policy', 'x', {});
is($rc, 2, 'no such policy: 2');

# since when, and by whom

my @store = ('--store', "file:$dir/store namespace=weir");

$t->weirctl('keygen', "$dir/$_") for qw(one two);

sub policy {
    my ($folder, $roles, @rules) = @_;

    return $t->file("$folder/o.policy", join "\n", 'language 1; policy o;',
                    'schema from corp { claim r set<string>; }',
                    "set ids string \"$roles\";",
                    'role r { when claim.r any in ids; }', @rules, '');
}

my %rule = (
    a => 'permit a { who role r; what GET /a; }',
    b => 'permit b { who anyone; what GET /b; }',
    c => 'permit c { who anyone; what GET /c; }',
    e => 'permit e { who anyone; what GET /c; log warn; }',
);

sub push_by {
    my ($by, $key, @args) = @_;

    policy('o', @args);

    my ($rc, $out, $err) = $t->weirctl('push', "$dir/o", @store, '--sign-key',
                               "$dir/$key.key", '--by', $by, '--no-wait');
    is($rc, 0, "pushed by $by") or diag($out, $err);
}

sub since {
    my (@args) = @_;
    my ($rc, $out, $err) = $t->weirctl('review', "$dir/o", '--csv', @store,
                                       @args, {});
    is($rc, 0, 'reviewed with its history') or diag($err);

    my (undef, @rows) = csv($out);
    return join ' ', map { "$_->[7]:$_->[3]:$_->[4]" } @rows;
}

my @trust = ('--trust', "$dir/one.pub");

push_by('ann', 'one', 'x', @rule{qw(a b)});
push_by('bob', 'one', 'x', @rule{qw(a b c)});
push_by('cyd', 'one', 'x', @rule{qw(a c)});

is(since(@trust), 'a:1:ann c:2:bob', 'the version that brought a rule');

push_by('dan', 'one', 'y', @rule{qw(a c)}, $rule{b} =~ s/ b / z /r);

is(since(@trust), 'a:4:dan c:2:bob z:4:dan',
   'what a role says is of the rule; a rule that was gone begins anew');

push_by('eve', 'one', 'y', @rule{qw(a c)}, $rule{b} =~ s/ b / y /r);
is(since(@trust), 'a:4:dan c:2:bob y:4:dan', 'its name is not');

push_by('fay', 'one', 'y', @rule{qw(a e)});
is(since(@trust), 'a:4:dan e:6:fay', 'what it obliges to is');

policy('o', 'y', @rule{qw(a b e)});
is(since(@trust), 'a:4:dan b:unpublished: e:6:fay',
   'what is not in the last version');

# by somebody who is not known here: that version is not told

push_by('=mal', 'two', 'y', @rule{qw(a e b)});
push_by('gil', 'one', 'y', @rule{qw(a e c)});

is(since(@trust), 'a:<=8: c:<=8: e:<=8:', 'nobody knows what version 7 had');
is(since(@trust, '--trust', "$dir/two.pub"), 'a:4:dan c:8:gil e:6:fay',
   'who knows both keys knows all');

($rc, $out, $err) = $t->weirctl('review', "$dir/o", '--csv', @store, {});
is($rc, 2, 'without a key nothing is told');
like($err, qr/--trust is needed/, 'and why');

($rc, $out) = $t->weirctl('review', "$dir/o", '--json', @store, @trust, {});
is_deeply([@{decode_json($out)->[0]}{qw(since by)}], ['<=8', undef], 'JSON');

($rc, $out) = $t->weirctl('review', "$dir/o", @store, @trust, {});
like($out, qr/^o: granted by a \(o\.policy:5\), since <=8$/m, 'text');

# who pushed may call himself what he likes

push_by('=HYPERLINK("x")', 'one', 'y', @rule{qw(a c)},
        'permit n { who anyone; what GET /n; }');
is(since(@trust), qq{a:<=8: c:<=8: n:9:'=HYPERLINK("x")},
   'no formula of a name');

# bundles whose parts are gone

my $many = 'set many string ' . join(', ', map { "\"some item $_\"" } 1 .. 9999)
           . ';';

push_by('hal', 'one', 'z', @rule{qw(a b)}, $many);
push_by('ida', 'one', 'z', @rule{qw(a c)});
is(since(@trust), 'a:10:hal c:11:ida', 'a bundle in segments');

sub forget { return unlink glob "$dir/store/segments/*" }

cmp_ok(forget(), '>', 0, 'they are gone');
is(since(@trust), 'a:<=11: c:<=11:', 'nobody knows what version 10 had');

push_by('jon', 'one', 'z', @rule{qw(a c)}, $many);
forget();
is(since(@trust), 'a:unknown: c:unknown:', 'nor what the last one has');

($rc) = $t->weirctl('review', "$dir/o", '--csv', '--store',
                    "file:$dir/nowhere", @trust, {});
is($rc, 3, 'no such store: 3');

done_testing();
