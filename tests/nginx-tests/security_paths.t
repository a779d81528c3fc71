# security.md 1.1 to 1.3: whatever spelling of a path a client thinks of,
# nothing that any upstream could read as a denied path gets there, and what
# is written plainly always does.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/gate.policy', <<'EOF2');
language 1;
policy gate;

permit users { who anyone; what * /t/**; }
permit cut   { who anyone; what * /p/**; }
permit moved { who anyone; what * /r/**; }
permit both  { who anyone; what * /i/**; }
deny t-admin { what * /t/admin/**; }
deny p-admin { what * /p/admin/**; }
deny r-admin { what * /r/admin/**; }
deny i-admin { what * /i/admin/**; }
deny admin   { what * /admin/**; }
EOF2

my $locations = <<'EOF2';
    weir_policy  gate;

    location / {
        proxy_pass  http://u;
    }

    location /p/ {
        proxy_pass  http://u/;
    }

    location /r/ {
        rewrite     ^/r/(.*)$  /$1  break;
        proxy_pass  http://u;
    }

    location /i/ {
        proxy_pass  http://u$request_uri;
    }

    location ~ ^/t/re/(.*) {
        proxy_pass  http://u;
    }
EOF2

$t->http_conf(<<"EOF2");
weir_bundle  %%TESTDIR%%/policies;

upstream u {
    server     127.0.0.1:%%PORT_up%%;
    keepalive  4;
}

proxy_http_version  1.1;
proxy_set_header    Connection  "";

server {
    listen  127.0.0.1:%%PORT_0%%;
    listen  127.0.0.1:%%PORT_h2%% http2;
    $locations
}

server {
    listen  127.0.0.1:%%PORT_unmerged%%;
    merge_slashes  off;
    $locations
}
EOF2

$t->run;

# ---- the corpus

my @dots = ('..', '.', '%2e%2e', '%2E%2e', '.%2e', '%2e.', '%2e', '..;',
            '..;a=b', ';/..', '.;', '%2e%2e;', '...', '....', '.. ', '..%20',
            '..%09', '..%00', '%00..', '..%0d%0a', '..%7f', '..%2500',
            '%252e%252e', '%25252e%25252e', '..%3b', '..%23', '..%3f',
            '%c0%ae%c0%ae', '%c0%2e%c0%2e', '%e0%80%ae%e0%80%ae',
            '%uff0e%uff0e', '%u002e%u002e', '%ef%bc%8e%ef%bc%8e',
            '..%c0%80', "..\x01", "..\x7f", "..\xa0", "..\xc2\xa0", '..\\',
            '\\..', '..%5c', '..%255c', '%5c..', '.%00.', '.%0a.', '.\\.',
            '..a', 'a..', 'a/..', 'a//..', 'a/b/../..', '%2f..', '..%2f',
            '..%252f', '..%c0%af', '..%e0%80%af', '..%ef%bc%8f', '..%u2215');

my @seps = ('/', '//', '///', '/./', '%2f', '%2F', '/%2f', '%2f/', '%252f',
            '\\', '%5c', '/\\', '\\/', '%255c', '/;/', ';/', '/;a/', '%3b/',
            '/%3b/', '/%20/', '/%00/', '/%2e/', '/%2e%2e/x/../', '%c0%af',
            '%e0%80%af', '%ef%bc%8f', '%u2215', '%u002f', "/\x01/", '/.;/',
            '/%09/', '/ /', '/..;/t/', '/.%00/', '/x/..', '/x/../');

my @names = ('admin', '%61dmin', 'a%64min', '%61%64%6d%69%6e', 'admi%6e',
             'admin/', 'admin//', 'admin/.', 'admin/./', 'admin/..',
             'admin/../admin', 'admin/x', 'admin/x/../y', 'admin;',
             'admin;x=y', 'admin;/x', 'admin%3b', 'admin%3bx', 'admin#',
             'admin#x', 'admin%23', 'admin%23x', 'admin?', 'admin?x',
             'admin%3f', 'admin%3fx', 'admin%00', 'admin%00.png',
             'admin%2500', 'admin%0a', 'admin%0d', 'admin%09', 'admin%20',
             'admin%2e', 'admin%2f', 'admin%2fx', 'admin%5c', 'admin\\',
             'admin\\x', 'admin/%2e', 'admin/%2e%2e/admin', 'admin%7f',
             "admin\x01", "admin\x80", 'admin%80', 'admin%c0%80',
             '%2561dmin', '%252561dmin', '%u0061dmin', 'admin%252f',
             'admin%25', 'admin%', 'admin%2', 'admin%zz', 'admin/..;/admin',
             './admin', '../t/admin', 'x/../admin', 'x/%2e%2e/admin',
             'x/..%2fadmin', 'x%2f..%2fadmin', 'x/..;/admin', 'x;/../admin',
             'x/.././admin', 'x//../admin', '.;/admin', ';/admin',
             ';x=y/admin', '%3b/admin', '%20/../admin', '%2e/admin',
             'x#/../admin', 'x#/../../admin', 'x?/../admin', 'x%3f/../admin',
             'x%23/../admin', 'x\\..\\admin', 'x%5c..%5cadmin',
             'x/..\\admin', 'x/%252e%252e/admin', 'x/.%252e/admin');

my @attacks;

for my $base ('/t', '/p', '/r', '/i', '/t/re', '') {
    push @attacks, map { "$base/$_" } @names;
    push @attacks, map { ("$base/x/$_/admin", "$base/$_/admin/x",
                          "$base/x/$_/$_/admin", "$base$_/admin",
                          "$base/x/${_}admin") } @dots;
    push @attacks, map { ("$base${_}admin", "$base${_}admin${_}x",
                          "$base/x${_}..${_}admin",
                          "$base/x${_}%2e%2e${_}admin") } @seps;
}

# what is not even a path

push @attacks, 'admin', '*', 'http:/admin', 'http:///admin', '//admin',
    '/', '?/admin', '#/admin', '\\admin', '%2fadmin', './admin', '../admin',
    'http://localhost/t/../admin', 'http://localhost/t/%2e%2e/admin',
    'http://localhost/admin', 'http://localhost//admin',
    'http://localhost/t/x#/../../admin', 'http://localhost?/admin',
    'http://localhost#/admin', 'http://localhost\\admin',
    'HTTP://LOCALHOST/admin', 'https://localhost/admin', 'a:b/admin',
    'http://localhost:80/admin', 'http://localhost:/admin',
    'http://localhost/t/admin?', '/t/' . 'x/../' x 50 . 'admin',
    '/t' . '/a' x 300 . '/../admin', '/t' . '/.' x 100 . '/admin',
    '/' . '%2e/' x 20 . 'admin', "/t/\0/admin", "/t/x\t/../admin",
    "/t/x /../admin", '/t/' . '%c0%ae' x 2 . '/admin';

my %seen;
@attacks = grep { !$seen{$_}++ } @attacks;

my @legit = (
    '/t', '/t/', '/t/a', '/t/a/', '/t/a/b/c.json', '/t/administrator',
    '/t/adm', '/t/xadmin', '/t/x/admin', '/t/-/_/~', '/t/a.b', '/t/.well-known',
    '/t/a.', '/t/.a', '/t/a.b.c', '/t/v1.2', '/t/a%20b', '/t/%41', '/t/%7e',
    '/t/a+b', '/t/a,b', '/t/a=b', '/t/a@b', '/t/a:b', '/t/a!b', "/t/a'b",
    '/t/(a)', '/t/a*b', '/t/a$b', '/t/a&b', '/t/%c3%a9', '/t/%E2%82%AC',
    '/t/%f0%9f%8c%8a', '/t/%28a%29', '/t/%26', '/t/%3d', '/t/%3D', '/t/%40',
    '/t/a%2Cb', '/t/%22', '/t/%3c%3e', '/t/%7b%7d', '/t/%5b%5d', '/t/%5e',
    '/t/%60', '/t/%7c', '/t/a|b', '/t/{a}', '/t/[a]', '/t/a?', '/t/a?b',
    '/t/a?b=c&d=e', '/t/a?b=%2e%2e/%2fadmin', '/t/a?../../admin', '/t/a?x=;y',
    '/t/a?x=//y', '/t/a?x=\\', '/t/a?url=http://localhost/admin',
    '/t/a?%00', '/t/a?x=%ff', '/t/a??', '/t/a?/', '/t/ADMIN', '/t/Admin/x',
    '/t/a%2db', '/t/a%5fb', '/t/%e6%b0%b4/%e8%b7%af', '/t/~user/x',
    '/t' . '/a' x 200, '/t/' . 'a' x 3000, '/t/re/x', '/t/re/a%20b',
    '/p/', '/p/a', '/p/a/b', '/p/a%20b', '/r/t', '/r/a/b', '/r/a%20b',
    '/i/a', '/i/a%20b?c=d', '/i/%c3%a9', '/t/x/%61dmin',
);

# ---- run

my %statuses;


# Asks on a connection that is kept as long as it can be.

sub asker {
    my ($port) = @_;

    my $c;

    return sub {
        my ($target, $method) = @_;

        for (1 .. 2) {
            my $new = !$c;
            $c ||= Weir::HTTP->new(port => $port);
            $c->send(($method || 'GET') . " $target HTTP/1.1\r\n"
                     . "Host: localhost\r\n\r\n");
            my $r = $c->response;

            my $close = !$r || lc($r->header('Connection') || '') eq 'close';
            if ($close) { $c->close; undef $c }

            return $r if $r || $new;
        }

        return undef;
    };
}


sub forbidden {
    my ($target) = @_;
    return grep { m{^/(?:[tpri]/)?admin(?:/|$)} } readings($target);
}


sub run {
    my ($name, $ask) = @_;

    $up->clear;
    my @bad;

    for my $target (@attacks) {
        my $r = $ask->($target);
        my $status = $r ? $r->status : 'closed';
        $statuses{$status}++;
        push @bad, "$status for $target" if $status =~ /^(?:[15]|30)/;
    }

    is(join("\n", @bad), '', "$name: " . @attacks . ' attacks, no odd answer');

    my @through = grep { forbidden($_->target) } $up->requests;

    is(join("\n", map { $_->target } @through), '',
       "$name: nothing forbidden gets through");

    $up->clear;
    @bad = ();

    for my $target (@legit) {
        my $r = $ask->($target);
        push @bad, ($r ? $r->status : 'closed') . " for $target"
            if !$r || $r->status != 200;
    }

    is(join("\n", @bad), '', "$name: " . @legit . ' plain requests pass');

    my @got = map { $_->target } $up->requests;
    my @sent = map { s{^/p/}{/}r =~ s{^/r/}{/}r } @legit;

    is(join("\n", @got), join("\n", @sent), 'and go on as they came');
}


run('HTTP/1.1', asker($t->port));
run('unmerged slashes', asker($t->port('unmerged')));

my $c = http2($t->port('h2'));

run('HTTP/2', sub {
    my ($target) = @_;

    $c = http2($t->port('h2')) if $c->{goaway} || $c->{eof};
    my $r = $c->request('GET', $target);

    undef $r if $r && !$r->status;
    return $r;
});

note(join ' ', map { "$_:$statuses{$_}" } sort keys %statuses);
cmp_ok($statuses{400}, '>', 1000, 'most are refused as ambiguous');
cmp_ok($statuses{403}, '>', 20, 'some are read, and denied');

# the oracle knows an attack when it sees one

ok(forbidden($_), "the test's own reader: $_") for
    '/t/admin', '/admin/x', '/t/x/..%2fadmin', '/t/x%2f%2e%2e%2fadmin',
    '/t/x/..;/admin', '/t/x#/../../admin', '/t/%2561dmin', '/t/admin%00.png',
    '/t\\admin', '/t/%c0%ae%c0%ae/admin', '/t/./admin', "/t/adm%0ain",
    '//admin', '/t/admin;x';
ok(!forbidden($_), "and what is none: $_") for '/t/administrator', '/t/a',
    '/t/x/admin', '/t/a?x=/admin';

done_testing();
