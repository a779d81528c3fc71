#!/usr/bin/env perl

# Load on fresh and on kept connections while the configuration is reloaded
# again and again, first on bare nginx, then on Weir with everything in use.
# A request fails where it fails on a fresh connection, or again after one
# retry where a reused connection closed before the first byte.  At the end
# Weir's counters are compared with a recount of the access log.
#
# scripts/drill reload runs this for a minute.

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Time::HiRes qw(time);

use Weir::Load qw(exchange);
use Weir::Test;
use Weir::Token;

my $seconds = $ENV{WEIR_DRILL_SECONDS} || 6;
my $every = $ENV{WEIR_DRILL_EVERY} || 1;
my $clients = 4;
my $between = 25;     # requests of each client from one reload to the next

reload_under_load(0);
reload_under_load(1);

done_testing();


sub reload_under_load {
    my ($weir) = @_;

    my $name = $weir ? 'weir' : 'bare nginx';
    my $t = Weir::Test->new(workers => 2, log_level => 'notice',
                            $weir ? () : (module => ''));
    my $token = '';

    if ($weir) {
        my $keys = Weir::Token->new($t);
        $t->file('jwks.json', $keys->jwks($keys->jwk('ES256')));
        $token = $keys->mint(claims => {
            iss => 'https://idp.test/', aud => 'orders', sub => 'alice',
            exp => int(time) + 3600,
        });
        policies($t);
    }

    backend($t, $_) for qw(blue green);
    $t->conf($weir ? weir_conf() : bare_conf());
    $t->run;

    my @clients = map { client($t, $_, $token) } 1 .. $clients;
    my ($reloads, $next) = (0, time);
    my $end = $next + $seconds;

    while ($next < $end) {
        my @before = map { -s $_->{done} || 0 } @clients;

        # each reload meets load that has gone on since the last one

        $next += $every;
        wait_for {
            time >= $next
                && !grep { (-s $clients[$_]{done} || 0)
                           < $before[$_] + $between } 0 .. $#clients;
        } 30 + $every, 'load between reloads';

        $t->signal('HUP');
        $reloads++;
    }

    $t->file('stop', '');

    my %sum;

    for my $c (@clients) {
        my $line = readline $c->{fh};
        close $c->{fh};
        waitpid $c->{pid}, 0;

        my %r = $line =~ /(\w+)=(\d+)/g;
        $sum{$_} += $r{$_} for keys %r;
    }

    note(sprintf '%s: %d requests, %d reloads, %d retried, %d failed',
         $name, $sum{requests}, $reloads, $sum{retried}, $sum{failed});

    is($sum{failed}, 0, "$name: no request failed");
    cmp_ok($sum{requests}, '>=', $between * $clients * $reloads,
           "$name: under load");
    cmp_ok($reloads, '>=', $seconds / $every, "$name: reloaded");

    recount($t, $sum{requests}) if $weir;
}


sub backend {
    my ($t, $colour) = @_;

    my $b = Weir::Test->new(module => '', workers => 1, ports => {
        0 => $t->port($colour) });

    $b->conf(<<"END")->run;
events {}
http {
    access_log off;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { return 200 "$colour\\n"; }
        location /t/fail { return 500 "$colour\\n"; }
        location /t/none { return 404 "$colour\\n"; }
    }
}
END
    push @{ $t->{backends} }, $b;
}


sub proxy_lines {
    return <<'END';
    upstream blue { server 127.0.0.1:%%PORT_blue%%; keepalive 16; }
    upstream green { server 127.0.0.1:%%PORT_green%%; keepalive 16; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
END
}


sub bare_conf {
    return "events {}\nhttp {\n" . proxy_lines() . <<'END';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://blue; }
    }
}
END
}


sub policies {
    my ($t) = @_;

    $t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
schema from corp { claim sub string; }
permit readers {
    who  issuer corp;
    what GET /t/**;
}
END
}


sub weir_conf {
    return "events {}\nhttp {\n" . proxy_lines() . <<'END';
    weir_zone   32m;
    weir_bundle %%TESTDIR%%/policies;
    weir_issuer corp {
        issuer   https://idp.test/;
        audience orders;
        jwks     file:%%TESTDIR%%/jwks.json;
    }
    weir_quota per-user key=$weir_principal rate=100000r/s
                burst=100000;
    weir_split side key=$request_id { green 30%; blue *; }
    weir_objective orders { availability 99.9%; latency 300ms 99%; }
    weir_trace on;

    log_format drill '$weir_verdict $weir_split_side $status '
                     '$weir_latency_us';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /t/ {
            access_log  %%TESTDIR%%/drill.log drill;
            weir_auth   corp;
            weir_policy orders;
            weir_limit  per-user;
            weir_slo    orders;
            proxy_pass  http://$weir_split_side;
        }
        location = /metrics { weir_metrics; }
    }
}
END
}


# One client: odd ones keep their connections, even ones never do.  "done" has
# a byte for each of its requests; a file "stop" ends it.

sub client {
    my ($t, $i, $token) = @_;

    my $port = $t->port;
    my $stop = $t->path('stop');
    my $file = $t->path("done.$i");
    my $pid = open my $fh, '-|';
    die "fork: $!" unless defined $pid;

    return { pid => $pid, fh => $fh, done => $file } if $pid;

    open my $done, '>', $file or die "$file: $!";

    my ($keep, $sock, $reused) = ($i % 2, undef, 0);
    my %r = (requests => 0, retried => 0, failed => 0);
    my @paths = ('/t/ok', '/t/ok', '/t/ok', '/t/none', '/t/fail', '/t/ok');
    my $connection = $keep ? 'keep-alive' : 'close';

    until (-e $stop) {
        my $path = $paths[$r{requests}++ % @paths];
        my $request = "GET $path HTTP/1.1\r\nHost: gw.test\r\n"
                      . ($token ? "Authorization: Bearer $token\r\n" : '')
                      . "Connection: $connection\r\n\r\n";

        my ($answer, $open, $head) = exchange(\$sock, $port, $request);

        if ($answer eq '' && $reused) {
            $r{retried}++;
            undef $sock;
            ($answer, $open, $head) = exchange(\$sock, $port, $request);
        }

        $r{failed}++ unless $answer eq 'full'
                         && $head =~ m{^HTTP/1\.1 (?:200|404|500) };
        undef $sock unless $keep && $open;
        $reused = defined $sock;
        syswrite $done, '.';
    }

    print join(' ', map { "$_=$r{$_}" } sort keys %r), "\n";
    close STDOUT;
    POSIX::_exit(0);
}


# The counters against the access log, which says what they should be.

sub recount {
    my ($t, $requests) = @_;

    # nginx writes the line after the answer, and Weir counts after the line

    my $counted = qr/^weir_requests_total\{service="orders",\S+ (\d+)$/m;

    wait_for {
        slurp($t->path('drill.log')) =~ tr/\n// >= $requests
    } 10, 'the access log';

    my $lines = slurp($t->path('drill.log')) =~ tr/\n//;

    eval {
        wait_for {
            my $n = 0;
            $n += $_ for http_get($t->port, '/metrics')->body =~ /$counted/g;
            return $n >= $lines;
        } 5;
    };

    my %want;

    for (split /\n/, slurp($t->path('drill.log'))) {
        my ($verdict, $colour, $status, $us) = split / /;
        $colour = 'none' if $colour eq '';

        $want{"weir_requests_total{service=\"orders\","
              . "verdict=\"$verdict\"}"}++;

        my $class = $status >= 500 ? 'bad' : $status >= 400 ? 'excluded'
                                                            : 'good';
        $want{slo('availability', $colour, $class)}++;
        $want{slo('latency', $colour, $us <= 300000 ? 'good' : 'bad')}++
            if $class eq 'good';
    }

    my %have = http_get($t->port, '/metrics')->body
               =~ /^(weir_\S+) (\d+)$/mg;

    cmp_ok(scalar(keys %want), '>=', 5, 'the access log says what to count');

    is($have{$_}, $want{$_}, "$_ equals the access log") for sort keys %want;
}


sub slo {
    my ($sli, $colour, $class) = @_;

    return "weir_slo_events_total{objective=\"orders\",sli=\"$sli\","
           . "colour=\"$colour\",result=\"$class\"}";
}
