
# Effects that name what nginx.conf defines: limit charges a quota and sets
# $weir_tier, split forces a colour, slo counts for another objective.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use Weir::OpenMetrics;
use Weir::Upstream;

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;

    return { headers => ['Content-Type' => 'text/html'],
             body => join '|', map { "<!--#include virtual=\"$_\" -->" }
                               split /,/, $1 }
        if $r->target =~ m{^/page\S*\?include=(\S+)};

    return { status => 500 } if $r->target =~ m{^/bad};
    return { body => 'C' . ($r->header('X-C') || '') };
});

$t->file('policies/p.policy', <<'END');
language 1;
policy p;

permit all     { who anyone; what * /**; }
permit small   { who anyone; what GET /small/**; limit small; }
permit both    { who anyone; what GET /small/both; limit large; }
permit gate    { who anyone; what GET /address; limit address; }
permit quiet   { who anyone; what GET /quiet; limit quiet; }
permit knock   { who anyone; what GET /knock; limit knock; }
permit page    { who anyone; what GET /page-limit; limit page; }
permit part    { who anyone; what GET /part; limit page; split s green; }

permit green   { who anyone; what GET /green; what GET /retry;
                 split s green; }
permit blue    { who anyone; what GET /blue; split s blue; }
permit then    { who anyone; what GET /then; split s green; }

permit gold    { who anyone; what GET /gold; what GET /bad;
                 slo gold; split s green; }
permit limited { who anyone; what GET /limited; slo gold; limit limited; }

shadow permit shadowed { who anyone; what GET /shadow; limit small;
                         split s green; slo gold; }
END

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
weir_bundle policies;
ISSUER

weir_quota small   key=$arg_k rate=1r/h burst=1;
weir_quota large   key=$arg_k rate=100r/h burst=1;
weir_quota own     key=$arg_k rate=1000r/h burst=9;
weir_quota address key=$binary_remote_addr rate=1r/h at=address;
weir_quota quiet   key=$arg_k rate=1r/h;
weir_quota knock   key=$arg_k rate=1r/h at=address;
weir_quota page    key=$arg_k rate=1r/h;
weir_quota limited key=$arg_k rate=1r/h;

weir_split s key=$arg_u header=X-Colour { green 0%; blue *; }

weir_objective plain { availability 99%; }
weir_objective gold  { availability 99.9%; }

upstream s-green { server 127.0.0.1:%%PORT_up%%; }
upstream s-blue  { server 127.0.0.1:%%PORT_up%%; }

log_format v '$request_uri tier=$weir_tier c=$weir_split_s $status';
access_log %%TESTDIR%%/access.log v;

server {
    listen 127.0.0.1:%%PORT_0%%;
    server_name localhost;

    weir_policy p;
    weir_slo    plain;

    proxy_set_header X-C $weir_split_s;

    add_header X-Tier $weir_tier always;
    add_header X-Early $early always;
    set $early "<$weir_tier>";

    location / { proxy_pass http://s-$weir_split_s; }
    location /small/ { weir_limit own; proxy_pass http://s-$weir_split_s; }
    location = /quiet { weir_limit quiet shadow; root %%TESTDIR%%/root; }
    location = /knock { weir_limit knock shadow; root %%TESTDIR%%/root; }
    location = /page { ssi on; proxy_pass http://s-$weir_split_s; }
    location = /page-limit { ssi on; proxy_pass http://s-$weir_split_s; }
    location = /first { try_files /nothing /then; }
    location = /limit-first { try_files /nothing /small/again; }
    location = /bad {
        error_page 500 /fifty;
        proxy_intercept_errors on;
        proxy_pass http://s-$weir_split_s;
    }
    location = /fifty { weir_policy off; root %%TESTDIR%%/root; }
    location = /metrics { weir_policy off; weir_metrics; access_log off; }
}
END

$t->file("root/$_", 'x') for qw(quiet knock fifty);

$t->run;

sub ask {
    my ($target, @headers) = @_;
    return http_request($t->port, 'GET', $target, headers => \@headers);
}

sub metrics {
    my ($name, %labels) = @_;

    return openmetrics(http_get($t->port, '/metrics')->body)
           ->value("$name\{" . join(',', map { "$_=\"$labels{$_}\"" }
                                        sort keys %labels) . '}');
}


# limit

my $r = ask('/small/a?k=1');
is($r->status, 200, 'limit: within');
is($r->header('X-Tier'), 'small', '$weir_tier');
is($r->header('X-Early'), '<>', 'which is empty before the decision');
is($r->header('RateLimit-Policy'),
   '"own";q=1000;w=3600, "small";q=2;w=7200', 'the location\'s first');
like($r->header('RateLimit'), qr/^"own";r=9;t=\d+, "small";r=1;t=\d+$/,
     'what is left');
is(ask('/small/a?k=1')->status, 200, 'the last one');

$r = ask('/small/a?k=1');
is($r->status, 429, 'over');
is_deeply($r->json->{'violated-policies'}, ['small'], 'which');
ok($r->header('Retry-After') > 3000, 'for how long');
is(ask('/small/a?k=2')->status, 200, 'another key');
is(ask('/plain?k=1')->status, 200, 'a permit without a limit');
is(ask('/plain?k=1')->header('RateLimit'), undef, 'tells of none');

$r = ask('/small/both?k=3');
is($r->header('X-Tier'), 'small', 'of two the one that admits less');
like($r->header('RateLimit'), qr/^"own".*"large".*"small"/, 'both charged');

is(ask('/address')->status, 200, 'a quota of addresses');
is(ask('/address')->status, 429, 'is charged as well');

is(ask('/quiet?k=1')->status, 200, 'a shadow that is an obligation');
$r = ask('/quiet?k=1');
is($r->status, 429, 'is no shadow');
like($r->header('RateLimit'), qr/"quiet";r=0/, 'and tells so');
is(ask('/knock?k=1')->status, 200, 'the same in the earlier stage');
is(ask('/knock?k=1')->status, 429, 'is refused in the later');
is(metrics('weir_limit_requests_total', quota => 'knock',
           result => 'limited'), 1, 'and counted');

is(ask('/limit-first?k=7')->status, 200, 'after an internal redirect');
like(ask('/limit-first?k=7')->header('RateLimit'), qr/"small";r=0/,
     'charged once each');
is(ask('/limit-first?k=7')->status, 429, 'as it should');


# subrequests are never charged; their colour is their own

is(ask('/page?include=/part,/part,/plain&k=1')->body, 'Cgreen|Cgreen|Cblue',
   'colours of parts');
is(ask('/page-limit?include=/part&k=1')->status, 200,
   'the page\'s own charge');
is(ask('/page-limit?include=/part&k=1')->status, 429, 'is the only one');


# split

is(ask('/green')->body, 'Cgreen', 'forced');
is(ask('/blue')->body, 'Cblue', 'to the other');
is(ask('/plain')->body, 'Cblue', 'by lot');
is(ask('/blue', 'X-Colour', 'green')->body, 'Cblue',
   'the client cannot override it');
is(ask('/plain', 'X-Colour', 'green')->body, 'Cgreen', 'as it can elsewhere');
is(ask('/first')->body, 'Cgreen', 'after an internal redirect');

my $n = metrics('weir_split_requests_total', split => 's', colour => 'blue');
ask('/green');
ask('/blue');
is(metrics('weir_split_requests_total', split => 's', colour => 'green') || 0,
   0, 'in no statistics');
is(metrics('weir_split_requests_total', split => 's', colour => 'blue'), $n,
   'of either');


# slo

sub slo {
    my ($o, $result) = @_;

    my $sum = 0;
    $sum += metrics('weir_slo_events_total', objective => $o,
                    sli => 'availability', colour => $_, result => $result)
            || 0
        for qw(green blue none);

    return $sum;
}

my ($plain, $gold) = (slo('plain', 'good'), slo('gold', 'good'));

ask('/gold');
wait_for { slo('gold', 'good') == $gold + 1 } 5, 'counted for gold';
is(slo('plain', 'good'), $plain, 'instead of the location\'s');
ask('/plain');
wait_for { slo('plain', 'good') == $plain + 1 } 5, 'no effect: weir_slo';
is(slo('gold', 'good'), $gold + 1, 'and not gold');

is(ask('/bad')->status, 500, 'an error page');
wait_for { slo('gold', 'bad') == 1 } 5, 'is the rule\'s objective\'s';

ask('/limited?k=1');
is(ask('/limited?k=1')->status, 429, 'what is limited');
wait_for { slo('gold', 'excluded') == 1 } 5, 'too';


# shadow rules

$r = ask('/shadow?k=1');
is($r->status, 200, 'a shadow rule');
is($r->header('X-Tier'), undef, 'charges nothing');
is($r->body, 'Cblue', 'forces nothing');

$t->wait_access_log(qr{^/small/a\?k=1 tier=small c= 429$}m);
$t->wait_access_log(qr{^/green tier= c=green 200$}m);

done_testing();
