package Weir::Fleet;

# A file: store in the test's folder, keys, policies, weirctl on it, and
# gateways' reports in the contract's format where no nginx is wanted.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Time::HiRes ();

use Weir::Net qw(slurp spew wait_for);

my $json = JSON::PP->new->canonical->utf8;


# Weir::Fleet->new($t, dir => 'store', key => 'release'): the key pair is made.

sub new {
    my ($class, $t, %o) = @_;

    my $self = bless { t => $t, dir => 'store', key => 'release', %o },
        $class;

    $self->keygen($self->{key}) if defined $self->{key};

    return $self;
}


sub path  { return $_[0]{t}->path("$_[0]{dir}/$_[1]") }
sub store { return 'file:' . $_[0]{t}->path($_[0]{dir}) }
sub key   { return $_[0]{t}->path(($_[1] || $_[0]{key}) . '.key') }
sub pub   { return $_[0]{t}->path(($_[1] || $_[0]{key}) . '.pub') }


sub keygen {
    my ($self, $name) = @_;

    my ($rc, $out, $err)
        = $self->{t}->weirctl('keygen', $self->{t}->path($name));
    die "keygen: $err" if $rc ne '0';
}


# weirctl on this store, with its key where the verb signs: (rc, out, err).

sub ctl {
    my ($self, @args) = @_;

    my %env = (WEIR_STORE => $self->store);
    $env{WEIR_SIGN_KEY} = $self->key if defined $self->{key};

    return $self->{t}->weirctl(@args, { env => \%env });
}


# A folder of one policy that permits a method; with its test.

sub policies {
    my ($self, $name, $method, $more) = @_;

    $self->{t}->file("$name/orders.policy", <<"END" . ($more || ''));
language 1;
policy orders;
permit some { who anyone; what $method /**; }
test "some" { request $method /x; expect permit by some; }
END

    return $self->{t}->path($name);
}


# Envelopes: their payload, and the hash that fences and heads name it by.

sub payload {
    my ($text) = @_;

    return decode_base64($json->decode($text)->{payload});
}

sub document { return $json->decode(payload($_[0])) }
sub hash     { return 'sha256:' . sha256_hex(payload($_[0])) }

sub head {
    my ($self) = @_;

    return document(slurp($self->path('head.json')));
}

sub live {
    my ($self, $name) = @_;

    return document(slurp($self->path("live/$name.json")));
}


# The trail's lines, of all days.

sub trail {
    my ($self) = @_;

    return map { split /\n/, slurp($_) }
           sort glob $self->path('audit/*.jsonl');
}


sub time_text {
    return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($_[0]));
}


# Writes a report, as a gateway does; age => seconds makes it an old one.

sub report {
    my ($self, $node, %o) = @_;

    my $age = delete $o{age} || 0;
    my $now = time() - $age;

    my %report = (
        node => $node, version => '0.1.0', time => time_text($now),
        bundle => { version => 0, hash => undef, source => 'none',
                    trust => 'keys', signed => JSON::PP::false,
                    activated => undef, error => undef },
        store => { url => $self->store, state => 'up',
                   last_contact => time_text($now), error => undef },
        splits => {},
    );

    my $bundle = delete $o{bundle} || {};

    $report{bundle}{$_} = $bundle->{$_} for keys %$bundle;
    $report{$_} = $o{$_} for keys %o;

    return $self->raw_report($node, $json->encode(\%report), $now);
}


sub raw_report {
    my ($self, $node, $text, $time) = @_;

    mkdir $self->path($_) for '', 'gateways';

    my $file = $self->path("gateways/$node.json");

    spew("$file.new", $text);
    utime $time, $time, "$file.new" if defined $time;
    rename "$file.new", $file or die "$file: $!";
}


sub split_report {
    my ($source, $rev, %weights) = @_;

    return { source => $source, rev => $rev, colours => { map {
        ($_ => { weight => $weights{$_}, requests => 0 })
    } keys %weights } };
}


# A child that does what a gateway does with a head: sees it, and reports it,
# or what refuse => sub { document -> reason } says; unversioned => 1: of a
# document that it could not verify.

sub gateway {
    my ($self, $node, %o) = @_;

    my $refuse = delete $o{refuse};
    my $unversioned = delete $o{unversioned};

    $self->report($node, %o);

    return $self->{t}->spawn(sub {
        my $seen = -e $self->path('head.json')
                   ? slurp($self->path('head.json')) : '';

        for (;;) {
            my $head = -e $self->path('head.json')
                       ? slurp($self->path('head.json')) : '';

            if ($head ne $seen) {
                my $doc = document($head);
                my $why = $refuse && $refuse->($doc);
                my %bundle = %{ $o{bundle} || {} };

                if ($why) {
                    $bundle{error} = { reason => $why,
                                       message => "it is $why",
                                       version => $unversioned ? 0
                                                  : $doc->{version} };

                } else {
                    $bundle{version} = $doc->{version};
                    $bundle{hash} = hash($head);
                }

                $self->report($node, %o, bundle => \%bundle);
                $seen = $head;
            }

            Time::HiRes::sleep(0.02);
        }
    });
}


# The same with a live document of a split.

sub split_gateway {
    my ($self, $node, $split, %o) = @_;

    my $file = $self->path("live/split/$split.json");
    my %report = (splits => { $split => split_report('config', 0,
                                                     green => 0.05,
                                                     blue => 0.95) });
    $self->report($node, %report);

    return $self->{t}->spawn(sub {
        my $seen = '';

        for (;;) {
            my $text = -e $file ? slurp($file) : '';

            if ($text ne $seen) {
                my $doc = document($text);

                if ($o{refuse}) {
                    $report{splits}{$split}{error} = {
                        reason => $o{refuse}, message => "it is $o{refuse}",
                        version => $doc->{version} };

                } else {
                    $report{fences}{"split/$split"} = {
                        epoch => 0, version => $doc->{version},
                        hash => hash($text) };
                }

                $seen = $text;
            }

            $self->report($node, %report);
            Time::HiRes::sleep(0.02);
        }
    });
}


1;
