# The zone: what weir_zone accepts, that counts survive reloads, dead workers
# and reloads that failed, and that another size starts afresh.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

sub conf {
    my (%o) = @_;

    my $zone = defined $o{zone} ? $o{zone} : 'weir_zone 4m;';
    my $services = join '', map {
        "location /$_ { weir_service $_; return 204; }\n"
    } @{ $o{services} || ['svc'] };
    my $workers = $o{workers} || 2;
    my $more = $o{more} || '';

    return <<"EOF2";
worker_processes $workers;
events {}
http {
    $zone
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $more
        $services
        location = /api { weir_service api; weir_api; }
    }
}
EOF2
}


# How many requests the services have counted, by their names.

sub counts {
    my $r = http_get($t->port, '/api') or return {};
    my $requests = $r->json->{requests};
    my %n;

    for my $service (keys %$requests) {
        $n{$service} += $_ for values %{ $requests->{$service} };
    }

    return \%n;
}


# A request is counted after its answer: wait for what is expected, then it
# must be just that.

sub counted {
    my ($n, $name, $service) = @_;

    $service ||= 'svc';
    eval { wait_for { (counts()->{$service} || 0) >= $n } 5 };
    is(counts()->{$service}, $n, $name);
}


sub hit {
    my ($n, $service) = @_;
    $service ||= 'svc';
    http_get($t->port, "/$service") for 1 .. $n;
}


# what the directive accepts

my $c = Weir::Test->new->allow(qr/\[emerg\]/);

for my $case (
    ['weir_zone;', qr/invalid number of arguments in "weir_zone"/],
    ['weir_zone 1m;', qr/zone size "1m" is too small, at least 2m are needed/],
    ['weir_zone 0;', qr/zone size "0" is too small/],
    ['weir_zone -5m;', qr/invalid zone size "-5m"/],
    ['weir_zone x;', qr/invalid zone size "x"/],
    ['weir_zone 4m 4m;', qr/invalid parameter "4m"/],
    ['weir_zone 4m policy=1m;', qr/invalid parameter "policy=1m"/],
    ['weir_zone 4m policies=;', qr/invalid parameter "policies="/],
    ['weir_zone 4m policies=0;', qr/invalid parameter "policies=0"/],
    ['weir_zone 4m policies=x;', qr/invalid parameter "policies=x"/],
    ['weir_zone 4m slo=64k slo=64k;', qr/duplicate parameter "slo=64k"/],
    ['weir_zone 4m policies=4m;', qr/take \d+ bytes together, more than 95%/],
    ['weir_zone 4m policies=100m;', qr/take \d+ bytes together/],
    ['weir_zone 4m limits=2600k;', qr/take \d+ bytes together/],
    ['weir_zone 4m; weir_zone 4m;', qr/"weir_zone" directive is duplicate/],
    ['weir_zone 4m slo=64;',
     qr/no room for "service:\w+" in area "slo" .* "weir_zone SIZE slo=/],
) {
    my ($zone, $re) = @$case;
    my ($rc, $out) = $c->test_config(conf(zone => $zone));

    is($rc, 1, "$zone: refused");
    like($out, $re, 'and why');
    like($out, qr/ in \S+tested\.conf:4$/m, 'and where')
        if $out !~ /no room/;
}

for my $zone ('weir_zone 2m;', 'weir_zone 2m policies=500k tokens=200k '
              . 'limits=200k revocations=100k slo=900k;', 'weir_zone 64m;', '')
{
    my ($rc, $out) = $c->test_config(conf(zone => $zone));
    is($rc, 0, "$zone is fine") or diag($out);
}

my ($rc, $out) = $c->test_config("events {}\nhttp { server {\n"
                                 . "weir_zone 4m;\n} }\n");
like($out, qr/"weir_zone" directive is not allowed here in \S+:3$/m,
     'http only');

# counts survive

$t->conf(conf())->run;

hit(5);
counted(5, 'counted');

my $total = 5;

for my $i (1 .. 20) {
    $t->reload(wait_old => 0);
    hit(3);
    $total += 3;
}

counted($total, '20 reloads');
is(scalar($t->log_lines(qr/starts afresh/)), 0, 'the zone is the same');

# the areas as configured

my $zone = http_get($t->port, '/api')->json->{zone};
is($zone->{policies}{size} >> 10, int(4 * 1024 * 0.4), 'share of policies');
is($zone->{slo}{size} >> 10, int(4 * 1024 * 0.1), 'share of slo');
cmp_ok($zone->{slo}{used}, '>', 0, 'slo in use');
cmp_ok($zone->{slo}{used}, '<=', $zone->{slo}{size}, 'and within');

# workers die: more of them than there are slots

$t->allow(qr/exited on signal 9/);

for my $i (1 .. 24) {
    my ($victim) = $t->worker_pids;
    hit(2);
    $total += 2;
    counted($total, "before worker $i dies");
    kill 'KILL', $victim;
    wait_for {
        my @now = $t->worker_pids;
        @now == 2 && !grep { $_ == $victim } @now;
    } 10, 'a new worker';
}

hit(2);
$total += 2;
counted($total, 'the dead ones\' counts stay');
is(scalar($t->log_lines(qr/process slots are taken/)), 0,
   'their slots are adopted');

# a reload that fails: before the zone is looked at, and after

for my $case (
    ['nonsense;', qr/unknown directive "nonsense"/],
    ['listen 192.0.2.1:1;', qr/bind\(\) to 192\.0\.2\.1:1 failed/],
) {
    my ($more, $re) = @$case;

    $t->allow($re, qr/still could not bind/);
    $t->conf(conf(more => $more));

    my $mark = length $t->error_log;
    $t->signal('HUP');
    wait_for { substr($t->error_log, $mark) =~ $re } 10, 'a refusal';

    hit(2);
    $total += 2;
    counted($total, "a reload failed: $more");
}

$t->conf(conf());
ok($t->reload, 'and the next one does not');
hit(2);
$total += 2;
counted($total, 'counts as ever');

# many more workers than the zone has slots

$t->conf(conf(workers => 20));
$t->{expected} = 20;
ok($t->reload, 'twenty workers');
$t->wait_error_log(qr/all 16 process slots are taken by living processes/);

my @c = map { Weir::HTTP->new(port => $t->port) } 1 .. 40;

for (1 .. 5) {
    $_->send("GET /svc HTTP/1.1\r\nHost: a\r\n\r\n") for @c;
    $_->response for @c;
}

$total += 200;
$_->close for @c;
counted($total, 'the slow slot counts as well');

$t->conf(conf());
$t->{expected} = 2;
ok($t->reload, 'two again');
hit(2);
$total += 2;
counted($total, 'nothing is lost');

# another size, another cut

for my $zone ('weir_zone 6m;', 'weir_zone 6m slo=500k;') {
    my $mark = () = $t->log_lines(qr/starts afresh/);

    $t->conf(conf(zone => $zone));
    ok($t->reload, "reload with $zone");

    is(scalar($t->log_lines(qr/weir zone starts afresh: its size or cut/)),
       $mark + 1, 'it says so');

    hit(3);
    counted(3, 'counts begin again');
}

# a location that moves to another service, and services that come and go in
# an area that has no room for all that ever were

$t->conf(conf(zone => 'weir_zone 2m slo=140k;', services => ['svc', 'kept']));
$t->reload;

hit(4, 'kept');
counted(4, 'a service', 'kept');

for my $round (1 .. 8) {
    $t->conf(conf(zone => 'weir_zone 2m slo=140k;',
                  services => ['svc', 'kept',
                               map { "s$round-$_" } 1 .. 7]));
    ok($t->reload, "round $round: seven other services");
    hit(1, "s$round-$_") for 1 .. 7;
    hit(1, 'kept');
    counted(1, 'a new one begins at nothing', "s$round-7");
}

counted(12, 'the one that stayed has all its counts', 'kept');

done_testing();
