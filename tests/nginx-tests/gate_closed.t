# security.md 1.9: forgotten locations are closed, and nginx -t tells of them;
# what it says of names, of weir_auth without a policy and of answers before
# access, each with file and line.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up');

$t->file('policies/p.policy', <<'EOF2');
language 1;
policy p;
permit all { who anyone; what * /**; }
deny no    { what * /no/**; }
deny nested-no { what * /nested/inner/no/**; }
EOF2

$t->file('policies/get.policy', <<'EOF2');
language 1;
policy get;
permit get { who anyone; what GET /**; }
EOF2

$t->file('included.conf', "\nlocation /included {\n    return 204;\n}\n");

# what runs

my $text = <<'EOF2';
weir_bundle  %%TESTDIR%%/policies;

upstream u { server 127.0.0.1:%%PORT_up%%; }

server {
    listen  127.0.0.1:%%PORT_0%%;
    server_name  uses;

    location /policy         { weir_policy p; proxy_pass http://u; }
    location /no             { weir_policy p; proxy_pass http://u; }
    location /off            { weir_policy off; proxy_pass http://u; }
    location /closed         { proxy_pass http://u; }
    location = /closed/exact { proxy_pass http://u; }
    location ^~ /closed/pre  { proxy_pass http://u; }
    location ~ ^/closed/re   { proxy_pass http://u; }
    location ~* ^/CLOSED/ci  { proxy_pass http://u; }
    location ~ ^/re/(.*)$    { weir_policy p; proxy_pass http://u; }
    location @named          { proxy_pass http://u; }
    location /to-named       { weir_policy p; try_files /none @named; }
    location /static         { root %%TESTDIR%%; }
    location /empty          { }
    location /stub           { stub_status; }
    location /internal       { internal; proxy_pass http://u; }
    location /api            { weir_api; }
    location /metrics        { weir_metrics; }
    location /return         { return 204; }
    location /redirect       { return 301 /x; }

    location /nested {
        weir_policy  p;
        proxy_pass   http://u;

        location /nested/inner { proxy_pass http://u; }
        location /nested/off   { weir_policy off; proxy_pass http://u; }
        location ~ \.re$       { proxy_pass http://u; }
    }

    location /nothing {
        proxy_pass   http://u;

        location /nothing/inner  { proxy_pass http://u; }
        location /nothing/policy { weir_policy p; proxy_pass http://u; }
    }

    location /if {
        if ($arg_x) { proxy_pass http://u; }
        proxy_pass  http://u;
    }

    location /if-policy {
        weir_policy  get;
        if ($arg_x) { proxy_pass http://u; }
        if ($arg_y) { set $z 1; }
        proxy_pass  http://u;
    }

    location /except {
        limit_except GET { allow all; }
        proxy_pass  http://u;
    }

    location /except-policy {
        weir_policy  get;
        limit_except GET { allow all; }
        proxy_pass  http://u;
    }

    location /except-deny {
        weir_policy  p;
        limit_except GET { deny all; }
        proxy_pass  http://u;
    }

    location /any     { satisfy any; allow all; proxy_pass http://u; }
    location /allow   { allow all; proxy_pass http://u; }
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    server_name  bare;
    location / { proxy_pass http://u; }
    location /down/ { return 204; }
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    server_name  open;
    weir_default open;
    location /policy { weir_policy p; proxy_pass http://u; }
    location /no     { weir_policy p; proxy_pass http://u; }
    location /       { proxy_pass http://u; }
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    server_name  level;
    weir_policy  get;
    location /x   { proxy_pass http://u; }
    location /off { weir_policy off; proxy_pass http://u; }
    location / { proxy_pass http://u; }
}

server {
    listen  127.0.0.1:%%PORT_0%%;
    server_name  root;
    root    %%TESTDIR%%;
    location /policy { weir_policy p; proxy_pass http://u; }
}
EOF2

$t->file('users.conf', "file\n");
$t->http_conf($text)->run;

for my $case (
    # host, method, path, status
    ['uses', GET => '/policy', 200],
    ['uses', GET => '/no', 403],
    ['uses', GET => '/off', 200],
    ['uses', GET => '/closed', 403],
    ['uses', GET => '/closed/exact', 403],
    ['uses', GET => '/closed/prefix', 403],
    ['uses', GET => '/closed/re', 403],
    ['uses', GET => '/closed/ci', 403],
    ['uses', GET => '/re/x', 200],
    ['uses', GET => '/to-named', 403],
    ['uses', GET => '/static/users.conf', 403],
    ['uses', GET => '/empty', 403],
    ['uses', GET => '/stub', 403],
    ['uses', GET => '/internal', 404],
    ['uses', GET => '/', 403],
    ['uses', GET => '/unmatched', 403],
    ['uses', GET => '/return', 204],
    ['uses', GET => '/redirect', 301],
    ['uses', GET => '/nested', 200],
    ['uses', GET => '/nested/x', 200],
    ['uses', GET => '/nested/inner', 200],
    ['uses', GET => '/nested/inner/no/x', 403],
    ['uses', GET => '/nested/off', 200],
    ['uses', GET => '/nested/x.re', 200],
    ['uses', GET => '/nothing', 403],
    ['uses', GET => '/nothing/inner', 403],
    ['uses', GET => '/nothing/policy', 200],
    ['uses', GET => '/if', 403],
    ['uses', GET => '/if?x=1', 403],
    ['uses', GET => '/if-policy', 200],
    ['uses', GET => '/if-policy?x=1', 200],
    ['uses', POST => '/if-policy', 403],
    ['uses', POST => '/if-policy?x=1', 403],
    ['uses', POST => '/if-policy?y=1', 403],
    ['uses', POST => '/if-policy?x=1&y=1', 403],
    ['uses', GET => '/except', 403],
    ['uses', POST => '/except', 403],
    ['uses', GET => '/except-policy', 200],
    ['uses', POST => '/except-policy', 403],
    ['uses', DELETE => '/except-policy', 403],
    ['uses', GET => '/except-deny', 200],
    ['uses', POST => '/except-deny', 403],
    ['uses', GET => '/any', 403],
    ['uses', GET => '/allow', 403],
    ['bare', GET => '/anything', 200],
    ['bare', GET => '/down/', 204],
    ['open', GET => '/anything', 200],
    ['open', GET => '/policy', 200],
    ['open', GET => '/no', 403],
    ['level', GET => '/x', 200],
    ['level', POST => '/x', 403],
    ['level', GET => '/', 200],
    ['level', POST => '/', 403],
    ['level', POST => '/off', 200],
    ['root', GET => '/users.conf', 403],
    ['root', GET => '/', 403],
    ['root', GET => '/policy', 200],
    ['unknown', GET => '/closed', 403],
) {
    my ($host, $method, $path, $status) = @$case;

    $up->clear;
    my $r = http_request($t->port, $method, $path, host_header => $host);

    is($r->status, $status, "$host: $method $path");
    is($up->count, $status == 200 ? 1 : 0, "$host: $method $path: upstream");
}

for my $path ('/api', '/metrics') {
    is(http_get($t->port, $path, host_header => 'localhost')->status, 200,
       "Weir's own: $path");
}

my $r = http_get($t->port, '/closed', host_header => 'uses');
is($r->json->{status}, 403, 'whose page');

# what nginx -t says

my $c = Weir::Test->new->allow(qr/\[emerg\]/);

$c->file('policies/p.policy', slurp($t->path('policies/p.policy')));
$c->file('included.conf', slurp($t->path('included.conf')));

my $issuer = issuer($c);

sub says {
    my ($body, $rc, @like) = @_;

    my $conf = "events {}\nhttp {\n$issuer"
               . "weir_bundle %%TESTDIR%%/policies;\n$body}\n";
    my ($is, $out) = $c->test_config($conf);

    is($is, $rc, "nginx -t: " . (split /\n/, $body)[0]) or diag($out);

    for my $like (@like) {
        my ($re, $n) = ref $like eq 'ARRAY' ? @$like : ($like);

        if (defined $n) {
            is(scalar(() = $out =~ /$re/g), $n, "$n times: $re");
        } else {
            like($out, $re, "says: $re");
        }
    }

    return $out;
}

my $closed = qr/\[warn\] .*is closed \(403\)/;

# the text's first line is the file's fifth

says(<<'EOF2', 0,
server {
    location /a { weir_policy p; }
    location /b { }
    location = /c { }
    location ~ ^/d { }
    location @e { }
    location /f {
        location /f/g { }
        location /f/h { weir_policy off; }
    }
    location /i { if ($arg_x) { set $y 1; } limit_except GET { deny all; } }
    include included.conf;
    location /j { weir_api; }
    location /k { weir_metrics; }
}
EOF2
    qr/location "\/b" has no "weir_policy" and is closed \(403\) in \S+:7$/m,
    qr/location "\/c" .* in \S+tested\.conf:8$/m,
    qr/location "\^\/d" .* in \S+:9$/m,
    qr/location "\@e" .* in \S+:10$/m,
    qr/location "\/f" .* in \S+:11$/m,
    qr/location "\/f\/g" .* in \S+:12$/m,
    qr/location "\/i" .* in \S+:15$/m,
    qr/location "\/included" .* in \S+included\.conf:2$/m,
    [$closed, 8]);

says("server {\n location / { }\n}\n", 0, [$closed, 0]);
says("server {\n weir_policy p;\n location / { }\n}\n", 0, [$closed, 0]);
says("server {\n weir_default open;\n location /a { weir_policy p; }\n"
     . "location / { }\n}\n", 0, [$closed, 0]);
says("weir_default open;\nserver {\n location /a { weir_policy p; }\n"
     . "location / { }\n}\n", 0, [$closed, 0]);
says("weir_default open;\nserver {\n weir_default closed;\n"
     . "location /a { weir_policy p; }\nlocation / { }\n}\n", 0, [$closed, 1]);
says("weir_policy p;\nserver {\n location / { }\n}\n"
     . "server {\n location / { }\n}\n", 0, [$closed, 0]);
says("weir_auth corp;\nserver {\n location / { weir_policy off; }\n}\n"
     . "server {\n location / { }\n}\n", 0, [$closed, 1]);

says("server {\n weir_default maybe;\n}\n", 1,
     qr/invalid value "maybe", it must be "closed" or "open" in \S+:6$/m);
says("server {\n weir_default open;\n weir_default open;\n}\n", 1,
     qr/"weir_default" directive is duplicate in \S+:7$/m);

# weir_auth needs a policy's word

for my $case (
    ["server {\n location /a {\n weir_auth corp;\n }\n}\n", 6],
    ["server {\n location /a {\n weir_auth corp optional;\n }\n}\n", 6],
    ["server {\n location /x { location /x/a {\n weir_auth corp;\n } }\n}\n",
     6],
    ["server {\n weir_default open;\n location /a {\n weir_auth corp;\n }\n}\n",
     7],
) {

    my $line = $case->[1];
    says($case->[0], 1, qr/\[emerg\] "weir_auth" in location "\S+" needs /,
         qr/"weir_policy NAME" or "weir_policy off" beside it in \S+:$line$/m);
}

says("server {\n weir_auth corp;\n location /a { weir_policy p; }\n"
     . "location /b { }\n}\n", 0, [$closed, 1]);
says("server {\n weir_policy p;\n location /a { weir_auth corp; }\n}\n", 0);
says("server {\n location /a { weir_auth off; }\n}\n", 0);

# names

says("server {\n location /a {\n weir_policy q;\n }\n}\n", 1,
     qr/\[emerg\].*"q".* in \S+:7$/m);
says("server {\n location /a {\n weir_policy p;\n weir_auth nobody;\n }\n}\n",
     1, qr/\[emerg\].*"nobody".* in \S+:8$/m);
says("server {\n location /a {\n weir_policy P;\n }\n}\n", 1,
     qr/\[emerg\].*"P".* in \S+:7$/m);
says("server {\n location /a {\n weir_policy none;\n }\n}\n", 1,
     qr/\[emerg\].*"none".* in \S+:7$/m);
says("server {\n location /a {\n weir_policy p;\n weir_policy p;\n }\n}\n", 1,
     qr/"weir_policy" directive is duplicate in \S+:8$/m);
says("server {\n location /a {\n weir_policy p;\n weir_service _x;\n }\n}\n",
     1, qr/invalid service name "_x".* in \S+:8$/m);
says("server {\n location /a {\n weir_policy p;\n weir_path_allow x;\n }\n}\n",
     1, qr/invalid spelling "x".* in \S+:8$/m);
says("server {\n location /a {\n if (\$arg_x) { weir_policy p; }\n }\n}\n", 1,
     qr/"weir_policy" directive is not allowed here in \S+:7$/m);
says("server {\n location /a {\n limit_except GET { weir_policy p; }\n }\n}\n",
     1, qr/"weir_policy" directive is not allowed here in \S+:7$/m);

for my $later ('weir_mint x { }', 'weir_cors { }') {
    my ($name) = $later =~ /^(\w+)/;

    says("$later\nserver { }\n", 1,
         qr/"$name" comes with a later release of Weir in \S+:5$/m);
}

# answers before access

my $before = qr/answers before "weir_policy" decides/;

says("server {\n location /a {\n weir_policy p;\n return 200;\n }\n}\n", 0,
     qr/\[warn\].*"return" in location "\/a" $before in \S+:6$/m,
     [$before, 1]);
says("server {\n location /a {\n weir_policy p;\n"
     . "if (\$arg_x) { return 200; }\n }\n}\n", 0,
     qr/"return" in location "\/a" $before in \S+:6$/m, [$before, 1]);
says("server {\n location /a {\n weir_policy p;\n"
     . "rewrite ^ /b redirect;\n }\n}\n", 0,
     qr/"rewrite" in location "\/a" $before in \S+:6$/m, [$before, 1]);
says("server {\n location /a {\n weir_policy p;\n"
     . "rewrite ^ https://x/ ;\n }\n}\n", 0, [$before, 1]);
says("server {\n location /a {\n weir_policy p;\n"
     . "if (\$arg_x) { rewrite ^ /b permanent; }\n }\n}\n", 0, [$before, 1]);
says("server {\n location /a {\n weir_policy p;\n"
     . "rewrite ^ /b last;\n set \$x 1;\n }\n}\n", 0, [$before, 0]);
says("server {\n location /a {\n weir_policy off;\n return 200;\n }\n}\n", 0,
     [$before, 0]);
says("server {\n server_name s;\n weir_policy p;\n return 200;\n}\n", 0,
     qr/"return" in server $before in \S+:5$/m, [$before, 1]);

done_testing();
