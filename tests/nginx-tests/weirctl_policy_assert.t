
# weirctl check: asserts that are proved, disproved with a request that eval
# confirms, or unknown; rules that decide nothing, with those that cover them.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

my $head = <<'EOF';
language 1;
policy orders;
schema from corp { claim tenant string; claim roles set<string>; }
set net cidr 10.0.0.0/8, 192.168.0.0/16;
window office mon-fri 08:00-18:00 Europe/Paris;
role clerk { when "clerk" in claim.roles; includes reader; }
role reader { when "reader" in claim.roles; }
permit p { who role reader; what GET /t/{tenant}/**;
  if claim.tenant == path.tenant; }
permit w { who anyone; what GET /open; from net; during office; }
EOF

sub check {
    my ($name, $body) = @_;

    $t->file("$name/o.policy", "$head$body\n");

    my ($rc, $out, $err) = $t->weirctl('check', $t->path($name), '--json', {});
    my $list = eval { decode_json($out) };

    ok($list, "$name: JSON") or diag($out, $err);

    return ($rc, @{ $list || [] });
}


# asserts that hold

my ($rc, @list) = check('holds', <<'EOF');
assert never permit { what * /admin/**; }
assert never permit { what * /t/**;
  unless claim.roles any in ["reader", "clerk"]; }
assert always deny { what GET /open; unless source.ip in net; }
assert always permit { what GET /open; from 10.1.0.0/16; during office; }
assert never deny { who role clerk; what GET /t/{x}/y;
  if claim.tenant == path.x; }
shadow permit s { who anyone; what * /admin/**; }
EOF
is($rc, 0, 'asserts that hold: 0');
is_deeply(\@list, [], 'and nothing is told');


# and some that do not

my $n = 0;

for my $case (
    ['never permit', 'what GET /t/acme/**;', 'permit', 'p'],
    ['always deny', 'what GET /open; from 10.0.0.0/8;', 'permit', 'w'],
    ['always permit', 'what GET /open; during office;', 'deny', undef],
    ['never deny', 'what GET /open; from net;', 'deny', undef],
    ['never permit', 'unless claim.tenant ~ "a[b-z]+"; what GET /t/**;',
     'permit', 'p'],
    ['always permit', 'what GET /t/{x}/y; who role clerk;'
     . ' if claim.tenant == path.x && claim.roles all in ["clerk"]; }'
     . ' deny d { who role clerk; what GET /t/acme/y;', 'deny', 'd'])
{
    my ($kind, $body, $verdict, $rule) = @$case;
    my $name = 'fails-' . ++$n;

    ($rc, @list) = check($name, "assert $kind { $body }");
    is($rc, 1, "$kind, disproved: 1");

    my ($e) = grep { $_->{severity} eq 'error' } @list;
    my $does = $verdict eq 'permit' ? 'permits' : 'denies';
    like($e->{message}, qr/^this assert does not hold: orders $does /,
         'said so');
    my ($json) = $e->{message} =~ /(\{.*\})$/;
    ok($json, 'with a request');

    # eval refuses the policies with the assert, and decides without it

    my (undef, undef, $err) = $t->weirctl('eval', $t->path($name),
                                          { stdin => "$json\n" });
    like($err, qr/this assert does not hold/, 'eval refuses the bundle');

    my $rest = $body =~ /\} (deny.*)/s ? "$1 }" : '';
    $t->file("$name-eval/o.policy", "$head$rest\n");

    my (undef, $out) = $t->weirctl('eval', $t->path("$name-eval"),
                                   { stdin => "$json\n" });
    my $d = decode_json($out);
    is($d->{verdict}, $verdict, 'which eval decides so');
    is_deeply($d->{rules}, [$rule // ()], 'by that rule');
}

my ($test) = $t->weirctl('test', $t->path('fails-1'), {});
is($test, 1, 'test refuses it too');


# neither

($rc, @list) = check('open', <<'EOF');
assert never permit { what * /t/**; if claim.tenant ~ "x.*"
  && claim.tenant ~ ".*y" && !(claim.tenant ~ "x.*y"); }
EOF
is($rc, 0, 'unknown: 0');
is($list[0]{severity}, 'warning', 'a warning');
like($list[0]{message}, qr/^this assert is not proved \(UNKNOWN\): /, 'why');


# rules that decide nothing

($rc, @list) = check('idle', <<'EOF');
permit dead { who role reader; what GET /d;
  if claim.tenant == "a" && claim.tenant ~ "b+"; }
permit q { who role reader; what GET /t/{tenant}/x;
  if claim.tenant == path.tenant && "x" in claim.roles; }
permit hidden { who anyone; what * /shut/x; }
deny shut { what * /shut/**; }
deny more { what * /shut/y; from 10.0.0.0/9; }
deny less { what * /t/acme/**; unless "mfa" in claim.roles; }
permit half { who anyone; from 10.0.0.0/7; what GET /open; during office; }
EOF
is($rc, 0, 'warnings alone: 0');

my %told = map { ($_->{message} =~ /rule (\w+)/)[0]
                 => [$_->{message}, map { $_->{line} } @{ $_->{related} }] }
           @list;

is_deeply([sort keys %told], ['dead', 'hidden', 'more', 'q'],
          'these and no others');
is($told{dead}[0], 'no request matches rule dead', 'dead');
is_deeply($told{hidden},
          ['rule hidden permits nothing: what it matches is denied by shut',
           16], 'shadowed');
is_deeply($told{q},
          ['rule q changes nothing: what it matches is decided the same by p',
           8], 'redundant');
is_deeply($told{more},
          ['rule more changes nothing: what it matches is decided the same'
           . ' by shut', 16], 'a deny that another covers');

done_testing();
