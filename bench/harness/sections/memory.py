"""Bytes a key beyond its payload, for strings by size. Collections are of the section `types`."""

from dataclasses import dataclass

from harness.server import Server

MB = 1e6


@dataclass(frozen=True)
class Row:
    goal: str         # or None
    what: str
    items: tuple      # usual and full count of what the overhead is divided by
    payload: int      # bytes an item
    options: dict     # of the fill
    per_command: int = 1  # items that one command brings


def string(size, usual, full, **more):
    kind = "ttl" if more else "string"
    text = f"strings of {size:,} B" + (" with a TTL" if more else "")
    return Row(f"memory.{kind}.{size}", text, (usual, full), 16 + size,
               {"value_bytes": size, **more})


ROWS = [
    string(8, 1_000_000, 5_000_000),
    string(32, 1_000_000, 5_000_000),
    string(64, 1_000_000, 5_000_000),
    string(100, 1_000_000, 5_000_000),
    string(1024, 250_000, 2_000_000),
    string(32, 1_000_000, 5_000_000, ttl="86400-172800"),
]


def measure(context, spec, row):
    """Overhead an item, peak over end in percent, items a second; or a text why not."""
    items = context.size(*row.items)
    with Server(spec) as server:
        known, error = context.generator.knows(server, row.options.get("command", "set"))
        if not known:
            return error[:40], None, None
        server.settle()
        empty = server.rss()
        server.peak_reset()
        filled = context.generator.fill(server, items, **row.options)
        peak, end = server.peak(), server.rss()
        server.settle()
        overhead = (server.rss() - empty) / items - row.payload
        return overhead, (peak / end - 1) * 100, filled["ops_per_s"]


def run(context):
    head = ["what", "items", "payload"]
    for spec in context.specs:
        head += [f"{spec.label}: overhead, B", "peak over end, %", "commands/s"]
    rows = []
    for row in ROWS:
        line = [row.what, f"{context.size(*row.items):,}", f"{row.payload} B"]
        for spec in context.specs:
            figures = measure(context, spec, row)
            line += figures
            if not isinstance(figures[0], str):
                context.figure(spec, row.goal, figures[0])
        rows.append(line)
    context.report.table("Memory: bytes an item beyond its payload", head, rows)
