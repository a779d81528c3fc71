# $weir_trace_id, $weir_span_id, $weir_request_id: in logs, read early, read in
# subrequests; empty where there is no trace; never twice the same, over
# workers, respawns and reloads.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 3);
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;
    weir_trace_trust ids;
    log_format ids '\$request_uri [\$weir_trace_id] [\$weir_span_id] '
                   '[\$weir_request_id] [\$early]';
    access_log %%TESTDIR%%/access.log ids;

    map \$weir_trace_id \$mapped {
        "~^(?<head>.{4})" "head \$head";
        default "none";
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        set \$early "\$weir_trace_id \$weir_span_id \$weir_request_id";

        location / {
            proxy_pass http://@{[ $up->address ]};
        }
        location /early {
            return 200 "\$early|\$weir_trace_id|\$mapped";
        }
        location /if {
            if (\$weir_trace_id) { return 200 "traced"; }
            return 200 "not";
        }
        location /header {
            add_header X-Trace \$weir_trace_id;
            add_header X-Span \$weir_span_id always;
            return 200 "";
        }
        location /own {
            proxy_pass http://@{[ $up->address ]};
            proxy_set_header X-B3-TraceId \$weir_trace_id;
            proxy_set_header X-B3-SpanId \$weir_span_id;
        }
        location /denied { deny all; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        set \$early "-";
        weir_trace off;

        location / {
            return 200 "[\$weir_trace_id][\$weir_span_id][\$weir_request_id]";
        }
    }
END
$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my @client = (traceparent => "00-$trace-00f067aa0ba902b7-01");
my $h32 = qr/[0-9a-f]{32}/;
my $h16 = qr/[0-9a-f]{16}/;


# the log has what upstream got

{
    my $r = http_get($t->port, '/log', headers => \@client);
    my ($span) = $up->last->header('traceparent')
                 =~ /^00-$trace-($h16)-00$/;
    my $id = $r->header('X-Request-Id');

    $t->wait_access_log(
        qr/^\/log \[$trace\] \[$span\] \[$id\] \[$trace $span $id\]$/m);
    pass('log, early and upstream agree');
}


# read before any location is known, it holds

{
    my $r = http_get($t->port, '/early', headers => \@client);

    like($r->body, qr/^$trace $h16 $h32\|$trace\|head 4bf9$/, 'in set, map');

    $r = http_get($t->port, '/early');
    like($r->body, qr/^($h32) $h16 $h32\|\1\|head /, 'a new trace too');

    is(http_get($t->port, '/if')->body, 'traced', 'in if');

    $r = http_get($t->port, '/header', headers => \@client);
    is($r->header('X-Trace'), $trace, 'in add_header');
    like($r->header('X-Span'), qr/^$h16$/, 'the span too');

    http_get($t->port, '/own', headers => \@client);
    is($up->last->header('X-B3-TraceId'), $trace, 'in proxy_set_header');
    is($up->last->header('traceparent'),
       "00-$trace-" . $up->last->header('X-B3-SpanId') . '-00', 'agreeing');
}


# what is refused or malformed has ids in the log

{
    my $r = http_get($t->port, '/denied', headers => \@client);
    my $id = $r->header('X-Request-Id');

    is($r->status, 403, 'refused by nginx');
    $t->wait_access_log(qr/^\/denied \[$trace\] \[$h16\] \[$id\]/m);

    $r = http($t->port, "GET /bad HTTP/1.1\r\nHost: a b\r\n\r\n");
    $id = $r->header('X-Request-Id');

    is($r->status, 400, 'does not parse');
    $t->wait_access_log(qr/ \[$h32\] \[$h16\] \[$id\]/);
}


# off

like(http_get($t->port(1), '/', headers => \@client)->body,
     qr/^\[\]\[\]\[$h32\]$/, 'off: no trace, a request id');


# never twice: a worker must not go on with bytes that its parent, or the
# process whose place it took, had

my %seen;

sub collect {
    my ($what, $n) = @_;

    for (1 .. $n) {
        my $body = http_get($t->port, '/early')->body;
        my ($id, $span, $request) = $body =~ /^($h32) ($h16) ($h32)\|/;
        $seen{$_}++ for $id, $span, $request;
    }

    is((grep { $_ > 1 } values %seen), 0, "$what: no id came twice");
}

collect('first workers', 300);
$t->reload;
collect('after a reload', 300);

{
    my ($pid) = $t->worker_pids;
    $t->allow(qr/exited on signal 9/);
    kill 'KILL', $pid;
    wait_for {
        my @pids = $t->worker_pids;
        return @pids == 3 && !grep { $_ == $pid } @pids;
    } 10, 'a new worker';
}

collect('after a worker died', 300);
cmp_ok(scalar keys %seen, '==', 2700, 'all were there');

done_testing;
