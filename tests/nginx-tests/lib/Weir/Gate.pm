package Weir::Gate;

# What the tests of the gate share: an issuer with its key and tokens, and
# all the ways in which an upstream might read a request's target.

use strict;
use warnings;

use Exporter qw(import);

use Weir::Token;

our @EXPORT = qw(issuer bearer readings);

my %token;
my %minted;


# issuer($t): the text of a weir_issuer "corp"; its key set lies in the test's
# folder.

sub issuer {
    my ($t, $name) = @_;

    $name ||= 'corp';
    my $token = $token{$name} = Weir::Token->new($t);
    my $file = $t->file("$name.jwks",
                        $token->jwks($token->jwk('ES256', $name)));

    return "weir_issuer $name { issuer https://$name.example/; "
           . "audience gate; jwks file:$file; }\n";
}


# The Authorization header, for an options list of headers; a claim that is
# undef is left out.

sub bearer {
    my ($subject, %o) = @_;

    my $issuer = delete $o{issuer} || 'corp';
    my $key = join ' ', $issuer, $subject, map { "$_=" . ($o{$_} || '') }
                                           sort keys %o;

    $minted{$key} ||= $token{$issuer}->mint(key => $issuer, claims => {
        iss => "https://$issuer.example/", aud => 'gate', sub => $subject,
        %o,
    });

    return (Authorization => "Bearer $minted{$key}");
}


# Every path that some reader could make of a target: before its "?", it may
# cut at "#", NUL and ";", decode up to three times, take "\" for "/", read
# overlong UTF-8, drop control bytes, merge slashes, resolve dots; and each of
# them, or not, in this order.  What differs by Unicode's equivalences or a
# space is another name.

sub readings {
    my ($target) = @_;

    $target =~ s/[?].*//s;
    my %seen = ($target => 1);

    for my $step (
        sub { $_[0] =~ s{^[a-z]+://[^/]*}{}ir },
        sub { $_[0] =~ s/#.*//sr },
        \&decode, \&decode, \&decode,
        sub { $_[0] =~ s/%u([0-9a-f]{4})/chr(hex($1) & 255)/gier },
        sub { $_[0] =~ s/([\xc0\xc1])([\x80-\xbf])
                        /chr((ord($1) & 3) << 6 | ord($2) & 63)/gexr },
        sub { $_[0] =~ s/[?#].*//sr },
        sub { $_[0] =~ s/\0.*//sr },
        sub { $_[0] =~ tr{\\}{/}r },
        sub { $_[0] =~ s{;[^/]*}{}gr },
        sub { $_[0] =~ s{[\x00-\x1f\x7f]}{}gr },
        sub { $_[0] =~ s{//+}{/}gr },
        \&resolve,
    ) {
        $seen{ $step->($_) } = 1 for keys %seen;
    }

    my @readings = sort keys %seen;
    return @readings;
}


sub decode {
    my ($s) = @_;
    return $s =~ s/%([0-9a-f]{2})/chr hex $1/gier;
}


sub resolve {
    my ($s) = @_;

    my @out;

    for my $seg (split m{/}, $s =~ s{^/}{}r, -1) {
        next if $seg eq '.';
        if ($seg eq '..') { pop @out; next }
        push @out, $seg;
    }

    return '/' . join '/', @out;
}


1;
