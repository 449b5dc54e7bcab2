"""Active defragmentation on a running server: when it starts and stops, how hard it works, and that
no value is ever the worse for it. Figures are bytes and counts; time is only waited for."""

import re
import threading
import time

import pytest

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD
from resp import Client, Error

MB = 1 << 20
PATIENCE_SECONDS = 120
SCALE = 40 if MOVE_ALL_BUILD else 8 if CHECKED_BUILD else 1

# Where the figures are those of a build that moves everything all the time, or of small heaps.
figures = pytest.mark.skipif(CHECKED_BUILD, reason="figures are looked at in builds without checks")


def numbers(client):
    """INFO memory and stats, as numbers where they are such."""
    text = client.call("INFO", "memory", "stats").decode()
    told = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    return {name: float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else value
            for name, value in told.items()}


def percent(told):
    """Fragmentation as the directives mean it."""
    return 100 * told["heap_frag_bytes"] / told["heap_allocated"]


def settings(client, **options):
    words = [word for name, value in options.items() for word in (name.replace("_", "-"), value)]
    assert client.call("CONFIG", "SET", *words) == "OK"


def defrag(client, switch="yes", lower=5, stop=1, ignore=1 * MB, least=1, most=25, **more):
    """The directives that most tests set."""
    limits = {f"active_defrag_{name}": value for name, value in more.items()}
    settings(client, activedefrag=switch, active_defrag_threshold_lower=lower,
             active_defrag_threshold_stop=stop, active_defrag_ignore_bytes=ignore,
             active_defrag_cycle_min=least, active_defrag_cycle_max=most, **limits)


def wait_for(client, done):
    """INFO as soon as done(INFO)."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done(told := numbers(client)):
        assert time.monotonic() < deadline, f"in vain: {told}"
        time.sleep(0.01)
    return told


def has_stopped(told):
    return told["active_defrag_running"] == 0 and told["active_defrag_state"] != "running"


def is_running(told):
    return told["active_defrag_running"] > 0


@pytest.fixture
def subject(start):
    """A server that moves nothing until it is told to."""
    client = start("--enable-debug-command", "yes", "--activedefrag", "no").client(timeout=60)
    client.call("CONFIG", "RESETSTAT")
    return client


class Holes:
    """Keys of several sizes, of which a part is taken out evenly; every value follows from its key.

    Sizes are filled one after the other, so that each leaves spans with holes of its own."""

    def __init__(self, client, sizes, share=0.6, db=0, expiring=False):
        self.client, self.db, self.expiring = client, db, expiring
        self.counts = {size: max(10, count // SCALE) for size, count in sizes.items()}
        self.share = share

    def fill(self):
        self.client.call("SELECT", self.db)
        for size, count in self.counts.items():
            assert self.client.call("DEBUG", "POPULATE", count, f"{self.db}:{size}", size) == "OK"
            if self.expiring:
                self.each(size, lambda name, _: ("PEXPIRE", name, 10**8))
        return self

    def each(self, size, request, step=1000, among=None):
        """Sends request(key, number) for each key, or for those of `among`."""
        among = range(self.counts[size]) if among is None else among
        for first in range(0, len(among), step):
            part = [request(f"{self.db}:{size}:{number}", number)
                    for number in among[first:first + step]]
            self.client.pipeline(*part)

    def goes(self, number):
        return number * 2654435761 % 1000 < self.share * 1000

    def take_out(self):
        self.client.call("SELECT", self.db)
        for size, count in self.counts.items():
            names = [f"{self.db}:{size}:{number}" for number in range(count) if self.goes(number)]
            for first in range(0, len(names), 500):
                self.client.call("DEL", *names[first:first + 500])
        return self

    def check(self):
        """Every key that should be there has its value, and no other key is there."""
        self.client.call("SELECT", self.db)
        kept = 0
        for size, count in self.counts.items():
            left = [number for number in range(count) if not self.goes(number)]
            kept += len(left)
            for first in range(0, len(left), 200):
                part = left[first:first + 200]
                values = self.client.call("MGET", *[f"{self.db}:{size}:{n}" for n in part])
                for number, value in zip(part, values):
                    wanted = b"value:%d" % number
                    assert value == wanted[:size] + bytes(max(0, size - len(wanted))), number
        return kept


# About 100 MB before holes: enough for spans that are begun and not full to weigh under 1 %.
SMALL = {16: 300000, 40: 200000, 72: 150000, 130: 150000, 200: 150000}
FEW = {40: 120000, 130: 80000, 200: 60000}
MANY = {1: 40000, 5: 40000, 11: 40000, 30: 40000, 64: 40000, 110: 30000, 250: 20000, 600: 10000,
        1100: 8000, 1500: 6000, 4000: 3000, 9000: 1500, 20000: 600, 33000: 400, 60000: 200}


class Load(threading.Thread):
    """Another client that sets and gets, and remembers what must be there."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client = Client(port, timeout=60)
        self.client.call("SELECT", 9)
        self.ended = threading.Event()
        self.rounds, self.wrong = 0, []

    def value(self, key, turn):
        return (b"%d.%d." % (key, turn)) * (1 + (key * 7 + turn * 13) % 8)

    def run(self):
        expected = {}
        try:
            while not self.ended.is_set():
                self.turn(expected)
        except Exception as error:  # told by __exit__, since a thread has nobody to tell
            self.wrong.append(repr(error))

    def turn(self, expected):
        self.rounds += 1
        keys = [(self.rounds * 17 + at * 31) % 3000 for at in range(40)]
        requests = []
        for at, key in enumerate(keys):
            if at % 4 == 3:
                expected[key] = self.value(key, self.rounds)
                requests.append(("SET", f"load:{key}", expected[key]))
            elif at % 40 == 2:
                expected[key] = None
                requests.append(("DEL", f"load:{key}"))
            else:
                requests.append(("GET", f"load:{key}", expected.get(key)))
        replies = self.client.pipeline(*[request[:2] if request[0] == "GET" else request
                                         for request in requests])
        for request, reply in zip(requests, replies):
            if request[0] == "GET" and reply != request[2]:
                self.wrong.append((request, reply))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join(60)
        self.client.close()
        assert not self.wrong, self.wrong[:3]
        assert self.rounds > 0


def port_of(client):
    return client.socket.getpeername()[1]


def assert_sound(client):
    assert client.call("DEBUG", "VERIFY") == "OK"
    told = numbers(client)
    assert told["active_defrag_misses"] == told["active_defrag_key_misses"] == 0
    return told


# --- no and yes -----------------------------------------------------------------------------------

@figures
def test_nothing_moves_while_it_is_off(subject):
    holes = Holes(subject, SMALL).fill().take_out()
    before = numbers(subject)
    assert before["heap_frag_ratio"] >= 1.4 and before["allocator_frag_ratio"] >= 1.3
    with Load(port_of(subject)):
        time.sleep(1.5)
    after = numbers(subject)
    assert after["active_defrag_state"] == "disabled"
    for name in ("active_defrag_hits", "active_defrag_key_hits", "active_defrag_misses",
                 "heap_moved_bytes", "active_defrag_slices", "active_defrag_cpu_us",
                 "active_defrag_running", "total_active_defrag_time"):
        assert after[name] == 0, name
    assert after["heap_frag_ratio"] >= 1.4
    holes.check()


@figures
def test_heals_under_load(subject):
    """The main job: a fragmented heap is whole again, and nobody has noticed."""
    holes = Holes(subject, SMALL).fill().take_out()
    before = numbers(subject)
    assert before["heap_frag_ratio"] >= 1.4
    with Load(port_of(subject)) as load:
        defrag(subject)
        wait_for(subject, is_running)
        after = wait_for(subject, has_stopped)
        load.rounds = 0
        time.sleep(0.2)
    assert after["heap_frag_ratio"] < 1.03
    assert after["allocator_frag_ratio"] < before["allocator_frag_ratio"] - 0.3
    saved = before["used_memory_rss"] - numbers(subject)["used_memory_rss"]
    assert saved > 0.7 * (before["heap_active"] - after["heap_active"])
    assert after["active_defrag_hits"] == after["active_defrag_key_hits"] > 0
    told = assert_sound(subject)
    assert told["heap_drained_spans"] > 0
    holes.check()


@figures
def test_moves_no_more_than_it_must(subject):
    """Draining the emptiest spans moves less than what stays."""
    Holes(subject, SMALL, share=0.5).fill().take_out()
    before = numbers(subject)
    defrag(subject)
    wait_for(subject, is_running)
    after = wait_for(subject, has_stopped)
    returned = before["heap_active"] - after["heap_active"]
    assert after["heap_moved_bytes"] < 1.2 * before["heap_allocated"] * 0.5
    assert after["heap_moved_bytes"] < 1.5 * returned


@figures
def test_is_on_by_default(start):
    client = start("--enable-debug-command", "yes").client(timeout=60)
    assert client.call("CONFIG", "GET", "activedefrag") == [b"activedefrag", b"yes"]
    settings(client, active_defrag_ignore_bytes=MB)
    Holes(client, FEW).fill().take_out()
    told = wait_for(client, lambda told: has_stopped(told) and told["active_defrag_hits"] > 0)
    assert percent(told) < 6


# --- start and stop -------------------------------------------------------------------------------

@figures
def test_starts_where_the_directives_say(subject):
    Holes(subject, FEW).fill().take_out()
    told = numbers(subject)
    share, wasted = percent(told), told["heap_frag_bytes"]

    defrag(subject, ignore=int(wasted * 1.1))
    time.sleep(0.3)
    told = numbers(subject)
    assert told["active_defrag_state"] == "below-ignore-bytes" and told["active_defrag_hits"] == 0

    defrag(subject, lower=int(share * 1.1) + 1, threshold_upper=1000)
    time.sleep(0.3)
    told = numbers(subject)
    assert told["active_defrag_state"] == "below-threshold" and told["active_defrag_hits"] == 0

    defrag(subject, lower=int(share * 0.9), ignore=int(wasted * 0.9), threshold_upper=1000,
           least=1, most=1)
    wait_for(subject, lambda told: told["active_defrag_hits"] > 0)


@figures
@pytest.mark.parametrize("lower, stop", [(20, 20), (10, -1), (10, 4)])
def test_stops_where_the_directives_say(subject, lower, stop):
    """Equal to lower: as soon as the condition to start does not hold. By default: at half."""
    Holes(subject, FEW).fill().take_out()
    defrag(subject, lower=lower, stop=stop, least=3, most=3, cycle_us=20)
    wait_for(subject, is_running)
    told = wait_for(subject, has_stopped)
    limit = lower / 2 if stop < 0 else stop
    assert told["active_defrag_state"] == "healed" or percent(told) < limit
    assert 0.7 * limit < percent(told) < limit
    moved = told["active_defrag_hits"]
    time.sleep(0.3)
    assert numbers(subject)["active_defrag_hits"] == moved


@figures
def test_ends_when_nothing_is_left(subject):
    """No threshold to stop at: it ends where moving gives nothing back."""
    Holes(subject, FEW).fill().take_out()
    defrag(subject, stop=0)
    wait_for(subject, is_running)
    told = wait_for(subject, has_stopped)
    assert told["heap_reclaimable_bytes"] == 0 and percent(told) < 3
    time.sleep(0.3)
    later = numbers(subject)
    assert later["active_defrag_hits"] == told["active_defrag_hits"]
    assert later["active_defrag_state"] in ("nothing-left", "below-threshold", "below-ignore-bytes")


@figures
def test_goes_on_after_more_holes(subject):
    """Healed, fragmented anew, healed anew."""
    holes = Holes(subject, SMALL, share=0.4).fill().take_out()
    defrag(subject)
    wait_for(subject, is_running)
    first = wait_for(subject, has_stopped)
    settings(subject, activedefrag="no")  # or it would heal, and rest, between two of the holes
    holes.share = 0.7
    holes.take_out()
    defrag(subject)
    second = wait_for(subject, lambda told: has_stopped(told) and
                      told["active_defrag_hits"] > first["active_defrag_hits"])
    assert second["heap_frag_ratio"] < 1.04
    holes.check()
    assert_sound(subject)


@figures
def test_changes_while_it_runs(subject):
    holes = Holes(subject, FEW).fill().take_out()
    defrag(subject, least=1, most=1)
    told = wait_for(subject, is_running)
    assert told["active_defrag_running"] == 1 and told["active_defrag_state"] == "running"

    settings(subject, activedefrag="no")
    stopped = wait_for(subject, has_stopped)
    assert stopped["active_defrag_state"] == "disabled"
    time.sleep(0.2)
    assert numbers(subject)["active_defrag_hits"] == stopped["active_defrag_hits"]

    settings(subject, activedefrag="yes")
    wait_for(subject, is_running)
    settings(subject, active_defrag_threshold_stop=900)
    assert wait_for(subject, has_stopped)["active_defrag_state"] in ("healed", "running",
                                                                     "below-threshold")
    settings(subject, active_defrag_threshold_lower=1000)
    wait_for(subject, lambda told: told["active_defrag_state"] == "below-threshold")
    settings(subject, active_defrag_threshold_lower=5, active_defrag_threshold_stop=1,
             active_defrag_cycle_max=25)
    wait_for(subject, is_running)
    assert wait_for(subject, has_stopped)["heap_frag_ratio"] < 1.03
    holes.check()
    assert_sound(subject)


# --- effort ---------------------------------------------------------------------------------------

@figures
@pytest.mark.parametrize("share", [2, 8, 25])
def test_effort_stays_in_its_share(subject, share):
    Holes(subject, FEW).fill().take_out()
    defrag(subject, least=share, most=share)
    wait_for(subject, is_running)
    told = wait_for(subject, lambda told: has_stopped(told) or
                    told["total_active_defrag_time"] > 1500)
    slice_us = 100
    allowed_us = told["total_active_defrag_time"] * 1000 * share / 100 + 2 * slice_us
    assert told["active_defrag_cpu_us"] <= 1.05 * allowed_us
    assert told["active_defrag_cpu_us"] > 0.1 * allowed_us


@figures
def test_effort_is_linear(subject):
    """cycle-min at threshold-lower, cycle-max at threshold-upper, a line between."""
    Holes(subject, SMALL, share=0.7).fill().take_out()
    lower, upper, least, most = 10, 200, 1, 8
    defrag(subject, lower=lower, threshold_upper=upper, stop=2, least=least, most=most)
    wait_for(subject, is_running)
    seen = set()
    while not has_stopped(told := numbers(subject)):
        share = (percent(told) - lower) / (upper - lower)
        wanted = min(most, max(least, least + share * (most - least)))
        assert abs(told["active_defrag_running"] - wanted) <= 1.5
        seen.add(told["active_defrag_running"])
        time.sleep(0.01)
    assert {least, most} <= seen and len(seen) >= 5


@figures
@pytest.mark.parametrize("cycle_us", [100, 500])
def test_slices_keep_their_limit(subject, cycle_us):
    """In CPU time of the thread, so that other processes do not count; interrupts and what the
    host of a virtual machine takes do. Exact limits are tested in a simulated world."""
    Holes(subject, {**FEW, **{size: MANY[size] for size in (4000, 20000, 60000)}}).fill() \
        .take_out()
    with Load(port_of(subject)):
        defrag(subject, cycle_us=cycle_us)
        wait_for(subject, is_running)
        told = wait_for(subject, has_stopped)
    assert told["active_defrag_slices"] >= 10
    assert told["active_defrag_slices_over_limit"] < 0.25 * told["active_defrag_slices"]
    mean_us = told["active_defrag_cpu_us"] / told["active_defrag_slices"]
    assert mean_us < cycle_us
    assert told["active_defrag_slice_cpu_max_us"] <= told["active_defrag_slice_max_us"] + 5


@figures
def test_long_slices_are_told_by_latency(subject):
    """With a limit of 5 ms a slice is an event for those who watch from 2 ms on."""
    Holes(subject, SMALL).fill().take_out()
    settings(subject, latency_monitor_threshold=2)
    subject.call("LATENCY", "RESET")
    defrag(subject, cycle_us=5000, least=50, most=50)
    wait_for(subject, is_running)
    wait_for(subject, has_stopped)
    row, = [row for row in subject.call("LATENCY", "LATEST") if row[0] == b"active-defrag-cycle"]
    assert 2 <= row[2] <= row[3]
    assert b"ends after 5000 us (active-defrag-cycle-us)" in subject.call("LATENCY", "DOCTOR")
    assert b"active-defrag-cycle - high" in subject.call("LATENCY", "GRAPH", "active-defrag-cycle")


@figures
def test_times_and_resetstat(subject):
    Holes(subject, FEW).fill().take_out()
    defrag(subject, least=1, most=1)
    wait_for(subject, is_running)
    first = wait_for(subject, lambda told: told["current_active_defrag_time"] >= 50)
    assert first["total_active_defrag_time"] >= first["current_active_defrag_time"] >= 50
    subject.call("CONFIG", "RESETSTAT")
    told = numbers(subject)
    assert is_running(told)
    for name in ("total_active_defrag_time", "current_active_defrag_time"):
        assert told[name] < first[name]
    assert told["active_defrag_hits"] < first["active_defrag_hits"] or \
        told["active_defrag_hits"] < 2000
    settings(subject, active_defrag_cycle_max=50, active_defrag_cycle_min=50)
    last = wait_for(subject, has_stopped)
    assert last["current_active_defrag_time"] == 0 < last["total_active_defrag_time"]
    time.sleep(0.1)
    assert numbers(subject)["total_active_defrag_time"] == last["total_active_defrag_time"]
    subject.call("CONFIG", "RESETSTAT")
    told = numbers(subject)
    for name in ("active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
                 "active_defrag_key_misses", "total_active_defrag_time",
                 "current_active_defrag_time", "active_defrag_slices", "active_defrag_cpu_us",
                 "active_defrag_slice_max_us", "heap_moved_bytes"):
        assert told[name] == 0, name


# --- data of all kinds ----------------------------------------------------------------------------

def heal(client):
    """Moves as much as can be moved, fast; returns INFO when it is over."""
    defrag(client, lower=0, stop=0, ignore=1, least=40, most=60)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while numbers(client)["heap_reclaimable_bytes"] > 0:
        assert time.monotonic() < deadline, numbers(client)
        time.sleep(0.02)
    told = assert_sound(client)
    defrag(client, "no")
    return told


def test_keys_of_many_sizes(subject):
    holes = Holes(subject, MANY).fill().take_out()
    before = numbers(subject)
    with Load(port_of(subject)):
        told = heal(subject)
    assert told["active_defrag_hits"] > 0
    if not CHECKED_BUILD:
        assert told["heap_frag_bytes"] < before["heap_frag_bytes"] / 3
    holes.check()


def test_keys_with_an_expiry(subject):
    """They live in spans of their own, and keep their time."""
    sizes = {size: count // 4 for size, count in FEW.items()}
    lasting = Holes(subject, sizes, db=0).fill().take_out()
    going = Holes(subject, sizes, db=1, expiring=True).fill().take_out()
    subject.call("SELECT", 1)
    before = [subject.call("PEXPIRETIME", f"1:40:{number}") for number in range(200)]
    heal(subject)
    subject.call("SELECT", 1)
    assert before == [subject.call("PEXPIRETIME", f"1:40:{number}") for number in range(200)]
    lasting.check()
    going.check()


def test_moved_keys_still_expire(subject):
    """Those that die at once and those that live longer are moved together."""
    holes = Holes(subject, {30: 60000, 300: 20000}).fill().take_out()
    for size in holes.counts:
        left = [number for number in range(holes.counts[size]) if not holes.goes(number)]
        holes.each(size, lambda name, number: ("PEXPIRE", name, 3000 if number % 2 else 10**8),
                   among=left)
    heal(subject)
    lasting = sum(not holes.goes(number) and number % 2 == 0
                  for count in holes.counts.values() for number in range(count))
    wait_for(subject, lambda told: subject.call("DBSIZE") == lasting)
    assert_sound(subject)


def test_several_databases(subject):
    """With SWAPDB and MOVE on the way."""
    parts = [Holes(subject, {50: 40000, 120: 30000}, db=db).fill().take_out() for db in (0, 3, 15)]
    defrag(subject, lower=0, stop=0, ignore=1)
    for _ in range(5):
        subject.call("SWAPDB", 3, 15)
        time.sleep(0.02)
    subject.call("SELECT", 0)
    for number in range(2000):
        subject.call("SET", f"moving:{number}", "x" * (number % 100))
        subject.call("MOVE", f"moving:{number}", 7)
    heal(subject)
    assert subject.call("SWAPDB", 3, 15) == "OK"
    for part in parts:
        part.check()
    subject.call("SELECT", 7)
    assert all(subject.call("STRLEN", f"moving:{number}") == number % 100
               for number in range(0, 2000, 7))


def test_big_strings_and_long_keys(subject):
    """Runs of pages never move; the entries that lead to them do."""
    sizes = [61000, 61441, 65536, 100000, 1000000]
    fillers = Holes(subject, {16: 100000, 200: 30000}).fill()
    for number in range(100):
        subject.call("SET", f"big:{number}", (b"%d." % number) * (sizes[number % 5] // 4))
        subject.call("SET", b"k%d." % number * 7000, f"of a long key {number}")
        subject.call("SET", b"K%d." % number * 20000, f"of a longer key {number}")
    fillers.take_out()
    for number in range(0, 100, 3):
        subject.call("DEL", f"big:{number}", b"k%d." % number * 7000, b"K%d." % number * 20000)
    with Load(port_of(subject)):
        heal(subject)
    for number in range(100):
        gone = number % 3 == 0
        assert subject.call("GET", f"big:{number}") == \
            (None if gone else (b"%d." % number) * (sizes[number % 5] // 4))
        assert subject.call("GET", b"k%d." % number * 7000) == \
            (None if gone else b"of a long key %d" % number)
        assert subject.call("GET", b"K%d." % number * 20000) == \
            (None if gone else b"of a longer key %d" % number)
    holes_kept = fillers.check()
    assert holes_kept > 0


def test_while_a_database_is_given_back(subject):
    """FLUSHDB ASYNC: what is dying is still moved, and dies all the same."""
    kept = Holes(subject, {40: 60000, 130: 40000}, db=0).fill().take_out()
    for turn in range(4):
        dying = Holes(subject, {30: 80000, 250: 30000, 5000: 1000}, db=2).fill().take_out()
        defrag(subject, lower=0, stop=0, ignore=1, least=50, most=50)
        subject.call("SELECT", 2)
        assert subject.call("FLUSHDB", "ASYNC") == "OK"
        assert subject.call("DBSIZE") == 0
        if turn % 2:
            subject.call("SET", "new", "born meanwhile")
            assert subject.call("GET", "new") == b"born meanwhile"
        del dying
    wait_for(subject, lambda told: told["lazyfree_pending_objects"] == 0)
    heal(subject)
    kept.check()


def test_move_all_amid_everything(subject):
    """Every block moves, again and again, between the commands of others."""
    holes = Holes(subject, {16: 20000, 100: 10000, 3000: 500, 30000: 50}).fill().take_out()
    subject.call("SET", "run", "r" * 200000)
    defrag(subject, lower=0, stop=0, ignore=1)
    digest = None
    with Load(port_of(subject)):
        for _ in range(20):
            assert subject.call("DEBUG", "MOVE-ALL") > 0
    assert_sound(subject)
    digest = subject.call("DEBUG", "DIGEST")
    subject.call("DEBUG", "MOVE-ALL")
    assert subject.call("DEBUG", "DIGEST") == digest
    subject.call("DEL", "run")
    holes.check()


def test_scan_across_moves(subject):
    """A cursor remembers a place in the table, never an address: every key is seen."""
    holes = Holes(subject, {20: 40000, 90: 20000}).fill().take_out()
    defrag(subject, lower=0, stop=0, ignore=1, least=50, most=50)
    seen, cursor, turns = set(), b"0", 0
    while True:
        cursor, keys = subject.call("SCAN", cursor, "COUNT", 50)
        seen.update(keys)
        turns += 1
        if turns % 100 == 0:
            subject.call("DEBUG", "MOVE-ALL")
        if cursor == b"0":
            break
    assert len(seen) == holes.check() == subject.call("DBSIZE")


def test_edits_in_place_between_moves(subject):
    """Values that grow and shrink where they stand, with blocks moving in between."""
    defrag(subject, lower=0, stop=0, ignore=1, least=50, most=50)
    expected = {}
    count = max(200, 20000 // SCALE)
    for number in range(count):
        key = f"e{number % 500}"
        if number % 3 == 0:
            expected[key] = expected.get(key, b"") + b"-%d" % number
            subject.call("APPEND", key, b"-%d" % number)
        elif number % 3 == 1:
            value = bytearray(expected.get(key, b"").ljust(20, b"\0"))
            value[10:20] = b"%010d" % number
            expected[key] = bytes(value)
            subject.call("SETRANGE", key, 10, b"%010d" % number)
        else:
            expected[key] = b"%d" % number
            subject.call("SET", key, number)
        if number % 97 == 0:
            subject.call("DEBUG", "MOVE-ALL")
    for key, value in expected.items():
        assert subject.call("GET", key) == value
    assert_sound(subject)


def test_errors_change_nothing(subject):
    before = subject.call("CONFIG", "GET", "active*defrag*")
    for name, value in (("activedefrag", "maybe"), ("active-defrag-cycle-min", 0),
                        ("active-defrag-cycle-max", 100), ("active-defrag-threshold-lower", -1),
                        ("active-defrag-threshold-stop", -2), ("active-defrag-cycle-us", -1),
                        ("active-defrag-ignore-bytes", "x")):
        assert isinstance(subject.call("CONFIG", "SET", name, value), Error), name
    assert subject.call("CONFIG", "GET", "active*defrag*") == before
