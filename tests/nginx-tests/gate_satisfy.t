# The gate beside nginx's own access modules, under `satisfy all` and `any`:
# every combination of what stands in a location and who asks, against a model
# of the rules (security.md 1.8, 1.9; contract.md "A request, exactly" 4).

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

my %policies = (
    permit  => 'permit all { who anyone; what * /**; }',
    alice   => 'permit one { who subject alice issuer corp; what * /**; }',
    deny    => 'permit all { who anyone; what * /**; } '
               . 'deny all-of-it { what * /**; }',
    anon    => 'permit all { who anyone; what * /**; } '
               . 'deny anon { what * /**; if identity.kind == "anonymous"; }',
    unknown => 'schema from corp { claim level int; } '
               . 'permit all { who anyone; what * /**; } '
               . 'deny low { what * /**; if claim.level < 5; }',
    nothing => 'permit elsewhere { who anyone; what * /nowhere; }',
);

$t->file("policies/$_.policy", "language 1;\npolicy $_;\n$policies{$_}\n")
    for keys %policies;

$t->file('users', "u:{PLAIN}p\n");

# what a policy says to whom: 1 a permit, 0 a deny by default, -1 a final deny

my %says = (
    permit  => sub { 1 },
    alice   => sub { $_[0] eq 'alice' ? 1 : 0 },
    deny    => sub { -1 },
    anon    => sub { $_[0] eq '' ? -1 : 1 },
    unknown => sub { $_[0] eq 'alice' ? 1 : -1 },
    nothing => sub { 0 },
);

my %auth = (none => '', corp => 'weir_auth corp;',
            optional => 'weir_auth corp optional;');

my %other = (
    none    => '',
    allow   => 'allow all;',
    deny    => 'deny all;',
    basic   => 'auth_basic realm; auth_basic_user_file %%TESTDIR%%/users;',
    granted => 'auth_request /granted;',
    refused => 'auth_request /refused;',
);

my %who = (
    nobody => [],
    alice  => sub { [bearer('alice', level => 9)] },
    bob    => sub { [bearer('bob')] },
    bad    => [Authorization => 'Bearer x.y.z'],
    basic  => [Authorization => 'Basic dTpw'],
    wrong  => [Authorization => 'Basic dTp4'],
);

my (@cases, $locations);

for my $satisfy (qw(all any)) {
    for my $auth (sort keys %auth) {
        for my $policy ('off', 'closed', sort keys %policies) {
            next if $policy eq 'closed' && $auth ne 'none';

            for my $other (sort keys %other) {
                my $n = @cases;
                my $line = $policy eq 'closed' ? '' : "weir_policy $policy;";

                push @cases, [$satisfy, $auth, $policy, $other];
                $locations .= "location = /$n { satisfy $satisfy; "
                              . "$auth{$auth} $line $other{$other} "
                              . "proxy_pass http://u; }\n";
            }
        }
    }
}

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er =~ s/LOCATIONS/$locations/r);
weir_bundle  %%TESTDIR%%/policies;
ISSUER

log_format  v  '$uri $weir_verdict $weir_origin $status';
access_log  %%TESTDIR%%/access.log v;
error_log   %%TESTDIR%%/error.log crit;

upstream u {
    server     127.0.0.1:%%PORT_up%%;
    keepalive  4;
}

proxy_http_version  1.1;
proxy_set_header    Connection  "";

server {
    listen  127.0.0.1:%%PORT_0%%;

    location = /granted { weir_policy off; internal; return 204; }
    location = /refused { weir_policy off; internal; return 403; }

    LOCATIONS
}
EOF2

$t->run;


# What the gate says: undef (nothing), 200, or a status and whether it is
# final; and what the other module says.

sub gate {
    my ($satisfy, $auth, $policy, $who) = @_;

    return (403, 1) if $policy eq 'closed';
    return if $policy eq 'off' && $auth eq 'none';

    my $id = $auth ne 'none' && $who =~ /^(?:alice|bob)$/ ? $who : '';

    return (401, 1) if $auth ne 'none' && $who eq 'bad';

    if ($auth eq 'corp' && $id eq '') {
        return (401, $satisfy eq 'any' && $policy ne 'off'
                     && $says{$policy}->('') < 0);
    }

    return $id ne '' ? 200 : undef if $policy eq 'off';

    my $says = $says{$policy}->($id);

    return 200 if $says > 0;
    return (403, 1) if $says < 0;
    return ($id eq '' && $auth ne 'none' ? 401 : 403, 0);
}


sub other {
    my ($other, $who) = @_;

    return undef if $other eq 'none';
    return 200 if $other =~ /^(?:allow|granted)$/;
    return 403 if $other =~ /^(?:deny|refused)$/;
    return $who eq 'basic' ? 200 : 401;
}


sub expected {
    my ($satisfy, $auth, $policy, $other, $who) = @_;

    my ($gate, $final) = gate($satisfy, $auth, $policy, $who);
    my $o = other($other, $who);

    my $status;

    if ($gate && $gate != 200 && ($final || $satisfy eq 'all')) {
        $status = $gate;

    } elsif ($satisfy eq 'all') {
        $status = $o && $o != 200 ? $o : 200;

    } elsif (grep { $_ && $_ == 200 } $gate, $o) {
        $status = 200;

    } else {
        my @codes = grep { $_ } $gate, $o;
        $status = !@codes ? 200 : (grep { $_ == 401 } @codes) ? 401 : 403;
    }

    my $ours = $gate && $gate != 200 && $gate == $status;

    # each module that refused with 401 asks, unless the gate ended it

    my $bearer = $ours && $status == 401 ? 1 : 0;
    my $basic = $o && $o == 401 && $status == 401
                && !($gate && $gate != 200 && ($final || $satisfy eq 'all'))
                ? 1 : 0;

    return ($status, $ours ? 'json' : 'html', $bearer, $basic);
}


my (@bad, %seen, $asked);
my $c;

for my $n (0 .. $#cases) {
    my ($satisfy, $auth, $policy, $other) = @{ $cases[$n] };

    for my $who (sort keys %who) {
        my $headers = ref $who{$who} eq 'CODE' ? $who{$who}->() : $who{$who};

        $c = Weir::HTTP->new(port => $t->port)
            if !$c || ++$asked % 900 == 0;

        my $r = $c->request('GET', "/$n", headers => $headers);
        my $name = "satisfy $satisfy, auth $auth, policy $policy, "
                   . "other $other, by $who";

        if (!$r) {
            push @bad, "$name: closed";
            undef $c;
            next;
        }

        my ($status, $type, $bearer, $basic)
            = expected($satisfy, $auth, $policy, $other, $who);

        $seen{$status}++;

        my @ask = $r->header('WWW-Authenticate');
        my $is = join ' ', $r->status,
                 ($r->status == 200 ? () :
                  (($r->header('Content-Type') || '') =~ /problem\+json/
                   ? 'json' : 'html',
                   'bearer ' . grep(/^Bearer/, @ask),
                   'basic ' . grep(/^Basic/, @ask)));
        my $should = join ' ', $status, ($status == 200 ? () :
                     ($type, "bearer $bearer", "basic $basic"));

        push @bad, "$name: $is, not $should" if $is ne $should;
    }
}

my $total = @cases * keys %who;

is(join("\n", @bad[0 .. ($#bad > 15 ? 15 : $#bad)]), '',
   "$total combinations are answered by the rules");
is($up->count, $seen{200}, 'the upstream got those that were granted');
cmp_ok($seen{$_}, '>', 100, "many were $_") for 200, 401, 403;

# what is logged: a grant by the other module is no refusal

my %log;

$t->wait_access_log(qr/^\/$#cases .*\n(?:.*\n){5}/m);

for (split /\n/, $t->access_log) {
    my ($uri, $verdict, $origin, $status) = split;
    $log{"$verdict $origin $status"}++;
}

is(join("\n", grep { !/^(?:permit\ upstream\ 200|none\ upstream\ 200
                     |deny\ weir\ 403|unauthenticated\ weir\ 401
                     |(?:none|permit)\ nginx\ (?:401|403)
                     |deny\ nginx\ 401)$/x }
               sort keys %log), '', 'verdict, origin and status agree');

done_testing();
