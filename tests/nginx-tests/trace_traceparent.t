# traceparent: what is continued under which trust, what restarts, and that the
# client's own header never goes on.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /restart/ {
            proxy_pass http://@{[ $up->address ]};
        }
        location /ids/ {
            weir_trace_trust ids;
            proxy_pass http://@{[ $up->address ]};
        }
        location /full/ {
            weir_trace propagate;
            weir_trace_trust full;
            proxy_pass http://@{[ $up->address ]};
        }
        location /off/ {
            weir_trace off;
            weir_trace_trust full;
            proxy_pass http://@{[ $up->address ]};
        }
    }
END
$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $parent = '00f067aa0ba902b7';
my $sent = qr/^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[0-3])$/;


# The one traceparent that went upstream: (trace id, parent id, flags).

sub context {
    my ($path, @lines) = @_;

    http($t->port, join("\r\n", "GET $path HTTP/1.1", 'Host: localhost',
                        @lines, 'Connection: close', '', ''));

    my @values = $up->last->header('traceparent');

    return ('none') if !@values;
    return ('several') if @values > 1;
    return $values[0] =~ $sent ? ($1, $2, $3) : ('invalid');
}


# nothing from the client: a new trace, random and not sampled

for my $path ('/restart/', '/ids/', '/full/') {
    my ($id, $span, $flags) = context($path);

    like($id, qr/^[0-9a-f]{32}$/, "$path: a new trace");
    is($flags, '02', "$path: random, not sampled");
}


# restart

{
    my ($id, $span, $flags)
        = context('/restart/', "traceparent: 00-$trace-$parent-03");

    isnt($id, $trace, 'restart: another trace id');
    isnt($span, $parent, 'restart: another parent id');
    is($flags, '02', 'restart: flags of a new trace');
}


# ids: the id goes on, sampling is not the client's to ask for

for (['00', '00'], ['01', '00'], ['02', '02'], ['03', '02'], ['ff', '02']) {
    my ($in, $out) = @$_;
    my ($id, $span, $flags)
        = context('/ids/', "traceparent: 00-$trace-$parent-$in");

    is($id, $trace, "ids: flags $in: trace id");
    isnt($span, $parent, "ids: flags $in: parent id");
    is($flags, $out, "ids: flags $in: flags");
}


# full

for (['00', '00'], ['01', '01'], ['02', '02'], ['03', '03'], ['fc', '00'],
     ['ff', '03'])
{
    my ($in, $out) = @$_;
    my ($id, $span, $flags)
        = context('/full/', "traceparent: 00-$trace-$parent-$in");

    is($id, $trace, "full: flags $in: trace id");
    isnt($span, $parent, "full: flags $in: parent id");
    is($flags, $out, "full: flags $in: flags");
}


# what is valid all the same

my $valid = "00-$trace-$parent-01";

for ("traceparent:$valid", "traceparent:   $valid", "traceparent: $valid   ",
     "traceparent:\t$valid", "traceparent: $valid\t",
     "traceparent: \t $valid \t ", "TraceParent: $valid",
     "TRACEPARENT: $valid", "traceparent: cc-$trace-$parent-01",
     "traceparent: 01-$trace-$parent-01-",
     "traceparent: fe-$trace-$parent-01-what-the-future-will-be-like")
{
    (my $name = $_) =~ s/\t/\\t/g;
    my ($id, $span, $flags) = context('/full/', $_);

    is("$id $flags", "$trace 01", "continued: $name");
}


# what restarts, under any trust

for ("00-$trace-$parent-01.", "00-$trace-$parent-01-more",
     "ff-$trace-$parent-01", "0-$trace-$parent-01", "000-$trace-$parent-01",
     ".0-$trace-$parent-01", "cc-$trace-$parent-01.more",
     "cc-$trace-$parent-0", "00-" . ('0' x 32) . "-$parent-01",
     "00-$trace-" . ('0' x 16) . '-01', '00-' . uc($trace) . "-$parent-01",
     "00-$trace-" . uc($parent) . '-01', "00-$trace-$parent-0A",
     "0A-$trace-$parent-01", "00-${trace}0-$parent-01",
     '00-' . substr($trace, 1) . "-$parent-01", "00-$trace-${parent}0-01",
     "00-$trace-" . substr($parent, 1) . '-01', "00-$trace-$parent-1",
     "00-$trace-$parent-001", "00-$trace-$parent-.1",
     "00_${trace}_${parent}_01", "00-$trace-$parent", 'x' x 55, 'x',
     "00-$trace-$parent-01,00-$trace-$parent-01")
{
    for my $path ('/ids/', '/full/') {
        my ($id, $span, $flags) = context($path, "traceparent: $_",
                                          'tracestate: a=1');

        like($id, qr/^(?!$trace)[0-9a-f]{32}$/, "$path restarts: $_");
        is($flags, '02', "$path flags of a new trace: $_");
        is($up->last->header('tracestate'), undef, "$path no tracestate: $_");
    }
}

{
    my ($id) = context('/full/', 'traceparent:');
    like($id, qr/^[0-9a-f]{32}$/, 'an empty one restarts');
}


# more than one, be they equal

for my $second ($valid, "00-$trace-$parent-00", 'x') {
    my ($id) = context('/full/', "traceparent: $valid",
                       "traceparent: $second");
    like($id, qr/^(?!$trace)[0-9a-f]{32}$/, "two: $second");
}

{
    my ($id) = context('/full/', "TraceParent: $valid", 'A: b',
                       "traceparent: $valid", "TRACEPARENT: $valid");
    like($id, qr/^(?!$trace)[0-9a-f]{32}$/, 'three, not beside each other');
}


# wrong names are other headers

{
    my ($id) = context('/full/', "trace-parent: $valid");
    like($id, qr/^(?!$trace)[0-9a-f]{32}$/, 'trace-parent is not traceparent');
    is($up->last->header('trace-parent'), $valid, 'and goes on as it came');
}


# the client's headers first, last, among more than 20

for my $n (0, 1, 19, 20, 21, 60) {
    my @others = map { "X-H$_: $_" } 1 .. $n;
    my ($id) = context('/restart/', "traceparent: $valid", @others,
                       "traceparent: $valid");
    like($id, qr/^(?!$trace)[0-9a-f]{32}$/, "replaced, $n others between");
    is(scalar(grep { /^X-H/ } $up->last->names), $n, "$n others are whole");
}


# off: untouched

{
    my ($id) = context('/off/', "traceparent: $valid", 'tracestate: x=y',
                       'X-Request-Id: mine');
    my $r = $up->last;

    is($r->header('traceparent'), $valid, 'off: traceparent as it came');
    is($r->header('tracestate'), 'x=y', 'off: tracestate as it came');
    is($r->header('X-Request-Id'), 'mine', 'off: request id as it came');
    is($r->header('X-Client-Request-Id'), undef, 'off: nothing added');

    is((context('/off/'))[0], 'none', 'off: no trace is begun');
}


# ids differ from request to request

{
    my (%ids, %spans);

    for (1 .. 200) {
        my ($id, $span) = context('/restart/');
        $ids{$id}++;
        $spans{$span}++;
    }

    is(keys %ids, 200, 'two hundred trace ids');
    is(keys %spans, 200, 'two hundred parent ids');
}

done_testing;
