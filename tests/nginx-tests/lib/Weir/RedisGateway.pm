package Weir::RedisGateway;

# A gateway whose store is a Redis: its configuration, what it says of the
# store, and what is pushed to it.

use strict;
use warnings;

use Weir::HTTP;
use Weir::Net qw(wait_for);


# Options: node (gw1), trust (a public key; else rel.pub, made here), poll
# (100ms), more (lines for http {}).  $words are those of weir_store.

sub new {
    my ($class, $t, $words, %o) = @_;

    my $self = bless { t => $t, node => 'gw1', poll => '100ms', more => '',
                       %o }, $class;

    if (!$self->{trust}) {
        $t->weirctl('keygen', $t->path('rel'));
        $self->{trust} = $t->path('rel.pub');
    }

    $t->file("html/$_", "$_\n") for qw(one two three four colour);
    $self->words($words) if defined $words;

    return $self;
}


# The configuration with these words; to be run or reloaded.

sub words {
    my ($self, $words) = @_;

    $self->{words} = $words;

    $self->{t}->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        8m;
    weir_node        $self->{node};
    weir_store       $words poll=$self->{poll};
    weir_trust       $self->{trust};
    weir_state       %%TESTDIR%%/state;
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_user { green 0%; blue *; }
    $self->{more}

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / { weir_policy p; root %%TESTDIR%%/html; }
        location = /colour {
            weir_policy off;
            root        %%TESTDIR%%/html;
            add_header  X-Colour \$weir_split_checkout;
        }
        location = /api { weir_policy off; weir_api; }
        location = /metrics { weir_policy off; weir_metrics; }
    }
}
END
    return $self;
}


sub t { return $_[0]{t} }
sub get { return http_get($_[0]{t}->port, $_[1]) }
sub api { return $_[0]->get('/api')->json }
sub state { return $_[0]->api->{store}{state} }

sub said {
    my ($self) = @_;
    my $e = $self->api->{store}{error};
    return ref $e ? ($e->{message} || '') : ($e || '');
}

sub wait_up {
    my ($self, $seconds) = @_;
    wait_for { $self->state eq 'up' } $seconds || 10, 'the store';
    return 1;
}

sub wait_down {
    my ($self, $re, $seconds) = @_;

    wait_for {
        $self->state eq 'down' && $self->said =~ ($re || qr/./)
    } $seconds || 10, 'a store that is down: ' . ($re || '');

    return 1;
}


# Pushes a policy that permits GET /RULE alone; "CODE OUTPUT".  Options: words
# (of --store; else the gateway's), more (rules besides), args.

sub push_rule {
    my ($self, $rule, %o) = @_;

    my $t = $self->{t};
    my $text = "language 1;\npolicy p;\n"
               . "permit $rule { who anyone; what GET /$rule; }\n";

    $text .= "permit more$_ { who anyone; what GET /more/$_/"
             . ('x' x 60) . "; }\n" for 1 .. ($o{more} || 0);

    $t->file("policies-$rule/p.policy", $text);

    (my $key = $self->{trust}) =~ s/pub$/key/;

    my ($rc, $out, $err) = $t->weirctl('push', $t->path("policies-$rule"),
        '--store', defined $o{words} ? $o{words} : $self->{words},
        '--sign-key', $key, @{ $o{args} || [] });

    return "$rc $out$err";
}


# What 20 requests for a rule get, after the first 200.

sub serves {
    my ($self, $rule, $seconds) = @_;

    wait_for { $self->get("/$rule")->status == 200 } $seconds || 5,
        "/$rule";

    return join ' ', sort map { $self->get("/$rule")->status } 1 .. 20;
}

our $all = join ' ', (200) x 20;


# The lines that an operator sees.

sub alarms {
    my ($self, $re) = @_;
    return $self->{t}->log_lines(
        qr/\[(?:warn|error|crit|alert|emerg)\].*(?:$re)/);
}


1;
