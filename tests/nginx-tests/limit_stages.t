# Where quotas are asked: addresses before authentication, the others after
# every access module; all are looked at before any is charged; once for a
# client's request, never for what it causes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 1);
my $tokens = Weir::Token->new($t);
my $up = Weir::Upstream->new($t);

$t->file('jwks.json', $tokens->jwks($tokens->jwk('ES256', 'default')));
$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
permit read { who authenticated; what GET /**; }
deny secret { what * /secret/**; }
END

$t->http_conf(<<"END");
    weir_bundle %%TESTDIR%%/policies;
    weir_issuer corp {
        issuer   https://idp.test/;
        audience orders;
        jwks     file:%%TESTDIR%%/jwks.json;
    }

    weir_quota address key=\$arg_k rate=1r/h burst=3 at=address;
    weir_quota user    key=\$weir_principal rate=1r/h burst=2;
    weir_quota early   key=\$weir_principal rate=1r/h burst=2 at=address;
    weir_quota wide    key=\$arg_k rate=1r/h burst=9;
    weir_quota narrow  key=\$arg_k rate=1r/h;
    weir_quota narrow2 key=\$arg_k rate=1r/m;
    weir_quota tried   key=\$arg_k rate=1r/h;

    log_format limit '\$request_uri \$status \$weir_verdict '
                     '"\$weir_limit_remaining"';
    access_log %%TESTDIR%%/access.log limit;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%TESTDIR%%/root;

        location /t/ {
            weir_auth corp;
            weir_policy orders;
            weir_limit address user;
            proxy_pass http://@{[ $up->address ]};
        }
        location /secret/ {
            weir_auth corp;
            weir_policy orders;
            weir_limit address user;
            proxy_pass http://@{[ $up->address ]};
        }
        location = /metrics { weir_metrics; }
    }

    server {
        listen 127.0.0.1:%%PORT_plain%%;
        root %%TESTDIR%%/root;

        weir_default open;
        weir_limit wide;

        location /both {
            weir_limit wide narrow;
            try_files /ok =404;
        }
        location /violated {
            weir_limit narrow narrow2 wide;
            try_files /ok =404;
        }
        location /inherited { try_files /ok =404; }
        location /off {
            weir_limit off;
            try_files /ok =404;
        }
        location /own {
            weir_limit narrow;
            weir_limit tried shadow;
            try_files /ok =404;
        }
        location /shadow {
            weir_limit tried shadow;
            try_files /ok =404;
        }
        location /closed {
            weir_limit wide;
            deny all;
        }
        location /any {
            satisfy any;
            deny all;
            auth_request /sub/auth;
            weir_limit narrow;
            try_files /ok =404;
        }
        location /early {
            weir_limit early;
            try_files /ok =404;
        }

        # what a request causes

        location /tries { try_files /nothing /inherited; }
        location /named { try_files /nothing \@named; }
        location \@named { try_files /ok =404; }
        location /rewritten { rewrite ^ /inherited last; }
        location /dir/ { index ok; }
        location /missing {
            error_page 404 = /inherited;
            try_files /nothing =404;
        }
        location /ssi {
            ssi on;
            default_type text/html;
            try_files /page.html =404;
        }
        location /authorized {
            auth_request /sub/auth;
            try_files /ok =404;
        }
        location /mirrored {
            mirror /sub/mirror;
            proxy_pass http://@{[ $up->address ]};
        }
        location /sub/ { proxy_pass http://@{[ $up->address ]}; }

        location /paged {
            weir_limit narrow;
            error_page 429 /page429;
            try_files /ok =404;
        }
        location = /page429 {
            weir_policy off;
            weir_limit narrow;
            try_files /sorry =404;
        }
        location /unpaged {
            weir_limit narrow;
            error_page 429 = /inherited;
            try_files /ok =404;
        }
    }
END

$t->file('root/ok', 'ok');
$t->file('root/dir/ok', 'ok');
$t->file('root/sorry', 'sorry');
$t->file('root/page.html', join('',
    map { qq(<!--#include virtual="/inherited?k=ssi$_" -->) } 1 .. 3));
$t->run;


sub bearer {
    my ($sub) = @_;
    return ['Authorization', 'Bearer '
            . $tokens->mint(alg => 'ES256', claims => {
                  iss => 'https://idp.test/', aud => 'orders', sub => $sub,
              })];
}

my $n = 0;

sub get { return http_get($t->port, $_[0], headers => $_[1] || []) }
sub plain { return http_get($t->port('plain'), @_) }
sub statuses { return join ' ', map { $_->status } @_ }

# the remaining of a quota, as the answer tells

sub left {
    my ($r, $quota) = @_;
    my ($left) = ($r->header('RateLimit') || '') =~ /"$quota";r=(\d+)/;
    return $left;
}


# --- stages

my $alice = bearer('alice');
my $bruno = bearer('bruno');

my $r = get('/t/x?k=1', $alice);

is($r->status, 200, 'admitted');
is(left($r, 'address'), 3, 'the address is charged');
is(left($r, 'user'), 2, 'and the user');
like($r->header('RateLimit'), qr/^"address".*, "user"/, 'in their order');

# 401 and 403 charge address quotas only

$r = get('/t/x?k=1');
is($r->status, 401, 'nobody');
is(left($r, 'address'), 2, '401: the address is charged');
is(left($r, 'user'), undef, 'no user was asked');

$r = get('/secret/x?k=1', $alice);
is($r->status, 403, 'denied');
is(left($r, 'address'), 1, '403: the address is charged');
is(left($r, 'user'), undef, 'the user is not');

$r = get('/t/x?k=1');
is($r->status, 401, 'the last of the address');

$r = get('/t/x?k=1');
is($r->status, 429, 'the address is limited before it is authenticated');
is($r->header('WWW-Authenticate'), undef, 'and not asked for credentials');

$r = get('/t/x?k=1', $alice);
is($r->status, 429, 'whoever he is');
is_deeply($r->json->{'violated-policies'}, ['address'], 'by the address');

# the user: two more, from other addresses

$r = get('/t/x?k=2', $alice);
is(left($r, 'user'), 1, 'the refused ones cost the user nothing');

is(statuses(map { get('/t/x?k=3', $alice) } 1 .. 3), '200 429 429',
   'the user is limited');
is(get('/t/x?k=4', $bruno)->status, 200, 'another user is not');

$r = get('/t/x?k=4', $alice);
is_deeply($r->json->{'violated-policies'}, ['user'], 'by the user');
is(left($r, 'user'), 0, 'of which nothing is left');
is(left($r, 'address'), 2, 'the address is charged: another stage');

# an identity in a key of the early stage is empty: the client's prefix

is(statuses(map { plain('/early', headers => bearer("user-$_")) } 1 .. 4),
   '200 200 200 429', 'no identity before it is known');

# --- all are looked at, then all are charged

is(left(plain('/both?k=b1'), 'wide'), 9, 'both pass');

for (1 .. 3) {
    $r = plain('/both?k=b1');
    is($r->status, 429, 'the narrow one refuses');
    is(left($r, 'wide'), 9, 'the wide one is not charged');
}

is(left(plain('/inherited?k=b1'), 'wide'), 8, 'indeed not');

plain('/violated?k=v');
$r = plain('/violated?k=v');
is_deeply($r->json->{'violated-policies'}, ['narrow', 'narrow2'],
          'all that refuse are named');
cmp_ok($r->header('Retry-After'), '>', 3500, 'Retry-After of the longest');

# --- levels

is(left(plain('/inherited?k=i'), 'wide'), 9, 'inherited');
is(plain('/off?k=i')->header('RateLimit'), undef, 'off');
is(left(plain('/own?k=o'), 'wide'), undef, 'own ones instead');
is(left(plain('/inherited?k=i'), 'wide'), 8, 'off charged nothing');

# --- shadow

is(statuses(map { plain('/shadow?k=s') } 1 .. 3), '200 200 200',
   'a shadow refuses nobody');
is(plain('/shadow?k=s')->header('RateLimit'), undef, 'and tells nobody');

$r = plain('/own?k=own');
is($r->header('RateLimit-Policy'), '"narrow";q=1;w=3600',
   'beside another it does not show');

# --- access modules of nginx

is(plain('/closed?k=c')->status, 403, 'deny all');
is(left(plain('/inherited?k=c'), 'wide'), 9, 'charged nothing');

is(statuses(map { plain('/any?k=any') } 1 .. 2), '200 429',
   'satisfy any passes through the quota');

# --- redirects: once; subrequests: never

for my $path (qw(/tries /named /rewritten /dir/ /missing)) {
    my $k = 'r' . ++$n;
    is(left(plain("$path?k=$k"), 'wide'), 9, "$path: charged once");
    is(left(plain("/inherited?k=$k"), 'wide'), 8, "$path: indeed");
}

for my $path (qw(/ssi /authorized /mirrored)) {
    my $k = 'r' . ++$n;
    is(left(plain("$path?k=$k"), 'wide'), 9, "$path: charged once");
    is(left(plain("/inherited?k=$k"), 'wide'), 8, "$path: indeed");
}

is(left(plain("/inherited?k=ssi$_"), 'wide'), 9, "include $_ cost nothing")
    for 1 .. 3;

# --- error pages of a refusal

is(plain('/paged?k=p')->body, 'ok', 'admitted');
$r = plain('/paged?k=p');
is($r->status, 429, 'refused');
is($r->body, 'sorry', "with the operator's page");
ok($r->header('Retry-After'), 'and Retry-After');
is(left($r, 'narrow'), 0, 'and RateLimit');

plain('/unpaged?k=u');
$r = plain('/unpaged?k=u');
is($r->status, 429, 'a refusal does not become something else by redirect');
is($r->json->{status}, 429, 'it is ours');

# --- counters

my $text = get('/metrics')->body;

like($text, qr/weir_limit_requests_total\{quota="tried",result="shadow"\} 3$/m,
     'shadow counts what it would have refused');
like($text, qr/\{quota="tried",result="limited"\} 0$/m, 'as nothing else');
like($text, qr/\{quota="user",result="limited"\} 3$/m, 'limited');

done_testing();
