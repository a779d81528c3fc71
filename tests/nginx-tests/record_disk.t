#!/usr/bin/perl

# weir_decision_log on a disk that is full now and then: what is in the file
# are whole lines, as many as are counted, whichever worker tore one.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use JSON::PP;

my $t = Weir::Test->new(workers => 4);
my $disk = $t->path('disk');

mkdir $disk or die "$disk: $!";

plan skip_all => 'no tmpfs can be mounted here'
    if $> != 0
       || system("mount -t tmpfs -o size=64k none '$disk' 2>/dev/null");

my $owner = $$;

# the exit code is that of the test, not that of umount

END {
    local $?;
    system("umount -l '$disk' 2>/dev/null") if $owner && $$ == $owner;
}

$t->allow(qr/decisions cannot be written/);

$t->file('policies/p.policy', <<'END');
language 1;
policy p;
permit ok { who anyone; what GET /ok; if has header("x-a"); }
END

$t->http_conf(<<'END');
    weir_zone         8m;
    weir_bundle       policies;
    weir_decision_log %%TESTDIR%%/disk/log;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /        { weir_policy p; root html; }
        location /metrics { weir_policy off; weir_metrics; }
    }
END

$t->run;

sub counts {
    my $text = http_get($t->port, '/metrics')->body;

    return { $text =~ /^weir_decision_log_records_total
                        \{result="(\w+)"\}\ (\d+)/mgx };
}

my ($asked, $all, $torn) = (0, '', 0);

# Some requests, and when all have been counted what is in the file, emptied.

sub round {
    my ($n) = @_;

    for (1 .. $n) {
        http_get($t->port, '/ok',
                 headers => ['X-A', 'x' x (10 + 7 * $_ % 300)]);
    }

    $asked += $n;

    wait_for {
        my $c = counts();
        $c->{written} + $c->{error} == $asked;
    } 10, 'all are counted';

    # (what was torn may lack no more than its end of line)

    my $text = slurp("$disk/log");
    $torn += $text =~ s/[^\n]+\z//;

    $all .= $text;
    truncate "$disk/log", 0 or die "truncate: $!";
}

for (1 .. 5) {
    round(200);
    round(12);
}

my $c = counts();
my ($valid, $swallowed) = (0, 0);

for (grep { length } split /\n/, $all) {
    if (eval { decode_json($_) }) {
        $valid++;

    } else {
        $torn++;
        $swallowed += /.\{"time"/;
    }
}

cmp_ok($c->{error}, '>', 0, 'the disk was full');
is($swallowed, 0, 'no line behind half of another');
is($valid, $c->{written}, 'what is counted is there');
cmp_ok($torn, '>', 0, 'a line was torn');

$t->stop;

$t->done_testing;
