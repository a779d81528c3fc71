package Weir::Rig;

# A gateway on a store, with policies of which every answer tells the content
# that decided it, and a split; and weirctl on its store.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();

use Weir::HTTP;
use Weir::Net qw(wait_for slurp);
use Weir::Test ();


# Weir::Rig->new(url => 'redis://...', words => '', node => 'gw1', workers =>
# 2, poll => '100ms', timeout => '300ms', http => '', location => '' (more
# lines there), keys => a rig whose key signs here, too, rules => as many more
# in the policy, state => its folder, trust => the words of weir_trust, sign =>
# another key than its own).  run() starts the gateway.

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        node => 'gw1', workers => 2, poll => '100ms', timeout => '300ms',
        words => '', http => '', rules => 0, state => '%%TESTDIR%%/state',
        split => 'green 0%; blue *;', location => '',
        %o,
    }, $class;

    my $t = $self->{t} ||= Weir::Test->new(workers => $self->{workers});

    $self->{key} = $o{keys} ? $o{keys}{key} : $t->path('rel');
    $t->weirctl('keygen', $self->{key}) unless $o{keys};
    $t->file("html/$_", "$_\n") for qw(all odd even none);

    return $self;
}


sub t   { return $_[0]{t} }
sub url { return $_[0]{url} }

sub configure {
    my ($self) = @_;

    my $wait = $self->{url} =~ /^file:/ ? '' : "timeout=$self->{timeout}";

    my $trust = $self->{trust} || "$self->{key}.pub";

    $self->{t}->conf(<<"END");
thread_pool weir threads=1;
events {}
http {
    weir_zone        16m;
    weir_node        $self->{node};
    weir_store       $self->{url} poll=$self->{poll} $wait $self->{words};
    weir_trust       $trust;
    weir_state       $self->{state};
    weir_thread_pool weir;
    weir_split       checkout key=\$arg_u { $self->{split} }

    keepalive_requests 1000000;
    access_log         off;
    $self->{http}

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            weir_policy p;
            root        %%TESTDIR%%/html;
            add_header  X-Bundle \$weir_bundle always;
            add_header  X-Rule   \$weir_rule always;
            add_header  X-Colour \$weir_split_checkout always;
            $self->{location}
        }
        location = /control { weir_policy off; return 200 \$pid; }
        location = /metrics { weir_policy off; weir_metrics; }
        location = /api     { weir_policy off; weir_api; }
    }
}
END
}


sub run {
    my ($self) = @_;
    $self->configure;
    $self->{t}->run;
    return $self;
}


sub get { return http_get($_[0]{t}->port, $_[1], timeout => 5) }
sub api { return $_[0]->get('/api')->json }
sub up  { return $_[0]->api->{store}{state} eq 'up' }


# What it says of the store, of the bundle, of the split: its reason, or ''.

sub trouble {
    my ($self, $what) = @_;

    my $api = $self->api;
    my $error = $what eq 'store' ? $api->{store}{error}
              : $what eq 'split' ? $api->{splits}{checkout}{error}
                                 : $api->{bundle}{error};

    return $error ? $error->{reason} : '';
}


# A number of /metrics, 0 where there is none.

sub metric {
    my ($self, $name) = @_;
    my ($n) = $self->get('/metrics')->body =~ /^\Q$name\E (\S+)$/m;
    return $n || 0;
}


# Content N: every verdict names it, odd ones permit /odd, the others /even.

sub policy {
    my ($self, $n) = @_;

    my ($yes, $no) = $n % 2 ? qw(odd even) : qw(even odd);
    my $text = "language 1;\npolicy p;\n"
               . "permit v$n { who anyone; what GET /all; }\n"
               . "permit w$n { who anyone; what GET /$yes; }\n"
               . "deny d$n { who anyone; what GET /none; }\n"
               . "deny e$n { who anyone; what GET /$no; }\n";

    $text .= "permit r$_ { who anyone; what GET /r$_/**; }\n"
        for 1 .. $self->{rules};

    $self->{t}->file("policies/p.policy", $text);

    return $self->{t}->path('policies');
}


# What an answer to this path says of content and colour is so; undef where
# it is, else why not.

sub wrong {
    my ($path, $status, $rule) = @_;

    my ($n) = $rule =~ /^[vwde](\d+)$/ or return "no content ($status)";
    my $want = $path =~ m{^/all} ? 200
             : $path =~ m{^/none} ? 403
             : $path =~ m{^/odd} ? ($n % 2 ? 200 : 403)
                                 : ($n % 2 ? 403 : 200);

    return $status == $want ? undef : "$status by content $n";
}


sub paths { return [map { "/$_?u=%d" } qw(all odd none even)] }


# weirctl on the store: exit code, stdout, stderr.

sub ctl {
    my ($self, @args) = @_;

    my $words = length $self->{ctl_words} ? " $self->{ctl_words}"
              : length $self->{words} ? " $self->{words}" : '';

    return $self->{t}->weirctl(@args, { env => {
        WEIR_STORE => ($self->{ctl_url} || $self->{url}) . $words,
        WEIR_SIGN_KEY => ($self->{sign} || $self->{key}) . '.key',
    } });
}


# Publishes content N; returns (exit code, version, all that was said).

sub push_content {
    my ($self, $n, @more) = @_;

    my ($rc, $out, $err) = $self->ctl('push', $self->policy($n), @more);
    my ($version) = $out =~ /version (\d+)/;

    return ($rc, $version, "$out$err");
}


# Publishes content N, which has to work, and waits until it decides.

sub publish {
    my ($self, $n, @more) = @_;

    my ($rc, $version, $text) = $self->push_content($n, @more);
    croak "push: $rc $text" if $rc ne '0';

    $self->decides($n);
    $self->{content} = $n;

    return $version;
}


sub decides {
    my ($self, $n, $seconds) = @_;

    wait_for {
        my $r = $self->get('/all');
        $r && ($r->header('X-Rule') || '') eq "v$n"
    } $seconds || 10, "content $n";
}


sub weights {
    my ($self, @weights) = @_;

    my ($rc, $out, $err) = $self->ctl('split', 'set', 'checkout', @weights);
    croak "split set: $rc $out$err" if $rc ne '0';
}


# Which of the keys 0 to 99 are green.

sub green {
    my ($self) = @_;

    return join ' ', grep {
        ($self->get("/all?u=$_")->header('X-Colour') || '') eq 'green'
    } 0 .. 99;
}


1;
