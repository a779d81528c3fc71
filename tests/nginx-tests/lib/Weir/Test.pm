package Weir::Test;

# One test of a real nginx: a folder, ports, a configuration, the processes,
# and at the end the assertions that every test makes.  See docs/testing.md.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h setpgid);
use Test2::API ();
use Test::More ();
use Time::HiRes qw(time usleep);

use Weir::Net qw(wait_for slurp spew allocate_port deadline_factor);
use Weir::HTTP;
use Weir::HTTP2;

my $top = abs_path(dirname(__FILE__) . '/../../../..');
my @tests;
my $owner = $$;
my $finished;


# A test file says `use Weir::Test` alone: it gets Test::More, the clients
# and the helpers.  done_testing is ours.

sub import {
    my ($class, @args) = @_;

    my $caller = caller;

    strict->import;
    warnings->import;

    no strict 'refs';

    for my $name (@Test::More::EXPORT) {
        next if $name eq 'done_testing' || $name !~ /^\w+$/;
        *{"${caller}::$name"} = \&{"Test::More::$name"};
    }

    for my $name (@Weir::HTTP::EXPORT) {
        *{"${caller}::$name"} = \&{"Weir::HTTP::$name"};
    }

    for my $name (@Weir::HTTP2::EXPORT) {
        *{"${caller}::$name"} = \&{"Weir::HTTP2::$name"};
    }

    *{"${caller}::$_"} = \&{"Weir::Net::$_"} for qw(wait_for slurp spew);
    *{"${caller}::done_testing"} = \&done_testing;

    Test::More->builder->exported_to($caller);
}


# Options: workers (2), user (nobody; root stays root with user => 'root'),
# log_level (info), binary, module, globals and http (further lines for the
# two levels), env => [NAME...], assert => 0 (no test: a script that wants a
# folder and processes).

sub new {
    my ($class, %o) = @_;

    my $dir = abs_path(tempdir('weir-XXXXXX', TMPDIR => 1));
    chmod 0755, $dir;

    my $self = bless {
        dir => $dir, ports => {}, children => [], allowed => [],
        workers_seen => {}, workers => 2, log_level => 'info',
        user => $> == 0 ? 'nobody nogroup' : undef, env => [],
        globals => '', http => '', owner => $$, assert => 1, %o,
    }, $class;

    mkdir "$dir/$_" or croak "$dir/$_: $!" for qw(tmp san);
    chmod 0777, "$dir/tmp", "$dir/san";
    spew("$dir/lsan.supp",
         "leak:ngx_event_process_init\nleak:ngx_regex_malloc\n");

    $self->{binary} ||= $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx';

    $self->{module} = $ENV{TEST_NGINX_MODULE} unless defined $self->{module};

    if (!defined $self->{module}) {
        my $module = "$top/build/ngx_http_weir_module.so";
        $self->{module} = $self->static ? '' : $module;
    }

    push @tests, $self;
    return $self;
}


sub dir    { return $_[0]{dir} }
sub path   { return "$_[0]{dir}/$_[1]" }
sub top    { return $top }
sub pid    { return $_[0]{pid} }
sub binary { return $_[0]{binary} }


# What this nginx is: the text of -V, whether modules are inside, its version
# as a number (1022001).

sub build_info {
    my ($self) = @_;

    our %info;

    return $info{ $self->{binary} } ||= do {
        local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
        my $text = qx('$self->{binary}' -V 2>&1);
        croak "$self->{binary} -V: $text" if $?;
        $text;
    };
}

sub static   { return $_[0]->build_info =~ / --add-module=/ ? 1 : 0 }
sub sanitize { return $_[0]->build_info =~ /-fsanitize=/ ? 1 : 0 }

sub version {
    my ($self) = @_;
    $self->build_info =~ m{nginx/(\d+)\.(\d+)\.(\d+)} or croak 'no version';
    return $1 * 1000000 + $2 * 1000 + $3;
}


# The port of a name (%%PORT_name%% in the configuration), allocated when
# first asked for.

sub port {
    my ($self, $name) = @_;
    $name = 0 unless defined $name;
    return $self->{ports}{$name} ||= allocate_port();
}


sub expand {
    my ($self, $text) = @_;

    $text =~ s/%%PORT_(\w+)%%/$self->port($1)/ge;
    $text =~ s/%%TESTDIR%%/$self->{dir}/g;
    $text =~ s/%%TOP%%/$top/g;

    return $text;
}


# A file in the test's folder, with its placeholders filled in.

sub file {
    my ($self, $name, $text, $mode) = @_;

    my $path = $self->path($name);
    File::Path::make_path(dirname($path));
    spew($path, $self->expand($text));
    chmod $mode, $path if defined $mode;

    return $path;
}


# The lines that every configuration needs go before its first line and after
# `http {`, without a line break: the numbers in nginx's messages stay those
# of the test's text.

sub configuration {
    my ($self, $text) = @_;

    my $d = $self->{dir};

    my $globals = "daemon off; pid $d/nginx.pid; "
                  . "error_log $d/error.log $self->{log_level}; ";
    $globals .= "worker_processes $self->{workers}; "
        unless $text =~ /^\s*worker_processes/m;
    $globals .= "user $self->{user}; "
        if $self->{user} && $text !~ /^\s*user\s/m;
    $globals .= "load_module $self->{module}; "
        if length $self->{module} && $text !~ /^\s*load_module .*weir/m;
    $globals .= "env $_; " for qw(ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS),
                              @{ $self->{env} };
    $globals .= $self->{globals};

    my $http = join '', map { " ${_}_temp_path $d/tmp/$_;" }
               qw(client_body proxy fastcgi uwsgi scgi);
    $http .= " access_log $d/access.log;"
        unless $text =~ /^\s{0,4}access_log/m;
    $http .= " $self->{http}";

    $text =~ s/((?:^|\s|[;{}])http\s*\{)/$1$http/;

    return $self->expand("$globals$text");
}


sub conf {
    my ($self, $text) = @_;
    spew($self->path('nginx.conf'), $self->configuration($text));
    return $self;
}


# The same for a test that needs no more than what is inside http {}.

sub http_conf {
    my ($self, $text) = @_;
    return $self->conf("events {} http {\n$text\n}\n");
}


sub command {
    my ($self, $conf) = @_;

    return ($self->{binary}, '-p', "$self->{dir}/", '-c',
            $conf || "$self->{dir}/nginx.conf", '-e', "$self->{dir}/error.log");
}


# Sanitizers write their reports into files of the test's folder; what leaks
# by itself in nginx is named in lsan.supp.

sub environment {
    my ($self) = @_;

    my $d = $self->{dir};

    return (
        ASAN_OPTIONS => "log_path=$d/san/asan:detect_odr_violation=0:"
                        . 'detect_stack_use_after_return=1:'
                        . 'abort_on_error=0:detect_leaks='
                        . (defined $ENV{TEST_NGINX_LEAKS}
                           ? $ENV{TEST_NGINX_LEAKS} : 1),
        UBSAN_OPTIONS => "log_path=$d/san/ubsan:print_stacktrace=1",
        LSAN_OPTIONS => "suppressions=$d/lsan.supp:print_suppressions=0",
    );
}


# nginx -t: its exit code and what it printed.  With a text, that is tested
# and the test's own configuration stays as it is.

sub test_config {
    my ($self, $text) = @_;

    my $conf = "$self->{dir}/nginx.conf";

    if (defined $text) {
        $conf = $self->path('tested.conf');
        spew($conf, $self->configuration($text));
    }

    # -t ends without freeing anything

    my %env = $self->environment;
    $env{ASAN_OPTIONS} .= ':detect_leaks=0';

    my ($rc, $out, $err) = $self->execute([$self->command($conf), '-t'],
        env => { ASAN_OPTIONS => $env{ASAN_OPTIONS} });

    return ($rc, $out . $err);
}


# Runs a program to its end: exit code (or "signal N"), stdout, stderr.
# Options: stdin, env => {}, seconds (60).

sub execute {
    my ($self, $argv, %o) = @_;

    my ($in, $out, $err) = map { $self->path("exec.$_.$$") } qw(in out err);
    spew($in, defined $o{stdin} ? $o{stdin} : '');

    my $pid = $self->spawn(sub {
        $ENV{$_} = $o{env}{$_} for keys %{ $o{env} || {} };
        chdir $o{chdir} if $o{chdir};
        open(STDIN, '<', $in) && open(STDOUT, '>', $out)
            && open(STDERR, '>', $err) or POSIX::_exit(126);
        exec { $argv->[0] } @$argv;
    });

    my $status = $self->reap($pid, $o{seconds} || 60);
    $self->kill_child($pid) unless defined $status;

    my @result = (slurp($out), slurp($err));
    unlink $in, $out, $err;

    croak "$argv->[0] did not end:\n@result" unless defined $status;

    return ($status & 127 ? 'signal ' . ($status & 127) : $status >> 8,
            @result);
}


sub weirctl {
    my ($self, @args) = @_;

    my %o = @args && ref $args[-1] eq 'HASH' ? %{ pop @args } : ();
    my $build = $ENV{WEIR_BUILD} || "$top/build";

    return $self->execute(["$build/weirctl", @args], %o);
}


# A child in a process group of its own; whatever is left of it is ended when
# the test is.

sub spawn {
    my ($self, $code) = @_;

    my $pid = fork;
    croak "fork: $!" unless defined $pid;

    if ($pid == 0) {
        setpgid(0, 0);
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        my %env = $self->environment;
        @ENV{ keys %env } = values %env;
        eval { $code->() };
        warn $@ if $@;
        POSIX::_exit(127);
    }

    setpgid($pid, $pid);
    push @{ $self->{children} }, $pid;

    return $pid;
}


# Waits for a child's end: its status, or undef after the deadline.

sub reap {
    my ($self, $pid, $seconds) = @_;

    my $status;

    eval {
        wait_for {
            waitpid($pid, WNOHANG) == $pid or return 0;
            $status = $?;
            return 1;
        } $seconds, "end of $pid";
    };

    return undef unless defined $status;

    @{ $self->{children} } = grep { $_ != $pid } @{ $self->{children} };

    return $status;
}


sub kill_child {
    my ($self, $pid) = @_;

    kill 'TERM', -$pid;
    return if defined $self->reap($pid, 3);
    kill 'KILL', -$pid;
    $self->reap($pid, 3);
}


# The worker processes of our master that are not on their way out.

sub worker_pids {
    my ($self) = @_;

    my @pids;

    for my $pid ($self->child_pids) {
        my $title = slurp("/proc/$pid/cmdline");
        push @pids, $pid if $title =~ /^nginx: worker process(?! is)/;
    }

    $self->{workers_seen}{$_} ||= start_time($_) for @pids;

    @pids = sort { $a <=> $b } @pids;

    return @pids;
}


sub child_pids {
    my ($self) = @_;

    my @pids;

    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($pid, $ppid) = slurp($stat) =~ /^(\d+) \(.*\) \S+ (\d+)/s or next;
        push @pids, $pid if $ppid == $self->{pid};
    }

    return @pids;
}


# A process number alone may be given to another process later.

sub start_time {
    my ($pid) = @_;
    my ($rest) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) (.*)/s or return 0;
    return (split ' ', $rest)[19];
}


# True where this very process still exists (and is no zombie).

sub alive {
    my ($pid, $start) = @_;
    my ($rest) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) (.*)/s or return 0;
    my @f = split ' ', $rest;
    return $f[0] ne 'Z' && $f[19] == $start;
}


# Starts nginx and waits until its workers run.  Dies with nginx's message
# where it does not start.

sub run {
    my ($self) = @_;

    my @command = $self->command;

    $self->{pid} = $self->spawn(sub {
        open(STDOUT, '>>', $self->path('stdout'));
        open(STDERR, '>>', $self->path('stderr'));
        exec { $command[0] } @command;
    });

    my $text = slurp($self->path('nginx.conf'));
    my ($n) = $text =~ /\bworker_processes\s+(\d+);/;
    $self->{expected} = $n || 1;

    wait_for {
        if (waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
            $self->{pid} = undef;
            croak "nginx did not start:\n" . slurp($self->path('stderr'))
                  . $self->error_log;
        }
        -s $self->path('nginx.pid')
            && $self->worker_pids == $self->{expected};
    } 30, 'the start of nginx';

    return $self;
}


# Reloads; by default waits until all new workers run and all old ones have
# gone, and returns true.  wait_old => 0: does not wait for the old ones.  A
# configuration that nginx refuses returns false, the old workers stay.

sub reload {
    my ($self, %o) = @_;

    my @old = $self->worker_pids;
    my %old = map { $_ => $self->{workers_seen}{$_} } @old;
    my $mark = length $self->error_log;

    kill 'HUP', $self->{pid};

    my $ok = wait_for {
        my $log = substr $self->error_log, $mark;
        return 'no' if $log =~ /\[emerg\]/ && $log !~ /start worker process/;
        my @new = grep { !$old{$_} } $self->worker_pids;
        return @new == $self->{expected} ? 'yes' : 0;
    } 30, 'a reload';

    return 0 if $ok eq 'no';

    wait_for {
        !grep { alive($_, $old{$_}) } @old;
    } $o{seconds} || 20, 'the end of the old workers'
        unless exists $o{wait_old} && !$o{wait_old};

    return 1;
}


# Stops nginx as SIGQUIT does: what is open may end.  Returns the exit status
# of the master, undef where it had to be killed.

sub stop {
    my ($self, $signal) = @_;

    return 0 unless $self->{pid};

    $self->worker_pids;
    kill $signal || 'QUIT', $self->{pid};

    my $pid = $self->{pid};
    my $status = $self->reap($pid, 15);
    $self->kill_child($pid) unless defined $status;

    $self->{pid} = undef;
    $self->{stop_status} = defined $status ? $status : 'killed';

    return $status;
}


sub signal {
    my ($self, $signal) = @_;
    kill $signal, $self->{pid};
}


sub error_log  { return slurp($_[0]->path('error.log')) }
sub access_log { return slurp($_[0]->path('access.log')) }


# The lines of error.log that match.

sub log_lines {
    my ($self, $re) = @_;
    return grep { /$re/ } split /\n/, $self->error_log;
}


# The access log is written after the response was sent.

sub wait_access_log {
    my ($self, $re, $seconds) = @_;

    return wait_for { $self->access_log =~ /$re/ ? 1 : 0 } $seconds || 5,
        "access log line $re";
}


sub wait_error_log {
    my ($self, $re, $seconds) = @_;

    return wait_for { $self->error_log =~ /$re/ ? 1 : 0 } $seconds || 5,
        "error log line $re";
}


# Names an [alert] or [emerg] that this test provokes.

sub allow {
    my ($self, @re) = @_;
    push @{ $self->{allowed} }, @re;
    return $self;
}


# A key and a self-signed certificate: NAME.key, NAME.crt.  With ca => OTHER,
# signed by that one.  Options: cn, san ("DNS:a,IP:127.0.0.1"), days, ext.

sub make_cert {
    my ($self, $name, %o) = @_;

    my $d = $self->{dir};
    my $cn = $o{cn} || $name;
    my $san = $o{san} || 'DNS:localhost,IP:127.0.0.1';
    my $ca = $o{is_ca} ? 'critical,CA:TRUE' : 'CA:FALSE';

    my $ext = "[v3]\nsubjectAltName=$san\nbasicConstraints=$ca\n"
              . ($o{ext} ? "$o{ext}\n" : '');

    spew("$d/$name.cnf", "[req]\ndistinguished_name=dn\n[dn]\n$ext");

    my @sign = $o{ca} ? ('-CA', "$d/$o{ca}.crt", '-CAkey', "$d/$o{ca}.key")
                      : ('-key', "$d/$name.key");

    my @key = ('openssl', 'ecparam', '-name', 'prime256v1', '-genkey',
               '-noout', '-out', "$d/$name.key");
    my @csr = ('openssl', 'req', '-new', '-config', "$d/$name.cnf", '-subj',
               "/CN=$cn", '-key', "$d/$name.key", '-out', "$d/$name.csr");
    my @crt = ('openssl', 'x509', '-req', '-in', "$d/$name.csr", '-days',
               $o{days} || 2, '-extfile', "$d/$name.cnf", '-extensions',
               'v3', '-set_serial', 1 + int(rand(1 << 30)), '-out',
               "$d/$name.crt",
               $o{ca} ? @sign : ('-signkey', "$d/$name.key"));

    for my $argv (\@key, \@csr, \@crt) {
        my ($rc, $out, $err) = $self->execute($argv);
        croak "openssl: $err" if $rc ne '0';
    }

    return "$d/$name.crt";
}


# The assertions that every test makes at its end.

sub assert_end {
    my ($self) = @_;

    my $status = $self->stop;

    Test::More::is($self->{stop_status} || 0, 0, 'nginx ended by itself');

    my @bad = grep { my $line = $_; !grep { $line =~ /$_/ }
                     @{ $self->{allowed} } }
              $self->log_lines(qr/\[(?:alert|emerg)\]/);

    Test::More::is(join("\n", @bad), '', 'no alert in the error log');

    my @killed = grep { my $line = $_; !grep { $line =~ /$_/ }
                        @{ $self->{allowed} } }
                 $self->log_lines(qr/exited on signal/);

    Test::More::is(join("\n", @killed), '', 'no process was killed');

    my $seen = $self->{workers_seen};
    my @left;

    eval {
        wait_for {
            @left = grep { alive($_, $seen->{$_}) } keys %$seen;
            !@left;
        } 10;
    };

    Test::More::is(join(' ', @left), '', 'no worker is left');

    my @reports = glob "$self->{dir}/san/*";

    Test::More::is(join('', map { slurp($_) } @reports), '',
                   'no sanitizer report');
}


sub done_testing {
    $finished = 1;
    $_->assert_end for grep { $_->{assert} } @tests;
    Test::More::done_testing();
}


sub cleanup {
    my ($self) = @_;

    return if $$ != $self->{owner};

    $self->kill_child($_) for reverse @{ $self->{children} };
    @{ $self->{children} } = ();

    if (!$ENV{TEST_NGINX_LEAVE}) {
        remove_tree($self->{dir}, { safe => 0 });

    } else {
        Test::More::diag("left: $self->{dir}");
    }
}


$SIG{$_} = sub { die "signal $_[0]\n" } for qw(INT TERM HUP);


END {
    if ($$ == $owner) {
        my $code = $?;

        # a file that forgot its done_testing makes the assertions too, one
        # that died does not

        my @asserted = grep { $_->{assert} } @tests;

        my $plan = Test2::API::test2_stack()->top->plan || '';

        done_testing() if !$finished && $code == 0 && @asserted
                          && $plan ne 'SKIP';

        if (@asserted && !Test::More->builder->is_passing) {
            for my $t (@asserted) {
                my @lines = split /\n/, $t->error_log;
                @lines = grep { !/\[(?:debug|info)\]/ } @lines;
                splice @lines, 0, -20 if @lines > 20;
                Test::More::diag("error.log of $t->{dir}:\n",
                                 join "\n", @lines);
            }
        }

        $_->cleanup for @tests;
        $? = $code;
    }
}


1;
