#!/usr/bin/perl

# A gateway's password for Redis: read again for each connection; a wrong one
# is one alarm and no storm, and is tried again when its file changes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t, auth => ['first'],
                         args => ['--requirepass', 'first']);

$t->file('pass', "first\n", 0644);

my $words = 'redis://127.0.0.1:' . $r->port . ' password_file='
            . $t->path('pass');
my $g = Weir::RedisGateway->new($t, $words);

$t->run;
$g->wait_up;
like($g->push_rule('one'), qr/^0 /, 'pushed');
is($g->serves('one'), $Weir::RedisGateway::all, 'decides');

sub rotate {
    my ($password) = @_;

    $r->command('CONFIG', 'SET', 'requirepass', $password);
    $r->{auth} = [$password];
    $r->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    $r->reconnect->command('CONFIG', 'RESETSTAT');
}

sub hellos {
    return $r->command('INFO', 'commandstats')
           =~ /cmdstat_hello:calls=(\d+)/ ? $1 : 0;
}

# the file first: the next connection has it

$t->file('pass', "second\n", 0644);
rotate('second');
wait_for { hellos() } 5, 'a new connection';
$g->wait_up;
is(scalar($g->alarms(qr/password/)), 0, 'a password that changed in time');

# the server first: an alarm, and quiet

rotate('third');
$g->wait_down(qr/HELLO: wrong-password/);
is($g->serves('one'), $Weir::RedisGateway::all, 'what is in effect stays');

my $from = Time::HiRes::time();
wait_for { Time::HiRes::time() - $from > 3 } 10, 'some seconds';
is(hellos(), 1, 'it was not tried again');
is(scalar($g->alarms(qr/wrong-password/)), 1, 'one alarm');

$t->file('pass', "fourth\n", 0644);
wait_for { hellos() == 2 } 5, 'another password';
$g->wait_down(qr/wrong-password/);
is(scalar($g->alarms(qr/wrong-password/)), 1, 'still one alarm');

my $begin = Time::HiRes::time();
$t->file('pass', "third\n", 0644);
$g->wait_up(5);
cmp_ok(Time::HiRes::time() - $begin, '<', 5, 'the right one');
is(hellos(), 3, 'three attempts in all');

# a file that is not readable, or empty: what it held is used, said once

$t->file('pass', '', 0644);
$r->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_for { $g->alarms(qr/password file "\S+pass" is empty/) } 5, 'a word';
$g->wait_up;
pass('an empty file changes nothing');

umask 077;
$t->file('pass', "third\n");

SKIP: {
    skip 'workers have the same user', 2 if $> != 0;

    $r->reconnect->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
                           'yes');
    wait_for { () = $r->command('CLIENT', 'LIST') =~ /name=weir /g } 5,
        'a connection';
    $g->wait_up;
    pass('nor does one that workers may not read');
    is(scalar($g->alarms(qr/password file/)), 1, 'one word about the file');
}

# a reload reads it as root

rotate('fifth');
$t->file('pass', "fifth\n");
$g->wait_down(qr/wrong-password/);
ok($t->reload, 'reload');
$g->wait_up;
pass('the master reads what workers may not');

unlike($t->error_log, qr/first|second|third|fourth|fifth/,
       'no password in the log');

done_testing();
