package Weir::SMT;

# Policies as SMT-LIB, for z3: what docs/policy-language.md says of a rule, and
# nothing of how the analyser sees it.  Reads the trees of weirctl fmt --json.
#
# A condition is two formulas: it is true, it is false; neither: unknown.

use strict;
use warnings;

use Carp qw(croak);
use IPC::Open2 qw(open2);

use constant SEGMENTS => 4;         # of the longest path that is asked about


# --- the requests that there are ---

my @tags = qw(absent string int bool set other);
my %tag = map { $tags[$_] => $_ } 0 .. $#tags;

sub new {
    my ($class, %o) = @_;

    my $pid = open2(my $out, my $in, $o{z3} || 'z3', '-in');

    return bless { pid => $pid, in => $in, out => $out,
                   steps => $o{steps} || 600_000 }, $class;
}


sub done {
    my ($self) = @_;
    close $self->{in};
    waitpid $self->{pid}, 0;
    return $?;
}


# sat, unsat, unknown: whether there is a request of which all of these hold.

sub ask {
    my ($self, $world, @holds) = @_;

    # reset, so that one question does not cost the next

    my $text = join "\n", '(reset)', "(set-option :rlimit $self->{steps})",
        $world->text, (map { "(assert $_)" } @holds), '(check-sat)',
        '(echo "asked")', '';

    print {$self->{in}} $text;
    $self->{in}->flush;

    my $answer = '';

    while (defined(my $line = readline $self->{out})) {
        last if $line =~ /^"?asked/;
        $answer .= $line;
    }

    $answer =~ s/\s+$//;

    croak "z3: $answer\n$text" unless $answer =~ /^(?:sat|unsat|unknown)$/;

    return $answer;
}


# --- formulas ---

sub all_of {
    my @list = grep { $_ ne 'true' } @_;
    return 'false' if grep { $_ eq 'false' } @list;
    return @list > 1 ? "(and @list)" : @list ? $list[0] : 'true';
}

sub any_of {
    my @list = grep { $_ ne 'false' } @_;
    return 'true' if grep { $_ eq 'true' } @list;
    return @list > 1 ? "(or @list)" : @list ? $list[0] : 'false';
}

sub none_of { return $_[0] eq 'true' ? 'false' : $_[0] eq 'false' ? 'true'
                                                  : "(not $_[0])" }

# Kleene's connectives of [true, false].

sub k_and { return [all_of(map { $_->[0] } @_), any_of(map { $_->[1] } @_)] }
sub k_or  { return [any_of(map { $_->[0] } @_), all_of(map { $_->[1] } @_)] }
sub k_not { return [$_[0][1], $_[0][0]] }
sub k_two { return [$_[0], none_of($_[0])] }

# Holds, of what is there.

sub k_def {
    my ($def, $holds) = @_;
    return [all_of($def, $holds), all_of($def, none_of($holds))];
}

sub string {
    my ($s) = @_;
    $s =~ s/"/""/g;
    croak "a string for z3: $s" if $s =~ /[^ -~]|\\/;
    return "\"$s\"";
}

sub number { return $_[0] < 0 ? '(- ' . -$_[0] . ')' : "$_[0]" }

sub regex_any { return '(re.* re.allchar)' }

sub concat { return @_ > 1 ? "(re.++ @_)" : $_[0] // '(str.to_re "")' }


# --- the world: what a request consists of ---

package Weir::SMT::World;

use Carp qw(croak);

sub new {
    my ($class) = @_;
    my $self = bless { lines => [], known => {} }, $class;

    $self->add('(declare-const kind String)',
               '(assert (or ' . join(' ', map { "(= kind \"$_\")" }
                   qw(jwt mtls apikey session anonymous)) . '))');

    for my $name (qw(issuer subject spiffe)) {
        $self->add("(declare-const has_$name Bool)",
                   "(declare-const $name String)",
                   "(assert (not (= $name \"\")))");
    }

    $self->add('(assert (not (str.contains issuer ":")))',
               '(assert (=> (= kind "jwt") has_issuer))',
               '(assert (=> (= kind "anonymous") (and (not has_issuer)'
               . ' (not has_subject))))',
               '(assert (=> has_spiffe (= kind "mtls")))');

    $self->add('(declare-const method String)',
               '(assert (str.in_re method (re.++ (re.range "A" "Z") (re.*'
               . ' (re.union (re.range "A" "Z") (re.range "0" "9")'
               . ' (str.to_re "-"))))))');

    $self->add('(declare-const segments Int)', '(declare-const slash Bool)',
               '(assert (and (>= segments 0) (<= segments '
               . Weir::SMT::SEGMENTS . ')))');

    for my $i (0 .. Weir::SMT::SEGMENTS - 1) {
        $self->add("(declare-const seg$i String)",
                   "(assert (not (= seg$i \"\")))",
                   "(assert (not (str.contains seg$i \"/\")))",
                   "(assert (not (= seg$i \".\")))",
                   "(assert (not (str.prefixof \"..\" seg$i)))",
                   "(assert (not (str.suffixof \"..\" seg$i)))");
    }

    $self->add('(declare-const time Int)',
               '(assert (and (>= time 0) (< time 253402300800)))',
               '(declare-const has_ip Bool)', '(declare-const ip4 Bool)',
               '(declare-const ip (_ BitVec 32))',
               '(declare-const has_host Bool)', '(declare-const host String)',
               '(assert (str.in_re host (re.++ (re.+ (re.range "a" "z"))'
               . ' (re.* (re.++ (str.to_re ".")'
               . ' (re.+ (re.range "a" "z")))))))');

    return $self;
}


sub add  { my $self = shift; push @{$self->{lines}}, @_; return }
sub text { return join "\n", @{$_[0]{lines}} }


# A field of a request: absent, there once, there repeatedly.

sub field {
    my ($self, $name) = @_;
    my $id = "field_$name";

    $self->add("(declare-const n_$id Int)", "(assert (>= n_$id 0))",
               "(declare-const $id String)") unless $self->{known}{$id}++;

    return { type => 'string', has => "(> n_$id 0)", def => "(= n_$id 1)",
             value => $id };
}


# A claim of any type; it is there for those who have claims.

sub claim {
    my ($self, $name) = @_;
    my $id = "claim_$name";

    unless ($self->{known}{$id}++) {
        $self->add("(declare-const tag_$id Int)",
                   "(assert (and (>= tag_$id 0) (<= tag_$id $#tags)))",
                   "(declare-const string_$id String)",
                   "(declare-const int_$id Int)",
                   "(assert (and (>= int_$id (- 9223372036854775808))"
                   . " (<= int_$id 9223372036854775807)))",
                   "(declare-const bool_$id Bool)",
                   "(declare-const set_$id (Array String Bool))",
                   "(assert (=> (> tag_$id 0) (or (= kind \"jwt\")"
                   . " (= kind \"session\"))))");
    }

    return $id;
}


# --- one file ---

package Weir::SMT::Policy;

use Carp qw(croak);

BEGIN {
    no strict 'refs';
    *$_ = \&{"Weir::SMT::$_"}
        for qw(all_of any_of none_of k_and k_or k_not k_two k_def string
               number);
}


sub new {
    my ($class, $world, $tree) = @_;

    my $self = bless { world => $world, claims => {}, roles => {}, sets => {},
                       windows => {}, rules => [], asserts => [] }, $class;

    for my $s (@{$tree->{statements}}) {
        my $kind = $s->{kind};

        if ($kind eq 'schema') {
            for my $c (@{$s->{body}}) {
                my $claim = $self->{claims}{$c->{name}} ||= { issuers => [] };

                $claim->{type} = $c->{type};
                push @{$claim->{issuers}}, @{$s->{from} || []};
                $claim->{any} = 1 unless $s->{from};
            }

        } elsif ($kind eq 'role')   { $self->{roles}{$s->{name}} = $s
        } elsif ($kind eq 'set')    { $self->{sets}{$s->{name}} = $s
        } elsif ($kind eq 'window') { $self->{windows}{$s->{name}} = $s
        } elsif ($kind eq 'rule')   { push @{$self->{rules}}, $s
        } elsif ($kind eq 'assert') { push @{$self->{asserts}}, $s
        } elsif ($kind !~ /^(?:language|policy|comment)$/) {
            croak "a statement for z3: $kind";
        }
    }

    return $self;
}


# A permit matches, and every deny is ruled out.

sub permits {
    my ($self) = @_;
    my @rules = grep { !$_->{shadow} } @{$self->{rules}};

    return all_of(any_of(map { $self->rule($_)->[0] }
                         grep { $_->{effect} eq 'permit' } @rules),
                  map { $self->rule($_)->[1] }
                  grep { $_->{effect} eq 'deny' } @rules);
}


# The requests that speak against an assert.

sub refutes {
    my ($self, $assert) = @_;
    my $permits = $self->permits;
    my $forbids = ($assert->{holds} eq 'never')
                  == ($assert->{effect} eq 'permit');

    return all_of($self->rule($assert)->[0],
                  $forbids ? $permits : none_of($permits));
}


sub rule {
    my ($self, $rule) = @_;
    my @whats = grep { $_->{kind} eq 'what' } @{$rule->{body}};

    return $self->scopes($rule, {}) unless @whats;

    my @each;

    for my $n (0 .. Weir::SMT::SEGMENTS) {
        for my $what (@whats) {
            my ($match, $captures) = $self->what($what, $n);
            next unless defined $match;
            push @each, k_and(k_two($match), $self->scopes($rule, $captures));
        }
    }

    return k_or(@each);
}


# A pattern, of paths of n segments.

sub what {
    my ($self, $what, $n) = @_;
    my @segs = grep { $_ ne '' } split m{/}, unquote($what->{pattern});
    my ($any) = grep { $segs[$_] eq '**' } 0 .. $#segs;

    if (defined $any) {
        return if $n < $#segs;
        splice @segs, $any, 1, ('*') x ($n - $#segs);
    }

    return if @segs != $n;

    my (@match, %captures) = ("(= segments $n)");

    for my $i (0 .. $#segs) {
        if ($segs[$i] =~ /^\{(.*)\}$/) {
            $captures{$1} = "seg$i";

        } elsif ($segs[$i] ne '*') {
            push @match, "(= seg$i " . string($segs[$i]) . ')';
        }
    }

    my @methods = @{$what->{methods}};

    push @match, any_of(map { '(= method ' . string($_) . ')' } @methods)
        unless "@methods" eq '*';

    return (all_of(@match), \%captures);
}


sub scopes {
    my ($self, $rule, $captures) = @_;
    my @all;

    for my $s (@{$rule->{body}}) {
        my $kind = $s->{kind};

        if ($kind eq 'who') {
            push @all, k_or(map { $self->principal($_, $captures) }
                            @{$s->{principals}});

        } elsif ($kind eq 'from') {
            push @all, k_def('has_ip', any_of(map { $self->net($_) }
                                              @{$s->{networks}}));

        } elsif ($kind eq 'host') {
            push @all, k_def('has_host', any_of(map { host($_) }
                                                @{$s->{hosts}}));

        } elsif ($kind eq 'during') {
            push @all, $self->window($s->{window});

        } elsif ($kind eq 'if') {
            push @all, $self->expr($s->{expr}, $captures);

        } elsif ($kind eq 'unless') {
            push @all, k_not($self->expr($s->{expr}, $captures));

        } elsif ($kind !~ /^(?:what|comment|log)$/) {
            croak "in a rule for z3: $kind";
        }
    }

    return k_and(@all);
}


sub principal {
    my ($self, $p, $captures) = @_;
    my $kind = $p->{kind};
    my $issuer = sub {
        return "(and has_issuer (= issuer " . string($p->{issuer}) . '))';
    };

    return k_two('true') if $kind eq 'anyone';
    return k_two('(not (= kind "anonymous"))') if $kind eq 'authenticated';
    return k_two($issuer->()) if $kind eq 'issuer';

    return k_two(all_of($issuer->(), 'has_subject', '(= subject '
                        . string(unquote($p->{subject})) . ')'))
        if $kind eq 'subject';

    if ($kind eq 'spiffe') {
        my $set = $self->{sets}{$p->{spiffe}};
        my @ids = $set ? @{$set->{items}} : $p->{spiffe};

        return k_two(all_of('has_spiffe', any_of(map { '(= spiffe '
                                              . string($_) . ')' } @ids)));
    }

    return k_or(map { $self->expr($_, $captures) }
                $self->holders($p->{role}));
}


# What the role says, and what the roles say that lead to it.

sub holders {
    my ($self, $name) = @_;
    my (@when, %seen);
    my @names = ($name);

    while (defined(my $role = shift @names)) {
        next if $seen{$role}++;

        push @when, map { $_->{expr} } grep { $_->{kind} eq 'when' }
                    @{$self->{roles}{$role}{body}};

        for my $other (values %{$self->{roles}}) {
            push @names, $other->{name}
                if grep { $_ eq $role } map { @{$_->{roles}} }
                   grep { $_->{kind} eq 'includes' } @{$other->{body}};
        }
    }

    return @when;
}


sub net {
    my ($self, $net) = @_;

    return any_of(map { $self->net($_) } @{$self->{sets}{$net}{items}})
        if $self->{sets}{$net};

    my ($a, $b, $c, $d, $bits)
        = $net =~ m{^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:/(\d+))?$}
        or croak "a network for z3: $net";

    $bits //= 32;
    return 'ip4' if $bits == 0;

    my $low = 32 - $bits;
    my $value = (($a << 24) + ($b << 16) + ($c << 8) + $d) >> $low;

    return "(and ip4 (= ((_ extract 31 $low) ip) (_ bv$value $bits)))";
}


sub host {
    my ($glob) = @_;

    # "*.x": one label or more before x

    return "(and (str.suffixof " . string($1) . " host)"
           . ' (> (str.len host) ' . length($1) . '))'
        if $glob =~ /^\*(\..*)$/;

    return '(= host ' . string($glob) . ')';
}


# Spans in UTC alone; behind the year 2200 nothing is known.

my %day = (mon => 0, tue => 1, wed => 2, thu => 3, fri => 4, sat => 5,
           sun => 6);

sub window {
    my ($self, $name) = @_;
    my @spans;

    for my $s (@{$self->{windows}{$name}{spans}}) {
        croak "a zone for z3: $s->{zone}" if $s->{zone} ne 'UTC';

        my ($first, $last) = map { $day{$_} } split /-/, $s->{days};
        my ($h, $m, $to_h, $to_m) = $s->{hours} =~ /\d+/g;

        # 1 January 1970 was a Thursday

        my $weekday = '(mod (+ (div time 86400) 3) 7)';

        push @spans, "(and (>= $weekday $first) (<= $weekday "
            . ($last // $first) . ') (>= (mod time 86400) '
            . ($h * 3600 + $m * 60) . ') (< (mod time 86400) '
            . ($to_h * 3600 + $to_m * 60) . '))';
    }

    return k_def('(< time 7258118400)', any_of(@spans));
}


# --- expressions ---

sub unquote {
    my ($s) = @_;
    return $s unless $s =~ s/^"(.*)"$/$1/s;
    $s =~ s/\\(.)/$1/g;
    return $s;
}


sub expr {
    my ($self, $e, $captures) = @_;
    my $op = $e->{op};

    if (!defined $op) {
        my $v = $self->value($e, $captures);
        return k_def($v->{def}, $v->{value});
    }

    my @of = ref $e->{of} eq 'HASH' ? $e->{of} : @{$e->{of} || []};

    return k_and(map { $self->expr($_, $captures) } @of) if $op eq '&&';
    return k_or(map { $self->expr($_, $captures) } @of) if $op eq '||';
    return k_not($self->expr($of[0], $captures)) if $op eq '!';
    return $self->expr($of[0], $captures) if $op eq '()';
    return k_two($self->value($of[0], $captures)->{has}) if $op eq 'has';

    return $self->compare($op, $e->{left}, $e->{right}, $captures);
}


sub compare {
    my ($self, $op, $left, $right, $captures) = @_;
    my $x = $self->value($left, $captures);

    if ($op eq 'like' || $op eq '~') {
        my $text = unquote($right->{literal});

        return k_def($x->{def}, "(str.in_re $x->{value} "
                     . ($op eq '~' ? pattern($text) : glob_of($text)) . ')');
    }

    my $y = $self->value($right, $captures);
    my $def = all_of($x->{def}, $y->{def});

    if ($op eq 'in') {

        return k_def($def, any_of(map { $self->net($_) } @{$y->{items}}))
            if $x->{type} eq 'ip';

        return k_def($def, any_of(map { "(= $x->{value} $_)" }
                                  @{$y->{items}})) if $y->{items};

        return k_def($def, "(select $y->{value} $x->{value})");
    }

    if ($op =~ /^(any|all) in$/) {
        my $which = $1;

        # one side may be a list

        my $none = '((as const (Array String Bool)) false)';

        for my $v ($x, $y) {
            next unless $v->{items};
            my $set = $none;
            $set = "(store $set $_ true)" for @{$v->{items}};
            $v->{value} = $set;
        }

        return k_def($def, none_of("(= ((_ map and) $x->{value} $y->{value})"
                                   . " $none)")) if $which eq 'any';

        return k_def($def, "(= ((_ map and) $x->{value} ((_ map not)"
                     . " $y->{value})) $none)");
    }

    return k_def($def, any_of(map { $self->net($_) } @{$y->{items}}))
        if $op eq '==' && $x->{type} eq 'ip';
    return k_def($def, none_of(any_of(map { $self->net($_) } @{$y->{items}})))
        if $op eq '!=' && $x->{type} eq 'ip';

    return k_def($def, "(= $x->{value} $y->{value})") if $op eq '==';
    return k_def($def, "(not (= $x->{value} $y->{value}))") if $op eq '!=';
    return k_def($def, "($op $x->{value} $y->{value})");
}


sub value {
    my ($self, $e, $captures) = @_;

    return $self->literal($e->{literal}) if defined $e->{literal};

    if (ref $e->{list}) {
        return $self->list(@{$e->{list}});
    }

    if (defined $e->{ref}) {
        return $self->list(@{$self->{sets}{$e->{ref}}{items}});
    }

    my $attr = $e->{attr};

    if ($attr =~ /^claim\.(\w+)$/) {
        my $claim = $self->{claims}{$1} or croak "no claim $1";
        my $id = $self->{world}->claim($1);
        (my $type = $claim->{type}) =~ s/<.*//;

        # claims of other issuers are not there

        my $mine = $claim->{any} ? 'true'
                   : any_of(map { "(and has_issuer (= issuer \"$_\"))" }
                            @{$claim->{issuers}});

        return { type => $type, has => all_of($mine, "(> tag_$id 0)"),
                 def => all_of($mine, "(= tag_$id $tag{$type})"),
                 value => "${type}_$id" };
    }

    return { type => 'string', has => 'true', def => 'true',
             value => $captures->{$1} }
        if $attr =~ /^path\.(\w+)$/ && $captures->{$1};

    return $self->{world}->field(lc "$1_$2")
        if $attr =~ /^(header|query)\("(\w+)"\)$/;

    my %known = (
        'request.method'   => ['string', 'true', 'method'],
        'request.host'     => ['string', 'has_host', 'host'],
        'request.time'     => ['time', 'true', 'time'],
        'request.path'     => ['string', 'true', path()],
        'source.ip'        => ['ip', 'has_ip', 'ip'],
        'identity.kind'    => ['string', 'true', 'kind'],
        'identity.issuer'  => ['string', 'has_issuer', 'issuer'],
        'identity.subject' => ['string', 'has_subject', 'subject'],
        'identity.spiffe'  => ['string', 'has_spiffe', 'spiffe'],
    );

    my $v = $known{$attr} or croak "an attribute for z3: $attr";

    return { type => $v->[0], has => $v->[1], def => $v->[1],
             value => $v->[2] };
}


# A final slash stays, and "/" is the path of no segments.

sub path {
    my $text = '"/"';

    for my $n (1 .. Weir::SMT::SEGMENTS) {
        my $path = join ' ', map { ('"/"', "seg$_") } 0 .. $n - 1;

        $text = "(ite (= segments $n) (str.++ $path (ite slash \"/\" \"\"))"
                . " $text)";
    }

    return $text;
}


sub literal {
    my ($self, $s) = @_;
    my %v = (has => 'true', def => 'true');

    return { %v, type => 'string', value => string(unquote($s)) }
        if $s =~ /^"/;
    return { %v, type => 'int', value => number($s) } if $s =~ /^-?\d+$/;
    return { %v, type => 'bool', value => $s } if $s =~ /^(?:true|false)$/;

    if ($s =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/) {
        require Time::Local;
        return { %v, type => 'time',
                 value => Time::Local::timegm_modern($6, $5, $4, $3, $2 - 1,
                                                     $1) };
    }

    return { %v, type => 'ip', items => [$s] };
}


sub list {
    my ($self, @items) = @_;
    my @values = map { $self->literal($_) } @items;

    return { type => 'list', has => 'true', def => 'true',
             items => [map { $_->{items} ? @{$_->{items}} : $_->{value} }
                       @values] };
}


sub glob_of {
    my ($text) = @_;
    my @parts = map { $_ eq '*' ? Weir::SMT::regex_any()
                                : '(str.to_re ' . string($_) . ')' }
                grep { $_ ne '' } split /(\*)/, $text;

    return Weir::SMT::concat(@parts);
}


# Of expressions only what the tests make: characters, classes of two, "+",
# "*", "?" and alternatives without groups.

sub pattern {
    my ($text) = @_;
    my @alternatives;

    for my $branch (split /\|/, $text, -1) {
        my @parts;

        while ($branch =~ /\G(?:\[(\w)-(\w)\]|(\w)|(\.))([+*?]?)/gc) {
            my $re = defined $1 ? "(re.range \"$1\" \"$2\")"
                     : defined $3 ? "(str.to_re \"$3\")"
                     : '(re.diff re.allchar (str.to_re "\\u{a}"))';

            $re = "(re.$5 $re)" if $5 eq '+' || $5 eq '*';
            $re = "(re.opt $re)" if $5 eq '?';
            push @parts, $re;
        }

        croak "an expression for z3: $text"
            if (pos($branch) // 0) != length $branch;

        push @alternatives, Weir::SMT::concat(@parts);
    }

    return @alternatives > 1 ? "(re.union @alternatives)" : $alternatives[0];
}


1;
