# security.md 1.7: only a WebSocket is a tunnel; what a client says of the
# connection takes nothing away from what the upstream gets.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::WebSocket;
use Weir::Gate;


# An upstream that answers 101 as told and records what comes through then.

package Tunnel;

use parent -norequire, 'Weir::Upstream';

sub respond {
    my ($self, $c, $r, $answer) = @_;

    return $self->SUPER::respond($c, $r, $answer) unless $answer->{tunnel};

    $c->send($answer->{tunnel});

    my $bytes = $c->read_n(1, time() + 3);
    $self->record(Weir::Upstream::Request->new({
        line => 'tunnel', body => $bytes, headers => [] }))
        if defined $bytes;

    $answer->{close} = 1;
}


package main;

my $t = Weir::Test->new(workers => 1);

my %switch = (
    websocket => "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    h2c       => "Upgrade: h2c\r\nConnection: Upgrade\r\n",
    nothing   => '',
    two       => "Upgrade: websocket\r\nUpgrade: h2c\r\n"
                 . "Connection: Upgrade\r\n",
    list      => "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n",
    empty     => "Upgrade:\r\nConnection: Upgrade\r\n",
    tls       => "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n",
);

my $up = Tunnel->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    my ($kind) = $r->target =~ m{^/\w+/(\w+)} or return {};

    return { websocket => 1 } if $kind eq 'echo';
    return { body => 'ok' } if $kind eq 'plain';
    return { tunnel => "HTTP/1.1 101 Switching\r\n$switch{$kind}\r\n" };
});

$t->file('policies/all.policy', <<'EOF2');
language 1;
policy all;
permit all { who anyone; what * /**; }
EOF2

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

map $http_upgrade $connection_upgrade {
    default  upgrade;
    ''       close;
}

proxy_http_version  1.1;

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;

    weir_auth    corp optional;
    weir_policy  all;
    weir_identity_header  X-Weir-Subject $weir_subject;

    location / {
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  Upgrade     $http_upgrade;
        proxy_set_header  Connection  $connection_upgrade;
    }

    # as some write it

    location /always/ {
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  Upgrade     $http_upgrade;
        proxy_set_header  Connection  "upgrade";
    }

    location /as_is/ {
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  Upgrade     $http_upgrade;
        proxy_set_header  Connection  $http_connection;
    }

    location /off/ {
        weir_auth         off;
        weir_policy       off;
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  Upgrade     $http_upgrade;
        proxy_set_header  Connection  $http_connection;
    }
}

server {
    listen  127.0.0.1:%%PORT_bare%%;
    server_name  bare;

    location / {
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
        proxy_set_header  Upgrade     $http_upgrade;
        proxy_set_header  Connection  $http_connection;
    }
}
EOF2

$t->run;

my $key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          . "Sec-WebSocket-Version: 13\r\n";
my $conn = "Connection: Upgrade\r\n";

my @clients = (
    ['h2c', "${conn}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"],
    ['h2c, settings named', "Connection: Upgrade, HTTP2-Settings\r\n"
     . "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"],
    ['h2c with a key', "$conn${key}Upgrade: h2c\r\n"],
    ['h2', "$conn${key}Upgrade: h2\r\n"],
    ['no key', "${conn}Upgrade: websocket\r\n"],
    ['two keys', "$conn$key${key}Upgrade: websocket\r\n"],
    ['a list', "$conn${key}Upgrade: websocket, h2c\r\n"],
    ['a list, reversed', "$conn${key}Upgrade: h2c, websocket\r\n"],
    ['a list without space', "$conn${key}Upgrade: h2c,websocket\r\n"],
    ['two', "$conn${key}Upgrade: websocket\r\nUpgrade: h2c\r\n"],
    ['two, reversed', "$conn${key}Upgrade: h2c\r\nUpgrade: websocket\r\n"],
    ['two, equal', "$conn${key}Upgrade: websocket\r\n"
     . "Upgrade: websocket\r\n"],
    ['empty', "$conn${key}Upgrade:\r\n"],
    ['TLS', "$conn${key}Upgrade: TLS/1.0\r\n"],
    ['a version', "$conn${key}Upgrade: websocket/13\r\n"],
    ['a parameter', "$conn${key}Upgrade: websocket;q=1\r\n"],
    ['quoted', "$conn${key}Upgrade: \"websocket\"\r\n"],
    ['a prefix', "$conn${key}Upgrade: web\r\n"],
    ['a tab', "$conn${key}Upgrade: websocket\th2c\r\n"],
    ['HTTP/2.0', "$conn${key}Upgrade: HTTP/2.0\r\n"],
    ['POST', "$conn${key}Upgrade: websocket\r\nContent-Length: 0\r\n",
     'POST'],
    ['PUT', "$conn${key}Upgrade: websocket\r\nContent-Length: 0\r\n", 'PUT'],
    ['HTTP/1.0', "$conn${key}Upgrade: websocket\r\n", 'GET', '1.0'],
    ['none at all', $key],
);

my @good = (
    ['websocket', "$conn${key}Upgrade: websocket\r\n"],
    ['capitals', "$conn${key}Upgrade: WebSocket\r\n"],
    ['a list of connections', "Connection: keep-alive, Upgrade\r\n"
     . "${key}Upgrade: websocket\r\n"],
);


# Sends a request and, whatever comes back, bytes for the tunnel.

sub try {
    my ($path, $headers, $method, $version) = @_;

    $up->clear;

    my $c = Weir::HTTP->new(port => $t->port);
    $c->send(($method || 'GET') . " $path HTTP/" . ($version || '1.1')
             . "\r\nHost: localhost\r\n$headers\r\n");
    my $r = $c->response;
    my $status = $r ? $r->status : 'closed';

    $c->send('x') if $status eq '101';
    eval { $up->wait_count(2, 3) } if $status eq '101';
    $c->close;

    return ($status, $r);
}


my @bad;
my $n = 0;

for my $way (qw(maps always as_is off)) {
    for my $client (@clients, $good[0]) {
        my ($name, $headers, $method, $version) = @$client;

        for my $kind (sort keys %switch) {
            next if $name eq 'websocket' && $kind eq 'websocket';

            my ($status) = try("/$way/$kind", $headers, $method, $version);
            my @got = $up->requests;
            $n++;

            push @bad, "$way: $name, 101 $kind: $status" if $status ne '502';
            push @bad, "$way: $name, 101 $kind: tunnel" if @got != 1;

            next if $name eq 'websocket' || !@got;

            push @bad, "$way: $name: Upgrade: "
                       . join '|', $got[0]->header('Upgrade')
                if defined $got[0]->header('Upgrade');
        }
    }
}

is(join("\n", @bad[0 .. ($#bad > 20 ? 20 : $#bad)]), '',
   "$n upgrades are no tunnels");

for my $way (qw(maps always off)) {
    for my $client (@good) {
        my ($name, $headers) = @$client;

        my ($status) = try("/$way/websocket", $headers);
        my @got = $up->requests;

        is($status, 101, "$way: $name");
        is($got[1] && $got[1]->body, 'x', 'the tunnel');
        like($got[0]->header('Upgrade'), qr/^websocket$/i, 'Upgrade goes on');
    }

    my $ws = websocket($t->port, "/$way/echo");
    ok($ws->{open}, "$way: a WebSocket opens");
    $ws->send_message('hello');
    is($ws->read_message, 'hello', 'and carries messages') if $ws->{open};
    $ws->close;
}

# an answer of its own when upstream refuses

my ($status, $r) = try('/maps/plain', $good[0][1]);
is($status, 200, 'an upgrade that upstream declines');

# the refusal of a 101 is ours

($status, $r) = try('/maps/h2c', $clients[0][1]);
is($r->header('Content-Type'), 'application/problem+json', 'whose page');
is($r->json->{status}, 502, 'what it says');

# HTTP/2 has no upgrades

$up->clear;
$r = http2_get($t->port('h2'), '/maps/plain', headers => [
    upgrade => 'websocket', 'sec-websocket-key' => 'x', connection =>
    'upgrade']);
is(scalar(grep { defined $_->header('Upgrade') } $up->requests), 0,
   'HTTP/2: no Upgrade goes on');

# what Connection names

my ($name, $token) = bearer('alice');

for my $case (
    ['X-Weir-Subject', undef],
    ['close, X-Weir-Subject', 'close'],
    ['X-Weir-Subject, close', 'close'],
    ['keep-alive, X-Weir-Subject', 'keep-alive'],
    ['close,x-weir-subject,Authorization', 'close'],
    ['Upgrade, X-Weir-Subject', undef],
    ["close\r\nConnection: X-Weir-Subject", 'close'],
    ["X-Weir-Subject\r\nConnection: close", 'close'],
    ["X-Weir-Subject\r\nConnection: X-Foo", undef],
    ['close;x', 'close'],
    ['Transfer-Encoding', undef],
    ['Content-Length, close', 'close'],
    ['Host', undef],
    ['close', 'close'],
    ['keep-alive', 'keep-alive'],
    ['Keep-Alive', 'keep-alive'],
) {
    my ($value, $expected) = @$case;

    for my $way (qw(as_is off)) {
        $up->clear;
        try("/$way/plain", "Connection: $value\r\n$name: $token\r\n");

        my ($got) = $up->requests;
        my @connection = $got->header('Connection');

        is(lc join('|', @connection), defined $expected ? $expected : '',
           "$way: Connection: " . $value =~ s/\r\n/ | /gr);
        is($got->header('X-Weir-Subject'), 'alice', 'our header goes on')
            if $way eq 'as_is';
    }
}

# a server that does not use Weir is as it was

my $c = Weir::HTTP->new(port => $t->port('bare'));
$c->send("GET /bare/h2c HTTP/1.1\r\nHost: bare\r\nUpgrade: h2c\r\n"
         . "Connection: Upgrade\r\n\r\n");
is($c->response->status, 101, 'another server: h2c passes');
$c->close;

done_testing();
