
# Every example of conf/ is a whole configuration that nginx takes without a
# word, and has a test of its own that sends requests through it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;

# these two are started by quickstart_once.t
my %elsewhere = map { $_ => 1 } qw(quickstart sample-services);

my @names = example_names($t);

cmp_ok(scalar @names, '>=', 8, 'examples');

for my $name (@names) {

    if (!$elsewhere{$name}) {
        (my $file = "conf_$name.t") =~ s/-/_/g;
        ok(-e "$FindBin::Bin/$file", "$name has its test, $file");
    }
}

example($t, 'minimal');
mkdir $t->path('logs');

for my $name (grep { $_ ne 'sample-services' } @names) {
    my ($rc, $out) = $t->test_config(example_text($t, $name));

    is($rc, 0, "$name: nginx -t");

    my @lines = grep { /\[(?:warn|error|crit|alert|emerg)\]/ }
                split /\n/, $out;

    # the quickstart shows what a forgotten location does
    @lines = grep { !m{location "/forgotten/"} } @lines
        if $name eq 'quickstart';

    is(join("\n", @lines), '', "$name: no warning");
}

done_testing();
