#!/usr/bin/perl

# The fault matrix, somebody who writes to Redis and has no key, or one that
# may something else: every key of the schema through everything that he can
# do to it.  Nothing of it grants access, brings an older content back, gives
# a colour more than was signed or sends anybody to a name that nginx.conf
# does not have; and each is reported.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Faults;
use Weir::Fleet;
use Weir::Redis;
use Weir::Rig;
use Weir::Store;

my $t = Weir::Test->new(workers => 2);
my $r = Weir::Redis->new($t);
my $sign = Weir::Store->new($t, ns => 'prod');
my $url = 'redis://127.0.0.1:' . $r->port;
my $max = '18446744073709551615';

# three roles, and a key that nobody trusts

$sign->key($_) for qw(policy split revoke mallory);

my $rig = Weir::Rig->new(t => $t, url => $url, poll => '50ms',
    words => 'namespace=prod', rules => 1500, keys => {
        key => $t->path('policy') },
    trust => join(' ', map { $t->path("$_->[0].pub") . " may=$_->[1];\n"
                             . '    weir_trust' } ['policy', 'policy'],
                       ['split', 'split'])
             . ' ' . $t->path('revoke.pub') . ' may=revoke');

my ($head, $live, $rev, $audit, $gw)
    = map { "weir:{prod}:$_" } qw(cfg:head cfg:live cfg:rev cfg:audit gw:gw1);

$rig->run;
$rig->publish(1);
my $older = $r->command('GET', $head);
$rig->publish(2);

$rig->{sign} = $t->path('split');
$rig->weights('green=10%');
my $less = $r->command('HGET', $live, 'split/checkout');
$rig->weights('green=40%');
$rig->weights('green=25%');
wait_for { $rig->api->{splits}{checkout}{rev} == 3 } 5, 'live weights';

my $green = $rig->green;
my $now = $r->command('GET', $head);
my ($hash) = Weir::Fleet::payload($now) =~ /"hash":"sha256:([0-9a-f]{64})"/;
my $seg = "weir:{prod}:cfg:seg:$hash";
my $weights = $r->command('HGET', $live, 'split/checkout');
my $load = Weir::Load->new($t, paths => Weir::Rig::paths());
my $began = Time::HiRes::time();

# Envelopes that he could put there.  The content would permit /none.

my %open = (files => { 'p.policy' => "language 1; policy p;\n"
                       . 'permit v9 { who anyone; what GET /**; }' });

sub bundle { return $sign->bundle(version => 3, %open, @_) }

sub split_of {
    my ($weights, %o) = @_;
    my $kind = delete $o{kind} || 'split';
    my @keys = @{ delete $o{keys} || ['split'] };
    return $sign->envelope($kind, $sign->payload('split', 'checkout',
        version => 4, %o, more => '"weights":'
        . JSON::PP->new->canonical->encode($weights)), @keys);
}

sub tombstone {
    my ($id, @keys) = @_;
    return $sign->envelope('tombstone', $sign->payload('tombstone', $id,
                           version => 4), @keys);
}

my $fresh = $now;
$fresh =~ s/"signatures":\[.*\]/"signatures":[]/;

my $flipped = $now;
substr($flipped, 200, 1) = substr($flipped, 200, 1) eq 'A' ? 'B' : 'A';

my %other = (set => { namespace => 'stage' });

# What is written; who says so (bundle, split, store of the gateway, or a
# verb of weirctl), and the word.

sub set { my ($value) = @_; return sub { $r->command('SET', $_[0], $value) } }
sub field {
    my ($value) = @_;
    return sub { $r->command('HSET', $live, 'split/checkout', $value) };
}
sub typed {
    return sub {
        $r->command('DEL', $_[0]);
        $r->command($_[0] eq $live || $_[0] eq $audit ? ('SET', $_[0], 'x')
                                                 : ('LPUSH', $_[0], 'x'));
    };
}
sub del { return sub { $r->command('DEL', $_[0]) } }
sub expire { return sub { $r->command('PEXPIRE', $_[0], 1) } }
sub rename_to {
    my ($to) = @_;
    return sub { $r->command('RENAME', $_[0], $to) };
}
sub renamed {
    my ($from) = @_;
    return sub { $r->command('COPY', $from, $_[0], 'REPLACE') };
}

my @attacks = (
    [$head, 'SET garbage', set('garbage'), 'bundle', 'bad-signature'],
    [$head, 'SET nothing', set(''), 'bundle', 'older'],
    [$head, 'DEL', del(), 'bundle', 'older'],
    [$head, 'RENAME away', rename_to("${head}x"), 'bundle', 'older'],
    [$head, 'EXPIRE', expire(), 'bundle', 'older'],
    [$head, 'another type', typed(), 'store', 'wrong-type'],
    [$head, 'a segment in its place', renamed($seg), 'bundle',
     qr/^(?:too-large|bad-signature)$/],
    [$head, 'an older valid one', set($older), 'bundle', 'older'],
    [$head, 'a byte changed', set($flipped), 'bundle', 'bad-signature'],
    [$head, 'signatures stripped', set($fresh), 'bundle', 'unsigned'],
    [$head, 'unsigned', sub { set(bundle())->(@_) }, 'bundle', 'unsigned'],
    [$head, 'signed by nobody we know',
     sub { set(bundle(keys => ['mallory']))->(@_) }, 'bundle', 'untrusted'],
    [$head, 'signed by a key with another role',
     sub { set(bundle(keys => ['split']))->(@_) }, 'bundle', 'role'],
    [$head, 'another namespace',
     sub { set(bundle(keys => ['policy'], %other))->(@_) }, 'bundle',
     'namespace'],
    [$head, 'version 2^64-1',
     sub { set(bundle(keys => ['policy'], version => $max))->(@_) },
     'bundle', 'version-jump'],
    [$head, 'the same version, another content',
     sub { set(bundle(keys => ['policy'], version => 2))->(@_) }, 'bundle',
     'same-version-differs'],
    [$head, 'another epoch',
     sub { set(bundle(keys => ['policy'], epoch => 1))->(@_) }, 'bundle',
     'epoch'],
    [$head, 'expired', sub { set(bundle(keys => ['policy'], expires =>
        Weir::Store::time_text(time - 60)))->(@_) }, 'bundle', 'expired'],
    [$head, 'a split', set($weights), 'bundle', qr/^(?:role|namespace)$/],
    [$head, 'a tombstone by the key of policies',
     sub { set(tombstone('bundle/head', 'policy'))->(@_) }, 'bundle',
     qr/^(?:namespace|policy-error)$/],

    [$live, 'DEL', del(), 'split', 'older'],
    [$live, 'RENAME away', rename_to("${live}x"), 'split', 'older'],
    [$live, 'EXPIRE', expire(), 'split', 'older'],
    [$live, 'another type', typed(), 'split', 'truncated'],
    [$live, 'HSET garbage', field('garbage'), 'split', 'bad-signature'],
    [$live, 'an older valid one', field($less), 'split', 'older'],
    [$live, 'unsigned', sub { field(split_of({ green => 9000 },
        keys => []))->(@_) }, 'split', 'unsigned'],
    [$live, 'signed by a key with another role',
     sub { field(split_of({ green => 9000 }, keys => ['policy']))->(@_) },
     'split', 'role'],
    [$live, 'signed by nobody we know',
     sub { field(split_of({ green => 9000 }, keys => ['mallory']))->(@_) },
     'split', 'untrusted'],
    [$live, 'a foreign colour', sub { field(split_of({ red => 9000 }))
        ->(@_) }, 'split', 'unknown-name'],
    [$live, 'another namespace', sub { field(split_of({ green => 9000 },
        %other))->(@_) }, 'split', 'namespace'],
    [$live, 'version 2^64-1', sub { field(split_of({ green => 9000 },
        version => $max))->(@_) }, 'split', 'version-jump'],
    [$live, 'the same version, other weights',
     sub { field(split_of({ green => 9000 }, version => 3))->(@_) },
     'split', 'same-version-differs'],
    [$live, 'more than all', sub { field(split_of({ green => 20000 }))
        ->(@_) }, 'split', 'policy-error'],
    [$live, 'a bundle', sub { field($now)->(@_) }, 'split',
     qr/^(?:role|namespace)$/],
    [$live, 'another split', sub { field($sign->envelope('split',
        $sign->payload('split', 'cart', version => 4, more =>
                       '"weights":{"green":9000}'), 'split'))->(@_) },
     'split', 'namespace'],
    [$live, 'a tombstone by the key of policies',
     sub { field(tombstone('split/checkout', 'policy'))->(@_) }, 'split',
     'role'],
);

# One row: does it, and looks who says so.

my $reported = 0;

sub attack {
    my ($key, $what, $do, $who, $word) = @_;

    my ($name) = $key =~ /\}:(.*)/;
    my $dump = $r->command('DUMP', $key);
    my $mark = length $t->error_log;
    my $metric = errors($who, $word);

    $do->($key);

    my $said = eval { wait_for { $rig->trouble($who) } 5, 'told' } || 'nothing';
    my ($status, $text, $err) = (0, '');

    eval {
        wait_for {
            ($status, $text, $err) = $rig->ctl('status');
            "$text$err" =~ /\Q$said\E|refused|WRONGTYPE|wrong/;
        } 7, 'status';
    };

    my $logged = substr $t->error_log, $mark;
    my @bad;

    push @bad, "$who says $said" unless ref $word ? $said =~ $word
                                                  : $said eq $word;
    push @bad, 'nothing in the log' unless $logged =~ /\[error\].*\Q$said\E/;
    push @bad, 'no metric' unless errors($who, $said) > 0
                                  && (ref $word
                                      || errors($who, $word) > $metric);
    push @bad, "weirctl status $status: $text$err" unless $status ne '0';
    push @bad, 'content ' . $rig->get('/all')->header('X-Rule')
        unless $rig->get('/all')->header('X-Rule') eq 'v2';
    push @bad, '/none is open' unless $rig->get('/none')->status == 403;
    push @bad, 'other weights' unless $rig->green eq $green;

    restore($key, $dump);
    eval {
        wait_for { !grep { $rig->trouble($_) } qw(bundle split store) } 5,
            'all in order';
        1;
    } or push @bad, 'it stays';

    ok(!@bad, "$name: $what: $who says $said; log, metrics, weirctl status")
        or diag(map { "$name, $what: $_\n" } @bad);

    $reported++ unless @bad;
}


sub errors {
    my ($who, $word) = @_;

    return 0 if ref $word;
    return $rig->metric($who eq 'bundle'
                        ? "weir_bundle_rejected_total{reason=\"$word\"}"
                        : "weir_store_errors_total{reason=\"$word\"}");
}


sub restore {
    my ($key, $dump) = @_;
    $r->command('DEL', "${key}x");
    $r->command('RESTORE', $key, 0, $dump, 'REPLACE');
}


attack(@$_) for @attacks;


# Segments are named by their hash, and read again by who has lost them: a
# gateway that begins with nothing.

$load->stop;
$t->stop;

my @segments = (
    ['SET another content', sub { $r->command('SET', $seg, 'x' x $r->command(
        'STRLEN', $seg)) }, 'bad-signature'],
    ['a byte changed', sub { $r->command('SETRANGE', $seg, 100, "\0") },
     'bad-signature'],
    ['a byte less', sub { $r->command('SET', $seg, substr $r->command('GET',
        $seg), 1) }, 'truncated'],
    ['DEL', sub { $r->command('DEL', $seg) }, 'truncated'],
    ['RENAME away', sub { $r->command('RENAME', $seg, "${seg}x") },
     'truncated'],
    ['EXPIRE', sub { $r->command('PEXPIRE', $seg, 1) }, 'truncated'],
    ['another type', sub { typed()->($seg) }, 'truncated'],
    ['an endless one', sub { $r->command('SETRANGE', $seg, 8 << 20, 'x') },
     qr/^(?:too-large|bad-signature|truncated)$/],
);

for my $attack (@segments) {
    my ($what, $do, $word) = @$attack;
    my $dump = $r->command('DUMP', $seg);

    Weir::Store::run('rm', '-rf', $t->path('state'));
    $do->();
    $t->run;

    my $said = eval { wait_for { $rig->trouble('bundle') } 5, 'told' }
               || 'nothing';
    my $status = $rig->get('/all')->status;
    my $logged = grep { /\[error\]/ } $t->log_lines(qr/refused: \Q$said\E/);

    restore($seg, $dump);

    my $whole = eval { $rig->decides(2); 1 };

    my $ok = ok((ref $word ? $said =~ $word : $said eq $word)
                && $status == 503 && $logged && $whole,
                "cfg:seg: $what: $said, 503; then whole again");
    diag("$what: $said, $status, $logged") unless $ok;
    $reported++ if $ok;

    $t->stop;
}

$t->run;
$rig->decides(2);
wait_for { $rig->green eq $green } 5, 'the weights';


# What a gateway does not read: publishers and auditors say so.

my @trust = ('--trust', $t->path('policy.pub') . ' may=policy', '--trust',
             $t->path('split.pub') . ' may=split');

sub verb_says {
    my ($key, $what, $do, $re, @verb) = @_;

    my ($name) = $key =~ /\}:(.*)/;
    my $dump = $r->command('DUMP', $key);
    my @bad;

    $do->($key);

    my ($rc, $out, $err) = $rig->ctl(@verb);

    push @bad, "exit $rc: $out$err" unless $rc ne '0' && "$out$err" =~ $re;
    push @bad, 'another content'
        unless $rig->get('/all')->header('X-Rule') eq 'v2';
    push @bad, 'other weights' unless $rig->green eq $green;

    restore($key, $dump);

    my ($line) = grep { /$re/ } split /\n/, "$out$err";

    ok(!@bad, "$name: $what: $verb[0]: " . ($line || ''))
        or diag(map { "$name, $what: $_\n" } @bad);

    $reported++ unless @bad;
}

my ($first) = map { $_->[0] } @{ $r->command('XRANGE', $audit, '-', '+',
                                             'COUNT', 1) };
my ($last) = map { $_->[0] } @{ $r->command('XREVRANGE', $audit, '+', '-',
                                            'COUNT', 1) };
my @verify = ('audit', 'verify', @trust);

verb_says($audit, 'DEL', del(), qr/truncated|older|empty/, @verify);
verb_says($audit, 'EXPIRE', expire(), qr/truncated|older|empty/, @verify);
verb_says($audit, 'RENAME away', rename_to("${audit}x"),
          qr/truncated|older|empty/, @verify);
verb_says($audit, 'another type', typed(), qr/wrong-type|WRONGTYPE|type/,
          @verify);
verb_says($audit, 'its first entry removed',
          sub { $r->command('XDEL', $audit, $first) }, qr/truncated/,
          @verify);
verb_says($audit, 'its last entry removed',
          sub { $r->command('XDEL', $audit, $last) }, qr/truncated|older/,
          @verify);
verb_says($audit, 'an unsigned entry', sub { $r->command('XADD', $audit, '*',
          'envelope', bundle()) }, qr/unsigned/, @verify);
verb_says($audit, 'a forged entry', sub { $r->command('XADD', $audit, '*',
          'envelope', bundle(keys => ['mallory'])) }, qr/untrusted/,
          @verify);
verb_says($audit, 'an older one again', sub { $r->command('XADD', $audit,
          '*', 'envelope', $less) }, qr/older|same/, @verify);
verb_says($audit, 'garbage', sub { $r->command('XADD', $audit, '*', 'x',
          'y') }, qr/trail|entry/, @verify);
verb_says($gw, 'SET garbage', set('garbage'), qr/gw1/, 'status');
verb_says($gw, 'another type', typed(), qr/gw1|type/, 'status');

# A report that is away for a moment is written anew; a revision is a hint,
# which the next change repairs.

for my $do (['DEL', del()], ['EXPIRE', expire()],
            ['RENAME away', rename_to('stray')])
{
    $do->[1]->($gw);
    eval { wait_for { !$r->command('EXISTS', $gw) } 1 };

    my $there = eval { wait_for { $r->command('EXISTS', $gw) } 10 };

    $reported++ if ok($there && untouched(),
                      "gw:gw1: $do->[0]: written anew");
}

for my $do (['DEL', del()], ['EXPIRE', expire()], ['RENAME away',
             rename_to("${rev}x")], ['another type', typed()],
            ['SET garbage', set('garbage')], ["SET $max", set($max)])
{
    $do->[1]->($rev);

    my $after = untouched();

    $rig->weights('green=25%');

    my $number = eval { $r->command('GET', $rev) } || 'nothing';

    $reported++ if ok($after && $number =~ /^\d+$/ && untouched(),
        "cfg:rev: $do->[0]: a hint alone; $number after the next change");
}

sub untouched {
    return $rig->get('/all')->header('X-Rule') eq 'v2'
           && $rig->green eq $green;
}

my $attacks = @attacks + @segments + 12 + 9;

is($reported, $attacks, "$attacks attacks, all reported, none in effect");

# what the clients got all the while

my %wrong;

for my $q ($load->records($began, 0)) {
    next if $q->{path} eq '/control';
    my $why = $q->{how} ne 'full' ? $q->{how}
              : Weir::Rig::wrong(@$q{qw(path status rule)});
    $why ||= "content $q->{rule}" if $q->{rule} !~ /^\D2$/;
    $wrong{"$q->{path}: $why"}++ if $why;
    $wrong{requests}++;
}

my $requests = delete $wrong{requests};

is(join(', ', map { "$_ ($wrong{$_})" } sort keys %wrong), '',
   "no request of $requests was answered otherwise");

Weir::Faults::row('a writer to Redis, without a key',
    'nothing granted, nothing brought back, no weight raised; each reported',
    "$reported of $attacks attacks refused and told",
    "requests $requests, wrong " . scalar(keys %wrong));

done_testing();
