# Reloads open nothing: while policies change, fail, and workers die, a denied
# request never reaches the upstream, and what both the old and the new
# configuration permit always does.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::WebSocket;
use Weir::Gate;

my $t = Weir::Test->new(workers => 2);
my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    return { websocket => scalar $_[0]->header('Upgrade') ? 1 : 0 };
});

my %allow = (a => 'permit a { who anyone; what * /a/**; }',
             b => 'permit b { who anyone; what * /b/**; }',
             both => 'permit a { who anyone; what * /a/**; } '
                     . 'permit b { who anyone; what * /b/**; }',
             none => '');

sub policy {
    my ($which) = @_;

    $t->file('policies/p.policy', <<"EOF2");
language 1;
policy p;
permit always { who anyone; what * /always/**; }
permit alice  { who subject alice issuer corp; what * /alice/**; }
deny never    { what * /never/**; }
permit all-never { who anyone; what * /never/**; }
$allow{$which}
EOF2
}

my $issuer = issuer($t);

sub conf {
    my (%o) = @_;

    my $zone = $o{zone} || 'weir_zone 8m;';
    my $auth = $o{auth} || 'weir_auth corp optional;';
    my $more = $o{more} || '';

    $t->http_conf(<<"EOF2");
$zone
weir_bundle  %%TESTDIR%%/policies;
$issuer

server {
    listen  127.0.0.1:%%PORT_0%% backlog=1024;
    $auth
    weir_policy  p;
    $more

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
        proxy_http_version  1.1;
        proxy_set_header  Upgrade     \$http_upgrade;
        proxy_set_header  Connection  \$http_connection;
    }
}
EOF2
}

policy('a');
conf();
$t->run;

sub status {
    my ($path, %o) = @_;
    my $r = http_get($t->port, $path, %o);
    return $r ? $r->status : 'closed';
}

is(join(' ', map { status($_) } qw(/a/x /b/x /always/x /never/x)),
   '200 401 200 403', 'at first');

# each reload is the end of what was permitted

my $round = 0;

for my $which (qw(b a both none a)) {
    policy($which);
    ok($t->reload, 'reload: ' . ++$round);

    my %is = (a => '200 401', b => '401 200', both => '200 200',
              none => '401 401');
    is(join(' ', map { status($_) } qw(/a/x /b/x)), $is{$which},
       "now $which");
}

# under load: a child asks all the time, on fresh and on kept connections

sub hammer {
    my ($name, $code) = @_;

    my $stop = $t->path("stop-$name");
    my $result = $t->path("result-$name");

    my $pid = $t->spawn(sub {
        my ($n, @bad) = (0);
        my $c;

        until (-e $stop) {
            $n++;
            my $kept = $n % 2;
            undef $c if !$kept || !$c || $c->{eof};
            $c ||= Weir::HTTP->new(port => $t->port);

            my ($path, $expected) = $code->($n);
            my $r = $c->request('GET', $path);

            # a kept connection may be closed under a request: once again

            if (!$r) {
                $c = Weir::HTTP->new(port => $t->port);
                $r = $c->request('GET', $path);
            }

            my $status = $r ? $r->status : 'closed';
            push @bad, "$path: $status" if $status !~ $expected;
        }

        spew($result, join "\n", $n, @bad);
    });

    return sub {
        spew($stop, '');
        $t->reap($pid, 20);
        my ($n, @bad) = split /\n/, slurp($result);
        cmp_ok($n, '>', 20, "$name: $n requests");
        is(join("\n", @bad[0 .. ($#bad > 5 ? 5 : $#bad)]), '', $name);
    };
}

$t->allow(qr/exited on signal 9/, qr/\[emerg\]/, qr/still could not bind/);
$up->clear;

my @ends = (
    hammer('denied', sub { ($_[0] % 3 ? '/never/x' : '/nowhere/x',
                            qr/^40[13]$/) }),
    hammer('permitted', sub { ('/always/x', qr/^200$/) }),
    hammer('ambiguous', sub { ('/always/%2e%2e/never', qr/^400$/) }),
);

for my $i (1 .. 12) {
    policy((qw(a b both none))[$i % 4]);

    if ($i % 4 == 1) {
        conf(zone => $i % 8 == 1 ? 'weir_zone 9m;' : 'weir_zone 8m;');
    } elsif ($i % 4 == 2) {
        conf(auth => 'weir_auth corp;', more => 'location /always/ { '
             . 'weir_auth off; proxy_pass http://127.0.0.1:%%PORT_up%%; }');
    } elsif ($i % 4 == 3) {
        conf(more => 'listen 192.0.2.1:1;');
    } else {
        conf();
    }

    if ($i % 6 == 5) {
        spew($t->path('policies/p.policy'), "language 1;\npolicy p; oops");
    }

    $t->reload(wait_old => 0);
}

$_->() for @ends;

is(join(' ', grep { !m{^/always/x$} } map { $_->target } $up->requests), '',
   'nothing denied reached the upstream');

# what fails leaves what was

policy('a');
conf();
ok($t->reload, 'a');

for my $broken ("language 1;\npolicy p; oops", "language 1;\npolicy q;\n",
                "language 2;\npolicy p;\n", '', "\0")
{
    spew($t->path('policies/p.policy'), $broken);
    ok(!$t->reload, 'refused');
    is(join(' ', map { status($_) } qw(/a/x /b/x /never/x)), '200 401 403',
       'and as before');

    my ($victim) = $t->worker_pids;
    kill 'KILL', $victim;
    wait_for { my @w = $t->worker_pids; @w == 2 && !grep { $_ == $victim } @w };

    is(join(' ', map { status($_) } (qw(/a/x /b/x /never/x)) x 3),
       join(' ', ('200 401 403') x 3), 'also in a new worker');
}

unlink $t->path('policies/p.policy');
ok(!$t->reload, 'a bundle without a policy is refused');
is(status('/never/x'), 403, 'and denies as before');

# a token that was good before a reload with other keys

policy('a');
ok($t->reload, 'again');

my ($name, $token) = bearer('alice');
is(status('/alice/x', headers => [$name, $token]), 200, 'a token');
is(status('/alice/x', headers => [$name, $token]), 200, 'from the cache');

issuer($t, 'other');
my $keys = slurp($t->path('corp.jwks'));
spew($t->path('corp.jwks'), slurp($t->path('other.jwks')));
ok($t->reload, 'other keys');
is(status('/alice/x', headers => [$name, $token]), 401, 'is none any more');

spew($t->path('corp.jwks'), $keys);
ok($t->reload, 'its keys');
is(status('/alice/x', headers => [$name, $token]), 200, 'is one again');

done_testing();
