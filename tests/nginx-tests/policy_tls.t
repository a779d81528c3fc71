
# tls.*: version, cipher and name of the handshake; fingerprint and SPIFFE id
# only of a certificate that this server itself verified.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Digest::SHA qw(sha256_hex);
use IO::Socket::SSL;
use MIME::Base64 qw(decode_base64);

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t, port => 'up');

$t->make_cert('server');
$t->make_cert('ca', is_ca => 1);
$t->make_cert('otherca', is_ca => 1);
$t->make_cert('client', ca => 'ca',
              san => 'DNS:client.test,URI:spiffe://corp.test/sa/pay');
$t->make_cert('two', ca => 'ca',
              san => 'URI:spiffe://corp.test/a,URI:spiffe://corp.test/b');
$t->make_cert('plain', ca => 'ca', san => 'URI:https://corp.test/x');
$t->make_cert('stranger', ca => 'otherca',
              san => 'URI:spiffe://corp.test/sa/pay');

my ($pem) = slurp($t->path('client.crt'))
            =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s;
my $fingerprint = sha256_hex(decode_base64($pem));

$t->file('policies/p.policy', <<"END");
language 1;
policy p;

permit https  { who anyone; what * /https; if request.scheme == "https"; }
permit v13    { who anyone; what * /v;
                if has tls.version && tls.version == "TLSv1.3"; }
permit v12    { who anyone; what * /v;
                if has tls.version && tls.version == "TLSv1.2"; }
permit cipher { who anyone; what * /cipher;
                if has tls.cipher && tls.cipher like "*GCM*"; }
permit sni    { who anyone; what * /sni;
                if has tls.sni && tls.sni == "a.test"; }
permit nosni  { who anyone; what * /nosni; unless has tls.sni; }
permit print  { who anyone; what * /print;
                if has tls.fingerprint && tls.fingerprint == "$fingerprint"; }
permit noprint { who anyone; what * /noprint; unless has tls.fingerprint; }
permit spiffe { who anyone; what * /spiffe; if has tls.spiffe
                && tls.spiffe == "spiffe://corp.test/sa/pay"; }
deny   nospiffe { what * /deny;
                unless tls.spiffe == "spiffe://corp.test/sa/pay"; }
permit all    { who anyone; what * /deny; }
END

my $server = <<'END';
        ssl_certificate     %%TESTDIR%%/server.crt;
        ssl_certificate_key %%TESTDIR%%/server.key;
        ssl_protocols       TLSv1.2 TLSv1.3;
        ssl_ciphers         ECDHE-ECDSA-AES128-GCM-SHA256;

        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
END

$t->http_conf(<<"END");
    weir_zone   8m;
    weir_bundle policies;
    weir_policy p;
    add_header  X-Rule \$weir_rule always;
    add_header  X-Reused \$ssl_session_reused always;

    ssl_session_cache shared:tls:1m;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a.test;
        ssl_client_certificate %%TESTDIR%%/ca.crt;
        ssl_verify_client optional_no_ca;
$server
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name b.test;
        ssl_client_certificate %%TESTDIR%%/otherca.crt;
        ssl_verify_client optional_no_ca;
$server
    }
END

$t->run;


# The rule that granted or denied, "-" where none did.

sub rule {
    my ($target, %o) = @_;

    my $cert = delete $o{cert};
    my %tls = (SSL_hostname => 'a.test', %o);

    if ($cert) {
        $tls{SSL_cert_file} = $t->path("$cert.crt");
        $tls{SSL_key_file} = $t->path("$cert.key");
    }

    my $host = delete $tls{host} || 'a.test';

    my $r = http_get($t->port('tls'), $target, tls => \%tls,
                     headers => [Host => $host]);
    return $r->header('X-Rule') || '-';
}

sub plain {
    return http_get($t->port, $_[0])->header('X-Rule') || '-';
}


is(rule('/https'), 'https', 'the scheme is https');
is(plain('/https'), '-', 'and http without TLS');
is(rule('/v', SSL_version => 'TLSv1_3'), 'v13', 'tls.version 1.3');
is(rule('/v', SSL_version => 'TLSv1_2'), 'v12', 'tls.version 1.2');
is(plain('/v'), '-', 'none without TLS');
is(rule('/cipher'), 'cipher', 'tls.cipher');
is(rule('/sni'), 'sni', 'tls.sni');
is(rule('/sni', SSL_hostname => 'A.Test'), 'sni', 'in lower case');
is(rule('/nosni', SSL_hostname => ''), 'nosni', 'no tls.sni');
is(rule('/nosni'), '-', 'there is one');
is(plain('/nosni'), 'nosni', 'nor without TLS');

is(rule('/print', cert => 'client'), 'print', 'tls.fingerprint');
is(rule('/print', cert => 'plain'), '-', 'of another certificate');
is(rule('/print'), '-', 'without one');
is(rule('/noprint'), 'noprint', 'then there is none');
is(rule('/noprint', cert => 'client'), '-', 'with one there is');
is(rule('/spiffe', cert => 'client'), 'spiffe', 'tls.spiffe');
is(rule('/spiffe', cert => 'two'), '-', 'two ids are none');
is(rule('/spiffe', cert => 'plain'), '-', 'another URI is none');
is(rule('/deny', cert => 'client'), 'all', 'deny unless: it is there');
is(rule('/deny'), 'nospiffe', 'deny unless: it is not');
is(rule('/deny', cert => 'two'), 'nospiffe', 'deny unless: two');

is(rule('/spiffe', cert => 'stranger'), '-',
   'a certificate of another authority says nothing');
is(rule('/noprint', cert => 'stranger'), 'noprint', 'not even that it is');


# a handshake with another server: its authorities are not ours

is(rule('/spiffe', cert => 'stranger', SSL_hostname => 'b.test',
        host => 'b.test'), 'spiffe', 'verified by the other server');

{
    my $r = http_get($t->port('tls'), '/spiffe',
                     tls => { SSL_hostname => 'b.test',
                              SSL_cert_file => $t->path('stranger.crt'),
                              SSL_key_file => $t->path('stranger.key') },
                     headers => [Host => 'a.test']);
    isnt($r->header('X-Rule'), 'spiffe', 'and not by the one that is asked');
}


# a resumed session verified nothing

{
    my $session = $t->path('session');

    my $ask = sub {
        my ($rc, $out) = $t->execute([
            qw(openssl s_client -quiet -ign_eof -tls1_2 -servername a.test
               -connect), '127.0.0.1:' . $t->port('tls'),
            '-cert', $t->path('client.crt'), '-key', $t->path('client.key'),
            @_ ], stdin => "GET /print HTTP/1.1\r\nHost: a.test\r\n"
                          . "Connection: close\r\n\r\n");
        my ($rule) = $out =~ /^X-Rule: (\w+)/m;
        my ($reused) = $out =~ /^X-Reused: (\S+)/m;
        return join ' ', map { defined $_ ? $_ : '-' } $rule, $reused;
    };

    is($ask->('-sess_out', $session), 'print .', 'a full handshake');
    is($ask->('-sess_in', $session), '- r', 'a resumed one');
}

done_testing();
