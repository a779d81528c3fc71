#!/usr/bin/perl

# A reload takes out of effect what the new configuration does not admit
# (security.md 3.2: "After reload everything active must verify under the
# current keys, else the newest that does, else 503").  The keeper of the
# configuration before lives on for a moment: what it knows to be right is not
# right any more, and it must not bring it back.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Store;

our $poll = $ENV{POLL} || "50ms";

sub conf {
    my ($t, $url, $ns, $more) = @_;

    $t->file("html/$_", "$_\n") for qw(one two);
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       $url poll=$main::poll namespace=$ns;
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

my %one = (files => { 'p.policy' => "language 1; policy p;\n"
                      . "permit a { who anyone; what GET /one; }\n" });
my $rounds = $ENV{ROUNDS} || 5;

for my $how ("another namespace", "the key was removed",
             "the role was removed") {
    my $t = Weir::Test->new(workers => 1);
    my $store = Weir::Store->new($t, ns => 'stage');
    my $pub = $store->key('alice');
    my $bob = $store->key('bob');
    mkdir $t->path('none');

    $store->push_bundle(%one, keys => ['alice'], version => 3);
    conf($t, $store->url, 'stage', $pub);
    $t->run;

    my ($n, $late) = (0, 0);

    for (1 .. $rounds) {
        conf($t, $store->url, 'stage', $pub);
        $t->reload;
        wait_for { http_get($t->port, '/one')->status == 200 } 5, 'it serves';

        my ($url, $ns, $trust) = ($store->url, 'stage', $pub);
        $ns = 'prod' if $how eq 'another namespace';
        $trust = $bob if $how eq 'the key was removed';
        $trust = "$pub may=split;\nweir_trust $bob"
            if $how eq 'the role was removed';
        conf($t, $url, $ns, $trust);
        $t->reload;
        select undef, undef, undef, 0.3;

        $n++;
        $late += http_get($t->port, '/one')->status != 503;
    }

    is($late, 0, "$how: after $n reloads, and what was in effect is not");
    $t->stop;
}

done_testing();
