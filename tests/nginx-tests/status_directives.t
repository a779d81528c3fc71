# weir_metrics and weir_api: where they may stand; what comes later says so.

use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/ in \S+tested\.conf:\d+$/);

sub config {
    my ($location, $server) = @_;
    return "events {}\nhttp {\nserver {\nlisten 127.0.0.1:%%PORT_9%%;\n"
           . ($server || '') . "\nlocation /x {\n$location\n}\n}\n}\n";
}

sub refused {
    my ($re, @config) = @_;
    my ($rc, $out) = $t->test_config(config(@config));
    is($rc, 1, "refused: @config");
    like($out, $re, "says: $re");
}

for my $name (qw(weir_metrics weir_api)) {
    my ($rc, $out) = $t->test_config(config("$name;"));

    is($rc, 0, "$name is taken") or diag $out;

    refused(qr/"$name" directive is duplicate in .*:7/, "$name; $name;");
    refused(qr/"$name" directive stands beside another handler/,
            "proxy_pass http://127.0.0.1:1; $name;");
    refused(qr/"$name" directive is not allowed here/, '', "$name;");
    refused(qr/"$name" directive is not allowed here/,
            "if (\$arg_a) { $name; }");
    refused(qr/invalid number of arguments in "$name"/, "$name on;");
}

refused(qr/"weir_api" directive stands beside another/,
        'weir_metrics; weir_api;');

for my $name (qw(weir_dashboard)) {
    refused(qr/"$name" comes with a later release of Weir in .*:7/, "$name;");
    refused(qr/"$name" comes with a later release of Weir in .*:7/,
            "$name ready;");
}


# pages of one server, prefixes and regexes, and beside other locations

$t->http_conf(<<'END');
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /m { weir_metrics; }
        location ~ \.json$ { weir_api; }
        location / { return 204; }
    }
END
$t->run;

like(http_get($t->port, '/m')->body, qr/# EOF\n\z/, 'weir_metrics');
like(http_get($t->port, '/m/below')->body, qr/# EOF\n\z/, 'below a prefix');
is(http_get($t->port, '/x.json')->json->{version}, '0.1.0', 'weir_api');
is(http_get($t->port, '/other')->status, 204, 'another location');

done_testing;
