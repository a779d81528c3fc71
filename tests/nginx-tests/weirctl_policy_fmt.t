
# weirctl fmt: in place, only told by --check, and never what cannot be read.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(assert => 0);

sub content {
    my ($name) = @_;

    open(my $f, '<', $t->path($name)) or die "$name: $!";
    local $/;

    return scalar <$f>;
}

my $ugly = "language 1;policy p;\n# why\npermit a{who anyone;what GET /x;}\n";
my $fair = <<'END';
language 1;
policy p;

# why
permit a {
    who anyone;
    what GET /x;
}
END

$t->file('d/p.policy', $ugly);
$t->file('d/lib/q.policy', "language 1;\n");
chmod(0640, $t->path('d/p.policy')) or die;

my ($rc, $out, $err) = $t->weirctl('fmt', '--check', $t->path('d'));

is($rc, 1, '--check: exit 1');
is($out, $t->path('d/p.policy') . "\n", 'and the file');
is($err, '', 'nothing else');
is(content('d/p.policy'), $ugly, 'nothing changed');

($rc, $out, $err) = $t->weirctl('fmt', $t->path('d'));

is($rc, 0, 'fmt');
is($out, $t->path('d/p.policy') . "\n", 'the file');
is(content('d/p.policy'), $fair, 'in the canonical layout');
is((stat($t->path('d/p.policy')))[2] & 07777, 0640, 'with its rights');

($rc, $out, $err) = $t->weirctl('fmt', '--check', $t->path('d'));

is($rc, 0, 'laid out already');
is($out, '', 'nothing to tell');

# what cannot be parsed is left alone; the others are not

$t->file('e/a.policy', "language 1;policy a;\n");
$t->file('e/b.policy', "language 1;policy b;\npermit x { what }\n");

($rc, $out, $err) = $t->weirctl('fmt', $t->path('e'));

is($rc, 1, 'errors: exit 1');
like($err, qr/^b\.policy:2:17: error: /, 'with their place');
is(content('e/a.policy'), "language 1;\npolicy a;\n", 'the good one');
is(content('e/b.policy'), "language 1;policy b;\npermit x { what }\n",
   'not the bad one');

# an unknown name is no matter of layout; a single file

$t->file('f/p.policy', "language 1;policy p;deny a{who role nobody;}\n");

($rc, $out, $err) = $t->weirctl('fmt', $t->path('f/p.policy'));

is($rc, 0, 'a file');
is(content('f/p.policy'), "language 1;\npolicy p;\n\ndeny a { who role nobody; }\n",
   'laid out');

($rc, $out, $err) = $t->weirctl('fmt', $t->path('none'));
is($rc, 2, 'no such file: exit 2');

done_testing();
