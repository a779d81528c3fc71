
# conf/redis/users.acl in a real Redis: gateways and weirctl do what they are
# for with their users, and whatever else is refused.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;

plan(skip_all => 'Redis 6 knows no %R~') if Weir::Redis->version < 7;

my $a = Weir::Test->new;
my $b = Weir::Test->new;
my $acl = $a->path('acl');
my @users = qw(admin gw-1 gw-2 policy split viewer archivist restore);

# the script of the repository makes passwords and the file

my ($rc, $out, $err) = $a->execute([$a->top . '/conf/redis/passwords', $acl]);
is($rc, 0, 'passwords') or diag $err;

my $text = slurp("$acl/users.acl");
unlike($text, qr/PASSWORD|nopass/, 'every user has one');
is(scalar(grep { -s "$acl/$_.pass" } @users), @users, 'in a file each');
is((stat "$acl/split.pass")[2] & 07777, 0600, 'for its owner alone');
my %seen = map { (slurp("$acl/$_.pass") => 1) } @users;
is(scalar(keys %seen), @users, 'no two are equal');

($rc, $out, $err) = $a->execute([$a->top . '/conf/redis/passwords',
                                 $a->path('acl2')]);
isnt(slurp("$acl/split.pass"), slurp($a->path('acl2/split.pass')),
     'and another time it is another');

# as it lies in the repository Redis takes it for no file of users

($rc, $out) = $a->execute(['redis-server', '--port', 0, '--unixsocket',
    $a->path('no.sock'), '--aclfile', $a->top . '/conf/redis/users.acl']);
isnt($rc, 0, 'the file without passwords is refused');

sub password { my $p = slurp("$acl/$_[0].pass"); chomp $p; return $p }

my $r = Weir::Redis->new($a, auth => ['admin', password('admin')],
                         args => ['--aclfile', "$acl/users.acl"]);
my $url = 'redis://127.0.0.1:' . $r->port;


# a client of the test, as one of the users

sub as {
    my ($user) = @_;
    return bless { test => $a, dir => $a->dir, port => $r->port,
                   auth => [$user, password($user)] }, 'Weir::Redis';
}

sub answer {
    my ($c, @command) = @_;
    my $answer = eval { $c->command(@command) };
    return defined $answer ? ref $answer ? 'list' : $answer
                           : $@ ? $@ =~ /redis: (\S+)/ ? $1 : $@ : 'nil';
}


# two gateways and weirctl

for ([$a, 'gw-1'], [$b, 'gw-2']) {
    my ($t, $node) = @$_;

    # as the worker reads it again

    $t->file('pass', password($node), 0644);
    $t->file('html/x', "x\n");
    $a->weirctl('keygen', $a->path('rel')) unless -e $a->path('rel.pub');

    $t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        $node;
    weir_store       $url namespace=prod user=$node poll=100ms
                     password_file=%%TESTDIR%%/pass;
    weir_trust       @{[ $a->path('rel.pub') ]};
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_u { green 0%; blue *; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
            add_header  X-Colour \$weir_split_checkout always;
        }
        location = /api { weir_policy off; weir_api; }
    }
}
END
    $t->run;
}

sub ctl {
    my ($user, @args) = @_;
    return $a->weirctl(@args, '--store', "$url namespace=prod user=$user "
                       . "password_file=$acl/$user.pass",
                       { env => { WEIR_SIGN_KEY => $a->path('rel.key') } });
}

sub policy {
    my ($n) = @_;
    my $rules = join '', map { "permit r$_ { who anyone; what GET /r$_/"
                               . 'x' x 60 . "; }\n" } 1 .. $n;
    $a->file('policies/p.policy', "language 1; policy p;\npermit x { who "
             . "anyone; what GET /x; }\n$rules");
    return $a->path('policies');
}

for my $t ($a, $b) {
    wait_for { http_get($t->port, '/api')->json->{store}{state} eq 'up' } 10,
        'contact';
}

wait_for { @{ $r->command('KEYS', 'weir:{prod}:gw:*') } == 2 } 10,
    'both report';

($rc, $out, $err) = ctl('policy', 'push', policy(1));
is($rc, 0, 'policy: push') or diag $err;
is(http_get($_->port, '/x')->status, 200, 'in effect') for $a, $b;

# with segments, more often than are kept, so that some are collected

for my $n (1 .. 3) {
    ($rc, $out, $err) = ctl('policy', 'push', policy(1000 + $n));
    is($rc, 0, 'policy: a large one') or diag $err;
    unlike($err, qr/NOPERM|segments stay/, 'nothing was refused');
}

cmp_ok(scalar(@{ $r->command('KEYS', 'weir:{prod}:cfg:seg:*') }), '>', 0,
       'it has segments');

($rc, $out, $err) = ctl('policy', 'rollback');
is($rc, 0, 'policy: rollback') or diag $err;
($rc, $out, $err) = ctl('split', 'split', 'set', 'checkout', 'green=100%');
is($rc, 0, 'split: set') or diag $err;

for my $t ($a, $b) {
    wait_for { (http_get($t->port, '/x?u=1')->header('X-Colour') || '')
               eq 'green' } 5, 'the traffic moves';
}

($rc, $out, $err) = ctl('split', 'split', 'reset', 'checkout');
is($rc, 0, 'split: reset') or diag $err;

for my $user (qw(viewer policy split archivist)) {
    wait_for { (ctl($user, 'status'))[0] == 0 } 10, "$user: status";
    ($rc, $out, $err) = ctl($user, 'history');
    is($rc, 0, "$user: history") or diag $err;
    ($rc, $out, $err) = ctl($user, 'audit', 'verify', '--trust',
                             $a->path('rel.pub'));
    is($rc, 0, "$user: audit verify") or diag $err;
    ($rc, $out, $err) = ctl($user, 'split', 'show', 'checkout');
    is($rc, 0, "$user: split show") or diag $err;
}

($rc, $out, $err) = ctl('viewer', 'pull', $a->path('pulled'));
is($rc, 0, 'viewer: pull') or diag $err;


# what weirctl is refused

my $head = $r->command('GET', 'weir:{prod}:cfg:head');
my $length = $r->command('XLEN', 'weir:{prod}:cfg:audit');

for (['split', 'push', policy(1)], ['viewer', 'push', policy(1)],
     ['archivist', 'push', policy(1)], ['split', 'rollback'],
     ['policy', 'split', 'set', 'checkout', 'green=1%'],
     ['viewer', 'split', 'set', 'checkout', 'green=1%'])
{
    my ($user, @verb) = @$_;
    ($rc, $out, $err) = ctl($user, @verb);
    isnt($rc, 0, "$user: no $verb[0]");
    like($err, qr/NOPERM/, 'Redis refuses it');
}

is($r->command('GET', 'weir:{prod}:cfg:head'), $head, 'the head is as it was');
is($r->command('XLEN', 'weir:{prod}:cfg:audit'), $length, 'so is the trail');


# what each user is refused, command by command

my %key = map { ($_ => "weir:{prod}:cfg:$_") } qw(head live rev audit);
my $seg = 'weir:{prod}:cfg:seg:' . '0' x 64;

my %refused = (
    nobody => [
        [GET => $key{head}], [SET => $key{head}, 'x'], ['PING'], ['ROLE'],
        ['INFO'], ['KEYS', '*'],
    ],

    'gw-1' => [
        [SET => $key{head}, 'x'], [SET => $seg, 'x'], [SET => $key{rev}, 1],
        [SET => $key{live}, 'x'], [SET => $key{audit}, 'x'],
        [SET => 'weir:{prod}:gw:gw-2', 'x'],
        [SET => 'weir:{other}:gw:gw-1', 'x'],
        [HSET => $key{live}, 'split/checkout', 'x'], [DEL => $key{head}],
        [DEL => 'weir:{prod}:gw:gw-1'], [XADD => $key{audit}, '*', 'a', 'b'],
        [INCR => $key{rev}], [EXPIRE => $key{head}, 1],
        [GETRANGE => 'weir:{other}:cfg:head', 0, 1],
        [HGET => 'weir:{other}:cfg:live', 'x'], [GET => $key{head}],
        [GETRANGE => 'weir:{prod}:gw:gw-2', 0, 1],
        [SET => $key{head}, 'x', 'GET'],
    ],

    policy => [
        [HSET => $key{live}, 'split/checkout', 'x'], [DEL => $key{live}],
        [SET => $key{live}, 'x'], [SET => $key{rev}, 9], [INCR => $key{rev}],
        [DEL => $key{rev}], [SET => 'weir:{prod}:gw:gw-1', 'x'],
        [DEL => 'weir:{prod}:gw:gw-1'], [XDEL => $key{audit}, '0-1'],
        [SET => 'weir:{other}:cfg:head', 'x'],
        [GET => 'weir:{other}:cfg:head'],
    ],

    split => [
        [SET => $key{head}, 'x'], [DEL => $key{head}], [SET => $seg, 'x'],
        [DEL => $seg], [DEL => $key{live}], [XDEL => $key{audit}, '0-1'],
        [SET => 'weir:{prod}:gw:gw-1', 'x'],
        [HSET => 'weir:{other}:cfg:live', 'a', 'b'],
    ],

    viewer => [
        [SET => $key{head}, 'x'], [HSET => $key{live}, 'a', 'b'],
        [XADD => $key{audit}, '*', 'a', 'b'], [INCR => $key{rev}],
        [SET => 'weir:{prod}:gw:gw-1', 'x'], [XDEL => $key{audit}, '0-1'],
    ],

    restore => [
        [SET => 'weir:{prod}:gw:gw-1', 'x'], [DEL => 'weir:{prod}:gw:gw-1'],
        [XDEL => $key{audit}, '0-1'], [XTRIM => $key{audit}, 'MAXLEN', 0],
        [SET => 'weir:{other}:cfg:head', 'x'],
    ],

    archivist => [
        [SET => $key{head}, 'x'], [HSET => $key{live}, 'a', 'b'],
        [XADD => $key{audit}, '*', 'a', 'b'], [XTRIM => $key{audit}, 'MAXLEN',
                                               0],
    ],
);

my @all = (['FLUSHALL'], ['FLUSHDB'], [CONFIG => 'GET', '*'],
           [CONFIG => 'SET', 'appendonly', 'no'], ['SAVE'],
           [EVAL => 'return 1', 0], [ACL => 'LIST'], ['ACL', 'LOAD'],
           [RENAME => $key{head}, 'x'], [COPY => $key{head}, "$key{head}:2"],
           [RESTORE => $key{head}, 0, "x"],
           [MIGRATE => '127.0.0.1', 1, 'x', 0, 1],
           [KEYS => '*'], ['MONITOR'], [SUBSCRIBE => 'x'],
           [PUBLISH => 'x', 'y'], [CLIENT => 'LIST'], ['SHUTDOWN'],
           [REPLICAOF => 'NO', 'ONE'], [SCRIPT => 'FLUSH'],
           [GETDEL => $key{head}],
           [EXPIRE => $key{head}, 1], [PERSIST => $key{head}],
           [SELECT => 1], [SWAPDB => 0, 1]);

for my $user (sort keys %refused) {
    my $c = $user eq 'nobody'
        ? bless({ test => $a, dir => $a->dir, port => $r->port },
                'Weir::Redis')
        : as($user);

    my @none = map { join ' ', @$_ }
               grep { answer($c, @$_) !~ /^(?:NOPERM|NOAUTH)$/ }
               @{ $refused{$user} }, @all;

    is(join(', ', @none), '', "$user: all else is refused");
}

is(answer(bless({ test => $a, dir => $a->dir, port => $r->port },
                'Weir::Redis'), 'AUTH', 'default', ''), 'WRONGPASS',
   'the default user has no password');
is($r->command('GET', 'weir:{prod}:cfg:head'), $head, 'the head is as it was');
is($r->command('XLEN', 'weir:{prod}:cfg:audit'), $length, 'so is the trail');


# old entries go with the archivist, who took them out before

($rc, $out, $err) = ctl('archivist', 'audit', 'export', $a->path('export'));
is($rc, 0, 'archivist: audit export') or diag $err;
($rc, $out, $err) = $a->weirctl('audit', 'trim', $a->path('export'),
    '--before', '2000-01-01T00:00:00Z', '--store', "$url namespace=prod "
    . "user=archivist password_file=$acl/archivist.pass");
is($rc, 0, 'archivist: audit trim') or diag $err;


# all of it into a file and back, and over another store

my @trust = ('--trust', $a->path('rel.pub'));

sub words {
    my ($user) = @_;
    return "$url namespace=prod user=$user password_file=$acl/$user.pass";
}

($rc, $out, $err) = $a->weirctl('backup', $a->path('all.backup'), @trust,
                                '--store', words('viewer'));
is($rc, 0, 'viewer: backup') or diag $err;

my $there = 'file:' . $a->path('there') . ' namespace=prod';
mkdir $a->path('there');
($rc, $out, $err) = $a->weirctl('sync', words('viewer'), $there, @trust);
is($rc, 0, 'viewer: sync from here') or diag $err;

sub nothing {
    $r->command('DEL', @{ $r->command('KEYS', 'weir:{prod}:cfg:*') });
}

nothing();
($rc, $out, $err) = $a->weirctl('restore', $a->path('all.backup'), @trust,
                                '--store', words('viewer'));
isnt($rc, 0, 'viewer: no restore');
like($err, qr/NOPERM/, 'Redis refuses it');
($rc, $out, $err) = $a->weirctl('restore', $a->path('all.backup'), @trust,
                                '--store', words('restore'));
is($rc, 0, 'restore') or diag $err;
is($r->command('GET', 'weir:{prod}:cfg:head'), $head, 'the head is there');

nothing();
($rc, $out, $err) = $a->weirctl('sync', $there, words('restore'), @trust);
is($rc, 0, 'restore: sync to here') or diag $err;
is($r->command('GET', 'weir:{prod}:cfg:head'), $head, 'the head is there');
wait_for { (ctl('viewer', 'status'))[0] == 0 } 10, 'the gateways agree';


# a gateway with the rights of another: its report is refused, it decides

{
    $r->command('ACL', 'SETUSER', 'gw-2', 'resetkeys', '%R~weir:{prod}:cfg:*',
                '%W~weir:{prod}:gw:gw-9');
    my $denied = qr/the report cannot be written to the store: denied: /;
    wait_for { $b->log_lines($denied) } 20, 'its report is refused';
    is(http_get($b->port, '/x')->status, 200, 'it decides');
    is(http_get($b->port, '/api')->json->{store}{state}, 'up',
       'and reads the store');

    # no rights to read at all

    $r->command('ACL', 'SETUSER', 'gw-2', 'resetkeys');
    wait_for { http_get($b->port, '/api')->json->{store}{state} eq 'down' } 10,
        'no right to read';
    like(http_get($b->port, '/api')->json->{store}{error}{message},
         qr/no-permission/,
         'it says so');
    is(http_get($b->port, '/x')->status, 200, 'it decides');

    $r->command('ACL', 'LOAD');
    wait_for { http_get($b->port, '/api')->json->{store}{state} eq 'up' } 60,
        'until the file is loaded again';
    is(http_get($b->port, '/x')->status, 200, 'it decides');
}


# all of it out, and back into a Redis that lost it

$r->reconnect;

sub as_user {
    my ($user) = @_;
    return "$url namespace=prod user=$user password_file=$acl/$user.pass";
}

($rc, $out, $err) = $a->weirctl('backup', $a->path('backup'), '--store',
                                as_user('viewer'), '--trust',
                                $a->path('rel.pub'));
is($rc, 0, 'viewer: backup') or diag $err;
$head = $r->command('GET', 'weir:{prod}:cfg:head');
$r->command('DEL', $_) for @{ $r->command('KEYS', 'weir:{prod}:cfg:*') };
($rc, $out, $err) = $a->weirctl('restore', $a->path('backup'), '--store',
                                as_user('viewer'), '--trust',
                                $a->path('rel.pub'));
isnt($rc, 0, 'viewer: no restore');
($rc, $out, $err) = $a->weirctl('restore', $a->path('backup'), '--store',
                                as_user('restore'), '--trust',
                                $a->path('rel.pub'));
is($rc, 0, 'restore: restore') or diag $err;
is($r->command('GET', 'weir:{prod}:cfg:head'), $head, 'it is back');
($rc, $out, $err) = $a->weirctl('sync', as_user('viewer'),
                                as_user('restore'), '--trust',
                                $a->path('rel.pub'));
is($rc, 0, 'viewer to restore: sync') or diag $err;

done_testing();
