"""make install and uninstall, the systemd unit and the init script, with the server just built."""

import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

import pytest
import redis

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = {
    "bin/snug-server": 0o755,
    "bin/snug-check": 0o755,
    "lib/snug/snug-tls.so": 0o644,
    "lib/snug/snug-http.so": 0o644,
    "lib/systemd/system/snug-server.service": 0o644,
    "lib/sysusers.d/snug.conf": 0o644,
    "lib/tmpfiles.d/snug.conf": 0o644,
    "etc/init.d/snug-server": 0o755,
    "etc/snug/snug.conf": 0o644,
    "etc/snug/profiles/large-keys.conf": 0o644,
    "etc/snug/profiles/low-latency.conf": 0o644,
    "etc/snug/profiles/memory-constrained.conf": 0o644,
}


def make(*arguments):
    done = subprocess.run(["make", "--no-print-directory", "-C", ROOT, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(name="prefix")
def installed(tmp_path):
    prefix = str(tmp_path / "snug")
    make("install", f"PREFIX={prefix}")
    return prefix


def files_under(folder):
    return {os.path.relpath(os.path.join(place, name), folder)
            for place, _, names in os.walk(folder) for name in names}


def test_installs_what_it_says_and_nothing_else(prefix):
    assert files_under(prefix) == set(FILES)
    for name, mode in FILES.items():
        assert os.stat(os.path.join(prefix, name)).st_mode & 0o777 == mode, name


def test_no_placeholder_is_left(prefix):
    for name in FILES:
        if not name.startswith("bin/") and not name.endswith(".so"):
            with open(os.path.join(prefix, name), encoding="utf-8") as file:
                text = file.read()
            assert "@PREFIX@" not in text and "@SYSCONFDIR@" not in text, name


def test_usr_keeps_its_configuration_in_etc(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    found = files_under(tmp_path)
    assert "etc/snug/snug.conf" in found and "usr/bin/snug-server" in found
    with open(tmp_path / "usr/lib/systemd/system/snug-server.service", encoding="utf-8") as file:
        text = file.read()
    assert "ExecStart=/usr/bin/snug-server /etc/snug/snug.conf" in text
    assert str(tmp_path) not in text


def test_uninstall_takes_all_away(prefix):
    make("uninstall", f"PREFIX={prefix}")
    assert files_under(prefix) == set()


def test_a_changed_configuration_stays(prefix):
    conf = os.path.join(prefix, "etc/snug/snug.conf")
    with open(conf, "a", encoding="utf-8") as file:
        file.write("port 7000\n")
    make("install", f"PREFIX={prefix}")
    with open(conf, encoding="utf-8") as file:
        assert file.read().endswith("port 7000\n")
    assert os.path.exists(conf + ".new")
    make("uninstall", f"PREFIX={prefix}")
    assert files_under(prefix) == {"etc/snug/snug.conf"}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_unit_and_finds_it_shut(prefix):
    unit = os.path.join(prefix, "lib/systemd/system/snug-server.service")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    ours = [line for line in done.stdout.splitlines() if "snug" in line]
    assert done.returncode == 0 and not ours, done.stdout
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(prefix, folder):
    """The installed server: a client of it, and where it logs."""
    port, log = free_port(), folder / "log"
    arguments = [os.path.join(prefix, "bin/snug-server"), "--port", str(port), "--save", "",
                 "--bind", "127.0.0.1", "--dir", str(folder), "--logfile", str(log)]
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        answer(client, log)
        yield client, log
    finally:
        process.kill()
        process.wait()


def answer(client, log):
    """The process that answers; waits until one does."""
    for _ in range(400):
        try:
            return client.info("server")["process_id"]
        except redis.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("nobody answers:\n" + log.read_text())


def test_a_part_is_loaded_when_it_is_wanted(prefix, tmp_path):
    """Not with the start: what only some use must not cost all memory. Where it is missing, or
    foreign, the server says so and goes on."""
    part = os.path.join(prefix, "lib/snug/snug-tls.so")
    with serving(prefix, tmp_path) as (client, log):
        maps = pathlib.Path(f"/proc/{client.info('server')['process_id']}/maps")

        def asked():
            with pytest.raises(redis.ResponseError):  # there are no certificates
                client.config_set("tls-port", 1)
            return "libssl" in maps.read_text(), log.read_text()

        assert "libssl" not in maps.read_text()
        os.rename(part, part + ".away")
        loaded, told = asked()
        assert not loaded and "snug-tls.so is neither beside" in told
        with open(part, "wb") as file:
            file.write(b"no part")
        loaded, told = asked()
        assert not loaded and "Unable to load a part of the server: " + prefix in told
        os.replace(part + ".away", part)
        loaded, told = asked()
        assert loaded and "No tls-cert-file configured!" in told
        assert client.ping()


class Init:
    """The installed init script, with directories and a port of the test's own."""

    def __init__(self, prefix, tmp_path):
        self.port = free_port()
        with open(os.path.join(prefix, "etc/snug/snug.conf"), "a", encoding="utf-8") as file:
            file.write(f"port {self.port}\nlogfile server.log\n")
        self.log = tmp_path / "data" / "server.log"
        self.script = os.path.join(prefix, "etc/init.d/snug-server")
        self.environment = dict(os.environ, SNUG_USER=pwd.getpwuid(os.getuid()).pw_name,
                                SNUG_RUN=str(tmp_path / "run"), SNUG_DATA=str(tmp_path / "data"),
                                SNUG_STOP_SECONDS="20")

    def __call__(self, verb):
        return subprocess.run([self.script, verb], env=self.environment, timeout=60, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def pid(self):
        return answer(redis.Redis(port=self.port), self.log)


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("start-stop-daemon"),
                    reason="needs root and start-stop-daemon")
def test_the_init_script_starts_restarts_and_stops(prefix, tmp_path):
    init = Init(prefix, tmp_path)
    try:
        assert init("status") == 3
        assert init("start") == 0
        first = init.pid()
        assert init("status") == 0
        assert init("start") == 0 and init.pid() == first
        assert init("restart") == 0
        assert init.pid() != first
    finally:
        assert init("stop") == 0
    assert init("status") == 3
    assert init("stop") == 0
    assert init("nonsense") == 3
