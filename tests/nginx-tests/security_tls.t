# security.md 1.7 and 1.4 over TLS: early data is not decided about, and the
# server that a request comes to is the one whose policy counts, whatever name
# the handshake gave.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$t->make_cert($_, san => "DNS:$_") for qw(a.test b.test);

$t->file('policies/a.policy', <<'EOF2');
language 1;
policy a;
permit all  { who anyone; what * /**; }
deny secret { what * /secret/**; }
EOF2

$t->file('policies/b.policy', <<'EOF2');
language 1;
policy b;
permit alice { who subject alice issuer corp; what * /**; }
permit same  { who anyone; what * /same/**;
               if has tls.sni && tls.sni == request.host; }
EOF2

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

ssl_protocols   TLSv1.2 TLSv1.3;
ssl_early_data  on;
ssl_session_tickets  on;
ssl_session_cache    none;
weir_strip_headers   X-Strip;

server {
    listen       127.0.0.1:%%PORT_0%% ssl http2;
    server_name  a.test;
    ssl_certificate      %%TESTDIR%%/a.test.crt;
    ssl_certificate_key  %%TESTDIR%%/a.test.key;

    error_page  497 =200 @page;

    location / {
        weir_policy  a;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /off/ {
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /auth/ {
        weir_auth    corp;
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location /closed/ {
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }

    location @page {
        weir_policy  off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }
}

server {
    listen       127.0.0.1:%%PORT_0%% ssl http2;
    server_name  b.test;
    ssl_certificate      %%TESTDIR%%/b.test.crt;
    ssl_certificate_key  %%TESTDIR%%/b.test.key;

    location / {
        weir_auth    corp optional;
        weir_policy  b;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }
}
EOF2

$t->run;

my $port = $t->port;

# ---- early data

# The client can finish its handshake only once it has read the server's part
# of it.  A relay holds that back until the first request is in the log: so it
# is decided about in time, and not, as may happen, when the end of the
# handshake has come as well (which makes it as good as any other).

my $hold = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $t->port('hold'), Listen => 8,
    ReuseAddr => 1) or die "port: $!";

sub logged { return scalar(() = $t->access_log =~ /\n/g) }

sub relay {
    my ($client, $server) = @_;

    my $seen = logged();
    my $select = IO::Select->new($client, $server);
    my $end = time() + 20 * Weir::Net::deadline_factor();
    my ($held, $released) = ('', 0);

    while ($select->count == 2) {
        for my $from ($select->can_read(0.01)) {
            if (!sysread $from, my $data, 65536) {
                $select->remove($from);
            } elsif ($from == $client) {
                syswrite $server, $data;
            } elsif ($released) {
                syswrite $client, $data;
            } else {
                $held .= $data;
            }
        }

        if (!$released && logged() > $seen) {
            syswrite $client, $held;
            $released = 1;
        }

        if (!$released && time() > $end) {
            warn "nothing that came early was decided about\n";
            return;
        }
    }

    syswrite $client, $held unless $released;
}

$t->spawn(sub {

    # nginx may have closed before the client's part of the handshake comes

    local $SIG{PIPE} = 'IGNORE';

    while (my $client = $hold->accept) {
        my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                           PeerPort => $port) or next;
        relay($client, $server);
        $_->close for $client, $server;
    }
});

# a relay that is no more refuses connections, and keeps nobody waiting

close $hold;

sub s_client {
    my ($stdin, @args) = @_;

    my $to = grep({ $_ eq '-early_data' } @args) ? $t->port('hold') : $port;
    my ($rc, $out, $err) = $t->execute(
        ['openssl', 's_client', '-connect', "127.0.0.1:$to", '-servername',
         'a.test', '-tls1_3', '-ign_eof', @args], stdin => $stdin);
    return $out . $err;
}

sub request {
    my ($path, $close, @headers) = @_;
    return join "\r\n", "GET $path HTTP/1.1", 'Host: a.test', @headers,
                        $close ? 'Connection: close' : (), '', '';
}

sub early {
    my ($path, $then, @headers) = @_;

    my $session = $t->path('session');
    unlink $session;

    s_client(request('/off/session', 1), '-sess_out', $session);
    return () unless -s $session;

    $up->clear;
    spew($t->path('early'), request($path, !$then, @headers));

    my $out = s_client($then || '', '-sess_in', $session, '-early_data',
                       $t->path('early'));

    return ($out =~ /Early data was accepted/ ? 1 : 0,
            join ' ', $out =~ m{HTTP/1\.1 (\d\d\d) }g);
}

for my $case (
    ['/off/x', 200], ['/x', 425], ['/secret/x', 425], ['/auth/x', 425],
    ['/closed/x', 403],
) {
    my ($path, $status) = @$case;
    my ($accepted, $got) = early($path);

    SKIP: {
        skip 'this OpenSSL gave no session', 3 unless defined $accepted;

        is($accepted, 1, "$path: sent early");
        is($got, $status, 'its status');
        is($up->count, $status == 200 ? 1 : 0, 'upstream');
    }
}

my ($name, $token) = bearer('alice');
is((early('/auth/x', '', "$name: $token"))[1], 425, 'nor with a token');

# the same again, once the handshake is over

is((early('/x', request('/x', 1)))[1], '425 200', 'and then as ever');
is((early('/secret/x', request('/secret/x', 1)))[1], '425 403',
   'a deny is a deny');
is((early('/off/x', request('/x', 1)))[1], '200 200', 'one after the other');

# ---- names

sub ask {
    my ($sni, $host, $path, @headers) = @_;

    $up->clear;
    return http_get($port, $path, tls => { SSL_hostname => $sni },
                    host_header => $host, headers => \@headers)->status
           . ' ' . $up->count;
}

my @alice = bearer('alice');

for my $case (
    # SNI, Host, path, status and whether upstream got it

    ['a.test', 'a.test', '/x', '200 1'],
    ['a.test', 'a.test', '/secret/x', '403 0'],
    ['b.test', 'a.test', '/secret/x', '403 0'],
    ['', 'a.test', '/secret/x', '403 0'],
    ['other.test', 'a.test', '/secret/x', '403 0'],
    ['b.test', 'a.test', '/x', '200 1'],
    ['b.test', 'b.test', '/x', '401 0'],
    ['a.test', 'b.test', '/x', '401 0'],
    ['', 'b.test', '/x', '401 0'],
    ['a.test', 'B.TEST', '/x', '401 0'],
    ['a.test', 'b.test.', '/x', '401 0'],
    ['a.test', 'b.test:443', '/x', '401 0'],
    ['b.test', 'b.test', '/same/x', '200 1'],
    ['B.TEST', 'b.test', '/same/x', '200 1'],
    ['a.test', 'b.test', '/same/x', '401 0'],
    ['', 'b.test', '/same/x', '401 0'],
    ['a.test', 'b.test', '/x', '200 1', @alice],
    ['b.test', 'unknown.test', '/secret/x', '403 0'],
    ['b.test', 'unknown.test', '/closed/x', '403 0'],
) {
    my ($sni, $host, $path, $expected, @headers) = @$case;
    is(ask($sni, $host, $path, @headers), $expected,
       "SNI '$sni', Host $host: $path");
}

# HTTP/2: several hosts on one connection, each decided for itself

my $c = http2($port, tls => { SSL_hostname => 'a.test' });

for my $case (['a.test', '/x', 200], ['b.test', '/x', 401],
              ['a.test', '/secret/x', 403], ['b.test', '/same/x', 401],
              ['a.test', '/off/x', 200])
{
    my ($host, $path, $status) = @$case;
    is($c->request('GET', $path, authority => $host)->status, $status,
       "HTTP/2 by a.test's handshake: $host$path");
}

$c->close;

# a plain request to the port of TLS, whose page is proxied

$up->clear;
my $r = http($port, "GET /secret/x HTTP/1.1\r\nHost: a.test\r\n"
             . "X-Strip: evil\r\nX-Keep: kept\r\n\r\n");
is($r->status, 200, 'a page for a plain request');
is($up->count, 1, 'from upstream');
is($up->last->header('X-Strip'), undef, 'stripped');
is($up->last->header('X-Keep'), 'kept', 'not more');

done_testing();
