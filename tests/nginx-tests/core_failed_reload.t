# A reload that fails leaves everything as it was, also in a worker that the
# master starts after it: nginx builds its chains of filters anew while it
# reads a configuration, and must not stay with half of them.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    return { raw => "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n" }
        if $r->target eq '/h2c';
    return { headers => ['X-Weir-Subject' => 'evil'], body => 'u' x 100000 };
});

my $policy = <<'EOF2';
language 1;
policy p;
permit all { who anyone; what * /**; }
deny no    { what * /no/**; }
EOF2

$t->file('policies/p.policy', $policy);
$t->file('html/f.txt', join '', map { "line $_\n" } 1 .. 20000);

my $text = <<'EOF2';
weir_bundle  %%TESTDIR%%/policies;

server {
    listen  127.0.0.1:%%PORT_0%%;
    root    %%TESTDIR%%/html;

    weir_policy  p;
    weir_trace   on;
    sendfile     off;
    MORE

    location / { proxy_pass http://127.0.0.1:%%PORT_up%%;
                 proxy_set_header Upgrade $http_upgrade;
                 proxy_http_version 1.1; }
    location = /f.txt { gzip on; gzip_types *; }
    location = /ranges { alias %%TESTDIR%%/html/f.txt; }
    location = /api { weir_api; }
}
EOF2

sub conf { return $text =~ s/MORE/$_[0]/r }

$t->http_conf(conf(''))->run;


sub behaviour {
    my @b;

    my $r = http_get($t->port, '/f.txt');
    push @b, $r->status . ' ' . length $r->body;

    $r = http_get($t->port, '/f.txt', headers => ['Accept-Encoding' =>
                                                  'gzip']);
    push @b, join ' ', $r->status, $r->header('Content-Encoding') || 'plain';

    $r = http_get($t->port, '/ranges', headers => [Range => 'bytes=2-5']);
    push @b, $r->status . ' ' . $r->body;

    $r = http_get($t->port, '/ranges', headers => ['If-Modified-Since' =>
        http_get($t->port, '/ranges')->header('Last-Modified')]);
    push @b, $r->status;

    $r = http_get($t->port, '/no/x');
    push @b, join ' ', $r->status, $r->header('Content-Type');

    $r = http_get($t->port, '/x');
    push @b, join ' ', $r->status, length $r->body,
        $r->header('X-Weir-Subject') || 'hidden',
        scalar(() = $r->header('X-Request-Id'));

    $r = http_get($t->port, '/h2c', headers => [Upgrade => 'h2c',
                                                Connection => 'Upgrade']);
    push @b, $r->status;

    return join "\n", @b;
}


sub other_worker {
    my ($victim) = $t->worker_pids;

    $t->allow(qr/worker process $victim exited on signal 9/);
    kill 'KILL', $victim;
    wait_for { my @w = $t->worker_pids; @w == 1 && $w[0] != $victim } 10,
        'another worker';
}

my $expected = behaviour();

is($expected, "200 208894\n200 gzip\n206 ne 1\n304\n"
              . "403 application/problem+json\n200 100000 hidden 1\n502",
   'as it should be');

$t->allow(qr/\[emerg\]/, qr/still could not bind/);

for my $case (
    ['a directive that is none', sub { $t->http_conf(conf('nonsense;')) }],
    ['a policy with an error', sub {
        $t->http_conf(conf(''));
        spew($t->path('policies/p.policy'), "$policy permit {");
    }],
    ['a policy that is not there', sub {
        $t->http_conf(conf('location /q { weir_policy q; }'));
    }],
    ['a zone that is too small', sub {
        $t->http_conf('weir_zone 2m slo=1k policies=1m;' . conf(''));
    }],
    ['weir_auth without a policy', sub {
        $t->http_conf(conf('location /q { weir_auth nobody; }'));
    }],
    ['an upstream that is not known', sub {
        $t->http_conf(conf('location /q { proxy_pass http://u$uri; '
                           . 'fastcgi_pass $x; weir_service Q; }'));
    }],
    ['an address that is not here', sub {
        $t->http_conf(conf('listen 192.0.2.1:1;'));
    }],
    ['no Weir at all, and an error behind', sub {
        $t->http_conf('server { listen 192.0.2.1:1; }');
    }],
) {
    my ($name, $break) = @$case;

    $break->();

    my $mark = length $t->error_log;
    $t->signal('HUP');
    wait_for { substr($t->error_log, $mark) =~ /\[emerg\]/ } 15, 'a refusal';

    is(behaviour(), $expected, "$name: the worker goes on");

    other_worker();
    is(behaviour(), $expected, "$name: so does its successor");

    spew($t->path('policies/p.policy'), $policy);
    $t->http_conf(conf(''));
}

ok($t->reload, 'a good reload');
is(behaviour(), $expected, 'after it');

# from a configuration without Weir, to one with it that fails

$t->http_conf(<<'EOF2');
server {
    listen  127.0.0.1:%%PORT_0%%;
    root    %%TESTDIR%%/html;
}
EOF2

ok($t->reload, 'no Weir any more');
is(length http_get($t->port, '/f.txt')->body, 208894, 'plain nginx');

$t->http_conf(conf('location /q { weir_policy q; }'));
my $mark = length $t->error_log;
$t->signal('HUP');
wait_for { substr($t->error_log, $mark) =~ /\[emerg\]/ } 15, 'a refusal';
other_worker();

is(length http_get($t->port, '/f.txt')->body, 208894, 'plain nginx goes on');

$t->http_conf(conf(''));
ok($t->reload, 'Weir again');
is(behaviour(), $expected, 'all of it');

done_testing();
