/* cmsgpack as scripts see it: bytes it writes, what it reads, and what would harm it. */
#include "harness.h"
#include "script_lib_world.h"

/* The bytes of a string in hexadecimal digits. */
#define HEX(expression)                                                                            \
    "(" expression "):gsub('.', function(c) return ('%02x'):format(c:byte()) end)"
#define PACKED(value) "(" HEX("cmsgpack.pack(" value ")") ")"

TEST(cmsgpack_writes)
{
    static const struct lib_row rows[] = {
        { PACKED("0, 127, 128, 255, 256, 65535, 65536"), "007fcc80ccffcd0100cdffffce00010000" },
        { PACKED("2^32, 2^53"), "cf0000000100000000cf0020000000000000" },
        { PACKED("-1, -32, -33, -128, -129"), "ffe0d0dfd080d1ff7f" },
        { PACKED("-32768, -32769, -2^31, -2^31 - 1"),
          "d18000d2ffff7fffd280000000d3ffffffff7fffffff" },
        { PACKED("-2^63, 2^63, 2^64"), "d38000000000000000ca5f000000ca5f800000" },
        { PACKED("0.5, 0.1"), "ca3f000000cb3fb999999999999a" },
        { PACKED("1/0, -1/0"), "ca7f800000caff800000" },
        { PACKED("true, false, nil, print"), "c3c2c0c0" },
        { PACKED("'', 'ab'"), "a0a26162" },
        { PACKED("{}, {1, 2}, {a = 1}"), "90920102"
                                         "81a16101" },
        { PACKED("{[2] = 1}, {[1.5] = 1}"), "810201"
                                            "81ca3fc0000001" },
        { "cmsgpack.pack(('x'):rep(32)):byte(1, 1)", "217" },
        { "cmsgpack.pack(('x'):rep(256)):byte(1, 1)", "218" },
        { "cmsgpack.pack(('x'):rep(65536)):byte(1, 1)", "219" },
        { "cmsgpack.pack()", "!bad argument #0 to 'pack' (MessagePack pack needs input.)" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(cmsgpack_reads)
{
    static const struct lib_row rows[] = {
        { "cmsgpack.unpack('\\127')", "127" },
        { "cmsgpack.unpack('\\224')", "-32" },
        { "cmsgpack.unpack('\\203\\127\\240\\0\\0\\0\\0\\0\\0')", "inf" },
        { "cmsgpack.unpack('\\207' .. ('\\255'):rep(8))", "-1" },
        { "cmsgpack.unpack('\\147\\1\\162ab\\192')[2]", "ab" },
        { "cmsgpack.unpack('\\129\\161k\\195').k", "true" },
        { "select('#', cmsgpack.unpack('\\1\\2\\3'))", "3" },
        { "select('#', cmsgpack.unpack(''))", "0" },
        { "table.concat({cmsgpack.unpack_one('\\1\\2\\3')}, ' ')", "1 1" },
        { "table.concat({cmsgpack.unpack_one('\\1\\2\\3', 2)}, ' ')", "-1 3" },
        { "table.concat({cmsgpack.unpack_limit('\\1\\2\\3', 2)}, ' ')", "2 1 2" },
        { "table.concat({cmsgpack.unpack_limit('\\1\\2\\3', 9, 1)}, ' ')", "-1 2 3" },
        { "table.concat({cmsgpack.unpack_limit('\\1\\2\\3', 0, 0)}, ' ')", "1 2 3" },
        { "cmsgpack.unpack_one('\\1', 2)", "!Start offset 2 greater than input length 1." },
        { "cmsgpack.unpack_limit('\\1', -1, 0)",
          "!Invalid request to unpack with offset of 0 and limit of 1." },
        { "cmsgpack.unpack('\\193')", "!Bad data format in input." },
        { "cmsgpack.unpack('\\205\\1')", "!Missing bytes in input." },
        { "cmsgpack.unpack('\\221\\255\\255\\255\\255')", "!Missing bytes in input." },
        { "cmsgpack.unpack('\\219\\255\\255\\255\\255a')", "!Missing bytes in input." },
        { "cmsgpack.unpack('\\223\\255\\255\\255\\255\\1')", "!Missing bytes in input." },
        { "cmsgpack.unpack('\\129\\192\\1')", "!table index is nil" },
        { "cmsgpack.unpack('\\129\\203\\127\\248\\0\\0\\0\\0\\0\\0\\1')", "!table index is NaN" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(cmsgpack_reads_what_it_wrote)
{
    lib_world_chunk(
        "math.randomseed(...)\n"
        "local random = math.random\n"
        "local function number()\n"
        "  local n = 2 ^ random(0, 63) + random(-2, 2)\n"
        "  if random(0, 1) == 1 then n = -n end\n"
        "  return random(0, 3) == 0 and n / 7 or n\n"
        "end\n"
        "local function draw(depth)\n"
        "  local kind = random(1, depth < 6 and 6 or 4)\n"
        "  if kind == 1 then return ('x'):rep(random(0, 40)) .. string.char(random(0, 255)) end\n"
        "  if kind == 2 then return number() end\n"
        "  if kind == 3 then return random(0, 1) == 1 end\n"
        "  if kind == 4 then return ('y'):rep(random(250, 260)) end\n"
        "  local t = {}\n"
        "  for i = 1, random(0, 7) do t[kind == 5 and i or number()] = draw(depth + 1) end\n"
        "  return t\n"
        "end\n"
        "local function same(a, b)\n"
        "  if type(a) ~= 'table' then return a == b end\n"
        "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
        "  for k in pairs(b) do if a[k] == nil then return false end end\n"
        "  return true\n"
        "end\n"
        "for i = 1, 200 do\n"
        "  local value = {draw(0)}\n"
        "  local bytes = cmsgpack.pack(value)\n"
        "  assert(same(value, cmsgpack.unpack(bytes)))\n"
        "  for j = 1, 20 do\n"
        "    local at = random(1, #bytes)\n"
        "    local other = bytes:sub(1, at - 1) .. string.char(random(0, 255)) .. bytes:sub(at + "
        "1)\n"
        "    local result = {pcall(cmsgpack.unpack, other)}\n"
        "    if result[1] then pcall(cmsgpack.pack, unpack(result)) end\n"
        "    pcall(cmsgpack.unpack_limit, other, random(0, 3), random(0, #other))\n"
        "    pcall(cmsgpack.unpack, bytes:sub(1, at))\n"
        "  end\n"
        "end\n"
        "return true");
}

TEST(cmsgpack_bounds_nesting_and_results)
{
    lib_world_chunk("local t = {} t[1] = t\n"
                    "assert(#cmsgpack.pack(t) == 17)\n"
                    "t = {} t[t] = t\n"
                    "assert(#cmsgpack.pack(t) > 65536)\n"
                    "for _, open in ipairs{'\\145', '\\129', '\\129\\1'} do\n"
                    "  local made, text = pcall(cmsgpack.unpack, open:rep(1000000))\n"
                    "  assert(not made and text:find('stack overflow'), text)\n"
                    "end\n"
                    "local made, text = pcall(cmsgpack.unpack, ('\\1'):rep(9000))\n"
                    "assert(not made and text:find('too many return values'), text)\n"
                    "made, text = pcall(cmsgpack.unpack_limit, ('\\1'):rep(9000), 2147483647)\n"
                    "assert(not made and text:find('too many return values'), text)\n"
                    "for _, n in ipairs{1e300, -1e300, 0/0, 1/0, 2^31, 2^63} do\n"
                    "  assert(not pcall(cmsgpack.unpack_one, '\\1', n))\n"
                    "  assert(not pcall(cmsgpack.unpack_limit, '\\1', n, n))\n"
                    "end\n"
                    "return true");
}
