# Header surgery: what weir_strip_headers names is gone, wherever it stood in
# the list, whatever module sends the list on, and nothing else is touched.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::CGI;

my $t = Weir::Test->new(workers => 1);

# the answer is what was got: one line for each header

my @echo = (handler => sub {
    my ($r) = @_;
    return { body => join '', map { "$_->[0]: $_->[1]\n" } $r->headers };
});

Weir::Upstream->new($t, port => 'http', @echo);
Weir::Upstream->new($t, port => 'grpc', h2 => 1, @echo);
Weir::CGI->new($t, port => $_, protocol => $_, @echo)
    for qw(fastcgi uwsgi scgi);

$t->http_conf(<<'EOF2');
log_format  seen  '$uri [$http_x_strip|$http_x_keep_0|$remote_user|'
                  '$cookie_a|$http_user_agent]';
access_log  %%TESTDIR%%/access.log seen;

upstream http {
    server     127.0.0.1:%%PORT_http%%;
    keepalive  4;
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;

    underscores_in_headers  on;
    ignore_invalid_headers  off;
    client_header_buffer_size    16k;
    large_client_header_buffers  4 64k;

    weir_strip_headers  X-Strip X-Pre-* Te-St;
    weir_strip_headers  x_under;
    weir_pass_headers   X-Pre-Keep X-Pre-Open-*;

    proxy_buffer_size  64k;
    proxy_buffers      4 64k;
    grpc_buffer_size   64k;
    fastcgi_buffer_size  64k;
    fastcgi_buffers    4 64k;
    uwsgi_buffer_size  64k;
    uwsgi_buffers      4 64k;
    scgi_buffer_size   64k;
    scgi_buffers       4 64k;

    location / {
        proxy_pass          http://http;
        proxy_http_version  1.1;
        proxy_set_header    Connection "";
    }

    location /grpc {
        grpc_pass  127.0.0.1:%%PORT_grpc%%;
    }

    location /fastcgi {
        fastcgi_pass   127.0.0.1:%%PORT_fastcgi%%;
        fastcgi_param  REQUEST_METHOD  $request_method;
        fastcgi_param  REQUEST_URI     $request_uri;
    }

    location /uwsgi {
        uwsgi_pass   127.0.0.1:%%PORT_uwsgi%%;
        uwsgi_param  REQUEST_METHOD  $request_method;
        uwsgi_param  REQUEST_URI     $request_uri;
    }

    location /scgi {
        scgi_pass   127.0.0.1:%%PORT_scgi%%;
        scgi_param  REQUEST_METHOD  $request_method;
        scgi_param  REQUEST_URI     $request_uri;
        scgi_param  CONTENT_LENGTH  0;
    }

    location /set {
        weir_trace  on;
        proxy_pass  http://127.0.0.1:%%PORT_http%%;
    }

    location /auth {
        proxy_pass  http://127.0.0.1:%%PORT_http%%;
        proxy_set_header  X-Remote $remote_user;
    }
}

server {
    listen  127.0.0.1:%%PORT_other%%;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_http%%;
    }
}

server {
    listen  127.0.0.1:%%PORT_wide%%;
    weir_strip_headers  Authorization Cookie Referer User-Agent Accept
                        X-Forwarded-For Range If-Range If-Modified-Since
                        Content-Type Upgrade;

    location / {
        proxy_pass  http://127.0.0.1:%%PORT_http%%;
        proxy_set_header  X-Remote $remote_user;
        proxy_set_header  X-Cookie $cookie_a;
        proxy_set_header  X-Chain  $proxy_add_x_forwarded_for;
        proxy_set_header  X-Seen
            "$http_cookie$http_user_agent$http_referer$content_type";
    }
}
EOF2

$t->run;

# one connection for all requests of a kind

my %c;

sub ask {
    my ($via, $list) = @_;

    my ($r, $name);

    if ($via eq 'h2') {
        my $c = $c{h2};
        $c = $c{h2} = http2($t->port('h2')) if !$c || $c->{goaway};
        $r = $c->request('GET', '/', headers => [map { [lc $_->[0], $_->[1]] }
                                                 @$list]);
    } else {
        my $c = $c{h1};
        $c = $c{h1} = Weir::HTTP->new(port => $t->port)
            if !$c || ++$c->{asked} % 500 == 0;
        $r = $c->request('GET', $via eq 'http' ? '/' : "/$via",
                         headers => $list, host_header => undef);
    }

    return undef unless $r && $r->status == 200;
    return $r->body;
}


# The names that arrived, of those that a test sends: lower case, with "-".

sub arrived {
    my ($body) = @_;

    return 'no answer' unless defined $body;

    my @names;

    for (split /\n/, $body) {
        my ($name, $value) = /^([^:]+): (.*)$/ or next;
        $name =~ s/^HTTP_//;
        $name = lc $name;
        $name =~ tr/_/-/;
        push @names, "$name=$value"
            if $name =~ /^(?:xx?-|cookie|authorization|te-st)/
               && $name !~ /^x-forwarded|^x-real/;
    }

    return join ' ', sort @names;
}


sub expected {
    my ($list) = @_;

    return join ' ', sort map { (my $n = lc $_->[0]) =~ tr/_/-/;
                                "$n=$_->[1]" }
                     grep { $_->[0] !~ /^host$/i
                            && $_->[0] !~ /^x[-_]strip$|^x[-_]pre[-_]x/i
                            && $_->[0] !~ /^te[-_]st$|^x[-_]under$/i }
                     @$list;
}


# n headers, those at the positions given (from 0) to be stripped; Host is
# the first, unless it is to be the last.

sub list {
    my ($n, $positions, %o) = @_;

    my %strip = map { $_ => 1 } @$positions;
    my @names = $o{names} ? @{ $o{names} } : ('X-Strip');
    my ($k, $s) = (0, 0);

    my @list = map { $strip{$_} ? [$names[$s++ % @names], "evil$s"]
                                : ["X-Keep-" . $k, 'v' . $k++] } 0 .. $n - 1;

    return $o{host_last} ? [@list, ['Host', 'localhost']]
                         : [['Host', 'localhost'], @list];
}


my @vias = qw(http h2 grpc fastcgi uwsgi scgi);

# the positions that the list's parts of 20 make interesting

my %cases;

for my $n (1, 2, 3, 18, 19, 20, 21, 22, 39, 40, 41, 60, 61) {
    my %at = map { $_ => 1 } grep { $_ >= 0 && $_ < $n }
             0, 1, int($n / 2), 18, 19, 20, 21, 38, 39, 40, $n - 2, $n - 1;

    $cases{"$n:$_"} = [$n, [$_]] for keys %at;
    $cases{"$n:all"} = [$n, [0 .. $n - 1]];
    $cases{"$n:odd"} = [$n, [grep { $_ % 2 } 0 .. $n - 1]];
    $cases{"$n:even"} = [$n, [grep { $_ % 2 == 0 } 0 .. $n - 1]];
    $cases{"$n:ends"} = [$n, [0, $n - 1]] if $n > 1;
    $cases{"$n:but first"} = [$n, [1 .. $n - 1]] if $n > 1;
    $cases{"$n:but last"} = [$n, [0 .. $n - 2]] if $n > 1;
    $cases{"$n:first part"} = [$n, [0 .. 18]] if $n > 19;
    $cases{"$n:second part"} = [$n, [19 .. ($n > 39 ? 38 : $n - 1)]]
        if $n > 19;
    $cases{"$n:from the second"} = [$n, [19 .. $n - 1]] if $n > 19;
    $cases{"$n:none"} = [$n, []];
}

my $total = 0;

for my $via (@vias) {
    my @bad;

    for my $case (sort keys %cases) {
        my ($n, $positions) = @{ $cases{$case} };

        for my $last (0, 1) {
            next if $last && $via eq 'h2';

            my $list = list($n, $positions, host_last => $last);
            my $got = arrived(ask($via,
                $via eq 'h2' ? [grep { $_->[0] ne 'Host' } @$list] : $list));

            $total++;
            push @bad, "$case host_last=$last: $got"
                if $got ne expected($list);
        }
    }

    is(join("\n", @bad[0 .. ($#bad > 5 ? 5 : $#bad)]), '',
       "$via: every position");
}

# random lists, the seed fixed: each spelling, in any mixture

srand 20261122;

my @spellings = ('X-Strip', 'x-strip', 'X_Strip', 'x_sTRIP', 'X-STRIP',
                 'X-Pre-X', 'x_pre-xy', 'x-pre_x', 'X-Under', 'x_under',
                 'te-st', 'Te_St');
my @others = ('X-Stri', 'X-Strips', 'X-Strip-X', 'X-Pre', 'XX-Strip',
              'X-Pre-Keep', 'x_pre_keep', 'X-Pre-Open-A', 'X-Unde',
              'X-Under-X', 'Te-Stx', 'Authorization', 'Cookie');

for my $via (@vias) {
    my @bad;

    for my $round (1 .. 60) {
        my $n = 1 + int rand 70;
        my $density = rand;
        my %once;
        my @list;

        for my $i (1 .. $n) {
            my $name = rand() < $density ? $spellings[rand @spellings]
                       : rand() < 0.3    ? $others[rand @others]
                                         : "X-K$i";

            # CGI joins what is repeated, and nginx takes one Authorization

            next if $name !~ /^(?:x.strip$|x.pre.x|x.under$|te.st$)/i
                    && $once{lc($name) =~ tr/_/-/r}++;

            push @list, [$name, "v$i"];
        }

        my $at = int rand @list + 1;
        my $expected = expected(\@list);

        splice @list, $at, 0, ['Host', 'localhost'] unless $via eq 'h2';

        my $got = arrived(ask($via, \@list));

        $total++;
        push @bad, "$round: got $got\n  expected $expected"
            if $got ne $expected;
    }

    is(join("\n", @bad[0 .. ($#bad > 2 ? 2 : $#bad)]), '',
       "$via: random lists");
}

cmp_ok($total, '>', 1500, 'that many lists');

# order and repetition survive

my $r = http_request($t->port, 'GET', '/', headers => [
    ['X-A', 1], ['X-Strip', 'e'], ['X-A', 2], ['X_Strip', 'e'], ['X-B', 3],
    ['X-Strip', 'e'], ['X-A', 4]]);
is(join(' ', $r->body =~ /^(X-[AB]: \d)$/mg),
   'X-A: 1 X-A: 2 X-B: 3 X-A: 4', 'order and repeated headers');

# a name with another byte, where the operator lets such names in

$r = http($t->port, "GET / HTTP/1.1\r\nHost: localhost\r\n"
                    . "X.Strip: e1\r\nX!Strip: e2\r\nX~Pre~Xx: e3\r\n"
                    . "X-Keep: v\r\nConnection: close\r\n\r\n");
unlike($r->body, qr/e[123]/, 'folded: any other byte is a hyphen');
like($r->body, qr/^X-Keep: v$/m, 'the rest stays');

# what nginx points to stays in its place

for my $at (0 .. 4) {
    my @list = (['Authorization', 'Basic dTpw'], ['Cookie', 'a=1'],
                ['Cookie', 'b=2'], ['User-Agent', 'ua']);
    splice @list, $at, 0, ['X-Strip', 'e'];

    $r = http_request($t->port, 'GET', "/auth$at", headers => \@list);

    like($r->body, qr/^X-Remote: u$/m, "Authorization, stripped at $at");
    like($r->body, qr/^Authorization: Basic dTpw$/m, 'and sent');
    is(join(' ', $r->body =~ /^Cookie: (.*)$/mg), 'a=1 b=2', 'cookies');
    ok($t->wait_access_log(qr{^/auth$at \[-\|-\|u\|1\|ua\]$}m),
       'what variables read');
}

# headers that are set after the surgery

for my $n (1, 2, 19, 20, 21, 40, 41) {
    for my $case ([0], [$n - 1], [0 .. $n - 1], [grep { $_ % 2 } 0 .. $n - 1])
    {
        my $list = list($n, $case);
        my $c = $c{set} ||= Weir::HTTP->new(port => $t->port);
        my $got = $c->request('GET', '/set', headers => $list,
                              host_header => undef)->body;

        my @set = $got =~ /^(traceparent|X-Request-Id): \S+$/mgi;
        my @kept = $got =~ /^(X-Keep-\d+): v\d+$/mg;

        is(scalar(@set) . ' set ' . scalar(@kept) . ' kept',
           '2 set ' . ($n - @$case) . ' kept',
           "set after surgery: $n headers, stripped @$case");
    }
}

# the union is each server's

$r = http_get($t->port('other'), '/', headers => ['X-Strip', 'kept']);
like($r->body, qr/^X-Strip: kept$/m, 'another server strips nothing');

# what nginx keeps pointers to can be stripped, and is then unknown to it

$r = http_get($t->port('wide'), '/', headers => [
    Authorization => 'Basic dTpw', Cookie => 'a=1', Referer => 'r',
    'User-Agent' => 'ua', Accept => '*/*', 'X-Forwarded-For' => '1.2.3.4',
    Range => 'bytes=0-1', 'Content-Type' => 'text/x', 'X-Keep' => 'v',
    Cookie => 'b=2', 'X-Forwarded-For' => '5.6.7.8']);
is($r->status, 200, 'stripped pointers');
unlike($r->body, qr/^(?:Authorization|Cookie|Referer|User-Agent|Accept
                     |X-Forwarded-For|Range|Content-Type):/mx,
       'none of them is sent');
like($r->body, qr/^X-Chain: 127\.0\.0\.1$/m, 'X-Forwarded-For is forgotten');
unlike($r->body, qr/^X-(?:Remote|Cookie|Seen):/m, 'variables are empty');
like($r->body, qr/^X-Keep: v$/m, 'the rest stays');

$c{$_}->close for keys %c;

done_testing();
