#!/usr/bin/perl

# weirctl replay: what a gateway wrote to its decision log is decided by other
# policies: the same, another, or undetermined where the log does not say.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use JSON::PP;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

my $head = <<'END';
language 1;
policy p;

schema from corp {
    claim tenant string;
    claim level  optional int;
    claim roles  optional set<string>;
    claim a.b    optional string;
    claim "c d"  optional bool;
}

END

my $body = <<'END';
permit tenant { who authenticated; what GET /t/{tenant}/**;
                if claim.tenant == path.tenant; }
permit level  { who authenticated; what GET /level;
                if has claim.level && claim.level > 1; }
permit roles  { who authenticated; what GET /roles;
                if has claim.roles && "x" in claim.roles; }
permit nested { who authenticated; what GET /nested;
                if has claim.a.b && claim.a.b == "y"; }
permit quoted { who authenticated; what GET /quoted;
                if has claim["c d"] && claim["c d"]; }
permit header { who anyone; what GET /header;
                if has header("x-a") && header("x-a") == "1"; }
deny   hdeny  { what GET /hdeny; unless header("x-a") == "1"; }
permit hopen  { who anyone; what GET /hdeny; }
permit peer   { who anyone; what GET /peer; if source.peer in 127.0.0.0/8; }
permit from   { who anyone; what GET /from; from 192.0.2.0/24; }
permit host   { who anyone; what GET /host; host api.test; }
permit scheme { who anyone; what GET /scheme;
                if request.scheme == "http"; }
permit alice  { who subject alice issuer corp; what GET /alice; }
permit late   { who anyone; what GET /time;
                if request.time > 2020-01-01T00:00:00Z; }
END

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'corp')));
$t->file('policies/p.policy', "$head$body");

$t->http_conf(<<'END');
    weir_zone   8m;
    weir_bundle policies;
    weir_decision_log %%TESTDIR%%/decisions.log;

    weir_issuer corp {
        issuer    https://corp.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }

    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;

    weir_quota few key=$remote_addr rate=1r/h;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_auth   corp optional;
        weir_policy p;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /from { weir_limit few;
                         proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
END

$t->run;

my ($all, $permits) = (0, 0);

sub ask {
    my ($target, $permit, @headers) = @_;
    my $r = http_request($t->port, 'GET', $target, headers => \@headers);

    is($r->status, $permit ? 200 : $r->status == 401 ? 401 : 403, $target);
    $all++;
    $permits += $permit;
}

sub token {
    my (%claims) = @_;

    return (Authorization => 'Bearer ' . $k->mint(key => 'corp', claims => {
        iss => 'https://corp.test/', aud => 'orders', sub => 'alice',
        tenant => 't', %claims }));
}

ask('/t/acme/x%20y/%C3%A9', 1, token(tenant => 'acme'));
ask('/t/acme/x', 0, token(tenant => 'other'));
ask('/t/acme/x', 0);
ask('/level', 1, token(level => 2));
ask('/level', 0, token(level => 1));
ask('/level', 0, token(level => 'x'));
ask('/roles', 1, token(roles => ['x', 'z']));
ask('/roles', 0, token(roles => []));
ask('/nested', 1, token(a => { b => 'y' }));
ask('/nested', 0, token(a => 'y'));
ask('/quoted', 1, token('c d' => JSON::PP::true));
ask('/header', 1, 'X-A' => 1);
ask('/header', 0, 'X-A' => 2);
ask('/header', 0, 'X-A' => 1, 'X-A' => 1);
ask('/hdeny', 1, 'X-A' => 1);
ask('/hdeny', 0);
ask('/hdeny', 0, 'X-A' => 1, 'X-A' => 1);
ask('/peer', 1, 'X-Real-IP' => '192.0.2.9');
ask('/from', 1, 'X-Real-IP' => '192.0.2.9');
ask('/from', 0, 'X-Real-IP' => '198.51.100.9');
ask('/host', 1, Host => 'API.test:80');
ask('/host', 0);
ask('/scheme', 1);
ask('/time', 1);

# permitted, and then too many; refused before any policy

sub status {
    my ($target, @headers) = @_;
    return http_request($t->port, 'GET', $target,
                        headers => \@headers)->status;
}

is(status('/from', 'X-Real-IP' => '192.0.2.9'), 429, 'too many');
is(status('/a%2fb'), 400, 'an ambiguous path');
is(status('/alice', Authorization => 'Bearer x'), 401, 'no token');

my $log = $t->path('decisions.log');

wait_for { (() = slurp($log) =~ /\n/g) == $all + 3 } 5, 'the log';
$t->stop;

sub replay {
    my ($policy, @args) = @_;

    $t->file('candidate/p.policy', $policy);

    my ($rc, $out, $err) = $t->weirctl('replay', '--json', $log,
                                       $t->path('candidate'), @args);
    my $json = eval { decode_json($out) };

    diag($err) unless defined $json;
    return ($rc, $json, $err);
}

# Subjects are hidden, so without the rule that names one

my $known = $body =~ s/^permit alice.*\n//mr;


# the same rules decide the same: all that a policy reads came back

my ($rc, $json) = replay("$head$known");

is($rc, 0, 'the same policy');
is($json->{same}, $all + 1, 'decides the same');
is($json->{$_}, 0, "none $_") for qw(changed undetermined unreadable);
is($json->{undecided}, 2, 'what no policy decided');


# all permits taken away, all given

($rc, $json) = replay("$head\npermit none { who anyone; what GET /none; }\n");
is($rc, 1, 'nothing is permitted any more');
is($json->{changed}, $permits + 1, 'all permits would change');
is(join(' ', sort keys %{ $json->{changes}[0] }),
   'host id method now path rules rules_was was', 'members of a change');
is($json->{changes}[0]{path}, "/t/acme/x y/\x{e9}", 'its path');
is_deeply($json->{changes}[0]{rules_was}, ['tenant'], 'its rule');

($rc, $json) = replay("$head\npermit all { who anyone; what * /**; }\n");
is($json->{changed}, $all - $permits, 'all denies would change');
is($json->{changes}[0]{now}, 'permit', 'to permits');
is_deeply($json->{changes}[0]{rules}, ['all'], 'by that rule');


# what the log does not say

for (['unless header("x-b") == "1"', 'header("x-b") is not in the log'],
     ['if has query("q") && query("q") == "1"',
      'query("q") is not in the log'],
     ['if has identity.subject && identity.subject == "x"',
      'identity.subject is not in the log'])
{
    my ($cond, $why) = @$_;

    ($rc, $json) = replay("$head${known}deny more { what GET /none; $cond; }");
    is($rc, 1, $cond);
    is($json->{undetermined}, $all + 1, 'undetermined');
    is_deeply($json->{missing}, { $why => $all + 1 }, 'and why');
}

# a subject is hidden: told where it makes no difference who it was

($rc, $json) = replay("$head$body");
is($json->{undetermined}, 0, 'a rule about a subject, of a path not asked for');
is($json->{same}, $all + 1, 'all is the same');

($rc, $json) = replay("$head${known}permit alice { who subject alice issuer "
                      . "corp; what GET /level; }\n");
is($json->{undetermined}, 2, 'where it could be the one');
is_deeply($json->{missing}, { 'identity.subject is hidden in the log' => 2 },
          'and why');
is($json->{changed}, 0, 'nothing is guessed');

($rc, $json) = replay("$head${known}deny all { who subject alice issuer corp; "
                      . "what * /**; }\n" . "deny bob { who subject bob issuer "
                      . "corp; what * /**; }\n");
is($json->{changed}, 0, 'denies of some are not known to be theirs');
cmp_ok($json->{undetermined}, '>', 3, 'where they would matter');

($rc, $json) = replay("$head${known}" . join '', map {
    "permit s$_ { who subject s$_ issuer corp; what GET /level; }\n" } 1 .. 70);
is($json->{undetermined}, 10, 'too many to be tried');

($rc, $json) = replay("$head$known" =~ s/policy p;/policy q;/r);
is_deeply($json->{missing}, { 'there is no policy "p"' => $all + 1 },
          'a policy that is not there');


# text, and what is no log

my ($out, $err);

$t->file('candidate/p.policy', "$head\npermit x { who anyone; what GET /x; }");
($rc, $out, $err) = $t->weirctl('replay', $log, $t->path('candidate'));
like($out, qr{^permit -> deny  GET localhost/level  \w{32}  by default$}m,
     'a line a change');
like($out, qr/^\d+ same, \d+ changed, 0 undetermined, 2 undecided, /m,
     'counts');

$t->file('log', "not json\n{}\n" . ('x' x 70000) . "\n");
($rc, $out, $err) = $t->weirctl('replay', $t->path('log'),
                                $t->path('candidate'));
is($rc, 1, 'what is no record');
like($out, qr/ 3 unreadable$/, 'is counted');
$t->file('log', qq({"verdict":"none"}\n));
($rc, $out, $err) = $t->weirctl('replay', $t->path('log'),
                                $t->path('candidate'));
is("$rc $out", "1 0 same, 0 changed, 0 undetermined, 1 undecided, "
   . "0 unreadable\n", 'of another log nothing is the same');
($rc, $out, $err) = $t->weirctl('replay', '/nonexistent',
                                $t->path('candidate'));
is($rc, 2, 'no log');
like($err, qr/No such file/, 'says so');

done_testing();
