package Weir::Cedar;

# Random sets of policies, each spelt in Cedar and in our language, and random
# requests to them.
#
# The world: users of two issuers with roles, which include others; routes
# below each other; an address, a time, a header.  Each piece is made as a
# pair: [in Cedar, in ours].

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(policies request facts question entities);

my @words = qw(a b ab ba c);
my @roles = qw(r0 r1 r2 r3 r4);
my %includes = (r0 => ['r1', 'r2'], r1 => ['r3'], r2 => ['r3'], r3 => [],
                r4 => ['r1']);
my @methods = qw(GET HEAD POST DELETE);
my %groups = (read => ['GET', 'HEAD'], write => ['POST', 'DELETE']);
my @segments = qw(a b ab);
my @nets = qw(10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.3/32 192.168.0.0/16
              0.0.0.0/0 2001:db8::/32 2001:db8::1/128 ::/0);
my @addresses = qw(10.1.2.3 10.1.2.4 10.1.3.1 10.2.0.1 192.168.7.7 127.0.0.1
                   2001:db8::1 2001:db8::2 ::1 224.0.0.5);
my @times = qw(2026-01-05T10:00:00Z 2026-03-01T00:00:00Z 2026-07-31T23:59:59Z);

our %used;                          # how often each kind of piece was made

sub pick  { return $_[rand @_] }
sub maybe { return rand() < $_[0] }

sub some {
    my ($max, @of) = @_;
    my %some = map { $_ => 1 } map { pick(@of) } 1 .. 1 + int rand $max;
    return sort keys %some;
}

sub list { return '[' . join(', ', map { "\"$_\"" } @_) . ']' }

sub made {
    my ($kind, @pair) = @_;
    $used{$kind}++;
    return [@pair];
}


# --- conditions ---

# A string that is there: [Cedar, ours], with what guards it.

sub text_of {
    my ($captures) = @_;

    return pick(['principal.t', 'claim.t'], ['principal.u', 'claim.u'],
                ['principal.o', 'claim.o', 'principal has o', 'has claim.o'],
                ['context.h', 'header("H")', 'context has h',
                 'has header("H")'],
                $captures ? (['resource.x', 'path.x']) x 2 : ());
}

sub set_of {
    return pick(['principal.s', 'claim.s'], ['principal.s', 'claim.s'],
                ['principal.p', 'claim.p', 'principal has p', 'has claim.p']);
}

sub guarded {
    my ($c, $w, @of) = @_;
    my @guards = grep { defined $_->[2] } @of;

    return ($c, $w) unless @guards;
    return ('(' . join(' && ', (map { $_->[2] } @guards), $c) . ')',
            '(' . join(' && ', (map { $_->[3] } @guards), $w) . ')');
}

my @atoms = (
    sub { my $a = text_of(@_); my $op = pick('==', '!='); my $v = pick(@words);
          made("$op text", guarded("$a->[0] $op \"$v\"", "$a->[1] $op \"$v\"",
                                   $a)) },
    sub { my ($a, $b) = (text_of(@_), text_of(@_)); my $op = pick('==', '!=');
          made("$op of two", guarded("$a->[0] $op $b->[0]",
                                     "$a->[1] $op $b->[1]", $a, $b)) },
    sub { my $op = pick(qw(== != < <= > >=)); my $v = int(rand 7) - 2;
          made("$op int", "principal.n $op $v", "claim.n $op $v") },
    sub { my $op = pick(qw(== < <= > >=));
          made('two ints', "principal.n $op principal.m",
               "claim.n $op claim.m") },
    sub { made('bool', 'principal.b', 'claim.b') },
    sub { my $v = pick('true', 'false'); my $op = pick('==', '!=');
          made('bool ==', "principal.b $op $v", "claim.b $op $v") },
    sub { my $a = text_of(@_); my $list = list(some(3, @words));
          made('LIST.contains', guarded("$list.contains($a->[0])",
                                        "$a->[1] in $list", $a)) },
    sub { my $s = set_of(); my $v = pick(@words);
          made('contains', guarded("$s->[0].contains(\"$v\")",
                                   "\"$v\" in $s->[1]", $s)) },
    sub { my ($a, $s) = (text_of(@_), set_of());
          made('contains of two', guarded("$s->[0].contains($a->[0])",
                                          "$a->[1] in $s->[1]", $a, $s)) },
    sub { my $s = set_of(); my $list = list(some(3, @words));
          made('containsAny', guarded("$s->[0].containsAny($list)",
                                      "$s->[1] any in $list", $s)) },
    sub { my ($a, $b) = (set_of(), set_of());
          made('containsAny of two', guarded("$a->[0].containsAny($b->[0])",
                                             "$a->[1] any in $b->[1]",
                                             $a, $b)) },
    sub { my $s = set_of(); my $list = list(some(4, @words));
          made('LIST.containsAll', guarded("$list.containsAll($s->[0])",
                                           "$s->[1] all in $list", $s)) },
    sub { my $s = set_of(); my $list = list(some(2, @words));
          made('containsAll', guarded("$s->[0].containsAll($list)",
                                      "$list all in $s->[1]", $s)) },
    sub { my ($a, $b) = (set_of(), set_of());
          made('containsAll of two', guarded("$a->[0].containsAll($b->[0])",
                                             "$b->[1] all in $a->[1]",
                                             $a, $b)) },
    sub { my $s = set_of();
          made('isEmpty', guarded("$s->[0].isEmpty()", "$s->[1] all in []",
                                  $s)) },
    sub { my $a = text_of(@_); my $v = pick(qw(a* *b * a*b *a*), '');
          made('like', guarded("$a->[0] like \"$v\"", "$a->[1] like \"$v\"",
                               $a)) },
    sub { my $v = pick('has o', 'has p', 'has h');
          my $of = { 'has o' => ['principal has o', 'has claim.o'],
                     'has p' => ['principal has p', 'has claim.p'],
                     'has h' => ['context has h', 'has header("H")'] }->{$v};
          made('has', @$of) },
    sub { my $net = pick(@nets);
          made('isInRange', "context.ip.isInRange(ip(\"$net\"))",
               "source.ip in $net") },
    sub { made('isIpv4', 'context.ip.isIpv4()', 'source.ip in 0.0.0.0/0') },
    sub { made('isLoopback', 'context.ip.isLoopback()',
               'source.ip in [127.0.0.0/8, ::1]') },
    sub { my $op = pick(qw(== < <= > >=)); my $v = pick(@times);
          made('datetime', "context.now $op datetime(\"$v\")",
               "request.time $op $v") },
    sub { my $r = pick(@roles);
          made('in Role', "principal in Role::\"$r\"",
               '(' . join(' || ', map { "\"$_\" in claim.roles" }
                          grep { includes($_, $r) } @roles) . ')') },
    sub { my $m = pick(@methods);
          made('action ==', "action == Action::\"$m\"",
               "request.method == \"$m\"") },
);

# Whether who holds $a holds $b.

sub includes {
    my ($x, $y) = @_;
    return $x eq $y || scalar grep { includes($_, $y) } @{ $includes{$x} };
}

sub condition {
    my ($captures, $deep) = @_;
    my @of = map { $deep > 0 ? condition($captures, $deep - 1 - int rand 2)
                         : () } 1 .. 3;

    return pick(@atoms)->($captures) if $deep <= 0 || maybe(0.35);

    return pick(
        sub { made('&&', map { my $i = $_; join ' && ', map { "($_->[$i])" }
                                                        @of } 0, 1) },
        sub { made('||', map { my $i = $_; join ' || ', map { "($_->[$i])" }
                                                        @of[0, 1] } 0, 1) },
        sub { made('!', map { "!($of[0][$_])" } 0, 1) },
        sub { made('if-then-else',
                   "if ($of[0][0]) then ($of[1][0]) else ($of[2][0])",
                   "(($of[0][1]) && ($of[1][1]))"
                   . " || (!($of[0][1]) && ($of[2][1]))") },
    )->();
}


# --- policies ---

sub principal {
    my $u = 'u' . int rand 3;
    my $r = pick(@roles);

    return pick(
        sub { made('any principal', 'principal', 'anyone') },
        sub { made('any principal', 'principal', 'anyone') },
        sub { made('principal ==', "principal == User::\"$u\"",
                   "subject $u issuer corp") },
        sub { made('principal in', "principal in Role::\"$r\"", "role $r") },
        sub { made('principal in', "principal in Role::\"$r\"", "role $r") },
        sub { made('is', 'principal is User', 'issuer corp') },
        sub { made('is', 'principal is Partner', 'issuer partner') },
    )->();
}

sub action {
    my $m = pick(@methods);
    my @m = some(3, @methods);
    my $g = pick(sort keys %groups);

    return pick(
        sub { made('any action', 'action', '*') },
        sub { made('any action', 'action', '*') },
        sub { made('action ==', "action == Action::\"$m\"", $m) },
        sub { made('action in LIST', 'action in ['
                   . join(', ', map { "Action::\"$_\"" } @m) . ']',
                   join ', ', @m) },
        sub { made('action in group', "action in Action::\"$g\"",
                   join ', ', @{ $groups{$g} }) },
    )->();
}

# With what it captures.

sub resource {
    my $path = path();

    return pick(
        sub { (made('any resource', 'resource', '/**'), 0) },
        sub { (made('any resource', 'resource', '/**'), 0) },
        sub { (made('resource ==', "resource == Route::\"$path\"", $path),
               0) },
        sub { (made('resource in', "resource in Route::\"$path\"",
                    $path eq '/' ? '/**' : "$path/**"), 0) },
        sub { (made('resource has', 'resource', '/{x}/**'), 1) },
    )->();
}

sub path { return '/' . join '/', map { pick(@segments) } 1 .. int rand 4 }

# What errs comes last, so that our answer is known: e is not there though the
# schema says that it is.

sub policy {
    my ($i) = @_;

    my $effect = maybe(0.75) ? 'permit' : 'forbid';
    my ($who, $action) = (principal(), action());
    my ($what, $captures) = resource();

    my $c = "\@id(\"p$i\")\n$effect($who->[0], $action->[0], $what->[0])";
    my $w = ($effect eq 'permit' ? 'permit' : 'deny')
            . " p$i {\n    who $who->[1];\n    what $action->[1] $what->[1];";

    $c .= "\nwhen { resource has x }" if $captures;

    my @clauses = map { [maybe(0.7) ? ['when', 'if'] : ['unless', 'unless'],
                         condition($captures, int rand 3)] }
                  1 .. pick(0, 1, 1, 1, 2);

    push @clauses, [pick(['when', 'if'], ['unless', 'unless']),
                    made("erring $effect", 'principal.e like "a*"',
                         'claim.e like "a*"')] if maybe(0.2);

    for (@clauses) {
        my ($word, $pair) = @$_;
        $c .= "\n$word->[0] { $pair->[0] }";
        $w .= "\n    $word->[1] $pair->[1];";
    }

    return ["$c;\n", "$w\n}\n"];
}

# What compares two claims that are sets is dear, and a rule has a budget.

sub affordable {
    my ($i) = @_;

    for ( ;; ) {
        my $policy = policy($i);
        my @dear = $policy->[1] =~ /claim\.\w+ (?:any|all) in claim\.\w/g;
        return $policy if @dear <= 5;
    }
}

# A set of them: [in Cedar, in ours], the latter of that name.

sub policies {
    my ($name) = @_;
    my @all = map { affordable($_) } 0 .. int rand 6;

    my $head = <<"END";
language 1;
policy $name;
schema from corp, partner {
    claim t string;  claim u string;  claim n int;  claim m int;
    claim b bool;  claim s set<string>;  claim roles set<string>;
    claim o optional string;  claim p optional set<string>;  claim e string;
}
END

    $head .= "role $_ { when \"$_\" in claim.roles; "
             . (@{ $includes{$_} } ? 'includes '
                . join(', ', @{ $includes{$_} }) . '; ' : '') . "}\n"
        for @roles;

    return [join("\n", map { $_->[0] } @all),
            $head . join("\n", map { $_->[1] } @all)];
}


# --- requests ---

sub request {
    return {
        type => pick('User', 'User', 'Partner'), id => 'u' . int rand 3,
        roles => [maybe(0.7) ? some(2, @roles) : ()],
        method => pick(@methods), path => path(), ip => pick(@addresses),
        now => pick(@times), maybe(0.5) ? (h => pick(@words)) : (),
        attrs => {
            t => pick(@words), u => pick(@words), n => int(rand 7) - 2,
            m => int(rand 7) - 2, b => maybe(0.5) ? \1 : \0,
            s => [maybe(0.85) ? some(3, @words) : ()],
            maybe(0.5) ? (o => pick(@words)) : (),
            maybe(0.5) ? (p => [maybe(0.85) ? some(3, @words) : ()]) : (),
            maybe(0.5) ? (e => pick(@words)) : (),
        },
    };
}

# For weirctl eval.

sub facts {
    my ($r, $policy) = @_;

    return {
        policy => $policy, method => $r->{method}, path => $r->{path},
        source => $r->{ip}, time => $r->{now},
        identity => { kind => 'jwt', subject => $r->{id},
                      issuer => $r->{type} eq 'User' ? 'corp' : 'partner' },
        claims => { %{ $r->{attrs} }, roles => $r->{roles} },
        defined $r->{h} ? (headers => { h => $r->{h} }) : (),
    };
}

# For cedarpy.

sub question {
    my ($r) = @_;

    return {
        principal => "$r->{type}::\"$r->{id}\"",
        action => "Action::\"$r->{method}\"",
        resource => "Route::\"$r->{path}\"",
        context => {
            ip => { __extn => { fn => 'ip', arg => $r->{ip} } },
            now => { __extn => { fn => 'datetime', arg => $r->{now} } },
            defined $r->{h} ? (h => $r->{h}) : (),
        },
    };
}

sub entity {
    my ($type, $id, $attrs, @parents) = @_;
    return { uid => { type => $type, id => $id }, attrs => $attrs,
             parents => \@parents };
}

sub entities {
    my ($r) = @_;
    my ($x) = $r->{path} =~ m{^/([^/]+)};
    my @routes = ($r->{path});

    unshift @routes, $routes[0] =~ s{/[^/]*$}{}r || '/'
        while $routes[0] ne '/';

    return [
        entity($r->{type}, $r->{id}, $r->{attrs},
               map { { type => 'Role', id => $_ } } @{ $r->{roles} }),
        (map { entity('Role', $_, {}, map { { type => 'Role', id => $_ } }
                                      @{ $includes{$_} }) } @roles),
        (map { my $m = $_; entity('Action', $m, {},
               map { { type => 'Action', id => $_ } }
               grep { grep { $_ eq $m } @{ $groups{$_} } } keys %groups) }
         @methods),
        (map { entity('Action', $_, {}) } keys %groups),
        (map { entity('Route', $routes[$_],
                      $_ == $#routes && defined $x ? { x => $x } : {},
                      $_ ? { type => 'Route', id => $routes[$_ - 1] } : ()) }
         0 .. $#routes),
    ];
}

1;
