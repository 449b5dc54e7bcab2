"""A server under test: started on one core, asked over RESP, measured through /proc."""

import contextlib
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time

SERVER_CORE = 0
LOAD_CORE = 1
START_S = 20
STOP_S = 60

# What every server is started with: no files, and room for the idle clients.
COMMON = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no",
          "--maxclients", "20000"]


class ReplyError(Exception):
    """An error reply; its text is the argument."""


class Connection:
    """A RESP2 client that does no more than the harness needs."""

    def __init__(self, port, timeout=120):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        out = [b"*%d\r\n" % len(words)]
        out += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"".join(out))

    def receive(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise ReplyError(rest.decode(errors="replace"))
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.file.read(size + 2)[:-2]
        if kind == b"*":
            return [self.receive() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def call(self, *words):
        self.send(*words)
        return self.receive()

    def close(self):
        self.file.close()
        self.socket.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Spec:
    """Which server: PATH, or LABEL=COMMAND with {port} in it."""

    def __init__(self, text):
        label, found, command = text.partition("=")
        if not found:
            label, command = pathlib.Path(text).name, text
        self.label = label
        self.words = shlex.split(command)
        self.complete = "{port}" in command

    def exists(self):
        return bool(self.words) and shutil.which(self.words[0]) is not None

    def command(self, port, directory, options):
        if self.complete:
            return [word.replace("{port}", str(port)) for word in self.words]
        return [*self.words, "--port", str(port), "--dir", directory, *COMMON, *options]

    def version(self):
        if self.complete:
            return " ".join(self.words)
        words = [self.words[0], "--version"]
        return subprocess.run(words, capture_output=True, text=True, timeout=10).stdout.strip()


class Server:
    """One process of a spec; a context manager that ends it."""

    def __init__(self, spec, *options):
        self.spec = spec
        self.label = spec.label
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="snug-bench-")
        self.log = open(os.path.join(self.directory, "log"), "wb")
        self.process = subprocess.Popen(
            spec.command(self.port, self.directory, options), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        self.pid = self.process.pid
        self.control = None
        self.control = self.await_start()

    def await_start(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, ReplyError):
                connection = Connection(self.port)
                connection.call("PING")
                return connection
            time.sleep(0.02)
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            tail = log.read()[-2000:]
        self.stop()
        raise RuntimeError(f"{self.label} did not start:\n{tail}")

    def stop(self):
        if self.control is not None:
            self.control.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- commands -----------------------------------------------------------------------------

    def call(self, *words):
        return self.control.call(*words)

    def try_call(self, *words):
        """The reply, or None when it is an error."""
        try:
            return self.call(*words)
        except ReplyError:
            return None

    def info(self, section):
        text = self.try_call("INFO", section)
        if not isinstance(text, bytes):
            return {}
        pairs = (line.partition(":") for line in text.decode(errors="replace").splitlines())
        return {name: value for name, colon, value in pairs if colon}

    def defrag_running(self):
        return float(self.info("memory").get("active_defrag_running", 0) or 0)

    def defrag_config(self, cycle_min, cycle_max):
        """The thresholds of all scenarios; a server that has no such option is left as it is."""
        for name, value in (("active-defrag-ignore-bytes", "1mb"),
                            ("active-defrag-threshold-lower", "5"),
                            ("active-defrag-cycle-min", cycle_min),
                            ("active-defrag-cycle-max", cycle_max)):
            self.try_call("CONFIG", "SET", name, value)

    def set_defrag(self, value):
        """Whether the server took it."""
        return self.try_call("CONFIG", "SET", "activedefrag", value) is not None

    # ---- measures -------------------------------------------------------------------------------

    def rss(self):
        """Bytes, exact, by a walk over the page tables: not while latency is measured."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Rss:"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("smaps_rollup has no Rss")

    def rss_quick(self):
        """Bytes as the kernel's counters have them, at most a few hundred KB off."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def peak_reset(self):
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/clear_refs", "w",
                                                encoding="ascii") as file:
            file.write("5")

    def peak(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("status has no VmHWM")

    def cpu_s(self):
        """Seconds all threads have run."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
        return total * 1e-9

    def settle(self, quiet_s=1.0, most_s=12.0):
        """Waits until RSS moves by less than 128 KB in quiet_s and nothing is being moved."""
        deadline = time.monotonic() + most_s
        last, since = self.rss_quick(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.rss_quick()
            if abs(now - last) >= 128 << 10:
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= quiet_s and self.defrag_running() == 0:
                return
        return


class Sampler:
    """RSS of a server every 50 ms, in a thread, as (time, bytes)."""

    def __init__(self, server, period_s=0.05):
        self.server = server
        self.period_s = period_s
        self.samples = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        # It shares the generator's core, and must not hold up what is being measured.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        while not self.ending.wait(self.period_s):
            with contextlib.suppress(OSError, IndexError):
                self.samples.append((time.monotonic(), self.server.rss_quick()))

    def stop(self):
        self.ending.set()
        self.thread.join()
        return self.samples


def flat_time(samples, start):
    """Seconds from start to the first sample within 0.5 % or 2 MB of the lowest."""
    after = [(when, rss) for when, rss in samples if when >= start]
    if not after:
        return 0.0
    lowest = min(rss for _, rss in after)
    limit = max(lowest * 1.005, lowest + (2 << 20))
    return next(when for when, rss in after if rss <= limit) - start
