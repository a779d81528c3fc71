#!/usr/bin/perl

# The grammar of docs/policy-language.md: the parser never expects another
# token than a random sentence of it has next, and what is not quite one is
# refused with its place.
#
# WEIR_GRAMMAR_FILES (3000), WEIR_GRAMMAR_SEED (1): for longer runs.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(assert => 0);
my $files = $ENV{WEIR_GRAMMAR_FILES} || 3000;

srand($ENV{WEIR_GRAMMAR_SEED} || 1);


# --- the grammar, as it stands there ---

my $doc = slurp(Weir::Test->top . '/docs/policy-language.md');
my ($text) = $doc =~ /^## Grammar\n+```\n(.*?)```/ms;

$text =~ s/\(\*.*?\*\)//g;

my @tokens = $text =~ /("[^"]+"|[A-Za-z0-9]+|[=|;\[\]{}()])/g;
my %rules;

while (@tokens) {
    my ($name, $eq) = splice @tokens, 0, 2;
    die "\"$name $eq\" begins no rule" unless $eq eq '=';
    $rules{$name} = alternatives();
    die "$name does not end" unless shift(@tokens) eq ';';
}

sub alternatives {
    my @all = ([]);

    while ($tokens[0] !~ /^[;\])}]$/) {
        my $token = shift @tokens;

        if ($token eq '|') {
            push @all, [];

        } elsif ($token =~ /^[\[({]$/) {
            push @{ $all[-1] }, [$token, alternatives()];
            shift @tokens;

        } else {
            push @{ $all[-1] }, $token;
        }
    }

    return \@all;
}


# --- its sentences ---

my $n;

sub pick { return $_[rand @_] }

sub name { return pick('a', 'b-c', '_d', 'when', 'role') . $n++ }

my %terminals = (
    ID => \&name,
    STRING => sub { pick('"a"', '""', '"\\"\\\\\\n\\t\\u{20ac}"', '"x y"') },
    INT => sub { pick(0, 7, -1, '9223372036854775807') },
    BOOL => sub { pick('true', 'false') },
    IP => sub { pick('10.0.0.1', '::1', '2001:db8::1') },
    CIDR => sub { pick('10.0.0.0/8', '::/0', '2001:db8::/32') },
    TIME => sub { pick('2026-01-05T10:00:00Z', '2026-01-05T10:00:00+02:00') },
    DURATION => sub { pick('30s', '1h30m', '1d') },
    URI => sub { pick('spiffe://corp', 'spiffe://corp/sa/a') },
    METHOD => sub { pick('GET', 'X-Y', 'M-SEARCH') },
    TEXT => sub { pick('a', 'a.b', 'x=y,z', '~', "\xc3\xa9") },
    HNAME => sub { pick('X-A', 'a', 'x!y') },
    DAYS => sub { pick('mon', 'mon-fri', 'sat-sun') },
    HOURS => sub { pick('00:00-24:00', '08:00-18:30') },
    ZONE => sub { pick('UTC', 'Europe/Paris', 'Etc/GMT+5') },
    LEVEL => sub { pick('info', 'notice', 'warn') },
    hglob => sub { pick('a.b', '*.example.com', 'localhost') },

    # the section on tests has these

    step => sub { pick('request GET /a', 'host a.b', 'scheme http',
                       'from 10.0.0.1', 'subject a',
                       'expect permit by default') },
);

# What the grammar leaves to the prose: names of attributes, of policies, and
# what may be a header's name or value, a path, a status.

my %of = (source => ['ip', 'peer'], tls => ['sni'],
          request => ['method', 'path', 'time'],
          identity => ['kind', 'issuer', 'subject']);

sub by_the_prose {
    my ($s, $i) = @_;

    $s =~ s/^language 1 ;(?: policy \S+ ;)?/language 1 ; policy p$i ;/;
    $s =~ s/\b(source|request|identity|tls)\.\K\S+/pick(@{ $of{$1} })/ge;
    $s =~ s/\b(header|query) ?\( ?"(?:[^"\\]|\\.)*" ?\)/$1("x")/g;
    $s =~ s/_header \S+ \K"(?:[^"\\]|\\.)*"/"v"/g;
    $s =~ s/status \K\S+/403/g;
    $s =~ s/(what [A-Z*, -]+ )"(?:[^"\\]|\\.)*"/$1"\/a b"/g;

    return $s;
}


# What stands together without a space.

my %joined = map { $_ => 1 } qw(attr cname pattern seg ref);

sub sentence {
    my ($of, $deep) = @_;

    return $terminals{$of}->() if $terminals{$of};
    die "the grammar has no $of" unless $rules{$of};

    my $s = some_of($rules{$of}, $deep + 1);
    $s =~ s/ //g if $joined{$of} && $s !~ /"[^"]* /;

    return $s;
}

sub some_of {
    my ($all, $deep) = @_;

    # the deeper, the rather what is short

    my @all = sort { @$a <=> @$b } @$all;
    @all = @all[0 .. $#all / 2] if $deep > 14;

    return join ' ', map { part($_, $deep) } @{ pick(@all) };
}

sub part {
    my ($part, $deep) = @_;

    if (ref $part) {
        my ($kind, $all) = @$part;
        my $times = $kind eq '(' ? 1 : $kind eq '['
                    ? ($deep < 12 ? int rand 2 : 0)
                    : ($deep < 6 ? pick(0, 1, 2, 3)
                       : $deep < 12 ? pick(0, 0, 1, 2) : 0);

        return map { some_of($all, $deep) } 1 .. $times;
    }

    return substr $part, 1, -1 if $part =~ /^"/;
    return sentence($part, $deep);
}


# --- what fmt, which only parses, says of them ---

my (%used, @sentences);

for my $i (0 .. $files - 1) {
    $n = 0;
    push @sentences, by_the_prose(sentence('file', 0), $i);
    $t->file("yes/f$i.policy", "$sentences[-1]\n");
    $used{$_}++ for $sentences[-1] =~ /([a-z_]+|[<>=!&|~]+)/g;
}

my ($rc, $out, $err) = $t->weirctl('fmt', '--check', $t->path('yes'), {});

# what the prose forbids is refused by other words

my ($refused, $why) = $err =~ /^f(\d+)\.policy\S+ (error: .*expected, not.*)/m;
is($why, undef, "$files sentences are what the parser expects")
    or diag($sentences[$refused]);

my @seldom = grep { ($used{$_} || 0) < $files / 600 }
             qw(import schema claim role when includes set window permit deny
                shadow assert test who what host from during if unless any in
                all like ~ has limit split slo add_header set_header log
                status == != < <= > >= && || !);
is("@seldom", '', 'with all that the grammar has');


# a token dropped, doubled, or in another's place: no crash; and if it is
# refused, it says where

my ($no, $placed) = (0, 0);

for my $i (0 .. $files - 1) {
    my @words = split / /, $sentences[$i];
    my $at = int rand @words;

    pick(sub { splice @words, $at, 1 },
         sub { splice @words, $at, 0, $words[$at] },
         sub { $words[$at] = $words[rand @words] })->();
    $t->file("no/f$i.policy", join(' ', @words) . "\n");
}

($rc, $out, $err) = $t->weirctl('fmt', '--check', $t->path('no'), {});
is($rc, 1, 'sentences that were changed') or diag(substr $err, -300);

for (split /\n/, $err) {
    $no++ if /^f\d+\.policy/;
    $placed++ if /^f\d+\.policy:\d+:\d+: error: ./;
}

is($placed, $no, 'are refused with file, line and column');
cmp_ok($no, '>', $files / 4, 'most of them');

done_testing();
