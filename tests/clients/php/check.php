<?php
// Named checks of one program: each prints `ok NAME`, or `not ok NAME: why`.
function check(string $name, callable $body): void
{
    try {
        $body();
        echo "ok $name\n";
    } catch (Throwable $error) {
        $why = str_replace("\n", " | ", $error->getMessage());
        echo "not ok $name: $why, line {$error->getLine()} of " . basename($error->getFile()) . "\n";
    }
}

function same($expected, $given): void
{
    if ($expected !== $given) {
        throw new Exception("expected " . json_encode($expected) . ", got " . json_encode($given)
            . " at line " . debug_backtrace()[0]["line"]);
    }
}

$port = (int) getenv("SNUG_PORT");
