"""Places: known answers, both edges of the map, what is stored and told, errors by name."""

import math
import random

import pytest
from resp import Error

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = Error("ERR syntax error")
UNIT = Error("ERR unsupported unit provided. please use M, KM, FT, MI")
PAIR = "ERR invalid longitude,latitude pair"
RADIUS_M = 6372797.560856


@pytest.fixture
def sicily(any_client):
    any_client.call("GEOADD", "sicily", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669,
                    "Catania")
    return any_client


def haversine(one, other):
    (a, b), (c, d) = [map(math.radians, point) for point in (one, other)]
    u, v = math.sin((d - b) / 2), math.sin((c - a) / 2)
    return 2 * RADIUS_M * math.asin(math.sqrt(u * u + math.cos(b) * math.cos(d) * v * v))




# ---- one place -----------------------------------------------------------------------------------


def test_distances(sicily):
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania") == b"166274.1516"
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania", "KM") == b"166.2742"
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania", "mi") == b"103.3182"
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania", "ft") == b"545518.8700"
    assert sicily.call("GEODIST", "sicily", "Palermo", "Palermo") == b"0.0000"
    assert sicily.call("GEODIST", "sicily", "Palermo", "Rome") is None
    assert sicily.call("GEODIST", "none", "Palermo", "Catania") is None
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania", "cm") == UNIT
    assert sicily.call("GEODIST", "sicily", "Palermo", "Catania", "m", "m") == SYNTAX


def test_letters(sicily):
    assert sicily.call("GEOHASH", "sicily", "Palermo", "Rome", "Catania") == \
        [b"sqc8b49rny0", None, b"sqdtr74hyu0"]
    assert sicily.call("GEOHASH", "none", "Palermo") == [None]
    assert sicily.call("GEOHASH", "sicily") == []


def test_positions_are_numbers(sicily):
    """Doubles in RESP3, text in RESP2; a middle of a cell, not what was given."""
    found, missing = sicily.call("GEOPOS", "sicily", "Palermo", "Rome")
    kind = float if sicily.resp == 3 else bytes
    assert [type(number) for number in found] == [kind, kind]
    assert [float(number) for number in found] == [13.361389338970184, 38.1155563954963]
    assert missing is None


def test_adding(client):
    assert client.call("GEOADD", "k", 1, 1, "a", 2, 2, "b") == 2
    assert client.call("GEOADD", "k", 1, 1, "a", 3, 3, "b", 4, 4, "c") == 1
    assert client.call("GEOADD", "k", "CH", 1, 1, "a", 4, 3, "b") == 1
    assert client.call("GEOADD", "k", "NX", "CH", 9, 9, "a", 5, 5, "d") == 1
    assert client.call("GEOADD", "k", "XX", "CH", 9, 9, "a", 6, 6, "e") == 1
    assert client.call("GEOADD", "none", "XX", 1, 1, "a") == 0
    assert client.call("EXISTS", "none") == 0
    assert client.call("ZRANGE", "k", 0, -1) == [b"b", b"c", b"d", b"a"]
    assert client.call("OBJECT", "ENCODING", "k") == b"listpack"


@pytest.mark.parametrize("arguments, error", [
    (("k", "NX", "XX", 1, 1, "a"), SYNTAX),
    (("k", 1, 1, "a", 2), SYNTAX),
    (("k", "NX", "XX", "CH"), SYNTAX),
    (("k", 1, "x", "a"), Error("ERR value is not a valid float")),
    (("k", "nan", 1, "a"), Error("ERR value is not a valid float")),
    (("k", 1, 1, "a", 181, 1, "b"), Error(f"{PAIR} 181.000000,1.000000")),
    (("k", 1, 85.06, "a"), Error(f"{PAIR} 1.000000,85.060000")),
    (("text", 1, 1, "a"), WRONG_TYPE),
])
def test_adding_all_or_nothing(client, arguments, error):
    client.call("SET", "text", "x")
    assert client.call("GEOADD", *arguments) == error
    assert client.call("EXISTS", "k") == 0


# ---- searches ------------------------------------------------------------------------------------


def test_options_of_replies(sicily):
    reply = sicily.call("GEOSEARCH", "sicily", "FROMLONLAT", 15, 37, "BYRADIUS", 200, "km", "ASC",
                        "WITHCOORD", "WITHHASH", "WITHDIST")
    names, distances, hashes, points = zip(*reply)
    assert names == (b"Catania", b"Palermo")
    assert distances == (b"56.4413", b"190.4424")
    assert hashes == (3479447370796909, 3479099956230698)
    assert [len(point) for point in points] == [2, 2]
    assert sicily.call("GEORADIUS", "sicily", 15, 37, 200, "km", "DESC") == [b"Palermo", b"Catania"]
    assert sicily.call("GEORADIUSBYMEMBER_RO", "sicily", "Palermo", 100, "km", "WITHDIST") == \
        [[b"Palermo", b"0.0000"]]
    assert sicily.call("GEOSEARCH", "sicily", "FROMMEMBER", "Catania", "BYBOX", 400, 10, "km") == \
        [b"Catania"]


def test_the_date_line(client):
    client.call("GEOADD", "k", 179.9, 0, "west", -179.9, 0, "east", 0, 0, "far")
    assert client.call("GEOSEARCH", "k", "FROMMEMBER", "west", "BYRADIUS", 30, "km", "ASC") == \
        [b"west", b"east"]
    assert client.call("GEOSEARCH", "k", "FROMLONLAT", 179.95, 0, "BYBOX", 40, 40, "km", "ASC",
                       "COUNT", 9) == [b"west", b"east"]


def test_a_count_gives_the_nearest_and_any_does_not(client):
    client.call("GEOADD", "k", *[part for at in range(100)
                                 for part in (at / 1000, at / 1000, f"m{at}")])
    assert client.call("GEORADIUS", "k", 0, 0, 100, "km", "COUNT", 3) == [b"m0", b"m1", b"m2"]
    assert client.call("GEORADIUS", "k", 0, 0, 100, "km", "COUNT", 2, "DESC") == [b"m99", b"m98"]
    found = client.call("GEORADIUS", "k", 0, 0, 100, "km", "COUNT", 3, "ANY", "WITHDIST")
    assert len(found) == 3


@pytest.mark.parametrize("count", [120, 5000])
def test_all_that_lie_inside(client, count):
    """Small sets and big ones, beside arithmetic that looks at every place."""
    chance = random.Random(count)
    for at in range(0, count, 100):
        some = [part for number in range(at, min(at + 100, count))
                for part in (chance.uniform(-30, 30), chance.uniform(-30, 30), f"m{number}")]
        client.call("GEOADD", "k", *some)
    names = client.call("ZRANGE", "k", 0, -1)
    points = client.call("GEOPOS", "k", *names)
    places = {name: tuple(map(float, point)) for name, point in zip(names, points)}
    for _ in range(20):
        centre = chance.uniform(-40, 40), chance.uniform(-40, 40)
        radius = 10 ** chance.uniform(3, 6.5)
        found = client.call("GEOSEARCH", "k", "FROMLONLAT", *centre, "BYRADIUS", radius, "m")
        assert set(found) == {name for name, place in places.items()
                              if haversine(centre, place) <= radius}
        assert len(found) == len(set(found))


def test_all_of_the_globe(client):
    client.call("GEOADD", "k", -180, -85, "a", 179.9999, 85, "b", 0, 0, "c")
    for shape in (("BYRADIUS", 50000, "km"), ("BYRADIUS", "inf", "m")):
        assert len(client.call("GEOSEARCH", "k", "FROMLONLAT", 0, 0, *shape)) == 3
    assert client.call("GEOSEARCH", "k", "FROMMEMBER", "c", "BYRADIUS", 0, "m") == [b"c"]


# ---- what is stored ------------------------------------------------------------------------------


def test_storing(sicily):
    search = ("FROMLONLAT", 15, 37, "BYRADIUS", 200, "km")
    assert sicily.call("GEOSEARCHSTORE", "copy", "sicily", *search) == 2
    assert sicily.call("GEOHASH", "copy", "Palermo", "Catania") == [b"sqc8b49rny0", b"sqdtr74hyu0"]
    assert sicily.call("GEOSEARCHSTORE", "far", "sicily", *search, "STOREDIST") == 2
    assert abs(float(sicily.call("ZSCORE", "far", "Catania")) - 56.4413) < 0.0001
    radius = ("GEORADIUS", "sicily", 15, 37, 200, "km")
    assert sicily.call(*radius, "STORE", "a", "STOREDIST", "b") == 2
    assert (sicily.call("EXISTS", "a"), sicily.call("ZCARD", "b")) == (0, 2)
    assert sicily.call("GEORADIUSBYMEMBER", "sicily", "Palermo", 1, "m", "STORE", "sicily") == 1
    assert sicily.call("ZRANGE", "sicily", 0, -1) == [b"Palermo"]


def test_nothing_found_removes_what_was_stored(client):
    client.call("GEOADD", "k", 1, 1, "a")
    client.call("SET", "into", "text")
    search = ("FROMLONLAT", 50, 50, "BYRADIUS", 1, "m")
    assert client.call("GEOSEARCHSTORE", "into", "k", *search) == 0
    assert client.call("EXISTS", "into") == 0
    client.call("SET", "into", "text")
    assert client.call("GEORADIUS", "none", 1, 1, 1, "m", "STORE", "into") == 0
    assert client.call("EXISTS", "into") == 0


@pytest.mark.parametrize("command, error", [
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m FROMMEMBER a", SYNTAX),
    ("GEOSEARCH k FROMLONLAT 1 1 ASC DESC", "exactly one of BYRADIUS and BYBOX can be specified"),
    ("GEOSEARCH k BYRADIUS 1 m ASC DESC", "exactly one of FROMMEMBER or FROMLONLAT can be"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS -1 m", "radius cannot be negative"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS x m", "need numeric radius"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYBOX 1 -1 m", "height or width cannot be negative"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYBOX 1 x m", "need numeric height"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 cm", UNIT),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", "COUNT must be > 0"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m ANY", "the ANY argument requires COUNT argument"),
    ("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST", SYNTAX),
    ("GEOSEARCH k FROMMEMBER x BYRADIUS 1 m", "could not decode requested zset member"),
    ("GEOSEARCH text FROMMEMBER x BYRADIUS 1 m", WRONG_TYPE),
    ("GEORADIUS_RO k 1 1 1 m STORE into", SYNTAX),
    ("GEORADIUS k 1 1 1 m WITHDIST STORE into", "STORE option in GEORADIUS is not compatible"),
    ("GEOSEARCHSTORE into k FROMLONLAT 1 1 BYRADIUS 1 m WITHHASH",
     "GEOSEARCHSTORE is not compatible with WITHDIST"),
])
def test_errors(client, command, error):
    client.call("GEOADD", "k", 1, 1, "a")
    client.call("SET", "text", "x")
    reply = client.call(*command.split())
    if isinstance(error, Error):
        assert reply == error
    else:
        assert isinstance(reply, Error) and str(reply).startswith("ERR ") and error in str(reply)
    assert client.call("EXISTS", "into") == 0


def test_keys_are_found_behind_options(client):
    keys = client.call("COMMAND", "GETKEYS", "GEORADIUS", "k", 1, 1, 1, "m", "STOREDIST", "into")
    assert keys == [b"k", b"into"]
    search = ("GEOSEARCHSTORE", "into", "k", "FROMLONLAT", 1, 1, "BYRADIUS", 1, "m")
    flags = client.call("COMMAND", "GETKEYSANDFLAGS", *search)
    assert [name for name, _ in flags] == [b"into", b"k"]
