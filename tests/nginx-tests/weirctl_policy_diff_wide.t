
# weirctl diff --no-new-access in 10,000 rules: changes that widen access and
# hide it, each with a request that eval confirms; changes that do not.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Edits;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $base = edits_base(10_000);
my $large = edits_large(2_000, 20);
my @lost;                           # what the last diff said of lost access

sub write_files {
    my ($dir, $files) = @_;
    $t->file("$dir/$_", $files->{$_}) for keys %$files;
}

sub diff {
    my ($edit, $from) = @_;

    write_files('new', edits_apply($from, @$edit));

    my ($rc, $out, $err) = $t->weirctl('diff', $t->path('old'),
                               $t->path('new'), '--no-new-access', '--json',
                               {});
    my $list = eval { decode_json($out) };

    ok($list, "$edit->[0]: an answer") or diag($out, $err);

    @lost = grep { $_->{change} eq 'new-deny' } @{$list || []};

    return ($rc, grep { $_->{change} eq 'new-permit' } @{$list || []});
}

sub verdict {
    my ($dir, $request) = @_;
    my (undef, $out, $err) = $t->weirctl('eval', $t->path($dir),
                                 { stdin => encode_json($request) . "\n" });
    return eval { decode_json($out)->{verdict} } // $err;
}

my @wide = edits_wide();
my @safe = edits_safe();

cmp_ok(scalar @wide, '>=', 12, 'changes that widen');
cmp_ok(scalar @safe, '>=', 12, 'changes that do not');

sub widens {
    my ($edit, $from) = @_;
    my ($rc, @list) = diff($edit, $from);
    is($rc, 1, 'new access: 1');

    my @found = grep { $_->{verdict} eq 'witness' } @list;
    ok(scalar @found, 'by a request') or return;

    for my $f ($found[0], @found > 1 ? $found[-1] : ()) {
        is(verdict('old', $f->{request}), 'deny', 'that eval denies before');
        is(verdict('new', $f->{request}), 'permit', 'and permits after');
    }

    return scalar @found;
}

sub is_safe {
    my ($edit, $from) = @_;
    my ($rc, @list) = diff($edit, $from);
    is($rc, 0, 'no new access: 0');
    is(join(' ', map { $_->{verdict} } @list), 'proved', 'by proof');
}

write_files('old', $base);

widens($_, $base) for @wide;
is_safe($_, $base) for @safe;

# sets of many items that many rules name

unlink glob($t->path('*/lib/*'));
write_files('old', $large);

my @found;

for my $edit (edits_larger()) {
    push @found, widens($edit, $large);
    is(join(' ', map { $_->{verdict} } @lost), 'proved', 'nothing is lost');
}

is("@found", '1 20 20', 'each rule is told');

for my $edit (['an item less', undef, '"t7", ', ''],
              ['a network less', undef, '10.0.7.0/24, ', ''])
{
    is_safe($edit, $large);
    is(scalar(grep { $_->{verdict} eq 'witness' } @lost), 20,
       'and what each rule loses is told');
}

for my $edit (['a network in halves', undef, '10.0.7.0/24',
               '10.0.7.0/25, 10.0.7.128/25'],
              ['items in another order', undef, '"t7", "t8"', '"t8", "t7"'])
{
    is_safe($edit, $large);
    is(join(' ', map { $_->{verdict} } @lost), 'proved', 'nothing is lost');
}

done_testing();
