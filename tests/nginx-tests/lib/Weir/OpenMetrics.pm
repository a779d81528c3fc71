package Weir::OpenMetrics;

# A strict reader of OpenMetrics 1.0.0 text: what its specification says MUST
# is an error here, so that no scraper is asked to be lenient.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(openmetrics);

my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*/;
my $number = qr/[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN/;

my %suffixes = (
    counter        => [qw(_total _created)],
    gauge          => [''],
    histogram      => [qw(_bucket _count _sum _created)],
    gaugehistogram => [qw(_bucket _gcount _gsum)],
    summary        => [qw(_count _sum _created), ''],
    info           => ['_info'],
    stateset       => [''],
    unknown        => [''],
);


# openmetrics(TEXT): an object, or dies with the line and the rule that it
# breaks.

sub openmetrics {
    my ($text) = @_;

    my $self = bless { families => {}, order => [], samples => {} },
        __PACKAGE__;

    die "the text does not end with a line feed\n" unless $text =~ /\n\z/;
    die "a carriage return\n" if $text =~ /\r/;

    my @lines = split /\n/, $text, -1;
    pop @lines;

    my $last = pop @lines;
    die "the last line is not # EOF\n"
        unless defined $last && $last eq '# EOF';

    for my $i (0 .. $#lines) {
        $self->{n} = $i + 1;
        $self->line($lines[$i]);
    }

    $self->finish;

    return $self;
}


sub fail {
    my ($self, $rule) = @_;
    die "line $self->{n}: $rule\n";
}


sub line {
    my ($self, $line) = @_;

    $self->fail('an empty line') if $line eq '';

    if ($line =~ /^# (TYPE|UNIT|HELP) ($name) (.*)$/) {
        return $self->metadata($1, $2, $3);
    }

    if ($line =~ /^# (UNIT|HELP) ($name) ?$/) {
        return $self->metadata($1, $2, '');
    }

    $self->fail("neither metadata nor a sample: $line") if $line =~ /^#/;

    $line =~ /^($name)(?:\{(.*)\})? ($number)(?: ($number))?$/
        or $self->fail("no sample: $line");

    $self->sample($1, $2, $3);
}


sub metadata {
    my ($self, $what, $family, $value) = @_;

    my $f = $self->{current};

    if (!$f || $f->{name} ne $family) {
        $self->finish;
        $self->fail("the family $family is in two places")
            if $self->{families}{$family};

        $f = $self->{current} = { name => $family, samples => [] };
        $self->{families}{$family} = $f;
        push @{ $self->{order} }, $family;
    }

    $self->fail("$what after samples of $family") if @{ $f->{samples} };
    $self->fail("$what of $family twice") if defined $f->{$what};

    if ($what eq 'TYPE') {
        $self->fail("no such type: $value") unless $suffixes{$value};

    } elsif ($what eq 'UNIT') {
        $self->fail("$family does not end with its unit $value")
            if length $value && $family !~ /_\Q$value\E$/;

    } else {
        $self->fail('a bad escape in HELP') if $value =~ /\\(?![\\"n])/;
    }

    $f->{$what} = $value;
}


sub sample {
    my ($self, $metric, $labels, $value) = @_;

    my $f = $self->{current}
        or $self->fail("a sample before any family: $metric");

    my $type = $f->{TYPE}
        or $self->fail("the family $f->{name} has no TYPE");

    my ($suffix) = grep { $metric eq $f->{name} . $_ } @{ $suffixes{$type} };
    $self->fail("$metric is no sample of the $type $f->{name}")
        unless defined $suffix;

    $self->fail("a unit on a $type")
        if $type =~ /^(?:info|stateset)$/ && length($f->{UNIT} || '');

    my %labels = $self->labels($labels);
    my $key = join ',', map { "$_=\"$labels{$_}\"" } sort keys %labels;

    my %identity = %labels;
    delete $identity{le} if $suffix eq '_bucket';
    my $identity = join ',', map { "$_=\"$identity{$_}\"" } sort keys %identity;

    # the samples of one metric stand together

    if (!defined $f->{at} || $f->{at} ne $identity) {
        $self->fail("the samples of {$identity} are in two places")
            if $f->{seen}{$identity}++;
        $f->{at} = $identity;
    }

    my $sample = "$metric\{$key\}";
    $self->fail("$sample twice") if exists $self->{samples}{$sample};

    $self->fail("an info that is not 1") if $type eq 'info' && $value ne '1';
    $self->fail("$metric is negative or not a number")
        if $suffix =~ /^_(?:total|bucket|count)$/ && $value =~ /^-|NaN/;
    $self->fail("$metric is not whole")
        if $suffix =~ /^_(?:bucket|count)$/ && $value !~ /^\d+$/;

    if ($suffix eq '_bucket') {
        my $le = $labels{le};
        $self->fail('a bucket without le') unless defined $le;
        $self->fail("le is not in canonical form: $le")
            unless $le eq '+Inf' || $le =~ /^-?\d+\.\d+(?:e[+-]\d+)?$/;
        push @{ $f->{buckets}{$identity} },
            [$le eq '+Inf' ? 9**9**9 : $le, $value];

    } elsif ($suffix eq '_count') {
        $f->{count}{$identity} = $value;

    } elsif ($suffix eq '_sum') {
        $f->{sum}{$identity} = $value;
    }

    $self->fail('a quantile or le where none belongs')
        if $suffix ne '_bucket' && exists $labels{le};

    push @{ $f->{samples} }, [$metric, \%labels, $value];
    $self->{samples}{$sample} = $value;
}


sub labels {
    my ($self, $text) = @_;

    return () unless defined $text && length $text;

    my %labels;

    while (1) {
        $text =~ /\G($label)="((?:[^"\\\n]|\\[\\"n])*)"/gc
            or $self->fail("bad labels: $text");
        $self->fail("the label $1 twice") if exists $labels{$1};

        my ($key, $value) = ($1, $2);

        $self->fail("a reserved label: $key") if $key =~ /^__/;
        $value =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
        $labels{$key} = $value;

        last if $text =~ /\G\z/gc;
        $text =~ /\G,/gc or $self->fail("bad labels: $text");
    }

    return %labels;
}


# The rules that need the whole family.

sub finish {
    my ($self) = @_;

    my $f = delete $self->{current} or return;

    $self->fail("the family $f->{name} has no TYPE") unless $f->{TYPE};

    return unless $f->{TYPE} eq 'histogram';

    for my $identity (keys %{ $f->{seen} }) {
        my $buckets = $f->{buckets}{$identity} || [];
        my ($le, $n) = (-9**9**9, 0);

        for (@$buckets) {
            $self->fail("buckets of {$identity} are out of order")
                if $_->[0] <= $le;
            $self->fail("buckets of {$identity} do not add up")
                if $_->[1] < $n;
            ($le, $n) = @$_;
        }

        $self->fail("{$identity} has no bucket +Inf") if $le != 9**9**9;
        $self->fail("{$identity}: _count is not the last bucket")
            if !defined $f->{count}{$identity} || $f->{count}{$identity} != $n;
        $self->fail("{$identity} has no _sum")
            unless defined $f->{sum}{$identity};
    }
}


# The value of a sample, as it is written: value('weir_x_total{a="b"}'), its
# labels sorted; undef where there is none.

sub value {
    my ($self, $sample) = @_;
    return $self->{samples}{ $sample =~ /\{/ ? $sample : "$sample\{\}" };
}


sub families { return @{ $_[0]{order} } }
sub type     { return ($_[0]{families}{$_[1]} || {})->{TYPE} }
sub unit     { return ($_[0]{families}{$_[1]} || {})->{UNIT} }
sub help     { return ($_[0]{families}{$_[1]} || {})->{HELP} }


# All values that a label has anywhere.

sub label_values {
    my ($self, $label) = @_;

    my %values;

    for my $f (values %{ $self->{families} }) {
        for (@{ $f->{samples} }) {
            $values{ $_->[1]{$label} } = 1 if exists $_->[1]{$label};
        }
    }

    return sort keys %values;
}


# The sum of a metric over all its label sets.

sub total {
    my ($self, $metric) = @_;

    my $sum = 0;

    for (keys %{ $self->{samples} }) {
        $sum += $self->{samples}{$_} if /^\Q$metric\E\{/;
    }

    return $sum;
}


1;
