
# weirctl eval: JSON lines in and out.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use IPC::Open2;
use JSON::PP;

my $t = Weir::Test->new(assert => 0);

$t->file('orders/orders.policy', <<'END');
language 1;
policy orders;

schema from corp {
    claim tenant string;
    claim roles  set<string>;
    claim amr    optional set<string>;
}
role analyst { when "analyst" in claim.roles; }

permit read-reports {
    who    role analyst;
    what   GET, HEAD /t/{tenant}/reports/**;
    from   10.0.0.0/8;
    if     claim.tenant == path.tenant;
}
permit also {
    who    issuer corp;
    what   GET /t/**;
}
deny admin-without-mfa {
    what   * /admin/**;
    unless "mfa" in claim.amr;
}
deny never { what * /admin/never; }
test "that fails" { request GET /; expect permit; }
END


# Decisions of lines (hashes, or text as it is), all in one run.

sub evaluate {
    my ($dir, @requests) = @_;

    my $in = join '', map { (ref $_ ? encode_json($_) : $_) . "\n" } @requests;

    my ($rc, $out, $err) = $t->weirctl('eval', $t->path($dir),
                                       { stdin => $in });
    is($rc, 0, 'eval exits 0') or diag($err);

    my @lines = split /\n/, $out;
    is(scalar @lines, scalar @requests, 'an answer for each line');

    return @lines;
}

# "VERDICT REASON RULES", or "error: ..."

sub short {
    my ($line) = @_;

    my $a = decode_json($line);

    return "error: $a->{error}" if exists $a->{error};
    return join ' ', $a->{verdict}, $a->{reason},
                     join(',', @{ $a->{rules} }) || ();
}

sub answers {
    my ($dir, @table) = @_;

    my @lines = evaluate($dir, map { $_->[0] } @table);

    for my $i (0 .. $#table) {
        my ($request, $expected, $name) = @{ $table[$i] };
        my $got = short($lines[$i]);

        ref $expected ? like($got, $expected, $name)
                      : is($got, $expected, $name);
    }
}


# the example of the guide, to the letter

my $example = '{"id":1,"policy":"orders","method":"GET",'
    . '"host":"api.example.com","path":"/t/acme/reports/7",'
    . '"source":"10.1.2.3","time":"2026-01-05T10:00:00Z",'
    . '"identity":{"kind":"jwt","issuer":"corp","subject":"alice"},'
    . '"claims":{"tenant":"acme","roles":["analyst"]},'
    . '"headers":{"x-a":"1"},"query":{"q":["1","2"]}}';

is((evaluate('orders', $example))[0],
   '{"id":1,"verdict":"permit","rules":["also","read-reports"],'
   . '"reason":"permit-rule","obligations":{}}', 'a permit, word for word');

my %alice = (method => 'GET', path => '/t/acme/reports/7',
             source => '10.1.2.3',
             identity => { kind => 'jwt', issuer => 'corp',
                           subject => 'alice' },
             claims => { tenant => 'acme', roles => ['analyst'] });

answers('orders',
    [{ %alice }, 'permit permit-rule also,read-reports',
     'the policy may be left out where there is one'],
    [{ %alice, source => '11.1.2.3' }, 'permit permit-rule also',
     'another address'],
    [{ %alice, path => '/x' }, 'deny default-deny', 'nothing permits'],
    [{ %alice, path => '/admin' }, 'deny deny-unknown admin-without-mfa',
     'absent: the deny stands'],
    [{ %alice, path => '/admin',
       claims => { amr => [] } }, 'deny deny-rule admin-without-mfa',
     'an empty set is none'],
    [{ %alice, path => '/admin', claims => { amr => ['mfa'] } },
     'deny default-deny', 'a deny that is false'],
    [{ %alice, path => '/admin/never' },
     'deny deny-rule admin-without-mfa,never',
     'one matches, one is unknown: all are told'],
    [{ %alice, path => '/t/acme/reports//7' }, 'deny ambiguous-path',
     'the gate of the path'],
    [{ %alice, path => '/t/acme/../x' }, 'deny ambiguous-path', 'dots'],
    [{ %alice, path => 'x' }, 'deny ambiguous-path', 'no slash'],
    [{ %alice, path => '*' }, 'deny ambiguous-path', 'an asterisk'],
    [{ %alice, host => 'a,b' }, 'deny ambiguous-host', 'the gate of the host'],
    [{ %alice, method => 'get' }, 'deny default-deny',
     'methods are compared as strings'],
);


# lines that are wrong

answers('orders',
    ['', qr/^error: /, 'an empty line'],
    ['x', qr/^error: /, 'no JSON'],
    ['[]', qr/^error: /, 'no object'],
    ['"x"', qr/^error: /, 'a string'],
    ['{"method":"GET","path":"/"', qr/^error: /, 'half an object'],
    ['{"method":"GET","path":"/"} x', qr/^error: /, 'text behind'],
    ['{"method":"GET","path":"/","path":"/x"}', qr/^error: .*duplicate/,
     'a duplicate member'],
    ['{"method":"GET","path":"/","claims":{"a":1,"a":1}}',
     qr/^error: .*duplicate/, 'a duplicate claim'],
    ['{"method":"GET","path":"/","headers":{"a":"1","a":"2"}}',
     qr/^error: .*duplicate/, 'a duplicate header'],
    [{ path => '/' }, 'error: method is missing', 'no method'],
    [{ method => '', path => '/' }, 'error: method is missing',
     'an empty method'],
    [{ method => 7, path => '/' }, qr/^error: method/, 'a method of no string'],
    [{ method => 'GET' }, 'error: path is missing', 'no path'],
    [{ method => 'GET', path => '' }, 'error: path is missing',
     'an empty path'],
    [{ method => 'GET', path => undef }, 'error: path is missing',
     'null is absent'],
    [{ method => 'GET', path => '/a?b' }, qr/^error: path holds a "\?"/,
     'a query in the path'],
    [{ method => 'GET', path => '/', source => 'x' },
     'error: source is no address', 'a source that is no address'],
    [{ method => 'GET', path => '/', source => '10.0.0.0/8' },
     'error: source is no address', 'a network'],
    [{ method => 'GET', path => '/', source => '' },
     'error: source is no address', 'an empty one'],
    [{ method => 'GET', path => '/', time => '2026-01-05' },
     'error: time is no RFC 3339 time', 'a time that is none'],
    [{ method => 'GET', path => '/', time => 7 }, qr/^error: time/,
     'a number'],
    [{ method => 'GET', path => '/', identity => 'alice' },
     qr/^error: identity/, 'an identity that is no object'],
    [{ method => 'GET', path => '/', identity => { kind => 'king' } },
     qr/^error: identity.kind/, 'an unknown kind'],
    [{ method => 'GET', path => '/', claims => [] }, qr/^error: claims/,
     'claims that are no object'],
    [{ method => 'GET', path => '/', headers => [] }, qr/^error: headers/,
     'headers that are no object'],
    [{ method => 'GET', path => '/', headers => { a => 7 } }, qr/^error: /,
     'a header of no string'],
    [{ method => 'GET', path => '/', query => { a => { b => 1 } } },
     qr/^error: /, 'a parameter of no string'],
    [{ method => 'GET', path => '/', policy => 'nope' },
     qr/^error: there is no policy/, 'an unknown policy'],
    [('[' x 100) . (']' x 100), qr/^error: /, 'deep nesting'],
    [{ method => 'GET', path => '/' }, 'deny default-deny',
     'and it goes on'],
);

# the id comes back as it is, also with an error

is_deeply([ map { encode_json([ decode_json($_)->{id} ]) } evaluate('orders',
              '{"id":"a b","method":"GET","path":"/"}',
              '{"id":{"x":[1]},"method":"GET","path":"/"}',
              '{"method":"GET","path":"/"}',
              '{"id":7,"method":"GET"}',
              '{"id":8,"method":"GET","method":"GET","path":"/"}',
              'x') ],
          ['["a b"]', '[{"x":[1]}]', '[null]', '[7]', '[8]', '[null]'],
          'ids');


# identities

$t->file('ident/p.policy', <<'END');
language 1;
policy p;
schema from corp { claim s string; }
schema { claim free string; }
permit anon    { who anyone; if identity.kind == "anonymous"; }
permit jwt     { who anyone; if identity.kind == "jwt"; }
permit mtls    { who anyone; if identity.kind == "mtls"; }
permit apikey  { who anyone; if identity.kind == "apikey"; }
permit session { who anyone; if identity.kind == "session"; }
permit authenticated { who authenticated; }
permit corp    { who issuer corp; }
permit alice   { who subject alice issuer corp; }
permit claim   { who anyone; if claim.s == "x"; }
permit free    { who anyone; if claim.free == "x"; }
permit has     { who anyone; if has claim.s; }
permit spiffe  { who anyone; if has identity.spiffe
                 && identity.spiffe == "spiffe://corp.test/a"; }
permit principal { who anyone;
                 if identity.principal == "jwt:corp:alice"; }
END

my %get = (method => 'GET', path => '/');

answers('ident',
    [{ %get }, 'permit permit-rule anon', 'nobody'],
    [{ %get, identity => {} }, 'permit permit-rule anon', 'nothing is given'],
    [{ %get, identity => undef, claims => undef }, 'permit permit-rule anon',
     'null is absent'],
    [{ %get, claims => {} }, 'permit permit-rule anon', 'no claim'],
    [{ %get, claims => { a => undef } }, 'permit permit-rule anon',
     'a claim that is null is absent'],
    [{ %get, claims => { a => 1 } }, 'permit permit-rule authenticated,jwt',
     'any claim: jwt'],
    [{ %get, identity => { subject => 'bob' } },
     'permit permit-rule authenticated,jwt', 'a subject: jwt'],
    [{ %get, identity => { issuer => 'corp' } },
     'permit permit-rule anon,corp', 'an issuer alone: anonymous'],
    [{ %get, identity => { spiffe => 'spiffe://corp.test/a' } },
     'permit permit-rule authenticated,mtls,spiffe', 'only spiffe: mtls'],
    [{ %get, identity => { spiffe => 'spiffe://corp.test/a',
                           subject => 'x' } },
     'permit permit-rule authenticated,jwt,spiffe', 'spiffe and subject'],
    [{ %get, identity => { kind => 'apikey' } },
     'permit permit-rule apikey,authenticated', 'a kind'],
    [{ %get, identity => { kind => 'anonymous', subject => 'x' } },
     'permit permit-rule anon', 'anonymous, said so'],
    [{ %get, identity => { issuer => 'corp', subject => 'alice' } },
     'permit permit-rule alice,authenticated,corp,jwt,principal', 'alice'],
    [{ %get, identity => { issuer => 'corp' }, claims => { s => 'x' } },
     'permit permit-rule authenticated,claim,corp,has,jwt',
     'a claim of its issuer'],
    [{ %get, identity => { issuer => 'other' }, claims => { s => 'x' } },
     'permit permit-rule authenticated,jwt',
     'another issuer: it does not exist'],
    [{ %get, claims => { s => 'x', free => 'x' } },
     'permit permit-rule authenticated,free,jwt',
     'without issuer: claims of "schema from" do not exist, others do'],
    [{ %get, identity => { issuer => 'z' }, claims => { free => 'x' } },
     'permit permit-rule authenticated,free,jwt',
     'without "from": whoever the issuer is'],
    [{ %get, identity => { kind => 'session', issuer => 'corp' },
       claims => { s => 'x' } },
     'permit permit-rule authenticated,claim,corp,has,session',
     'a session has claims'],
    [{ %get, identity => { kind => 'mtls', issuer => 'corp' },
       claims => { s => 'x' } },
     'permit permit-rule authenticated,corp,mtls', 'mtls has none'],
    [{ %get, identity => { kind => 'apikey' }, claims => { free => 'x' } },
     'permit permit-rule apikey,authenticated', 'apikey has none'],
);


# claims: JSON and types

$t->file('claims/p.policy', <<'END');
language 1;
policy p;
schema {
    claim s string; claim n int; claim b bool; claim r set<string>;
    claim scope set<string>; claim a.b string; claim "a.b" string;
}
permit s   { who anyone; if claim.s == "x"; }
permit n   { who anyone; if claim.n == 3; }
permit min { who anyone; if claim.n == -9223372036854775808; }
permit max { who anyone; if claim.n == 9223372036854775807; }
permit b   { who anyone; if claim.b; }
permit r   { who anyone; if "x" in claim.r; }
permit nor { who anyone; unless "x" in claim.r; }
permit w   { who anyone; if "write" in claim.scope; }
permit now { who anyone; unless "write" in claim.scope; }
permit ab  { who anyone; if claim.a.b == "x"; }
permit qab { who anyone; if claim["a.b"] == "x"; }
permit hs  { who anyone; if has claim.s; }
permit hn  { who anyone; if has claim.n; }
permit hab { who anyone; if has claim.a.b; }
END

sub claims { return '{"method":"GET","path":"/","claims":{' . $_[0] . '}}' }

answers('claims',
    [claims('"s":"x"'), 'permit permit-rule hs,s', 'a string'],
    [claims('"s":7'), 'permit permit-rule hs', 'a number is no string'],
    [claims('"s":["x"]'), 'permit permit-rule hs', 'an array is no string'],
    [claims('"s":null'), 'deny default-deny', 'null is absent'],
    [claims('"n":3'), 'permit permit-rule hn,n', 'an int'],
    [claims('"n":3.0'), 'permit permit-rule hn', '3.0 is no int'],
    [claims('"n":3e0'), 'permit permit-rule hn', '3e0 is no int'],
    [claims('"n":"3"'), 'permit permit-rule hn', '"3" is no int'],
    [claims('"n":true'), 'permit permit-rule hn', 'true is no int'],
    [claims('"n":-9223372036854775808'), 'permit permit-rule hn,min',
     'the least int'],
    [claims('"n":9223372036854775807'), 'permit permit-rule hn,max',
     'the greatest int'],
    [claims('"n":9223372036854775808'), 'permit permit-rule hn',
     'beyond 64 bits: another type'],
    [claims('"n":-9223372036854775809'), 'permit permit-rule hn',
     'beyond 64 bits, below'],
    [claims('"n":1' . '0' x 300), 'permit permit-rule hn', 'far beyond'],
    [claims('"b":true'), 'permit permit-rule b', 'a bool'],
    [claims('"b":false'), 'deny default-deny', 'false'],
    [claims('"b":1'), 'deny default-deny', '1 is no bool'],
    [claims('"b":"true"'), 'deny default-deny', '"true" is no bool'],
    [claims('"r":["a","x"]'), 'permit permit-rule r', 'a set'],
    [claims('"r":["a"]'), 'permit permit-rule nor', 'without it'],
    [claims('"r":[]'), 'permit permit-rule nor', 'the empty set'],
    [claims('"r":["x",7]'), 'deny default-deny', 'not only strings'],
    [claims('"r":"x"'), 'deny default-deny', 'a string is no set'],
    [claims('"r":{"x":1}'), 'deny default-deny', 'an object is no set'],
    [claims('"scope":"read write"'), 'permit permit-rule w',
     'scope: split at spaces'],
    [claims('"scope":"  write   read "'), 'permit permit-rule w',
     'at runs of spaces'],
    [claims('"scope":"rewrite"'), 'permit permit-rule now', 'whole words'],
    [claims('"scope":"read\\twrite"'), 'permit permit-rule now',
     'a tab is no space'],
    [claims('"scope":""'), 'permit permit-rule now', 'empty: the empty set'],
    [claims('"scope":["write"]'), 'permit permit-rule w',
     'scope as an array'],
    [claims('"scope":["read write"]'), 'permit permit-rule now',
     'whose strings are not split'],
    [claims('"scope":7'), 'deny default-deny', 'a number is none'],
    [claims('"a":{"b":"x"}'), 'permit permit-rule ab,hab',
     'a member of an object'],
    [claims('"a.b":"x"'), 'permit permit-rule qab', 'a name with a dot'],
    [claims('"a":"x"'), 'deny default-deny',
     'a member of what is no object is absent'],
    [claims('"a":{"b":null}'), 'deny default-deny', 'null there'],
    [claims('"a":["b"]'), 'deny default-deny', 'an array is no object'],
);


# headers, query and the rest

$t->file('attrs/p.policy', <<'END');
language 1;
policy p;
permit h    { who anyone; if has header("X-A") && header("x-a") == "1"; }
permit hash { who anyone; if has header("x-a"); }
permit q    { who anyone; if has query("q") && query("q") == "1"; }
permit hasq { who anyone; if has query("q"); }
permit host { who anyone; host *.b.test, c; }
permit hst  { who anyone; if request.host == "c"; }
permit ip   { who anyone; from 10.0.0.0/8; }
permit ip6  { who anyone; from ::/0; }
permit peer { who anyone; if source.peer == 10.0.0.1; }
permit time { who anyone; if request.time < 2026-01-05T10:00:00Z; }
permit https { who anyone; if request.scheme == "https"; }
permit tls  { who anyone; if has tls.version && tls.version == "TLSv1.3"; }
permit path { who anyone; if request.path == "/a b"; }
permit unknown { who anyone; unless header("x-zz") == "1"; }
END

answers('attrs',
    [{ %get }, 'deny default-deny', 'nothing is given'],
    [{ %get, headers => { 'x-A' => '1' } }, 'permit permit-rule h,hash',
     'a header of any case'],
    [{ %get, headers => { 'x-a' => ['1'] } }, 'permit permit-rule h,hash',
     'one in an array'],
    [{ %get, headers => { 'x-a' => ['1', '1'] } }, 'permit permit-rule hash',
     'repeated: unknown, but there'],
    [{ %get, headers => { 'x-a' => '1', 'X-A' => '1' } },
     'permit permit-rule hash', 'repeated in another case'],
    [{ %get, headers => { 'x-a' => [] } }, 'deny default-deny',
     'none in an array'],
    [{ %get, query => { q => '1' } }, 'permit permit-rule hasq,q',
     'a parameter'],
    [{ %get, query => { Q => '1' } }, 'deny default-deny',
     'parameters have case'],
    [{ %get, query => { q => ['1', '2'] } }, 'permit permit-rule hasq',
     'repeated'],
    [{ %get, host => 'C.:80' }, 'permit permit-rule host,hst',
     'the host in its canonical form'],
    [{ %get, host => 'x.y.B.test' }, 'permit permit-rule host', 'a glob'],
    [{ %get, host => 'b.test' }, 'deny default-deny', 'no label'],
    [{ %get, source => '10.1.2.3' }, 'permit permit-rule ip', 'an address'],
    [{ %get, source => '::ffff:10.1.2.3' }, 'permit permit-rule ip',
     'IPv4 in IPv6'],
    [{ %get, source => 'fe80::1' }, 'permit permit-rule ip6', 'IPv6'],
    [{ %get, peer => '10.0.0.1' }, 'permit permit-rule peer',
     'the peer is not the source'],
    [{ %get, time => '2026-01-05T10:59:59+01:00' }, 'permit permit-rule time',
     'a time'],
    [{ %get, time => '2026-01-05T10:00:00Z' }, 'deny default-deny',
     'not before'],
    [{ %get, scheme => 'https' }, 'permit permit-rule https', 'the scheme'],
    [{ %get, tls => { version => 'TLSv1.3' } }, 'permit permit-rule tls',
     'tls'],
    [{ %get, path => '/a%20b' }, 'permit permit-rule path', 'the path decoded'],
    [{ %get, path => '/a%2520b' }, 'deny ambiguous-path', 'once'],
);


# several policies

$t->file('two/a.policy', "language 1; policy a; permit x { who anyone; }");
$t->file('two/sub/b.policy', "language 1; policy b; deny y { }");
$t->file('two/lib.policy', "language 1; role r { when true; }");

answers('two',
    [{ %get, policy => 'a' }, 'permit permit-rule x', 'one of two'],
    [{ %get, policy => 'b' }, 'deny deny-rule y', 'the other'],
    [{ %get }, qr/^error: policy is missing/, 'which one must be said'],
    [{ %get, policy => 'lib' }, qr/^error: there is no policy/,
     'a library is no policy'],
);


# policies with errors

$t->file('bad/a.policy', "language 1; policy a; bogus");

my ($rc, $out, $err) = $t->weirctl('eval', $t->path('bad'),
                                   { stdin => encode_json(\%get) . "\n" });
is($rc, 1, 'policies with errors exit 1');
is($out, '', 'and nothing is decided');
like($err, qr/^a\.policy:1:23: error: /, 'the errors are told');

($rc, $out) = $t->weirctl('eval', $t->path('orders'), { stdin => '' });
is("$rc$out", '0', 'no lines');

($rc, $out) = $t->weirctl('eval', $t->path('orders'), '-',
                          { stdin => encode_json(\%get) });
is($rc, 0, '- is stdin');
like($out, qr/"default-deny".*\n\z/, 'a last line without its end');


# one in, one out: another program can wait for each answer

{
    my $weirctl = ($ENV{WEIR_BUILD} || $t->top . '/build') . '/weirctl';
    my $pid = open2(my $from, my $to, $weirctl, 'eval', $t->path('orders'));

    $to->autoflush(1);

    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 30;

    for my $id (1 .. 100) {
        print $to encode_json({ %alice, id => $id }), "\n";
        my $line = <$from>;
        $line = '{}' unless defined $line;
        is(decode_json($line)->{id}, $id, "answer $id") if $id % 50 == 0;
    }

    alarm 0;
    close $to;
    waitpid $pid, 0;
    is($?, 0, 'it ends with its input');
}

done_testing();
