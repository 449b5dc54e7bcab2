"""Keys with TTLs, written and expired without pause: memory and latency stay flat, dead keys go."""

import contextlib
import threading
import time

from harness.generator import Background
from harness.server import Connection, ReplyError, Sampler, Server

KEYS = (1_000_000, 5_000_000)
SECONDS = 120
DRAWN_FROM = 1 << 32
TTL_S = (1, 60)
MARKER_DB = 9
MARKER_MS = 1500
SPARE_S = 5  # in which the last of them may come


class Lateness:
    """Keys with a TTL in a database that nobody reads: how long after its time each is removed, by
    the event of its expiry, in ms."""

    def __init__(self, server):
        self.late_ms = []
        self.ending = threading.Event()
        self.writer = Connection(server.port)
        self.listener = Connection(server.port)
        self.writer.call("CONFIG", "SET", "notify-keyspace-events", "Ex")
        self.writer.call("SELECT", MARKER_DB)
        self.listener.call("SUBSCRIBE", f"__keyevent@{MARKER_DB}__:expired")
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.write, self.listen)]
        for thread in self.threads:
            thread.start()

    def write(self):
        with contextlib.suppress(OSError, ReplyError):
            while not self.ending.wait(0.05):
                due = int(time.time() * 1000) + MARKER_MS
                self.writer.call("SET", f"due:{due}", "x", "PXAT", due)

    def listen(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                due = int(self.listener.receive()[2].split(b":")[1])
                self.late_ms.append(time.time() * 1000 - due)

    def stop(self):
        self.ending.set()
        self.threads[0].join()
        time.sleep(MARKER_MS / 1000 + SPARE_S)
        self.listener.socket.shutdown(2)
        self.threads[1].join()
        for connection in (self.writer, self.listener):
            connection.close()
        return sorted(self.late_ms)


def measure(context, spec, keys):
    with Server(spec) as server:
        server.defrag_config(*context.cycle)
        server.set_defrag("yes")
        server.settle()
        empty = server.rss()
        sampler, lateness = Sampler(server), Lateness(server)
        started = time.monotonic()
        with Background(context.generator, server, command="get", keys=keys, rate=1000) as reads:
            reads.mark()
            # At the rate at which so many live, from so many that hardly any is written twice.
            figures = context.generator.run(
                "latency", server, command="set", keys=DRAWN_FROM, clients=16, value_bytes=32,
                rate=max(2 * keys // sum(TTL_S), 1), ttl=f"{TTL_S[0]}-{TTL_S[1]}", seconds=SECONDS)
            figures["latency"] = reads.mark()
            reads.stop()
        samples = [rss - empty for when, rss in sampler.stop() if when - started > TTL_S[1]]
        figures["rss_least"], figures["rss_most"] = min(samples), max(samples)
        figures["live"] = server.call("DBSIZE")
        figures["late_ms"] = lateness.stop()
        told = server.info("memory")
        figures["moved"] = float(told.get("heap_moved_bytes", 0)) / (figures["count"] * 62)
        time.sleep(TTL_S[1])
        figures["left"] = server.call("DBSIZE")
        figures["rss_end"] = server.rss() - empty
    return figures


def run(context):
    keys = context.size(*KEYS)
    rows = []
    for spec in context.specs:
        figures = measure(context, spec, keys)
        late = figures["late_ms"] or [0]
        context.figure(spec, "ttl.late", late[-1] / 1000)
        context.figure(spec, "ttl.flat", figures["rss_most"] / figures["rss_least"])
        rows.append([spec.label, figures["count"] / SECONDS, figures["live"],
                     figures["rss_least"] / 1e6, figures["rss_most"] / 1e6, figures["moved"],
                     late[len(late) // 2], late[-1], figures["latency"]["p50_us"],
                     figures["latency"]["p99_us"], figures["latency"]["max_us"], figures["left"],
                     figures["rss_end"] / 1e6])
    context.report.table(
        f"TTLs of {TTL_S[0]} to {TTL_S[1]} s: {keys:,} keys of 16 B with 32 B, written and expired "
        f"for {SECONDS} s; RSS less that of the empty server",
        ["server", "SETs/s", "live", "RSS, least, MB", "most, MB", "bytes moved a byte written",
         "late, median, ms", "most, ms", "GET p50, us", "p99, us", "longest, us",
         "keys a minute after", "RSS then, MB"], rows)
