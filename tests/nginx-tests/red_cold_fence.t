#!/usr/bin/perl

# A gateway that starts with a damaged fence, and has a verified snapshot of
# version 5 beside it: a store that brings back version 2.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Store;

sub gateway {
    my ($t, $store, $more) = @_;
    $t->file("html/$_", "$_\n") for qw(one two five colour);
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=100ms;
    weir_trust       $more;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_user { green 0%; blue *; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /colour { weir_policy off; root %%TESTDIR%%/html;
                             add_header X-Colour \$weir_split_checkout; }
        location = /api { weir_policy off; weir_api; }
    }
}
END
}

sub files {
    return (files => { 'p.policy' => "language 1; policy p;\n"
                       . "permit a { who anyone; what GET /$_[0]; }\n" });
}

for my $how ('a byte of it', 'empty', 'gone', 'a folder', 'nothing') {
    my $t = Weir::Test->new(workers => 1);
    my $store = Weir::Store->new($t);
    my $pub = $store->key('alice');
    my @k = (keys => ['alice']);
    my $old = $store->push_bundle(files('two'), @k, version => 2);
    my $olds = $store->push_split('checkout', { green => 10000 }, @k,
                                  version => 2);
    $store->push_split('checkout', { green => 0 }, @k, version => 5);
    $store->push_bundle(files('five'), @k, version => 5);

    gateway($t, $store, $pub);
    $t->run;
    wait_for { -e $t->path('state/fence') } 5, 'the fence';
    select undef, undef, undef, 0.5;
    is(http_get($t->port, '/five')->status, 200, 'version 5');
    $t->stop;

    my $fence = $t->path('state/fence');
    my $text = slurp($fence);

    if ($how eq 'a byte of it') {
        $text =~ s/head 0 5/head 0 4/;
        spew($fence, $text);
    }
    elsif ($how eq 'empty') { spew($fence, '') }
    elsif ($how eq 'gone') { unlink $fence }
    elsif ($how eq 'a folder') { unlink $fence; mkdir $fence }

    $store->put('head.json', $old);
    $store->put('live/split/checkout.json', $olds);
    $t->run;
    wait_for { $t->error_log =~ /bundle in the store is refused: older/ } 5,
        $how;
    is(http_get($t->port, '/two')->status, 403,
       "fence, $how: an older bundle is refused");
    is(http_get($t->port, '/five')->status, 200, "and the snapshot serves");
    is(http_get($t->port, '/colour?user=1')->header('X-Colour'),
       'blue', 'an older split is refused');
    $t->stop;
}

done_testing();
