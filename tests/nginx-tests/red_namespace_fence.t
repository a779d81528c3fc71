#!/usr/bin/perl

# A gateway that serves another namespace for a while, and then the first one
# again: what it has saved of that is known, though the fence is not.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Store;

my $t = Weir::Test->new(workers => 1);
my $prod = Weir::Store->new($t, ns => 'prod', dir => $t->path('sa'));
my $stage = Weir::Store->new($t, ns => 'stage', dir => $t->path('sb'));
my $pub = $prod->key('alice');
my @k = (keys => ['alice']);

$stage->{keys} = $prod->{keys};

sub configure {
    my ($store, $ns) = @_;

    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       @{[ $store->url ]} poll=100ms namespace=$ns;
    weir_trust       $pub;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { weir_policy p; root %%TESTDIR%%/html; }
    }
}
END
}

sub rule {
    return (files => { 'p.policy' => "language 1; policy p;\n"
                       . "permit a { who anyone; what GET /$_[0]; }\n" });
}

sub serves {
    my ($rule) = @_;
    wait_for { http_get($t->port, "/$rule")->status == 200 } 5, $rule;
}

sub saved {
    my ($n) = @_;
    wait_for {
        my @found = glob $t->path('state/bundles') . '/*';
        @found == $n;
    } 5, "$n are saved";
}

$t->file("html/$_", "$_\n") for qw(one two five);

my $old = $prod->push_bundle(rule('two'), @k, version => 2);
$prod->push_bundle(rule('five'), @k, version => 50);
$stage->push_bundle(rule('one'), @k, version => 3);

configure($prod, 'prod');
$t->run;
serves('five');
saved(1);

configure($stage, 'stage');
$t->reload;
serves('one');
saved(2);
$t->stop;
$t->run;
serves('one');

configure($prod, 'prod');
$prod->put('head.json', $old);
$t->reload;
serves('five');
is(http_get($t->port, '/two')->status, 403, 'version 2 after 50 is refused');

done_testing();
