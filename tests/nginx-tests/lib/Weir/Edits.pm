package Weir::Edits;

# A large set of policies, and changes of it whose meaning is known: some widen
# access and hide it, some do not.  For the tests of weirctl diff, and for
# scripts/bench diff.

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';

our @EXPORT = qw(edits_base edits_wide edits_safe edits_large edits_larger
                 edits_apply);


# The rules that are changed.  The rest of the set is below.

my $special = <<'END';
import "lib/office.policy" as office;
import "lib/plant.policy" as plant;

schema from corp {
    claim email   optional string;
    claim level   optional int;
    claim locked  optional bool;
    claim scopes  optional set<string>;
    claim sub2    optional string;
}

set partners string "p-001", "p-002", "p-003", "p-004", "p-005", "p-006";
set jobs     spiffe spiffe://corp/job/a, spiffe://corp/job/b;

window night mon-fri 22:00-24:00 Europe/Paris, tue-sat 00:00-06:00 Europe/Paris;
window desk  mon-fri 09:00-17:00 Europe/Paris;

role deployer { when "deploy" in claim.roles; }
role operator { when "ops" in claim.roles; includes watcher; }
role watcher  { when "watch" in claim.roles; }

permit x-office  { who role operator; what GET /x/office; from office.net; }
permit x-mail    { who issuer corp; what GET /x/mail;
    if has claim.email && claim.email like "*@corp.example"; }
permit x-night   { who role operator; what POST /x/batch; during night; }
permit x-desk    { who role operator; what POST /x/desk; during desk; }
permit x-watch   { who role watcher; what GET /x/watch/**; }
permit x-deploy  { who role deployer; what PUT /x/deploy/{app}; }
permit x-partner { who issuer corp; what GET /x/partner/**;
    if claim.tenant in partners; }
permit x-job     { who spiffe jobs; what POST /x/jobs; }
permit x-scopes  { who issuer corp; what GET /x/scopes;
    if has claim.scopes && claim.scopes any in ["read", "list"];
    if has claim.scopes && claim.scopes all in ["read", "list", "write"]; }
permit x-active  { who issuer corp; what GET /x/active;
    unless claim.locked; }
permit x-level   { who issuer corp; what * /x/level/**; }
permit x-own     { who issuer corp; what GET /x/t/{tenant}/users/{user};
    if claim.tenant == path.tenant;
    if has claim.sub2 && claim.sub2 == path.user; }
permit x-export  { who anyone; what * /x/export/**; }
permit x-env     { who anyone; what * /x/env; }
permit x-build   { who role deployer; what GET /x/build/{tag};
    if path.tag ~ "v[0-9]+(\\.[0-9]+)?"; }
permit x-plant   { who role operator; what GET /x/plant; from plant.net; }
permit x-all     { who role operator; what GET /x/all/**; }
permit x-part    { who role operator; what GET /x/all/part; }

deny x-low       { what * /x/level/**; unless claim.level >= 3; }
deny x-no-write  { what POST, PUT, PATCH, DELETE /x/export/**; }
deny x-no-head   { what GET, HEAD /x/export/secret/**; }
deny x-prod      { what * /x/env; if has header("X-Env")
    && header("X-Env") in ["prod", "PROD", "Prod"]; }
deny x-locked    { what * /x/all/**; unless claim.level >= 1; }
deny x-locked-2  { what GET /x/all/part/**; unless claim.level >= 1; }

shadow deny x-soon { what GET /x/**; from 192.0.2.0/24; }
END

my %lib = (
    'lib/office.policy' => <<'END',
language 1;
set net cidr 10.20.0.0/16, 10.40.4.0/22, 10.60.0.0/16, 2001:db8:1::/48;
END
    'lib/plant.policy' => <<'END',
language 1;
set net cidr 10.20.0.0/16, 10.40.4.0/22, 10.60.0.0/16;
END
);


# What a company's other rules are like: tenants' services, jobs, second
# factors.

sub rest {
    my ($n) = @_;
    my $text = '';

    for my $i (0 .. $n - 1) {
        my $path = sprintf '/s%d/{tenant}/r%d/**', $i % 400, $i;
        my $kind = $i % 10;

        if ($kind < 6) {
            $text .= sprintf "permit s%05d { who role %s; what GET, POST %s;\n"
                . "    from 10.%d.0.0/16; if claim.tenant == path.tenant;"
                . " if request.time < 2040-01-01T00:00:00Z; }\n", $i,
                ('operator', 'watcher', 'deployer')[$i % 3], $path, $i % 200;

        } elsif ($kind < 8) {
            $text .= "permit s$i { who spiffe spiffe://corp/svc/s$i;"
                     . " what * $path; }\n";

        } elsif ($kind == 8) {
            $text .= "deny s$i { what * /s" . ($i % 400) . "/*/r" . ($i - 8)
                     . "/admin/**; unless \"mfa\" in claim.amr; }\n";

        } else {
            $text .= "permit s$i { who authenticated; what GET $path; }\n";
        }
    }

    return $text;
}


# Files by their names; $n: rules.

sub edits_base {
    my ($n) = @_;
    my $own = () = $special =~ /^(?:permit|deny|shadow)/mg;

    $n -= $own;

    return { %lib, 'big.policy' => "language 1;\npolicy big;\n$special\n"
             . "schema from corp { claim tenant string;"
             . " claim roles set<string>; claim amr optional set<string>; }\n"
             . rest($n) };
}


# Each: what changes, and pairs of what is there and what stands in its place.
# The first word of a pair may name a file.

sub edits_wide {
    return (
        ['a network of a library is one bit wider',
         'lib/office.policy', '10.40.4.0/22', '10.40.0.0/21'],
        ['a glob without its @', undef, '"*@corp.example"', '"*corp.example"'],
        ['the hours after midnight of one day more',
         undef, 'tue-sat 00:00-06:00', 'mon-sat 00:00-06:00'],
        ['another zone, which is the same in winter',
         undef, '09:00-17:00 Europe/Paris', '09:00-17:00 Africa/Algiers'],
        ['one more edge between roles', undef, '"ops" in claim.roles; includes'
         . ' watcher;', '"ops" in claim.roles; includes watcher, deployer;'],
        ['an item more', undef, '"p-004", ', '"p-004", "p-0O5", '],
        ['all in, of an empty set',
         undef, "    if has claim.scopes && claim.scopes any in"
         . " [\"read\", \"list\"];\n", ''],
        ['a claim that may be absent',
         undef, 'unless claim.locked',
         'unless has claim.locked && claim.locked'],
        ['a deny that is unknown no longer', undef,
         'deny x-low       { what * /x/level/**; unless claim.level >= 3; }',
         'deny x-low { what * /x/level/**; if has claim.level &&'
         . ' claim.level < 3; }'],
        ['captures change places', undef, '/x/t/{tenant}/users/{user}',
         '/x/t/{user}/users/{tenant}'],
        ['GET and no HEAD', undef, 'GET, HEAD /x/export/secret',
         'GET /x/export/secret'],
        ['a value with another case', undef, '"prod", "PROD", "Prod"',
         '"prod", "Prod"'],
        ['a deny turned into a shadow', undef, 'deny x-no-write',
         'shadow deny x-no-write'],
        ['an expression whose dot is none', undef, '(\\\\.[0-9]+)?',
         '(.[0-9]+)?'],
        ['the alias of another library', undef, 'from plant.net',
         'from office.net'],
        ['a deny of one segment', undef,
         'POST, PUT, PATCH, DELETE /x/export/**',
         'POST, PUT, PATCH, DELETE /x/export/*'],
        ['a job more', undef, 'spiffe://corp/job/b;',
         'spiffe://corp/job/b, spiffe://corp/job/b/c;'],
        ['a permit of one service without its tenant', undef,
         qr/(permit s04200 \{[^}]+\}[^}]+?) if claim\.tenant ==\s+path.tenant;/,
         '$1'],
    );
}


sub edits_safe {
    return (
        ['a network in halves', 'lib/office.policy', '10.40.4.0/22',
         '10.40.4.0/23, 10.40.6.0/23'],
        ['a narrower glob', undef, '"*@corp.example"', '"*.*@corp.example"'],
        ['a window in two spans', undef, 'mon-fri 09:00-17:00 Europe/Paris',
         'mon-fri 12:30-17:00 Europe/Paris, mon-wed 09:00-12:30 Europe/Paris,'
         . ' thu-fri 09:00-12:30 Europe/Paris'],
        ['a role written out', undef, 'permit x-watch   { who role watcher;',
         'permit x-watch { who role operator, role watcher;'],
        ['an edge between roles written out', undef, 'includes watcher; }',
         '} role watch-all { when "watch" in claim.roles || "ops" in'
         . ' claim.roles; }', undef, qr/who role watcher;/,
         'who role watch-all;'],
        ['items in another order, one twice', undef, '"p-004", "p-005"',
         '"p-005", "p-004", "p-005"'],
        ['fewer of all in', undef, 'all in ["read", "list", "write"]',
         'all in ["list", "read"]'],
        ['a claim that must be there', undef, 'unless claim.locked',
         'if has claim.locked && !claim.locked'],
        ['a deny that looks at more', undef, 'unless claim.level >= 3',
         'unless claim.level >= 3 && claim.level <= 9'],
        ['captures of other names', undef, '/x/t/{tenant}/users/{user}',
         '/x/t/{t}/users/{u}', undef, "claim.tenant == path.tenant;\n    if"
         . " has claim.sub2 && claim.sub2 == path.user",
         "path.t == claim.tenant;\n    if has claim.sub2 && path.u =="
         . ' claim.sub2'],
        ['methods in two rules', undef,
         'deny x-no-head   { what GET, HEAD /x/export/secret/**; }',
         'deny x-no-get { what GET /x/export/secret/**; }'
         . ' deny x-no-head { what HEAD /x/export/secret/**; }'],
        ['the name of a header in another case', undef,
         qr/header\("X-Env"\)/, 'header("x-env")'],
        ['a shadow that goes', undef, qr/shadow deny x-soon [^}]+\}/, ''],
        ['a narrower expression', undef, 'if path.tag ~',
         'if path.tag like "v*1"; if path.tag ~'],
        ['another alias of the same library', undef,
         '"lib/plant.policy" as plant', '"lib/plant.policy" as factory',
         undef, 'plant.net', 'factory.net'],
        ['a permit that another one covers', undef, qr/permit x-part [^}]+\}/,
         ''],
        ['a deny that another one covers', undef, qr/deny x-locked-2 [^}]+\}/,
         ''],
        ['a rule of many, by de Morgan', undef,
         qr/(permit\ s04200\ [^}]+\}[^}]+?)
            if\ claim\.tenant\ ==\ path\.tenant;
            (\s+)if\ request\.time\ <\ (\S+Z);/x,
         '$1unless claim.tenant != path.tenant || request.time >= $3;$2'],
    );
}


# A few rules that name large sets, and changes of these.

sub edits_large {
    my ($items, $n) = @_;
    my $text = "language 1;\npolicy large;\nschema from corp {"
               . " claim tenant string; claim roles set<string>; }\n";

    $text .= 'set ids string ' . join(', ', map { "\"t$_\"" } 1 .. $items)
             . ";\nset nets cidr "
             . join(', ', map { sprintf '10.%d.%d.0/24', $_ / 256, $_ % 256 }
                          1 .. $items)
             . ";\n";

    $text .= "permit r$_ { who issuer corp; from nets; what GET /a$_/{x};"
             . " if claim.tenant in ids; if claim.roles any in ids; }\n"
        for 1 .. $n;

    return { 'big.policy' => $text };
}


sub edits_larger {
    return (
        ['a rule more', undef, 'permit r2 ', 'permit q { who issuer corp;'
         . ' what GET /a1/{x}; if claim.tenant in ids; } permit r2 '],
        ['an item more', undef, '"t7",', '"t7", "t7-",'],
        ['a network more', undef, '10.0.7.0/24,', '10.0.7.0/24, 11.0.0.0/24,'],
    );
}


# A copy of the files with a change in it.

sub edits_apply {
    my ($base, $name, @pairs) = @_;
    my %files = %$base;

    while (@pairs) {
        my ($file, $from, $to) = splice @pairs, 0, 3;

        $file //= 'big.policy';
        $from = quotemeta $from unless ref $from;

        my $put = sub {
            my @found = (undef, $_[0], $_[1], $_[2]);
            return $to =~ s/\$(\d)/$found[$1]/gr;
        };

        $files{$file} =~ s/$from/$put->($1, $2, $3)/ge
            or croak "$name: nothing to change in $file";
    }

    return \%files;
}


1;
