"""snug-check on files of redis-server, whole, cut and damaged."""

import os
import pathlib
import subprocess

import pytest

from conftest import REDIS_SERVER, SNUG_SERVER, running
from resp import Client

CHECK = pathlib.Path(SNUG_SERVER).parent / "snug-check"
SELECT = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
SET = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
MULTI = b"*1\r\n$5\r\nMULTI\r\n"


def check(*words, answer=""):
    done = subprocess.run([CHECK, *words], input=answer, capture_output=True, text=True,
                          timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "some.aof"
    path.write_bytes(SELECT + SET)
    return path


def test_words():
    assert check("--help")[0] == 0
    assert "exit code" in check("--help")[1]
    for words in [], ["--what", "x"], ["a", "b"], ["--truncate-to-timestamp", "x", "a"]:
        assert check(*words)[0] == 2
    assert check("/nowhere/at/all")[0] == 1


def test_a_whole_log(log):
    code, text = check(log)
    assert code == 0 and "2 commands" in text and "is whole" in text


@pytest.mark.parametrize("rest", [SET[:1], SET[:5], SET[:-1], MULTI, MULTI + SET, MULTI + SET[:9],
                                  b"\0\0\0\0", b"*1\r\n$x\r\n", b"SET a 1\r\n"])
def test_a_log_is_cut_when_asked(log, rest):
    whole = log.read_bytes()
    log.write_bytes(whole + rest)
    code, text = check(log)
    assert code == 1 and f"ok_up_to={len(whole)}" in text
    code, text = check("--fix", log, answer="n\n")
    assert code == 1 and "Aborting" in text and log.read_bytes() == whole + rest
    assert check("--fix", log)[0] == 1
    assert check("--fix", log, answer="y\n")[0] == 0
    assert log.read_bytes() == whole and check(log)[0] == 0


def test_a_log_is_cut_at_a_time(log):
    first = b"#TS:1700000000\r\n" + SELECT + SET
    log.write_bytes(first + b"#TS:1700000005\r\n" + SET + b"#TS:1700000009\r\n" + SET)
    assert check("--truncate-to-timestamp", "1700000009", log)[0] == 0
    assert check("--truncate-to-timestamp", "1700000004", "--yes", log)[0] == 0
    assert log.read_bytes() == first


def test_a_manifest(tmp_path):
    folder = tmp_path / "dir"
    folder.mkdir()
    manifest = folder / "some.manifest"
    assert check(folder)[0] == 1
    manifest.write_text("file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n")
    (folder / "a.1.incr.aof").write_bytes(SELECT + SET)
    assert check(folder)[0] == 1  # one is missing
    (folder / "a.2.incr.aof").write_bytes(SET[:5])
    assert check("--fix", "--yes", manifest)[0] == 0
    assert (folder / "a.2.incr.aof").read_bytes() == b""
    assert check(folder)[0] == 0
    (folder / "a.1.incr.aof").write_bytes(SELECT + SET[:5])
    (folder / "a.2.incr.aof").write_bytes(SET)
    code, text = check("--fix", "--yes", manifest)
    assert code == 1 and "not the last file" in text
    assert (folder / "a.1.incr.aof").read_bytes() == SELECT + SET[:5]
    (folder / "a.2.incr.aof").write_bytes(b"#FOLLOWS:%d\r\n" % len(SELECT + SET) + SET)
    code, text = check(folder)
    assert code == 1 and "it does not count" in text
    assert check("--fix", "--yes", manifest)[0] == 0
    assert (folder / "a.1.incr.aof").read_bytes() == SELECT
    assert (folder / "a.2.incr.aof").read_bytes() == b"" and check(folder)[0] == 0
    manifest.write_text("file a.1.incr.aof seq 2 type i\nfile a.2.incr.aof seq 2 type i\n")
    code, text = check(folder)
    assert code == 1 and "line 2" in text
    (folder / "other.manifest").write_text("file a.1.incr.aof seq 1 type i\n")
    code, text = check(folder)
    assert code == 1 and "2 manifests" in text


def test_files_of_redis(tmp_path):
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")
    server = running(REDIS_SERVER, tmp_path, "--appendonly", "yes", "--save", "")
    client = Client(server.port, timeout=60)
    for number in range(300):
        client.call("RPUSH", f"list:{number % 7}", number)
        client.call("SET", f"text:{number}", number, "PX", 10**8)
    assert client.call("SAVE") == "OK"
    client.close()
    server.process.kill()
    server.process.wait()
    code, text = check(tmp_path / "dump.rdb")
    assert code == 0 and "307 keys read, 300 expires, 0 already expired" in text
    assert check(tmp_path / "appendonlydir")[0] == 0
    damaged = bytearray((tmp_path / "dump.rdb").read_bytes())
    damaged[-20] ^= 1
    (tmp_path / "dump.rdb").write_bytes(damaged)
    code, text = check("--fix", "--yes", tmp_path / "dump.rdb")
    assert code == 1 and (tmp_path / "dump.rdb").read_bytes() == damaged
    os.truncate(tmp_path / "dump.rdb", 100)
    assert check(tmp_path / "dump.rdb")[0] == 1
