
# Effects at the gateway: set_header, add_header, status and log, over
# internal redirects, retries, subrequests, error pages and `satisfy any`.
# Obligations of shadow rules are never applied.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;

    return { headers => ['Content-Type' => 'text/html'],
             body => join '|', map { "<!--#include virtual=\"$_\" -->" }
                               split /,/, $1 }
        if $r->target =~ m{^/page\S*\?include=(\S+)};

    return { status => 503, body => 'away' } if $r->target =~ m{^/away};
    return { close => 1 } if $r->target =~ m{^/broken};
    return { headers => ['X-Add' => 'theirs', 'X-Weir-Own' => 'no'] };
});

my $second = Weir::Upstream->new($t, port => 'second');

$t->file('users', "u:{PLAIN}p\n");

$t->file('policies/p.policy', <<'END');
language 1;
policy p;

permit plain   { who anyone; what * /plain; what * /page; what * /inner;
                 what * /if; what * /later; }
permit tier    { who anyone; what GET /set; what GET /later-set; what GET /any;
                 what GET /asked; what GET /broken; what GET /away;
                 set_header X-Tier "gold"; set_header X_Plan "a \"b\""; }
permit tier2   { who anyone; what GET /set; set_header x-tier "gold";
                 set_header X-More "m"; }
permit other   { who anyone; what GET /then; what GET /page-set;
                 set_header X-Tier "silver"; }
permit added   { who anyone; what GET /add; what GET /add-404;
                 add_header X-Add "ours"; add_header Sunset "soon"; }
permit inner   { who anyone; what GET /inner-set; set_header X-Tier "inner";
                 add_header X-Inner "no"; }
permit twice   { who anyone; what GET /one; set_header X-Tier "one"; }
permit twice2  { who anyone; what GET /two; set_header X-Tier "two"; }
permit logged  { who anyone; what GET /log; log notice; }
permit logged2 { who anyone; what GET /log; log warn; }

permit base    { who anyone; what * /deny/**; }
deny   gone    { what * /deny/410; status 410; add_header X-Why "gone"; }
deny   teapot  { what * /deny/418; status 418; }
deny   legal   { what * /deny/451; status 451; log info; }
deny   window  { what * /deny/503; status 503; add_header Sunset "later"; }
deny   lower   { what * /deny/two; status 410; }
deny   lower2  { what * /deny/two; status 409; log notice; }
deny   unsure  { what * /deny/unsure;
                 if has header("x-n") && header("x-n") == "1"; status 404; }
deny   plain-d { what * /deny/403; add_header X-Why "403"; }

permit shadowed { who anyone; what GET /shadow; }
shadow permit s { who anyone; what GET /shadow; set_header X-Tier "shadow";
                  add_header X-Add "shadow"; log warn; }
shadow deny   t { what GET /shadow; status 410; add_header X-Why "shadow"; }
END

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
weir_bundle policies;
error_log %%TESTDIR%%/error.log debug;
ISSUER

limit_req_zone $request_uri zone=one:1m rate=1r/m;

upstream u { server 127.0.0.1:%%PORT_up%%; }
upstream retry {
    server 127.0.0.1:%%PORT_up%%;
    server 127.0.0.1:%%PORT_second%% backup;
}

log_format v '$request_uri $weir_verdict $weir_rule $weir_reason $status';
access_log %%TESTDIR%%/access.log v;

server {
    listen 127.0.0.1:%%PORT_0%%;

    weir_auth   corp optional;
    weir_policy p;

    location / { proxy_pass http://u; }

    location = /page { ssi on; proxy_pass http://u; }
    location = /page-set { ssi on; proxy_pass http://u; }

    location = /broken { proxy_next_upstream error; proxy_pass http://retry; }
    location = /away {
        error_page 503 = /later;
        proxy_intercept_errors on;
        proxy_pass http://u;
    }
    location = /later-set { try_files /nothing /then; }
    location = /add-404 { root %%TESTDIR%%/root; }
    location = /one {
        limit_req zone=one;
        error_page 503 = /two;
        proxy_pass http://u;
    }

    location = /asked {
        auth_request /plain;
        proxy_pass http://u;
    }
    location = /any {
        satisfy any;
        deny all;
        proxy_pass http://u;
    }
    location /deny/ {
        satisfy any;
        allow all;
        proxy_pass http://u;
    }
    location = /basic {
        satisfy any;
        auth_basic realm;
        auth_basic_user_file %%TESTDIR%%/users;
        proxy_pass http://u;
    }
}

server {
    listen 127.0.0.1:%%PORT_1%%;
    weir_policy p;
    weir_strip_headers X-Tier;
    error_page 410 /gone.html;

    location / { proxy_pass http://u; }
    location = /gone.html { weir_policy off; root %%TESTDIR%%/root; }
}
END

$t->file('root/gone.html', 'a page of its own');

$t->run;

sub ask {
    my ($target, %o) = @_;

    $up->clear;
    $second->clear;

    return http_request($o{port} || $t->port, $o{method} || 'GET', $target,
                        headers => $o{headers} || []);
}

sub sent {
    my ($name, $u) = @_;
    return join ',', ($u || $up)->last->header($name);
}


# set_header

my @client = ('X-Tier' => 'mine', 'x-tier' => 'again', 'X-Plan' => 'mine',
              'X-Keep' => 'k');

is(ask('/set', headers => \@client)->status, 200, 'permitted with headers');
is(sent('X-Tier'), 'gold', 'set once, not the client\'s, by two rules alike');
is(sent('X_Plan') . sent('X-Plan'), 'a "b"', 'nor another spelling');
is(sent('X-More'), 'm', 'those of all permits that match');
is(sent('X-Keep'), 'k', 'others stay');

is(ask('/asked', headers => \@client)->status, 200, 'auth_request');
is(join('|', map { join ',', $_->header('X-Tier') } $up->requests),
   'gold|gold', 'sends it, too');

ask('/plain', headers => \@client);
is(sent('X-Tier'), 'mine,again', 'no effect, no change');

ask('/set', headers => \@client, port => $t->port(1));
is(sent('X-Tier'), 'gold', 'with weir_strip_headers: set');
ask('/plain', headers => \@client, port => $t->port(1));
is(sent('X-Tier'), '', 'and else nobody\'s');

is(ask('/any', headers => \@client)->status, 200, 'satisfy any: permitted');
is(sent('X-Tier'), 'gold', 'satisfy any: its effects hold');

is(ask('/basic', headers => ['Authorization' => 'Basic dTpw', 'X-Tier' => 'm'])
       ->status, 200, 'satisfy any: another module admits');
is(sent('X-Tier'), 'm', 'no decision, no effects');


# retries and redirects

is(ask('/broken', headers => \@client)->status, 200, 'the next upstream');
is(sent('X-Tier', $up), 'gold', 'the first one had the header');
is(sent('X-Tier', $second), 'gold', 'and so had the next');

is(ask('/away', headers => \@client)->status, 200, 'an error page');
is($up->count, 2, 'two requests');
is(join(',', ($up->requests)[0]->header('X-Tier')), 'gold', 'the first');
is(sent('X-Tier'), '', 'the second is decided anew, and has none');

is(ask('/later-set', headers => \@client)->status, 200, 'two decisions');
is(sent('X-Tier'), 'silver', 'the later one holds');
is(sent('X_Plan') . sent('X-Plan'), '', 'what the first one set is gone');

# what nginx refused before any decision was is both what it was and what it
# becomes

is(ask('/one')->status, 200, 'one decision');
is(sent('X-Tier'), 'one', 'its header');
$t->allow(qr/what a request is and what it becomes/, qr/limiting requests/);

is(ask('/one')->status, 500, 'two that contradict each other');
is($up->count, 0, 'the upstream is not asked');
$t->wait_error_log(qr/oblige to different things: "set_header X-Tier"/);


# subrequests: their own headers, the page's are as they were

is(ask('/page?include=/inner-set,/inner', headers => \@client)->body, 'ok|ok',
   'a page of parts');
my %part = map { $_->target => $_ } $up->requests;
is(join(',', $part{'/inner-set'}->header('X-Tier')), 'inner', 'a part\'s own');
is(join(',', $part{'/inner'}->header('X-Tier')), 'mine,again',
   'not the next one\'s');

is(ask('/page?include=/inner-set,/inner')->status, 200, 'none to replace');
%part = map { $_->target => $_ } $up->requests;
is(join(',', $part{'/inner-set'}->header('X-Tier')), 'inner', 'set as well');
is(join(',', $part{'/inner'}->header('X-Tier')), '', 'nor there elsewhere');

my $r = ask('/page-set?include=/inner-set,/inner', headers => \@client);
%part = map { $_->target => $_ } $up->requests;
is(join(',', $part{'/inner-set'}->header('X-Tier')), 'inner',
   'a part\'s own, in a page that has one');
is(join(',', $part{'/inner'}->header('X-Tier')), 'silver', 'else the page\'s');
is($r->header('X-Inner'), undef, 'a part adds nothing to the answer');


# add_header

$r = ask('/add');
is(join(',', $r->header('X-Add')), 'theirs,ours', 'added to the upstream\'s');
is($r->header('Sunset'), 'soon', 'added');
is($r->header('X-Weir-Own'), undef, 'the upstream\'s X-Weir-* goes');
$r = ask('/add-404');
is($r->status, 404, 'nginx\'s own error');
is($r->header('X-Add'), 'ours', 'has them too');


# status

for my $status (410, 418, 451, 503) {
    $r = ask("/deny/$status");
    is($r->status, $status, "status $status, final under satisfy any");
    is($r->header('Content-Type'), 'application/problem+json', 'a problem');
    is($r->json->{status}, $status, 'that names it');
    is($up->count, 0, 'the upstream is not asked');
}

is(ask('/deny/410')->header('X-Why'), 'gone', 'a header of a deny');
is(ask('/deny/503')->header('Sunset'), 'later', 'of a 503, too');
is(ask('/deny/two')->status, 409, 'of statuses the lowest');
is(ask('/deny/403')->status, 403, 'no status: 403');
is(ask('/deny/403')->header('X-Why'), '403', 'and its header');
is(ask('/deny/none')->status, 200, 'no deny matches');
is(ask('/deny/unsure', headers => ['X-N', 1, 'X-N', 2])->status, 404,
   'a deny that is unknown obliges as well');
is(ask('/deny/unsure', headers => ['X-N', 2])->status, 200, 'and if not');
is(ask('/deny/410', headers => [Authorization => 'Bearer x.y.z'])->status,
   401, 'a bad credential is 401 all the same');

$t->wait_access_log(qr{^/deny/503 deny window deny-rule 503}m);
$t->wait_access_log(qr{^/deny/410 deny gone deny-rule 410}m);

$r = ask('/deny/410', port => $t->port(1));
is($r->status, 410, 'an error page of the operator keeps the status');
is($r->body, 'a page of its own', 'its body');
is($r->header('X-Why'), 'gone', 'and the deny\'s header');


# log

ask('/log');
$t->wait_error_log(qr/\[warn\].*rule "logged" of policy "p" permits/);
unlike($t->error_log, qr/\[notice\].*rule "logged/, 'of levels the highest');
ask('/deny/451');
$t->wait_error_log(qr/\[info\].*rule "legal" of policy "p" denies/);


# shadow rules

$r = ask('/shadow', headers => \@client);
is($r->status, 200, 'a shadow deny denies nothing');
is(sent('X-Tier'), 'mine,again', 'a shadow permit sets no header');
is(join(',', $r->header('X-Add')), 'theirs', 'adds none');
is($r->header('X-Why'), undef, 'nor does a shadow deny');
unlike($t->error_log, qr/rule "(s|t|shadowed)" of policy/, 'nothing is logged');

done_testing();
