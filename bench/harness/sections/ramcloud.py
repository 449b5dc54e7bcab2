"""F3: RAMCloud's workloads, defragmentation on: the peak of RSS over what lives."""

from harness.server import Server

LIVE_LIMIT = (256 << 20, 1 << 30)
WRITE_FACTOR = (3, 5)


def measure(context, spec, name, defrag):
    limit = max(context.size(*LIVE_LIMIT), 1 << 20)
    with Server(spec) as server:
        server.defrag_config(*context.cycle)
        able = server.set_defrag(defrag)
        server.settle()
        empty = server.rss()
        server.peak_reset()
        cpu = server.cpu_s()
        with context.profile(server, f"{name}-{defrag}"):
            figures = context.generator.run("workload", server, workload=name, live_limit=limit,
                                            pipeline=64, write_factor=WRITE_FACTOR[context.full])
        figures["cpu_us"] = (server.cpu_s() - cpu) / figures["ops"] * 1e6
        figures["peak"] = server.peak() - context.base(empty)
        figures["rss"] = server.rss() - context.base(empty)
        stats = server.info("stats")
        figures["able"] = able
        figures["moves"] = stats.get("active_defrag_hits", "-")
        figures["moving_s"] = float(stats.get("total_active_defrag_time", 0)) / 1000
        figures["mover_percent"], figures["moved"] = mover_costs(server, figures)
    return figures


def mover_costs(server, figures):
    """Percent of a CPU while the workload ran, and bytes moved for each byte written."""
    told = server.info("memory")
    if "heap_moved_bytes" not in told:
        return None, None
    share = float(told.get("active_defrag_cpu_us", 0)) / 1e6 / figures["elapsed_s"] * 100
    return share, float(told["heap_moved_bytes"]) / figures["written_bytes"]


def row_of(context, spec, name):
    figures = measure(context, spec, name, "yes")
    over = figures["peak"] / figures["peak_goal_bytes"]
    if figures["able"]:
        context.figure(spec, f"f3.{name.lower()}", over)
    slow = None
    if context.full and spec is context.subject and figures["able"]:
        slow = figures["ops_per_s"] / measure(context, spec, name, "no")["ops_per_s"]
    return [name, spec.label + ("" if figures["able"] else " (cannot)"),
            figures["peak"] / figures["peak_live_bytes"], over,
            figures["rss"] / figures["live_bytes"], figures["ops_per_s"], figures["cpu_us"],
            figures["moves"], figures["moving_s"], figures["mover_percent"], figures["moved"], slow]


def run(context):
    rows = [row_of(context, spec, name) for name in context.workloads for spec in context.specs]
    limit = max(context.size(*LIVE_LIMIT), 1 << 20) / (1 << 20)
    context.report.table(
        f"F3: RAMCloud's workloads, {limit:,.0f} MiB live, {WRITE_FACTOR[context.full]} times that "
        "written in a phase; "
        f"RSS {'' if context.base(1) == 0 else 'less that of the empty server '}"
        f"over what lives; cycle {'/'.join(context.cycle)}; every value checked after",
        ["workload", "server", "peak over live", "peak over live + 20 B an object",
         "end over live", "ops/s", "CPU, us", "moves", "s with moving on",
         "mover's CPU, %", "bytes moved a byte written", "speed over that without moving"], rows)
