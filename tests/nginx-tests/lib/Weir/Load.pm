package Weir::Load;

# Clients that ask a gateway all the time and write down what they got: one
# that keeps its connection, one that never does, and one that asks every
# worker for something that needs no store, to see how long its loop takes.
#
# A request fails where it fails on a fresh connection, or again after one
# retry where a reused connection closed before the first byte.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(O_WRONLY O_APPEND O_CREAT);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

use Weir::Net qw(wait_for slurp deadline_factor);

our @EXPORT_OK = qw(exchange percentile);

my $count = 0;


# One request on a kept or a fresh connection: 'full', 'cut' or '' where not a
# byte came; whether the connection stays; the head, and the body.

sub exchange {
    my ($sock, $port, $request) = @_;

    $$sock ||= IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $port, Timeout => 10)
        or return ('', 0);

    local $SIG{PIPE} = 'IGNORE';

    syswrite $$sock, $request or return ('', 0);

    my $data = '';
    my $end = time() + 20 * deadline_factor();
    my $ready = IO::Select->new($$sock);

    while (1) {
        if ($data =~ /\A(HTTP.*?)\r\n\r\n/s) {
            my ($head, $have) = ($1, length($data) - $+[0]);
            my ($length) = $head =~ /^Content-Length: (\d+)/mi;
            my $want = defined $length ? $length : 0;

            return ('full', $head !~ /^Connection: close/mi, $head,
                    substr($data, length($data) - $have))
                if $have >= $want && $head =~ m{\AHTTP/1\.1 \d\d\d };
            return ('cut', 0) if $have >= $want;
        }

        return ('cut', 0) unless $ready->can_read($end - time());

        sysread($$sock, $data, 65536, length $data)
            or return ($data eq '' ? '' : 'cut', 0);
    }
}


# Of some numbers the one that this part is not above.

sub percentile {
    my ($part, @n) = @_;

    return 0 unless @n;
    @n = sort { $a <=> $b } @n;

    my $i = int($part * @n);
    return $n[$i < @n ? $i : -1];
}


# Weir::Load->new($t, paths => [...], control => '/control', workers => 2,
# pause => 0.004): $t's folder gets one file for each client.  Paths may have
# %d, the number of the request modulo 100.

sub new {
    my ($class, $t, %o) = @_;

    my $self = bless {
        t => $t, port => $t->port, pause => 0.004, workers => 2,
        control => '/control', files => [], pids => [], read => {}, %o,
    }, $class;

    my $n = $count++;

    for my $kind (qw(keep fresh control)) {
        my $file = $t->path("load-$n.$kind");
        push @{ $self->{files} }, $file;
        push @{ $self->{pids} }, $t->spawn(sub {
            sysopen(my $fh, $file, O_WRONLY | O_APPEND | O_CREAT)
                or die "$file: $!";
            $kind eq 'control' ? $self->ask_workers($fh)
                               : $self->ask($fh, $kind eq 'keep');
        });
    }

    return $self;
}


sub stop {
    my ($self) = @_;
    $self->{t}->kill_child($_) for splice @{ $self->{pids} };
}


sub request {
    my ($path, $keep) = @_;

    return "GET $path HTTP/1.1\r\nHost: gw.test\r\nConnection: "
           . ($keep ? 'keep-alive' : 'close') . "\r\n\r\n";
}


# One line: when, ms, path, what came of it, and what was said of it.

sub record {
    my ($fh, $began, $path, $how, $head) = @_;

    my ($status) = defined $head ? $head =~ m{\AHTTP/1\.1 (\d+)} : ();
    my %h = map { $_ => '' } qw(bundle rule colour);

    while (defined $head && $head =~ /^X-(\w+): (\S+)/mg) {
        $h{ lc $1 } = $2;
    }

    syswrite $fh, join("\t", sprintf('%.4f', $began),
                       sprintf('%.2f', (time() - $began) * 1000), $path, $how,
                       $status || 0, @h{qw(bundle rule colour)}) . "\n";
}


sub ask {
    my ($self, $fh, $keep) = @_;

    my @paths = @{ $self->{paths} };
    my ($sock, $reused, $n) = (undef, 0, 0);

    while (1) {
        my $path = sprintf $paths[$n % @paths], int($n / @paths) % 100;
        my $request = request($path, $keep);
        my $began = time();
        $n++;

        my ($how, $open, $head) = exchange(\$sock, $self->{port}, $request);

        if ($how eq '' && $reused) {
            undef $sock;
            ($how, $open, $head) = exchange(\$sock, $self->{port}, $request);
        }

        record($fh, $began, $path, $how || 'none', $head);

        undef $sock unless $keep && $open;
        $reused = defined $sock;

        sleep $self->{pause};
    }
}


# A kept connection to each worker, which says its process number.

sub ask_workers {
    my ($self, $fh) = @_;

    my %socks;
    my $request = request($self->{control}, 1);

    while (1) {
        for my $try (1 .. 16) {
            last if keys %socks >= $self->{workers};

            my $began = time();
            my $sock;
            my ($how, $open, $head, $pid)
                = exchange(\$sock, $self->{port}, $request);

            record($fh, $began, $self->{control}, $how || 'none', $head);
            $socks{$pid} = $sock if $how eq 'full' && $open;
        }

        for my $pid (keys %socks) {
            my $began = time();
            my ($how, $open, $head)
                = exchange(\$socks{$pid}, $self->{port}, $request);

            # one that has closed is replaced, which is the retry

            delete $socks{$pid} unless $how eq 'full' && $open;
            record($fh, $began, $self->{control}, $how, $head)
                unless $how eq '';

            sleep $self->{pause};
        }
    }
}


# What all clients wrote down of requests that began from then on, oldest
# first; waits until each has begun one after `until`.

sub records {
    my ($self, $from, $until) = @_;

    my $wait = !defined $until || $until;
    $until ||= time();
    my @all;

    for my $file (@{ $self->{files} }) {
        my $text;

        wait_for {
            $text = slurp($file);
            my ($last) = $text =~ /^(\d+\.\d+)\t[^\n]*\n\z/m;
            !$wait || $last && $last > $until;
        } 60, "a request after the fault ($file)";

        for my $line (split /\n/, $text) {
            my %r;
            @r{qw(at ms path how status version rule colour)}
                = split /\t/, $line, -1;
            push @all, \%r if $r{at} >= $from && $r{at} <= $until;
        }
    }

    return sort { $a->{at} <=> $b->{at} } @all;
}


1;
