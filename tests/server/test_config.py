"""CONFIG, as far as commands see it."""

import pytest

from resp import Error, Pairs


def test_refusals(both):
    both.lines("""
        CONFIG
        CONFIG FOO
        CONFIG GET
        CONFIG SET
        CONFIG SET foo
        CONFIG SET foo bar
        CONFIG SET maxmemory
        CONFIG SET maxmemory 1 foo
        CONFIG SET port x
        CONFIG SET hz 0 hz 1
        CONFIG SET daemonize yes
        CONFIG SET appendonly maybe
        CONFIG SET timeout -1
        CONFIG SET maxmemory-policy nonsense
        CONFIG REWRITE
        CONFIG REWRITE x
        CONFIG RESETSTAT x
        CONFIG HELP x
        CONFIG GET nonsense
        CONFIG GET maxmemory
        CONFIG GET MAXMEMORY
        """)


def pairs_of(reply):
    if isinstance(reply, Pairs):
        return dict(reply)
    return dict(zip(reply[::2], reply[1::2]))


def test_get_many(any_client):
    reply = any_client.call("CONFIG", "GET", "*")
    assert isinstance(reply, Pairs) == (any_client.resp == 3)
    everything = pairs_of(reply)
    assert len(everything) > 150
    assert pairs_of(any_client.call("CONFIG", "GET", "active*", "maxmemory", "maxmemory")).items() \
        <= everything.items()
    for name in (b"maxmemory", b"active-defrag-cycle-us", b"save", b"requirepass"):
        assert name in everything


def test_set_is_all_or_nothing(client):
    before = pairs_of(client.call("CONFIG", "GET", "hz", "timeout"))
    refused = client.call("CONFIG", "SET", "hz", 50, "timeout", "x")
    assert isinstance(refused, Error)
    assert pairs_of(client.call("CONFIG", "GET", "hz", "timeout")) == before
    assert client.call("CONFIG", "SET", "hz", 50, "timeout", 100) == "OK"
    assert pairs_of(client.call("CONFIG", "GET", "hz", "timeout")) == {b"hz": b"50",
                                                                      b"timeout": b"100"}
    client.call("CONFIG", "SET", "hz", before[b"hz"], "timeout", before[b"timeout"])


def test_resetstat_counts_anew(client):
    client.call("GET", "a")
    client.call("nonsense")
    client.call("SET", "a")
    stats = client.call("INFO", "commandstats", "errorstats", "stats").decode()
    assert "cmdstat_get:calls=1," in stats and "errorstat_ERR:count=2" in stats
    assert "cmdstat_set:calls=0," in stats and "rejected_calls=1" in stats
    client.call("CONFIG", "RESETSTAT")
    stats = client.call("INFO", "commandstats", "errorstats", "stats").decode()
    assert "cmdstat_get" not in stats and "errorstat_ERR" not in stats
    assert "cmdstat_config|resetstat:calls=1," in stats


def test_rewrite_keeps_what_was_set(start, tmp_path):
    path = tmp_path / "snug.conf"
    path.write_text("# mine\nhz 20\n")
    server = start(config=path)
    client = server.client()
    client.call("CONFIG", "SET", "maxmemory", "100mb")
    assert client.call("CONFIG", "REWRITE") == "OK"
    text = path.read_text()
    assert "# mine" in text and "hz 20" in text and "maxmemory 100mb" in text


def test_rename_command(start):
    server = start("--rename-command", "CONFIG", "b840fc02d524045429941cc15f59e41cb7be6c52",
                   "--rename-command", "KEYS", "")
    client = server.client()
    assert client.call("CONFIG", "GET", "hz").startswith("ERR unknown command 'CONFIG'")
    assert client.call("KEYS", "*").startswith("ERR unknown command 'KEYS'")
    assert client.call("b840fc02d524045429941cc15f59e41cb7be6c52", "GET", "hz") == [b"hz", b"10"]


@pytest.mark.parametrize("request_", [("CONFIG",), ("COMMAND",), ("OBJECT",)])
def test_help_lists_subcommands(client, request_):
    lines = client.call(*request_, "HELP")
    assert lines[0].startswith(f"{request_[0]} <subcommand>")
    assert lines[-2] == "HELP"
