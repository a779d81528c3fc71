package Weir::Faults;

# Faults under load: each is a row of the fault matrix.  What is promised is
# the test's word; what was observed, and all numbers, are what was measured
# while the fault lasted and the load went on.
#
# With $WEIR_FAULTS_TABLE each row is also appended to that file, as a line of
# JSON; `perl -MWeir::Faults -e Weir::Faults::table FILE` prints it.

use strict;
use warnings;

use Fcntl qw(O_WRONLY O_APPEND O_CREAT);
use JSON::PP ();
use Test::More ();
use Time::HiRes qw(time);

use Weir::Load qw(percentile);
use Weir::Net qw(wait_for slurp deadline_factor);
use Weir::Rig;

my $json = JSON::PP->new->canonical->utf8;


# The fault goes on for $WEIR_FAULTS_HOLD seconds once it has shown; 0 in a
# test run.

sub lasts { select undef, undef, undef, $ENV{WEIR_FAULTS_HOLD} || 0 }


# Weir::Faults->new($rig, ...): the load on each of these gateways begins.

sub new {
    my ($class, @rigs) = @_;

    return bless {
        rigs => \@rigs,
        loads => [map {
            Weir::Load->new($_->t, paths => Weir::Rig::paths(),
                            workers => $_->{workers},
                            pause => 0.004 * @rigs)
        } @rigs],
    }, $class;
}


sub stop { $_->stop for @{ $_[0]{loads} } }


# What the clients of all gateways got, each request with `rig`, the number of
# its gateway.

sub records {
    my ($self, $from, $until) = @_;

    my @all;

    for my $i (0 .. $#{ $self->{loads} }) {
        my @r = $self->{loads}[$i]->records($from, $until);
        $_->{rig} = $i for @r;
        push @all, @r;
    }

    return @all;
}


# fault(NAME, PROMISED, sub { ... }): the code makes the fault, looks, and
# mends it.  Options: closed => 1 (no policies yet: 503 is right), lost => N
# (connections that a killed process may take along), colours => 1 (the split
# is changed meanwhile), killed => N (processes that are killed), attempts =>
# N (connections to the store; else a few and two a second), more => N
# (descriptors that stay open: a link that was not there before).

sub fault {
    my ($self, $name, $promised, $code, %o) = @_;

    my @t = map { $_->t } @{ $self->{rigs} };

    $self->{saw} = [];
    $self->{numbers} = [];
    $self->{bad} = [];
    $self->{name} = $name;

    # a file that is being written at this moment is none that stays

    my ($fds) = sort { $a <=> $b } map {
        select undef, undef, undef, 0.02;
        descriptors(@t)
    } 1 .. 5;

    my ($rss) = memory(1, @t);
    my @marks = map { length $_->error_log } @t;
    my $from = time();

    if (!eval { $code->($self); 1 }) {
        my $why = $@;
        $why =~ s/ at \S+ line \d+\.?\n.*//s;
        $self->holds(0, $why);
    }

    my $until = time();

    $self->judge(\%o, $self->records($from, $until));

    # what the fault opened is closed, what it took is given back

    $fds += $o{more} || 0;
    my $left = $fds;

    eval {
        wait_for { $left = descriptors(@t); $left <= $fds } 10, 'descriptors';
    };

    $self->holds($left <= $fds, "descriptors $fds before, $left after");
    $self->number("fds $fds->$left");

    my ($now, $peak) = memory(0, @t);
    my $grown = ($peak - $rss) / 1024;

    $self->holds($t[0]->sanitize || $grown < 32,
                 sprintf('memory grew by %.1f MB', $grown));
    $self->number(sprintf 'rss %.1f->%.1f (peak %.1f) MB', $rss / 1024,
                  $now / 1024, $peak / 1024);

    my $log = join '', map { substr $t[$_]->error_log, $marks[$_] } 0 .. $#t;
    my $crashes = () = $log =~ /exited on signal/g;

    $self->holds($crashes == ($o{killed} || 0), "$crashes processes died");

    my $attempts = () = $log =~ /weir: redis \S+: /g;
    my $most = defined $o{attempts} ? $o{attempts}
                                    : @t * (10 + 2 * ($until - $from));

    $self->holds($attempts <= $most, "$attempts connections, a storm");
    $self->number("connections $attempts");

    my $ok = Test::More::ok(!@{ $self->{bad} }, "$name: $promised");

    Test::More::diag(map { "$name: $_\n" } @{ $self->{bad} }) unless $ok;

    row($name, $promised,
        join('; ', (map { "NOT: $_" } @{ $self->{bad} }), @{ $self->{saw} }),
        join(', ', @{ $self->{numbers} }));

    return $ok;
}


# Something that has to hold; what is wrong otherwise.

sub holds {
    my ($self, $ok, $else) = @_;
    push @{ $self->{bad} }, $else unless $ok;
    return $ok;
}


sub is {
    my ($self, $have, $want, $what) = @_;
    $have = 'nothing' unless defined $have;
    return $self->holds($have eq $want, "$what: $have, not $want");
}


sub like {
    my ($self, $have, $re, $what) = @_;
    $have = 'nothing' unless defined $have;
    return $self->holds($have =~ $re, "$what: $have");
}


# What was observed, for the table.

sub saw {
    my ($self, $text) = @_;
    push @{ $self->{saw} }, $text;
}


sub number {
    my ($self, $text) = @_;
    push @{ $self->{numbers} }, $text;
}


# Waits for a condition, and remembers how long: recovery, within 10 s.

sub recovers (&@) {
    my ($cond, $self, $what) = @_;

    my $from = time();
    wait_for { $cond->() } 10, $what || 'recovery';

    $self->number(sprintf 'recovery %.1f s', time() - $from);
}


# What the clients got: nobody was refused what the policy permits or given
# what it denies, each answer is by one content, and no loop stood still.

sub judge {
    my ($self, $o, @records) = @_;

    my ($n, $lost, %wrong, %content, %colour, @control) = (0, 0);

    for my $r (@records) {

        if ($r->{path} eq '/control') {
            push @control, $r->{ms};
            $wrong{'control failed'}++
                if $r->{how} ne 'full' && $lost++ >= ($o->{lost} || 0);
            next;
        }

        $n++;

        if ($r->{how} ne 'full') {
            $wrong{"request $r->{how}"}++ if $lost++ >= ($o->{lost} || 0);
            next;
        }

        next if $o->{closed} && $r->{status} == 503 && $r->{rule} eq '';

        my $why = Weir::Rig::wrong(@$r{qw(path status rule)});

        if (defined $why) {
            $wrong{"$r->{path}: $why"}++;
            next;
        }

        my ($content) = $r->{rule} =~ /(\d+)/;
        my $known = $content{ $r->{version} } ||= $content;

        $wrong{"version $r->{version} is content $known and $content"}++
            if $known != $content;

        next if $o->{colours} || $r->{colour} eq '';

        my ($key) = $r->{path} =~ /u=(\d+)/;
        $colour{$key} ||= $r->{colour};
        $wrong{"key $key: $colour{$key} and $r->{colour}"}++
            if $colour{$key} ne $r->{colour};
    }

    my @wrong = sort keys %wrong;

    $self->holds(!@wrong, scalar(@wrong) . ' kinds of wrong answers: '
                 . join(', ', map { "$_ ($wrong{$_})" }
                              @wrong[0 .. (@wrong < 4 ? $#wrong : 3)]));
    $self->holds($n, 'no load');
    $self->holds(scalar(@control), 'no control request');

    my $p99 = percentile(0.99, @control);
    my $max = percentile(1, @control);

    $self->holds($max < 2000 * deadline_factor(),
                 sprintf('a control request took %d ms', $max));

    $self->number(sprintf 'requests %d, failed %d, lost %d', $n,
                  scalar(@wrong), $lost);
    $self->number(sprintf 'control p99 %.1f max %.1f ms', $p99, $max);
}


# The descriptors of all workers but those of clients, and those by which the
# processes of nginx talk to each other.

sub descriptors {
    my (@t) = @_;

    my %port = map { sprintf('%04X', $_->port) => 1 } @t;
    my %ours;

    for my $line (split /\n/, slurp('/proc/net/tcp')) {
        my @f = split ' ', $line;
        $ours{ $f[9] } = 1 if $f[1] =~ /:(....)$/ && $port{$1};
    }

    for my $line (split /\n/, slurp('/proc/net/unix')) {
        my @f = split ' ', $line;
        $ours{ $f[6] } = 1 if defined $f[6];
    }

    my $n = 0;

    for my $pid (map { $_->worker_pids } @t) {
        for my $fd (glob "/proc/$pid/fd/*") {
            my $to = readlink $fd or next;
            next if $to =~ /^socket:\[(\d+)\]/ && $ours{$1};
            next if $to =~ m{/html/};
            $n++;
        }
    }

    return $n;
}


# Resident memory of the largest worker, in KiB: now, and its peak since it
# was last asked for with a true first argument.

sub memory {
    my ($forget, @t) = @_;

    my ($rss, $peak) = (0, 0);

    for my $pid (map { $_->worker_pids } @t) {
        my $status = slurp("/proc/$pid/status");
        my ($r) = $status =~ /^VmRSS:\s+(\d+)/m;
        my ($p) = $status =~ /^VmHWM:\s+(\d+)/m;

        $rss = $r if ($r || 0) > $rss;
        $peak = $p if ($p || 0) > $peak;

        if ($forget && open(my $fh, '>', "/proc/$pid/clear_refs")) {
            print $fh "5\n";
            close $fh;
        }
    }

    return ($rss, $peak);
}


sub row {
    my ($name, $promised, $observed, $numbers) = @_;

    Test::More::note("fault: $name\n  promised: $promised\n"
                     . "  observed: $observed\n  numbers:  $numbers\n");

    my $file = $ENV{WEIR_FAULTS_TABLE} or return;

    sysopen(my $fh, $file, O_WRONLY | O_APPEND | O_CREAT)
        or die "$file: $!";
    syswrite $fh, $json->encode({ file => $0,
                                  fault => $name, promised => $promised,
                                  observed => $observed,
                                  numbers => $numbers }) . "\n";
}


# The rows of a file, as a table of which each cell is broken where it must.

sub table {
    my ($file) = @_;

    my @columns = qw(fault promised observed numbers);
    my @width = (26, 30, 44, 36);
    my @rows = map { $json->decode($_) } split /\n/, slurp($file);

    # files run at the same time

    @rows = sort { $a->{file} cmp $b->{file} } @rows;

    my $line = sub {
        my @cells = map { [wrap($_[$_], $width[$_])] } 0 .. 3;
        my ($high) = sort { $b <=> $a } map { scalar @$_ } @cells;

        for my $i (0 .. $high - 1) {
            my $text = join ' | ', map {
                sprintf "%-$width[$_]s",
                        defined $cells[$_][$i] ? $cells[$_][$i] : ''
            } 0 .. 3;

            $text =~ s/ +$//;
            print "$text\n";
        }
    };

    my $rule = join('-+-', map { '-' x $_ } @width) . "\n";

    $line->(@columns);
    print $rule;

    for my $row (@rows) {
        $line->(@$row{@columns});
        print $rule;
    }

    my $bad = grep { $_->{observed} =~ /NOT: / } @rows;
    print "policies and live weights; counters are not kept in a store yet\n";
    printf "%d faults, %d not as promised\n", scalar @rows, $bad;
}


sub wrap {
    my ($text, $width) = @_;

    my @lines = ('');

    for my $word (split ' ', $text) {
        while (length $word > $width) {
            push @lines, substr $word, 0, $width, '';
        }

        if (length($lines[-1]) + length($word) < $width) {
            $lines[-1] .= length $lines[-1] ? " $word" : $word;

        } else {
            push @lines, $word;
        }
    }

    shift @lines if @lines > 1 && $lines[0] eq '';

    return @lines;
}


1;
