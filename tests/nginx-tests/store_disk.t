
# The disk under weir_state is full: what the store brings decides, an alarm
# says that it could not be saved, and it is saved when there is room again.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Store;

plan(skip_all => 'needs root, for a file system of its own') if $> != 0;

my $t = Weir::Test->new(workers => 2);
my $disk = $t->path('disk');

mkdir $disk;

my $mounted = !system("mount -t tmpfs -o size=128k none '$disk' 2>/dev/null");
my $owner = $$;

# the exit code is that of the test, not that of umount

END {
    local $?;
    system("umount -l '$disk' 2>/dev/null") if $mounted && $$ == $owner;
}

if (!$mounted) {
    pass('no file system can be mounted here');
    done_testing();
    exit 0;
}

my $store = Weir::Store->new($t);
my $trust = $store->key('alice');

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_store       @{[ $store->url ]} poll=200ms;
    weir_trust       $trust;
    weir_state       $disk/state;
    weir_thread_pool weir;

    weir_split checkout key=\$arg_u { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END

$t->file("html/v$_", "v$_\n") for 1 .. 3;

sub policy {
    my ($n) = @_;
    return { 'p.policy' => "language 1; policy p;\n"
             . "permit x { who anyone; what * /v$n; }\n" };
}

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }
sub saved { return scalar(my @files = glob "$disk/state/bundles/*.bundle") }

sub decides {
    my ($n, $what) = @_;
    wait_for { get("/v$n")->status == 200 } 5, $what;
    is(api()->{bundle}{version}, $n, $what);
}

sub persist {
    return openmetrics(get('/metrics')->body)->value(
        'weir_store_errors_total{reason="persist"}');
}


$t->run;
my $one = $store->push_bundle(files => policy(1), keys => ['alice']);
decides(1, 'a bundle');
wait_for { saved() == 1 } 5, 'its snapshot';
is(api()->{store}{error}, undef, 'no alarm');
is(persist(), 0, 'nothing failed');

system("dd if=/dev/zero of='$disk/filler' bs=4k 2>/dev/null");

my $two = $store->push_bundle(files => policy(2), keys => ['alice']);
decides(2, 'with a full disk');
wait_for { api()->{store}{error} } 5, 'an alarm';
is(api()->{store}{error}{reason}, 'persist', 'its reason');
like(api()->{store}{error}{message}, qr/No space left/, 'its message');
is(api()->{store}{state}, 'up', 'the store is not to blame');
ok(persist() >= 1, 'counted');
ok(scalar($t->log_lines(qr/\[crit\].*could not be saved in .*full/)),
   'logged');

my @weights = map {
    my $text = $store->push_split('checkout', { green => $_ },
                                  keys => ['alice']);
    wait_for { api()->{splits}{checkout}{rev} == $store->{splits}{checkout} }
        5, 'live weights with a full disk';
    $text;
} 10000, 5000;

# no disk knows what was accepted: the gateway does

sub older {
    my ($what) = @_;

    $store->put('head.json', $one);
    $store->put('live/split/checkout.json', $weights[0]);

    wait_for { api()->{bundle}{error} && api()->{splits}{checkout}{error} } 5,
        "refusals, $what";

    my $now = api();

    is($now->{bundle}{error}{reason}, 'older', "the bundle before, $what");
    is($now->{bundle}{version}, 2, 'is not taken');
    is($now->{splits}{checkout}{error}{reason}, 'older',
       "the weights before, $what");
    is($now->{splits}{checkout}{rev}, 2, 'are not taken');
    is($now->{splits}{checkout}{colours}{green}{weight}, 0.5, 'what holds');

    $store->put('head.json', $two);
    $store->put('live/split/checkout.json', $weights[1]);

    wait_for { !api()->{bundle}{error} && !api()->{splits}{checkout}{error} }
        5, 'in order again';
}

older('with a full disk');

ok($t->reload, 'a reload');
is(api()->{bundle}{version}, 2, 'what was not saved stays');
is(api()->{splits}{checkout}{rev}, 2, 'the weights, too');

older('after the reload');

unlink "$disk/filler";
wait_for { !api()->{store}{error} } 25, 'saved when there is room';

rename $store->dir, $store->dir . '.gone';
$t->stop;
$t->run;
decides(2, 'it was saved');
is(api()->{bundle}{source}, 'snapshot', 'as a snapshot');
is(api()->{splits}{checkout}{rev}, 2, 'and the weights');


done_testing();
