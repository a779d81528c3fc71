# Ids stay the same through internal redirects; mirrors and includes go with
# their request; what nginx tries before the content comes after ours.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);
my $side = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;
    weir_trace_trust ids;
    log_format ids '\$request_uri \$weir_trace_id \$weir_span_id '
                   '\$weir_request_id';
    access_log %%TESTDIR%%/access.log ids;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%TESTDIR%%/root;

        location /named {
            try_files /nothing \@up;
        }
        location /uri {
            try_files /nothing /upstream/uri;
        }
        location /error {
            error_page 404 = /upstream/error;
        }
        location /errornamed {
            error_page 404 = \@up;
        }
        location /rewrite {
            rewrite ^ /upstream/rewrite last;
        }
        location /dir/ {
            index index.html;
        }
        location = /dir/index.html {
            proxy_pass http://@{[ $up->address ]};
        }
        location /accel {
            proxy_pass http://@{[ $side->address ]};
        }
        location /offfirst {
            weir_trace off;
            error_page 404 = /upstream/offfirst;
        }
        location /offlast {
            try_files /nothing /off/last;
        }
        location /off/ {
            weir_trace off;
            proxy_pass http://@{[ $up->address ]};
        }
        location /trusts {
            weir_trace_trust restart;
            try_files /nothing /full/trusts;
        }
        location /full/ {
            weir_trace_trust full;
            proxy_pass http://@{[ $up->address ]};
        }
        location /upstream/ {
            proxy_pass http://@{[ $up->address ]};
        }
        location \@up {
            proxy_pass http://@{[ $up->address ]};
        }
        location /mirrored {
            mirror /mirror;
            proxy_pass http://@{[ $up->address ]};
        }
        location = /mirror {
            internal;
            proxy_pass http://@{[ $side->address ]};
        }
        location /page.shtml {
            ssi on;
            default_type text/html;
        }
    }
END

$t->file('root/dir/index.html', 'unused');
$t->file('root/page.shtml', 'a<!--#include virtual="/upstream/included" -->b');
$side->answer('/accel',
              { headers => ['X-Accel-Redirect' => '/upstream/accel'] });
$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my @client = (traceparent => "00-$trace-00f067aa0ba902b7-01",
              tracestate => 'a=1', 'X-Request-Id' => 'the-clients-own');


sub ids {
    my ($path) = @_;

    my $r = http_get($t->port, $path, headers => \@client);

    $t->wait_access_log(qr/^\Q$path\E /m);
    my ($line) = grep { /^\Q$path\E / } reverse split /\n/, $t->access_log;

    return ($r, (split ' ', $line)[1 .. 3]);
}


for my $path ('/named', '/uri', '/error', '/errornamed', '/rewrite', '/dir/',
              '/offfirst', '/offlast')
{
    $up->clear;

    my ($r, $id, $span, $request) = ids($path);
    my $u = $up->last;

    is($r->status, 200, "$path: answered");
    is($r->header('X-Request-Id'), $request, "$path: one request id");

    is_deeply([$u->header('traceparent')], ["00-$trace-$span-00"],
              "$path: traceparent of the log");
    is_deeply([$u->header('tracestate')], ['a=1'], "$path: tracestate");
    is_deeply([$u->header('X-Request-Id')], [$request], "$path: X-Request-Id");
    is_deeply([$u->header('X-Client-Request-Id')], ['the-clients-own'],
              "$path: X-Client-Request-Id");
}


# the first location's trust decides

{
    my ($r, $id, $span, $request) = ids('/trusts');

    like($id, qr/^(?!$trace)[0-9a-f]{32}$/, 'restarted where it was decided');
    is($up->last->header('traceparent'), "00-$id-$span-02",
       'and not continued by a later location');
}


# X-Accel-Redirect: the ids of both upstream requests are the same (whether
# it is followed at all is not ours to say)

{
    $up->clear;

    my ($r, $id, $span, $request) = ids('/accel');
    my @seen = ($side->last, $up->requests);

    for my $u (@seen) {
        is($u->header('traceparent'), "00-$trace-$span-00",
           'X-Accel-Redirect: ' . $u->target);
        is($u->header('X-Request-Id'), $request,
           'X-Accel-Redirect: request id: ' . $u->target);
    }
}


# a mirror gets what the original gets, and counts as no request of its own

{
    $side->clear;

    my ($r, $id, $span, $request) = ids('/mirrored');
    $side->wait_count(1);

    for my $u ($up->last, $side->last) {
        is_deeply([$u->header('traceparent')], ["00-$trace-$span-00"],
                  'mirror and original: traceparent ' . $u->target);
        is_deeply([$u->header('X-Request-Id')], [$request],
                  'mirror and original: request id ' . $u->target);
    }
}


# a subrequest goes with its request's ids

{
    my ($r, $id, $span, $request) = ids('/page.shtml');

    is($r->body, 'aokb', 'included');
    is($up->last->target, '/upstream/included', 'by a subrequest');
    is_deeply([$up->last->header('traceparent')], ["00-$trace-$span-00"],
              'with the ids of the request');
}

done_testing;
