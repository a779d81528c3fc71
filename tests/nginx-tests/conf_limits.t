
# conf/limits.conf: an expensive call has a quota of its own, per user; what
# is only tried out refuses nobody.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Example;

my $t = Weir::Test->new;
my $e = example($t, 'limits');

$t->run;

sub search {
    my ($subject) = @_;
    return http_request($t->port, 'POST', '/t/acme/search',
                        headers => $e->{bearer}->({ sub => $subject }));
}

my @answers = map { search('alice') } 1 .. 4;

is(join(' ', map { $_->status } @answers), '200 200 200 429',
   'the first and two more, then no more');

my $r = $answers[3];

cmp_ok($r->header('Retry-After'), '>=', 1, 'Retry-After');
cmp_ok($r->header('Retry-After'), '<=', 10, 'of a token each ten seconds');
like($r->header('RateLimit'), qr/"searches";r=0;t=\d+/, 'RateLimit');
like($r->header('RateLimit-Policy'), qr/"searches";q=6;w=60/,
     'RateLimit-Policy');
is_deeply($r->json->{'violated-policies'}, ['searches'], 'which one');
like($answers[0]->header('RateLimit'), qr/"per-address";.*"searches";r=2/,
     'an admitted answer says what is left');

is(search('bruno')->status, 200, 'another user');

is(http_get($t->port, '/t/acme/reports/7', headers => $e->{bearer}->({}))
   ->status, 200, 'another location');

# more than a user's burst, to one location: some pass, the rest does not

my $bearer = $e->{bearer}->({ sub => 'carla' });
my $c = Weir::HTTP->new(port => $t->port);

my %n;
$n{ $c->request('GET', '/t/acme/reports/7', headers => $bearer)->status }++
    for 1 .. 90;
$c->close;

cmp_ok($n{200}, '>=', 41, 'what the rate and burst of a user allow');
cmp_ok($n{429} || 0, '>=', 1, 'and no more');

done_testing();
