"""Scripts that call commands, converting their replies there and back."""

import hashlib

from generators.primitives import *  # noqa: F403

KINDS = ["string", "list", "hash", "set", "zset"]

# What a script returns of one call; {call} is redis.call or redis.pcall with its arguments.
FORMS = [
    "return {call}",
    "local r = {call} return r",
    "return {{{call}, 'end'}}",
    "local r = {call} if type(r) == 'table' then return #r end return type(r)",
    "local r = {call} if type(r) == 'table' and r.err then return {{err = r.err}} end return r",
    "local r = {call} if type(r) == 'table' and r.ok then return r.ok end return r",
    "redis.setresp(3) return {call}",
    "redis.setresp(3) local r = {call} if type(r) == 'table' then return r.map or r.set or "
    "r.double or r end return r",
    "local ok, e = pcall(function() return {call} end) if ok then return e end "
    "return {{tostring(ok), e}}",
    "for i = 1, 3 do {call} end return #KEYS",
]

# Calls whose replies have one order.
CALLS = [
    ("string", "'get', KEYS[1]"),
    ("string", "'set', KEYS[1], ARGV[1]"),
    ("string", "'append', KEYS[1], ARGV[1]"),
    ("string", "'strlen', KEYS[1]"),
    ("string", "'incr', KEYS[1]"),
    ("string", "'incrby', KEYS[1], ARGV[2]"),
    ("string", "'mget', KEYS[1], KEYS[2]"),
    ("string", "'getrange', KEYS[1], 0, 3"),
    ("list", "'lpush', KEYS[1], ARGV[1]"),
    ("list", "'lrange', KEYS[1], 0, 5"),
    ("list", "'llen', KEYS[1]"),
    ("list", "'lpop', KEYS[1]"),
    ("list", "'blpop', KEYS[1], 0"),
    ("list", "'lindex', KEYS[1], ARGV[2]"),
    ("hash", "'hset', KEYS[1], 'f', ARGV[1]"),
    ("hash", "'hget', KEYS[1], 'f'"),
    ("hash", "'hincrby', KEYS[1], 'n', ARGV[2]"),
    ("hash", "'hmget', KEYS[1], 'f', 'n', 'none'"),
    ("set", "'sadd', KEYS[1], ARGV[1]"),
    ("set", "'sismember', KEYS[1], ARGV[1]"),
    ("set", "'scard', KEYS[1]"),
    ("zset", "'zadd', KEYS[1], ARGV[2], ARGV[1]"),
    ("zset", "'zscore', KEYS[1], ARGV[1]"),
    ("zset", "'zrange', KEYS[1], 0, 4, 'withscores'"),
    ("zset", "'zincrby', KEYS[1], 1, ARGV[1]"),
    (None, "'type', KEYS[1]"),
    (None, "'exists', KEYS[1], KEYS[2]"),
    (None, "'del', KEYS[1]"),
    (None, "'expire', KEYS[1], 1000"),
    (None, "'persist', KEYS[1]"),
    (None, "'ping'"),
    (None, "'get'"),
    (None, "'nosuchcommand', KEYS[1]"),
    (None, "'multi'"),
    (None, "{}"),
    (None, ""),
]

# Without keys: what Lua itself says.
PLAIN = [
    b"return {1, 2.9, -2.9, 'x', true, false, {}, nil, 9}",
    b"return {KEYS, ARGV, #KEYS, #ARGV}",
    b"return {err='MY error'}", b"return {ok='x'}", b"error('x')", b"error({err='MY own'})",
    b"return nope", b"nope = 1", b"local x = ", b"return {map={a=1}}", b"return {set={a=true}}",
    b"return {double=2.5}", b"return {big_number='12'}",
    b"return {verbatim_string={format='txt', string='y'}}",
    b"return redis.sha1hex(ARGV[1] or '')", b"return tostring(tonumber(ARGV[2] or 'x'))",
    b"return {string.find(ARGV[1] or '', '(%w+)')}",
    b"return (string.gsub(ARGV[1] or '', '%d', '#'))",
    b"local t = {} for w in string.gmatch(ARGV[1] or '', '%a+') do t[#t+1] = w end return t",
    b"return string.format('%q', ARGV[1] or '')",
    b"return {select('#', unpack(ARGV)), unpack(ARGV)}",
    b"local t = {5, 3, 9, 1} table.sort(t) return t", b"return table.concat(ARGV, ',')",
    b"local s = 0 for i = 1, 100 do s = s + i end return s",
    b"return bit.band(255, 15) + bit.lshift(1, 4)", b"return struct.pack('>I2', 258)",
]


def script(r):
    if r.random() < 0.25:
        return None, r.choice(PLAIN)
    kind, call = r.choice(CALLS)
    how = "redis.call" if r.random() < 0.6 else "redis.pcall"
    return kind, r.choice(FORMS).format(call=f"{how}({call})").encode()


def script_key(r, kind):
    return key_of(r, kind) if kind in POOLS else key(r)


def script_arguments(r):
    kind, text = script(r)
    count = 2 if r.random() < 0.97 else r.choice([0, 1, -1, 9, b"x"])
    keys = [script_key(r, kind or r.choice(KINDS)) for _ in range(2)]
    texts = [value(r) if r.random() < 0.3 else r.choice([b"a", b"b1", b"7", b""]),
             integer(r) if r.random() < 0.2 else r.randint(-3, 9)]
    return [text, count] + keys + texts


LOADED = [b"return 1", b"return redis.call('get', KEYS[1])", b"return {ARGV, KEYS}"]
DIGESTS = [hashlib.sha1(text).hexdigest().encode() for text in LOADED] + [b"f" * 40, b"x", b""]


def evalsha_arguments(r):
    return [r.choice(DIGESTS), 1, key(r), value(r)]


GENERATORS = {
    "eval": script_arguments,
    "eval_ro": script_arguments,
    "evalsha": evalsha_arguments,
    "script": lambda r: r.choice([[b"LOAD", r.choice(LOADED)], [b"EXISTS"] + r.sample(DIGESTS, 3),
                                  [b"FLUSH"], [b"LOAD", b"return ("]]),
}
WEIGHTS = {"eval": 12, "eval_ro": 2, "script": 0.7}
EXCLUDED = {"evalsha_ro": "as evalsha"}
BEFORE = {}


def audit():
    return []
