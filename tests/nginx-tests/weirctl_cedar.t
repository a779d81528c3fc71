#!/usr/bin/perl

# Random sets of Cedar policies, translated: Cedar and weirctl eval decide the
# same.  Aside is a forbid that errs: Cedar skips it, ours denies.
#
# WEIR_CEDAR_SETS (3000), WEIR_CEDAR_SEED (1): for longer runs.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Cedar qw(policies request facts question entities);
use JSON::PP;

my $asked = 6;                      # requests of each set
my $sets = $ENV{WEIR_CEDAR_SETS} || 3000;
my $seed = $ENV{WEIR_CEDAR_SEED} || 1;

my $peers = ($ENV{WEIR_BUILD} || Weir::Test->top . '/build') . '/peers';

plan(skip_all => "no cedarpy in $peers: scripts/deps could not reach PyPI")
    unless glob "$peers/lib/python3*/site-packages/cedarpy";

my $t = Weir::Test->new(assert => 0);
my $json = JSON::PP->new->canonical;

srand $seed;

my (@sets, @cedar, @ours);

for my $i (0 .. $sets - 1) {
    my $set = policies("p$i");
    my @requests = map { request() } 1 .. $asked;

    $t->file("policies/p$i.policy", $set->[1]);

    push @sets, { policies => $set, requests => \@requests };
    push @cedar, $json->encode({ policies => $set->[0], asked => [
        map { [question($_), entities($_)] } @requests] });
    push @ours, map { $json->encode(facts($_, "p$i")) } @requests;
}

my ($rc, $out, $err) = $t->execute(
    ["$peers/bin/python3", Weir::Test->top
     . '/tests/nginx-tests/lib/cedar_decide.py'],
    stdin => join("\n", @cedar, ''), seconds => 900);
is($rc, 0, 'Cedar answers') or diag($err);
my @said = map { @{ $json->decode($_) } } split /\n/, $out;
is(scalar @said, $sets * $asked, 'all that it is asked');

($rc, $out, $err) = $t->weirctl('eval', $t->path('policies'),
    { stdin => join("\n", @ours, ''), seconds => 900 });
is($rc, 0, 'so does weirctl eval') or diag(substr $err, 0, 3000);
my @got = map { $json->decode($_) } split /\n/, $out;
is(scalar @got, $sets * $asked, 'all, too');

my (%answers, $wrong);

for my $i (0 .. $#said) {
    my ($allowed, $errors) = @{ $said[$i] };
    my $set = $sets[$i / $asked];

    # the effect of each that erred

    my @erred = map { /policy `p?\w*?(\d+)`/ ? $set->{policies}[0]
                      =~ /\@id\("p$1"\)\n(\w+)/ : $_ } @$errors;
    my $forbids = grep { $_ ne 'permit' } @erred;

    my $expected = $allowed && !$forbids ? 'permit' : 'deny';

    $answers{$forbids ? 'erring forbid' : @erred ? 'erring permit'
             : $expected}++;
    $answers{'otherwise permitted'}++ if $allowed && $forbids;

    next if ($got[$i]{verdict} // '') eq $expected || $wrong++ > 3;

    diag("Cedar: ", $allowed ? 'allow' : 'deny', " (@$errors)\nours: ",
         $json->encode($got[$i]), "\n", $set->{policies}[0], "-----\n",
         $set->{policies}[1], "-----\n", $ours[$i], "\n",
         $json->encode(entities($set->{requests}[$i % $asked])));
}

is($wrong || 0, 0, "$sets sets, " . @said . ' requests: the same decision');

note(join ', ', map { "$_: $answers{$_}" } sort keys %answers);
note(join ', ', map { "$_: $Weir::Cedar::used{$_}" }
                sort keys %Weir::Cedar::used);

cmp_ok($answers{permit}, '>', @said / 6, 'permits came often');
cmp_ok($answers{deny}, '>', @said / 5, 'denies, too');
cmp_ok($answers{'otherwise permitted'}, '>', @said / 2000,
       'and forbids that err where Cedar permits');
cmp_ok($answers{'erring permit'}, '>', @said / 500, 'permits that err');

my @seldom = grep { $Weir::Cedar::used{$_} < $sets / 40 }
             sort keys %Weir::Cedar::used;
is("@seldom", '', 'every kind of piece came often');

done_testing();
