
# weirctl diff --no-new-access in 10,000 rules: changes that widen access and
# hide it, each with a request that eval confirms; changes that do not.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Edits;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $base = edits_base(10_000);

sub write_files {
    my ($dir, $files) = @_;
    $t->file("$dir/$_", $files->{$_}) for keys %$files;
}

sub diff {
    my ($edit) = @_;

    write_files('new', edits_apply($base, @$edit));

    my ($rc, $out, $err) = $t->weirctl('diff', $t->path('old'),
                               $t->path('new'), '--no-new-access', '--json',
                               {});
    my $list = eval { decode_json($out) };

    ok($list, "$edit->[0]: an answer") or diag($out, $err);

    return ($rc, grep { $_->{change} eq 'new-permit' } @{$list || []});
}

sub verdict {
    my ($dir, $request) = @_;
    my (undef, $out, $err) = $t->weirctl('eval', $t->path($dir),
                                 { stdin => encode_json($request) . "\n" });
    return eval { decode_json($out)->{verdict} } // $err;
}

write_files('old', $base);

my @wide = edits_wide();
my @safe = edits_safe();

cmp_ok(scalar @wide, '>=', 12, 'changes that widen');
cmp_ok(scalar @safe, '>=', 12, 'changes that do not');

for my $edit (@wide) {
    my ($rc, @list) = diff($edit);
    is($rc, 1, 'new access: 1');

    my ($f) = grep { $_->{verdict} eq 'witness' } @list;
    ok($f, 'by a request') or next;

    is(verdict('old', $f->{request}), 'deny', 'that eval denies before');
    is(verdict('new', $f->{request}), 'permit', 'and permits after');
}

for my $edit (@safe) {
    my ($rc, @list) = diff($edit);
    is($rc, 0, 'no new access: 0');
    is(join(' ', map { $_->{verdict} } @list), 'proved', 'by proof');
}

done_testing();
