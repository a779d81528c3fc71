
# Random sets of Cedar policies, translated into the language, decide as Cedar
# does, and where a policy errs as docs/policy-language.md says.  lib/cedar.py
# makes them and asks Cedar, weirctl eval decides.
#
# WEIR_CEDAR_SETS (3000), WEIR_CEDAR_SEED (1): for longer runs.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $sets = $ENV{WEIR_CEDAR_SETS} || 3000;
my $seed = $ENV{WEIR_CEDAR_SEED} || 1;

my $peers = ($ENV{WEIR_BUILD} || Weir::Test->top . '/build') . '/peers';

plan skip_all => "no $peers: scripts/deps could not reach PyPI"
    unless -x "$peers/bin/python3" && glob "$peers/lib/python3*/*/cedarpy";

my $t = Weir::Test->new(assert => 0);

sub lines { return split /\n/, slurp($t->path($_[0])) }

my ($rc, $out, $err) = $t->execute(
    ["$peers/bin/python3", '-B', "$FindBin::Bin/lib/cedar.py", $seed, $sets,
     $t->dir], seconds => 60 + $sets / 10);

is($rc, 0, "seed $seed: policies, and what Cedar decides of them")
    or die $err;

my $counts = decode_json($out);
my @asked = lines('requests');
my @expected = map { decode_json($_) } lines('expected');

($rc, $out, $err) = $t->weirctl('eval', $t->path('bundle'),
                                { stdin => join("\n", @asked) . "\n",
                                  seconds => 60 + $sets / 10 });

is($rc, 0, 'all translations compile') or diag(substr $err, 0, 4000);

my @got = map { decode_json($_) } split /\n/, $out;
is(scalar @got, scalar @asked, 'an answer for each request');

my @differ = grep { ($got[$_]{verdict} || '') ne $expected[$_]{verdict} }
             0 .. $#asked;

is(scalar @differ, 0, @asked . ' decisions as Cedar has them');

for my $i (@differ[0 .. ($#differ < 2 ? $#differ : 2)]) {
    my $set = $expected[$i]{set};

    diag(join "\n", "request $asked[$i]",
         'expected ' . encode_json($expected[$i]),
         'decided ' . encode_json($got[$i] || {}), "--- Cedar",
         slurp($t->path("$set.cedar")), "--- Weir",
         slurp($t->path("bundle/$set.policy")));
}


# Nothing is left out by chance.

my ($allow, $deny) = @$counts{qw(allow deny)};
my $operators = $counts->{operators};
my $erring = $counts->{erring};

diag("seed $seed: $counts->{sets} sets, $counts->{policies} policies, "
     . @asked . " requests, $allow allowed, $deny denied; erring policies "
     . join(', ', map { my $k = $_; map { "$k ($_) $erring->{$k}{$_}" }
                        sort keys %{$erring->{$k}} } sort keys %$erring)
     . "; $counts->{'other than cedar'} decided otherwise than Cedar does");

cmp_ok($allow, '>', @asked / 5, 'many are allowed');
cmp_ok($deny, '>', @asked / 5, 'many are denied');

my @operators = (
    (map { ("$_ int", "$_ datetime") } qw(== != < <= > >=)),
    (map { ($_, "$_ attr", "$_ bool", "$_ ip", "$_ action", "$_ set") }
     qw(== !=)),
    qw(like has bool contains containsAll containsAny isEmpty list.contains
       list.containsAll list.containsAny isInRange isIpv4 isIpv6 isLoopback
       isMulticast is from window capture), '== principal', '== resource',
    'in resource', '== capture', 'in [roles]',
    map { "$_ attr" } qw(contains containsAll containsAny),
);

my @seldom = grep { my $op = $_; grep {
    ($operators->{$op}{$_} || 0) < $sets / 300 } qw(true false) } @operators;

is("@seldom", '', 'each operator was true, and false');

@seldom = grep { ($operators->{$_}{asked} || 0) < $sets / 10 }
          ('scope ==', 'scope in role', 'scope is', 'scope is in',
           'action ==', 'action in list', 'action in group', 'resource ==',
           'resource in');

is("@seldom", '', 'each kind of scope was there');

# Where only what Cedar looks at last errs, nothing but the deny differs.

for my $kind (qw(permit forbid)) {
    cmp_ok($erring->{$kind}{last}, '>', $sets / 100, "a $kind errs");
    cmp_ok($erring->{$kind}{free}, '>', $sets / 100, "it errs anywhere");
    is_deeply([keys %{$erring->{"$kind known"} || {}}], ['free'],
              "$kind: what errs last is unknown here");
}

cmp_ok($counts->{'other than cedar'}, '>', 0, 'an erring forbid denies');

done_testing();
