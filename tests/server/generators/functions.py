"""Libraries of functions, loaded and called; what they do with keys is that of strings."""

from generators.primitives import *  # noqa: F403

LIBRARIES = ["one", "two", "Three_3"]
FUNCTIONS = ["f", "g", "h", "Long_Name_9"]

# What a function does. A call that is returned at once would stand elsewhere in errors of LuaJIT.
BODIES = [
    "local r = redis.call('GET', keys[1]) return r",
    "local r = redis.call('SET', keys[1], args[1]) return r",
    "local r = redis.pcall('INCR', keys[1]) return r",
    "local r = redis.call('APPEND', keys[1], args[1]) return {r, #keys, #args}",
    "return {#keys, #args, keys[1], args[1]}",
    "return args[#args]",
    "return redis.error_reply('MY error')",
    "return redis.status_reply('FINE')",
    "return {ok = 'yes'}",
    "return nil",
    "return 3.99",
    "return true",
    "error('boom')",
    "local x = unknown",
    "unknown = 1",
    "local r = redis.call('NOSUCH') return r",
    "redis.call('SET', keys[1], 'x') error('behind a write')",
    "local r = cjson.encode({keys, args}) return r",
]
FLAGS = ["", "", "", "'no-writes'", "'no-writes', 'allow-stale'", "'allow-oom'", "'nope'"]


def registration(r):
    name, body = r.choice(FUNCTIONS), r.choice(BODIES)
    if r.random() < 0.5:
        return f"redis.register_function('{name}', function(keys, args) {body} end)"
    description = r.choice(["", "description='Does it.',", "description=1,"])
    return (f"redis.register_function{{function_name='{name}', {description} "
            f"flags={{{r.choice(FLAGS)}}}, callback=function(keys, args) {body} end}}")


def library(r):
    chance = r.random()
    if chance < 0.05:
        return r.choice([b"", b"#!lua\n", b"#!lua name=a-b\n", b"#!js name=x\n", b"#!lua name=x",
                         b"#!lua name=x\nx", b"#!lua name=x\nfoo = 1", b"#!lua name=x\nreturn 1"])
    code = "\n".join(registration(r) for _ in range(r.choice([1, 1, 2, 3])))
    return f"#!lua name={r.choice(LIBRARIES)}\n{code}".encode()


def function_arguments(r):
    chance = r.random()
    if chance < 0.6:
        return ["LOAD"] + ([word(r, "REPLACE")] if r.random() < 0.7 else []) + [library(r)]
    if chance < 0.75:
        return ["DELETE", r.choice(LIBRARIES)]
    if chance < 0.9:
        return ["LIST"] + some(r, ["WITHCODE", "WITHCODE", lambda r: [
            word(r, "LIBRARYNAME"), r.choice(["*", "o*", "ONE", "t*", "[ot]*", ""])]])
    return r.choice([["STATS"], ["STATS"], ["KILL"], ["FLUSH"], ["FLUSH", "ASYNC"], ["FLUSH", "X"],
                     ["RESTORE", "x"], ["NOPE"], ["DELETE", "nope"], ["LIST", "X"]])


def call_arguments(r):
    count = r.choice([0, 1, 1, 1, 2])
    arguments = [key(r) for _ in range(count)] + [value(r) for _ in range(r.choice([0, 1, 1, 2]))]
    if r.random() < 0.05:
        count = r.choice([-1, 9, b"x", b"", b"1.5"])
    name = r.choice(FUNCTIONS)
    return [r.choice([name] * 9 + [name.upper(), "nope"]), count] + arguments


GENERATORS = {"function": function_arguments, "fcall": call_arguments, "fcall_ro": call_arguments}
WEIGHTS = {"function": 1.5, "fcall": 4, "fcall_ro": 1.5}
EXCLUDED = {}


def audit():
    return [(b"FUNCTION", b"LIST", b"WITHCODE")]
