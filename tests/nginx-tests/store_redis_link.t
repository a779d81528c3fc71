#!/usr/bin/perl

# The gateway's link to Redis: TLS that is verified, passwords, Sentinels, a
# cluster, names, and servers that are none.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::FakeRedis;
use Weir::Redis;

my $t = Weir::Test->new(workers => 2);
my $d = $t->dir;

$t->weirctl('keygen', $t->path('rel'));
$t->make_cert('ca', is_ca => 1, cn => 'test ca');
$t->make_cert('other', is_ca => 1, cn => 'other ca');
$t->make_cert('server', ca => 'ca', san => 'DNS:localhost,IP:127.0.0.1');
$t->make_cert('misnamed', ca => 'ca', san => 'DNS:example.com,IP:127.0.0.2');
$t->make_cert('expired', ca => 'ca', days => '00');
my $made = time;
$t->make_cert('client', ca => 'ca', cn => 'weir', san => 'DNS:client');
$t->file('pass', "secret\n");
$t->file('wrong', "other\n");
$t->file('html/one', "one\n");

sub text {
    my ($words) = @_;

    return <<"END";
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       $words poll=100ms timeout=300ms;
    weir_trust       %%TESTDIR%%/rel.pub;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /api { weir_policy off; weir_api; }
        location = /metrics { weir_policy off; weir_metrics; }
    }
}
END
}

sub api { return http_get($t->port, '/api')->json->{store} }

my $n = 0;

# Reloads to a store: up, or what it says of being down.  What was said of the
# store before is not said of this one.

sub store {
    my ($words) = @_;

    $t->conf(text($words));
    $n++ ? $t->reload : $t->run;

    my $api = wait_for {
        my $api = api();
        $api->{url} eq (split ' ', $words)[0]
            && ($api->{state} eq 'up' || said($api)) && $api;
    } 10, "a word about $words";

    return $api->{state} eq 'up' ? 'up' : said($api);
}

sub said {
    my ($api) = @_;
    my $e = $api->{error};
    return ref $e ? ($e->{message} || '') : ($e || '');
}


# TLS

my $tls = Weir::Redis->new($t, tls => 'server');
my $ok = "ca=$d/ca.crt cert=$d/client.crt key=$d/client.key";
my $port = $tls->port;

is(store("rediss://127.0.0.1:$port $ok"), 'up', 'TLS, by address');
is(store("rediss://localhost:$port $ok"), 'up', 'TLS, by name');
like(store("rediss://127.0.0.1:$port ca=$d/other.crt cert=$d/client.crt "
           . "key=$d/client.key"), qr/certificate|TLS/, 'another CA');
isnt(store("rediss://127.0.0.1:$port ca=$d/ca.crt"), 'up',
     'no client certificate');
isnt(store("redis://127.0.0.1:$port"), 'up', 'no TLS');

# another store: nothing of the one before is told of it

is(store("rediss://127.0.0.1:$port $ok"), 'up', 'up');
ok(api()->{last_contact}, 'a contact');
isnt(store('redis://127.0.0.1:' . $t->port('nobody')), 'up', 'another');
is(api()->{last_contact}, undef, 'never heard of it');
like(http_get($t->port, '/metrics')->body, qr/^weir_store_up 0$/m,
     'metrics: down');

wait_for { time > $made + 1 } 5, 'the end of a certificate';

for my $bad (qw(misnamed expired)) {
    my $server = Weir::Redis->new($t, tls => $bad,
                                  args => ['--tls-auth-clients', 'no']);
    like(store('rediss://127.0.0.1:' . $server->port . " ca=$d/ca.crt"),
         qr/certificate/, $bad);
    is($server->command('INFO', 'commandstats') =~ /cmdstat_hello/ ? 1 : 0,
       0, "$bad: nothing was said to it");
    $server->stop;
}

# passwords

my $r = Weir::Redis->new($t, auth => ['secret'],
                         args => ['--requirepass', 'secret']);
$port = $r->port;

is(store("redis://127.0.0.1:$port password_file=$d/pass"), 'up',
   'a password');
like(store("redis://127.0.0.1:$port password_file=$d/wrong"),
     qr/HELLO: wrong-password/, 'a wrong one');
like(store("redis://127.0.0.1:$port"), qr/HELLO: no-auth/, 'none');

$r->command('ACL', 'SETUSER', 'gateway', 'on', '>secret', '-@all', '+role',
            '+getrange', '+hget', '+set',
            Weir::Redis->reads('weir:{weir}:cfg:*'),
            '~weir:{weir}:gw:*');
is(store("redis://127.0.0.1:$port user=gateway password_file=$d/pass"),
   'up', 'a user that may do little');
wait_for { $r->command('EXISTS', 'weir:{weir}:gw:gw1') } 5, 'its report';
pass('and reports');

my ($rc, $out) = $t->test_config(text("redis://127.0.0.1 password_file=$d/x"));
isnt($rc, 0, 'a password file that is not there');
like($out, qr/"\S+\/x" failed/, 'is an error of the configuration');
($rc, $out) = $t->test_config(text('redis://192.0.2.1'));
like($out, qr/another machine: use rediss:/, 'plain to another machine');
($rc, $out) = $t->test_config(text('redis://127.0.0.1 color=1'));
like($out, qr/invalid parameter "color=1"/, 'an unknown word');

my $off = text('redis://127.0.0.1');
$off =~ s/weir_trust \K.*?;/off;/;
($rc, $out) = $t->test_config($off);
like($out, qr/"weir_trust off" is possible with a "file:" store only/,
     'no trust in everything');

$t->allow(qr/tested\.conf/);

# names

like(store('redis://redis.example insecure'), qr/no resolver/,
     'a name without a resolver');

# servers that are none

my %wires = (
    'HTTP' => ["HTTP/1.1 400 Bad Request\r\n\r\n", qr/not the protocol/],
    'an endless array' => ["*2147483647\r\n", qr/too large/],
    'an endless string' => ["\$2147483647\r\n", qr/too large/],
    'a negative length' => ["\$-7\r\n", qr/not the protocol/],
    'an extra reply' => ["\$1\r\nx\r\n+EXTRA\r\n+EXTRA\r\n",
                         qr/./],
    'silence' => [sub { sleep 60; return 0 }, qr/timed out|too long/],
);

for my $name (sort keys %wires) {
    my ($wire, $re) = @{ $wires{$name} };
    my $fake = Weir::FakeRedis->new($t, GETRANGE => $wire);
    like(store('redis://127.0.0.1:' . $fake->port), $re, $name);
    $t->kill_child($fake->pid);
}

my $fake = Weir::FakeRedis->new($t, connect => "+PONG\r\n+EXTRA\r\n");
isnt(store('redis://127.0.0.1:' . $fake->port), 'up',
     'one that speaks first');
$t->kill_child($fake->pid);

$fake = Weir::FakeRedis->new($t,
    ROLE => "*5\r\n\$5\r\nslave\r\n\$1\r\na\r\n:1\r\n\$9\r\nconnected\r\n"
            . ":1\r\n");
like(store('redis://127.0.0.1:' . $fake->port), qr/is a replica/,
     'a replica');
$t->kill_child($fake->pid);

# Sentinels: the switch is followed

my $fleet = Weir::Redis->fleet($t);
my $hosts = join ',', map { '127.0.0.1:' . $_->port }
            @{ $fleet->{sentinels} };

is(store("sentinel://$hosts/main"), 'up', 'by Sentinels');
$fleet->{master}->crash;
wait_for { api()->{state} eq 'down' } 5, 'the master is dead';

my $from = time;
wait_for { api()->{state} eq 'up' } 40, 'the new master';
pass('followed in ' . (time - $from) . ' s');
like(store("sentinel://$hosts/nobody"), qr/knows no master "nobody"/,
     'a master that they do not know');

# a cluster: the node of our slot, by any other

my @nodes = Weir::Redis->cluster($t);
my ($owner, $slot) = Weir::Redis->owner('weir:{weir}:cfg:head', @nodes);
my ($other) = grep { $_->command('ROLE')->[0] eq 'master' && $_ != $owner }
              @nodes;

is(store('redis://127.0.0.1:' . $other->port . ' cluster=on'), 'up',
   'by another node');
wait_for {
    $owner->command('EXISTS', 'weir:{weir}:gw:gw1')
} 5, 'a report on the node of the slot';

wait_for {
    $owner->command('INFO', 'replication') =~ /state=online/
} 20, 'its replica';

$owner->crash;
wait_for { api()->{state} eq 'down' } 5, 'the node is dead';
wait_for { api()->{state} eq 'up' } 30, 'its replica took over';
pass('a failover is followed');

my $log = $t->error_log;
unlike($log, qr/secret/, 'no password in the log');

done_testing();
