
# The whole way with the real tools: weirctl makes keys, pushes, moves
# traffic, rolls back and tells; real gateways decide.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;

my $t = Weir::Test->new(workers => 3);
my $dir = $t->dir;
my $url = "file:$dir/store";

my ($rc, $out, $err) = $t->weirctl('keygen', "$dir/ops");
is($rc, 0, 'weirctl keygen') or diag($err);

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw1;
    weir_store       $url;
    weir_trust       $dir/ops.pub;
    weir_state       $dir/state;
    weir_thread_pool weir;

    weir_split checkout key=\$arg_u { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Pid    \$pid always;
        add_header X-Bundle <\$weir_bundle> always;
        add_header X-Colour \$weir_split_checkout always;

        location / { weir_policy p; root $dir/html; }
        location = /api { weir_policy off; weir_api; }
    }
}
END

$t->file("html/$_", "$_\n") for qw(one two all);

sub policy {
    my ($rule, $name) = @_;
    $t->file('policies/p.policy', 'language 1; policy ' . ($name || 'p')
             . ";\npermit all { who anyone; what * /all; }\n"
             . "permit $rule { who anyone; what * /$rule; }\n");
}

sub get { return http_get($t->port, $_[0]) }
sub api { return get('/api')->json }

sub ctl {
    my ($verb, @args) = @_;
    return $t->weirctl($verb, @args, '--store', $url);
}

sub signed { return ctl(@_, '--sign-key', "$dir/ops.key") }

sub workers {
    my ($path) = @_;
    my %seen;
    wait_for {
        my $r = get($path);
        $seen{$r->header('X-Pid')}{$r->status}++;
        return keys %seen == 3;
    } 20, 'each worker';
    return join ' ', sort map { keys %$_ } values %seen;
}


$t->run;
is(get('/all')->status, 503, 'nothing in the store');
ok(-d "$dir/store/gateways", 'nginx made the folder of its store');
wait_for { -s "$dir/store/gateways/gw1.json" } 5, 'its first report';

policy('one');

my $start = Time::HiRes::time();
($rc, $out, $err) = signed('push', "$dir/policies");
my $took = Time::HiRes::time() - $start;

is($rc, 0, 'weirctl push') or diag("$out$err");
cmp_ok($took, '<', 4 * Weir::Net::deadline_factor(),
       sprintf 'it knows of its effect after %.2f s', $took);
is(workers('/one'), '200 200 200', 'all workers decide by it');
is(get('/two')->status, 403, 'and by no more');
is(get('/all')->header('X-Bundle'), '<1>', 'version 1');

policy('two');
$start = Time::HiRes::time();
($rc) = signed('push', "$dir/policies", '--no-wait');
is($rc, 0, 'another push');
wait_for { get('/two')->status == 200 } 5, 'its effect';
$took = Time::HiRes::time() - $start;
cmp_ok($took, '<', 2 * Weir::Net::deadline_factor(),
       sprintf 'in effect after %.2f s', $took);
is(workers('/one'), '403 403 403', 'in all workers');

wait_for { (ctl('status'))[0] == 0 } 10, 'weirctl status: all are current';


# a bundle that the gateway cannot serve

policy('one', 'q');
($rc, $out, $err) = signed('push', "$dir/policies");
is($rc, 1, 'a push that the gateway cannot serve');
like("$out$err", qr/gw1/, 'names it');
is(get('/two')->status, 200, 'what it had stays');


# weights

$start = Time::HiRes::time();
($rc, $out, $err) = signed('split', 'set', 'checkout', 'green=100%');
is($rc, 0, 'weirctl split set') or diag("$out$err");
wait_for { get('/all?u=x')->header('X-Colour') eq 'green' } 5, 'the traffic';
$took = Time::HiRes::time() - $start;
cmp_ok($took, '<', 2.5 * Weir::Net::deadline_factor(),
       sprintf 'moved after %.2f s', $took);
is(api()->{splits}{checkout}{source}, 'store', 'api: source');

($rc) = signed('split', 'set', 'checkout', 'red=10%');
is($rc, 1, 'a colour that no gateway has');

($rc, $out, $err) = signed('split', 'reset', 'checkout');
is($rc, 0, 'weirctl split reset') or diag("$out$err");
wait_for { get('/all?u=x')->header('X-Colour') eq 'blue' } 5,
    'nginx.conf again';
is(api()->{splits}{checkout}{source}, 'config', 'api: source');


# rollback

my $before = api()->{bundle}{version};

($rc, $out, $err) = signed('rollback', '--to', '1');
is($rc, 0, 'weirctl rollback') or diag("$out$err");
wait_for { get('/one')->status == 200 } 5, 'the old content';
cmp_ok(api()->{bundle}{version}, '>', $before, 'under a new version');

($rc, $out, $err) = ctl('audit', 'verify', '--trust', "$dir/ops.pub");
is($rc, 0, 'weirctl audit verify') or diag("$out$err");

done_testing();
