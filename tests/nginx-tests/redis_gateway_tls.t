#!/usr/bin/perl

# A gateway's TLS to Redis: verified, each refusal is one line that an
# operator sees, and nothing is ever said in plain text instead.

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $d = $t->dir;
my $all = $Weir::RedisGateway::all;

$t->make_cert('ca', is_ca => 1, cn => 'test ca');
$t->make_cert('other', is_ca => 1, cn => 'other ca');
$t->make_cert('server', ca => 'ca', san => 'DNS:localhost,IP:127.0.0.1');
$t->make_cert('address', ca => 'ca', san => 'DNS:localhost,IP:127.0.0.2');
$t->make_cert('name', ca => 'ca', san => 'DNS:example.com,IP:127.0.0.1');
$t->make_cert('expired', ca => 'ca', days => '00');
my $made = time;
$t->make_cert('client', ca => 'ca', cn => 'weir', san => 'DNS:client');
$t->make_cert('stranger', ca => 'other', cn => 'weir', san => 'DNS:client');

my $r = Weir::Redis->new($t, tls => 'server');
my $client = "cert=$d/client.crt key=$d/client.key";
my $good = 'rediss://127.0.0.1:' . $r->port . " ca=$d/ca.crt $client";
my $g = Weir::RedisGateway->new($t, $good);

$t->run;
$g->wait_up;
like($g->push_rule('one'), qr/^0 /, 'pushed');
is($g->serves('one'), $all, 'decides');

wait_for { time > $made + 1 } 5, 'the end of a certificate';

# what is wrong => the server's certificate, the words, what is said

my $unknown = qr{certificate:[ ](?:unable[ ]to[ ]get[ ]local[ ]issuer
                                |self-signed[ ]certificate[ ]in)}x;

my @bad = (
    ['an expired certificate', 'expired', '127.0.0.1', "ca=$d/ca.crt $client",
     qr/certificate: certificate has expired/],
    ['another address', 'address', '127.0.0.1', "ca=$d/ca.crt $client",
     qr/certificate: IP address mismatch/],
    ['another name', 'name', 'localhost', "ca=$d/ca.crt $client",
     qr/certificate: [Hh]ostname mismatch/],
    ['an unknown CA', 'server', '127.0.0.1', "ca=$d/other.crt $client",
     $unknown],
    ['the CAs of the system', 'server', '127.0.0.1', $client,
     $unknown],
    ['no client certificate', 'server', '127.0.0.1', "ca=$d/ca.crt",
     qr/certificate required/],
    ['a client certificate of another CA', 'server', '127.0.0.1',
     "ca=$d/ca.crt cert=$d/stranger.crt key=$d/stranger.key",
     qr/unknown ca/],
);

for my $bad (@bad) {
    my ($what, $cert, $host, $more, $re) = @$bad;

    # a server with its own certificate; what it hears is counted there

    my $server = Weir::Redis->new($t, tls => $cert);

    $g->words("rediss://$host:" . $server->port . " $more");

    my $log = length $t->error_log;

    ok($t->reload, "$what: reload");
    $g->wait_down($re);
    is($g->serves('one'), $all, "$what: what is in effect stays");

    # some attempts later it was said once, and with no other words

    my $its = $server->port;
    my $mark = qr/weir: redis \S+:$its: /;

    wait_for {
        my @n = substr($t->error_log, $log) =~ /$mark/g;
        @n >= 4
    } 20, 'attempts';

    my @seen = grep { /\[(?:warn|error|crit|alert|emerg)\]/ && /:$its\b/ }
               split /\n/, substr $t->error_log, $log;

    is(scalar(@seen), 1, "$what: one line") or diag(join "\n", @seen);
    like($seen[0], qr/\[error\].*does not answer: unreachable: .*$re/,
         "$what: that says so");
    is($server->command('INFO', 'commandstats') =~ /cmdstat_hello/ ? 1 : 0,
       0, "$what: nothing was said to it");
    $server->stop;
}

# a server that does not speak TLS: what it gets is TLS, each time

my $first = $t->path('first');
my $port = $t->port('plain');
my $plain = $t->spawn(sub {
    my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
                                  LocalPort => $port, ReuseAddr => 1)
        or die "port $port: $!";
    my $got = '';

    while (my $c = $l->accept) {
        sysread($c, my $bytes, 1);
        $got .= sprintf '%02x ', ord $bytes;
        spew($first, $got);
        syswrite($c, "-ERR unknown command\r\n");
        close $c;
    }
});

$g->words("rediss://127.0.0.1:$port ca=$d/ca.crt");
ok($t->reload, 'to one without TLS');
$g->wait_down(qr/TLS handshake failed: .*wrong version number/);
wait_for { length slurp($first) >= 3 * 5 } 20, 'attempts';
like(slurp($first), qr/^(?:16 )+$/, 'it never gets plain text');
$t->kill_child($plain);

# and back: recovers by itself where the certificate was renewed

$g->words('rediss://localhost:' . $r->port . " ca=$d/ca.crt $client");
ok($t->reload, 'the right one, by name');
$g->wait_up;
like($g->push_rule('two'), qr/^0 /, 'pushed');
is($g->serves('two'), $all, 'decides');

$r->crash;
$g->wait_down;
$r->{tls} = 'expired';
$r->start;
$g->wait_down(qr/certificate has expired/);
$r->crash;
$r->{tls} = 'server';
$r->start;
$g->wait_up;
pass('a renewed certificate');

done_testing();
