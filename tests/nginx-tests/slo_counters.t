# Objectives count every main request once, as the contract's classes say, and
# exactly: a recount of the access log gives the same numbers.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::OpenMetrics;
use Weir::Upstream;
use Weir::WebSocket;

my $t = Weir::Test->new(workers => 2);

my $up = Weir::Upstream->new($t, handler => sub {
    my ($r) = @_;
    my ($status) = $r->target =~ m{/status/(\d+)};
    return { websocket => 1 } if $r->target =~ m{/ws};
    return { wait => $1, body => 'slow' } if $r->target =~ m{/(wait|never)};
    return { status => $status || 200, body => 'x' };
});

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
permit all { who anyone; what GET /**; }
deny secret { what * /secret/**; }
END

$t->http_conf(<<"END");
    weir_bundle %%TESTDIR%%/policies;

    weir_objective fast  { availability 99.9%; latency 1h 99%; window 7d; }
    weir_objective tight { availability 99.95%; latency 1ms 50%; }
    weir_objective late  { latency 1ms 99.9%; }
    weir_objective avail { availability 99%; }

    weir_quota one key=\$arg_k rate=1r/h;
    weir_split s key=\$arg_u header=X-Colour { green 50%; blue *; }
    weir_split z key=\$arg_u { green 50%; blue *; }

    log_format slo '\$request_uri \$status \$weir_latency_us';
    log_format colour '\$status \$weir_split_s';
    access_log %%TESTDIR%%/access.log slo;

    upstream up { server @{[ $up->address ]}; }
    upstream s-green { server @{[ $up->address ]}; }
    upstream s-blue { server @{[ $up->address ]}; }
    proxy_ignore_client_abort off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%TESTDIR%%/root;
        weir_slo fast;

        location /status/ { proxy_pass http://up; }
        location /up/ { proxy_pass http://up/; }
        location /ws {
            proxy_pass http://up;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
        }
        location /down { proxy_pass http://127.0.0.1:1; }
        location /late/ { weir_slo late; proxy_pass http://up/; }
        location /tight/ { weir_slo tight; proxy_pass http://up/; }
        location /colour/ {
            weir_slo avail;
            access_log %%TESTDIR%%/colour.log colour;
            proxy_pass http://s-\$weir_split_s/;
        }
        location /named/ {
            weir_slo avail split=z;
            add_header X-S \$weir_split_s;
            add_header X-Z \$weir_split_z;
            proxy_pass http://up/;
        }
        location /both/ {
            weir_slo avail;
            add_header X-S \$weir_split_s;
            add_header X-Z \$weir_split_z;
            proxy_pass http://up/;
        }
        location /limited { weir_limit one; try_files /ok =404; }
        location /replaced {
            error_page 503 =200 /ok;
            return 503;
        }
        location /redirected { try_files /nothing /ok; }
        location /ok { }
        location /ssi {
            ssi on;
            default_type text/html;
            try_files /page.html =404;
        }
        location /off { weir_slo off; try_files /ok =404; }
        location /metrics { weir_slo off; weir_metrics; }
        location /api { weir_slo off; weir_api; }
    }

    server {
        listen 127.0.0.1:%%PORT_policy%%;
        location / {
            weir_slo avail;
            weir_policy orders;
            error_page 403 =200 /page;
            proxy_pass http://up;
        }
        location = /page {
            weir_slo avail;
            weir_policy off;
            proxy_pass http://up;
        }
    }
END

$t->file('root/ok', 'ok');
$t->file('root/page.html',
         join '', map { "<!--#include virtual=\"/status/50$_\" -->" } 0 .. 4);
$t->run;

my $p = $t->port;
my %before;


sub counts { return openmetrics(http_get($p, '/metrics')->body) }


sub name {
    my ($objective, $sli, $colour, $result) = @_;
    return "weir_slo_events_total{colour=\"$colour\","
           . "objective=\"$objective\",result=\"$result\",sli=\"$sli\"}";
}


# What an action counts as: "sli result colour" => n, for one objective.
# Log handlers run after the answer was sent, so that its end is waited for.

sub counted {
    my ($objective, $n, $action) = @_;

    my %is;

    my $read = sub {
        my $m = counts();
        my %now;

        for my $sli (qw(availability latency)) {
            for my $colour (qw(none green blue)) {
                for my $result (qw(good bad excluded)) {
                    my $v = $m->value(name($objective, $sli, $colour,
                                           $result));
                    $now{"$sli $result $colour"} = $v if defined $v;
                }
            }
        }

        return %now;
    };

    my %old = $read->();
    $action->();

    eval {
        wait_for {
            my %new = $read->();
            my $sum = 0;
            %is = ();

            for (keys %new) {
                $is{$_} = $new{$_} - $old{$_} if $new{$_} != $old{$_};
                $sum += $new{$_} - $old{$_};
            }

            $sum >= $n;
        } 5;
    };

    return \%is;
}


sub none {
    my ($availability, $latency) = @_;
    return { "availability $availability none" => 1,
             "latency $latency none" => 1 };
}


# --- classes by status

for ([200, 'good', 'good'], [204, 'good', 'good'], [301, 'good', 'good'],
     [304, 'good', 'good'], [400, 'excluded', 'excluded'],
     [404, 'excluded', 'excluded'], [429, 'excluded', 'excluded'],
     [500, 'bad', 'excluded'], [502, 'bad', 'excluded'],
     [503, 'bad', 'excluded'], [599, 'bad', 'excluded'])
{
    my ($status, $availability, $latency) = @$_;

    is_deeply(counted('fast', 2, sub { http_get($p, "/status/$status") }),
              none($availability, $latency), "status $status");
}

is_deeply(counted('fast', 2, sub { http_get($p, '/down') }),
          none('bad', 'excluded'), 'no upstream');
is_deeply(counted('fast', 2, sub { http_get($p, '/nothing') }),
          none('excluded', 'excluded'), "nginx's own 404");
is_deeply(counted('fast', 2, sub { http($p, "GET / HTTP/1.1\r\n\r\n") }),
          none('excluded', 'excluded'), 'a request without Host');

# --- latency: from the threshold on it is bad

like(join(' ', sort keys %{ counted('late', 1, sub {
         my $c = Weir::HTTP->new(port => $p);
         $c->request('GET', "/late/$_") for 1 .. 20;
         $c->close;
     }) }), qr/^latency (?:bad|good) none/, 'an objective of latency alone');

wait_for {
    my $m = counts();
    my $all = 0;

    $all += $m->value(name('late', 'latency', 'none', $_)) || 0
        for qw(good bad);
    $all >= 20;
} 5, 'all of them';

is_deeply(counted('late', 1, sub {
    my $c = Weir::HTTP->new(port => $p);
    $c->send(Weir::HTTP->format('GET', '/late/wait'));
    wait_for { grep { $_->target eq '/wait' } $up->requests } 5, 'the upstream';
    http_get($p, '/off') for 1 .. 5;
    $up->release('wait');
    $c->response;
    $c->close;
}), { 'latency bad none' => 1 }, 'later than the threshold');

# --- 101: its duration is its user's

is_deeply(counted('fast', 2, sub {
    my $c = websocket($p, '/ws');
    is($c->{response}->status, 101, 'upgraded');
    $c->close;
}), none('good', 'excluded'), 'status 101');

# --- 499: excluded, or bad once it had waited long enough

for (['fast', '/up', none('excluded', 'excluded')],
     ['late', '/late', { 'latency bad none' => 1 }])
{
    my ($objective, $prefix, $expected) = @$_;

    is_deeply(counted($objective, scalar keys %$expected, sub {
        my $n = $up->count;
        my $c = Weir::HTTP->new(port => $p);

        $c->send(Weir::HTTP->format('GET', "$prefix/never"));
        wait_for { $up->count > $n } 5, 'the upstream';
        http_get($p, '/off') for 1 .. 5;
        $c->close;

        $t->wait_access_log(qr{^$prefix/never 499 }m);
    }), $expected, "$objective: 499");
}

# --- what Weir refused counts as that, whatever was answered in its place

is_deeply(counted('avail', 1, sub {
    is(http_get($t->port('policy'), '/secret/x')->status, 200,
       'a refusal with a page of 200');
}), { 'availability excluded none' => 1 }, '403 by Weir, 200 by error_page');

is_deeply(counted('fast', 2, sub {
    is(http_get($p, '/replaced')->status, 200, 'an error with a page of 200');
}), none('good', 'good'), "503 by nginx, 200 by error_page: \$status");

http_get($p, '/limited?k=1');

is_deeply(counted('fast', 2, sub {
    is(http_get($p, '/limited?k=1')->status, 429, 'limited');
}), none('excluded', 'excluded'), 'status 429');

is_deeply(counted('fast', 2, sub {
    is(http_request($p, 'POST', '/limited?k=1',
                    headers => ['Content-Type' => 'application/grpc'])
       ->status, 200, 'limited, gRPC');
}), none('excluded', 'excluded'), '429 in a gRPC answer of 200');

# --- once, whatever it causes

is_deeply(counted('fast', 2, sub { http_get($p, '/redirected') }),
          none('good', 'good'), 'an internal redirect');
is_deeply(counted('fast', 2, sub { http_get($p, '/ssi') }),
          none('good', 'good'), 'subrequests that fail');

my $m = counts();
is(http_get($p, '/off')->status, 200, 'off');
is_deeply([map { counts()->value(name('fast', 'availability', 'none', $_)) }
           qw(good bad excluded)],
          [map { $m->value(name('fast', 'availability', 'none', $_)) }
           qw(good bad excluded)], 'counts nowhere');

# --- colours

my %of;

for my $u (1 .. 20) {
    my $is = counted('avail', 1, sub { http_get($p, "/colour/?u=$u") });
    my ($colour) = join(' ', keys %$is) =~ /good (\w+)$/;
    $of{$colour}++;
}

is(join(' ', sort keys %of), 'blue green', 'both colours');

my %logged;
$logged{ (split ' ')[1] }++ for split /\n/, slurp($t->path('colour.log'));
is_deeply(\%of, \%logged, 'as the log has them');

is_deeply(counted('avail', 1, sub {
    http_get($p, '/colour/?u=1', headers => ['X-Colour' => 'green']);
}), { 'availability good none' => 1 }, 'an override has none');

my $r;

counted('avail', 1, sub { $r = http_get($p, '/named/?u=3') });

my $z = $r->header('X-Z');

is_deeply(counted('avail', 1, sub { http_get($p, '/named/?u=3') }),
          { "availability good $z" => 1 }, 'the colour of the split named');
is_deeply(counted('avail', 1, sub { http_get($p, '/both/?u=3') }),
          { 'availability good none' => 1 }, 'two splits, none named');

# --- many at once, two workers: a recount of the log gives the same

my @clients;
my $log = length $t->access_log;
my %old = map { $_ => counts()->value($_) } map {
    my $sli = $_;
    map { name('tight', $sli, 'none', $_) } qw(good bad excluded);
} qw(availability latency);

for my $n (1 .. 4) {
    push @clients, $t->spawn(sub {
        my $c = Weir::HTTP->new(port => $p);

        for my $i (1 .. 100) {
            my $status = (200, 200, 200, 404, 503)[$i % 5];
            $c->request('GET', "/tight/status/$status") or die 'no answer';
        }

        $c->close;
        POSIX::_exit(0);
    });
}

is($t->reap($_, 30), 0, 'a client') for @clients;

wait_for {
    scalar(() = substr($t->access_log, $log) =~ m{^/tight/}mg) == 400;
} 10, 'the log';

my %want = map { $_ => 0 } keys %old;

for (grep { m{^/tight/} } split /\n/, substr $t->access_log, $log) {
    my (undef, $status, $us) = split ' ';

    my $class = $status >= 500 ? 'bad' : $status >= 400 ? 'excluded' : 'good';
    $want{ name('tight', 'availability', 'none', $class) }++;

    $class = $class ne 'good' ? 'excluded' : $us <= 1000 ? 'good' : 'bad';
    $want{ name('tight', 'latency', 'none', $class) }++;
}

my $after = counts();

is($after->value($_) - $old{$_}, $want{$_}, $_) for sort keys %want;

# --- what the API tells

my $api = http_get($p, '/api')->json->{objectives};

is($api->{fast}{availability}{target}, 0.999, 'a target of availability');
is($api->{tight}{latency}{target}, 0.5, 'and of latency');
ok(!exists $api->{avail}{latency}, 'an SLI that was not asked for');
is($api->{tight}{availability}{bad},
   $after->value(name('tight', 'availability', 'none', 'bad')), 'its counts');

# --- reloads keep them

ok($t->reload, 'a reload');
is(counts()->value($_), $after->value($_), "kept: $_") for sort keys %want;

done_testing();
