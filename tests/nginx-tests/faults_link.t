#!/usr/bin/perl

# The fault matrix, a link that is refused: certificates that have expired or
# are for somebody else, a password that was changed, a name that nobody
# resolves.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::DNS;
use Weir::Faults;
use Weir::Redis;
use Weir::Rig;

my $t = Weir::Test->new(workers => 2);
my $d = $t->dir;

$t->make_cert('ca', is_ca => 1, cn => 'test ca');
$t->make_cert('good', ca => 'ca', san => 'DNS:redis.test,IP:127.0.0.1');
$t->make_cert('misnamed', ca => 'ca', san => 'DNS:example.com');
$t->make_cert('expired', ca => 'ca', san => 'DNS:redis.test', days => '00');
$t->make_cert('client', ca => 'ca', cn => 'weir', san => 'DNS:client');
$t->file('password', "first\n");

my $made = time;
my $dns = Weir::DNS->new($t, 'redis.test' => ['127.0.0.1']);
my $r = Weir::Redis->new($t, tls => 'good', auth => ['first'],
                         args => ['--requirepass', 'first']);
my $words = "ca=$d/ca.crt cert=$d/client.crt key=$d/client.key "
            . "password_file=$d/password";
my $rig = Weir::Rig->new(t => $t, words => $words,
    url => 'rediss://redis.test:' . $r->port,
    ctl_url => 'rediss://127.0.0.1:' . $r->port,
    http => 'resolver 127.0.0.1:' . $dns->port . ' valid=1s ipv6=off; '
            . 'resolver_timeout 1s;');
my $content = 1;

$rig->run;
wait_for { $rig->up } 10, 'up';
$rig->publish($content);
$rig->weights('green=50%');
wait_for { $rig->green =~ / / } 5, 'live weights';

my $green = $rig->green;
my $f = Weir::Faults->new($rig);

sub unchanged {
    $f->lasts;
    $f->is($rig->get('/all')->header('X-Rule'), "v$content", 'content');
    $f->holds($rig->green eq $green, 'the weights are others');
}

sub down {
    my ($re) = @_;

    # another word may come first: the server is restarted

    wait_for {
        my $error = $rig->api->{store}{error};
        $error && $error->{message} =~ $re;
    } 15, "down: $re";

    $f->holds(!$rig->up, 'it is up');
    my ($said) = $rig->api->{store}{error}{message} =~ /^\S+: (.*)/;
    $f->saw("down: $said");
}

sub back {
    Weir::Faults::recovers { $rig->up } $f, 'up';
    wait_for { $r->command('EXISTS', 'weir:{weir}:gw:gw1') } 10, 'a report';
    $rig->publish(++$content);
    $f->saw("content $content is in effect afterwards");
}


for my $bad (qw(misnamed expired)) {
    $f->fault("a certificate that is $bad", 'not spoken to, nor plainly; '
              . 'unchanged', sub {
        wait_for { time > $made + 1 } 5, 'the end of a certificate';

        $r->crash;
        $r->{tls} = $bad;
        $r->start;
        $r->command('CONFIG', 'RESETSTAT');

        down(qr/certificate/);
        unchanged();

        my $said = $r->command('INFO', 'commandstats');
        $f->holds($said !~ /cmdstat_(?:hello|role|getrange)/,
                  'a command was sent');
        $f->saw('no command was sent');

        $r->crash;
        $r->{tls} = 'good';
        $r->start;
        back();
        $rig->weights('green=50%');
        wait_for { $rig->trouble('split') eq '' } 5, 'the weights';
        unchanged();
    });
}

$f->fault('a password that is not ours', 'one alarm, 30 s of pause; until '
          . 'its file changes', sub {
    my $mark = length $t->error_log;

    $r->command('CONFIG', 'SET', 'requirepass', 'second');
    $r->{auth} = ['second'];
    $r->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    $r->command('CONFIG', 'RESETSTAT');

    down(qr/wrong-password|no-auth/);
    unchanged();

    my ($tries) = $r->command('INFO', 'commandstats')
                  =~ /cmdstat_hello:.*rejected_calls=\d+,failed_calls=(\d+)/;
    my $alarms = () = substr($t->error_log, $mark)
                      =~ /\[error\].*(?:wrong-password|no-auth)/g;
    $tries ||= 0;

    $f->holds($tries <= 2, "$tries tries");
    $f->is($alarms, 1, 'alarms');
    $f->saw("$tries tries, $alarms alarm");

    spew("$d/password", "second\n");
    back();
    unchanged();
}, attempts => 6);

$f->fault('DNS gone', 'unchanged; until there is a name again', sub {
    $dns->stop;
    $r->crash;

    # what was resolved is good for a second

    down(qr/resolved/);
    $r->{args} = ['--requirepass', 'second'];
    $r->start;
    unchanged();
    $f->holds(!$rig->up, 'up without a name');
    $dns->start;
    back();
});

$f->stop;

done_testing();
