
# A bundle in the store decides in all workers without a reload; what the
# store says wrongly changes nothing, and says why.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Store;

my $t = Weir::Test->new(workers => 3);
my $store = Weir::Store->new($t);
my $trust = $store->key('alice');

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=100ms;
    weir_trust       $trust;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Bundle <\$weir_bundle> always;
        add_header X-Pid    \$pid always;
        add_header X-Rule   \$weir_rule always;
        add_header X-Reason \$weir_reason always;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
        }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END

$t->file('html/one', "one\n");
$t->file('html/two', "two\n");
$t->file('html/all', "all\n");

sub policy {
    my ($rule) = @_;
    return { 'p.policy' => "language 1; policy p;\n"
             . "permit all { who anyone; what * /all; }\n"
             . "permit $rule { who anyone; what * /$rule; }\n" };
}

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }

sub metric {
    return openmetrics(get('/metrics')->body)->value($_[0]);
}

sub refused { return metric(qq(weir_bundle_rejected_total{reason="$_[0]"})) }


# every worker answers to the same: asks until all of them have

sub everywhere {
    my ($path, $status) = @_;

    my (%seen, %wrong);
    my @workers = $t->worker_pids;

    wait_for {
        my $r = get($path);
        my $pid = $r->header('X-Pid');
        $seen{$pid}++;
        $wrong{$pid} = $r->status if $r->status != $status;
        return keys %seen == @workers;
    } 20, 'an answer of each worker';

    return join ' ', map { "$_: $wrong{$_}" } sort keys %wrong;
}


# nothing in the store

$t->run;

is(get('/one')->status, 503, 'without any bundle: 503');
is(get('/one')->header('X-Reason'), 'no-bundle', 'no-bundle');
is(api()->{bundle}{source}, 'none', 'api: none');

wait_for { api()->{keeper} } 5, 'a keeper';
ok(scalar(grep { $_ == api()->{keeper} } $t->worker_pids),
   'the keeper is a worker');
wait_for { api()->{store}{state} eq 'up' } 5, 'contact with the store';
is(api()->{store}{url}, $store->url, 'api: the store');
like(api()->{store}{last_contact}, qr/^\d{4}-.*Z$/, 'api: its last contact');
is(api()->{store}{error}, undef, 'an empty store is no error');
is(metric('weir_store_up'), 1, 'weir_store_up');


# a push

my $start = time;

$store->push_bundle(files => policy('one'), keys => ['alice']);
wait_for { get('/one')->status == 200 } 2.5, 'the first push';
is(everywhere('/one', 200), '', 'all workers permit it');
is(everywhere('/two', 403), '', 'and no more');
is(get('/one')->header('X-Bundle'), '<1>', '$weir_bundle');

my $bundle = api()->{bundle};

is($bundle->{version}, 1, 'api: version');
is($bundle->{source}, 'store', 'api: source');
is($bundle->{trust}, 'keys', 'api: trust');
ok($bundle->{signed}, 'api: signed');
is($bundle->{error}, undef, 'api: no error');
is(metric('weir_bundle_version'), 1, 'weir_bundle_version');

$store->push_bundle(files => policy('two'), keys => ['alice']);
wait_for { get('/two')->status == 200 } 2.5, 'the second push';
is(everywhere('/one', 403), '', 'all workers forgot the first');
is(get('/two')->header('X-Bundle'), '<2>', 'its version');


# the report

wait_for { ($store->report('gw1') || {})->{bundle}{version} == 2 } 5,
    'a report';

my $report = $store->report('gw1');

is($report->{node}, 'gw1', 'report: node');
is($report->{bundle}{hash}, api()->{bundle}{hash}, 'report: hash');
my $room = delete $report->{contract}{room};
cmp_ok($room, '>', 100000, 'report: room for an image');
my ($at) = map { delete $_->{at} } @{ $report->{contract}{locations} };
like($at, qr/nginx\.conf:20$/, 'report: where the policy is named');
is_deeply($report->{contract}, { policies => ['p'], issuers => [],
                                 identity_headers => [],
                                 splits => {}, quotas => [],
                                 objectives => [], locations => [
                                     { policy => 'p', issuers => [] } ] },
          'report: contract');
is($report->{fences}{'bundle/head'}{version}, 2, 'report: fence');
is($report->{store}{state}, 'up', 'report: store');
is_deeply($report->{splits}, {}, 'report: splits');
unlike(slurp($store->path('gateways/gw1.json')), qr/PRIVATE|alice/,
       'report: nothing about keys');


# each refusal: its word, and the policies stay

my $good = slurp($store->path('head.json'));

sub refuses {
    my ($reason, $what, %o) = @_;

    my $before = refused($reason);

    $store->put('head.json', $o{text}) if defined $o{text};
    $o{do}->() if $o{do};

    wait_for { (api()->{bundle}{error} || {})->{reason} } 5, "$what: refusal";

    my $now = api()->{bundle};

    is($now->{error}{reason}, $reason, "$what: $reason");
    is($now->{version}, 2, "$what: the version stays");
    is(get('/two')->status, 200, "$what: the policies stay");
    is(get('/one')->status, 403, "$what: nothing more");
    is(refused($reason), $before + 1, "$what: counted once");

    ok(scalar($t->log_lines(qr/bundle in the store is refused: $reason: /)),
       "$what: logged");

    $store->put('head.json', $good);
    wait_for { !api()->{bundle}{error} } 5, "$what: in order again";
}

my %two = (files => policy('two'), keys => ['alice']);

$store->key('mallory');

refuses('untrusted', 'a key that is not ours',
        text => $store->bundle(%two, keys => ['mallory'], version => 3));
refuses('unsigned', 'without a signature',
        text => $store->bundle(%two, keys => [], version => 3));
refuses('bad-signature', 'a tampered byte', text => do {
            my $text = $store->bundle(%two, version => 3);
            my ($p) = $text =~ /"payload":"([^"]+)"/;
            my $q = $p;
            substr($q, 100, 1) = substr($q, 100, 1) eq 'A' ? 'B' : 'A';
            $text =~ s/\Q$p/$q/;
            $text;
        });
refuses('namespace', 'another namespace',
        text => $store->bundle(%two, version => 3,
                               set => { namespace => 'other' }));
refuses('epoch', 'an epoch that nginx.conf does not know',
        text => $store->bundle(%two, version => 3, epoch => 1));
refuses('expired', 'one that has expired',
        text => $store->bundle(%two, version => 3,
                               expires => '2020-01-01T00:00:00Z'));
refuses('older', 'an older version',
        text => $store->bundle(%two, version => 1));
refuses('older', 'a head that vanished',
        do => sub { unlink $store->path('head.json') });
refuses('version-jump', 'a version too far',
        text => $store->bundle(%two, version => 2 + (1 << 20) + 1));
refuses('version-jump', 'the last version of all',
        text => $store->bundle(%two, version => '18446744073709551615'));
refuses('same-version-differs', 'the same version with another text',
        text => $store->bundle(files => policy('one'), keys => ['alice'],
                               version => 2));
refuses('truncated', 'a segment that is not there',
        text => $store->bundle(keys => ['alice'], version => 3,
                               segments => ['{"p.policy":"x"}']));
refuses('truncated', 'half an envelope', text => substr($good, 0, 200));
refuses('too-large', 'too large an envelope', text => $good . ' ' x 65536);
refuses('policy-error', 'an error in a policy',
        text => $store->bundle(keys => ['alice'], version => 3, files => {
            'p.policy' => "language 1; policy p;\nbogus;\n" }));
refuses('missing-policy', 'without a policy in use',
        text => $store->bundle(keys => ['alice'], version => 3, files => {
            'q.policy' => "language 1; policy q;\n"
                          . "permit x { who anyone; }\n" }));
refuses('unknown-name', 'an issuer that is none',
        text => $store->bundle(keys => ['alice'], version => 3, files => {
            'p.policy' => "language 1; policy p;\n"
                          . "permit x { who issuer nobody; }\n" }));
refuses('bad-signature', 'no envelope at all', text => 'hello');

{
    my $text = 'language 1; policy p;\n'
               . join '', map { "permit r$_ { who anyone; what * /$_/**; }\\n" }
                          1 .. 9000;
    my @parts = ('{"p.policy":"' . $text . '"}');

    $store->put('segments/' . Digest::SHA::sha256_hex($_), $_) for @parts;

    refuses('too-large', 'an image larger than a generation',
            text => $store->bundle(keys => ['alice'], version => 3,
                                   segments => \@parts));
}

{
    my $part = '{"p.policy":"language 1; policy p; '
               . 'permit all { who anyone; }"}';
    my $bad = $part;
    $bad =~ s/anyone/anybod/;

    $store->put('segments/' . Digest::SHA::sha256_hex($part), $bad);

    refuses('bad-signature', 'a tampered segment',
            text => $store->bundle(keys => ['alice'], version => 3,
                                   segments => [$part]));
}


# a byte of a good envelope, anywhere

{
    my $text = $store->bundle(%two, version => 3);
    my %why;

    # its quotes and braces too: what ends a string early, or never

    for my $at ((map { int(length($text) * $_ / 16) } 0 .. 15),
                rindex($text, '"'), length($text) - 1)
    {
        my $bad = $text;
        substr($bad, $at, 1) ^= "\2";

        $store->put('head.json', $bad);

        my $error = wait_for { api()->{bundle}{error} } 5, "byte $at";
        $why{ $error->{reason} }++;

        $store->put('head.json', $good);
        wait_for { !api()->{bundle}{error} } 5, "byte $at restored";
    }

    is(api()->{bundle}{version}, 2,
       'tampered bytes: ' . join ', ', map { "$_ $why{$_}" } sort keys %why);
    is(join(' ', grep { !/^(?:bad-signature|untrusted|namespace|truncated)$/ }
                 sort keys %why), '', 'each is named');
}


# what is no file at all

{
    my $before = metric('weir_store_errors_total{reason="wrong-type"}');

    rename $store->path('head.json'), $store->path('head.old');
    mkdir $store->path('head.json');

    wait_for { api()->{store}{state} eq 'down' } 5, 'a head of another type';
    is(api()->{store}{error}{reason}, 'wrong-type', 'says so');
    ok(metric('weir_store_errors_total{reason="wrong-type"}') > $before,
       'counted');
    is(get('/two')->status, 200, 'the policies stay');

    rmdir $store->path('head.json');
    rename $store->path('head.old'), $store->path('head.json');
    wait_for { api()->{store}{state} eq 'up' } 5, 'in order again';
}


# segments, of which one goes on where the other ended

{
    my @parts = (
        '{"p.policy":"language 1; policy p;\npermit all { who anyone; '
        . 'what * /all"}',
        '{"p.policy":"; }\npermit one { who anyone; what * /one; }\n"}',
    );

    $store->push_bundle(keys => ['alice'], segments => \@parts, version => 3);
    wait_for { get('/one')->status == 200 } 2.5, 'a bundle of segments';
    is(get('/two')->status, 403, 'is whole');
    is(get('/all')->status, 200, 'all of it');

    # a head that is in order, whose segment is not yet

    my $part = '{"p.policy":"language 1; policy p;\npermit two { who anyone; '
               . 'what * /two; }\n"}';
    my $name = 'segments/' . Digest::SHA::sha256_hex($part);

    sub why { return (api()->{bundle}{error} || {})->{reason} || '' }

    $store->put($name, "$part      ");
    $store->put('head.json', $store->bundle(keys => ['alice'], version => 4,
                                            segments => [$part]));
    wait_for { why() eq 'too-large' } 5, 'a segment that is longer';
    unlink $store->path($name);
    wait_for { why() eq 'truncated' } 5, 'one that is not there';
    is(get('/one')->status, 200, 'what was in effect stays');
    $store->put($name, $part);
    wait_for { get('/two')->status == 200 } 5, 'the segment itself';
    is(why(), '', 'no error any more');
}


# activate_at

{
    $store->push_bundle(files => policy('one'), keys => ['alice'],
                        version => 5,
                        activate_at => Weir::Store::time_text(time + 4));

    my $at = time + 2;
    my $early = 0;

    wait_for {
        my $status = get('/one')->status;
        $early++ if $status == 200 && time < $at;
        return $status == 200;
    } 10, 'its time';

    is($early, 0, 'not before activate_at');
}


done_testing();
