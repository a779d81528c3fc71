#!/usr/bin/perl

# weir_decision_log of subrequests and internal redirects: each decision has a
# line of its own, and the client's is about what the client asked for.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Gate;
use JSON::PP;

my $t = Weir::Test->new;

$t->file('policies/page.policy', <<'END');
language 1;
policy page;
permit page { who anyone; what GET /ssi/**;
              if has header("x-page") && header("x-page") == "1"; }
END

$t->file('policies/part.policy', <<'END');
language 1;
policy part;
permit ok { who anyone; what GET /part/ok; }
deny   no { what * /part/no; status 451; }
END

$t->file('policies/app.policy', <<'END');
language 1;
policy app;
permit app  { who anyone; what * /app/**; what * /off/**; what * /lost/**;
              what * /no/**; }
permit page { who anyone; what * /page.html; }
END

$t->file('html/page.html', 'PAGE');
$t->file('html/ssi/index.html', '[<!--#include virtual="/part/ok" -->|'
         . '<!--#include virtual="/part/no" -->|'
         . '<!--#include virtual="/part/none" -->]');
$t->file('html/part/ok', 'OK');
$t->file('html/part/no', 'NO');

$t->http_conf(<<'END');
    weir_zone         8m;
    weir_bundle       policies;
    weir_decision_log %%TESTDIR%%/decisions.log;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        root   html;

        location /ssi/  { weir_policy page; ssi on; }
        location /part/ { weir_policy part; }

        location /app/  { weir_policy app; try_files $uri /page.html; }
        location /off/  { weir_policy app; try_files $uri @off; }
        location /lost/ { weir_policy app; error_page 404 /page.html; }
        location /no/   { weir_policy app; try_files $uri /closed.html; }
        location /page.html   { weir_policy app; }
        location /closed.html { weir_policy app; }
        location @off   { weir_policy off; return 200; }
    }
END

$t->run;

my $r = http_get($t->port, '/ssi/index.html', headers => ['X-Page', 1]);

is($r->status, 200, 'a page');
like($r->body, qr/^\[OK\|/, 'with its parts');
unlike($r->body, qr/NO/, 'that are permitted');

my @lines;

wait_for {
    @lines = map { decode_json($_) } split /\n/,
             slurp($t->path('decisions.log'));
    @lines >= 4;
} 5, 'lines';

is(scalar @lines, 4, 'one for each decision');

my %line = map { ($_->{path} => $_) } @lines;

sub is_line {
    my ($path, $policy, $verdict, $reason, $status, @rules) = @_;
    my $l = $line{$path} || {};

    is_deeply([@$l{qw(policy verdict reason status rules)}],
              [$policy, $verdict, $reason, $status, \@rules], $path);
}

is_line('/ssi/index.html', 'page', 'permit', 'permit-rule', 200, 'page');
is_line('/part/ok', 'part', 'permit', 'permit-rule', 200, 'ok');
is_line('/part/no', 'part', 'deny', 'deny-rule', 451, 'no');
is_line('/part/none', 'part', 'deny', 'default-deny', 403);

is_deeply($line{'/ssi/index.html'}{read}, { 'header("x-page")' => '1' },
          'what the page read');
is_deeply($line{'/part/ok'}{read}, {}, 'what a part read');
is($line{'/part/no'}{request_id}, $line{'/ssi/index.html'}{request_id},
   'of one request');
isnt($line{'/part/no'}{id}, $line{'/ssi/index.html'}{id},
     'but not the same decision');

# internal redirects

sub lines_of {
    my ($status, $method, $path, @expected) = @_;

    my $before = () = slurp($t->path('decisions.log')) =~ /\n/g;

    is(http_request($t->port, $method, $path)->status, $status, $path);

    my @new;

    wait_for {
        @new = map { decode_json($_) } split /\n/,
               slurp($t->path('decisions.log'));
        @new >= $before + @expected;
    } 5, 'lines';

    is_deeply([map { "$_->{verdict} $_->{method} $_->{path} "
                     . join(',', @{ $_->{rules} }) . " $_->{status}" }
               @new[$before .. $#new]], \@expected, "the lines of $path");
}

lines_of(200, 'GET', '/app/secret/42', 'permit GET /app/secret/42 app 200',
         'permit GET /page.html page 200');
lines_of(404, 'GET', '/lost/x', 'permit GET /lost/x app 404',
         'permit GET /page.html page 404');
lines_of(200, 'GET', '/off/x', 'permit GET /off/x app 200');
lines_of(403, 'GET', '/no/x', 'permit GET /no/x app 200',
         'deny GET /closed.html  403');

$t->done_testing;
