
# Files that directives name, wherever Weir reads one: what is none, or is too
# large, is refused by nginx -t, and a pipe is not waited for.

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(mkfifo);
use Weir::Test;

my $t = Weir::Test->new;

$t->allow(qr/\[emerg\]/);

mkfifo($t->dir . '/pipe', 0600) or die "mkfifo: $!";

$t->file('short', 'x' x 31);
$t->file('least', 'x' x 32);
$t->file('most', 'x' x 4096);
$t->file('empty', "\n");
$t->file('line', "secret\n");
$t->file('large', 'x' x 70000);

# what a directive says of FILE

sub check {
    my ($directive, $file) = @_;

    $directive =~ s/FILE/%%TESTDIR%%\/$file/;

    return $t->test_config(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_thread_pool weir;
    $directive
}
END
}

sub refused {
    my ($directive, $file, $re) = @_;

    my ($rc, $out) = check($directive, $file);

    isnt($rc, 0, "$directive $file: refused");
    like($out, qr/\[emerg\][ ].* $re .* in[ ]\S+:\d+$/mx,
         "$directive $file: why");
}

my $redis = 'weir_store redis://127.0.0.1:%%PORT_redis%%';

my %read = (
    'weir_secret FILE;' => [ 'secret', 4096 ],
    'weir_store file:x; weir_trust FILE;' => [ 'key', 65536 ],
    # 1,024 bytes and the end of a line
    "$redis user=a password_file=FILE;" => [ 'password\ file', 1026 ],
    'weir_issuer c { issuer i; audience a; jwks FILE; }'
        => [ 'key\ set', 65536 ],
);

for my $directive (sort keys %read) {
    my ($what, $max) = @{ $read{$directive} };
    my $none = qr/$what[ ]".*"[ ]is[ ]no[ ]file,
                  [ ]or[ ]is[ ]larger[ ]than[ ]$max[ ]bytes/x;

    refused($directive, 'missing', qr/open\(\)[ ]".*\/missing"[ ]failed/);
    refused($directive, '.', $none);
    refused($directive, 'pipe', $none);
    refused($directive, 'large', $none);
}

refused('weir_secret FILE;', 'short',
        qr/the[ ]secret[ ]in[ ]".*short"[ ]has[ ]31[ ]bytes,
           [ ]32[ ]to[ ]4096[ ]are[ ]needed/x);
refused("$redis user=a password_file=FILE;", 'empty',
        qr/there[ ]is[ ]no[ ]password[ ]in[ ]".*empty"/);

for (['weir_secret FILE;', 'least'], ['weir_secret FILE;', 'most'],
     ["$redis user=a password_file=FILE;", 'line'])
{
    my ($rc, $out) = check(@$_);
    is($rc, 0, "@$_: taken") or diag $out;
}

done_testing();
