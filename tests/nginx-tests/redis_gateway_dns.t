#!/usr/bin/perl

# A gateway that knows its Redis by name: nginx's resolver asks a DNS server;
# the name moves to another address, the DNS server goes away and comes back.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::DNS;
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;

my $t = Weir::Test->new(workers => 2);
my $all = $Weir::RedisGateway::all;

# two servers behind one name: the same port of two addresses

my $one = Weir::Redis->new($t);
my $port = $one->port;

my $dns = Weir::DNS->new($t, 'redis.example' => ['127.0.0.1']);
my $words = "redis://redis.example:$port insecure";

my $g = Weir::RedisGateway->new($t, undef,
    more => 'resolver 127.0.0.1:' . $dns->port . ' ipv6=off; '
            . 'resolver_timeout 2s;');

$g->words($words);
$t->run;
$g->wait_up;
like(join(' ', $dns->queries), qr/redis\.example/, 'the name was asked for');

my $store = "redis://127.0.0.1:$port";
like($g->push_rule('one', words => $store), qr/^0 /, 'pushed');
is($g->serves('one'), $all, 'decides');

# a connection that stands asks for no name

my $asked = $dns->queries;
my $end = time + 2;
wait_for { time > $end } 10, 'two seconds';
is(scalar($dns->queries), $asked, 'no query for each poll');

# the name moves

my $envelope = $one->command('GET', 'weir:{weir}:cfg:head');

my $second = Weir::Redis->new($t, address => '127.0.0.2', port => $port);
$second->command('SET', 'weir:{weir}:cfg:head', $envelope);
$dns->names('redis.example' => ['127.0.0.2']);

sub client {
    my ($redis) = @_;
    return eval { $redis->reconnect->command('CLIENT', 'LIST') =~ /name=weir /
                  ? 1 : 0 };
}

is(client($one), 1, 'it stays where it is connected');
$one->crash;
wait_for { client($second) } 10, 'the new address';
$g->wait_up;
is($g->serves('one'), $all, 'decides');
like($g->push_rule('two', words => "redis://127.0.0.2:$port"), qr/^0 /,
     'pushed there');
is($g->serves('two'), $all, 'decides by it');

# DNS is gone: the connection that stands does not mind

$dns->stop;
like($g->push_rule('three', words => "redis://127.0.0.2:$port"), qr/^0 /,
     'pushed without DNS');
is($g->serves('three'), $all, 'decides by it');

# nor do decisions when that goes as well

$second->crash;
$g->wait_down(qr/redis\.example:$port: /);
my $log = length $t->error_log;
wait_for {
    substr($t->error_log, $log) =~ /redis\.example:\d+: could not be resolved/
} 20, 'a name that is not resolved';
is($g->serves('three'), $all, 'what is in effect stays');
$second->start;
is($g->state, 'down', 'nobody knows where it is');

# workers that start now, too

ok($t->reload, 'a reload without DNS');
is($g->serves('three'), $all, 'decides');
is($t->stop, 0, 'quit without DNS');
$t->run;
is($g->serves('three'), $all, 'a start without DNS');
$g->wait_down(qr/could not be resolved|not resolved in time/, 20);
is(scalar($g->alarms(qr/could not be resolved .*timed out/)) <= 3, 1,
   'not said each time');

my $begin = time;
$dns->start;
$g->wait_up(10);
note(sprintf 'DNS is back: up after %.1f s', time - $begin);
cmp_ok(time - $begin, '<', 10 * Weir::Net::deadline_factor(),
       'back within 10 s');

# a name that does not exist any more

$second->crash;
$dns->names();
$g->wait_down(qr/could not be resolved \(\d+: Host not found\)|refused/);
wait_for { $g->said =~ /Host not found/ } 10, 'no such name';
$dns->names('redis.example' => ['127.0.0.2']);
$second->start;
$g->wait_up(10);
pass('and is there again');

# several addresses, of which one is dead

$dns->names('redis.example' => ['127.0.0.3', '127.0.0.2']);
$second->crash;
$second->start;
$g->wait_up(10);
pass('one of two addresses');

done_testing();
