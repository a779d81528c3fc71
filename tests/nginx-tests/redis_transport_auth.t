#!/usr/bin/perl

# weirctl's way to Redis: passwords, users with few rights, TLS.

use Weir::Test;
use Weir::Redis;
use Weir::DriveStore;

my $t = Weir::Test->new(assert => 0);

$t->file('pass', "secret word\n", 0600);
$t->file('wrong', "other\n", 0600);
$t->file('empty', "\n", 0600);
$t->file('long', 'x' x 2000, 0600);

# a password

my $r = Weir::Redis->new($t, auth => ['secret word'],
                         args => ['--requirepass', 'secret word']);
my $url = 'redis://127.0.0.1:' . $r->port;

like(Weir::DriveStore->new($t, $url)->first, qr/^unreachable .*NOAUTH/, 'none');
like(Weir::DriveStore->new($t, "$url password_file=@{[ $t->path('wrong') ]}")
     ->first, qr/^unreachable .*WRONGPASS/, 'a wrong one');
like(Weir::DriveStore->new($t, "$url password_file=@{[ $t->path('none') ]}")
     ->first, qr/^unreachable password_file=.*No such file/, 'no file');
like(Weir::DriveStore->new($t, "$url password_file=@{[ $t->path('empty') ]}")
     ->first, qr/^unreachable password_file=.*is empty/, 'an empty file');
like(Weir::DriveStore->new($t, "$url password_file=@{[ $t->path('long') ]}")
     ->first, qr/^unreachable password_file=.*longer/, 'a long one');
like(Weir::DriveStore->new($t, "redis://x:secret\@127.0.0.1:" . $r->port)
     ->first,
     qr/^invalid credentials do not belong/, 'not in the address');

my $s = Weir::DriveStore->new($t, "$url password_file=@{[ $t->path('pass') ]}");
ok($s->opened, 'the right one');
is($s->op('publish', '-', 'A1'), 'ok', 'publishes');

# it is read again when a connection is made

$r->command('CONFIG', 'SET', 'requirepass', 'new word');
$t->file('pass', "new word", 0600);
$r->{auth} = ['new word'];
$r->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
is($s->op('head'), 'ok A1', 'a changed password');

# users

$r->command('ACL', 'SETUSER', 'reader', 'on', '>secret word',
            Weir::Redis->reads('weir:{weir}:*'), '-@all', '+get', '+hget',
            '+hkeys', '+role', '+scan', '+time', '+pttl', '+xrange');
$t->file('pass', 'secret word', 0600);

my $reader = Weir::DriveStore->new($t, "$url user=reader password_file="
                                  . $t->path('pass'));
ok($reader->opened, 'a user') or diag $reader->first;
is($reader->op('head'), 'ok A1', 'may read');
is($reader->op('audit', 0), 'A1 ok 0', 'all of it');
like($reader->op('publish', 'A1', 'A2'), qr/^denied .*NOPERM/,
     'may not publish');
like($reader->op('set', 'split', 'a', '-', 'X'), qr/^denied .*NOPERM/,
     'nor change a split');
like($reader->op('put', 'gw', 'x'), qr/^denied .*NOPERM/, 'nor report');
is($s->op('head'), 'ok A1', 'nothing happened');

my $elsewhere = Weir::DriveStore->new($t, "$url namespace=x user=reader "
                                     . 'password_file=' . $t->path('pass'));
like($elsewhere->op('head'), qr/^unreadable .*NOPERM/,
     'another namespace is closed');

$r->command('ACL', 'SETUSER', 'reader', '-role');
like(Weir::DriveStore->new($t, "$url user=reader password_file="
                          . $t->path('pass'))->first,
     qr/^unreachable .*ROLE: no-permission \(NOPERM/,
     'who may not ask for the role');

# TLS

$t->make_cert('ca', is_ca => 1, cn => 'test ca');
$t->make_cert('other', is_ca => 1, cn => 'other ca');
$t->make_cert('server', ca => 'ca', san => 'DNS:localhost,IP:127.0.0.1');
$t->make_cert('misnamed', ca => 'ca', san => 'DNS:example.com,IP:127.0.0.2');
$t->make_cert('cnonly', ca => 'ca', cn => 'localhost',
              san => 'DNS:example.com');
$t->make_cert('expired', ca => 'ca', days => '00');
my $made = time;
$t->make_cert('client', ca => 'ca', cn => 'weirctl', san => 'DNS:client');
$t->make_cert('foreign', ca => 'other', cn => 'weirctl', san => 'DNS:client');

my $d = $t->dir;

sub opened {
    my ($server, $host, $words) = @_;
    return Weir::DriveStore->new($t, "rediss://$host:" . $server->port
                                . ($words ? " $words" : ''))->first;
}

my $tls = Weir::Redis->new($t, tls => 'server',
                           args => ['--tls-auth-clients', 'no']);

is(opened($tls, '127.0.0.1', "ca=$d/ca.crt"), 'ok open', 'by address');
is(opened($tls, 'localhost', "ca=$d/ca.crt"), 'ok open', 'by name');
like(opened($tls, '127.0.0.1', "ca=$d/other.crt"),
     qr/^unreachable .*certificate: /, 'another CA');
like(opened($tls, '127.0.0.1', ''), qr/^unreachable .*certificate: /,
     'the CAs of the system');
like(opened($tls, '127.0.0.1', "ca=$d/none.crt"), qr/^unreachable ca=/,
     'a CA that is not there');
like(Weir::DriveStore->new($t, 'redis://127.0.0.1:' . $tls->port)->first,
     qr/^unreachable /, 'without TLS');
like(opened($r, '127.0.0.1', "ca=$d/ca.crt"), qr/^unreachable /,
     'TLS to a server without: no way back to plain');

my $store = Weir::DriveStore->new($t, 'rediss://127.0.0.1:' . $tls->port
                                 . " ca=$d/ca.crt");
my $large = 'x' x 40000;
is($store->op('publish', '-', 'A1', $large), 'ok', 'publishes');
is($store->op('publish', 'A1', $large), 'ok', 'also what is large');
is($store->op('head'), "ok $large", 'and reads it');

$tls->crash;
like($store->op('head'), qr/^unreachable /, 'killed');
$tls->start;
like($store->op('head'), qr/^missing /, 'back');
is($store->close, 0, 'ended by itself');

wait_for { time > $made + 1 } 5, 'the end of a certificate';

for my $bad (['misnamed', qr/IP address mismatch/i],
             ['expired', qr/expired/])
{
    my $server = Weir::Redis->new($t, tls => $bad->[0],
                                  args => ['--tls-auth-clients', 'no']);
    like(opened($server, '127.0.0.1', "ca=$d/ca.crt"),
         qr/^unreachable .*certificate: .*$bad->[1]/, $bad->[0]);
    $server->stop;
}

my $cnonly = Weir::Redis->new($t, tls => 'cnonly',
                              args => ['--tls-auth-clients', 'no']);
like(opened($cnonly, 'localhost', "ca=$d/ca.crt"),
     qr/^unreachable .*certificate: .*mismatch/i,
     'a common name is no name where others are given');
$cnonly->stop;

my $mutual = Weir::Redis->new($t, tls => 'server');

is(opened($mutual, '127.0.0.1',
          "ca=$d/ca.crt cert=$d/client.crt key=$d/client.key"), 'ok open',
   'a client certificate');
like(opened($mutual, '127.0.0.1', "ca=$d/ca.crt"), qr/^unreachable /,
     'none');
like(opened($mutual, '127.0.0.1',
            "ca=$d/ca.crt cert=$d/foreign.crt key=$d/foreign.key"),
     qr/^unreachable /, 'of another CA');
like(opened($mutual, '127.0.0.1',
            "ca=$d/ca.crt cert=$d/client.crt key=$d/server.key"),
     qr/^unreachable key=/, 'with the key of another');

is($_->close, 0, 'ended by itself') for $s, $reader, $elsewhere;

done_testing();
