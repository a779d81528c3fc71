# A cache whose key contains $weir_principal serves subrequests as well: what
# is updated in the background is kept, and so are slices.

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Upstream;
use Weir::Gate;
use Time::HiRes qw(time);

my $t = Weir::Test->new(workers => 1);

my $up = Weir::Upstream->new($t, port => 'up', handler => sub {
    my ($r) = @_;

    my $body = 'for ' . ($r->header('X-Who') || 'nobody');

    if (my ($first) = ($r->header('Range') || '') =~ /^bytes=(\d+)-/) {
        my $all = "$body " . '0123456789' x 3;
        my $part = substr $all, $first, 10;

        return { status => 206, body => $part, headers => [
            'Content-Range' => sprintf('bytes %d-%d/%d', $first,
                                       $first + length($part) - 1,
                                       length $all)] };
    }

    return { body => "$body, " . time };
});

$t->http_conf(<<'END' =~ s/ISSUER/issuer($t)/er);
ISSUER
proxy_cache_path  %%TESTDIR%%/cache keys_zone=c:1m;

server {
    listen  127.0.0.1:%%PORT_0%%;

    weir_auth             corp;
    weir_policy           off;
    weir_identity_header  X-Who $weir_subject;

    proxy_cache   c;
    add_header    X-Cache $upstream_cache_status;

    location /own/ {
        proxy_cache_key                "$weir_principal $uri";
        proxy_cache_valid              1s;
        proxy_cache_use_stale          updating;
        proxy_cache_background_update  on;
        proxy_pass                     http://127.0.0.1:%%PORT_up%%;
    }

    location /shared/ {
        proxy_cache_key                "$uri";
        proxy_cache_valid              1s;
        proxy_cache_use_stale          updating;
        proxy_cache_background_update  on;
        proxy_pass                     http://127.0.0.1:%%PORT_up%%;
    }

    location /slice/ {
        slice              10;
        proxy_cache_key    "$weir_principal $uri $slice_range";
        proxy_cache_valid  200 206 1h;
        proxy_set_header   Range $slice_range;
        proxy_pass         http://127.0.0.1:%%PORT_up%%;
    }
}
END

$t->run;

sub get {
    my ($path, $who) = @_;
    return http_get($t->port, $path, headers => [bearer($who)]);
}

my $r = get('/own/x', 'alice');
is($r->header('X-Cache'), 'MISS', 'first');
like($r->body, qr/^for alice, .+$/, 'her own');
my $first = $r->body;

ok((wait_for { get('/own/x', 'alice')->header('X-Cache') eq 'STALE' }),
   'it becomes stale, and is updated in the background');

ok((wait_for {
    my $r = get('/own/x', 'alice');
    $r->body ne $first && $r->header('X-Cache') ne 'MISS'
}), 'what the update brought is kept');

like(get('/own/x', 'alice')->body, qr/^for alice, /, 'and is hers');
is(get('/own/x', 'bob')->header('X-Cache'), 'MISS', 'another has none of it');
like(get('/own/x', 'bob')->body, qr/^for bob, /, 'but his own');

for (1, 2) {
    $r = get('/shared/x', 'alice');
    is($r->header('X-Cache'), 'BYPASS', 'a shared key: past the cache');
    like(get('/shared/x', 'bob')->body, qr/^for bob, /, 'each his own');
}

my $before = $up->count;
is(get('/slice/x', 'alice')->body, 'for alice ' . '0123456789' x 3, 'slices');
my $slices = $up->count - $before;
is($slices, 4, 'four of them');
is(get('/slice/x', 'alice')->body, 'for alice ' . '0123456789' x 3, 'again');
is($up->count - $before, $slices, 'now from the cache');
is(get('/slice/x', 'bob')->body, 'for bob ' . '0123456789' x 3,
   "not for another's principal");

done_testing();
