#!/usr/bin/perl

# weir_decision_log: what a line says, what it never says, and who may read
# the file.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;
use Digest::SHA qw(hmac_sha256_hex);
use JSON::PP;
use POSIX ();

my $t = Weir::Test->new(workers => 2)->allow(qr{tested.conf|/nonexistent/});
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'corp')));
$t->file('policies/p.policy', <<'END');
language 1;
policy p;

schema from corp {
    claim sub     string;
    claim tenant  string;
    claim level   optional int;
    claim admin   optional bool;
    claim roles   optional set<string>;
    claim a.b     optional string;
}

permit tenant { who issuer corp; what GET /t/{tenant};
                if claim.tenant == path.tenant; }
permit also   { who issuer corp; what GET /t/acme; }
permit reads  { who anyone; what GET /reads;
                if (has claim.level && claim.level > 1)
                   || (has claim.admin && claim.admin)
                   || (has claim.roles && "x" in claim.roles)
                   || (has claim.a.b && claim.a.b == "c")
                   || (has header("x-a") && header("x-a") == "1")
                   || (has header("cookie") && header("cookie") == "1")
                   || (has query("q") && query("q") == "1")
                   || (has identity.subject && identity.subject == "x")
                   || (has tls.sni && tls.sni == "x")
                   || source.peer in 10.0.0.0/8
                   || claim.sub == "bob"; }
deny   evil   { what GET /evil; }
deny   evil2  { what GET /evil/**; }
permit open   { who anyone; what GET /open; }
END

my $secret = 'a' x 32;
$t->file('secret', $secret);

$t->http_conf(<<'END');
    weir_zone   8m;
    weir_bundle policies;
    weir_node   gw-1;
    weir_secret %%TESTDIR%%/secret;
    weir_decision_log %%TESTDIR%%/decisions.log;

    weir_issuer corp {
        issuer    https://corp.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }

    weir_quota few key=$remote_addr rate=1r/h;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        weir_auth   corp optional;
        weir_policy p;
        weir_trace  on;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /open { weir_limit few;
                         proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location = /api { weir_policy off; weir_auth off; weir_api; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { return 204; }
    }
END

my $log = $t->path('decisions.log');
my $umask = umask 0;
$t->run;
umask $umask;

is(sprintf('%o', (stat $log)[2] & 07777), '640', 'not for everybody');

my $n = 0;

# The line that a request brings

sub record {
    my ($target, @headers) = @_;
    my $r = http_request($t->port, 'GET', $target, headers => \@headers);
    my @lines;

    wait_for { @lines = split /\n/, slurp($log); @lines > $n } 5, 'a line';
    is(scalar(@lines), ++$n, "$target: one line");
    unlike($lines[-1], qr/[^ -~]/, "$target: printable");

    my $json = decode_json($lines[-1]);
    is($json->{status}, $r->status, "$target: status");
    return $json;
}

sub token {
    my (%claims) = @_;

    return (Authorization => 'Bearer ' . $k->mint(key => 'corp', claims => {
        iss => 'https://corp.test/', aud => 'orders', sub => 'alice', %claims,
    }));
}


# all of it

my $d = record('/t/acme?x=1', token(tenant => 'acme'), Host => 'API.test',
               traceparent => '00-' . 'a1' x 16 . '-' . 'b2' x 8 . '-01');

is(join(' ', sort keys %$d), join(' ', sort qw(time id trace_id request_id node
    bundle policy verdict rules reason identity method host path source status
    latency_us obligations read)), 'its members');
like($d->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time');
cmp_ok(abs(POSIX::strftime('%s', gmtime) - POSIX::mktime(
    (map { $_ + 0 } (split /\D/, $d->{time})[5, 4, 3, 2]),
    substr($d->{time}, 5, 2) - 1, substr($d->{time}, 0, 4) - 1900)), '<',
    15 * 3600, 'about now');
like($d->{id}, qr/^[0-9a-f]{32}$/, 'id');
like($d->{trace_id}, qr/^[0-9a-f]{32}$/, 'trace_id');
like($d->{request_id}, qr/^[0-9a-f]{32}$/, 'request_id');
is($d->{node}, 'gw-1', 'node');
is($d->{bundle}, 0, 'bundle');
is($d->{policy}, 'p', 'policy');
is($d->{verdict}, 'permit', 'verdict');
is_deeply($d->{rules}, ['also', 'tenant'], 'rules');
is($d->{reason}, 'permit-rule', 'reason');
is($d->{identity}{kind}, 'jwt', 'identity.kind');
is($d->{identity}{issuer}, 'corp', 'identity.issuer');
like($d->{identity}{subject_hmac}, qr/^[0-9a-f]{32}$/, 'subject_hmac');
is($d->{method}, 'GET', 'method');
is($d->{host}, 'api.test', 'host');
is($d->{path}, '/t/acme', 'path, without the query');
is($d->{source}, '127.0.0.1', 'source');
like($d->{latency_us}, qr/^\d+$/, 'latency_us');
is_deeply($d->{obligations}, [], 'obligations');

my $alice = $d->{identity}{subject_hmac};
my $read = $d->{read};

is($read->{'claim.tenant'}, 'acme', 'a claim that the policy reads');
is_deeply($read->{'claim.sub'}, { hmac => $alice }, 'the subject is hidden');
is_deeply($read->{'identity.subject'}, { hmac => $alice }, 'here, too');
ok(exists $read->{'claim.level'} && !defined $read->{'claim.level'},
   'absent is null');

isnt(record('/t/acme', token(tenant => 'acme', sub => 'bob'))
     ->{identity}{subject_hmac}, $alice, 'another subject');


# values of all types

$read = record('/reads?q=secret-value', token(tenant => 't', level => 7,
    admin => JSON::PP::true, roles => ['x', "y\"\x{263a}"],
    a => { b => "\x{1f600}" }), 'X-A' => "v\"\\\x1b[2J\xff",
    Cookie => 'session=hidden')->{read};

is($read->{'claim.level'}, 7, 'int');
is($read->{'claim.admin'}, JSON::PP::true, 'bool');
is_deeply($read->{'claim.roles'}, ['x', "y\"\x{263a}"], 'set');
is($read->{'claim.a.b'}, "\x{1f600}", 'a nested claim');
is($read->{'header("x-a")'}, "v\"\\\x1b[2J\x{fffd}", 'a header');
is(join(' ', sort keys %{ $read->{'query("q")'} }), 'hmac',
   'a value of the query is hidden');
ok(!exists $read->{'header("cookie")'}, 'a cookie is not there at all');
is($read->{'source.peer'}, '127.0.0.1', 'an address');
ok(exists $read->{'tls.sni'} && !defined $read->{'tls.sni'}, 'no TLS');
is_deeply(record('/reads', token(tenant => 't', level => 'x'))
          ->{read}{'claim.level'}, {}, 'of another type: unknown');
like(record('/reads', 'X-A' => 'a' x 2000)->{read}{'header("x-a")'}{hmac},
     qr/^[0-9a-f]{32}$/, 'a long value');


# denies, and what was never decided

$d = record('/evil');
is($d->{verdict}, 'deny', 'a deny');
is_deeply($d->{rules}, ['evil', 'evil2'], 'by rules');
is($d->{reason}, 'deny-rule', 'says why');
is($d->{identity}{kind}, 'anonymous', 'of nobody');
is($d->{identity}{subject_hmac}, undef, 'of no name');

$d = record('/nothing', token(tenant => 'x'));
is("$d->{verdict} $d->{reason}", 'deny default-deny', 'by default');
is_deeply($d->{rules}, [], 'by no rule');

$d = record('/open', Authorization => 'Bearer x.y.z');
is("$d->{verdict} $d->{reason}", 'unauthenticated malformed',
   'no token');
is($d->{read}, undef, 'it was not decided');
is($d->{path}, '/open', 'its path');

$d = record('/a%2fb/../x');
is($d->{verdict}, 'refused', 'an ambiguous path');
is($d->{path}, '/a%2fb/../x', 'the path as it came');

is(record('/open')->{verdict}, 'permit', 'within the quota');
is(record('/open')->{verdict}, 'limited', 'beyond the quota');

my $all = slurp($log);
unlike($all, qr/hidden|secret-value|alice|Bearer|eyJ/, 'what is never there');


# what is not Weir's is not there; the file is rotated

http_request($t->port(1), 'GET', '/');
rename $log, "$log.1";
$t->signal('USR1');
wait_for { -e $log } 5, 'a new file';
$n = 0;
is(record('/t/acme', token(tenant => 'acme'))->{verdict}, 'permit',
   'goes on in a new file');
is(slurp("$log.1"), $all, 'and not in the old one');
is(sprintf('%o', (stat $log)[2] & 07777), '640', 'not for everybody');

my $counts = decode_json(http_request($t->port, 'GET', '/api')->body)
    ->{decision_log};
is($counts->{written}, (() = $all =~ /\n/g) + 1, 'written');
is($counts->{$_}, 0, $_) for qw(sampled client full large error);


# nothing is lost when workers end

for (1 .. 50) { http_request($t->port, 'GET', '/nothing') }
ok($t->reload, 'a reload');
wait_for { (() = slurp($log) =~ /\n/g) == 51 } 5, 'all lines';
pass('all are there');
$t->stop;


# configuration

for (['weir_decision_log x; weir_decision_log y;', qr/is duplicate/],
     ['weir_decision_log "";', qr/needs a file/],
     ['weir_decision_log x rate=1;', qr/rate/],
     ['weir_decision_log x burst=1;', qr/invalid parameter "burst=1"/],
     ['weir_decision_log /nonexistent/x;', qr/nonexistent/],
     ['weir_decision_log syslog:nowhere;', qr/syslog/])
{
    my ($conf, $re) = @$_;
    my ($rc, $out) = $t->test_config("events {} http { $conf }");

    isnt($rc, 0, $conf);
    like($out, $re, 'says why');
}

done_testing();
