
# scripts/quickstart: what a stranger runs first: all its checks pass, it ends
# what it started, and only that, also when it is run twice at once or was
# killed.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

plan(skip_all => 'the module is inside this nginx') if $t->static;

# a build folder of its own, so that nobody's running gateway is touched

my $built = $ENV{WEIR_BUILD} || $t->top . '/build';

mkdir $t->path($_) for qw(build tmp1);
symlink "$built/weirctl", $t->path('build/weirctl');
symlink $t->{module}, $t->path('build/ngx_http_weir_module.so');

my %env = (WEIR_BUILD => $t->path('build'), TMPDIR => $t->path('tmp1'),
           WEIR_NGINX => $t->binary);

sub quickstart {
    return $t->execute([$t->top . '/scripts/quickstart', '--no-build', @_],
                       env => \%env, seconds => 90);
}

# what of it is there: folders, and processes that name them

sub left {
    my $tmp = $t->path('tmp1') . '/';

    return (glob("${tmp}weir-quickstart.*"),
            grep { slurp("$_/cmdline") =~ /\Q$tmp\E/
                   || (readlink("$_/cwd") || '') =~ /^\Q$tmp\E/ }
            glob '/proc/[0-9]*');
}

my ($rc, $out, $err) = quickstart('--once');

is($rc, 0, '--once');
like($out, qr/^\d+ passed, 0 failed$/m, 'every check passed')
    or diag(join "\n", grep { /NOT OK/ } split /\n/, "$out\n$err");

like($out, qr/^  \| HTTP\/1.1 $_ /m, "it shows a $_") for 200, 400, 401, 403,
                                                         429, 500;
like($out, qr/^  \| I am $_\./m, "it shows $_") for qw(blue green);
is(join(' ', left()), '', 'nothing is left');

# a gateway that stays; run again it is the same one

($rc, $out) = quickstart();

is($rc, 0, 'it starts');

my ($url) = $out =~ m{gateway\s+http://127\.0\.0\.1:(\d+)};
my ($dir) = $out =~ m{folder\s+(\S+)};

($rc, $out) = quickstart();

is($rc, 0, 'run again');
like($out, qr/Already running/, 'it says so');
like($out, qr{http://127\.0\.0\.1:$url\n}, 'the same one');

# what it prints works as printed

my ($command) = $out =~ /^  \$ (curl -i -H \S+ \S+)$/m;

my ($code, $answer) = $t->execute(['sh', '-c', $command]);

like($answer, qr{^HTTP/1.1 200 .*^X-Subject: alice}ms, "$command");

# another one beside it does not mind

my @both = map {
    my $n = $_;
    $t->spawn(sub {
        $ENV{$_} = $env{$_} for keys %env;
        open(STDOUT, '>', $t->path("both$n"));
        exec $t->top . '/scripts/quickstart', '--no-build', '--once';
    });
} 1, 2;

is($t->reap($_, 90), 0, 'two at once beside it') for @both;
like(slurp($t->path("both$_")), qr/^\d+ passed, 0 failed$/m, "of two, $_")
    for 1, 2;

is(http_get($url, '/weir/api', host_header => '127.0.0.1')->status, 200,
   'the one that stays is still there');

# one that is killed leaves its processes: the next run ends them

my $killed = $t->spawn(sub {
    $ENV{$_} = $env{$_} for keys %env;
    open(STDOUT, '>', $t->path('killed'));
    exec $t->top . '/scripts/quickstart', '--no-build', '--once';
});

wait_for { slurp($t->path('killed')) =~ /^A permit$/m } 30, 'a run to kill';
kill 'KILL', $killed;
$t->reap($killed, 5);

my ($orphan) = slurp($t->path('killed')) =~ m{folder\s+(\S+)};

ok(-d $orphan, 'a killed run leaves its folder');

($rc, $out) = quickstart('--stop');

is($rc, 0, '--stop');
like($out, qr/^stopped$/m, 'says so');
ok(!-d $orphan, 'what the killed one left is gone too');
wait_for { !left() } 10, 'the end of all of it';
is(join(' ', left()), '', 'nothing is left');

($rc, $out) = quickstart('--stop');

is("$rc $out", "0 nothing runs\n", '--stop again');

# the same with the store in a Redis of its own

($rc, $out, $err) = quickstart('--redis', '--once');

is($rc, 0, '--redis --once');
like($out, qr/^\d+ passed, 0 failed$/m, 'every check passed')
    or diag(join "\n", grep { /NOT OK/ } split /\n/, "$out\n$err");
like($out, qr/^    redis     127\.0\.0\.1:\d+$/m, 'it says where');
like($out, qr/^  ok      weirctl $_$/m, "weirctl $_")
    for qw(push rollback status split);
like($out, qr/^  ok      every user gets green$/m, 'a live split change');
is(join(' ', left()), '', 'nothing is left, nor its Redis');

# one that stays: its Redis knows nobody without a password

($rc, $out) = quickstart('--redis');
is($rc, 0, 'it starts');

my ($redis) = $out =~ /^    redis     127\.0\.0\.1:(\d+)$/m;

like(reply($redis), qr/^-NOAUTH/, 'no password, no word');

# what it prints works as printed

my @lines = $out =~ /^  \$ ((?:export |\S+weirctl )(?:push|status|\S+).*)$/mg;
my ($export) = grep { /^export WEIR_STORE=.*user=policy/ } @lines;
my ($key) = grep { /^export WEIR_SIGN_KEY=/ } @lines;
my ($push) = grep { /weirctl push/ } @lines;

($code, $answer, $err) = $t->execute(['sh', '-c', "$export; $key; $push"]);
is($code, 0, "$push") or diag($err);

($rc, $out) = quickstart('--redis');
like($out, qr/Already running/, 'run again it is the same one');
($rc, $out) = quickstart();
like($out, qr/Another build is running: it ends/, 'with a folder: another');
ok(!eval { Weir::Net->new(port => $redis) }, 'the Redis is gone');
quickstart('--stop');
wait_for { !left() } 10, 'the end of all of it';

sub reply {
    my ($port) = @_;
    my $c = Weir::Net->new(port => $port);
    $c->send("PING\r\n");
    return $c->read_until("\r\n");
}

is((quickstart('--nonsense'))[0], 2, 'an unknown option');

done_testing();


# a test that died leaves no gateway

END {
    my $code = $?;
    quickstart('--stop') if $t && -d $t->path('build') && left();
    $? = $code;
}
