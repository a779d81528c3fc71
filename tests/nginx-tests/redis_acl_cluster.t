
# conf/redis/users.acl on all nodes of a cluster: the topology is asked for,
# and slots that move are followed, by users with the rights of the file.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;

plan(skip_all => 'Redis 6 knows no %R~') if Weir::Redis->version < 7;

my $t = Weir::Test->new;
my $acl = $t->path('acl');

my ($rc, $out, $err) = $t->execute([$t->top . '/conf/redis/passwords', $acl]);
is($rc, 0, 'passwords') or diag $err;

sub password { my $p = slurp("$acl/$_[0].pass"); chomp $p; return $p }

my @nodes = Weir::Redis->cluster($t, auth => ['admin', password('admin')],
    args => ['--aclfile', "$acl/users.acl", '--masteruser', 'admin',
             '--masterauth', password('admin')]);

my $head = 'weir:{prod}:cfg:head';
my ($owner, $slot) = Weir::Redis->owner($head, @nodes);
my ($other) = grep { $_ != $owner && $_->command('ROLE')->[0] eq 'master' }
              @nodes;

# another node than the one that has the slot

my $url = 'redis://127.0.0.1:' . $other->port;

$t->file('pass', password('gw-1'), 0644);
$t->file('html/x', "x\n");
$t->weirctl('keygen', $t->path('rel'));

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        gw-1;
    weir_store       $url cluster=on namespace=prod user=gw-1 poll=100ms
                     password_file=%%TESTDIR%%/pass;
    weir_trust       %%TESTDIR%%/rel.pub;
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_u { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /api { weir_policy off; weir_api; }
    }
}
END

sub ctl {
    my ($user, @args) = @_;
    return $t->weirctl(@args, '--store', "$url cluster=on namespace=prod "
                       . "user=$user password_file=$acl/$user.pass",
                       { env => { WEIR_SIGN_KEY => $t->path('rel.key') } });
}

sub policies {
    my ($rule) = @_;
    $t->file('policies/p.policy', "language 1; policy p;\npermit $rule { who "
             . "anyone; what GET /x; }\n");
    return $t->path('policies');
}

sub api { return http_get($t->port, '/api')->json }

$t->run;
wait_for { api()->{store}{state} eq 'up' } 20, 'the gateway is connected';

($rc, $out, $err) = ctl('policy', 'push', policies('one'));
is($rc, 0, 'policy: push') or diag $err;
($rc, $out, $err) = ctl('split', 'split', 'set', 'checkout', 'green=5%');
is($rc, 0, 'split: set') or diag $err;
wait_for { (ctl('viewer', 'status'))[0] == 0 } 10, 'viewer: status';

($rc, $out, $err) = ctl('split', 'push', policies('two'));
isnt($rc, 0, 'split: no push');
like($err, qr/NOPERM/, 'refused by Redis');


# while the slot moves: MOVED and ASK, with the same rights

my $id = sub { $_[0]->command('CLUSTER', 'MYID') };

$other->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id->($owner));
$owner->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id->($other));

my @keys = @{ $owner->command('CLUSTER', 'GETKEYSINSLOT', $slot, 100) };
ok(scalar(@keys) > 3, 'there is something to move');

$owner->command('MIGRATE', '127.0.0.1', $other->port, $head, 0, 5000,
                'AUTH2', 'admin', password('admin'));
wait_for { api()->{store}{state} eq 'up' && !api()->{bundle}{error} } 10,
    'the head is asked for elsewhere';
is(http_get($t->port, '/x')->status, 200, 'it decides');

for my $key (grep { $_ ne $head } @keys) {
    $owner->command('MIGRATE', '127.0.0.1', $other->port, $key, 0, 5000,
                    'REPLACE', 'AUTH2', 'admin', password('admin'));
}

$_->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $id->($other))
    for $other, $owner;

wait_for {
    ($rc, $out, $err) = ctl('policy', 'push', policies('three'));
    $rc == 0;
} 30, 'a push after the move';
is(http_get($t->port, '/x')->status, 200, 'it decides');
is($t->log_lines(qr/no-permission|NOPERM/) || 0, 0,
   'the gateway never lacked a right');

done_testing();
