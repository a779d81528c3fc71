
# The documents say what is true: every directive and variable of the sources
# has its entry and no other has, links lead somewhere, and the README's policy
# and configuration work as they are printed.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $top = $t->top;

sub docs {
    return map { [$_, slurp($_)] } "$top/README.md", glob "$top/docs/*.md";
}


# the names in the tables of commands and variables

my (%directive, %variable, %later);

for my $file (glob "$top/modules/http/*/*.c") {
    my $text = slurp($file);

    while ($text =~ /\{\ ngx_string\("(weir_\w+)"\),\s+
                     (\w+)[^{}]*?,\s+(\w+),/xg)
    {
        my ($name, $second, $third) = ($1, $2, $3);

        if ($second =~ /^NGX_/) {
            $directive{$name} = 1;
            $later{$name} = 1 if $third =~ /_later$/;

        } elsif ($second eq 'NULL') {
            $variable{$name} = 1;
        }
    }

    # those with a prefix, or added by themselves

    $variable{$_} = 1
        for $text =~ /^\s*ngx_string\("(weir_\w+)"\);/mg,
            $text =~ /= sizeof\("(weir_\w+_)"\) - 1 \+/g;
}

cmp_ok(scalar keys %directive, '>=', 30, 'directives in the sources');
cmp_ok(scalar keys %variable, '>=', 12, 'variables in the sources');

my $reference = slurp("$top/docs/directives.md");
my ($now, $future) = split /^## Of later releases$/m, $reference;

my %described = map { $_ => 1 } $now =~ /^## (weir_\w+)$/mg;
my %announced = map { $_ => 1 } $future =~ /`(weir_\w+)`/g;

is(join(' ', grep { !$described{$_} && !$later{$_} } sort keys %directive), '',
   'every directive is described');
is(join(' ', grep { !$directive{$_} } sort keys %described), '',
   'every described directive exists');
is(join(' ', grep { !$announced{$_} } sort keys %later), '',
   'every directive of a later release is announced');
is(join(' ', grep { $described{$_} } sort keys %later), '',
   'and not described as if it were here');

my %documented = map { s/_NAME$/_/r => 1 }
                 slurp("$top/docs/variables.md") =~ /\$(weir_\w+)/g;

is(join(' ', grep { !$documented{$_} } sort keys %variable), '',
   'every variable is described');
is(join(' ', grep { !$variable{$_} } sort keys %documented), '',
   'every described variable exists');


# links inside the repository

my @broken;

for (docs()) {
    my ($file, $text) = @$_;
    (my $dir = $file) =~ s{[^/]+$}{};

    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ /^https?:/;
        my ($path, $anchor) = split /#/, $link, 2;
        push @broken, "$file: $link" if length $path && !-e "$dir$path";

        next unless defined $anchor;
        my $to = length $path ? slurp("$dir$path") : $text;
        my %anchors = map { lc($_) =~ s/[^\w -]//gr =~ s/ /-/gr => 1 }
                      $to =~ /^#+ (.*)$/mg;
        push @broken, "$file: $link" if !$anchors{$anchor};
    }
}

is(join("\n", @broken), '', 'links lead somewhere');


# the README's own example

my @blocks = slurp("$top/README.md") =~ /^```\n(.*?)^```$/msg;
my ($policy) = grep { /^language 1;/ } @blocks;
my ($conf) = grep { /^load_module/ } @blocks;

is(scalar(() = $policy =~ /\n/g), 10, 'a first policy in ten lines');

my $e = example($t, 'minimal');

unlink glob($t->path('weir/policies/*'));
$t->file('weir/policies/orders.policy', $policy);

$conf =~ s/^load_module.*$//m;
$conf =~ s/8080/127.0.0.1:%%PORT_0%%/;
$conf =~ s/9001/%%PORT_9001%%/;
$t->conf($conf);
$t->run;

my @own = (headers => $e->{bearer}->({}));

is(http_get($t->port, '/t/acme/reports/7', @own)->status, 200, 'a permit');
is(http_get($t->port, '/t/globex/reports/7', @own)->status, 403,
   'another tenant');
is(http_get($t->port, '/t/acme/internal/x', @own)->status, 403, 'internals');
is(http_get($t->port, '/t/acme/reports/7')->status, 401, 'no token');
is(http_get($t->port, '/else', @own)->status, 403, 'the rest is closed');

done_testing();
