# docs/security.md names a test for each rule, and each that it names exists.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $top = Weir::Test->top;
my $page = slurp("$top/docs/security.md");

my %files;

for my $row (grep { /^\| (?!rule|---)/ } split /\n/, $page) {
    my ($rule, $text, $proof) = $row =~ /^\| (.*?) \| (.*) \| (.*) \|$/;

    ok(length($text || ''), "$rule: what is in force");

    my @named = ($proof || '') =~ /`([^`]+)`/g;
    ok(scalar @named, "$rule: a test is named");

    $files{$_} = 1 for @named;
}

cmp_ok(scalar keys %files, '>', 15, 'many tests');

for my $name (sort keys %files) {
    my $pattern = $name =~ /^test_/  ? "tests/unit/$name.c"
                  : $name =~ /^fuzz-(.*)/ ? "tests/fuzz/fuzz_$1.c"
                                          : "tests/nginx-tests/$name";

    ok(scalar(grep { -f } glob "$top/$pattern"), "$name is there");
}

# and no test of this area is left out

my @own = map { m{([^/]+)$} } glob "$top/tests/nginx-tests/{security,gate}_*.t";

is(join(' ', grep { !$files{$_} && $_ ne 'security_page.t' } @own), '',
   'none is left out');

done_testing();
