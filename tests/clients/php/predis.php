<?php
// Predis, written in PHP alone.
require __DIR__ . "/check.php";
require "/usr/share/php/Predis/autoload.php";

$redis = new Predis\Client(["host" => "127.0.0.1", "port" => $port]);

check("commands", function () use ($redis) {
    same("OK", (string) $redis->set("s", "grün"));
    same("grün", $redis->get("s"));
    same(2, $redis->sadd("set", ["x", "y"]));
    same(["a" => "1", "b" => "2"], (function () use ($redis) {
        $redis->hmset("h", ["a" => 1, "b" => 2]);
        return $redis->hgetall("h");
    })());
    same("MISCONF", (function () use ($redis) {
        try {
            $redis->incr("s");
        } catch (Predis\Response\ServerException $error) {
            return $error->getErrorType() === "ERR" ? "MISCONF" : $error->getMessage();
        }
    })());
});

check("a pipeline", function () use ($redis) {
    same(range(1, 500), $redis->pipeline(function ($pipeline) {
        for ($i = 0; $i < 500; $i++) {
            $pipeline->incr("pipelined");
        }
    }));
});

check("a transaction that is tried again", function () use ($redis, $port) {
    $tries = 0;
    $other = new Predis\Client(["host" => "127.0.0.1", "port" => $port]);
    $options = ["watch" => "t", "cas" => true, "retry" => 3];
    $redis->set("t", 1);
    $replies = $redis->transaction($options, function ($transaction) use (&$tries, $other) {
        $value = $transaction->get("t");
        if ($tries++ === 0) {
            $other->incr("t");
        }
        $transaction->multi();
        $transaction->set("t", $value * 10);
        $transaction->get("t");
    });
    same([2, "20"], [$tries, $replies[1]]);
});

check("a script, found by its digest", function () use ($redis) {
    $redis->getProfile()->defineCommand("addto", new class extends Predis\Command\ScriptCommand {
        public function getKeysCount()
        {
            return 1;
        }

        public function getScript()
        {
            return "return redis.call('INCRBY', KEYS[1], ARGV[1])";
        }
    });
    same(5, $redis->addto("added", 5));
    $redis->script("flush");
    same(7, $redis->addto("added", 2));
});

check("iterators", function () use ($redis) {
    for ($i = 0; $i < 300; $i++) {
        $redis->zadd("z", [$i => $i]);
    }
    $count = 0;
    foreach (new Predis\Collection\Iterator\SortedSetKey($redis, "z") as $member => $score) {
        $count += $member == $score ? 1 : 0;
    }
    same(300, $count);
});
