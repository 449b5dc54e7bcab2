<?php
// The extension phpredis: commands, pipelines, transactions, scripts, scans, streams, sessions.
require __DIR__ . "/check.php";

function connected(): Redis
{
    $redis = new Redis();
    $redis->connect("127.0.0.1", (int) getenv("SNUG_PORT"), 5);
    return $redis;
}

$redis = connected();

// First, because PHP begins no session when anything was printed.
check("sessions", function () use ($redis, $port) {
    ini_set("session.save_handler", "redis");
    ini_set("session.save_path", "tcp://127.0.0.1:$port?prefix=session:");
    ini_set("session.use_cookies", "0");
    ini_set("session.cache_limiter", "");
    ini_set("redis.session.locking_enabled", "1");
    session_id("abc");
    same(true, session_start());
    $_SESSION["count"] = 1;
    session_write_close();
    $_SESSION = [];
    session_start();
    $count = $_SESSION["count"];
    session_write_close();
    same(1, $count);
    same(true, $redis->ttl("session:abc") > 0);
});

check("commands", function () use ($redis) {
    same(true, $redis->set("s", "grün"));
    same("grün", $redis->get("s"));
    same(false, $redis->get("absent"));
    same(true, $redis->set("lock", "1", ["nx", "ex" => 100]));
    same(false, $redis->set("lock", "1", ["nx", "ex" => 100]));
    same(true, $redis->hMSet("h", ["a" => 1, "b" => "two"]));
    same(["a" => "1", "b" => "two"], $redis->hGetAll("h"));
    same(3, $redis->rPush("l", "x", "y", "z"));
    same(["y", "z"], $redis->lRange("l", 1, -1));
    same(2, $redis->zAdd("z", 1.5, "one", 2, "two"));
    same(["one" => 1.5, "two" => 2.0], $redis->zRange("z", 0, -1, true));
    same(7.5, $redis->incrByFloat("f", 7.5));
});

check("values it serialises", function () {
    $redis = connected();
    $redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
    $redis->setOption(Redis::OPT_PREFIX, "php:");
    $redis->set("object", ["a" => [1, 2.5, null]]);
    same(["a" => [1, 2.5, null]], $redis->get("object"));
    same(["php:object"], $redis->keys("*"));
});

check("a pipeline", function () use ($redis) {
    $pipeline = $redis->multi(Redis::PIPELINE);
    for ($i = 0; $i < 1000; $i++) {
        $pipeline->incr("pipelined");
    }
    same(range(1, 1000), $pipeline->exec());
});

check("a transaction, and a watched key", function () use ($redis) {
    same([true, 2, "2"], $redis->multi()->set("t", 1)->incr("t")->get("t")->exec());
    $redis->watch("t");
    connected()->set("t", "changed");
    same(false, $redis->multi()->set("t", "mine")->exec());
    same("changed", $redis->get("t"));
});

check("a script", function () use ($redis) {
    $script = "return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}";
    same(["counter", "x", 1], $redis->eval($script, ["counter", "x"], 1));
    same(["counter", "y", 2], $redis->evalSha(sha1($script), ["counter", "y"], 1));
    same(false, $redis->eval("return redis.error_reply('ERR no')"));
    same("ERR no", $redis->getLastError());
});

check("a scan", function () use ($redis) {
    for ($i = 0; $i < 1000; $i++) {
        $redis->set("scan:$i", $i);
    }
    $redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $found = [];
    $cursor = null;
    while ($keys = $redis->scan($cursor, "scan:*", 50)) {
        foreach ($keys as $key) {
            $found[$key] = true;
        }
    }
    same(1000, count($found));
});

check("streams", function () use ($redis) {
    $id = $redis->xAdd("stream", "*", ["field" => "value"]);
    same([$id => ["field" => "value"]], $redis->xRange("stream", "-", "+"));
    same(true, $redis->xGroup("CREATE", "stream", "group", "0"));
    same(["stream" => [$id => ["field" => "value"]]],
        $redis->xReadGroup("group", "me", ["stream" => ">"], 10));
    same(1, $redis->xAck("stream", "group", [$id]));
});

check("publish and subscribe", function () use ($port) {
    $heard = [];
    $subscriber = connected();
    $subscriber->setOption(Redis::OPT_READ_TIMEOUT, 10);
    // It speaks when another has subscribed; the other is this program once more.
    $code = '$r = new Redis(); $r->connect("127.0.0.1", ' . $port . ');'
        . 'for ($i = 0; $i < 2000 && $r->publish("news", "hello") !== 1; $i++) { usleep(5000); }';
    $process = proc_open([PHP_BINARY, "-r", $code], [], $pipes);
    try {
        $subscriber->subscribe(["news"], function ($redis, $channel, $message) use (&$heard) {
            $heard = [$channel, $message];
            $redis->close();
        });
    } catch (RedisException $error) {
        same("Connection closed", $error->getMessage());
    }
    proc_close($process);
    same(["news", "hello"], $heard);
});
