#!/usr/bin/perl

# Who writes to Redis without a key, and a fresh gateway: an older document of
# a split, while there is no head that names the least version.  security.md
# 3.3 ("the head names the minimum version of each live document, for fresh
# nodes") and 3.5 ("He cannot raise a weight").

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Store;

sub gateway {
    my ($t, $store, $more) = @_;
    $t->file('html/one', "one\n");
    $t->file('html/colour', "c\n");
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
    my ($name) = @_;
    return (files => { "$name.policy" => "language 1; policy $name;\n"
                       . "permit a { who anyone; what GET /one; }\n" });
}

for my $how ('head deleted', 'head garbage', 'head waits', 'head too large',
             'missing-policy')
{
    my $t = Weir::Test->new(workers => 1);
    my $store = Weir::Store->new($t);
    my $pub = $store->key('alice');
    my @k = (keys => ['alice']);
    my $old = $store->push_split('checkout', { green => 10000 }, @k);
    $store->push_split('checkout', { green => 0 }, @k, version => 5);

    my %f = files($how eq 'missing-policy' ? 'q' : 'p');
    my $head = $store->push_bundle(%f, @k, version => 7,
        live_min => { 'split/checkout' => 5 },
        $how eq 'head waits' ? (activate_at =>
            Weir::Store::time_text(time + 3600)) : ());

    # without a key
    unlink $store->path('head.json') if $how eq 'head deleted';
    $store->put('head.json', 'x') if $how eq 'head garbage';
    $store->put('head.json', 'x' x 70000) if $how eq 'head too large';
    $store->put('live/split/checkout.json', $old);

    gateway($t, $store, "$pub min_version=7");
    $t->run;
    wait_for { $t->error_log =~ /"checkout" are refused: older/ } 5, $how;
    my $c = http_get($t->port, '/colour?user=1')->header('X-Colour');
    is($c, 'blue', "$how: an older document of a split");
    $t->stop;
}

done_testing();
