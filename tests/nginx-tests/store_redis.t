#!/usr/bin/perl

# A gateway on a store in Redis: a push and a split's change reach all workers
# without a reload; whatever happens to Redis, what is in effect stays, and
# the gateway comes back to it by itself.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Redis;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $url = 'redis://127.0.0.1:' . $r->port;
my @store = ('--store', "$url namespace=prod");
my @key = ('--sign-key', $t->path('rel.key'));
my $head = 'weir:{prod}:cfg:head';

$t->weirctl('keygen', $t->path('rel'));

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        16m;
    weir_node        gw1;
    weir_store       $url namespace=prod poll=100ms timeout=300ms;
    weir_trust       %%TESTDIR%%/rel.pub;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_user { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
        }
        location = /colour {
            weir_policy off;
            root        %%TESTDIR%%/html;
            add_header  X-Colour \$weir_split_checkout;
        }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END

$t->file("html/$_", "$_\n") for qw(one two three colour);

sub policy {
    my ($rule, $more) = @_;
    my $text = "language 1;\npolicy p;\n"
               . "permit $rule { who anyone; what GET /$rule; }\n";
    $text .= "permit more$_ { who anyone; what GET /more/$_/"
             . ('x' x 60) . "; }\n" for 1 .. ($more || 0);
    $t->file("policies-$rule/p.policy", $text);
    return $t->path("policies-$rule");
}

sub push_rule {
    my ($rule, $more) = @_;
    my ($rc, $out, $err) = $t->weirctl('push', policy($rule, $more), @store,
                                       @key);
    return "$rc $out$err";
}

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }
sub up  { return api()->{store}{state} }

sub serves {
    my ($rule, $other) = @_;
    wait_for { get("/$rule")->status == 200 } 5, "/$rule";
    return join ' ', map { get("/$rule")->status } 1 .. 20;
}

my $all = join ' ', (200) x 20;

$t->run;

is(get('/one')->status, 503, 'nothing yet');
wait_for { up() eq 'up' } 5, 'contact';
is(api()->{store}{url}, $url, 'api: the store');
is(api()->{store}{error}, undef, 'no error');

wait_for { $r->command('EXISTS', 'weir:{prod}:gw:gw1') } 5, 'a report';
pass('the gateway reports');

like(push_rule('one'), qr/^0 .*version 1/s, 'pushed');
is(serves('one'), $all, 'decides in all workers');
is(get('/two')->status, 403, 'and no more');

# a bundle with segments

like(push_rule('two', 2000), qr/^0 .*version 2/s, 'a large one');
is(serves('two'), $all, 'decides');
is(get('/one')->status, 403, 'in place of the former');
ok(scalar(@{ $r->command('KEYS', 'weir:{prod}:cfg:seg:*') }) > 0,
   'it had segments');

my ($rc, $status) = $t->weirctl('status', @store);
is($rc, 0, 'status: current') or diag $status;

# a split

sub green {
    return grep { get("/colour?user=$_")->header('X-Colour') eq 'green' }
           1 .. 100;
}

is(scalar(green()), 0, 'blue');
($rc, my $out, my $err) = $t->weirctl('split', 'set', 'checkout',
                                      'green=100%', @store, @key);
is($rc, 0, 'green, please') or diag "$out$err";
wait_for { green() == 100 } 5, 'green';
pass('all green');

# one connection for the gateway, of its keeper

is(scalar(() = $r->command('CLIENT', 'LIST') =~ /name=weir /g), 1,
   'one connection');

# killed, and back

$r->crash;
wait_for { up() eq 'down' } 5, 'it is noticed';
is(serves('two'), $all, 'what is in effect stays');
like(api()->{store}{error}{message} || api()->{store}{error},
     qr/./, 'and says why');
$r->start;
wait_for { up() eq 'up' } 10, 'it is back';
is(serves('two'), $all, 'an empty store takes nothing away');

like(push_rule('three'), qr/^0 .*version 3/s,
     'the next push knows the fence by the reports');
is(serves('three'), $all, 'and decides');

# stopped

$r->pause;
wait_for { up() eq 'down' } 5, 'stopped';
is(serves('three'), $all, 'decides');
$r->resume;
wait_for { up() eq 'up' } 10, 'goes on';

# wrong types and garbage in its keys

my $envelope = $r->command('GET', $head);
$r->command('DEL', $head);
$r->command('LPUSH', $head, 'x');
wait_for { api()->{store}{error} } 5, 'a head of another type';
is(serves('three'), $all, 'decides');
$r->command('DEL', $head);
$r->command('SETRANGE', $head, 1 << 20, 'x');
wait_for { api()->{bundle}{error} } 5, 'a head that is too large';
is(api()->{bundle}{error}{reason}, 'too-large', 'refused as such');
is(serves('three'), $all, 'decides');
is(up(), 'up', 'the store is there');
$r->command('SET', $head, $envelope);
wait_for { !api()->{bundle}{error} } 5, 'the head is itself again';

# no permission any more, and then again

$r->command('CONFIG', 'SET', 'requirepass', 'secret');
$r->{auth} = ['secret'];
$r->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_for { up() eq 'down' } 5, 'a password that we have not';
is(serves('three'), $all, 'decides');
$r->reconnect->command('CONFIG', 'SET', 'requirepass', '');
delete $r->{auth};

# reload: the link of the old keeper goes, and no worker stays for it

ok($t->reload, 'reload');
wait_for { up() eq 'up' } 10, 'the new keeper is connected';
is(serves('three'), $all, 'decides');
wait_for {
    (() = $r->reconnect->command('CLIENT', 'LIST') =~ /name=weir /g) == 1;
} 5, 'one connection again';
pass('one connection after a reload');

# reload and stop while Redis does not answer at all

$r->pause;
wait_for { up() eq 'down' } 5, 'stopped once more';
ok($t->reload, 'reload without a store');
is(serves('three'), $all, 'decides');
$r->resume;
wait_for { up() eq 'up' } 10, 'connected';

# start without Redis: the snapshot serves

$t->stop;
$r->crash;
$t->run;
is(serves('three'), $all, 'a start without the store');
wait_for { up() eq 'down' } 5, 'which is down';
$r->start;
wait_for { up() eq 'up' } 10, 'until it is there';

done_testing();
