# Perl's Redis: commands, transactions, scripts, messages.
use strict;
use warnings;
use Redis;

$| = 1;
my $port = $ENV{SNUG_PORT};

sub connected { return Redis->new(server => "127.0.0.1:$port", read_timeout => 10) }

sub check {
    my ($name, $body) = @_;
    if (eval { $body->(); 1 }) {
        print "ok $name\n";
    } else {
        my $why = $@;
        $why =~ s/\n/ | /g;
        print "not ok $name: $why\n";
    }
    return;
}

# Compares lists of plain values.
sub same {
    my ($expected, $given) = @_;
    my ($one, $two) = map { join ",", map { ref $_ ? "[@$_]" : $_ // "nil" } @$_ } $expected, $given;
    die "expected $one, got $two" if $one ne $two;
    return;
}

my $redis = connected();

check("commands", sub {
    same(["OK"], [$redis->set("s", "value")]);
    same(["value", undef], [$redis->get("s"), $redis->get("absent")]);
    same([2], [$redis->hset("h", "a", 1, "b", 2)]);
    same([1, 2], [sort $redis->hvals("h")]);
    same([3], [$redis->rpush("l", 1, 2, 3)]);
    same([1, 2, 3], [$redis->lrange("l", 0, -1)]);
    eval { $redis->incr("s"); 1 } and die "no error";
    die $@ if $@ !~ /ERR value is not an integer or out of range/;
});

check("replies that are called back", sub {
    my @replies;
    $redis->incr("n", sub { push @replies, $_[0] }) for 1 .. 500;
    $redis->wait_all_responses;
    same([1 .. 500], \@replies);
});

check("a transaction", sub {
    $redis->multi;
    $redis->set("t", 1);
    $redis->incr("t");
    same(["OK", 2], [$redis->exec]);
});

check("a script", sub {
    same(["k", "a", 3], [$redis->eval("return {KEYS[1], ARGV[1], 3}", 1, "k", "a")]);
    my $sha = $redis->script_load("return redis.call('INCR', KEYS[1])");
    same([1], [$redis->evalsha($sha, 1, "counter")]);
});

check("publish and subscribe", sub {
    my $subscriber = connected();
    my @heard;
    my $listen = sub { my ($message, $topic) = @_; push @heard, "$topic=$message" };
    $subscriber->subscribe("news", $listen);
    $subscriber->psubscribe("log.*", $listen);
    $redis->publish("news", 1);
    $redis->publish("log.x", 2);
    while (@heard < 2) { $subscriber->wait_for_messages(0.1) or die "no message" }
    same(["news=1", "log.x=2"], \@heard);
});

check("information", sub {
    my $info = $redis->info;
    die "version" if $info->{redis_version} !~ /^7\./;
    same(["PONG"], [$redis->ping]);
});
