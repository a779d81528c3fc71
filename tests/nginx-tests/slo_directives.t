# What weir_objective and weir_slo refuse, and how they say it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/ in \S+tested\.conf:\d+$/);


sub tested {
    my ($http, $location) = @_;

    return $t->test_config(
        "events {} http { $http\nserver { listen 127.0.0.1:%%PORT_0%%;\n"
        . "location / { " . ($location || '') . " } } }");
}


sub refused {
    my ($http, $location, $re, $name) = @_;

    my ($rc, $text) = tested($http, $location);

    isnt($rc, 0, "refused: $name");
    like($text, $re, $name);
    like($text, $location ? qr/tested\.conf:3$/m : qr/tested\.conf:1$/m,
         "$name: the line");
}


for my $bad ('99,9%', qw(100% 0% 99.9 99.9%% .9% 99.% -1% +1% 101% 1e1%
                         99.99999999%))
{
    refused("weir_objective o { availability $bad; }", '',
            qr/invalid target "\Q$bad\E"/, "target $bad");
    refused("weir_objective o { latency 1s $bad; }", '',
            qr/invalid target "\Q$bad\E"/, "latency's target $bad");
}

for my $bad (qw(0 2h fast -1s 0ms)) {
    refused("weir_objective o { latency $bad 99%; }", '',
            qr/invalid latency "\Q$bad\E"/, "latency $bad");
}

for my $bad (qw(0 59m 400d month)) {
    refused("weir_objective o { availability 99%; window $bad; }", '',
            qr/invalid window "\Q$bad\E"/, "window $bad");
}

refused('weir_objective o { }', '', qr/"o" needs "availability" or "latency"/,
        'no SLI');
refused('weir_objective o { window 30d; }', '', qr/"o" needs/,
        'a window alone');
refused('weir_objective o { availability 99%; availability 99%; }', '',
        qr/"availability" is duplicate/, 'an SLI twice');
refused('weir_objective o { availability 99%; errors 1%; }', '',
        qr/unknown directive "errors"/, 'an unknown line');
refused('weir_objective o { availability; }', '',
        qr/"availability" takes a target/, 'no target');
refused('weir_objective o { latency 99%; }', '',
        qr/"latency" takes a duration and a target/, 'no duration');
refused('weir_objective O { availability 99%; }', '',
        qr/invalid objective name "O"/, 'a name');
refused('weir_objective o { availability 99%; } '
        . 'weir_objective o { availability 99%; }', '',
        qr/duplicate objective "o"/, 'an objective twice');

my $o = 'weir_objective o { availability 99%; }';

refused('', 'weir_slo o;', qr/unknown objective "o"/, 'an unknown objective');
refused($o, 'weir_slo o split=s;', qr/unknown split "s"/, 'an unknown split');
refused($o, 'weir_slo o colour=s;', qr/invalid parameter "colour=s"/,
        'an unknown parameter');
refused($o, 'weir_slo o; weir_slo o;', qr/is duplicate/, 'twice');
refused($o, 'weir_slo off split=s;', qr/beside "off"/, 'off and more');
refused($o, 'if ($arg_x) { weir_slo o; }', qr/not allowed here/,
        'inside "if"');

my ($rc, $text) = tested(
    'server { listen 127.0.0.1:%%PORT_1%%; weir_slo o split=s; } '
    . 'weir_split s key=$arg_u { a 5%; b *; } '
    . 'weir_objective o { latency 300ms 99%; availability 99.99999%; '
    . 'window 7d; }');

is($rc, 0, 'what is defined later') or diag($text);

done_testing();
