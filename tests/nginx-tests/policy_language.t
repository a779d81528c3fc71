
# The whole language at the gateway: libraries, sets, roles that include
# others, regular expressions in each worker and generation, windows, effects.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Token;
use Weir::Upstream;

my $t = Weir::Test->new;
my $k = Weir::Token->new($t);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('corp.json', $k->jwks($k->jwk('ES256', 'corp')));

$t->file('policies/lib/office.policy', <<'END');
language 1;

schema from corp { claim roles set<string>; }

set net   cidr 127.0.0.0/8, 10.0.0.0/8;
set words string "one", "two";

window always mon-sun 00:00-24:00 Europe/Paris;
window never  mon-sun 00:00-00:01 UTC;

role reader { when "reader" in claim.roles; }
role editor { when "editor" in claim.roles; includes reader; }
END

# one regular expression a number, all of them compiled between events

sub policy {
    my ($last) = @_;

    $t->file('policies/p.policy', <<'END'
language 1;
policy p;
import "lib/office.policy" as office;

schema from corp { claim roles set<string>; }

permit read   { who role office.reader; what * /read; }
permit net    { who anyone; what * /net; from office.net; }
permit word   { who anyone; what * /word/{w}; if path.w in office.words; }
permit any    { who anyone; what * /any;
                if claim.roles any in ["a", "reader"]; }
permit time   { who anyone; what * /time; during office.always; }
permit limit  { who anyone; what * /obliged; log info; }
shadow deny s { what * /**; }
deny   slow   { what * /slow/{x}; if path.x ~ "(a+)+"; }
permit slows  { who anyone; what * /slow/*; }
END
        . join('', map { "permit r$_ { who anyone; what * /r/{x}; "
                         . "if path.x ~ \"n${_}[a-z]\"; }\n" } 1 .. $last));
}

policy(60);

$t->http_conf(<<'END');
    weir_zone   16m;
    weir_bundle policies;

    weir_issuer corp {
        issuer    https://corp.test/;
        audience  orders;
        jwks      file:%%TESTDIR%%/corp.json;
    }

    add_header X-Rule $weir_rule always;
    add_header X-Reason $weir_reason always;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        weir_auth   corp optional;
        weir_policy p;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
END

$t->run;


# "STATUS RULE" of a request

sub ask {
    my ($target, @headers) = @_;

    my $r = http_request($t->port, 'GET', $target, headers => \@headers);
    my $rule = $r->header('X-Rule');

    return $r->status . ' ' . (defined $rule ? $rule : '-');
}

sub roles {
    return (Authorization => 'Bearer ' . $k->mint(key => 'corp', claims => {
        iss => 'https://corp.test/', aud => 'orders', sub => 'alice',
        roles => [@_],
    }));
}

is(ask('/read', roles('reader')), '200 read', 'a role of a library');
is(ask('/read', roles('editor')), '200 read', 'who holds one that includes it');
is(ask('/read', roles('other')), '403 -', 'who holds neither');
is(ask('/net'), '200 net', 'from a set of a library');
is(ask('/word/two'), '200 word', 'in a set of a library');
is(ask('/word/three'), '401 -', 'not in it');
is(ask('/any', roles('x', 'reader')), '200 any', 'any in');
is(ask('/any', roles('x')), '403 -', 'none in');
is(ask('/time'), '200 time', 'a window');

is(ask("/r/n${_}x"), "200 r$_", "regular expression $_") for 1, 30, 60;
is(ask('/r/n1xx'), '401 -', 'anchored at its end');
is(ask('/r/xn1x'), '401 -', 'and at its start');
is(ask('/slow/b'), '200 slows', 'a deny that does not match');
is(ask('/slow/aa'), '403 slow', 'one that does');
is(ask('/slow/' . 'a' x 40 . 'b'), '403 slow', 'one that hits the limit');
is(http_request($t->port, 'GET', '/slow/' . 'a' x 40 . 'b')
       ->header('X-Reason'), 'deny-unknown', 'is unknown');

is(ask('/obliged'), '200 limit', 'an effect');


# another generation has expressions of its own

policy(61);
ok($t->reload, 'a reload');
is(ask('/r/n61x'), '200 r61', 'an expression of the new generation');
is(ask('/r/n7x'), '200 r7', 'and one of both');

done_testing();
