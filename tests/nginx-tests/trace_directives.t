# weir_trace and weir_trace_trust: values, inheritance, errors; what comes
# later says so; a configuration without weir_* directives is inert.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->allow(qr/ in \S+tested\.conf:\d+$/);

sub config {
    my ($http, $location) = @_;
    return "events {}\nhttp {\n$http\nserver {\nlisten 127.0.0.1:%%PORT_9%%;\n"
           . "location / {\n" . ($location || '') . "\n}\n}\n}\n";
}

sub refused {
    my ($re, @config) = @_;
    my ($rc, $out) = $t->test_config(config(@config));
    is($rc, 1, "refused: @config");
    like($out, $re, "says: $re");
}

sub accepted {
    my (@config) = @_;
    my ($rc, $out) = $t->test_config(config(@config));
    is($rc, 0, "accepted: @config") or diag $out;
}

accepted("weir_trace $_;") for qw(on propagate off);
accepted("weir_trace_trust $_;") for qw(restart ids full);
accepted('weir_trace off;', 'weir_trace on; weir_trace_trust full;');

refused(qr/invalid value "maybe" in .*tested.conf:3/, 'weir_trace maybe;');
refused(qr/invalid value "all" in .*tested.conf:7/, '',
        'weir_trace_trust all;');
refused(qr/"weir_trace" directive is duplicate in/,
        'weir_trace on; weir_trace off;');
refused(qr/"weir_trace_trust" directive is duplicate in/,
        'weir_trace_trust ids; weir_trace_trust ids;');
refused(qr/invalid number of arguments in "weir_trace" directive/,
        'weir_trace;');
refused(qr/invalid number of arguments in "weir_trace_trust" directive/,
        'weir_trace_trust ids full;');
refused(qr/directive is not allowed here/, '',
        'if ($arg_a) { weir_trace on; }');

for my $name (qw(weir_trace_sample weir_trace_export)) {
    refused(qr/"$name" comes with a later release/, "$name;");
    refused(qr/"$name" comes with a later release.*tested.conf:7/, '',
            "$name 10% to=x;");
}


# inheritance, level by level

$t->http_conf(<<"END");
    weir_trace_trust full;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_trace on;
        proxy_set_header X-Location \$uri;

        location / {
            proxy_pass http://@{[ $up->address ]};

            location /nested { proxy_pass http://@{[ $up->address ]}; }
        }
        location /off {
            weir_trace off;
            proxy_pass http://@{[ $up->address ]};

            location /off/on {
                weir_trace on;
                proxy_pass http://@{[ $up->address ]};
            }
        }
        location /if {
            if (\$request_method = GET) {
                proxy_pass http://@{[ $up->address ]};
            }
        }
        location /ids {
            weir_trace_trust ids;
            proxy_pass http://@{[ $up->address ]};
        }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { proxy_pass http://@{[ $up->address ]}; }
    }
END
$t->run;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $valid = "00-$trace-00f067aa0ba902b7-01";

for (['/', '01'], ['/nested', '01'], ['/off/on', '01'], ['/if', '01'],
     ['/ids', '00'])
{
    my ($path, $flags) = @$_;
    http_get($t->port, $path, headers => [traceparent => $valid]);
    like($up->last->header('traceparent'),
         qr/^00-$trace-(?!00f067aa0ba902b7)[0-9a-f]{16}-$flags$/,
         "$path continues with flags $flags");
}

for ([0, '/off'], [1, '/']) {
    my ($port, $path) = @$_;
    http_get($t->port($port), $path, headers => [traceparent => $valid]);
    is($up->last->header('traceparent'), $valid, "$port $path passes it by");
}

$t->stop;


# inert: variables are empty, nothing is added

{
    my $bare = Weir::Test->new;
    my $u = Weir::Upstream->new($bare);

    $bare->http_conf(<<"END");
    log_format ids '[\$weir_trace_id][\$weir_span_id][\$weir_request_id]';
    access_log %%TESTDIR%%/access.log ids;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / {
            proxy_pass http://@{[ $u->address ]};
            proxy_set_header X-Ids "\$weir_trace_id\$weir_request_id";
        }
    }
END
    $bare->run;

    my $r = http_get($bare->port, '/', headers => [
        traceparent => $valid, 'X-Request-Id' => 'client']);

    is($r->header('X-Request-Id'), undef, 'inert: no header added');
    is($u->last->header('traceparent'), $valid, 'inert: nothing rewritten');
    is($u->last->header('X-Request-Id'), 'client', 'inert: nothing replaced');
    is($u->last->header('X-Ids'), undef, 'inert: variables are empty');
    $bare->wait_access_log(qr/^\[-\]\[-\]\[-\]$/m);
}

done_testing;
