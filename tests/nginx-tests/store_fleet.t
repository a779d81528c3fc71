
# Two gateways on one store: each brings it into effect and reports for
# itself.  And the words of the directives.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Store;

my $a = Weir::Test->new(workers => 2);
my $b = Weir::Test->new(workers => 2);
my $store = Weir::Store->new($a);
my $trust = $store->key('alice');

sub conf {
    my ($lines, $rest, $pool) = @_;

    $rest = 'weir_thread_pool weir;' unless length($rest || '');
    $pool ||= 'thread_pool weir threads=1;';

    return <<"END";
$pool
events {}
http {
    weir_zone        8m;
    $lines
    $rest

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /api { weir_policy off; weir_api; }
    }
}
END
}

sub gateway {
    my ($t, $node, $rest) = @_;

    $t->file('html/one', "one\n");
    $t->file('html/two', "two\n");
    $t->conf(conf("weir_store @{[ $store->url ]} poll=200ms;\n"
                  . "weir_node $node;\nweir_trust $trust;", $rest));
}

sub policy {
    my ($rule, $name) = @_;
    $name ||= 'p';
    return { 'p.policy' => "language 1; policy $name;\n"
             . "permit x { who anyone; what * /$rule; }\n" };
}

gateway($a, 'gw-a');
gateway($b, 'gw-b', '# the default pool');
$_->run for $a, $b;

chmod 0755, $store->dir;

$store->push_bundle(files => policy('one'), keys => ['alice']);

for my $t ($a, $b) {
    wait_for { http_get($t->port, '/one')->status == 200 } 2.5, 'the push';
    is(http_get($t->port, '/two')->status, 403, 'and no more');
}

for my $node (qw(gw-a gw-b)) {
    wait_for { (($store->report($node) || {})->{bundle} || {})->{version} }
        5, "the report of $node";
    is($store->report($node)->{node}, $node, "$node reports for itself");
}

ok(-d $a->path('weir/gw-a'), 'weir_state beside the pid file');

my $first = $store->report('gw-a')->{time};
wait_for { $store->report('gw-a')->{time} ne $first } 10,
    'another report after some seconds';

$b->stop;
$store->push_bundle(files => policy('two'), keys => ['alice']);
wait_for { http_get($a->port, '/two')->status == 200 } 2.5, 'one alone';
$b->run;
is(http_get($b->port, '/two')->status, 200, 'the other one at its start');


# a policy that a reload names and the bundle lacks

{
    my $text = slurp($a->path('nginx.conf'));
    my $other = $text;
    $other =~ s/weir_policy p;/weir_policy q;/;
    spew($a->path('nginx.conf'), $other);
    ok($a->reload, 'a reload that names another policy');
    is(http_get($a->port, '/two')->status, 503, 'is answered 503');
    ok(scalar($a->log_lines(qr/\[warn\].*it has no policy "q", which/)),
       'and warned of');
    wait_for { http_get($a->port, '/api')->json->{keeper} } 5, 'a keeper';
    $store->push_bundle(files => policy('one', 'q'), keys => ['alice']);
    wait_for { http_get($a->port, '/one')->status == 200 } 2.5,
        'until a bundle has it';
    wait_for { (http_get($b->port, '/api')->json->{bundle}{error}
                || {})->{reason} } 5, 'a gateway that cannot serve it';
    is($store->report('gw-b')->{node}, 'gw-b', 'is there');
    is(http_get($b->port, '/api')->json->{bundle}{error}{reason},
       'missing-policy', 'and says why');
    is(http_get($b->port, '/two')->status, 200, 'with what it had');
}


# the directives

$a->allow(qr/ in \S+tested\.conf:\d+$/);

sub refuses {
    my ($lines, $re, $what, @more) = @_;
    my ($rc, $out) = $a->test_config(conf($lines, @more));
    isnt($rc, 0, "$what: refused");
    like($out, $re, $what);
}

sub takes {
    my ($lines, $re, $what) = @_;
    my ($rc, $out) = $a->test_config(conf($lines));
    is($rc, 0, "$what: taken") or diag($out);
    $re ? like($out, $re, $what) : unlike($out, qr/\[warn\]/, $what);
}

my $file = 'weir_store file:%%TESTDIR%%/none;';
my $state = 'weir_state %%TESTDIR%%/none-state;';

refuses('weir_store redis://192.0.2.1;',
        qr/"192\.0\.2\.1" is another machine: use rediss:.* in .*:\d/,
        'redis: off this machine, without TLS');
refuses('weir_store redis://127.0.0.1/0;', qr/has a path/, 'with a path');
refuses('weir_store redis://u:p@127.0.0.1;', qr/credentials do not belong/,
        'a password in the address');
refuses('weir_store redis://127.0.0.1 poll=1ms;', qr/invalid "poll"/,
        'redis: too often');
refuses('weir_store redis://127.0.0.1 timeout=x;', qr/"timeout=x"/,
        'redis: no time');
refuses('weir_store /srv/weir;', qr/invalid store "\/srv\/weir"/, 'no scheme');
refuses('weir_store file:;', qr/invalid store "file:"/, 'no folder');
refuses("$file $file", qr/"weir_store" directive is duplicate/, 'twice');
refuses('weir_store file:x bogus=1;', qr/invalid parameter "bogus=1"/,
        'a parameter that is none');
refuses('weir_store file:x user=a;',
        qr/invalid parameter "user=a": a "file:" store has no connection/,
        'a parameter of redis');
refuses('weir_store file:x poll=1s poll=2s;', qr/duplicate parameter "poll/,
        'a parameter twice');
refuses('weir_store file:x poll=1ms;', qr/invalid parameter "poll=1ms"/,
        'too often');
refuses('weir_store file:x namespace=A;',
        qr/invalid parameter "namespace=A"/, 'a namespace that is none');
refuses("$file weir_trust /none/key.pub;", qr{open\(\) "/none/key.pub"},
        'a key that is not there');
refuses("$file weir_trust %%TESTDIR%%/nginx.conf;", qr/no key to trust in/,
        'a file that is no key');
refuses("$file weir_trust may=policy;", qr/"weir_trust" directive names no/,
        'no key');
refuses("$file weir_trust $trust may=all;", qr/invalid parameter "may=all"/,
        'a role that is none');
refuses("$file weir_trust $trust threshold=0;",
        qr/invalid parameter "threshold=0"/, 'a threshold of none');
refuses("$file weir_trust $trust threshold=2;", qr/"weir_trust": /,
        'a threshold above the keys');
refuses("$file weir_trust $trust epoch=1; weir_trust $trust epoch=2;",
        qr/duplicate parameter "epoch=2"/, 'two epochs');
refuses("$file weir_trust off; weir_trust off;", qr/is duplicate/, 'off twice');
refuses("$file $state $state", qr/"weir_state" directive is duplicate/,
        'weir_state twice');
refuses("weir_thread_pool weir;\n", qr/"weir_thread_pool" directive is dup/,
        'weir_thread_pool twice');
refuses("$file weir_trust off;", qr/unknown thread pool "weir"/,
        'a pool that nobody declares', '', ' ');

takes($file, qr/\[warn\].*there is no "weir_trust"/, 'no trust');
takes("$file weir_trust off;", qr/\[warn\].*"weir_trust off"/, 'trust off');
takes("$file weir_trust $trust;", qr/\[warn\].*there is no "weir_state"/,
      'no lasting fence');
takes("weir_trust $trust;", qr/"weir_trust" has no effect without/,
      'trust without a store');
takes("$file $state weir_trust $trust may=policy,split;", undef, 'in order');
takes("$file weir_trust $trust min_version=7 epoch=2;", undef, 'in order');

ok(!-e $a->path('none'), 'nginx -t makes no store');
ok(!-e $a->path('none-state'), 'and no state');


done_testing();
