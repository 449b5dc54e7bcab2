"""Arguments of the commands on geo keys."""

from generators.primitives import *  # noqa: F403

# Towns close together and far apart, the edges of the map, the date line, both sides of zero.
PLACES = [(13.361389, 38.115556), (15.087269, 37.502669), (2.349014, 48.864716), (0, 0),
          (-0.0001, 0.0001), (179.999, 10), (-179.999, 10), (180, 85.05112878),
          (-180, -85.05112878), (180, 0), (0, 85), (0, -85), (10, 70), (10, -70), (45, 45),
          (-122.4194, 37.7749), (-73.9857, 40.7484), (139.6917, 35.6895), (151.2093, -33.8688)]
BAD_PLACES = [(181, 0), (0, 86), (-180.5, 0), (0, -85.06), (b"x", 0), (0, b""), (b"nan", 0),
              (b"inf", 1), (b" 1", 2)]
RADII = [0, 1, 10, 0.5, 100, 1000, 5000, 100000, 500000, 3000000, 10000000, 20037727, 50000000,
         b"1e3", b"inf", b"12.345"]
BAD_RADII = [-1, b"x", b"", b"nan", b"-0.5"]


def geo(r):
    return key_of(r, "geo")


def member(r):
    return f"m{r.randint(0, 40)}".encode() if r.random() < 0.9 else value(r)


def folded(degrees, limit):
    """What goes over the edge comes back, and not to rest on it."""
    if degrees > limit:
        return 2 * limit - degrees
    return -2 * limit - degrees if degrees < -limit else degrees


def spread(r):
    """A place anywhere, or close to another so that cells have neighbours."""
    if r.random() < 0.2:
        return r.uniform(-180, 180), r.uniform(-85.05, 85.05)
    longitude, latitude = r.choice(PLACES)
    reach = r.choice([0.0001, 0.01, 1, 10])
    return (folded(longitude + r.uniform(-reach, reach), 180),
            folded(latitude + r.uniform(-reach, reach), 85.05112878))


def place(r):
    chance = r.random()
    if chance < 0.7:
        return list(spread(r))
    longitude, latitude = r.choice(PLACES if chance < 0.98 else BAD_PLACES)
    return [longitude, latitude or r.uniform(-0.01, 0.01)]  # not as far from north as from south


def placed_member(r):
    """Never two members at one place: whether the one or the other is among the first COUNT is each
    server's own."""
    if r.random() < 0.7:
        return [*spread(r), member(r)]
    if r.random() < 0.05:
        return [*r.choice(BAD_PLACES), member(r)]
    at = r.randrange(len(PLACES))
    return [*PLACES[at], f"m{at}".encode()]


def radius(r):
    if r.random() < 0.4:
        return round(10 ** r.uniform(-1, 7), 3)
    return r.choice(RADII) if r.random() < 0.96 else r.choice(BAD_RADII)


def unit(r):
    return word(r, "m", "km", "ft", "mi") if r.random() < 0.97 else word(r, "cm", "", "miles")


def count(r):
    return [word(r, "COUNT"), r.choice([1, 2, 3, 5, 10, 100]) if r.random() < 0.95 else integer(r)]


def shape(r):
    if r.random() < 0.6:
        return [word(r, "BYRADIUS"), radius(r), unit(r)]
    return [word(r, "BYBOX"), radius(r), radius(r), unit(r)]


def origin(r):
    if r.random() < 0.5:
        return [word(r, "FROMMEMBER"), member(r)]
    return [word(r, "FROMLONLAT"), *place(r)]


def limits(r):
    found = some(r, ["ASC", "DESC"], 1)
    if r.random() < 0.4:
        found += count(r) + (["ANY"] if r.random() < 0.4 else [])
    elif r.random() < 0.02:
        found += ["ANY"]
    return found


def with_options(r):
    return some(r, ["WITHCOORD", "WITHDIST", "WITHHASH"])


def shuffled(r, parts):
    r.shuffle(parts)
    return [argument for part in parts for argument in part]


def geosearch(r):
    parts = [origin(r), shape(r), limits(r), with_options(r)]
    if r.random() < 0.02:
        parts.append(r.choice([origin, shape, lambda r: ["STOREDIST"]])(r))
    return [geo(r)] + shuffled(r, parts)


def geosearchstore(r):
    parts = [origin(r), shape(r), limits(r)]
    target = geo(r)
    if r.random() < 0.3:
        parts.append([word(r, "STOREDIST")])
        target = key_of(r, "zset")
    if r.random() < 0.03:
        parts.append(with_options(r))
    return [target, geo(r)] + shuffled(r, parts)


def storing(r):
    """Distances go where no places are sought: as places they would all be the same one."""
    if r.random() < 0.5:
        return [word(r, "STORE"), geo(r)]
    return [word(r, "STOREDIST"), key_of(r, "zset")]


def radius_options(r, may_store):
    parts = [limits(r)]
    if may_store and r.random() < 0.3:
        parts += [storing(r) for _ in range(r.choice([1, 1, 2]))]
    if r.random() < (0.1 if len(parts) > 1 else 0.6):
        parts.append(with_options(r))
    return shuffled(r, parts)


def geoadd(r):
    arguments = [geo(r)] + (some(r, ["NX", "XX", "CH", "CH"], 2) if r.random() < 0.3 else [])
    for _ in range(r.choice([1, 2, 3, 5, 20])):
        arguments += placed_member(r)
    return arguments


GENERATORS = {
    "geoadd": geoadd,
    "geodist": lambda r: [geo(r), member(r), member(r)] + ([unit(r)] if r.random() < 0.7 else []),
    "geohash": lambda r: [geo(r)] + [member(r) for _ in range(r.randint(0, 4))],
    "geopos": lambda r: [geo(r)] + [member(r) for _ in range(r.randint(0, 4))],
    "georadius": lambda r: [geo(r), *place(r), radius(r), unit(r)] + radius_options(r, True),
    "georadius_ro": lambda r: [geo(r), *place(r), radius(r), unit(r)] + radius_options(
        r, r.random() < 0.05),
    "georadiusbymember": lambda r: [geo(r), member(r), radius(r), unit(r)] + radius_options(
        r, True),
    "georadiusbymember_ro": lambda r: [geo(r), member(r), radius(r), unit(r)] + radius_options(
        r, r.random() < 0.05),
    "geosearch": geosearch,
    "geosearchstore": geosearchstore,
}
WEIGHTS = {"geoadd": 4, "geosearch": 3, "geosearchstore": 2, "georadius": 2}
EXCLUDED = {}


def audit():
    return [(b"DEBUG", b"DIGEST-VALUE", *POOLS["geo"])] + [
        (b"OBJECT", b"ENCODING", name) for name in POOLS["geo"]]
