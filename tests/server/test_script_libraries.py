"""cjson, cmsgpack, struct and bit: what scripts get of them is what those of Redis give."""

import pytest

# Any value as text, tables in order.
SHOW = """
local function show(value)
  if type(value) == 'table' then
    local parts = {}
    for k, v in pairs(value) do parts[#parts + 1] = show(k) .. '=' .. show(v) end
    table.sort(parts)
    return '{' .. table.concat(parts, ',') .. '}'
  end
  if type(value) == 'number' then return (string.format('%.17g', value):gsub('-nan', 'nan')) end
  if value == cjson.null then return 'null' end
  return type(value) .. ':' .. tostring(value)
end
local count, parts = 0, {}
local function note(...)
  for i = 1, select('#', ...) do parts[i] = show((select(i, ...))) end
end
note(EXPRESSION)
return table.concat(parts, ' ')
"""


def row(both, expression, *arguments):
    both.call("EVAL", SHOW.replace("EXPRESSION", expression), 0, *arguments)


JSON = """
1|-1|0|01|1.5|1e5|1e|1e+|.5|-|+1|--1|0x10|0x1p4|NaN|-inf|Infinity|infx|1e400|1e-400|true|nul|tru
truex|[true x]|True|[]|{}|[|]|{|}|[1,2,3]|[1,]|[,1]|[1 2]|{"a":1}|{"a"}|{"a":}|{"a":1,}|{a:1}|{1:1}
{"a" 1}|{"a":1 "b":2}|{"a":1,"a":2}|{"":1}|"abc"|"ab|"|"\\|"\\"|"\\n\\t\\b\\f\\r\\/\\\\\\""|"\\x"
"\\u0041"|"\\u00e9"|"\\u20ac"|"\\ud83d\\ude00"|"\\ud83d"|"\\ude00"|"\\ud83d\\u0041"|"\\ud83dx"
"\\u12"
"\\u12g4"|"\\u0000"|"\\uFFFF"|"\\uDBFF\\uDFFF"|[1] x|1 2|[1,[2,[3]]]|{"a":{"b":[1,{"c":null}]}}
n|i|N
:|,|[:]|[nan,inf]|[0x1F]|"\\u"|{"a":1]|[1}|'a'|/* */1|9007199254740993|123456789012345678901|-x|1x
[1x]|1.|1.e5|1..2|[null,1]| |
""".strip("\n").replace("\n", "|").split("|")


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_json_is_read(both, strict):
    expression = "cjson.decode(ARGV[1])"
    if strict:
        expression = ("(function() local c = cjson.new() c.decode_invalid_numbers(false) "
                      "local r = c.decode(ARGV[1]) return r end)()")
    for text in JSON + [b'"a\nb"', b'"\0"', b"1\0x", b"ab\0c", b"[1]\0x", b"\v1", b"\xef\xbb\xbf1",
                        b'"\xff\xfe"', "[" * 1000 + "]" * 1000, "[" * 1001, '{"a":' * 1001]:
        row(both, expression, text)


@pytest.mark.parametrize("value", [
    "1", "-1", "0.1", "1/3", "1e14", "123456789012345", "1e100", "1e-7", "2^53", "99999999999999",
    "1/0", "0/0", "''", r"'a/b\\\"\b\f\n\r\t\0\1\31\127\128\255'", "true", "nil", "{}", "{1, 2, 3}",
    "{1, nil, 3}", "{[1]=1, [11]=2}", "{[10]=1}", "{[11]=1}", "{[0]=1}", "{[-1]=1}", "{[1.5]=1}",
    "{a={b={c={}}}}", "{[true]=1}", "{{}, {}}", "cjson.null", "{cjson.null}", "tostring",
    "{[1e300]=1}", "{[2^31]=1}", "{[1/0]=1}", "(function() local t = {} t[1] = t return t end)()",
])
def test_json_is_written(both, value):
    row(both, f"cjson.encode({value})")


@pytest.mark.parametrize("calls", [
    "c.encode_max_depth(3), c.encode({{{}}})", "c.encode_max_depth(2), c.encode({{{}}})",
    "c.decode_max_depth(2), c.decode('[[]]')", "c.decode_max_depth(2), c.decode('[[{}]]')",
    "c.encode_max_depth(0)", "c.encode_max_depth('x')", "c.encode_max_depth(1, 2)",
    "c.encode_number_precision(3), c.encode(1/3)", "c.encode_number_precision(15)",
    "c.encode_number_precision('7'), c.encode_number_precision(3.7)", "c.encode_keep_buffer(false)",
    "c.encode_keep_buffer('on'), c.encode_keep_buffer('x')",
    "c.encode_invalid_numbers(true), c.encode({0/0, 1/0, -1/0})",
    "c.encode_invalid_numbers('null'), c.encode({0/0, 1/0, -1/0})", "c.encode_invalid_numbers({})",
    "c.decode_invalid_numbers('null')", "c.encode_sparse_array(true, 2, 3), c.encode({[4]=1})",
    "c.encode_sparse_array(true, 2, 3), c.encode({1, 2, [7]=1})", "c.encode_sparse_array(1)",
    "c.encode_sparse_array(false, -1)", "c.encode_sparse_array(1, 2, 3, 4)",
    "c.encode_sparse_array()", "c._NAME, c._VERSION",
])
def test_settings_of_json(both, calls):
    row(both, f"(function() local c = cjson.new() local a, b, d = {calls} return a, b, d end)()")


PACKED = [
    "0", "127", "128", "256", "65536", "2^32", "2^53", "2^63", "2^64", "1e300", "-1", "-33", "-129",
    "-32769", "-2147483649", "-2^63", "-2^64", "0.5", "0.1", "1/0", "3.5e38", "1e-50", "''", "'a'",
    "('x'):rep(31)", "('x'):rep(32)", "('x'):rep(256)", "('x'):rep(65536)", "true", "nil", "{}",
    "{1, 2}", "{a=1}", "{[2]=1}", "{[0]=1}", "{[1.5]=1}", "{1, {2, {3}}}", "cjson.null", "tostring",
    "{x={1, 2, {y=3}}}", "0.1, {1}, false, nil", "",
]


@pytest.mark.parametrize("values", PACKED)
def test_messages_are_packed(both, values):
    row(both, f"cmsgpack.pack({values})")
    if values:
        row(both, f"cmsgpack.unpack(cmsgpack.pack({values}))")


def test_messages_are_unpacked(both):
    for mark in range(256):
        for rest in (b"", b"\1", b"\0\1ab", b"\0\0\0\1\1\2\3\4\5\6", b"\xff" * 9, b"\1" * 70):
            row(both, "cmsgpack.unpack(ARGV[1])", bytes([mark]) + rest)
    for data in (b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xffa", b"\x81\xc0\1", b"", b"\1\xc1"):
        row(both, "cmsgpack.unpack(ARGV[1])", data)
    for arguments in ("0", "1", "3", "6", "7", "-1", "'1'", "'x'", "1.9", "nil"):
        row(both, f"cmsgpack.unpack_one(ARGV[1], {arguments})", b"\1\2\3\x92\4\5")
    for arguments in ("0", "2", "9", "0, 0", "0, 1", "1, 1", "9, 3", "1, 6", "1, 7", "-1, 0",
                      "'x'"):
        row(both, f"cmsgpack.unpack_limit(ARGV[1], {arguments})", b"\1\2\3\x92\4\5")


FORMATS = ["b", "B", "h", "H", "l", "L", "T", "i", "I", "i1", "i3", "i8", "I16", "f", "d", ">h",
           ">i3", ">d", "s", "c", "c0", "c3", "x", "", " ", "!4", "!3", "!99999999999", "i33",
           "c99999999999", "?", "z", "5", "!4bi", "!8bd", "!2bl", "!16i3bi", "bc0", "c2c0", "sss"]


def test_structs(both):
    data = bytes((i * 37 + 129) % 256 for i in range(100))
    for form in FORMATS:
        for values in ("1, 2, 3", "-1", "255", "2^32, 1", "-2^63", "1.5", "'abc', 'defg', 'h'", "",
                       "3, 'abc'"):
            row(both, f"struct.pack(ARGV[1], {values})".replace(", )", ")"), form)
        for more in ("", ", 5", ", 98", ", 101", ", 102", ", 0", ", -5", ", 1e15", ", 'x'"):
            row(both, f"struct.unpack(ARGV[1], ARGV[2]{more})", form, data)
        row(both, "struct.unpack(ARGV[1], ARGV[2])", form, b"\2abc\0def\0\0")
        row(both, "struct.size(ARGV[1])", form)


NUMBERS = ["0", "1", "-1", "2^31", "-2^31", "2^32 - 1", "2^33 + 5", "0.5", "1.5", "-1.5", "2^51",
           "'7'", "'0x10'", "305419896"]


def test_bits(both):
    for number in NUMBERS:
        both.call("EVAL", f"""
            local n, r = {number}, {{bit.tobit({number})}}
            for _, f in ipairs{{'bnot', 'bswap'}} do r[#r + 1] = bit[f](n) end
            for _, f in ipairs{{'band', 'bor', 'bxor'}} do r[#r + 1] = bit[f](n, 255, -7) end
            for _, f in ipairs{{'lshift', 'rshift', 'arshift', 'rol', 'ror'}} do
              for _, by in ipairs{{0, 1, 31, 32, 33, -1, 1.7}} do r[#r + 1] = bit[f](n, by) end
            end
            for _, digits in ipairs{{0, 1, 8, 9, 100, -4, -100, 2.7, -2147483648}} do
              r[#r + 1] = bit.tohex(n, digits)
            end
            return r""", 0)
    for call in ("tobit()", "tobit('x')", "band()", "lshift(1)", "tohex()", "tohex(1, nil)"):
        row(both, f"bit.{call}")
