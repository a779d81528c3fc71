# tracestate: joining, what is dropped, what is cut, and that it only goes
# with a trace that is continued.

use Weir::Test;
use Weir::Upstream;

my $t = Weir::Test->new;
my $up = Weir::Upstream->new($t);

$t->http_conf(<<"END");
    weir_trace on;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        large_client_header_buffers 8 16k;

        location /restart/ {
            proxy_pass http://@{[ $up->address ]};
        }
        location /ids/ {
            weir_trace_trust ids;
            proxy_pass http://@{[ $up->address ]};
        }
        location /full/ {
            weir_trace_trust full;
            proxy_pass http://@{[ $up->address ]};
        }
    }
END
$t->run;

my $parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';


sub state {
    my ($path, @fields) = @_;

    http($t->port, join("\r\n", "GET $path HTTP/1.1", 'Host: localhost',
                        (map { "tracestate: $_" } @fields),
                        "traceparent: $parent", 'Connection: close', '', ''));

    my @values = $up->last->header('tracestate');

    return 'several' if @values > 1;
    return @values ? $values[0] : 'none';
}

sub check {
    my ($expected, @fields) = @_;
    (my $name = join ' | ', map { length > 60 ? substr($_, 0, 60) : $_ }
                            @fields) =~ s/\t/\\t/g;
    is(state('/full/', @fields), $expected, "[$name]");
}


is(state('/restart/', 'a=1'), 'none', 'restart drops it');
is(state('/ids/', 'a=1,b=2'), 'a=1,b=2', 'ids keeps it');
is(state('/full/', 'a=1,b=2'), 'a=1,b=2', 'full keeps it');

http_get($t->port, '/full/', headers => [tracestate => 'a=1']);
is($up->last->header('tracestate'), undef, 'none without a traceparent');

http_get($t->port, '/full/', headers => [tracestate => 'a=1',
                                         traceparent => 'junk']);
is($up->last->header('tracestate'), undef, 'none with an invalid one');


# joining

check('foo=1,bar=2,rojo=1,congo=2,baz=3',
      'foo=1,bar=2', 'rojo=1,congo=2', 'baz=3');
check('foo=1', 'foo=1', '');
check('foo=1', '', 'foo=1');
check('foo=1,bar=2', 'foo=1,,', ' , ', ',bar=2');
check('foo=1,bar=2,baz=3', "foo=1 \t , \t bar=2, \t baz=3");
check('foo=1', "\tfoo=1\t");
check('foo=1', "\t foo=1 \t");
check('foo=  1', 'foo=  1');

# an empty one does not go on

check('none', '');
check('none', '', '', "\t");
check('none', ',,,');

# the same key twice stays as it came

check('foo=1,foo=1', 'foo=1,foo=1');
check('foo=1,foo=2', 'foo=1', 'foo=2');

# keys and values

my $chars = join '', 'a' .. 'z', 0 .. 9, '_-*/';
my $value = join '', map { chr } grep { $_ != 0x2c && $_ != 0x3d } 0x20 .. 0x7e;

check("$chars=$value", "$chars=$value");
check("$chars\@a-z0-9_-*/=$value", "$chars\@a-z0-9_-*/=$value");
check('foo@=1,bar=2', 'foo@=1,bar=2');
check('foo@@bar=1', 'foo@@bar=1');
check('1a=1', '1a=1');

check('foo=1,' . 'z' x 256 . '=1', 'foo=1', 'z' x 256 . '=1');
check('none', 'foo=1', 'z' x 257 . '=1');
check('z=' . 'v' x 256, 'z=' . 'v' x 256);
check('none', 'z=' . 'v' x 257);

# one bad member takes all with it, and leaves the traceparent

for ('foo =1', 'FOO=1', 'foo.bar=1', '@foo=1,bar=2', 'foo=bar=baz',
     'foo=,bar=3', 'foo', 'ok=1,foo', '=1', "foo=a\tb", "foo=\xe4", '_a=1',
     "foo=1;bar=2=3")
{
    check('none', $_);
    like($up->last->header('traceparent'),
         qr/^00-4bf92f3577b34da6a3ce929d0e0e4736-/, 'the trace goes on');
}

check('none', 'good=1', 'bad', 'good=2');

# 32 members

my @members = map { sprintf 'bar%02d=%02d', $_, $_ } 1 .. 33;

check(join(',', @members[0 .. 31]), join(',', @members[0 .. 9]),
      join(',', @members[10 .. 31]));
check('none', join(',', @members[0 .. 9]), join(',', @members[10 .. 32]));
check(join(',', @members[0 .. 31]), join(',', @members[0 .. 9]), ',,,',
      join(',', @members[10 .. 31]), ' , ');

# 4096 bytes go on; whole members fall off, long ones first

my @big = map { sprintf 'k%02d=%s', $_, 'v' x 124 } 1 .. 32;    # 32 * 128

check(join(',', @big[0 .. 30]), join(',', @big));      # 4127: one too many

my @mixed = (map({ "s$_=1" } 1 .. 9), map({ "l$_=" . 'v' x 250 } 1 .. 17));

{
    # 9 * 4 + 17 * 253 and some, 25 commas: one long one less fits
    my $got = state('/full/', join ',', @mixed);
    my @left = split /,/, $got;

    cmp_ok(length $got, '<=', 4096, 'cut to 4096 bytes');
    cmp_ok(length $got, '>=', 4096 - 256, 'and not by more than needed');
    is(join(',', @left), join(',', @mixed[0 .. $#left]),
       'in order, the last long ones are missing');
}

{
    my @order = (map({ "l$_=" . 'v' x 250 } 1 .. 17), 's1=1', 's2=2');
    my $got = state('/full/', join ',', @order);

    like($got, qr/,s1=1,s2=2$/, 'short ones stay, though rightmost');
    unlike($got, qr/l17=/, 'the rightmost long one went');
}

done_testing;
