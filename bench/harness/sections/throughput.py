"""Server CPU an operation and operations a second, servers in turn (A B A B): strings. Collections
are of the section `types`."""

import statistics

KEYS = (1_000_000, 1_000_000)
CLIENTS = 50

# Goal's name, command, options; each at the pipelines given.
ROWS = [
    ("get", "get", {}, (1, 16, 100)),
    ("set", "set", {}, (1, 16, 100)),
    ("incr", "incr", {"prefix": "ctr:"}, (1, 16, 100)),
    ("mget", "mget", {}, (1, 16, 100)),
]


def prepare(context, server, command, options, keys):
    """Whether the server knows the command; what it works on is there then."""
    done = context.generator.run("run", server, check=False, command=command, ops=1,
                                 prefix=options.get("prefix", "key:"))
    if done["errors"] > 0:
        return False
    if command == "incr":
        context.generator.run("fill", server, command=command, keys=keys, clients=4, pipeline=64,
                              **options)
    return True


def measure_row(context, servers, command, options, pipeline, keys):
    """For each server the runs of all rounds, taken in turn."""
    runs = {server: [] for server in servers}
    for turn in range(context.rounds):
        for server in servers:
            name = f"{command}-{pipeline}-{turn}"
            with context.profile(server, name):
                runs[server].append(context.generator.measure(
                    server, command=command, keys=keys, clients=CLIENTS, pipeline=pipeline,
                    seconds=context.seconds, value_bytes=64, **options))
    return runs


def ratio(runs, server, peer):
    """The median of the rounds' ratios: neighbours in time share the machine's mood."""
    pairs = zip(runs[server], runs[peer])
    return statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in pairs)


def cells(context, runs, servers, goal):
    line = []
    for server in servers:
        if server not in runs:
            line += ["-", "-"] + (["-"] if server is not servers[0] else [])
            continue
        line += [statistics.median(run["ops_per_s"] for run in runs[server]),
                 statistics.median(run["cpu_us"] for run in runs[server])]
        if server is servers[0]:
            continue
        if servers[0] not in runs:
            line.append("-")
            continue
        value = ratio(runs, servers[0], server)
        line.append(value)
        if server is servers[1]:
            figure_if_goal(context, goal, value)
    return line


def figure_if_goal(context, name, value):
    from harness.goals import BY_NAME
    if name in BY_NAME:
        context.report.figure(name, value)


def run(context):
    keys = context.size(*KEYS)
    rows, notes = [], []
    with context.all_servers() as servers:
        for server in servers:
            context.generator.fill(server, keys, value_bytes=64)
        for name, command, options, pipelines in ROWS:
            able = [server for server in servers
                    if prepare(context, server, command, options, keys)]
            notes += [f"{server.label} does not know {command.upper()}: skipped."
                      for server in servers if server not in able]
            for pipeline in pipelines if able else ():
                runs = measure_row(context, able, command, options, pipeline, keys)
                line = cells(context, runs, servers, f"speed.{name}.{pipeline}")
                rows.append([f"{command.upper()}, {pipeline}", *line])
    head = ["command, pipeline"]
    for index, server in enumerate(servers):
        head += [f"{server.label}: ops/s", "CPU, us"] + (["ratio of CPU"] if index else [])
    context.report.table(f"Throughput: {CLIENTS} clients, 64 B values, {keys:,} keys at random; "
                         f"medians of {context.rounds} turns of {context.seconds:g} s", head, rows)
    for text in notes:
        context.report.note(text)
