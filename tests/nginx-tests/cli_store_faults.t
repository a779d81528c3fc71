
# weirctl and the store's troubles: pushes at once, kills, a lock that is
# held, no room, no permission.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Fleet;
use Fcntl qw(:flock);
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $f = Weir::Fleet->new($t);

my ($rc, $out, $err);
my $get = $f->policies('get', 'GET');
my $post = $f->policies('post', 'POST');

my $weirctl = ($ENV{WEIR_BUILD} || $t->top . '/build') . '/weirctl';

sub push_at_once {
    my ($dir) = @_;

    return $t->spawn(sub {
        $ENV{WEIR_STORE} = $f->store;
        $ENV{WEIR_SIGN_KEY} = $f->key;
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec $weirctl, 'push', $dir, '--no-wait';
    });
}

sub clean {
    my ($what) = @_;

    my ($rc, $out, $err) = $f->ctl('audit', 'verify', '--trust', $f->pub);
    is("$rc$err", '0', $what);
}


# pushes at once: each that says it succeeded is in the trail

my $done = 0;

for my $round (1 .. 5) {
    my @pids = map { push_at_once($_ % 2 ? $get : $post) } 1 .. 6;

    for my $pid (@pids) {
        my $status = $t->reap($pid, 30);
        ok($status == 0 || $status == 1 << 8, 'published, or a conflict');
        $done += $status == 0;
    }
}

ok($done >= 5, "$done of 30 pushes at once succeeded");
is(scalar $f->trail, $done, 'the trail has these');
is($f->head->{version}, $done, 'and as many versions');
clean('without a gap');


# killed at any moment

for my $n (1 .. 60) {
    my $pid = push_at_once($n % 2 ? $get : $post);

    select undef, undef, undef, rand 0.02;
    kill 'KILL', $pid;
    $t->reap($pid, 10);
}

($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 0, 'a push after sixty that were killed');
clean('the trail is whole');
ok(!-e $f->path('pending'), 'nothing is pending');


# somebody holds the lock

my $version = $f->head->{version};

open my $lock, '<', $f->path('lock') or die;
flock $lock, LOCK_EX or die;
($rc, $out, $err) = $f->ctl('push', $get, '--no-wait');
is($rc, 3, 'the lock is held');
like($err, qr/lock: held by another process for 5000 ms/, 'it says so');
($rc, $out, $err) = $f->ctl('status');
is($rc, 0, 'status needs no lock');
close $lock;
is($f->head->{version}, $version, 'nothing was published');


# no room

sub limited {
    my ($blocks, @args) = @_;

    return $t->execute(['sh', '-c', "trap '' XFSZ; ulimit -f $blocks; "
                        . 'exec "$@"', 'sh', $weirctl, @args],
                       env => { WEIR_STORE => $f->store,
                                WEIR_SIGN_KEY => $f->key });
}

my $before = join "\n", slurp($f->path('head.json')), $f->trail;
my $rules = join '', map { "permit r$_ { who anyone; what GET /a$_; }\n" }
                     1 .. 400;
$t->file('large/a.policy', "language 1;\npolicy a;\n$rules");

($rc, $out, $err) = limited(2, 'push', $t->path('large'), '--no-wait');
is($rc, 3, 'no room');
like($err, qr/File too large|No space left/, 'it says so');
is(join("\n", slurp($f->path('head.json')), $f->trail), $before,
   'nothing changed');
clean('nothing was left half-way');
($rc, $out, $err) = $f->ctl('push', $t->path('large'), '--no-wait');
is($rc, 0, 'with room it goes');

$t->execute(['rm', '-f', $t->path('half.key')]);
($rc, $out, $err) = limited(0, 'keygen', $t->path('half'));
is($rc, 2, 'no room for a key');
ok(!-e $t->path("half.$_"), "no half a pair: $_") for qw(key pub);
($rc, $out, $err) = limited(1, 'build', $t->path('large'),
                            $t->path('half.bundle'));
is($rc, 2, 'no room for a bundle');
is(scalar(() = glob $t->path('half*')), 0, 'nothing is left of it');
($rc, $out, $err) = limited(1, 'audit', 'export', $t->path('half.export'));
is($rc, 2, 'no room for an export');
is(scalar(() = glob $t->path('half*')), 0, 'nor of that');


# no permission: a reader may read

SKIP: {
    skip 'root alone becomes somebody else', 6 if $> != 0;

    my @nobody = ('setpriv', '--reuid=65534', '--regid=65534',
                  '--clear-groups');
    chmod 0644, $f->key;

    my %env = (WEIR_STORE => $f->store, WEIR_SIGN_KEY => $f->key);

    skip 'the program is not readable for others', 6
        if ($t->execute([@nobody, $weirctl, '--version']))[0] ne '0';

    for my $verb (['status'], ['history'], ['audit', 'verify']) {
        ($rc, $out, $err) = $t->execute([@nobody, $weirctl, @$verb],
                                        env => \%env);
        is($rc, 0, "@$verb, as somebody else") or diag $err;
    }

    ($rc, $out, $err) = $t->execute([@nobody, $weirctl, 'push', $get],
                                    env => \%env);
    is($rc, 3, 'push, as somebody else');
    like($err, qr/lock: Permission denied/, 'it says so');

    chmod 0600, $f->path('head.json');
    ($rc, $out, $err) = $t->execute([@nobody, $weirctl, 'status'],
                                    env => \%env);
    is($rc, 3, 'a head that nobody else may read');
    chmod 0644, $f->path('head.json');
}


# results that cannot be written are none

($rc, $out, $err) = $t->execute(['sh', '-c', 'exec "$@" > /dev/full', 'sh',
                                 $weirctl, 'status', '--json'],
                                env => { WEIR_STORE => $f->store });
is($rc, 2, 'stdout is full');
like($err, qr/stdout: No space left/, 'it says so');


done_testing();
