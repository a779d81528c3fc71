
# conf/blue-green.conf: users keep their colour, a few have green, a tester
# may choose.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'blue-green');

$t->run;

my %colours;
my $sticky = 1;

for my $n (1 .. 120) {
    my $headers = $e->{bearer}->({ sub => "user-$n" });
    my $r = http_get($t->port, '/t/acme/reports/7', headers => $headers);

    $colours{ $r->body }++;
    $sticky = 0 if $r->header('X-Colour') ne $r->body;

    next if $n > 20;

    my $again = http_get($t->port, '/t/acme/reports/8', headers => $headers);
    $sticky = 0 if $again->body ne $r->body;
}

ok($sticky, 'each user has one colour');

# 5% of 120 are 6; the users are always the same, so this is no game of chance

cmp_ok($colours{green} || 0, '>=', 1, 'some are green');
cmp_ok($colours{green} || 0, '<=', 20, 'few are');
is($colours{green} + $colours{blue}, 120, 'all are one or the other');

my @alice = @{ $e->{bearer}->({}) };

for my $colour (qw(green blue)) {
    is(http_get($t->port, '/t/acme/reports/7',
                headers => [@alice, 'X-Colour' => $colour])->body, $colour,
       "a tester asks for $colour");
}

my $own = http_get($t->port, '/t/acme/reports/7', headers => \@alice)->body;

is(http_get($t->port, '/t/acme/reports/7',
            headers => [@alice, 'X-Colour' => 'red'])->body, $own,
   'an unknown colour is none');

done_testing();
