
# Pushes, changes of weights, reloads and a killed keeper under load: no request
# fails, and each is decided by one version, the old or the new.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;
use Weir::Store;

my $t = Weir::Test->new(workers => 3, log_level => 'notice');
my $store = Weir::Store->new($t);
my $trust = $store->key('alice');
my $pushes = 10;
my $clients = 3;

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        16m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=200ms;
    weir_trust       $trust;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;

    weir_split checkout key=\$arg_u { green 0%; blue *; }

    access_log off;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Bundle \$weir_bundle always;
        add_header X-Rule   \$weir_rule always;
        add_header X-Colour \$weir_split_checkout always;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
        }
        location = /api { weir_policy off; weir_api; }
    }
}
END

$t->file('html/all', "all\n");
$t->file('html/odd', "odd\n");
$t->file('html/even', "even\n");

my $rules = join '', map { "permit r$_ { who anyone; what * /r$_/**; }\n" }
                     1 .. 2000;

sub push_version {
    my ($n) = @_;

    my $rule = $n % 2 ? 'odd' : 'even';
    my $text = "language 1; policy p;\n"
               . "permit v$n { who anyone; what * /all; }\n"
               . "permit $rule { who anyone; what * /$rule; }\n$rules";

    $store->push_bundle(version => $n, keys => ['alice'], segments => [
        '{"p.policy":' . JSON::PP->new->allow_nonref->encode($text) . '}']);
}


# one client: counts what no version explains

sub client {
    my ($until) = @_;

    my ($n, $last, @bad) = (0, 0);

    while (!-e $until) {
        for my $path ('/all', '/odd', '/even') {
            my $r = eval { http_get($t->port, "$path?u=$n") };
            $n++;

            my $version = $r ? $r->header('X-Bundle') : '';
            my $status = $r ? $r->status : "nothing: $@";
            my $good = $version =~ /^\d+$/ && $version >= 1;

            $good &&= $path eq '/all'
                ? $status == 200 && $r->header('X-Rule') eq "v$version"
                : $path eq ($version % 2 ? '/odd' : '/even')
                ? $status == 200
                : $status == 403;

            # time goes one way

            $good &&= $version >= $last;
            $last = $version if $good;

            push @bad, "$path: $status, version $version after $last"
                if !$good && @bad < 10;
        }
    }

    return join("\n", "requests $n, last $last", @bad) . "\n";
}


push_version(1);
$t->run;
wait_for { http_get($t->port, '/api')->json->{keeper} } 5, 'a keeper';
$t->allow(qr/exited on signal 9/);

my $stop = $t->path('stop');

for my $i (1 .. $clients) {
    $t->spawn(sub { spew($t->path("client.$i"), client($stop)) });
}

sub bundle {
    my $r = eval { http_get($t->port, '/all') };
    return $r ? $r->header('X-Bundle') : 0;
}

sub keeper { return http_get($t->port, '/api')->json->{keeper} }

my ($worst, $whole) = (0, 0);

for my $n (2 .. $pushes + 1) {
    my $start = Time::HiRes::time();
    my $keeper = keeper();
    my $before = Weir::Store::thread_work($keeper);

    push_version($n);

    wait_for { bundle() == $n } 10, "version $n";

    my $took = Time::HiRes::time() - $start;
    $worst = $took if $took > $worst;

    $whole = Weir::Store::thread_work($keeper) - $before;

    $store->push_split('checkout', { green => 1000 * $n % 10000 },
                       keys => ['alice']);
}

# reloads at any moment of a push: the master and the keeper of before meet

my $amid = 0;

# a push, and the keeper that has come so far with it

sub push_part {
    my ($n, $part) = @_;

    # one that has come to stay, after a reload

    my $keeper = wait_for {
        my $pid = keeper();
        return $pid && grep({ $_ == $pid } $t->worker_pids) ? $pid : 0;
    } 10, 'a keeper';

    my $before = Weir::Store::thread_work($keeper);

    push_version($n);
    $amid += Weir::Store::wait_thread_work($keeper, $before + $part * $whole,
                                          sub { bundle() == $n });
    return $keeper;
}

for my $part (0, 0.2, 0.4, 0.6, 0.8, 1) {
    my $n = ++$pushes + 1;

    push_part($n, $part);

    my %old = map { $_ => 1 } $t->worker_pids;

    $t->signal('HUP');

    wait_for { bundle() == $n } 10, "version $n";
    wait_for { !grep { $old{$_} } $t->worker_pids } 10, 'new workers';
}

cmp_ok($amid, '>=', 3, sprintf '%d of 6 were amid %.1f ms of work', $amid,
       $whole);

cmp_ok($worst, '<', 2 * Weir::Net::deadline_factor(),
       sprintf '%d pushes, the slowest took effect in %.2f s', $pushes,
       $worst);

spew($stop, '');

my $sum = 0;

for my $i (1 .. $clients) {
    my $text = wait_for {
        -s $t->path("client.$i") ? slurp($t->path("client.$i")) : 0;
    } 10, "client $i";

    my ($head, $bad) = $text =~ /^(.*)\n(.*)/s;
    my ($n, $last) = $head =~ /requests (\d+), last (\d+)/;

    is($bad, '', "client $i: $n requests, each by one version");
    is($last, $pushes + 1, "client $i: has seen the last one");
    $sum += $n;
}

cmp_ok($sum, '>', 300, "under load: $sum requests");


# and a keeper that is killed while it brings one: only connections of the
# dead worker are lost

{
    kill 'KILL', push_part($pushes + 2, 0.5);

    wait_for { bundle() == $pushes + 2 } 5, 'the version of a killed keeper';

    is(http_get($t->port, '/all')->header('X-Rule'), 'v' . ($pushes + 2),
       'is whole');
}


done_testing();
