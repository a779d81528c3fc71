# weir_path_allow: the spellings that a location admits pass, alone there; and
# none of them takes a request past a deny, however the upstream reads it.

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
permit all    { who anyone; what * /**; }
deny t-admin  { what * /*/admin/**; }
deny admin    { what * /admin/**; }
deny exact    { what * /*/exact; }
EOF2

$t->file('policies/one.policy', <<'EOF2');
language 1;
policy one;
permit project { who anyone; what GET /projects/*; }
permit file    { who anyone; what GET /projects/*/files/*; }
deny admin     { what * /projects/admin/**; }
EOF2

my %allow = (
    # location, what it admits, and spellings of that kind

    slash     => ['%2f', 'a%2fb', 'a%2Fb', 'a%2fb/c'],
    double    => ['//', 'a//b', 'a///b', '/a', 'a//'],
    semicolon => [';', 'a;b', 'a;b=c', 'a;b/c;d', 'a;'],
    encsemi   => ['%3b', 'a%3bb', 'a%3B'],
    percent   => ['%25', '100%25', 'a%25b', '100%25%20x'],
    backslash => ['%5c', 'a%5cb', 'a%5Cb'],
    hash      => ['%23', 'a%23b', 'c%23'],
    dot       => ['%2e', 'a%2eb', 'a%2Ejson'],
);

my $locations = join '', map {
    "location /$_/ { weir_path_allow \"$allow{$_}[0]\"; "
    . "proxy_pass http://u; }\n"
} sort keys %allow;

$t->http_conf(<<'EOF2' =~ s/LOCATIONS/$locations/r);
weir_bundle  %%TESTDIR%%/policies;

upstream u {
    server     127.0.0.1:%%PORT_up%%;
    keepalive  4;
}

proxy_http_version  1.1;
proxy_set_header    Connection  "";

server {
    listen  127.0.0.1:%%PORT_0%%;
    weir_policy  p;

    location / {
        proxy_pass  http://u;
    }

    LOCATIONS

    location /every/ {
        weir_path_allow  %2f // ";" %3b %25 %5c %23 %2e;
        proxy_pass  http://u;
    }

    location /projects/ {
        weir_policy  one;
        weir_path_allow  %2f;
        proxy_pass  http://u;
    }

    location /cut/ {
        weir_path_allow  %2f // ";";
        proxy_pass  http://u/;
    }
}

server {
    listen  127.0.0.1:%%PORT_unmerged%%;
    merge_slashes  off;
    weir_policy  p;
    weir_path_allow  //;

    location / {
        proxy_pass  http://u;
    }
}
EOF2

$t->run;

sub ask {
    my ($target, $port) = @_;

    $up->clear;
    my $r = http_get($port || $t->port, $target);

    return join ' ', $r ? $r->status : 'closed',
                     map { $_->target } $up->requests;
}

# what is admitted goes on as it came, and nowhere else

for my $kind (sort keys %allow) {
    my ($spelling, @paths) = @{ $allow{$kind} };

    for my $path (@paths) {
        is(ask("/$kind/$path"), "200 /$kind/$path", "$spelling: $path");
        is(ask("/every/$path"), "200 /every/$path", "every: $path");
        is(ask("/plain/$path"), '400', "not elsewhere: $path");
    }

    # what the others admit is not

    for my $other (grep { $_ ne $kind } sort keys %allow) {
        is(ask("/$kind/$_"), '400', "$spelling is not $allow{$other}[0]: $_")
            for $allow{$other}[1];
    }
}

is(ask('//a//b', $t->port('unmerged')), '200 //a//b', 'unmerged slashes');
is(ask('//admin//b', $t->port('unmerged')), '403', 'and a deny');
is(ask('/x//admin', $t->port('unmerged')), '403', 'further down');

# one segment, as projects are named

is(ask('/projects/group%2fname'), '200 /projects/group%2fname',
   'an encoded slash is one segment');
is(ask('/projects/group/name'), '403', 'a real one is two');
is(ask('/projects/a%2fb/files/c%2fd'), '200 /projects/a%2fb/files/c%2fd',
   'two of them');
is(ask('/projects/admin%2fname'), '403', 'but no way to a denied one');
is(ask('/projects/x%2f..%2fadmin'), '400', 'nor by dots');

# no way around a deny

my @tricks = (
    'admin', 'admin/', 'admin/x', '/admin', 'admin//', '//admin', 'x//../admin',
    'admin%2f', 'admin%2fx', '%2fadmin', '%2f%2fadmin', 'x%2f..%2fadmin',
    'admin;', 'admin;x', 'admin;x=y/z', ';/admin', ';x/admin', 'x;/../admin',
    'admin%3b', 'admin%3bx', '%3b/admin', '%3bx/admin', 'admin%3bx/y',
    'admin%5c', 'admin%5cx', '%5cadmin', 'x%5c..%5cadmin', '%5c%5cadmin',
    'admin%23', 'admin%23x', 'admin%23/x', 'admin%23%2fx',
    '%2561dmin', '%25%36%31dmin', 'admin%252f', 'admin%252fx', '%252fadmin',
    'admin%253b', 'admin%253bx', 'admin%255cx', '%255cadmin', 'admin%2523x',
    'admin%253fx', 'admin%2500', 'admin%2500.png', 'adm%250ain',
    'x%252f..%252fadmin',
    '%252e/admin', '%252e%252e%252fevery%252fadmin', 'x/%252e%252e/admin',
    'x%25252f..%25252fadmin', '%252561dmin',
    '%2e/admin', '%2e%2e/every/admin', 'x/%2e%2e/admin', '%2e%2fadmin',
    'exact', 'exact/', 'exact;x', 'exact%23x', 'exact%23/x', 'exact%3b/',
    'exact%253fx', 'exact%2f', '%2fexact',
);

my (@bad, %statuses);

for my $base ('/every/', '/slash/', '/double/', '/semicolon/', '/percent/',
              '/backslash/', '/hash/', '/encsemi/', '/dot/')
{
    for my $trick (@tricks) {
        my $got = ask("$base$trick");
        $statuses{ substr $got, 0, 3 }++;
        next if $got !~ /^200/;

        my ($target) = $got =~ /^200 (.*)/;
        push @bad, $target
            if grep { m{^/\w+/(?:admin(?:/|$)|exact/?$)} } readings($target);
    }
}

is(join("\n", @bad), '', 'no spelling avoids a deny');
cmp_ok($statuses{403}, '>', 50, 'denied');
cmp_ok($statuses{400}, '>', 100, 'ambiguous');

# where the path is cut, what is left

for my $path ('/cut/admin', '/cut//admin', '/cut/%2fadmin', '/cut/;/admin',
              '/cut/;x/admin/y', '/cut/admin;x')
{
    like(ask($path), qr/^40[03]$/, "cut: $path");
}

done_testing();
