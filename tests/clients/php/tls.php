<?php
// phpredis over TLS, with certificates on both sides.
require __DIR__ . "/check.php";

check("phpredis", function () {
    $context = ["stream" => ["cafile" => getenv("SNUG_TLS_CA"), "local_cert" => getenv("SNUG_TLS_CERT"),
        "local_pk" => getenv("SNUG_TLS_KEY")]];
    $redis = new Redis();
    $redis->connect("tls://127.0.0.1", (int) getenv("SNUG_TLS_PORT"), 5, null, 0, 5, $context);
    $long = str_repeat("x", 1 << 20);
    same(true, $redis->set("phpredis", $long));
    same(true, $redis->get("phpredis") === $long);
});
