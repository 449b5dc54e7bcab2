"""Latency at fixed rates (open loop), servers in turn."""

from harness.generator import median_of

KEYS = (1_000_000, 1_000_000)
RATES = (10_000, 50_000, 100_000)
FIELDS = ("p50_us", "p99_us", "p999_us", "max_us")


def run(context):
    keys = context.size(*KEYS)
    rows = []
    with context.all_servers() as servers:
        for server in servers:
            context.generator.fill(server, keys, value_bytes=64)
        for command in ("get", "set"):
            for rate in RATES:
                runs = {server: [] for server in servers}
                for _ in range(context.rounds):
                    for server in servers:
                        runs[server].append(context.generator.latency(
                            server, context.seconds * 2, rate=rate, keys=keys, command=command))
                for server in servers:
                    rows.append([f"{command.upper()} at {rate:,}/s", server.label,
                                 *[median_of(runs[server], field) for field in FIELDS],
                                 median_of(runs[server], "send_lag_p99_us")])
    context.report.table(
        f"Latency from when each request was due, us; medians of {context.rounds}",
        ["load", "server", "p50", "p99", "p99.9", "max", "p99 of the generator's own lag"], rows)
