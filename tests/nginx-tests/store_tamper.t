
# A byte that is changed anywhere: of a bundle's head, its segments, a live
# document, a bundle's file or a snapshot: noticed, and named.  The trail:
# cli_store_audit.t; a backup: cli_backup.t.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;

my $t = Weir::Test->new(workers => 1);
my $f = Weir::Fleet->new($t);
my ($rc, $out, $err);

my @trust = ('--trust', $f->pub);
my $large = join '', map { "permit more$_ { who anyone; what GET /m/$_/"
                           . ('x' x 60) . "; }\n" } 1 .. 700;
my $policies = $f->policies('large', 'GET', $large);

$f->report('gw-1', splits => { checkout =>
    Weir::Fleet::split_report('config', 0, green => 0.05, blue => 0.95) });
$f->ctl('push', $policies, '--no-wait');
$f->ctl('split', 'set', 'checkout', 'green=10%', '--no-wait');
unlink $f->path('gateways/gw-1.json');


# each of about n bytes of a file, what is written and how it is answered

sub tamper {
    my ($what, $file, $n, $ask, $re) = @_;

    my $is = slurp($file);
    my $step = int(length($is) / $n) || 1;
    my ($tried, @missed) = (0);

    for (my $i = 0; $i < length $is; $i += $step) {
        my $bad = $is;
        substr($bad, $i, 1) ^= chr(1 + $i % 127);
        spew($file, $bad);

        my ($rc, $err) = $ask->();
        $tried++;
        push @missed, "byte $i: $rc, $err" unless $rc eq '1' && $err =~ $re;
    }

    spew($file, $is);

    cmp_ok($tried, '>=', $n, "$what: $tried bytes");
    is_deeply(\@missed, [], "$what: each was noticed and named");

    my ($rc, $err) = $ask->();
    is("$rc$err", '0', "$what: as it was, it is good");
}

sub verify {
    my ($rc, $out, $err) = $f->ctl('audit', 'verify', @trust, '--quiet');
    return ($rc, $err);
}

my ($segment) = glob $f->path('segments/*');

tamper('head', $f->path('head.json'), 100, \&verify,
       qr{^weirctl: bundle/head: [a-z-]+: .});
tamper('live document', $f->path('live/split/checkout.json'), 100, \&verify,
       qr{^weirctl: split/checkout: [a-z-]+: .});
tamper('segment', $segment, 60, \&verify,
       qr{^weirctl: bundle/head: bad-signature: .*another hash});

rename $segment, "$segment.gone";
($rc, $err) = verify();
is($rc, 1, 'no segment');
like($err, qr{^weirctl: bundle/head: truncated: }, 'named');
rename "$segment.gone", $segment;

# and so does the bundle that a colleague has sent

my $file = $t->path('bundle');

$t->weirctl('build', $policies, $file, '--store', $f->store, '--sign-key',
            $f->key);

tamper('bundle file', $file, 60, sub {
    my ($rc, $out, $err) = $t->weirctl('push', $file, '--no-wait', @trust,
        '--store', 'file:' . new_store());
    $rc = 0 if $rc eq '0';
    return ($rc, $rc eq '0' ? '' : $err);
}, qr/^weirctl: ./);

my $stores = 0;

sub new_store {
    my $dir = $t->path('push-' . $stores++);
    $t->execute(['cp', '-a', $f->path(''), $dir]);
    return $dir;
}


# a snapshot: the gateway starts without a store, and serves only what is whole

$t->conf(<<"END");
events {}
http {
    weir_zone  16m;
    weir_node  gw-1;
    weir_store file:%%TESTDIR%%/store;
    weir_trust @{[ $f->pub ]};
    weir_state %%TESTDIR%%/state;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { weir_policy orders; root %%TESTDIR%%/html; }
    }
}
END
$t->file('html/x', "x\n");
$t->run;
wait_for { http_get($t->port, '/x')->status == 200 } 5, 'the bundle';

my $saved;

wait_for { ($saved) = glob $t->path('state/bundles/*.bundle') } 10,
         'the snapshot';
$t->stop;
rename $t->path('store'), $t->path('away');

tamper('snapshot', $saved, 12, sub {
    unlink $t->path('error.log');
    $t->run;

    my $status = http_get($t->port, '/x')->status;
    my @named = $t->log_lines(qr/a snapshot is refused: /);

    $t->stop;

    return $status == 200 ? (0, join '', @named)
                          : ($status == 503, join '', @named);
}, qr/a snapshot is refused: ./);


done_testing();
