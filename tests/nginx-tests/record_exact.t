#!/usr/bin/perl

# weir_decision_log: whatever a client sends, its decision has a line; and
# replayed by the policies that made it, each decision is the same one or said
# to be undetermined.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use JSON::PP;

my $t = Weir::Test->new(workers => 1);
my $issuer = issuer($t);

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
schema from corp { claim n int; }

permit put    { who issuer corp; what PUT /orders/{id};
                if has header("x-a") && has header("x-b")
                   && has header("x-c"); }
permit n      { who anyone; what GET /n; if has claim.n && claim.n > 3; }
permit night  { who anyone; what GET /night;
                if request.time < 2020-01-01T00:00:00Z; }
permit spelt  { who anyone; what GET /t/{a}/{b}; }
permit spiffe { who spiffe spiffe://x/y; what GET /spiffe; }
permit shadow { who anyone; what GET /shadow/yes; }
END

$t->http_conf(<<END);
    weir_zone         8m;
    weir_bundle       policies;
    weir_decision_log %%TESTDIR%%/decisions.log;
    $issuer

    server {
        listen 127.0.0.1:%%PORT_0%%;
        large_client_header_buffers 8 32k;

        location / {
            weir_auth       corp optional;
            weir_policy     p;
            weir_path_allow %2f;
            root            html;
        }

        location /shadow/ { weir_policy p shadow; root html; }
        location /any/    { satisfy any; allow all; weir_policy p;
                            root html; }

        location /access/v1 {
            weir_auth   corp;
            weir_policy off;
            weir_decide p;
        }
    }
END

$t->run;

my $log = $t->path('decisions.log');
my $n = 0;

# The line of a request that was just made; of a question there is another one
# behind it, of who asked.

sub line {
    my ($name, $question) = @_;

    $n += $question ? 2 : 1;
    wait_for { (() = slurp($log) =~ /\n/g) >= $n } 5, "a line: $name";

    my @lines = split /\n/, slurp($log);
    my $text = $lines[$question ? $n - 2 : $n - 1];
    my $line = decode_json($text);

    is(scalar @lines, $n, "$name: a line");
    cmp_ok(length $text, '<', 16384, "$name: of a bounded length");

    return $line;
}

sub asked {
    my (%question) = @_;

    my $r = http_request($t->port, 'POST', '/access/v1/evaluation',
        headers => [bearer('app'), 'Content-Type' => 'application/json'],
        body => encode_json({ action => { name => 'GET' },
                              subject => { type => 'user', id => 'u' },
                              %question }));

    return decode_json($r->body)->{decision};
}


# what is long

my @odd = map { ("X-$_" => "\xff" x 1024) } qw(A B C);

http_request($t->port, 'PUT', '/orders/8', headers => [bearer('alice'), @odd]);
my $line = line('odd values');
is($line->{verdict}, 'permit', 'permitted');
is_deeply([map { ref $_ && length $_->{hmac} }
           @{ $line->{read} }{map { "header(\"x-$_\")" } qw(a b c)}],
          [32, 32, 32], 'they are hidden');

http_request($t->port, 'PUT', '/orders/9', headers => [bearer('alice'),
             map { ("X-$_" => 'v' x 1000) } qw(A B C)]);
$line = line('long values');
is($line->{read}{'header("x-a")'}, 'v' x 1000, 'they are as they are');

http_get($t->port, '/admin/' . '"' x 8100, headers => [bearer('alice')]);
$line = line('a long path');
is($line->{verdict}, 'deny', 'denied');
like($line->{path}, qr{^/admin/"+$}, 'its beginning');
is($line->{inexact}, JSON::PP::true, 'which is said');

http_request($t->port, 'A' x 4000, '/admin/x');
$line = line('a long method');
like($line->{method}, qr/^A{254}$/, 'its beginning');
is($line->{inexact}, JSON::PP::true, 'which is said, too');

http_get($t->port, '/' . "%c3%a9" x 3000);
$line = line('a path beyond ASCII');
like($line->{path}, qr{^/\x{e9}+$}, 'cut at a character');


# what replay needs

http($t->port, "GET /night HTTP/1.0\r\n\r\n");
$line = line('no host');

ok(asked(resource => { type => 'r', id => '/n' },
         subject => { type => 'user', id => 'u', properties => { n => 5 } }),
   'a question without a host');
$line = line('a question', 1);
is($line->{host}, undef, 'none in the log');

ok(asked(resource => { type => 'r', id => '/night' },
         context => { time => '2019-01-01T00:00:00Z' }), 'another time');
$line = line('another time', 1);
is($line->{decision_time}, '2019-01-01T00:00:00.000Z', 'is in the log');

ok(asked(resource => { type => 'r', id => '/spiffe' },
         subject => { type => 'spiffe', id => 'spiffe://x/y' }), 'who spiffe');
$line = line('who spiffe', 1);
is($line->{read}{'identity.spiffe'}, 'spiffe://x/y', 'who it was');

$line = http_get($t->port, '/t/a%2fb/c');
$line = line('an admitted spelling');
is($line->{verdict}, 'permit', 'permitted');
is($line->{inexact}, JSON::PP::true, 'which the path does not tell');

http_get($t->port, '/any/x');
line('satisfy any');

http_get($t->port, '/shadow/no');
line('a policy in shadow that denies');

my ($rc, $out, $err) = $t->weirctl('replay', '--json', $log,
                                   $t->path('policies'));
my $result = decode_json($out);

is($result->{changed}, 0, 'replayed by the same policies: none is another')
    or diag($out);
is($result->{undetermined} > 0, 1, 'some are not to be told');
is($result->{same} + $result->{undetermined} + $result->{undecided}, $n,
   'all were read');
is_deeply([sort keys %{ $result->{missing} }],
          ['header("x-a") is hidden in the log', 'the path is not in the log'],
          'and why');

my $old = join '', map { s/"host":null/"host":""/r }
                   grep { /"host":null/ } split /^/, slurp($log);

$t->file('old.log', $old);
($rc, $out) = $t->weirctl('replay', '--json', $t->path('old.log'),
                          $t->path('policies'));
is_deeply(decode_json($out)->{missing},
          { 'the host is not in the log' => ($old =~ tr/\n//) },
          'an older log without a host is not guessed');


# one client's denies are not another's

my %evaluations = (
    subject => { type => 'user', id => 'u' }, action => { name => 'GET' },
    resource => { type => 'r', id => '/none' },
    evaluations => [map { { context => { source => '192.0.2.66' } } }
                    1 .. 256],
);

http_request($t->port, 'POST', '/access/v1/evaluations',
    headers => [bearer('app'), 'Content-Type' => 'application/json'],
    body => encode_json(\%evaluations));
asked(resource => { type => 'r', id => '/none' },
      context => { source => '198.51.100.7' });

wait_for { slurp($log) =~ /198\.51\.100\.7/ } 5, 'the other client';
my $many = () = slurp($log) =~ /192\.0\.2\.66/g;
cmp_ok($many, '<', 200, 'of one client not all');
cmp_ok($many, '>=', 100, 'but many');

$t->done_testing;
