#!/usr/bin/perl

# weir_decide answers a batch of evaluations in turns: whole and in order,
# whoever else asks meanwhile, reloads, or has gone away.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use JSON::PP;

my $t = Weir::Test->new(workers => 1);
my $issuer = issuer($t);

$t->file('policies/orders.policy', <<'END');
language 1;
policy orders;
schema from corp { claim tenant string; }
permit own { who issuer corp; what GET /t/{tenant}/**;
             if claim.tenant == path.tenant; }
END

$t->http_conf(<<END);
    weir_zone         8m;
    weir_bundle       policies;
    weir_decision_log %%TESTDIR%%/decisions.log;
    $issuer

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /access/v1/ {
            weir_auth   corp;
            weir_policy off;
            weir_decide orders;
            client_body_buffer_size 512k;
        }

        location = /ping { weir_policy off; return 204; }
    }
END

$t->run;

# Evaluations that take many turns: each has its own subject.

my $many = 256;
my $body = encode_json({
    action => { name => 'GET' },
    evaluations => [map { {
        resource => { type => 'route', id => "https://a.test/t/t$_/x" },
        subject => { type => 'jwt', id => "user$_", properties => {
            issuer => 'corp', tenant => $_ % 2 ? "t$_" : 'other',
            fill => [map { "item-$_" } 1 .. 60] } },
    } } 1 .. $many],
});

my @expected = map { $_ % 2 ? 1 : 0 } 1 .. $many;

my $request = Weir::HTTP->format('POST', '/access/v1/evaluations',
    headers => ['Content-Type', 'application/json', bearer('app')],
    body => $body);

sub answered {
    my ($r, $what) = @_;

    is($r && $r->status, 200, "$what: status");
    is_deeply([map { $_->{decision} ? 1 : 0 }
                   @{ $r->json->{evaluations} || [] }],
              \@expected, "$what: all decisions, in order");
}

answered(http($t->port, $request), 'alone');

# many at once in the only worker, with others between them

my @asking = map { Weir::HTTP->new(port => $t->port) } 1 .. 8;

$_->send($request) for @asking;
is(http_get($t->port, '/ping')->status, 204, 'another is answered');

answered($_->response, 'of several') for @asking;
$_->close for @asking;

# clients that go away: before an answer, within the request, and in crowds

for my $part (1, 0.5, 1, 0.999) {
    my @gone = map { Weir::HTTP->new(port => $t->port) } 1 .. 12;

    $_->send(substr $request, 0, $part * length $request) for @gone;
    $_->close for @gone;

    is(http_get($t->port, '/ping')->status, 204, "gone after $part of it");
}

answered(http($t->port, $request), 'after those who went');

# a reload between turns

@asking = map { Weir::HTTP->new(port => $t->port) } 1 .. 4;

$_->send($request) for @asking;
$t->reload;

answered($_->response, 'across a reload') for @asking;
$_->close for @asking;

# each permit of an answer that was given is in the log once (of denies a
# client has so many)

my $marked = $request =~ s/\r\n/\r\nX-Request-ID: marked\r\n/r;

answered(http($t->port, $marked), 'marked');

my @lines;

wait_for {
    @lines = grep { /"marked".*"policy":"orders","verdict":"permit"/ }
             split /\n/, slurp($t->path('decisions.log'));
    @lines >= $many / 2;
} 10, 'its records';

is(scalar @lines, $many / 2, 'one record for each');

$t->done_testing;
