
# weirctl diff and asserts against z3: random pairs of small policies, which
# Weir::SMT translates from the language reference alone.  What is proved has
# no model, what has a witness has one.
#
# WEIR_Z3_PAIRS (160), WEIR_Z3_SEED (1): for longer runs.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::SMT;
use JSON::PP;

my $pairs = $ENV{WEIR_Z3_PAIRS} || 160;
my $seed = $ENV{WEIR_Z3_SEED} || 1;

plan(skip_all => 'no z3') unless grep { -x "$_/z3" } split /:/, $ENV{PATH};

my $t = Weir::Test->new(assert => 0);
my $z3 = Weir::SMT->new;

my %seen;                           # answers, by what weirctl said


# --- policies at random ---

sub pick  { return $_[rand @_] }
sub maybe { return rand() < $_[0] }

sub some {
    my ($max, @of) = @_;
    my %some = map { $_ => 1 } map { pick(@of) } 1 .. 1 + int rand $max;
    return sort keys %some;
}

my @words = ('"a"', '"b"', '"ab"', '"c"');
my @kinds = ('"jwt"', '"session"', '"mtls"', '"apikey"', '"anonymous"');
my @nets = qw(10.0.0.0/8 10.0.0.0/9 10.128.0.0/9 10.1.0.0/16 10.1.2.3
              192.168.0.0/16 0.0.0.0/0);
my @times = map { "2026-0$_-01T00:00:00Z" } 1 .. 4;
my @paths = qw(/a /a/b /a/* /{x} /a/{x} /{x}/b /a/** /** /{x}/** /a/**/b);

# an attribute that may be absent is asked for first, where the language
# wants it

my @optional = ('claim.o', 'header("H")', 'query("q")', 'identity.subject',
                'identity.issuer');

sub guarded {
    my ($text, @attrs) = @_;
    my @has = map { "has $_" } grep { my $a = $_; grep { $_ eq $a } @optional,
                                      'claim.s' } @attrs;
    return @has ? '(' . join(' && ', @has, $text) . ')' : $text;
}

sub text_attr {
    my ($captures) = @_;
    return pick('claim.t', 'claim.t', @optional[0 .. 3],
                $captures ? ('path.x', 'path.x') : ());
}

sub atom {
    my ($captures) = @_;
    my $a = text_attr($captures);
    my $b = text_attr($captures);
    my $set = pick('claim.r', 'claim.r', 'claim.s');
    my $list = '[' . join(', ', some(3, @words)) . ']';
    my $op = pick('==', '!=');

    return pick(
        sub { guarded("$a $op " . pick(@words), $a) },
        sub { guarded("$a $op $b", $a, $b) },
        sub { guarded("$a in $list", $a) },
        sub { guarded("$a in names", $a) },
        sub { guarded(pick(@words) . " in $set", $set) },
        sub { guarded("$a in $set", $a, $set) },
        sub { guarded("$set " . pick('any', 'all') . " in "
                      . pick($list, 'names'), $set) },
        sub { guarded("$list all in $set", $set) },
        sub { guarded('claim.r ' . pick('any', 'all') . ' in claim.s',
                      'claim.s') },
        sub { guarded("$a like " . pick('"a*"', '"*b"', '"*"', '"a*b"',
                                        '"*a*"'), $a) },
        sub { 'claim.n ' . pick(qw(== != < <= > >=)) . ' '
              . pick(-1, 0, 1, 7) },
        sub { 'claim.b' },
        sub { 'has ' . pick(@optional, 'claim.t', 'claim.s', 'source.ip') },
        sub { 'identity.kind ' . pick("== " . pick(@kinds), 'in ['
              . join(', ', some(3, @kinds)) . ']') },
        sub { guarded('identity.issuer == ' . pick('"corp"', '"partner"'),
                      'identity.issuer') },
        sub { 'request.method ' . pick('==', '!=') . ' '
              . pick('"GET"', '"POST"') },
        sub { 'request.time ' . pick(qw(< <= > >=)) . ' ' . pick(@times) },
        sub { 'source.ip in [' . join(', ', some(2, @nets)) . ']' },
        sub { 'request.path ' . pick('== "/a"', 'like "/a/*"', 'like "*/"',
                                     'like "/*b"') },
        sub { guarded("$a ~ " . pick('"a+"', '"[a-b]*"', '"a.?"', '"a|b"',
                                     '"[a-b]+c?"'), $a) },
    )->();
}

sub expr {
    my ($captures, $deep) = @_;

    return atom($captures) if $deep == 0 || maybe(0.4);

    return pick(
        sub { join ' && ', map { '(' . expr($captures, $deep - 1) . ')' }
              1 .. 2 },
        sub { join ' || ', map { '(' . expr($captures, $deep - 1) . ')' }
              1 .. 2 },
        sub { '!(' . expr($captures, $deep - 1) . ')' },
    )->();
}

sub principal {
    return pick('role ' . pick(qw(one two all)), 'role one',
                'issuer ' . pick(qw(corp partner)), 'authenticated',
                'anyone', 'spiffe ' . pick('spiffe://a/b', 'jobs'),
                'subject a issuer corp');
}

# As a list of statements, so that one of them can change.

sub body {
    my @body;
    my $captures = 0;

    if (maybe(0.8)) {
        my @whats = maybe(0.75) ? pick(@paths) : some(2, @paths);
        $captures = !grep { !/\{x\}/ } @whats;

        push @body, map { 'what ' . pick('*', 'GET', 'GET, POST', 'POST')
                          . " $_;" } @whats;
    }

    push @body, 'who ' . join(', ', some(2, map { principal() } 1 .. 2)) . ';'
        if maybe(0.7);
    push @body, 'from ' . join(', ', some(2, @nets, 'local')) . ';'
        if maybe(0.2);
    push @body, 'host ' . pick('a.ex', '*.ex', 'a.ex, b.ex') . ';'
        if maybe(0.15);
    push @body, 'during ' . pick('day', 'week') . ';' if maybe(0.1);
    push @body, (maybe(0.7) ? 'if ' : 'unless ')
                . expr($captures, int rand 3) . ';'
        for 1 .. int rand 3;

    return @body;
}

sub policy {
    my @rules;

    for my $i (0 .. 1 + int rand 3) {
        push @rules, { head => ($i == 0 || maybe(0.6) ? 'permit' : 'deny')
                       . " r$i", body => [body()] };
    }

    unshift @{$rules[0]{body}}, 'who anyone;'
        unless grep { /^who / } @{$rules[0]{body}};

    return { head => random_head(), rules => \@rules };
}

# Sets of many items, too: of these the analyser keeps what it has found.

sub random_head {
    return [
        'schema from corp { claim t string; claim n int;'
        . ' claim r set<string>; }',
        'schema from ' . pick('corp', 'corp, partner')
        . ' { claim o optional string; claim s optional set<string>;'
        . ' claim b bool; }',
        'set names string ' . join(', ', some(3, @words), maybe(0.2)
            ? map { "\"p$_\"" } 1 .. 70 : ()) . ';',
        'set jobs spiffe spiffe://a/b, spiffe://a/c;',
        'set local cidr ' . join(', ', some(2, @nets), maybe(0.2)
            ? map { "10.7.$_.0/25" } 1 .. 70 : ()) . ';',
        'window day mon-fri ' . pick('08:00-18:00', '08:00-12:00') . ' UTC;',
        'window week ' . pick('mon-fri', 'mon-sun', 'sat') . ' 00:00-24:00 UTC,'
        . ' mon 10:00-11:00 UTC;',
        'role one { when ' . expr(0, 1) . '; }',
        'role two { when ' . expr(0, 1) . ';' . (maybe(0.5)
            ? ' includes one;' : '') . ' }',
        'role all { includes ' . pick('one', 'two', 'one, two') . '; }',
    ];
}

sub text {
    my ($p, @more) = @_;
    return join "\n", 'language 1;', 'policy p;', @{$p->{head}},
        (map { join "\n    ", "$_->{head} {", @{$_->{body}}, '}' }
         @{$p->{rules}}), @more, '';
}

# Another one that is much the same.

sub changed {
    my ($p) = @_;
    my $new = { head => [@{$p->{head}}],
                rules => [map { { head => $_->{head},
                                  body => [@{$_->{body}}] } }
                          @{$p->{rules}}] };
    my $other = policy();

    for (1 .. 1 + int rand 2) {
        my $rule = pick(@{$new->{rules}});

        pick(
            sub { my $i = int rand @{$new->{head}};
                  $new->{head}[$i] = $other->{head}[$i] },
            sub { splice @{$rule->{body}}, int rand @{$rule->{body}}, 1
                  if @{$rule->{body}} },
            sub { my ($from) = pick(grep { /^(?:if|unless|from|who)/ }
                                    map { @{$_->{body}} } @{$other->{rules}});
                  push @{$rule->{body}}, $from if $from
                  && (grep { /^(?:if|unless)/ } $from) },
            sub { push @{$new->{rules}},
                  { %{pick(@{$other->{rules}})} } },
            sub { @{$new->{rules}} = grep { $_ != $rule } @{$new->{rules}} },
            sub { $rule->{head} =~ s/^(?:shadow )?(\w+)/
                  pick('shadow deny', 'deny', 'permit')/e },
            sub { s/^(if|unless)/$1 eq 'if' ? 'unless' : 'if'/e
                  for @{$rule->{body}} },
            sub { my $n = 0;
                  @{$rule->{body}} = map { /^(if|unless) (.*);$/ && !$n++
                                           ? "$1 !(!($2));" : $_ }
                                     @{$rule->{body}} },
        )->();
    }

    my $n = 0;
    $_->{head} =~ s/\w+$/'r' . $n++/e for @{$new->{rules}};

    return $new;
}


# --- what both say ---

sub tree {
    my ($dir) = @_;
    my ($rc, $out) = $t->weirctl('fmt', '--json', $t->path("$dir/p.policy"),
                                 {});
    return decode_json($out);
}

sub compare {
    my ($what, $said, $z3, @show) = @_;

    $seen{$said}{$z3}++;

    my $agree = $said eq 'unknown' || $z3 eq 'unknown'
                || ($said eq 'proved' ? $z3 eq 'unsat' : $z3 eq 'sat');

    ok($agree, "$what: $said, z3 says $z3") or diag(join "-----\n", @show);
}

sub pair {
    my ($i) = @_;
    my $old = policy();
    my ($a, $b) = (text($old), text(maybe(0.85) ? changed($old) : policy()));

    $t->file('old/p.policy', $a);
    $t->file('new/p.policy', $b);

    my ($rc, $out) = $t->weirctl('diff', $t->path('old'), $t->path('new'),
                                 '--json', {});

    # what random statements make of it may be no policy

    return 0 if $rc == 1;

    my @found = @{decode_json($out)};

    my $world = Weir::SMT::World->new;
    my @is = map { Weir::SMT::Policy->new($world, tree($_))->permits }
             qw(old new);

    for my $way (['new-permit', @is[0, 1]], ['new-deny', @is[1, 0]]) {
        my ($change, $denies, $permits) = @$way;
        my %v = map { $_->{verdict} => 1 }
                grep { $_->{change} eq $change } @found;

        compare("pair $i, $change",
                $v{witness} ? 'witness' : $v{unknown} ? 'unknown' : 'proved',
                $z3->ask($world, "(not $denies)", $permits), $a, $b, $out);
    }

    return 1;
}

sub asserts {
    my ($i) = @_;
    my $p = policy();
    my $text = text($p, 'assert ' . pick('never', 'always') . ' '
                    . pick('permit', 'deny') . ' {', body(), '}');

    $t->file('one/p.policy', $text);

    my ($rc, $out) = $t->weirctl('check', '--json', $t->path('one'), {});
    my @told = @{decode_json($out)};

    return 0 if grep { $_->{severity} eq 'error'
                       && $_->{message} !~ /^this assert/ } @told;

    my $world = Weir::SMT::World->new;
    my $policy = Weir::SMT::Policy->new($world, tree('one'));

    my ($said) = map { /^this assert does not hold/ ? 'witness'
                       : /^this assert is not proved/ ? 'unknown' : () }
                 map { $_->{message} } @told;

    compare("assert $i", $said || 'proved',
            $z3->ask($world, $policy->refutes($policy->{asserts}[0])), $text,
            $out);

    return 1;
}

srand $seed;
diag("seed $seed") if $ENV{WEIR_Z3_SEED};

for my $kind (\&pair, \&asserts) {
    my ($n, $tried) = (0, 0);

    while ($n < $pairs && $tried++ < 5 * $pairs) {
        $n += $kind->($n);
    }

    is($n, $pairs, 'as many as were to be looked at');
    $pairs = int(($pairs + 1) / 2);
}

is($z3->done, 0, 'z3 ended');

# neither of them evades

my (%all, $asked);
for my $said (keys %seen) {
    $all{$_} += $seen{$said}{$_} for keys %{$seen{$said}};
    $all{"weirctl-$said"} += $_ for values %{$seen{$said}};
    $asked += $_ for values %{$seen{$said}};
    note("$said: ", join ', ', map { "$_ $seen{$said}{$_}" }
                               sort keys %{$seen{$said}});
}

cmp_ok($all{$_} || 0, '>', $asked / 5, "often enough: $_")
    for qw(sat unsat weirctl-witness weirctl-proved);
cmp_ok($all{$_} || 0, '<', $asked / 10, "seldom: $_")
    for qw(unknown weirctl-unknown);

done_testing();
