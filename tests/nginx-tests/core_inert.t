# Without any weir_* directive the module does nothing: nothing is stripped,
# added, allocated or written; and one that stands in another server changes
# nothing here but what the rules say.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;

my $text = <<'EOF2';
worker_processes 1;
events {}
http {
    underscores_in_headers on;
    FORMAT

    upstream u {
        server 127.0.0.1:%%PORT_up%%;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_h2%% http2;
        root %%TESTDIR%%/html;
        VARIABLES

        location / {
            proxy_pass http://u;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }

        location /accel/ {
            proxy_pass http://u;
        }

        location /file/ {
            alias %%TESTDIR%%/html/;
        }

        location = /return {
            return 200 "text";
        }

        location = /forbidden {
            deny all;
        }

        location = /auth {
            auth_basic           realm;
            auth_basic_user_file %%TESTDIR%%/users;
        }
    }
}
EOF2

my @requests = (
    ['plain', "GET /a HTTP/1.1\r\nHost: a\r\n"],
    ['identity headers', "GET /a HTTP/1.1\r\nHost: a\r\nX-User: u\r\n"
     . "X-Weir-Subject: s\r\nX_Auth_User: x\r\nRemote-User: r\r\n"],
    ['connection', "GET /a HTTP/1.1\r\nHost: a\r\n"
                   . "Connection: close, X-Foo\r\nX-Foo: f\r\n", 1],
    ['h2c upgrade', "GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
                    . "Connection: Upgrade\r\n", 1],
    ['overrides', "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                  . "X-HTTP-Method-Override: DELETE\r\n", 0, 'x'],
    ['an odd path', "GET /a/%2e%2e//b;c\\d#e?f HTTP/1.1\r\nHost: a\r\n"],
    ['two hosts', "GET http://b/a HTTP/1.1\r\nHost: a\r\n"],
    ['no host', "GET /a HTTP/1.0\r\n"],
    ['answered by upstream', "GET /up HTTP/1.1\r\nHost: a\r\n"],
    ['accel', "GET /accel/x HTTP/1.1\r\nHost: a\r\n"],
    ['a file', "GET /file/f.txt HTTP/1.1\r\nHost: a\r\n"],
    ['no file', "GET /file/none HTTP/1.1\r\nHost: a\r\n"],
    ['return', "GET /return HTTP/1.1\r\nHost: a\r\n"],
    ['403', "GET /forbidden HTTP/1.1\r\nHost: a\r\n"],
    ['401', "GET /auth HTTP/1.1\r\nHost: a\r\n"],
    ['400', "GET /a HTTP/1.1\r\n"],
);


# What a gateway answers and sends on, to each of them.

sub behaviour {
    my ($variables, %o) = @_;

    my $t = Weir::Test->new(%o);

    my $up = Weir::Upstream->new($t, port => 'up');
    $up->answer('/up' => { headers => ['X-Weir-A' => 'a', 'X-Request-Id' => 1,
                                       'X-User' => 'u'], body => 'up' });
    $up->answer('/accel/x' => { headers => ['X-Accel-Redirect' =>
                                            '/file/f.txt'], body => 'no' });

    $t->file('html/f.txt', "file\n");
    utime 1600000000, 1600000000, $t->path('html/f.txt');
    $t->file('users', "u:{PLAIN}p\n");

    my $used = $text =~ s/VARIABLES/$variables ? 'access_log v.log v;' : ''/er
                     =~ s/FORMAT/$variables/r;
    $t->conf($used)->run;

    my @seen;

    for my $case (@requests) {
        my ($name, $head, $close, $body) = @$case;

        $up->clear;
        my $r = http($t->port, $head
                     . ($close ? '' : "Connection: close\r\n") . "\r\n"
                     . (defined $body ? $body : ''));

        my @lines = grep { !/^(?:Date|Server):/ } split /\r\n/, $r->{head};
        my @got = map { $_->{head} . $_->body } $up->requests;

        my $all = join "\n", $name, @lines, $r->body, '--', @got;
        my $port = $t->port('up');
        $all =~ s/\b$port\b/PORT/g;
        push @seen, $all;
    }

    my $r = http2_get($t->port('h2'), '/a', headers => ['x-user' => 'u',
                                                        'x-weir-a' => 'a']);
    push @seen, join ' ', $r->status, map { "$_->[0]=$_->[1]" }
                          grep { $_->[0] ne 'date' } $r->headers;
    push @seen, join ' ', $up->last->names;

    # what lies in the folder, and what the worker has mapped

    push @seen, join ' ', grep { !/^upstream/ }
                      map { s{.*/}{}r } sort glob $t->path('*');

    my ($worker) = $t->worker_pids;
    my $shared = () = slurp("/proc/$worker/maps") =~ m{/dev/zero}g;
    push @seen, "$shared shared maps";

    push @seen, join ' ', $t->log_lines(qr/\bweir\b(?!-)/);

    return ($t, @seen);
}


my ($without, @expected) = behaviour('', module => '');
my ($with, @got) = behaviour('');

if ($with->static) {
    ok(1, 'a static binary: compared with itself');
}

is(scalar @got, scalar @requests + 5, 'all was compared');
is($got[$_], $expected[$_],
   'inert: ' . (split /\n/, $expected[$_] || 'the log')[0])
    for 0 .. $#expected;

like($expected[1], qr/X-Weir-Subject: s/, 'bare nginx sends what it gets');
like($expected[3], qr/Upgrade: h2c/, 'of any kind');

# the variables exist all the same, and are empty

my ($third, @third) = behaviour(<<'EOF2');
log_format v '[$weir_verdict] [$weir_reason] [$weir_origin] '
             '[$weir_latency_us] [$weir_decision_id] [$weir_request_id]';
EOF2

wait_for { (() = slurp($third->path('v.log')) =~ /\n/g) > @requests } 5,
    'the log';

my @lines = split /\n/, slurp($third->path('v.log'));

is((grep { !/^\[none\]\ \[-?\]\ \[(?:nginx|upstream)\]
            (?:\ \[-?\]){3}$/x }
    @lines)[0], undef, 'variables');

done_testing();
