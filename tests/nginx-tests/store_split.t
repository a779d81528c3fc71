
# Live weights: a signed document moves the traffic in all workers without a
# reload, outlives reload and restart, and nothing else does.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Store;

my $t = Weir::Test->new(workers => 2);
my $store = Weir::Store->new($t);
my $trust = $store->key('alice') . ' may=policy,split';
my $bob = $store->key('bob') . ' may=policy';

sub configure {
    my ($colours, $more) = @_;

    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=200ms;
    weir_trust       $trust;
    weir_trust       $bob;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    $more

    weir_split checkout key=\$arg_u {
        $colours
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            weir_policy off;
            add_header X-Colour \$weir_split_checkout always;
            root %%TESTDIR%%/html;
        }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END
}

$t->file('html/index.html', "ok\n");
mkdir $t->path('html');

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }
sub split_now { return api()->{splits}{checkout} }

sub weight {
    return openmetrics(get('/metrics')->body)->value(
        qq(weir_split_weight_ratio{colour="$_[0]",split="checkout"}));
}

sub greens {
    my $n = 0;
    $n += get("/?u=user$_")->header('X-Colour') eq 'green' for 1 .. 60;
    return $n;
}

sub push_split { return $store->push_split('checkout', @_) }


configure("green 0%;\n blue *;", '');
$t->run;

is(greens(), 0, 'the weights of nginx.conf');
is(split_now()->{source}, 'config', 'api: config');
is(split_now()->{rev}, 0, 'api: rev');

push_split({ green => 10000 }, keys => ['alice']);
wait_for { split_now()->{source} eq 'store' } 2.5, 'live weights';
is(greens(), 60, 'all traffic moved');
is(split_now()->{rev}, 1, 'api: rev');
is(split_now()->{colours}{green}{weight}, 1, 'api: weight');
cmp_ok(weight('green'), '==', 1, 'weir_split_weight_ratio');
cmp_ok(weight('blue'), '==', 0, 'of the rest, too');

push_split({ green => 5000 }, keys => ['alice']);
wait_for { split_now()->{rev} == 2 } 2.5, 'other weights';

my $half = greens();

ok($half > 10 && $half < 50, "about half: $half of 60");

wait_for { (($store->report('gw1') || {})->{splits}{checkout} || {})->{rev}
           == 2 } 5, 'the report';
is_deeply($store->report('gw1')->{contract}{splits},
          { checkout => ['green', 'blue'] }, 'report: contract');
is($store->report('gw1')->{fences}{'split/checkout'}{version}, 2,
   'report: fence');


# what is refused

my $good = slurp($store->path('live/split/checkout.json'));

sub refuses {
    my ($reason, $what, $do) = @_;

    my $name = qq(weir_store_errors_total{reason="$reason"});
    my $before = openmetrics(get('/metrics')->body)->value($name);

    $do->();

    wait_for { (split_now()->{error} || {})->{reason} } 5, $what;

    is(split_now()->{error}{reason}, $reason, "$what: $reason");
    is(split_now()->{rev}, 2, "$what: what was in effect stays");
    is(openmetrics(get('/metrics')->body)->value($name), $before + 1,
       "$what: counted once");
    ok(scalar($t->log_lines(qr/split "checkout" are refused: $reason: /)),
       "$what: logged");

    $store->put('live/split/checkout.json', $good);
    wait_for { !split_now()->{error} } 5, "$what: in order again";
}

refuses('unknown-name', 'a colour that nginx.conf does not have', sub {
    push_split({ green => 100, red => 100 }, keys => ['alice'], version => 3);
});
refuses('role', 'a key that may not', sub {
    push_split({ green => 0 }, keys => ['bob'], version => 3);
});
refuses('unsigned', 'nobody signed it', sub {
    push_split({ green => 0 }, version => 3);
});
refuses('older', 'an older one', sub {
    push_split({ green => 10000 }, keys => ['alice'], version => 1);
});
refuses('older', 'one that vanished', sub {
    unlink $store->path('live/split/checkout.json');
});
refuses('namespace', 'that of another split', sub {
    $store->put('live/split/checkout.json', $store->envelope('split',
        $store->payload('split', 'other', version => 3,
                        more => '"weights":{"green":0}'), 'alice'));
});
refuses('namespace', 'a bundle in its place', sub {
    $store->put('live/split/checkout.json',
                $store->bundle(files => { 'p.policy' => 'x' },
                               keys => ['alice'], version => 3));
});
refuses('policy-error', 'more than everything', sub {
    push_split({ green => 10001 }, keys => ['alice'], version => 3);
});


# it outlives a reload, a lost keeper, and a restart without the store

ok($t->reload, 'a reload');
is(split_now()->{rev}, 2, 'it stays');
is(greens(), $half, 'with the same users');

rename $store->dir, $store->dir . '.gone';
ok($t->reload, 'a reload without the store');
is(split_now()->{rev}, 2, 'it stays');

$t->stop;
$t->run;
is(split_now()->{source}, 'store', 'after a restart without the store');
is(split_now()->{rev}, 2, 'its version');
is(greens(), $half, 'its weights');

{
    my $file = $t->path('state/live/split/checkout.json');
    my $text = slurp($file);
    my $bad = $text;

    substr($bad, 150, 1) ^= "\2";
    $t->stop;
    spew($file, $bad);
    $t->run;
    is(split_now()->{source}, 'config', 'saved weights that were tampered');
    ok(scalar($t->log_lines(qr/saved live weights of split "checkout" are re/)),
       'are named');
    spew($file, $text);
    ok($t->reload, 'in order again');
    is(split_now()->{rev}, 2, 'they are in effect');
}

rename $store->dir . '.gone', $store->dir;
wait_for { api()->{store}{state} eq 'up' } 5, 'the store';


# other colours: the document does not fit any more, nginx.conf's hold

configure("red 0%;\n blue *;", '');
ok($t->reload, 'a reload with other colours');
is(split_now()->{source}, 'config', 'nginx.conf decides');
is(split_now()->{error}{reason}, 'unknown-name', 'and it is told');
configure("green 0%;\n blue *;", '');
ok($t->reload, 'and back');
is(split_now()->{rev}, 2, 'it fits again');


# a tombstone

push_split(undef, keys => ['alice'], version => 3);
wait_for { split_now()->{source} eq 'config' } 2.5, 'a tombstone';
is(greens(), 0, 'the weights of nginx.conf again');
ok($t->reload, 'a reload');
is(greens(), 0, 'they stay');
$store->put('live/split/checkout.json', $good);
wait_for { (split_now()->{error} || {})->{reason} } 5, 'what was before it';
is(split_now()->{error}{reason}, 'older', 'is older');
is(greens(), 0, 'no weights of the dead');

push_split({ green => 10000 }, keys => ['alice'], version => 4);
wait_for { split_now()->{rev} == 4 } 2.5, 'new weights after it';
is(greens(), 60, 'are in effect');


# a key that is withdrawn takes its documents along

$trust = $store->key('carol') . ' may=split';
configure("green 0%;\n blue *;", '');
ok($t->reload, 'a reload with another key');
is(split_now()->{source}, 'config', 'what the old one signed is gone');
is(greens(), 0, 'in all workers');
push_split({ green => 10000 }, keys => ['carol'], version => 5);
wait_for { split_now()->{rev} == 5 } 2.5, 'what the new one signs';


# the head names the least version, for gateways that know none

$store->push_bundle(keys => ['bob'], live_min => { 'split/checkout' => 7 },
    files => { 'p.policy' => "language 1; policy p;\n"
                             . "permit x { who anyone; }\n" });
wait_for { (split_now()->{error} || {})->{reason} } 5, 'a head with live_min';
is(split_now()->{error}{reason}, 'older', 'what is below it is older');
push_split({ green => 0 }, keys => ['carol'], version => 7);
wait_for { split_now()->{rev} == 7 } 2.5, 'what is not is taken';

$t->stop;
Weir::Store::run('rm', '-r', $t->path('state'));
push_split({ green => 10000 }, keys => ['carol'], version => 6);
$t->run;
is(split_now()->{source}, 'config', 'a fresh gateway takes nothing older');
is(split_now()->{error}{reason}, 'older', 'and says so');


done_testing();
