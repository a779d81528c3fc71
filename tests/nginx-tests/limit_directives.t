# What weir_quota and weir_limit refuse, and how they say it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/ in \S+tested\.conf:\d+$/, qr/too small for 40 quotas/);


sub refused {
    my ($http, $location, $re, $name) = @_;

    my ($rc, $text) = $t->test_config(
        "events {} http { $http\nserver { listen 127.0.0.1:%%PORT_0%%;\n"
        . "location / { $location } } }");

    isnt($rc, 0, "refused: $name");
    like($text, $re, $name);
}


sub accepted {
    my ($http, $location, $name) = @_;

    my ($rc, $text) = $t->test_config(
        "events {} http { $http\nserver { listen 127.0.0.1:%%PORT_0%%;\n"
        . "location / { $location } } }");

    is($rc, 0, "accepted: $name") or diag($text);
    return $text;
}


my $q = 'weir_quota a key=$arg_k';

for my $bad (qw(1 1r 1/s 1r/x 0r/s -1r/s 1.5r/s 1r/ms r/s)) {
    refused("$q rate=$bad;", '', qr/\Q"$bad"\E.* in .*tested\.conf:1/,
            "rate=$bad");
}

refused("$q;", '', qr/"rate=" is missing in weir_quota "a".*:1/, 'no rate');
refused('weir_quota a rate=1r/s;', '', qr/"key=" is missing/, 'no key');
refused('weir_quota a key= rate=1r/s;', '', qr/empty key/, 'an empty key');
refused("$q rate=2000000r/s;", '', qr/too high.*a million/, 'too high');
refused("$q rate=1r/d burst=1000000;", '', qr/burst 1000000 is too large/,
        'too large a burst');
refused("$q rate=1r/s burst=-1;", '', qr/invalid parameter "burst=-1"/,
        'a negative burst');
refused("$q rate=1r/s burst=x;", '', qr/invalid parameter "burst=x"/,
        'a burst that is no number');
refused("$q rate=1r/s cost=0;", '', qr/invalid parameter "cost=0"/, 'no cost');
refused("$q rate=1r/s burst=1 cost=3;", '', qr/cost 3 .*more than burst/,
        'a cost that never passes');
refused("$q rate=1r/s at=door;", '', qr/invalid parameter "at=door"/, 'at=');
refused("$q rate=1r/s scope=moon;", '', qr/invalid scope "moon"/, 'scope=');
refused("$q rate=1r/s nodelay;", '', qr/invalid parameter "nodelay"/,
        'an unknown parameter');
refused("$q rate=1r/s rate=1r/s;", '', qr/duplicate parameter "rate=1r\/s"/,
        'a parameter twice');
refused("$q rate=1r/s; $q rate=2r/s;", '', qr/weir_quota "a" is duplicate/,
        'a quota twice');

for my $name (qw(A -a off shadow default a.b), 'a' x 64) {
    refused("weir_quota $name key=\$arg_k rate=1r/s;", '',
            qr/invalid quota name "\Q$name\E"/, "the name $name");
}

refused("$q rate=1r/s scope=$_;", '', qr/"scope=$_" comes with a later/,
        "scope=$_ is for later") for qw(global strict);
refused("$q rate=1r/s on_loss=open;", '', qr/comes with a later/,
        'on_loss= is for later');
refused('weir_concurrency c key=$arg_k max=5;', '',
        qr/"weir_concurrency" comes with a later/,
        'weir_concurrency is for later');

refused('', 'weir_limit a;', qr/unknown quota "a" in .*tested\.conf:3/,
        'an unknown quota, with the line of its use');
refused("$q rate=1r/s;", 'weir_limit a b;', qr/unknown quota "b"/,
        'one of two');
refused("$q rate=1r/s;", 'weir_limit a a;', qr/quota "a" is duplicate/,
        'a quota twice');
refused("$q rate=1r/s;", 'weir_limit a; weir_limit a shadow;',
        qr/quota "a" is duplicate/, 'a quota twice, in two lines');
refused("$q rate=1r/s;", 'weir_limit off a;', qr/invalid parameter "a"/,
        'off beside a quota');
refused("$q rate=1r/s;", 'weir_limit a; weir_limit off;', qr/off/,
        'off after a quota');
refused("$q rate=1r/s;", 'weir_limit off; weir_limit a;', qr/off/,
        'a quota after off');
refused("$q rate=1r/s;", 'weir_limit shadow;', qr/names no quota/,
        'a shadow of nothing');
refused("$q rate=1r/s;", 'if ($arg_x) { weir_limit a; }', qr/not allowed here/,
        'inside "if"');
refused("weir_zone 2m limits=16k; "
        . join('', map { "weir_quota q$_ key=\$arg_k rate=1r/s;" } 1 .. 40),
        '', qr/limits area of the zone is too small for 40 quotas/,
        'more quotas than there is room for');

accepted("server { listen 127.0.0.1:%%PORT_1%%; weir_limit a; } "
         . "$q rate=1r/s;", '', 'a quota that is defined later');
accepted("$q rate=10r/h burst=3 cost=2 at=address scope=local;",
         'weir_limit a;', 'everything');
accepted("$q rate=1r/s; " . 'weir_quota ' . 'b' x 63 . ' key=x rate=1r/s;',
         'weir_limit a ' . 'b' x 63 . ';', 'the longest name');

done_testing();
