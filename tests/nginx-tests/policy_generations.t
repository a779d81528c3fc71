
# Generations: a reload brings new policies at once and whole, a reload that
# fails leaves everything as it was, and what is told of it is true.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 2);
my $up = Weir::Upstream->new($t, port => 'up');

sub policy {
    my ($rule, $name) = @_;
    $name ||= 'p';
    $t->file('policies/p.policy', "language 1; policy $name;\n"
             . "permit all { who anyone; what * /all; }\n"
             . "permit $rule { who anyone; what * /$rule/**; }\n"
             . "deny never { what * /never; }\n");
}

sub configure {
    my ($bundle, $policy) = @_;

    $t->http_conf(<<"END");
    weir_zone   8m;
    $bundle

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Rule \$weir_rule always;
        add_header X-Reason \$weir_reason always;
        add_header X-Bundle <\$weir_bundle> always;

        location / {
            weir_policy $policy;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
END
}

sub get { return http_get($t->port, $_[0]) }

sub api {
    my $r = get('/api');
    return $r->json->{bundle};
}

sub metrics { return openmetrics(get('/metrics')->body) }

sub decisions {
    my ($m, $verdict, $reason) = @_;
    return $m->value('weir_policy_decisions_total{policy="q",'
                     . qq{reason="$reason",verdict="$verdict"\}});
}


policy('one');
configure('weir_bundle policies;', 'p');
$t->run;

is(get('/one/x')->status, 200, 'the first bundle permits');
is(get('/two/x')->status, 403, 'and no more');
is(get('/never')->header('X-Rule'), 'never', 'and denies');
is(get('/one/x')->header('X-Bundle'), '<0>', 'its version is 0: local');
is(get('/two/x')->header('X-Bundle'), '<0>', 'on refusals too');

my $first = api();

is($first->{version}, 0, 'api: version');
like($first->{hash}, qr/^sha256:[0-9a-f]{64}$/, 'api: hash');
is($first->{source}, 'local', 'api: source');
is($first->{trust}, 'none', 'api: trust');
ok(!$first->{signed}, 'api: not signed');
ok(JSON::PP::is_bool($first->{signed}), 'api: as a bool');
like($first->{activated}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
     'api: activated');
is($first->{error}, undef, 'api: no error');


# a reload without a change is no change

ok($t->reload, 'a reload');
is_deeply(api(), $first, 'the same generation');


# a reload with other policies

policy('two');
ok($t->reload, 'a reload with other policies');
is(get('/two/x')->status, 200, 'the new policies permit');
is(get('/one/x')->status, 403, 'the old ones do not count');

my $second = api();
isnt($second->{hash}, $first->{hash}, 'another hash');


# a reload that fails: everything stays

$t->allow(qr/p\.policy/, qr/\^/, qr/\d \| /, qr/weir_bundle/);

$t->file('policies/p.policy', "language 1; policy p;\nbogus;\n");
ok(!$t->reload, 'policies with an error are refused');
$t->wait_error_log(qr/p\.policy:2:1: error: .*expected, not "bogus"/);
is(get('/two/x')->status, 200, 'the policies before stay');

sub stays {
    my ($reason, $message) = @_;

    my $now = api();
    my $error = delete $now->{error};

    is_deeply({ %$now, error => undef }, $second, 'the generation too');
    is($error->{reason}, $reason, "api: $reason");
    like($error->{message}, $message, 'api: the message');
    is($error->{version}, 0, 'api: the version');
}

stays('policy-error', qr/^p\.policy:2:1: error: .*expected, not "bogus"$/);

unlink $t->path('policies/p.policy');
ok(!$t->reload, 'no policies at all are refused');
is(get('/two/x')->status, 200, 'the policies before stay');
stays('policy-error', qr/^there is no \*\.policy file$/);

$t->allow(qr/unknown policy "p"/);
policy('three', 'q');
ok(!$t->reload, 'a bundle that lacks a policy in use is refused');
$t->wait_error_log(qr/unknown policy "p"/);
is(get('/two/x')->status, 200, 'the policies before stay');
stays('missing-policy', qr/^p$/);

$t->allow(qr/no room for the bundle/);
$t->file('policies/p.policy', "language 1; policy p;\n"
         . join '', map { "permit r$_ { who anyone; what * /$_/**; }\n" }
                    1 .. 8000);
ok(!$t->reload, 'a bundle without room is refused');
is(get('/two/x')->status, 200, 'the policies before stay');
stays('too-large', qr/^the image has \d+ bytes, a generation \d+$/);

$t->allow(qr/names issuer nobody/, qr/policy "p" does not fit/);
$t->file('policies/p.policy', "language 1; policy p;\n"
         . "permit x { who issuer nobody; }\n");
ok(!$t->reload, 'a bundle that names what there is not is refused');
is(get('/two/x')->status, 200, 'the policies before stay');
stays('unknown-name', qr/^p\.policy:2:23: error: .* issuer nobody/);

{
    my $m = metrics();
    my %rejected = map { $_ => $m->value('weir_bundle_rejected_total'
                                         . qq({reason="$_"})) }
                   qw(policy-error missing-policy too-large unknown-name);

    is_deeply(\%rejected, { 'policy-error' => 2, 'missing-policy' => 1,
                            'too-large' => 1, 'unknown-name' => 1 },
              'weir_bundle_rejected_total');
}


# back to what was: any of the three parts may serve

for my $rule (qw(one two three one two four five six seven one)) {
    policy($rule);
    ok($t->reload, "a reload to $rule");
    is(get("/$rule/x")->status, 200, "$rule permits");
    is(get('/zero/x')->status, 403, 'and nothing else');
}

is(api()->{hash}, $first->{hash}, 'the same policies have the same hash');
is(api()->{error}, undef, 'and the error is gone');


# name and policy change together

policy('renamed', 'q');
configure('weir_bundle policies;', 'q');
ok($t->reload, 'another policy by another name');
is(get('/renamed/x')->status, 200, 'permits');


# a request that an old worker still reads while nginx reloads

sub begun {
    my ($target, $change) = @_;

    my $c = Weir::HTTP->new(port => $t->port);
    $c->send("GET $target HTTP/1.1\r\nHost: a\r\n");

    # read by a worker, which is then on its way out

    wait_for { get('/all')->status == 200 } 5, 'a request behind it';
    $change->();
    ok($t->reload(wait_old => 0), 'a reload meanwhile');

    $c->send("Connection: close\r\n\r\n");
    my $r = $c->response;
    $c->close;

    return $r->status;
}

is(begun('/renamed/x', sub { policy('tightened', 'q') }), 403,
   'what the new policies forbid is forbidden at once');
is(begun('/all', sub {
       policy('another', 'r');
       configure('weir_bundle policies;', 'r');
   }), 200, 'where its policy is gone it is decided by the one it came with');
is(begun('/all', sub {
       policy('renamed', 'q');
       configure('weir_bundle policies;', 'q');
   }), 200, 'and back');
ok($t->reload, 'settled');


# while requests are under way: none sees half of anything

{
    my (@bad, $n);
    my $i = 0;

    for my $round (1 .. 6) {
        policy($round % 2 ? 'odd' : 'even', 'q');

        my $mark = length $t->error_log;
        $t->signal('HUP');

        # a connection of its own for each: nginx itself loses others

        wait_for {
            my $r = get('/all');
            push @bad, $r ? $r->status : 'nothing'
                unless $r && $r->status == 200
                       && $r->header('X-Rule') eq 'all';
            $n++;
            my $want = get($round % 2 ? '/odd/x' : '/even/x');
            return $want && $want->status == 200;
        } 20, 'the new policies';
    }

    is("@bad", '', "$n requests during reloads, each decided");
}

ok($t->reload, 'settled');


# what was counted

{
    my $m = metrics();

    is($m->value('weir_bundle_version'), 0, 'weir_bundle_version');
    ok(decisions($m, 'permit', 'permit-rule') > 0, 'permits are counted');

    my $before = decisions($m, 'deny', 'default-deny');
    get('/zero') for 1 .. 5;
    get('/never') for 1 .. 3;
    $m = metrics();

    is(decisions($m, 'deny', 'default-deny'), $before + 5,
       'default denies, exactly');
    is(decisions($m, 'deny', 'deny-rule'), 3, 'deny rules, exactly');
    is(decisions($m, 'error', 'no-bundle'), 0, 'no errors so far');
    ok($m->value('weir_zone_used_bytes{area="policies"}') > 1000,
       'the area is in use');
}


# without a bundle

configure('', 'q');
ok($t->reload, 'a reload without a bundle');

my $r = get('/all');

is($r->status, 503, 'a location with a policy answers 503');
is($r->header('X-Reason'), 'no-bundle', 'its reason');
is($r->header('X-Bundle'), '<>', 'no bundle');
like($r->header('Content-Type'), qr{^application/problem\+json}, 'its body');
is(get('/api')->status, 200, 'other locations work');
is(api()->{source}, 'none', 'api: none');
is(api()->{hash}, undef, 'api: no hash');
$t->wait_error_log(qr/no bundle is active: policy "q" cannot decide/);
is(decisions(metrics(), 'error', 'no-bundle'), 1, 'counted');

# and with one again

configure('weir_bundle policies;', 'q');
ok($t->reload, 'a bundle again');
is(get('/all')->status, 200, 'it decides');


# another size of the zone starts afresh

{
    my $conf = slurp($t->path('nginx.conf'));
    $conf =~ s/weir_zone\s+8m/weir_zone 12m/;
    spew($t->path('nginx.conf'), $conf);

    ok($t->reload, 'another zone');
    is(get('/all')->status, 200, 'the policies are in it');
    ok($t->reload, 'and again');
    is(get('/all')->status, 200, 'they stay');
}


done_testing();
