# A token without "sub" has no subject: identity.subject is absent, not empty,
# and a rule that asks for one with "has" does not take it for somebody.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;

my $t = Weir::Test->new;

$t->file('policies/p.policy', <<'END');
language 1;
policy p;

permit notroot  { who authenticated; what * /has;
                  if has identity.subject && identity.subject != "root"; }
permit nobody   { who authenticated; what * /hasnot;
                  unless has identity.subject; }
permit empty    { who authenticated; what * /empty;
                  unless identity.subject != ""; }
permit all      { who authenticated; what * /deny; }
deny   strict   { what * /deny; unless identity.subject == "alice"; }
deny   loose    { what * /loose; if has identity.subject; }
permit loosely  { who authenticated; what * /loose; }
END

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
weir_bundle %%TESTDIR%%/policies;
ISSUER

server {
    listen  127.0.0.1:%%PORT_0%%;

    weir_auth    corp;
    weir_policy  p;

    location / { try_files /none @ok; }
    location @ok { weir_policy off; add_header X-Principal $weir_principal;
                   return 204; }
}
END

$t->run;

for ([alice => { has => 204, hasnot => 403, empty => 403, deny => 204,
                 loose => 403 }],
     [undef,   { has => 403, hasnot => 204, empty => 403, deny => 403,
                 loose => 204 }])
{
    my ($subject, $want) = @$_;
    my $name = defined $subject ? $subject : 'no subject';

    # twice: as it is verified, and from the cache

    for my $time (1, 2) {
        for my $path (sort keys %$want) {
            my $r = http_get($t->port, "/$path",
                             headers => [bearer($name, sub => $subject)]);
            is($r->status, $want->{$path}, "$name: /$path, $time");
        }
    }
}

done_testing();
