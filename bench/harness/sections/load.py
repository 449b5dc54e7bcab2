"""Loading and unloading: speed, the peak of RSS, what stays when all is gone; idle clients."""

import resource
import statistics
import time

from harness.server import Connection, Server

KEYS = (1_000_000, 10_000_000)
IDLE_CLIENTS = (1_000, 10_000)
IDLE_S = 6
SIZES = ["32", "64", "1-300"]
MIB = 1 << 20


def fill(context, server, keys, size):
    """CPU a SET, SETs a second, and the peak of RSS over its end."""
    server.peak_reset()
    cpu = server.cpu_s()
    figures = context.generator.fill(server, keys, value_bytes=size)
    cpu = server.cpu_s() - cpu
    return cpu / keys * 1e6, figures["ops_per_s"], (server.peak() / server.rss() - 1) * 100


def run_loading(context):
    keys = context.size(*KEYS)
    rows = []
    for size in SIZES:
        for spec in context.specs:
            runs = []
            for _ in range(context.rounds):
                with Server(spec) as server:
                    runs.append(fill(context, server, keys, size))
            cpu, rate, peak = (statistics.median(run[i] for run in runs) for i in range(3))
            context.figure(spec, "load.peak", peak)
            rows.append([f"{size} B", spec.label, rate, cpu, peak])
    context.report.table(f"Loading {keys:,} strings, 4 clients, pipeline 64",
                         ["value", "server", "SETs/s", "CPU, us", "peak of RSS over end, %"], rows)


def over(server, empty):
    server.settle(quiet_s=4, most_s=25)
    return (server.rss() - empty) / MIB


def unload(context, spec):
    """RSS in MiB: empty, loaded, over empty after DEL of all, after FLUSHALL of all."""
    keys = context.size(*KEYS)
    with Server(spec) as server:
        server.settle()
        empty = server.rss()
        context.generator.fill(server, keys, value_bytes=32)
        loaded = server.rss()
        context.generator.run("delete", server, keys=keys, clients=4, pipeline=64)
        deleted = over(server, empty)
        context.generator.fill(server, keys, value_bytes=32)
        server.call("FLUSHALL")
        flushed = over(server, empty)
    context.figure(spec, "load.empty", empty / 1e6)
    context.figure(spec, "load.deleted", deleted)
    context.figure(spec, "load.flushed", flushed)
    return [spec.label, empty / MIB, loaded / MIB, deleted, flushed]


def idle_client_kb(context, spec):
    """RSS of one client that said PING: at once, and when it has been idle for six seconds."""
    count = context.size(*IDLE_CLIENTS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count + 1000, 20000),) * 2)
    with Server(spec) as server:
        server.settle()
        before = server.rss()
        clients = [Connection(server.port) for _ in range(count)]
        for client in clients:
            client.call("PING")
        at_once = server.rss()
        time.sleep(IDLE_S)
        later = server.rss()
        for client in clients:
            client.close()
    context.figure(spec, "load.client", (later - before) / count / 1000)
    return (at_once - before) / count / 1000, (later - before) / count / 1000


def run(context):
    run_loading(context)
    rows = [[*unload(context, spec), *idle_client_kb(context, spec)] for spec in context.specs]
    context.report.table(
        f"Unloading {context.size(*KEYS):,} strings of 32 B; {context.size(*IDLE_CLIENTS):,} "
        "idle clients",
        ["server", "empty, MiB", "loaded, MiB", "all deleted, over empty, MiB",
         "flushed, over empty, MiB", "a client after PING, KB", "idle 6 s, KB"], rows)
