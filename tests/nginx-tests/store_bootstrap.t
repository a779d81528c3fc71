#!/usr/bin/perl

# weir_bundle beside a Redis: nobody signed it, so it decides only with the
# word "bootstrap", and only before a signed bundle was ever accepted.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $url = 'redis://127.0.0.1:' . $r->port;

$t->weirctl('keygen', $t->path('rel'));

sub policy {
    my ($dir, $rule) = @_;
    $t->file("$dir/p.policy", "language 1;\npolicy p;\n"
             . "permit $rule { who anyone; what GET /$rule; }\n");
    return $t->path($dir);
}

sub configure {
    my ($word) = @_;
    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        16m;
    weir_node        gw1;
    weir_store       $url poll=100ms timeout=300ms;
    weir_trust       %%TESTDIR%%/rel.pub;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_bundle      %%TESTDIR%%/local $word;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
        }
        location = /api { weir_policy off; weir_api; }
    }
}
END
}

sub get { return http_get($t->port, $_[0])->status }
sub api { return http_get($t->port, '/api')->json }

$t->file("html/$_", "$_\n") for qw(local signed);
policy('local', 'local');

configure('');
$t->run;
is(get('/local'), 503, 'without the word it does not decide');
is(api()->{bundle}{source}, 'none', 'there is none');
like($t->error_log, qr/"weir_bundle" is not used without its word "bootstrap"/,
     'the configuration says so');

configure('bootstrap');
ok($t->reload, 'a reload with the word');
is(get('/local'), 200, 'it decides');
is(get('/signed'), 403, 'by its rules');
is(api()->{bundle}{source}, 'local', 'as the local one');

my ($rc, $out, $err) = $t->weirctl('push', policy('pushed', 'signed'),
                                   '--store', $url, '--sign-key',
                                   $t->path('rel.key'));
is($rc, 0, 'a signed one') or diag "$out$err";
wait_for { get('/signed') == 200 } 5, 'takes its place';
is(get('/local'), 403, 'of the local one nothing is left');

$r->stop;
$t->stop;
$t->run;
is(get('/signed'), 200, 'the snapshot goes before it');

$t->stop;
system('rm', '-r', $t->path('state/bundles'));
$t->run;
is(get('/local'), 503, 'never again after a signed one');
like($t->error_log, qr/"weir_bundle" is not used: a signed bundle was accepted/,
     'and says so');

$t->stop;
$t->file('state/fence', "no fence\n");
$t->run;
is(get('/local'), 503, 'nor where the fence says nothing');

done_testing();
