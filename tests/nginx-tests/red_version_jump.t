#!/usr/bin/perl

# Who writes to Redis without a key may withhold updates as long as he is
# there.  What he writes must not make the operator sign a version that no
# gateway takes: that would last after he is gone.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::RedisGateway;
use Weir::Store;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);

for my $how ('report', 'unsigned head', 'split report', 'unsigned split') {
    my $t = Weir::Test->new(workers => 2);
    my $r = Weir::Redis->new($t);
    my $g = Weir::RedisGateway->new($t,
        'redis://127.0.0.1:' . $r->port . ' namespace=prod');
    $t->run;

    my $sign = Weir::Store->new($t, ns => 'prod');
    my @ctl = ('--store', $g->{words}, '--sign-key', $t->path('rel.key'));

    like($g->push_rule('one'), qr/^0 version 1/, "$how: pushed");
    $g->serves('one');
    is(($t->weirctl('split', 'set', 'checkout', 'green=10%', @ctl))[0], 0,
       'split set');

    my $report = sub {
        my ($name) = @_;
        my %r = (node => 'zz', version => '0.1.0',
                 time => Weir::Store::time_text(time),
                 bundle => { version => 1 },
                 fences => { $name => { epoch => 0, version => 1 + 2**20,
                             hash => 'sha256:' . '0' x 64 } });
        $r->command('SET', 'weir:{prod}:gw:zz', encode_json(\%r), 'EX',
                    86400);
    };

    if ($how eq 'report') {
        $report->('bundle/head');
    } elsif ($how eq 'unsigned head') {
        $r->command('SET', 'weir:{prod}:cfg:head', $sign->bundle(
            version => 1 + 2**20, files => { 'p.policy' =>
            "language 1;\npolicy p;\npermit x { what GET /x; }\n" }));
    } elsif ($how eq 'split report') {
        $report->('split/checkout');
    } else {
        $r->command('HSET', 'weir:{prod}:cfg:live', 'split/checkout',
            $sign->envelope('split', $sign->payload('split', 'checkout',
                version => 1 + 2**20, more => '"weights":{"green":1}')));
    }

    # the operator works as ever

    my $first = $how =~ /split/
        ? join(' ', $t->weirctl('split', 'set', 'checkout', 'green=20%',
                                @ctl))
        : $g->push_rule('two');

    # and he is gone

    $r->command('DEL', 'weir:{prod}:gw:zz');

    if ($how =~ /split/) {
        my @l = $t->weirctl('split', 'set', 'checkout', 'green=30%', @ctl);
        is($l[0], 0, "$how: split set works again once he is gone")
            or diag("@l");
    } else {
        my $out = $g->push_rule('three');
        like($out, qr/^0 version/, "$how: push works again once he is gone")
            or diag($out);
        is($g->get('/three')->status, 200, 'and serves');
    }
    $t->stop;
}

done_testing();
