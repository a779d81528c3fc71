package Weir::Store;

# A file: store as a test wants it, also in ways that weirctl refuses: keys,
# envelopes, bundles and live documents, made with openssl alone.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX qw(strftime);
use Time::HiRes ();

use Weir::Net qw(spew slurp);


# Options: dir (TESTDIR/store), ns (weir).

sub new {
    my ($class, $t, %o) = @_;

    my $self = bless {
        t => $t, dir => $t->path('store'), ns => 'weir', keys => {},
        version => 0, splits => {}, %o,
    }, $class;

    make_path($self->{dir});
    chmod 0755, $self->{dir};

    return $self;
}


sub dir  { return $_[0]{dir} }
sub url  { return "file:$_[0]{dir}" }
sub path { return "$_[0]{dir}/$_[1]" }


# A key pair of that name; the public one's file for weir_trust.

sub key {
    my ($self, $name) = @_;

    my $base = $self->{t}->path($name);

    $self->{keys}{$name} ||= do {
        run('openssl', 'genpkey', '-algorithm', 'ed25519', '-out',
            "$base.key");
        run('openssl', 'pkey', '-in', "$base.key", '-pubout', '-out',
            "$base.pub");

        my $pem = slurp("$base.pub");
        $pem =~ s/-----[^-]+-----//g;
        my $raw = substr decode_base64($pem), -32;

        { file => "$base.key", id => substr(sha256_hex($raw), 0, 16) };
    };

    return "$base.pub";
}


sub run {
    my @argv = @_;
    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec { $argv[0] } @argv or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    die "@argv: $?" if $?;
}


sub sign {
    my ($self, $name, $pae) = @_;

    my $in = $self->{t}->path("pae.$$");
    my $out = $self->{t}->path("sig.$$");

    $self->key($name);
    spew($in, $pae);
    run('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey',
        $self->{keys}{$name}{file}, '-in', $in, '-out', $out);

    my $sig = slurp($out);
    unlink $in, $out;

    return $sig;
}


# The envelope of a payload's text.  keys: names; kind.

sub envelope {
    my ($self, $kind, $payload, @keys) = @_;

    my $type = "application/vnd.weir.$kind.v1+json";
    my $pae = sprintf 'DSSEv1 %d %s %d %s', length $type, $type,
                      length $payload, $payload;

    my @sigs = map {
        my $sig = $self->sign($_, $pae);
        qq({"keyid":"$self->{keys}{$_}{id}","sig":")
            . encode_base64($sig, '') . '"}'
    } @keys;

    return qq({"payloadType":"$type","payload":")
           . encode_base64($payload, '') . '","signatures":['
           . join(',', @sigs) . ']}';
}


sub time_text { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

my $json = JSON::PP->new->canonical->allow_nonref;


# A payload: what all have, and further members as JSON text.

sub payload {
    my ($self, $kind, $id, %o) = @_;

    my %m = (
        namespace => $self->{ns}, kind => $kind, id => $id, version => 1,
        previous => undef, issued => time_text(time), expires => undef,
        epoch => 0, by => 'test', reason => 'test', %{ $o{set} || {} },
    );

    $m{$_} = $o{$_} for grep { exists $o{$_} } keys %m;

    my @members = map {
        my $text = $json->encode($m{$_});
        $text = $m{$_} if /^(?:version|epoch)$/;
        qq("$_":$text)
    } qw(namespace kind id version previous issued expires epoch by reason);

    return '{' . join(',', @members, $o{more} ? $o{more} : ()) . '}';
}


# The head's text: files => { NAME => TEXT }, or segments => [ TEXT ].
# Options: those of payload, keys => [NAME...], live_min => {}, activate_at.

sub bundle {
    my ($self, %o) = @_;

    my $version = $o{version} || ++$self->{version};
    $self->{version} = $version if $version > $self->{version}
                                   && $version < 1000000;

    my $content;

    if ($o{segments}) {
        my @list = map { qq({"hash":"sha256:) . sha256_hex($_)
                         . qq(","size":) . length($_) . '}' }
                   @{ $o{segments} };
        $content = '"segments":[' . join(',', @list) . ']';

    } else {
        $content = '"files":' . $json->encode($o{files});
    }

    my $min = $json->encode({ %{ $o{live_min} || {} } });
    my $at = $json->encode($o{activate_at});

    return $self->envelope('bundle',
        $self->payload('bundle', 'head', %o, version => $version, more =>
            qq("activate_at":$at,"tool":"weirctl 0.1.0","live_min":$min,)
            . $content),
        @{ $o{keys} || [] });
}


# Puts bytes in place as the store does: beside, then renamed.

sub put {
    my ($self, $name, $bytes) = @_;

    my $path = $self->path($name);
    my ($dir) = $path =~ m{(.*)/};

    make_path($dir);
    chmod 0755, $dir;
    spew("$path.tmp", $bytes);
    chmod 0644, "$path.tmp";
    rename "$path.tmp", $path or die "$path: $!";
}


# Publishes a bundle; returns its text.

sub push_bundle {
    my ($self, %o) = @_;

    $self->put('segments/' . sha256_hex($_), $_) for @{ $o{segments} || [] };

    my $text = $self->bundle(%o);
    $self->put('head.json', $text);

    return $text;
}


# Publishes weights: { green => 2500 }, or undef for a tombstone.

sub push_split {
    my ($self, $name, $weights, %o) = @_;

    my $version = $o{version} || ++$self->{splits}{$name};

    my $text = $weights
        ? $self->envelope('split',
              $self->payload('split', $name, %o, version => $version,
                  more => '"weights":' . $json->encode($weights)),
              @{ $o{keys} || [] })
        : $self->envelope('tombstone',
              $self->payload('tombstone', "split/$name", %o,
                             version => $version), @{ $o{keys} || [] });

    $self->put("live/split/$name.json", $text);

    return $text;
}


# What a gateway says of itself.

sub report {
    my ($self, $node) = @_;

    my $text = slurp($self->path("gateways/$node.json"));

    return eval { $json->decode($text) };
}


# How far a keeper has come with what it does for the store: the processor
# time of its threads beside the first one, in ms.

sub thread_work {
    my ($pid) = @_;
    my $ns = 0;

    for my $task (grep { !m{/$pid\z} } glob "/proc/$pid/task/*") {
        $ns += (split ' ', slurp("$task/schedstat"))[0] || 0;
    }

    return $ns / 1e6;
}


# Waits until that has grown to so much: true; or until it is known to be over
# ($over->() is true) with less: false.

sub wait_thread_work {
    my ($pid, $ms, $over) = @_;

    my $end = Time::HiRes::time() + 10 * Weir::Net::deadline_factor();

    for (my $n = 1; Time::HiRes::time() < $end; $n++) {
        return 1 if thread_work($pid) >= $ms;
        return 0 if $n % 100 == 0 && $over->();
        Time::HiRes::usleep(200);
    }

    die "deadline passed while waiting for work of $pid";
}


1;
