"""What every section is given: the servers, the generator, the sizes, the report."""

import contextlib
import os
import subprocess

from harness.server import Server


class Context:
    def __init__(self, subject, peers, generator, report, options):
        self.subject = subject
        self.peers = peers
        self.generator = generator
        self.report = report
        self.full = options.full
        self.scale = options.scale
        self.rounds = options.rounds
        self.seconds = options.seconds
        self.workloads = [f"W{number}" for number in options.workloads.split(",")]
        self.cycle = options.cycle.split("/")
        self.profile_directory = options.profile
        if self.profile_directory:
            os.makedirs(self.profile_directory, exist_ok=True)

    @property
    def specs(self):
        """The subject first, then its peers."""
        return [self.subject, *self.peers]

    def size(self, usual, full):
        return max(int((full if self.full else usual) * self.scale), 1)

    def base(self, empty_rss):
        """What RSS is judged without: the empty server, which only at full size does not matter."""
        return 0 if self.full and self.scale >= 1 else empty_rss

    @contextlib.contextmanager
    def all_servers(self, *options):
        """All servers side by side; those idle cost next to nothing."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Server(spec, *options)) for spec in self.specs]

    def figure(self, spec, name, value):
        if spec is self.subject:
            self.report.figure(name, value)

    @contextlib.contextmanager
    def profile(self, server, name):
        """perf record on the server meanwhile, when --profile is given; a .txt of it after."""
        if not self.profile_directory:
            yield
            return
        base = os.path.join(self.profile_directory, f"{name}-{server.label}")
        recorder = subprocess.Popen(
            ["perf", "record", "-q", "-g", "-F", "1999", "-p", str(server.pid), "-o",
             base + ".data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            recorder.send_signal(2)
            recorder.wait(60)
            with open(base + ".txt", "wb") as text:
                subprocess.run(["perf", "report", "-i", base + ".data", "--stdio", "--no-children",
                                "-g", "none", "--percent-limit", "0.3"], stdout=text,
                               stderr=subprocess.DEVNULL, check=False, timeout=300)
