
# docs/failures.md: what can be provoked from outside happens as its tables
# say: at start and reload, for one request, to the gateway.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'everything');
my $text = example_text($t, 'everything');

$t->allow(qr/\[emerg\]/, qr/exited on signal 9/);

$t->run;

my $path = '/t/acme/reports/7';

sub get {
    return http_get($t->port, $path, headers => $e->{bearer}->({}),
                    host_header => 'api.example.com');
}

sub permits {
    my $metrics = http_get($t->port(8081), '/metrics')->body;
    my ($n) = $metrics =~
        /^weir_requests_total\{service="orders",verdict="permit"\} (\d+)$/m;
    return $n;
}

is(get()->status, 200, 'it works');


# at start and reload

my $policy = slurp($t->path('weir/policies/orders.policy'));
my $jwks = slurp($t->path('weir/jwks.json'));

$t->file('weir/policies/orders.policy', $policy . "permit { \n");
ok(!$t->reload, 'an error in a policy: refused');
like($t->error_log, qr/orders\.policy:\d+:\d+: error: /,
     'with file, line and column');
is(get()->status, 200, 'the running policies stay');
$t->file('weir/policies/orders.policy', $policy);

unlink $t->path('weir/jwks.json');
ok(!$t->reload, 'no key set: refused');
is(get()->status, 200, 'the running keys stay');

$t->file('weir/jwks.json', '{"keys":[]}');
ok(!$t->reload, 'no usable key: refused');
$t->file('weir/jwks.json', $jwks);

my ($rc, $out) = $t->test_config($text =~
                     s/weir_policy +orders;/weir_policy nil;/r);

is($rc, 1, 'a policy that does not exist');
like($out, qr/unknown policy "nil".*tested\.conf:\d+/, 'with file and line');

($rc, $out) = $t->test_config($text =~
                  s/weir_zone +128m;/weir_zone 4m limits=2k;/r);

is($rc, 1, 'an area that is too small');
like($out, qr/limits=SIZE/, 'which one');

for my $line ('weir_cors {}') {
    ($rc, $out) = $t->test_config($text =~
                      s/^(?=    weir_zone)/    $line\n/mr);
    is($rc, 1, "$line");
    like($out, qr/comes with a later release of Weir/, 'is not ignored');
}

wait_for { permits() == 3 } 5, 'the count of what was permitted';
my $before = permits();

ok($t->reload, 'a reload');
is(permits(), $before, 'keeps the counters');

$t->conf($text =~ s/weir_zone +128m;/weir_zone 128m policies=40m;/r);
ok($t->reload, 'a reload with another cut');
like($t->error_log, qr/weir zone starts afresh/, 'says so');
is(permits(), 0, 'and starts afresh');

# a whole reading of the file that fails at its end: nothing of it serves

$t->file('weir/policies/orders.policy',
         $policy =~ s/permit (by )?(?=read-reports)/'deny ' . ($1 || '')/ger);
$t->conf($text =~ s/weir_zone +128m;/weir_zone 128m policies=40m;/r
         . "\nno_such_directive;\n");
ok(!$t->reload, 'a reload that fails after the policies were compiled');
is(get()->status, 200, 'nothing of it serves');
$t->file('weir/policies/orders.policy', $policy);
$t->conf($text =~ s/weir_zone +128m;/weir_zone 128m policies=40m;/r);


# for one request

$e->{blue}->stop;
$e->{green}->stop;

my $r = get();

is($r->status, 502, 'the service is down: 502');

$t->wait_access_log(qr/"status":"502"/);

my ($line) = grep { $_->{status} == 502 } map { JSON::PP::decode_json($_) }
             split /\n/, $t->access_log;

is($line->{verdict}, 'permit', 'which Weir had permitted');
isnt($line->{origin}, 'weir', 'and did not answer');

my ($bad) = map { /\} (\d+)$/ } grep { /availability.*bad/ && !/ 0$/ }
            split /\n/, http_get($t->port(8081), '/metrics')->body;

is($bad, 1, 'bad for the objective');


# to the gateway

wait_for { permits() == 2 } 5, 'the count of both';
$before = permits();

my @old = $t->worker_pids;

kill 'KILL', @old;
wait_for {
    my %old = map { $_ => 1 } @old;
    (grep { !$old{$_} } $t->worker_pids) == @old;
} 20, 'new workers';

is(permits(), $before, 'killed workers: the counters are there');
is(get()->status, 502, 'and decisions are made');
wait_for { permits() > $before } 5, 'its count';
is(permits(), $before + 1, 'and counted');


# no policies at all

my $bare = Weir::Test->new;

$bare->http_conf(<<'END');
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { weir_policy orders; return 204; }
        location /x { weir_policy orders; root html; }
    }
END

($rc, $out) = $bare->test_config;

is($rc, 0, 'no bundle');
like($out, qr/\[warn\].*there is no "weir_bundle"/, 'is warned of');

$bare->run;

is(http_get($bare->port, '/x')->status, 503, 'and answered 503');

done_testing();
