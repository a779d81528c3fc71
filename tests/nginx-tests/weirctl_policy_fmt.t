
# weirctl fmt: in place, only told by --check, and never what cannot be read.

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
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
is(content('f/p.policy'),
   "language 1;\npolicy p;\n\ndeny a { who role nobody; }\n",
   'laid out');

# syntax trees: out and in; comments go with them

$t->file('g/p.policy', <<'EOF2');
# head
language 1;policy p;
set s string "a",   "b";
permit a {who subject alice issuer corp, anyone;  # why
  what GET /t/{x}; if path.x in s && !has header("X");
  limit q; }
test "t" { request GET /t/a; expect permit by a; }
EOF2

($rc, $out, $err) = $t->weirctl('fmt', '--json', $t->path('g/p.policy'));
is($rc, 0, '--json') or diag $err;

my $tree = JSON::PP::decode_json($out);
my @kinds = map { $_->{kind} } @{ $tree->{statements} };
is_deeply(\@kinds, [qw(comment language policy set rule test)], 'statements');
is_deeply($tree->{statements}[3], { kind => 'set', name => 's',
          type => 'string', items => ['"a"', '"b"'] }, 'a set');
is_deeply($tree->{statements}[4]{body}[3]{expr},
          { op => '&&', of => [
                { op => 'in', left => { attr => 'path.x' },
                  right => { ref => 's' } },
                { op => '!', of => { op => 'has',
                                     of => { attr => 'header("X")' } } } ] },
          'an expression');

$t->file('g/p.json', $out);
my $json = $out;

($rc, $out, $err) = $t->weirctl('fmt', '--from-json', $t->path('g/p.json'));
is($rc, 0, '--from-json') or diag $err;
my $text = $out;

($rc) = $t->weirctl('fmt', $t->path('g/p.policy'));
is($rc, 0, 'fmt');
is($text, content('g/p.policy'), 'both have the canonical layout');

($rc, $out) = $t->weirctl('fmt', '--json', $t->path('g/p.policy'));
is($out, $json, 'and the same tree');

($rc, $out, $err) = $t->weirctl('fmt', '--json', $t->path('g'));
is($rc, 2, 'a folder has no tree');

($rc, $out, $err) = $t->weirctl('fmt', '--json', $t->path('e/b.policy'));
is($rc, 1, 'nor has what cannot be parsed');
like($err, qr/^b\.policy:2:17: error: /, 'which is told');
is($out, '', 'and nothing else');

for (['{', qr/p\.json:1:\d+: /, 'no JSON'],
     ['{"a":1,"a":2}', qr/duplicate/, 'a member twice'],
     ['{"statements":3}', qr/no list "statements"/, 'no statements'],
     [$json =~ s/"alice"/"alice issuer x, subject bob"/r,
      qr/statements\[4\] is not of the form/, 'a leaf that is more'],
     [$json =~ s/"kind": "limit"/"kind": "limit", "why": "x"/r,
      qr/statements\[4\] is not of the form/, 'an unknown member'],
     [$json =~ s/"corp"/""/r, qr/p\.json:\d+:\d+: error: .*expected/,
      'what cannot be parsed'])
{
    my ($bad, $re, $name) = @$_;

    $t->file('g/p.json', $bad);
    ($rc, $out, $err) = $t->weirctl('fmt', '--from-json',
                                    $t->path('g/p.json'));
    is($rc, 1, "$name: exit 1");
    like($err, $re, "$name: says so");
    is($out, '', "$name: nothing is written");
}

($rc) = $t->weirctl('fmt', '--json', '--check', $t->path('g/p.policy'));
is($rc, 2, 'one thing at a time');

($rc, $out, $err) = $t->weirctl('fmt', $t->path('none'));
is($rc, 2, 'no such file: exit 2');

done_testing();
