# Authentication beside nginx's own access modules, across internal redirects
# and for subrequests.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    return { headers => ['Content-Type', 'text/html'],
             body => '<!--#include virtual="/inner/a" -->|'
                     . '<!--#include virtual="/partner/a" -->|' }
        if $r->target =~ /ssi/;
    return { body => 'up:' . $r->target };
});

$t->file('jwks.json', $k->jwks($k->jwk('ES256', 'corp')));
$t->file('partner.json', $k->jwks($k->jwk('ES256', 'partner')));

$t->http_conf(<<'EOC');
    weir_zone 8m;

    weir_issuer corp {
        issuer   https://idp.example.com/;
        audience orders;
        jwks     jwks.json;
    }
    weir_issuer partner {
        issuer   https://partner.example.com/;
        audience orders;
        jwks     partner.json;
    }

    server {
        listen 127.0.0.1:%%PORT_gw%%;
        weir_auth corp;
        weir_policy off;

        location /any/ {
            satisfy any;
            allow 127.0.0.1;
            deny all;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /any-deny/ {
            satisfy any;
            deny all;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /all/ {
            deny all;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /asked/ {
            auth_request /ask;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location = /ask {
            internal;
            weir_auth off;
            proxy_pass http://127.0.0.1:%%PORT_up%%/asking;
        }
        location /partner/ {
            weir_auth partner;
            weir_identity_header X-Who $weir_principal;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /inner/ {
            weir_identity_header X-Who $weir_principal;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /to-partner/ {
            rewrite ^/to-partner(.*)$ /partner$1 last;
        }
        location = /try-partner {
            try_files /nothing /partner/tried;
        }
        location = /try-inner {
            try_files /nothing /inner/tried;
        }
        location /ssi {
            ssi on;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /open-ssi {
            weir_auth off;
            ssi on;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /page/ {
            error_page 401 /login;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location = /login {
            weir_auth off;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location /mirrored/ {
            mirror /mirror;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
        location = /mirror {
            internal;
            weir_auth off;
            weir_policy off;
            proxy_pass http://127.0.0.1:%%PORT_up%%/copy;
        }
    }
EOC

$t->run;

my $gw = $t->port('gw');

sub token {
    my ($who) = @_;
    my %iss = (corp => 'https://idp.example.com/',
               partner => 'https://partner.example.com/');
    return ['Authorization', 'Bearer ' . $k->mint(key => $who, claims => {
        iss => $iss{$who}, aud => 'orders', sub => 'alice' })];
}

my $corp = token('corp');
my $partner = token('partner');
my $bad = ['Authorization', 'Bearer a.b.c'];

sub get {
    my ($path, $auth) = @_;
    return http_get($gw, $path, headers => $auth || []);
}

# satisfy

is(get('/any/a')->status, 200, 'any: the address is enough');
is(get('/any/a', $corp)->status, 200, 'any: a token too');
is(get('/any/a', $bad)->status, 401, 'any: a bad token is final');
is(get('/any-deny/a')->status, 401, 'any, denied: nothing');
is(get('/any-deny/a', $corp)->status, 200, 'any, denied: a token is enough');
is(get('/any-deny/a', $bad)->status, 401, 'any, denied: a bad token');
is(get('/all/a', $corp)->status, 403, 'all: a token is not enough');
is(get('/all/a')->status, 401, 'all: nothing');

# auth_request

$up->clear;
is(get('/asked/a', $corp)->status, 200, 'auth_request');
my @seen = $up->requests;
is_deeply([map { $_->target } @seen], ['/asking', '/asked/a'], 'both asked');
is(scalar(grep { defined $_->header('Authorization') } @seen), 0,
   'neither got the token');

is(get('/asked/a', $bad)->status, 401, 'auth_request, a bad token');

# internal redirects

is(get('/to-partner/a', $corp)->status, 401, "corp's is none of partner's");
$up->clear;
is(get('/to-partner/a', $partner)->status, 200, 'the location in the end');
is($up->last->header('X-Who'), 'jwt:partner:alice', 'its identity');

is(get('/try-partner', $partner)->status, 401, 'the location before');
is(get('/try-partner', $corp)->status, 401, 'and the one after');
is(get('/try-inner', $corp)->status, 200, 'both satisfied');
is($up->last->header('X-Who'), 'jwt:corp:alice', 'the identity');
is($up->last->header('Authorization'), undef, 'the token is used');

# error_page

my $r = get('/page/a', $bad);
is($r->status, 401, 'error_page: the status');
is($r->body, 'up:/login', 'its page');
like($r->header('WWW-Authenticate'), qr/error="invalid_token"/,
     'the challenge says why');
$r = get('/page/a');
is($r->header('WWW-Authenticate'), 'Bearer realm="weir"', 'none was sent');

# subrequests

$up->clear;
is(get('/ssi', $corp)->body =~ /^up:\/inner\/a\|(.*)\|/s ? 1 : 0, 1,
   "the include of one's own") or diag get('/ssi', $corp)->body;
unlike(get('/ssi', $corp)->body, qr{up:/partner/a}, "not of partner's");
is(scalar(grep { defined $_->header('Authorization') } $up->requests), 0,
   'no token in any');
unlike(get('/open-ssi')->body, qr{up:/inner/a}, 'nor by nobody');
unlike(get('/open-ssi', $corp)->body, qr{up:/inner/a},
       'nor where nobody was asked for it');

# mirror

$up->clear;
is(get('/mirrored/a', $corp)->status, 200, 'mirror');
$up->wait_count(2);
is(scalar(grep { defined $_->header('Authorization') } $up->requests), 0,
   'the mirror gets no token');

done_testing();
