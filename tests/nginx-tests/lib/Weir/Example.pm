package Weir::Example;

# An example of conf/, started as it stands: only its addresses and the
# places of its log files become the test's, and what an operator brings
# himself (key set, secret, certificate) is made.

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);

use Weir::Net qw(slurp spew);
use Weir::Token;
use Weir::Upstream;

our @EXPORT = qw(example example_text example_names);


sub example_names {
    my ($t) = @_;
    return map { m{([^/]+)\.conf$} } sort glob($t->top . '/conf/*.conf');
}


# example_text($t, 'minimal'): the text with the test's ports; 8080 is
# %%PORT_0%%, others have their own number as name.

sub example_text {
    my ($t, $name) = @_;

    my $text = slurp($t->top . "/conf/$name.conf");
    croak "no example $name" unless length $text;

    $text =~ s/\b8080\b/%%PORT_0%%/g;
    $text =~ s/\b(8081|8443|9001|9002)\b/%%PORT_$1%%/g;
    $text =~ s/\s\/var\/log\/nginx\// %%TESTDIR%%\//g;
    $text =~ s/([\s:])\/var\/lib\/weir\//$1%%TESTDIR%%\/weir\//g;

    # what the harness writes itself, each on its own line, which stays

    $text =~ s/^[ ]*(?:load_module|pid|error_log|worker_processes
              |(?:client_body|proxy|fastcgi|uwsgi|scgi)_temp_path
              )\s[^;]*;$//xgm;

    return $text;
}


# Writes it and all that it needs; the two services answer with their colour,
# 500 for /broken.
# Returns { blue, green, token }: token->({claims}, %o) is what mint() gives,
# for corp and orders unless the claims say otherwise.

sub example {
    my ($t, $name) = @_;

    my $token = Weir::Token->new($t);

    $t->file('weir/jwks.json', $token->jwks($token->jwk('ES256', 'k1')));
    $t->file('weir/secret', join '', map { chr 33 + rand 90 } 1 .. 40);
    $t->make_cert('api');
    $t->weirctl('keygen', $t->path('weir/ops'));

    for my $suffix (qw(crt key)) {
        my $to = $suffix eq 'crt' ? 'pem' : 'key';
        spew($t->path("weir/api.$to"), slurp($t->path("api.$suffix")));
    }

    for my $file (glob($t->top . '/conf/snippets/*'),
                  glob($t->top . '/conf/weir/policies/*'))
    {
        my ($to) = $file =~ m{/conf/(.*)$};
        $t->file($to, slurp($file));
    }

    my %e;

    for my $c ([blue => 9001], [green => 9002]) {
        my ($colour, $port) = @$c;
        $e{$colour} = Weir::Upstream->new($t, port => $port, handler => sub {
            my ($request) = @_;
            return { status => 500 } if $request->target eq '/broken';
            return { body => $colour, websocket =>
                     scalar $request->header('Upgrade') ? 1 : 0 };
        });
    }

    $e{token} = sub {
        my ($claims, %o) = @_;

        return $token->mint(alg => 'ES256', key => 'k1', %o, claims => {
            iss => 'https://idp.example.com/', aud => 'orders',
            sub => 'alice', tenant => 'acme', roles => ['analyst'], %$claims,
        });
    };

    $e{bearer} = sub {
        return [Authorization => 'Bearer ' . $e{token}->(@_)];
    };

    $t->conf(example_text($t, $name));

    return \%e;
}


1;
