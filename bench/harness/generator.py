"""snug-load and redis-benchmark, run on the core for load."""

import json
import os
import re
import signal
import statistics
import subprocess

from harness.server import LOAD_CORE


class LoadError(Exception):
    """The generator failed, or the server answered what it must not."""


def on_load_core():
    os.sched_setaffinity(0, {LOAD_CORE})


class Generator:
    def __init__(self, path):
        self.path = path

    def words(self, mode, server, options):
        words = [self.path, mode, "--port", str(server.port)]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def run(self, mode, server, check=True, **options):
        """The figures of one run. With check, error replies and wrong values raise."""
        words = self.words(mode, server, options)
        done = subprocess.run(words, capture_output=True, text=True, preexec_fn=on_load_core,
                              timeout=3600)
        lines = done.stdout.splitlines()
        if not lines:
            raise LoadError(f"{' '.join(words)}: {done.stderr.strip()}")
        figures = json.loads(lines[-1])
        bad = done.returncode != 0 or figures.get("errors", 0) > 0
        if check and bad:
            raise LoadError(f"{' '.join(words)}: {lines[-1]} {done.stderr.strip()}")
        return figures

    def fill(self, server, keys, **options):
        return self.run("fill", server, keys=keys, clients=4, pipeline=64, **options)

    def knows(self, server, command):
        """Whether the server has the command; leaves it empty."""
        figures = self.run("run", server, check=False, command=command, prefix="probe:", ops=1)
        server.try_call("FLUSHALL")
        return figures["errors"] == 0, figures["first_error"]

    def measure(self, server, **options):
        """A run with the server's CPU for each operation, in microseconds."""
        before = server.cpu_s()
        figures = self.run("run", server, **options)
        figures["cpu_us"] = (server.cpu_s() - before) * 1e6 / max(figures["ops"], 1)
        return figures

    def latency(self, server, seconds, **options):
        return self.run("latency", server, seconds=seconds, **options)


class Background:
    """An open loop beside other work; mark() ends a segment and returns its figures."""

    def __init__(self, generator, server, **options):
        words = generator.words("latency", server, options)
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_load_core)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise LoadError("the latency generator ended early")
        return json.loads(line)

    def mark(self):
        self.process.send_signal(signal.SIGUSR1)
        return self.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        last = self.read()
        self.process.wait(30)
        self.process.stdout.close()
        return last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def redis_benchmark(server, *words):
    """Requests a second, as the stock tool says them."""
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-q", *words]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=on_load_core,
                          timeout=3600)
    found = re.findall(r"([\d.]+) requests per second", done.stdout)
    if done.returncode != 0 or not found:
        raise LoadError(f"{' '.join(command)}: {done.stdout[-300:]} {done.stderr[-300:]}")
    return float(found[-1])


def median_of(runs, field):
    return statistics.median(run[field] for run in runs)
