#!/usr/bin/perl

# weir_candidate: a bundle that is asked beside the active one.  Nothing of it
# is enforced; where it decides otherwise that is counted and logged.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use JSON::PP;

my $t = Weir::Test->new->allow(qr/q\.policy:3|3\ \|\ permit|\|\s+\^|
                                  weir_candidate|tested\.conf/x);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit open   { who anyone; what GET /open; if !has header("x-no");
                add_header X-Effect "active"; }
permit bar    { who anyone; what * /re;
                if has header("x-v") && header("x-v") ~ "ba+r"; }
deny   closed { what * /closed; status 418; }
END

$t->file('candidate/p.policy', <<'END');
language 1;
policy p;
permit open   { who anyone; what GET /open;
                add_header X-Effect "candidate"; }
permit more   { who anyone; what * /more; add_header X-Effect "candidate"; }
permit foo    { who anyone; what * /re;
                if has header("x-v") && header("x-v") ~ "fo+"; }
deny   bad    { what * /open; if has header("x-bad") && header("x-bad") == "1";
                status 451; }
deny   closed { what * /closed; status 410; }
END

$t->file('policies/q.policy', <<'END');
language 1;
policy q;
permit all { who anyone; what * /**; }
END

sub conf {
    my ($candidate) = @_;
    my $of = $candidate ? "weir_candidate $candidate;" : '';
    my $conf = <<'END';
    weir_zone   8m;
    weir_bundle policies;
    weir_decision_log %%TESTDIR%%/decisions.log rate=1r/h;
    %%CANDIDATE%%

    add_header X-Verdict "$weir_verdict|$weir_reason|$weir_rule" always;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_policy p;
        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /q/ { weir_policy q;
                       proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /dark/ { weir_policy p shadow;
                          proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api { weir_policy off; weir_api; }
    }
END
    $conf =~ s/%%CANDIDATE%%/$of/;
    return $conf;
}

$t->http_conf(conf('candidate'));
$t->run;

my $n = 0;
my $log = $t->path('decisions.log');

sub ask {
    my ($target, @headers) = @_;
    my $r = http_request($t->port(0), 'GET', $target, headers => \@headers);
    return ($r->status . ' ' . ($r->header('X-Verdict') // ''), $r);
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

sub counted {
    my ($policy, $verdict) = @_;
    my $m = (ask('/metrics'))[1]->body;
    my ($c) = $m =~ /^weir_policy_candidate_total\{policy="$policy",
                     verdict="$verdict"\}\ (\d+)$/mx;
    return $c;
}

my ($said, $d, $r) = record('/open');
is($said, '200 permit|permit-rule|open', 'a permit');
is($r->header('X-Effect'), 'active', 'obliges as the active bundle says');
ok(!exists $d->{candidate}, 'the candidate decides the same');

($said, $d, $r) = record('/open', 'X-Bad' => 1);
is($said, '200 permit|permit-rule|open', 'its deny denies nothing');
is_deeply($d->{candidate},
          {verdict => 'deny', reason => 'deny-rule', rules => ['bad']},
          'and is told');
is_deeply($d->{rules}, ['open'], 'beside the rules that decided');
is($d->{verdict}, 'permit', 'and the verdict');

($said, $d, $r) = record('/open', 'X-No' => 1);
is($said, '403 deny|default-deny|', 'its permit permits nothing');
is_deeply($d->{candidate},
          {verdict => 'permit', reason => 'permit-rule', rules => ['open']},
          'and is told');
is($r->header('X-Effect'), undef, 'it obliges to nothing');

($said, $d) = record('/closed');
is($said, '418 deny|deny-rule|closed', 'two denies');
ok(!exists $d->{candidate}, 'are the same verdict');

is(counted('p', 'permit'), 1, 'counted: would be permitted');
is(counted('p', 'deny'), 1, 'counted: would be denied');


# each bundle has its own expressions

($said, $d) = record('/re', 'X-V' => 'baar');
is($said, '200 permit|permit-rule|bar', 'the active bundle reads its own');
is($d->{candidate}{verdict}, 'deny', 'the candidate does not match');

($said, $d) = record('/re', 'X-V' => 'foo');
is($said, '403 deny|default-deny|', 'nor the other way round');
is_deeply($d->{candidate}{rules}, ['foo'], 'the candidate reads its own');


# a policy that it lacks, which the configuration test warns of

($said, $d) = record('/q/a');
is($said, '200 permit|permit-rule|all', 'a policy that the candidate lacks');
is_deeply($d->{candidate},
          {verdict => 'deny', reason => 'no-policy', rules => []},
          'is denied by it');
like($t->error_log, qr/\[warn\].*"weir_candidate" "\S+" has no policy "q"/,
     'which was said at start');
is(counted('q', 'deny'), 1, 'and is counted');


# in shadow: compared is what the two bundles decide

($said, $d) = record('/dark/x');
is($said, '200 permit|default-deny|', 'a policy in shadow');
is($d->{shadow}, 'deny', 'would deny');
ok(!exists $d->{candidate}, 'and so would the candidate');


# a permit in which nothing differs is sampled, one in which it does is not

ask('/open') for 1 .. 5;
($said, $d) = record('/open', 'X-Bad' => 1);
is($d->{candidate}{verdict}, 'deny', 'what differs is not sampled');

my $api = decode_json((ask('/api'))[1]->body);
like($api->{candidate}{hash}, qr/^sha256:[0-9a-f]{64}$/,
     'weir_api has its hash');
isnt($api->{candidate}{hash}, $api->{bundle}{hash}, 'which is its own');


# another candidate comes with a reload, and goes with one

$t->file('candidate/q.policy', <<'END');
language 1;
policy q;
deny never { what * /q/never; }
permit all { who anyone; what * /**; limit nowhere; }
END

$t->reload;

wait_for { ask('/q/a');
           decode_json((ask('/api'))[1]->body)->{candidate}{hash}
           ne $api->{candidate}{hash} } 10, 'the new candidate';

like($t->error_log, qr/\[warn\].*"weir_candidate".*nowhere/,
     'what does not fit is warned of');

$n = () = slurp($log) =~ /\n/g;
($said, $d) = record('/q/never');
is($said, '200 permit|permit-rule|all', 'the next candidate');
is_deeply($d->{candidate}{rules}, ['never'], 'decides');

$t->file('candidate/q.policy', "language 1;\npolicy q;\npermit {\n");
my ($rc, $out) = $t->test_config;
isnt($rc, 0, 'a candidate with errors refuses the configuration');
like($out, qr{q\.policy:3:8: }, 'says where');
like($out, qr/"weir_candidate" "\S+candidate" has 1 error/, 'and what of');

$t->http_conf(conf());
$t->reload;

wait_for { !defined decode_json((ask('/api'))[1]->body)->{candidate} } 10,
         'no candidate';
unlike((ask('/metrics'))[1]->body, qr/weir_policy_candidate/,
       'without one nothing is counted');
unlike((ask('/metrics'))[1]->body,
       qr/^weir_bundle_rejected_total\{.*\} [1-9]/m,
       'a candidate is not a bundle that was refused');


# the configuration

for (['weir_candidate candidate; weir_candidate candidate;',
      qr/"weir_candidate" directive is duplicate/],
     ['weir_candidate "";', qr/"weir_candidate" directive needs a folder/],
     ['weir_candidate nosuch;', qr/nosuch" failed/],
     ['weir_candidate a b;', qr/invalid number of arguments/])
{
    my ($words, $re) = @$_;

    $t->file('candidate/q.policy',
             "language 1;\npolicy q;\npermit a { who anyone; what * /**; }\n");
    ($rc, $out) = $t->test_config(
        "events {} http { weir_zone 8m; weir_bundle policies; $words }");

    isnt($rc, 0, $words);
    like($out, $re, 'says why');
}

($rc, $out) = $t->test_config(
    'events {} http { weir_zone 8m; weir_candidate candidate; }');
isnt($rc, 0, 'a candidate alone');
like($out, qr/needs "weir_bundle" or a store beside it in .*tested/,
     'is an error');

done_testing();
