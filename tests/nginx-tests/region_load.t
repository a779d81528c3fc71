#!/usr/bin/env perl

# Two regions, each a gateway and a Redis of its own, under load.  "weirctl
# sync --watch" brings what is published at home to the other one.  Then the
# home's store is killed: both regions go on, the other one takes what is
# published there, and the home catches up once its store is back.  No request
# may fail.
#
# scripts/drill region runs this for a minute.

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use Weir::Load;
use Weir::Redis;
use Weir::Test;

my $seconds = $ENV{WEIR_DRILL_SECONDS} || 1;

my $keys = Weir::Test->new(assert => 0);
my $weirctl = ($ENV{WEIR_BUILD} || $keys->top . '/build') . '/weirctl';
$keys->weirctl('keygen', $keys->path('rel'));

my @sign = ('--sign-key', $keys->path('rel.key'));
my @trust = ('--trust', $keys->path('rel.pub'));

my %region = map { $_ => region($_) } qw(home away);
my ($home, $away) = @region{qw(home away)};
my ($version, $weights, $kills) = (0, 0, 0);
my (@news, @back);

push_to($home, 0);
seen($home);

my $watch = $keys->spawn(sub {
    open STDOUT, '>>', $keys->path('sync.out');
    open STDERR, '>&', \*STDOUT;
    exec { $weirctl } 'weirctl', 'sync',
        $home->{store}, $away->{store}, @trust, '--watch', '100ms';
});

seen($away);

$_->{load} = Weir::Load->new($_->{t}, paths => ['/one?n=%d', '/colour?user=%d'],
                             control => '/control', workers => 2)
    for $home, $away;

my $began = time;

do {
    cycle();
} while (time < $began + $seconds);

my $until = time;

for my $r ($home, $away) {
    my @all = $r->{load}->records($began, $until);
    my @failed = grep { $_->{how} ne 'full' || $_->{status} != 200 } @all;

    note(sprintf '%s: %d requests, %d failed', $r->{name}, scalar @all,
         scalar @failed);
    is(scalar @failed, 0, "$r->{name}: no request failed")
        or diag join "\n", map { join ' ', %$_ } @failed[0 .. 4];
    cmp_ok(scalar @all, '>', 20, "$r->{name}: under load");
    $r->{load}->stop;
}

note(sprintf 'store killed: %d; at most %.0f ms from a push at home to the '
     . 'gateway away, %.0f ms from a store that is back to a gateway that '
     . 'has caught up', $kills, 1000 * max(@news), 1000 * max(@back));

kill 'TERM', $watch;
is($keys->reap($watch, 20), 0, 'sync ends in order');

for my $r ($home, $away) {
    my ($rc, $out, $err) = $r->{t}->weirctl('audit', 'verify', '--store',
                                            $r->{store}, @trust);
    is("$rc$err", '0', "$r->{name}: the trail is in order");

    ($rc, $out) = $r->{t}->weirctl('status', '--store', $r->{store});
    is($rc, 0, "$r->{name}: the gateway is current") or diag $out;
}

done_testing();


sub max { return (sort { $b <=> $a } @_)[0] }


sub region {
    my ($name) = @_;

    my $t = Weir::Test->new(workers => 2);
    my $redis = Weir::Redis->new($t);
    my $store = 'redis://127.0.0.1:' . $redis->port . ' namespace=prod';

    $t->file("html/$_", "$_\n") for qw(one colour);
    $t->conf(<<"END");
events {}
http {
    weir_zone  8m;
    weir_node  $name;
    weir_store $store poll=100ms timeout=300ms;
    weir_trust @{[ $keys->path('rel.pub') ]};
    weir_state %%TESTDIR%%/state;
    weir_split checkout key=\$arg_user { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /colour {
            weir_policy off;
            root        %%TESTDIR%%/html;
            add_header  X-Colour \$weir_split_checkout;
        }
        location = /api     { weir_policy off; weir_api; }
        location = /control { weir_policy off; return 200 "\$pid\\n"; }
    }
}
END
    $t->run;

    return { name => $name, t => $t, redis => $redis, store => $store };
}


# A bundle that permits /one, and n rules besides.

sub push_to {
    my ($r, $n, @more) = @_;

    my $text = "language 1;\npolicy p;\n"
               . "permit one { who anyone; what GET /one; }\n"
               . join '', map { "permit more$_ { who anyone; "
                                . "what GET /more/$_; }\n" } 1 .. $n;

    $keys->file('policies/p.policy', $text);

    my ($rc, $out, $err) = $keys->weirctl('push', $keys->path('policies'),
        '--store', $r->{store}, @sign, @more);

    is($rc, 0, "a push to $r->{name}") or diag $err;
    ($version) = $out =~ /^version (\d+)/m;
}


sub split_at {
    my ($r) = @_;

    my ($rc, $out, $err) = $keys->weirctl('split', 'set', 'checkout',
        'green=' . (10 + $version % 80) . '%', '--store', $r->{store},
        @sign);

    is($rc, 0, "a split's weights at $r->{name}") or diag $err;
    ($weights) = $out =~ /version (\d+)/;
}


sub seen {
    my ($r) = @_;

    my $start = time;

    wait_for {
        my $api = http_get($r->{t}->port, '/api')->json;
        ($api->{bundle}{version} || 0) == $version
            && $api->{splits}{checkout}{rev} == $weights
    } 20, "version $version at $r->{name}";

    return time - $start;
}


sub cycle {

    # home publishes, the other region follows

    push_to($home, 1 + $version, '--no-wait');
    push @news, seen($away);
    split_at($home);
    seen($away);

    # home's store dies: what is published now is published elsewhere

    $home->{redis}->crash;
    $kills++;
    wait_for {
        http_get($home->{t}->port, '/api')->json->{store}{state} eq 'down'
    } 20, 'home misses its store';

    push_to($away, 1 + $version);
    split_at($away);
    seen($away);

    my $api = http_get($home->{t}->port, '/api')->json;
    is($api->{bundle}{version}, $version - 1, 'home keeps what it had');

    # it is back, and empty

    $home->{redis}->start;

    my $start = time;
    my ($rc, $out, $err) = $keys->weirctl('sync', $away->{store},
                                          $home->{store}, @trust);
    is($rc, 0, 'sync back') or diag $err;
    like($out, qr/^bundle\/head version $version: copied$/m,
         'home gets what it missed');
    seen($home);
    push @back, time - $start;
}
