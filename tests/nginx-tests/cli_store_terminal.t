#!/usr/bin/perl

# Whoever writes to the store writes reports, documents and entries of the
# trail as he likes: nothing of them controls the operator's terminal.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Redis;
use Weir::Store;
use Encode ();
use JSON::PP;

my $t = Weir::Test->new(assert => 0);
my $r = Weir::Redis->new($t);
my $forge = Weir::Store->new($t, ns => 'prod');
my $words = 'redis://127.0.0.1:' . $r->port . ' namespace=prod';
my @s = ('--store', $words);
my @k = ('--sign-key', $t->path('rel.key'));
my @tr = ('--trust', $t->path('rel.pub'));
my ($head, $live, $audit, $gw)
    = map { "weir:{prod}:$_" } qw(cfg:head cfg:live cfg:audit gw:zz);

# C0, DEL, C1 (U+009B is CSI where the terminal is UTF-8), what turns a line
# around

my $evil = "E\e[2J\x07\r\n\x7f\x{9b}2J\x{9d}0;x\x{9c}\x{202e}\x{2066}\x{200f}"
           . "\x{61c}V";
my $json = JSON::PP->new->ascii->allow_nonref;
my $quoted = $json->encode($evil);

sub look {
    my ($what, @argv) = @_;
    my (undef, $out, $err) = $t->weirctl(@argv);
    my $text = eval { Encode::decode('UTF-8', "$out$err", 1) };

    ok(defined $text && $text !~ /[^\n\t\x20-\x7e\xa0-\x{200d}]/, $what)
        or diag("$out$err" =~ s/([^ -~\n])/sprintf'<%02x>',ord$1/ger);
    return $text;
}

sub entry {
    $r->command('XADD', $audit, '*', 'envelope', $_) for @_;
}

sub document {
    my ($kind, %with) = @_;
    my %doc = (namespace => '"prod"', kind => "\"$kind\"", version => 2,
        previous => 'null', issued => '"2026-01-01T00:00:00Z"',
        expires => 'null', epoch => 0, by => '"x"', reason => '"x"', %with);
    return $forge->envelope($kind, '{' . join(',', map { "\"$_\":$doc{$_}" }
        sort keys %doc) . '}');
}

$t->weirctl('keygen', $t->path('rel'));
$t->file('p/p.policy', "language 1;\npolicy p;\npermit a { who anyone; "
         . "what GET /a; }\n");
is(($t->weirctl('push', $t->path('p'), @s, @k, '--no-wait',
                '--reason', "gr\xc3\xbcn"))[0], 0, 'pushed');
my $good = $r->command('GET', $head);

my %report = (node => $evil, version => $evil, state_dir => $evil,
    time => Weir::Store::time_text(time),
    bundle => { version => 1, hash => $evil, trust => 'keys', error => {
        reason => $evil, message => $evil, version => 9 } },
    store => { state => 'down', error => { reason => $evil,
        message => $evil } },
    splits => {
        $evil => { source => 'store', rev => 1, error => {
            reason => $evil, message => $evil },
            colours => { $evil => { weight => 1 } } },
        checkout => { source => $evil, rev => 1,
            colours => { $evil => { weight => 0.5 },
                         green => { weight => 0.5 } } } },
    contract => { policies => [$evil, { name => $evil }],
        issuers => [$evil], room => 1, locations => [{ policy => $evil,
        at => $evil, issuers => [$evil] }] });

entry(document('bundle', id => '"head"', by => $quoted, reason => $quoted,
               activate_at => 'null', tool => $quoted, live_min => '{}',
               files => '{"p.policy":"x"}'),
      document('split', id => $quoted, weights => '{}'),
      document('split', id => '"checkout"', weights => "{$quoted:1}"),
      document('split', id => '"checkout"', weights => '{}',
               namespace => $quoted, issued => $quoted),
      "{$quoted:1}", "\e[31m");
$r->command('HSET', $live, "split/\e[31mx", $good);
$r->command('HSET', $live, 'split/checkout', "{$quoted:1}");

for my $more ({}, { bundle => { version => 1, trust => 'keys' } },
              { bundle => { version => 1 }, splits => {},
                contract => { policies => [$evil] } })
{
    $r->command('SET', $gw, $json->encode({ %report, %$more }), 'EX', 86400);
    look('status', 'status', @s);
    look('status in JSON', 'status', '--json', @s);
    look('split set', 'split', 'set', 'checkout', 'green=1%', @s, @k,
         '--no-wait');
    my $shown = look('split show', 'split', 'show', @s);
    like($shown, qr/ E\?\[2J.*V=50\.00%/, 'what is harmless of it')
        unless defined $more->{splits};
    look('push', 'push', $t->path('p'), @s, @k);
}

# a report that nobody can read, and that never goes away

$r->command('SET', $gw, $quoted);
like(look('a report that is none', 'status', @s), qr/^zz .* undated  /m,
     'has no age');
is($json->decode(look('the same in JSON', 'status', '--json', @s))
        ->{gateways}[0]{age_s}, undef, 'none in JSON');

like(look('history', 'history', '--all', @s), qr/: gr\xfcn$/m,
     'text of any language stays');
look('audit verify', 'audit', 'verify', @s, @tr);
look('rollback', 'rollback', @s, @k);
look('backup', 'backup', $t->path('bk'), @s, @tr);
look('sync', 'sync', $words, 'file:' . $t->path('to') . ' namespace=prod',
     @tr);

$t->file('evil/p.policy',
         "language 1;\npolicy p;\n\tpermit a { who \e[2J; }\n");
my $shown = look('check', 'check', $t->path('evil'));
like($shown, qr/\?\[2J/, 'the line that is wrong is shown');

$r->command('SET', $head, "{$quoted:1}");

for my $verb ([qw(status)], ['pull', $t->path('out')],
              ['push', $t->path('p'), @k], ['audit', 'verify', @tr])
{
    look("no head: $verb->[0]", @$verb, @s);
}

done_testing();
