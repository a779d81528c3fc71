#!/usr/bin/perl

# weir_policy NAME shadow, and shadow rules: nothing of them is enforced; where
# they would change a decision it is counted and logged.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use JSON::PP;

my $t = Weir::Test->new->allow(qr/tested\.conf/);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit any         { who anyone; what * /any; }
permit open        { who anyone; what * /open; }
permit both        { who anyone; what * /both;
                     if !has header("x-no"); add_header X-Effect "1"; }
shadow permit more { who anyone; what * /more; add_header X-Shadow "1"; }
shadow deny   less { what * /open; if has header("x-bad")
                                      && header("x-bad") == "1"; }
deny   never       { what * /never; status 418; }
END

$t->http_conf(<<'END');
    weir_zone   8m;
    weir_bundle policies;
    weir_decision_log %%TESTDIR%%/decisions.log rate=1r/h;

    log_format d '$weir_verdict|$weir_reason|$weir_rule';
    access_log %%TESTDIR%%/access.log d;
    add_header X-Verdict "$weir_verdict|$weir_reason|$weir_rule" always;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_policy p;
        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        weir_policy p shadow;

        set_real_ip_from 127.0.0.1;
        real_ip_header X-Real-IP;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /inherits { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /again { weir_policy p;
                          proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /any { satisfy any; deny all;
                        proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location = /metrics { weir_metrics; }
    }
END

$t->run;

my $n = 0;
my $log = $t->path('decisions.log');

sub ask {
    my ($port, $target, @headers) = @_;
    my $r = http_request($t->port($port), 'GET', $target,
                         headers => \@headers);
    return ($r->status . ' ' . $r->header('X-Verdict'), $r);
}

# The record of a request that is told of.

sub record {
    my (@ask) = @_;
    my ($said, $r) = ask(@ask);
    my @lines;

    wait_for { @lines = split /\n/, slurp($log); @lines > $n } 5, 'a line';
    $n = @lines;
    return ($said, decode_json($lines[-1]), $r);
}

my ($said, $d, $r) = record(0, '/open');
is($said, '200 permit|permit-rule|open', 'a permit');
ok(!exists $d->{shadow}, 'nothing in shadow differs');


# shadow rules

($said, $d) = record(0, '/open', 'X-Bad' => 1);
is($said, '200 permit|permit-rule|open', 'a shadow deny denies nothing');
is($d->{shadow}, 'deny', 'and is told');
is_deeply($d->{rules}, ['open'], 'beside the rules that decided');

($said, $d, $r) = record(0, '/more');
is($said, '403 deny|default-deny|', 'a shadow permit permits nothing');
is($d->{shadow}, 'permit', 'and is told');
is($r->header('X-Shadow'), undef, 'obliges to nothing');

($said, $d) = record(0, '/never');
is($said, '418 deny|deny-rule|never', 'a deny');
ok(!exists $d->{shadow}, 'is one in shadow, too');


# a policy in shadow

($said, $d, $r) = record(1, '/never');
is($said, '200 permit|deny-rule|never', 'denies nothing');
is($d->{verdict}, 'permit', 'the verdict is a permit');
is($d->{shadow}, 'deny', 'a deny is told');
is_deeply($d->{rules}, ['never'], 'with its rule');

($said, $d) = record(1, '/nothing');
is($said, '200 permit|default-deny|', 'nor by default');
is((ask(1, '/inherits'))[0], '200 permit|default-deny|', 'inherited');
is((ask(1, '/again'))[0], '403 deny|default-deny|', 'and not');

($said, $r) = ask(1, '/both');
is($said, '200 permit|permit-rule|both', 'a permit in shadow');
is($r->header('X-Effect'), undef, 'obliges to nothing');
is((ask(0, '/both'))[1]->header('X-Effect'), 1, 'where it decides it does');
is((ask(1, '/a%2fb'))[0], '400 refused|ambiguous-path|',
   'what is ambiguous stays refused');


is((ask(1, '/any'))[1]->status, 403,
   'nor does it admit whom another module denies');


# what decides nothing protects no page of ours

is((ask(1, '/metrics', 'X-Forwarded-For' => '192.0.2.1'))[1]->status, 403,
   'a status page is not for others');

my $m = (ask(1, '/metrics'))[1]->body;

like($m, qr/^weir_policy_shadow_total\{policy="p",verdict="permit"\} 1$/m,
     'to a permit');
like($m, qr/^weir_policy_shadow_total\{policy="p",verdict="deny"\} [1-9]/m,
     'to denies');
like($m, qr/^weir_decision_log_records_total\{result="sampled"\} [1-9]/m,
     'permits in which nothing differs are sampled');

for (['off shadow', qr/invalid parameter "shadow"/],
     ['p dark', qr/invalid parameter "dark"/])
{
    my ($words, $re) = @$_;
    my ($rc, $out) = $t->test_config(
        "events {} http { weir_zone 8m; weir_bundle policies; "
        . "weir_policy $words; }");

    isnt($rc, 0, $words);
    like($out, $re, 'says why');
}

done_testing();
