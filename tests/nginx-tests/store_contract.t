
# What a live gateway would refuse weirctl says before it publishes anything:
# policies, issuers and whose tokens arrive where, attributes, room, splits
# and colours, by the contract in the gateway's report.

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Weir::Test;
use Weir::Fleet;
use Weir::Gate;

my $t = Weir::Test->new;
my $f = Weir::Fleet->new($t);

$t->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        4m policies=1m;
    weir_node        gw1;
    weir_store       @{[ $f->store ]} poll=100ms;
    weir_trust       @{[ $f->pub ]};
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_u { green 0%; blue *; }
    weir_quota       per-user key=\$weir_principal rate=100r/s;
    weir_quota       small key=\$weir_principal rate=1r/s;
    weir_objective   fast { latency 300ms 99%; }
    weir_identity_header X-User \$weir_subject;

    @{[ issuer($t, 'corp') ]}
    @{[ issuer($t, 'partner') ]}
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /a { weir_auth corp; weir_policy one; root %%TESTDIR%%; }
        location /b { weir_auth corp partner; weir_policy two; root /tmp; }
        location /c { weir_auth partner; weir_policy two; root /tmp; }
        location /d { weir_auth partner; weir_policy two; root /tmp; }
        location = /api { weir_policy off; weir_api; }
    }
}
END

sub folder {
    my (%policy) = @_;

    $t->execute(['rm', '-rf', $t->path('p')]);

    for my $name (sort keys %policy) {
        $t->file("p/$name.policy", "language 1;\npolicy $name;\n"
                                   . "$policy{$name}\n");
    }

    return $t->path('p');
}

my @lines = split /\n/, slurp($t->path('nginx.conf'));
my ($line) = map { $_ + 1 } grep { $lines[$_] =~ m{location /b} } 0 .. $#lines;
my $plain = 'permit x { who anyone; }';
my $api = sub { http_get($t->port, '/api')->json };

$t->run;
wait_for { -s $f->path('gateways/gw1.json') } 5, 'a report';

my ($gw) = @{ JSON::PP::decode_json(($f->ctl('status', '--json'))[1])
              ->{gateways} };
my $contract = $gw->{contract};

is_deeply([sort @{ $contract->{policies} }], ['one', 'two'], 'policies');
is_deeply([sort @{ $contract->{issuers} }], ['corp', 'partner'], 'issuers');
is_deeply($contract->{splits}, { checkout => ['green', 'blue'] }, 'splits');
is_deeply([sort @{ $contract->{quotas} }], ['per-user', 'small'], 'quotas');
is_deeply($contract->{objectives}, ['fast'], 'objectives');
is_deeply([map { [$_->{policy}, $_->{issuers}] } @{ $contract->{locations} }],
          [['one', ['corp']], ['two', ['corp', 'partner']],
           ['two', ['partner']]], 'which arrive where, each once');

my ($rc, $out, $err) = $f->ctl('push', folder(one => $plain, two => $plain));
is($rc, 0, 'a bundle that it can serve') or diag $err;

my $head = slurp($f->path('head.json'));

sub refused {
    my ($what, $re, @verb) = @_;
    ($rc, $out, $err) = $f->ctl(@verb);
    is($rc, 1, "$what: refused");
    like($err, $re, "$what: says so");
    is(slurp($f->path('head.json')), $head, "$what: nothing was published");
    is($api->()->{bundle}{error}, undef, "$what: no gateway had to refuse it");
}

refused('a policy is missing',
        qr/gateway gw1 uses policy "two", which the bundle lacks/,
        'push', folder(one => $plain));

refused('an issuer is unknown',
        qr/gateway gw1 cannot serve it: one\.policy:3:\d+: .*nobody/,
        'push', folder(two => $plain,
                       one => 'permit x { who issuer nobody; }'));

refused('a schema of an unknown issuer',
        qr/gateway gw1 cannot serve it: one\.policy:3:\d+: .*nobody/,
        'push', folder(two => $plain,
                       one => "schema from nobody { claim a string; }\n"
                              . 'permit x { who anyone; if claim.a == "b"; }'));

refused('several issuers where the schema means one',
        qr{cannot serve it at \S*nginx\.conf:$line: two\.policy:3:},
        'push', folder(one => $plain,
                       two => "schema { claim a string; }\n"
                              . 'permit x { who anyone; if claim.a == "b"; }'));

refused('an attribute that nobody declares', qr/one\.policy:3:\d+: error: /,
        'push', folder(two => $plain,
                       one => 'permit x { who anyone; if claim.a == "b"; }'));

for (['limit nobody', 'quota nobody'],
     ['split cart green', 'split and colour cart green'],
     ['split checkout red', 'split and colour checkout red'],
     ['slo slow', 'objective slow'])
{
    my ($effect, $name) = @$_;

    refused("a policy that names $name",
            qr/gateway\ gw1\ cannot\ serve\ it:\ one\.policy:3:\d+:
               .*names\ \Q$name\E,\ and\ there\ is\ no\ such/x,
            'push', folder(two => $plain,
                           one => "permit x { who anyone; $effect; }"));
}

refused('no room', qr/cannot serve it: its image has \d+ bytes, and there/,
        'push', folder(two => $plain,
                       one => join "\n", map {
                           "permit r$_ { who anyone; what GET /$_/**; }"
                       } 1 .. 9000));

refused('a split that it has not', qr/unknown split "cart"/,
        'split', 'set', 'cart', 'green=1%');
refused('a colour that it has not',
        qr/split "checkout" has no colour "red" on gateway gw1/,
        'split', 'set', 'checkout', 'red=1%');

refused('a header that nginx.conf sets',
        qr/cannot serve it: one\.policy:3:\d+: .*sets X_User, which weir_id/,
        'push', folder(two => $plain,
                       one => 'permit x { who anyone; '
                              . 'set_header X_User "root"; }'));

($rc, $out, $err) = $f->ctl('push', folder(
    one => 'permit x { who anyone; limit per-user; split checkout green; '
           . 'slo fast; set_header X-Users "1"; }',
    two => $plain));
is($rc, 0, 'what nginx.conf has can be named') or diag $err;
$head = slurp($f->path('head.json'));


# a schema of one issuer fits where several arrive

($rc, $out, $err) = $f->ctl('push', folder(
    one => "schema { claim a string; }\n"
           . 'permit x { who anyone; if claim.a == "b"; }',
    two => "schema from corp { claim a string; }\n"
           . 'permit x { who anyone; if claim.a == "b"; }'));
is($rc, 0, 'the same where one can arrive, or the schema says from whom')
    or diag $err;


# a push for later is taken by the gateway, and waited for no longer

my $at = Weir::Fleet::time_text(time + 3600);
($rc, $out, $err) = $f->ctl('push', folder(one => $plain, two => $plain),
                            '--activate-at', $at);
is($rc, 0, 'push --activate-at') or diag $err;
like($out, qr/^gw1 waiting until \Q$at\E$/m, 'it says so');
is($f->head->{activate_at}, $at, 'the document has it');
is($api->()->{bundle}{version}, 3, 'what was in effect is');

($rc, $out, $err) = $f->ctl('push', $t->path('p'), '--activate-at', 'soon');
is($rc, 2, 'a time that is none');

$at = Weir::Fleet::time_text(time + 2);
($rc, $out, $err) = $f->ctl('push', folder(one => $plain, two => $plain,
                                           three => $plain),
                            '--activate-at', $at);
is($rc, 0, 'soon');
wait_for { $api->()->{bundle}{version} == 5 } 10, 'it comes into effect';
cmp_ok(Weir::Fleet::time_text(time), 'ge', $at, 'not before its time');

done_testing();
