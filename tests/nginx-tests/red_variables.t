# What a token says, wherever an operator writes it: in a header for the
# upstream, in one of the answer, in a log.  Nothing in a claim ends the field
# that it stands in.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;
use MIME::Base64 qw(encode_base64url);

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t, port => 'up');

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
ISSUER
weir_claim_variable  $deep "realm.name";

log_format  raw escape=none
            '$uri|$weir_subject|$weir_principal|$weir_claim_nick|END';

server {
    listen  127.0.0.1:%%PORT_0%%;

    weir_auth    corp;
    weir_policy  off;

    access_log  %%TESTDIR%%/raw.log raw;

    location / {
        proxy_set_header  X-Subject $weir_subject;
        proxy_set_header  X-Principal $weir_principal;
        proxy_set_header  X-Nick $weir_claim_nick;
        proxy_set_header  X-Groups $weir_claim_groups;
        proxy_set_header  X-Deep $deep;
        add_header        X-Nick $weir_claim_nick;
        proxy_pass        http://127.0.0.1:%%PORT_up%%;
    }
}
END

$t->run;

my $evil = "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1";
my $n = 0;

for my $text ($evil, "a\nX-Evil: 1", "\r", "tab\there", "\x7f", "\xc3\xa9",
              "caf\xc3\xa9\r\nX-Evil: 1", ' x', 'x ')
{
    my $want = encode_base64url($text);
    my ($principal, $list) = map { clean($_) } "jwt:corp:$text", "g,$text";
    my $name = "claims with "
               . ($text =~ s{([^!-~])}{sprintf "%%%02x", ord $1}ger);

    my $r = http_get($t->port, "/" . ++$n, headers => [
        bearer($text, nick => $text,
               groups => ['g', $text],
               realm => { name => $text })]);

    is($r->status, 200, $name);
    is($r->header('X-Evil'), undef, "$name: one field in the answer");
    is($r->header('X-Nick'), $want, "$name: the answer's field");

    my @seen = grep { $_->target eq "/$n" } $up->requests;
    is(scalar @seen, 1, "$name: one request upstream");
    is($seen[0]->header('X-Evil'), undef, "$name: nothing injected");
    is($seen[0]->header('X-Subject'), $want, "$name: subject");
    is($seen[0]->header('X-Principal'), $principal, "$name: principal");
    is($seen[0]->header('X-Nick'), $want, "$name: claim");
    is($seen[0]->header('X-Deep'), $want, "$name: claim below another");
    is($seen[0]->header('X-Groups'), $list, "$name: list");
}

ok(!(grep { $_->target =~ /evil/ } $up->requests), 'no request was smuggled');

# what is plain stays as it is

my $r = http_get($t->port, '/plain', headers => [
    bearer('al ice', nick => 'A. "B" <c>;d', groups => ['a', 'b'])]);

is($r->header('X-Nick'), 'A. "B" <c>;d', 'printable ASCII is not touched');

my ($plain) = grep { $_->target eq '/plain' } $up->requests;
is($plain->header('X-Subject'), 'al ice', 'a space inside stays');
is($plain->header('X-Groups'), 'a,b', 'a list');

# the access log has one line a request, ours within it

wait_for { (() = slurp($t->path('raw.log')) =~ /END\n/g) == $n + 1 };

my @lines = split /\n/, slurp($t->path('raw.log'));
is(scalar @lines, $n + 1, 'one line for each request');
is(scalar(grep { m{^/[^|]*\|[!-~ ]+\|[!-~ ]+\|[!-~ ]+\|END$} } @lines),
   $n + 1, 'and nothing but printable ASCII in it');

done_testing();


# as docs/authentication.md has it

sub clean {
    my ($s) = @_;
    return $s =~ /^(?! )[ -~]*(?<! )\z/ ? $s : encode_base64url($s);
}
