#!/usr/bin/env perl

# Load on a gateway while its configuration is reloaded, policies are pushed,
# a split changes and Redis is killed amid one of these, all of it every few
# seconds: no request fails, what was refused works when it is tried again,
# and the counters are exact.
#
# scripts/drill store runs this for a minute.

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes ();
use Weir::Test;
use Weir::Faults;
use Weir::Redis;
use Weir::Rig;

my $seconds = $ENV{WEIR_DRILL_SECONDS}
              || ($ENV{WEIR_FAULTS_HOLD} ? 60 : 8);
my $t = Weir::Test->new(workers => 2, log_level => 'info');
my $r = Weir::Redis->new($t, args => ['--appendonly', 'yes', '--appendfsync',
                                      'always']);
my $rig = Weir::Rig->new(t => $t, url => 'redis://127.0.0.1:' . $r->port,
    location => 'access_log %%TESTDIR%%/drill.log drill;',
    http => 'log_format drill "$weir_verdict/$weir_split_checkout/$status";');
my ($n, $green) = (0, 0);
my %did = map { $_ => 0 } qw(reload push split kill again);

$rig->run;
wait_for { $rig->up } 10, 'up';
$rig->publish(++$n);

my $f = Weir::Faults->new($rig);

# Redis ends at some moment of what is done meanwhile, and is started again by
# whoever watches it.

sub amid {
    my ($code) = @_;

    my $pid = $r->pid;
    my $killer = $t->spawn(sub {
        Time::HiRes::sleep(rand 0.15);
        kill 'KILL', $pid;
    });

    $code->();
    $t->kill_child($killer) unless defined $t->reap($killer, 5);
    $r->crash;
    $r->start;
    $did{kill}++;
}


# Until weirctl says that it is done, which it has to within the deadline.

sub insists {
    my ($what, $code, $restart) = @_;

    my $said = '';

    for my $try (1 .. 20) {
        my ($rc, undef, $text) = $code->();

        return $did{$what}++ if $rc eq '0';

        $said = $text;
        $did{again}++;
        return 0 if $restart;

        wait_for { eval { $r->command('PING') } } 10, 'Redis';
        wait_for { $rig->up } 10, 'up';
    }

    die "$what: $said";
}

sub push_next { return $rig->push_content($n) }

sub change_split {
    my ($rc, $out, $err) = $rig->ctl('split', 'set', 'checkout',
                                     "green=$green%");
    return ($rc, undef, "$out$err");
}

sub split_is {
    wait_for {
        my $weight = $rig->metric('weir_split_weight_ratio{'
                                  . 'split="checkout",colour="green"}');
        abs($weight - $green / 100) < 0.0001
    } 15, "green=$green%";
}


my $end = Time::HiRes::time() + $seconds;

$f->fault("$seconds s of reloads, pushes, changes and kills",
          'no failed request; exact counters', sub {

    for (my $round = 0; Time::HiRes::time() < $end; $round++) {

        $t->signal('HUP');
        $did{reload}++;

        # one of them is cut short, and tried again

        $n++;
        amid(sub { insists('push', \&push_next, 1) }) if $round % 2 == 0;
        wait_for { $rig->up } 15, 'up';
        insists('push', \&push_next);
        $rig->decides($n, 15);

        $green = 10 + ($green + 7) % 80;
        amid(sub { insists('split', \&change_split, 1) }) if $round % 2 == 1;
        wait_for { $rig->up } 15, 'up';
        insists('split', \&change_split);
        split_is();
    }

    $f->saw("content $n and green=$green% are in effect");
    $f->number(join ', ', map { "$_ $did{$_}" }
               qw(reload push split kill again));

}, colours => 1, attempts => 30 * $seconds);

$f->stop;

cmp_ok($did{$_}, '>', 0, "$_: $did{$_}") for qw(reload push split kill);

my ($rc, $out, $err) = $rig->ctl('audit', 'verify', '--trust',
                                 "$rig->{key}.pub");

is($rc, 0, 'the trail is whole') or diag("$out$err");


# The counters against the access log, which says what they should be.

my (%want, %have);

my $equal = eval {
    wait_for {
        %want = %have = ();

        for (split /\n/, slurp($t->path('drill.log'))) {
            my ($verdict, $colour) = split m{/};
            $want{"weir_requests_total $verdict"}++;
            $want{"weir_split_requests_total $colour"}++
                if $colour =~ /^\w/;
        }

        my $text = $rig->get('/metrics')->body;

        $have{"weir_requests_total $1"} = $2 while $text
            =~ /^weir_requests_total\{service="p",verdict="(\w+)"\} (\d+)/mg;
        $have{"weir_split_requests_total $1"} = $2 while $text =~
            /^weir_split_requests_total\{split="checkout",colour="(\w+)"\}
             [ ](\d+)/xmg;

        delete $have{$_} for grep { !$have{$_} } keys %have;

        join(' ', map { "$_=$want{$_}" } sort keys %want)
            eq join(' ', map { "$_=$have{$_}" } sort keys %have);
    } 10, 'equal counters';
};

cmp_ok(scalar(keys %want), '>=', 4, 'the access log says what to count');
is($have{$_}, $want{$_}, "$_ equals the access log") for sort keys %want;

done_testing();
