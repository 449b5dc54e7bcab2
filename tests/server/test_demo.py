"""snug-server --demo: loads, fragments, heals, and says what that did."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import urllib.request

import pytest

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD

pytestmark = pytest.mark.skipif(MOVE_ALL_BUILD, reason="where all is moved always, nothing is left "
                                                       "to heal")
MEGABYTES = "24" if CHECKED_BUILD else "48"
SECONDS = 120


class Terminal:
    """The demo in a terminal of its own."""

    def __init__(self, program, directory, *arguments):
        self.told = ""
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            os.execv(program, [str(program), "--demo", *arguments])

    def read_until(self, words):
        """What was told from the start on, once it holds these words."""
        deadline = time.monotonic() + SECONDS
        while words not in self.told:
            assert time.monotonic() < deadline, f"no '{words}' in:\n{self.told}"
            if select.select([self.file], [], [], 0.5)[0]:
                try:
                    more = os.read(self.file, 65536)
                except OSError:
                    more = b""
                assert more, f"it ended without '{words}':\n{self.told}"
                self.told += more.decode()
        return self.told

    def press(self, key):
        os.write(self.file, key)

    def exit_code(self):
        """Reads what still comes, and waits for the end."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if select.select([self.file], [], [], 0.2)[0]:
                    self.told += os.read(self.file, 65536).decode()
            except OSError:
                pass
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self.process = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it did not end")

    def end(self):
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.file)


@pytest.fixture
def terminal(snug_program, tmp_path):
    made = []

    def make(*arguments):
        made.append(Terminal(snug_program, tmp_path, *arguments))
        return made[-1]
    yield make
    for one in made:
        one.end()


def figures(told, name):
    """The figures of a line of the comparison."""
    line = next(line for line in told.splitlines() if line.strip().startswith(name + " "))
    return [float(number) for number in re.findall(r"[\d.]+", line)]


def healed(told):
    before, after = figures(told, "resident")
    assert before > float(MEGABYTES) * 0.8
    assert after < before * (0.8 if CHECKED_BUILD else 0.7)
    ratios = figures(told, "ratio of both")
    assert ratios[0] > ratios[1]
    assert figures(told, "given back")[0] > float(MEGABYTES) / 4
    assert figures(told, "CPU spent")[0] > 0 and figures(told, "longest slice")[0] > 0


def test_a_key_heals_and_another_ends(terminal, tmp_path):
    demo = terminal(MEGABYTES)
    told = demo.read_until("Press any key")
    assert not termios.tcgetattr(demo.file)[3] & (termios.ICANON | termios.ECHO), "a key is heard"
    page = re.search(r"http://127\.0\.0\.1:\d+/", told)[0]
    with urllib.request.urlopen(page, timeout=10) as reply:
        assert b"<title>Snug</title>" in reply.read()
    port = re.search(r"redis-cli -p (\d+)", told)[1]
    asked = subprocess.run(["redis-cli", "-p", port, "CONFIG", "GET", "activedefrag", "dir"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    directory = asked[asked.index("dir") + 1]
    assert asked[asked.index("activedefrag") + 1] == "no"
    assert directory.startswith("/tmp/snug-demo-") and os.listdir(directory) == []
    time.sleep(0.3)
    assert "resident     " not in demo.told, "it waits for the key"
    demo.press(b" ")
    told = demo.read_until("ends both")
    healed(told)
    assert "[####" in told or CHECKED_BUILD or "1.  Loads" in told
    demo.press(b"q")
    assert demo.exit_code() == 0
    assert list(tmp_path.iterdir()) == []
    assert not os.path.exists(directory)


@pytest.mark.parametrize("moment", ["1.  Loads", "2.  Deletes", "Press any key"])
def test_control_c_ends_it_at_any_moment(terminal, tmp_path, moment):
    demo = terminal(MEGABYTES)
    demo.read_until(moment)
    demo.press(b"\x03")
    assert demo.exit_code() == 0
    assert demo.told.rstrip().endswith("Ended.")
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_it_goes_by_itself(snug_program, tmp_path):
    done = subprocess.run([snug_program, "--demo", MEGABYTES], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                          timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    healed(done.stdout)
    assert "\033" not in done.stdout and "\r" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself reserves more than any limit")
def test_too_little_memory_is_said(snug_program, tmp_path):
    done = subprocess.run([snug_program, "--demo", "400", "--maxmemory", "60mb"], cwd=tmp_path,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=SECONDS)
    assert done.returncode == 1 and "No room after" in done.stdout, done.stdout
    assert "make demo MB=50" in done.stdout


def test_options_after_it_are_taken(terminal):
    demo = terminal(MEGABYTES, "--http-port", "0", "--maxclients", "50")
    told = demo.read_until("Press any key")
    assert "the page" not in told
    demo.press(b"\x03")
    assert demo.exit_code() == 0


@pytest.mark.parametrize("size", ["0", "15", "1000000", "many", "1e3"])
def test_sizes_that_cannot_be(snug_program, size):
    done = subprocess.run([snug_program, "--demo", size], stdin=subprocess.DEVNULL, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "between 16 and 65536 megabytes" in done.stderr


def test_memory_is_bounded_by_what_was_asked_for(terminal):
    demo = terminal(MEGABYTES)
    told = demo.read_until("Press any key")
    port = re.search(r"redis-cli -p (\d+)", told)[1]
    info = subprocess.run(["redis-cli", "-p", port, "INFO", "memory"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    resident = int(re.search(r"used_memory_rss:(\d+)", info)[1])
    assert resident < (int(MEGABYTES) + 24) * 1.1 * (1 << 20) or CHECKED_BUILD
    demo.press(b"\x03")
    assert demo.exit_code() == 0
