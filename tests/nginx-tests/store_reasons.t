
# Every word of the contract's list of refusals, of a bundle and of a split's
# document, at a real gateway: in the log, in metrics, in weir_api, in its
# report and in weirctl status.  What is in effect stays.

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Store;

my $t = Weir::Test->new(workers => 2);
my $store = Weir::Store->new($t);
my @policy = qw(alice bob);
my @split = qw(carol dave);

$store->key('mallory');
my ($alice, $bob, $carol, $dave) = map { $store->key($_) } @policy, @split;

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=100ms;
    weir_trust       $alice $bob may=policy threshold=2;
    weir_trust       $carol $dave may=split threshold=2;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_u { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Colour \$weir_split_checkout always;

        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END

$t->file('html/one', "one\n");
$t->file('html/two', "two\n");

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }

sub metric { return openmetrics(get('/metrics')->body)->value($_[0]) }

sub files {
    my ($rule, $name) = @_;
    $name ||= 'p';
    return { 'p.policy' => "language 1; policy $name;\n"
             . "permit x { who anyone; what * /$rule; }\n" };
}

sub bundle {
    my (%o) = @_;
    return $store->bundle(files => files('two'), keys => \@policy,
                          version => 3, %o);
}

sub weights {
    my (%o) = @_;
    my @keys = @{ delete $o{keys} || \@split };
    my $more = '"weights":' . JSON::PP->new->canonical->encode(
        delete $o{weights} || { green => 10000 });
    return $store->envelope('split', $store->payload('split', 'checkout',
        version => 3, more => $more, %o), @keys);
}

# one byte of the payload is another

sub tampered {
    my ($text) = @_;
    my ($p) = $text =~ /"payload":"([^"]+)"/;
    my $q = $p;
    substr($q, 100, 1) = substr($q, 100, 1) eq 'A' ? 'B' : 'A';
    return $text =~ s/\Q$p/$q/r;
}

sub status {
    my ($rc, $out) = $t->weirctl('status', '--json', '--store', $store->url);
    my ($gw) = @{ JSON::PP::decode_json($out)->{gateways} };
    return ($rc, $gw || {});
}

$t->run;
$store->push_bundle(files => files('one'), keys => \@policy, version => 2);
$store->push_split('checkout', { green => 10000 }, keys => \@split,
                   version => 2);
wait_for { get('/one')->status == 200 } 5, 'a bundle';
wait_for { get('/one?u=1')->header('X-Colour') eq 'green' } 5, 'weights';
wait_for { (status())[0] == 0 } 10, 'weirctl status';

my %ways = (
    bundle => {
        file => 'head.json', good => slurp($store->path('head.json')),
        text => \&bundle, other => \@split, forged => { files => files('two') },
        metric => 'weir_bundle_rejected_total',
        error => sub { api()->{bundle}{error} },
        log => qr/bundle in the store is refused: /,
        report => sub { $_[0]{bundle}{error} }, why => '',
    },
    split => {
        file => 'live/split/checkout.json',
        good => slurp($store->path('live/split/checkout.json')),
        text => \&weights, other => \@policy,
        forged => { weights => { green => 1 } },
        metric => 'weir_store_errors_total',
        error => sub { api()->{splits}{checkout}{error} },
        log => qr/live weights of split "checkout" are refused: /,
        report => sub { $_[0]{splits}{checkout}{error} },
        why => 'split checkout: ',
    },
);

sub refused {
    my ($kind, $reason, $text) = @_;

    my $w = $ways{$kind};
    my $name = qq($w->{metric}\{reason="$reason"});
    my $before = metric($name);
    my ($rc, $gw);

    $store->put($w->{file}, $text);
    wait_for { $w->{error}->() } 5, "$kind: $reason";

    is($w->{error}->()->{reason}, $reason, "$kind: $reason: weir_api");
    is(metric($name), $before + 1, "$kind: $reason: metrics");
    ok(scalar($t->log_lines(qr/\[error\].*$w->{log}$reason: \S/)),
       "$kind: $reason: log");
    is(get('/one?u=1')->status, 200, "$kind: $reason: the policies stay");
    is(get('/one?u=1')->header('X-Colour'), 'green', "$kind: $reason: colour");

    wait_for {
        ($rc, $gw) = status();
        $w->{report}->($gw);
    } 10, "$kind: $reason: report";

    is($w->{report}->($gw)->{reason}, $reason, "$kind: $reason: report");
    is($rc, 1, "$kind: $reason: status says no");
    is($gw->{state}, 'error', "$kind: $reason: its state");
    like($gw->{why}, qr/^$w->{why}$reason: \S/, "$kind: $reason: and why");

    my ($rc2, $out) = $t->weirctl('status', '--store', $store->url);
    like($out, qr/^gw1 +error +2 .*  $w->{why}$reason: \S/m,
         "$kind: $reason: in words");

    $store->put($w->{file}, $w->{good});
    wait_for { !$w->{error}->() } 5, "$kind: $reason: in order again";
    wait_for { (status())[0] == 0 } 10, "$kind: $reason: current again";
}

for my $kind (qw(bundle split)) {
    my $w = $ways{$kind};
    my $text = $w->{text};
    my $own = $kind eq 'bundle' ? \@policy : \@split;

    refused($kind, untrusted => $text->(keys => ['mallory']));
    refused($kind, unsigned => $text->(keys => []));
    refused($kind, role => $text->(keys => $w->{other}));
    refused($kind, threshold => $text->(keys => [$own->[0]]));
    refused($kind, 'bad-signature' => tampered($text->()));
    refused($kind, namespace => $text->(namespace => 'other'));
    refused($kind, epoch => $text->(epoch => 1));
    refused($kind, expired => $text->(expires => '2020-01-01T00:00:00Z'));
    refused($kind, older => $text->(version => 1));
    refused($kind, 'version-jump' => $text->(version => 2 + (1 << 20) + 1));
    refused($kind, 'same-version-differs' =>
            $text->(version => 2, %{ $w->{forged} }));
    refused($kind, truncated => substr $text->(), 0, 200);
    refused($kind, 'too-large' => $text->() . ' ' x 65536);
}

refused('bundle', 'policy-error' => bundle(files => {
    'p.policy' => "language 1; policy p;\nbogus;\n" }));
refused('bundle', 'missing-policy' => bundle(files => files('two', 'q')));
refused('bundle', 'unknown-name' => bundle(files => {
    'p.policy' => "language 1; policy p;\npermit x { who issuer nobody; }\n"
}));
refused('split', 'policy-error' => weights(weights => { green => 10001 }));
refused('split', 'unknown-name' => weights(weights => { red => 1 }));


# a bundle that waits for its time is told, and is no refusal

my $at = Weir::Store::time_text(time + 3600);
$store->put('head.json', bundle(activate_at => $at));

my ($rc, $gw);

wait_for {
    ($rc, $gw) = status();
    ($gw->{store}{waiting} || {})->{version};
} 10, 'a bundle before its time';

is_deeply($gw->{store}{waiting}, { version => 3, activate_at => $at },
          'report: which, and until when');
is($gw->{state}, 'behind', 'its state');
is($gw->{why}, "version 3 waits until $at", 'and why');
is($rc, 1, 'not all are current');
is($gw->{bundle}{error}, undef, 'no error');
is(get('/two')->status, 403, 'it is not in effect');

my $out = ($t->weirctl('status', '--store', $store->url))[1];
like($out, qr/^store \S+, bundle 3 \S+, in effect from \Q$at\E on$/m, 'status');
like($out, qr/^gw1 +behind +2 .* version 3 waits until \Q$at\E$/m,
     'of the gateway');

$out = JSON::PP::decode_json(($t->weirctl('status', '--json', '--store',
                                          $store->url))[1]);
is($out->{head}{activate_at}, $at, '--json');

# one that could not be in effect then is refused now

$store->put('head.json', bundle(activate_at => $at, version => 4, files => {
    'p.policy' => "language 1; policy p;\nbogus;\n" }));
wait_for { api()->{bundle}{error} } 5, 'one with an error in its policies';
is(api()->{bundle}{error}{reason}, 'policy-error', 'is refused at once');
is(api()->{store}{waiting}, undef, 'and waits for nothing');

$store->put('head.json', bundle(activate_at => $at, version => 4,
                                files => files('two', 'q')));
wait_for { (api()->{bundle}{error} || {})->{reason} eq 'missing-policy' } 5,
    'one without a policy in use';

$store->put('head.json', bundle(activate_at => $at, version => 4));
wait_for { (api()->{store}{waiting} || {})->{version} } 5, 'one in order';
is(api()->{bundle}{error}, undef, 'waits, and is no error');
is(get('/two')->status, 403, 'and is not in effect');

$store->put('head.json', bundle(version => 5));
wait_for { get('/two')->status == 200 } 5, 'the next one';
wait_for { (status())[0] == 0 } 10, 'weirctl status';
($rc, $gw) = status();
is($gw->{store}{waiting}, undef, 'nothing waits');

# what else a report has

ok($gw->{uptime_s} > 0, 'report: uptime');
is($gw->{version}, '0.1.0', 'report: version');
cmp_ok($gw->{counters}{requests}{permit}, '>', 10, 'report: counters');
is($gw->{draining}, JSON::PP::false(), 'report: not draining');
is($gw->{in_flight}, 0, 'report: in flight');
like($gw->{bundle}{hash}, qr/^sha256:[0-9a-f]{64}$/, 'report: hash');


done_testing();
