# Every way that a request goes through nginx, with every error page, under
# both kinds of `satisfy`: what is refused is refused on all of them, and what
# is permitted on none.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;

my $t = Weir::Test->new(workers => 1);
my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;
    return { headers => ['Content-Type' => 'text/html'],
             body => "<!--#include virtual=\"$1\" -->" }
        if $r->target =~ /include=(\S+)/;
    return { body => 'CONTENT' };
});

my $mirror = Weir::Upstream->new($t, port => 'mirror');

my %rules = (
    permit  => 'permit all { who anyone; what * /**; }',
    deny    => "permit all { who anyone; what * /**; }\n"
               . 'deny all-of-it { what * /**; }',
    nothing => 'permit elsewhere { who anyone; what * /nowhere; }',
    alice   => 'permit alice { who subject alice issuer corp; what * /**; }',
);

$t->file("policies/$_.policy", "language 1;\npolicy $_;\n$rules{$_}\n")
    for keys %rules;

$t->file('html/file.txt', "CONTENT\n");
$t->file('html/dir/file.txt', "CONTENT\n");
$t->file('html/page.html', "PAGE\n");

# who asks

my %who = (nobody => sub { [] }, alice => sub { [bearer('alice')] },
           bad => sub { [Authorization => 'Bearer a.b.c'] });

my %settings = (
    # directives, status by who
    permit  => ['weir_policy permit;', { nobody => 200, alice => 200,
                                         bad => 200 }],
    deny    => ['weir_policy deny;', { nobody => 403, alice => 403,
                                       bad => 403 }],
    nothing => ['weir_policy nothing;', { nobody => 403, alice => 403,
                                          bad => 403 }],
    auth    => ['weir_auth corp; weir_policy alice;',
                { nobody => 401, alice => 200, bad => 401 }],
    closed  => ['', { nobody => 403, alice => 403, bad => 403 }],
);

my %pages = (
    # directive, what becomes of a refusal: its own page, a page, content
    none     => ['', 'own'],
    local    => ['error_page 401 403 /page.html;', 'page'],
    turned   => ['error_page 401 403 =200 /page.html;', 'page200'],
    off      => ['error_page 401 403 = @off;', 'content'],
    proxied  => ['error_page 401 403 = /off/x;', 'content'],
    named    => ['error_page 401 403 = @permits;', 'own'],
    inherits => ['error_page 401 403 = @closed;', 'own'],
    uri      => ['error_page 401 403 = /permits/x;', 'own'],
    url      => ['error_page 401 403 https://login.test/;', 'redirect'],
);

# "any" needs another module beside: one that never grants

my %satisfy = (all => 'satisfy all;', any => 'satisfy any; deny all;');

my %ways = (
    proxy   => sub { "location $_[0]/ { $_[1] proxy_pass http://u; }" },
    variable => sub { "location $_[0]/ { $_[1] set \$b u; "
                      . "proxy_pass http://\$b; }" },
    nested  => sub { "location $_[0] { weir_policy off; "
                     . "location $_[0]/ { $_[1] proxy_pass http://u; } }" },
    regex   => sub { "location ~ ^$_[0]/ { $_[1] proxy_pass http://u; }" },
    if      => sub { "location $_[0]/ { $_[1] if (\$request_method) { "
                     . "proxy_pass http://u; } }" },
    except  => sub { "location $_[0]/ { $_[1] limit_except POST { "
                     . "proxy_pass http://u; } }" },
    rewrite => sub { "location $_[0]/ { weir_policy off; "
                     . "rewrite ^(.*)\$ /to\$1 last; }\n"
                     . "location /to$_[0]/ { $_[1] proxy_pass http://u; }" },
    try     => sub { "location $_[0]/ { $_[1] try_files /none "
                     . "/file.txt =404; root %%TESTDIR%%/html; }" },
    trynamed => sub { (my $n = $_[0]) =~ tr{/}{_};
                      "location $_[0]/ { weir_policy permit; "
                      . "try_files /none \@n$n; }\n"
                      . "location \@n$n { $_[1] proxy_pass http://u; }" },
    tryuri  => sub { "location $_[0]/ { weir_policy off; "
                     . "try_files /none /to$_[0]/x; }\n"
                     . "location /to$_[0]/ { $_[1] proxy_pass http://u; }" },
    index   => sub { "location $_[0]/ { $_[1] alias %%TESTDIR%%/html/dir/; "
                     . 'index file.txt; }' },
    indexto => sub { "location $_[0]/ { weir_policy off; "
                     . "alias %%TESTDIR%%/html/dir/; index /to$_[0]/x; }\n"
                     . "location /to$_[0]/ { $_[1] proxy_pass http://u; }" },
    mirror  => sub { "location $_[0]/ { $_[1] mirror /mirror; "
                     . 'proxy_pass http://u; }' },
    asked   => sub { "location $_[0]/ { $_[1] auth_request /granted; "
                     . 'proxy_pass http://u; }' },
    slice   => sub { "location $_[0]/ { $_[1] slice 1m; "
                     . 'proxy_pass http://u; }' },
    fell    => sub { "location $_[0]/ { weir_policy off; "
                     . 'recursive_error_pages on; '
                     . "error_page 418 = /to$_[0]/x; return 418; }\n"
                     . "location /to$_[0]/ { $_[1] proxy_pass http://u; }" },
    included => sub { "location /to$_[0]/ { $_[1] proxy_pass http://u; }" },
);

my ($locations, @cases) = ('');

for my $way (sort keys %ways) {
    for my $setting (sort keys %settings) {
        for my $page (sort keys %pages) {
            for my $satisfy (sort keys %satisfy) {

                # what stands in a nested or named place is inherited where
                # nothing is said: closed is what has nothing at all

                next if $setting eq 'closed' && $way =~ /^(?:nested)$/;

                # any with deny all beside auth_request that grants is a grant

                next if $satisfy eq 'any' && $way eq 'asked';

                my $n = '/c' . @cases;

                push @cases, [$way, $setting, $page, $satisfy, $n];
                $locations .= $ways{$way}->($n,
                    "$satisfy{$satisfy} $settings{$setting}[0] "
                    . "$pages{$page}[0]") . "\n";
            }
        }
    }
}

$t->http_conf(<<'EOF2' =~ s/ISSUER/issuer($t)/er =~ s/LOCATIONS/$locations/r);
weir_bundle  %%TESTDIR%%/policies;
ISSUER
error_log  %%TESTDIR%%/error.log crit;

upstream u {
    server     127.0.0.1:%%PORT_up%%;
    keepalive  4;
}

proxy_http_version  1.1;
proxy_set_header    Connection  "";

server {
    listen  127.0.0.1:%%PORT_0%%;
    root    %%TESTDIR%%/html;

    location = /page.html { weir_policy off; }
    location /off/        { weir_policy off; proxy_pass http://u; }
    location @off         { weir_policy off; proxy_pass http://u; }
    location /permits/    { weir_policy permit; proxy_pass http://u; }
    location @permits     { weir_policy permit; proxy_pass http://u; }
    location @closed      { proxy_pass http://u; }
    location = /mirror    { weir_policy off; internal;
                            proxy_pass http://127.0.0.1:%%PORT_mirror%%; }
    location = /granted   { weir_policy off; internal; return 204; }
    location = /include   { weir_auth corp optional; weir_policy permit;
                            ssi on; proxy_pass http://u; }

    LOCATIONS
}
EOF2

$t->run;

my (@bad, %outcomes);
my ($asked, $mirrored) = (0, 0);
my $c;

for my $case (@cases) {
    my ($way, $setting, $page, $satisfy, $n) = @$case;

    for my $who (sort keys %who) {
        # a token that is bad is refused where it is looked at: before the
        # include

        next if $way eq 'included' && $who eq 'bad';

        my $path = $way eq 'included' ? "/include?include=/to$n/x"
                   : $way =~ /^index/ ? "$n/" : "$n/x";

        $c = Weir::HTTP->new(port => $t->port) if !$c || ++$asked % 900 == 0;
        $up->clear;

        my $r = $c->request('GET', $path, headers => $who{$who}->());

        if (!$r) {
            push @bad, "@$case by $who: closed";
            undef $c;
            next;
        }

        my $status = $settings{$setting}[1]{$who};
        my $refused = $status != 200;
        my $becomes = $refused ? $pages{$page}[1] : 'content';

        my $content = $r->body =~ /CONTENT/ ? 1 : 0;
        my $reached = grep { $_->target !~ /include=/ } $up->requests;
        my $is = $content ? 'content' : $r->body =~ /PAGE/ ? 'page'
                 : $r->status =~ /^30/ ? 'redirect' : 'own';

        $is = 'page200' if $is eq 'page' && $r->status == 200
                           && $way ne 'included';

        # an include has no status of its own

        if ($way eq 'included') {
            $becomes = 'own' if $becomes eq 'redirect';
            $becomes = 'page' if $becomes eq 'page200';
            $status = 200;

        } else {
            $status = $becomes eq 'content' ? 200
                      : $becomes eq 'page200' ? 200
                      : $becomes eq 'redirect' ? 302 : $status;
        }

        $outcomes{$becomes}++;

        my $name = "$way, $setting, error page $page, satisfy $satisfy, "
                   . "by $who";

        push @bad, "$name: $is, not $becomes" if $is ne $becomes;
        push @bad, "$name: " . $r->status . ", not $status"
            if $r->status != $status;
        push @bad, "$name: $reached upstream"
            if $refused && $becomes ne 'content' && $reached;
        $mirrored++ if $way eq 'mirror' && !$refused;
    }
}

is(join("\n", @bad[0 .. ($#bad > 20 ? 20 : $#bad)]), '',
   scalar(@cases) . ' locations, ' . $asked . ' requests');

$mirror->wait_count($mirrored);
is($mirror->count, $mirrored, 'mirrored is what was permitted');

cmp_ok($outcomes{$_} || 0, '>', 100, "many: $_")
    for qw(content own page page200 redirect);

done_testing();
