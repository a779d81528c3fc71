# nginx's scripts ask a variable twice, for its length and for its bytes: what
# grows in between would be written behind the end of a buffer.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new(workers => 1);

$t->http_conf(<<'END');
weir_trace on;

map $weir_latency_us $mapped { default "$weir_latency_us"; }

server {
    listen  127.0.0.1:%%PORT_0%%;
    weir_policy  off;

    location /set/ { set $a "$weir_latency_us$weir_latency_us";
                     return 200 "$a\n"; }
    location /if/  { if ($uri = "$weir_latency_us") { return 204; }
                     return 200 "1\n"; }
    location /map/ { set $a "$mapped-$weir_latency_us"; return 200 "$a\n"; }
}
END

$t->run;

# many at once: each request begins a little later than the one before

for my $path ('/set/', '/if/', '/map/') {

    my $answers = 0;

    for my $round (1 .. 100) {
        my $c = Weir::Net->new(port => $t->port);
        my $get = "GET $path HTTP/1.1\r\nHost: a\r\n";
        $c->send("$get\r\n" x 49 . "${get}Connection: close\r\n\r\n");

        my $all = $c->read_all;
        $answers += () = $all =~ m{^HTTP/1\.1 200 }mg;

        for my $pair ($all =~ /^(\d+)$/mg) {
            next unless $path eq '/set/';
            my $half = substr $pair, 0, length($pair) / 2;
            $pair eq "$half$half" or ok(0, "one request, two times: $pair");
        }
    }

    is($answers, 5000, "$path: all are answered");
}

done_testing();
