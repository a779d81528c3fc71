# COPY and MOVE (RFC 4918) write to the path that their Destination names: a
# policy that denies it must not be passed by this way.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/p.policy', <<'END');
language 1;
policy p;

permit files { who anyone; what * /files/**; what GET /read/**; }
permit own   { who authenticated; what * /home/{who}/**;
               if has identity.subject && path.who == identity.subject; }
deny   admin { what * /files/admin/**; what * /admin/**; }
END

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
weir_bundle %%TESTDIR%%/policies;
ISSUER

server {
    listen  127.0.0.1:%%PORT_0%%;

    weir_auth    corp optional;
    weir_policy  p;

    location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }

    location /files/any/ {
        satisfy     any;
        allow       all;
        proxy_pass  http://127.0.0.1:%%PORT_up%%;
    }

    location /files/odd/ {
        weir_path_allow  %2f //;
        proxy_pass       http://127.0.0.1:%%PORT_up%%;
    }

    location /off/ {
        weir_policy  off;
        weir_auth    off;
        proxy_pass   http://127.0.0.1:%%PORT_up%%;
    }
}
END

$t->run;

sub status_at {
    my ($host, $to) = @_;

    return http_request($t->port, 'COPY', '/files/a', headers => [
        Host => $host, Destination => $to])->status;
}


is(status_at('gw.test:81', 'http://gw.test:81/files/b'), 200, 'its own port');
is(status_at('gw.test:81', 'http://gw.test/files/b'), 400, 'no port');
is(status_at('gw.test:81', 'http://gw.test:82/files/b'), 400, 'another port');
is(status_at('gw.test:81', '/files/b'), 200, 'a path alone');


sub status {
    my ($method, $path, $to, @more) = @_;

    return http_request($t->port, $method, $path, headers => [
        Host => 'gw.test',
        (map { (Destination => $_) } ref $to ? @$to : $to), @more])->status;
}

for my $method ('COPY', 'MOVE') {

    for my $to ('/files/b', 'http://gw.test/files/b', '/files/b?x=/admin',
                'HTTP://GW.test/files/%62', 'https://gw.test/files/b/')
    {
        is(status($method, '/files/a', $to), 200, "$method to $to");
    }

    my $before = $up->count;

    for my $to ('/admin/x', '/admin', '/files/admin/x', '/%61dmin/x',
                '/read/x', '/elsewhere', 'http://gw.test/admin/x')
    {
        is(status($method, '/files/a', $to), $to =~ /dmin/ ? 403 : 401,
           "$method to $to");
        is(status($method, '/files/a', $to, bearer('alice')), 403,
           "$method to $to by alice");
    }

    for my $to ('/files/../admin/x', '/files/%2e%2e/admin/x', '//admin/x',
                '/files/a#/../admin', '/files/b;x', '/files%2fadmin', 'files/b',
                '../admin/x', '*', 'ftp://gw.test/files/b', 'http://gw.test',
                'http://gw.test?/files/b', 'http://evil.test/files/b',
                'http://gw.test@evil.test/files/b', 'http:///files/b',
                'http:/files/b', 'http://gw.test:81/files/b', ['/files/b', '/admin/x'],
                ['/files/b', '/files/b'])
    {
        is(status($method, '/files/a', $to), 400, "$method to "
           . (ref $to ? "@$to" : $to));
    }

    # a deny is final, whatever else admits; no permit is not

    is(status($method, '/files/any/a', '/admin/x', bearer('alice')), 403,
       "$method, satisfy any: a deny");
    is(status($method, '/files/any/a', '/files/../x', bearer('alice')), 400,
       "$method, satisfy any: ambiguous");

    is(status($method, '/home/alice/a', '/home/bob/a', bearer('alice')), 403,
       "$method: captures are those of the destination");

    is($up->count, $before, "$method: the upstream saw none of them");

    is(status($method, '/home/alice/a', '/home/alice/b', bearer('alice')), 200,
       "$method within one's own");
    is(status($method, '/files/odd/a', '/files/odd//b%2fc'), 200,
       "$method: what the location admits");
    is(status($method, '/off/a', '/admin/x'), 200, "$method without a policy");
    is(status($method, '/files/a', []), 200,
       "$method without a destination is the upstream's to refuse");
}

# for other methods the header is one like others

is(status('GET', '/files/a', '/admin/x'), 200, 'GET');
is(status('PUT', '/files/a', '../x'), 200, 'PUT');

done_testing();
