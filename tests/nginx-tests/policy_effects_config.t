
# Effects that cannot be met are found when nginx reads its configuration: in
# policies in use, with the place where the policy says so.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/p\.policy:\d+:\d+: error/, qr/^.*\d+ \| /, qr/ \| +\^/,
          qr/has 1 error in/, qr/policy "p" does not fit in/);

sub config {
    my ($rule, $use) = @_;

    $t->file('policies/p.policy', "language 1;\npolicy p;\n$rule\n");

    return $t->test_config(<<"END");
events {}
http {
    weir_bundle    %%TESTDIR%%/policies;
    weir_quota     silver key=\$arg_k rate=1r/s;
    weir_split     checkout key=\$arg_u { green 0%; blue *; }
    weir_objective fast { availability 99%; }
    weir_identity_header X-User \$weir_subject;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { @{[ $use || 'weir_policy p;' ]} }
    }
}
END
}

sub refused {
    my ($effect, $re) = @_;

    my ($rc, $text) = config("permit a { who anyone;\n$effect; }");
    isnt($rc, 0, "refused: $effect");
    like($text, qr/\[emerg\] p\.policy:4:$re/, "says where: $effect");
}

sub accepted {
    my ($rule, @use) = @_;

    my ($rc, $text) = config($rule, @use);
    is($rc, 0, "accepted: $rule") or diag $text;
}

refused('limit gold', qr/7: .*names quota gold, and there is no such weir_q/);
refused('split cart green', qr/7: .*names split and colour cart green/);
refused('split checkout red', qr/7: .*names split and colour checkout red/);
refused('slo slow', qr/5: .*names objective slow, .*no such weir_objective/);
refused('set_header x_user "root"',
        qr/12: .*sets x_user, which weir_identity_header does/);
refused('set_header Host "x"', qr/12: error: Host is the gateway's own/);
refused('add_header X-Weir-Rule "x"', qr/12: error: X-Weir-Rule is the/);

my ($rc, $text) = config("permit a { who anyone;\nset_header TE \"x\"; }");
like($text, qr/4 \| set_header TE "x"; \}\n.* \|            \^$/m, 'a caret');

accepted('permit a { who anyone; limit silver; split checkout green; '
         . 'slo fast; set_header X-Users "a"; }');
accepted('permit a { who anyone; add_header X-User "a"; }');
accepted('permit a { who anyone; limit gold; }', 'weir_policy off;');
accepted('shadow permit a { who anyone; limit gold; slo slow; }');

done_testing();
