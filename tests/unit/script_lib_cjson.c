/* cjson as scripts see it: what it writes and reads, its settings, and what would harm it. */
#include "base/memory.h"
#include "harness.h"
#include "script_lib_world.h"

TEST(cjson_writes)
{
    static const struct lib_row rows[] = {
        { "cjson.encode(nil)", "null" },
        { "cjson.encode(cjson.null)", "null" },
        { "cjson.encode(true)", "true" },
        { "cjson.encode(0.1)", "0.1" },
        { "cjson.encode(1/3)", "0.33333333333333" },
        { "cjson.encode(1e14)", "1e+14" },
        { "cjson.encode(99999999999999)", "99999999999999" },
        { "cjson.encode('')", "\"\"" },
        { "cjson.encode('a/b\"\\\\\\0\\31\\127\\t')", "\"a\\/b\\\"\\\\\\u0000\\u001f\\u007f\\t\"" },
        { "cjson.encode({})", "{}" },
        { "cjson.encode({1, nil, 3})", "[1,null,3]" },
        { "cjson.encode({{}, {a = {}}})", "[{},{\"a\":{}}]" },
        { "cjson.encode({[0] = 1})", "{\"0\":1}" },
        { "cjson.encode({[1.5] = 1})", "{\"1.5\":1}" },
        { "cjson.encode({[1e300] = 1})", "{\"1e+300\":1}" },
        { "cjson.encode({[2147483648] = 1})", "{\"2147483648\":1}" },
        { "#cjson.encode({[10] = 1})", "48" },
        { "cjson.encode({[11] = 1})", "!Cannot serialise table: excessively sparse array" },
        { "cjson.encode(0/0)", "!Cannot serialise number: must not be NaN or Inf" },
        { "cjson.encode(print)", "!Cannot serialise function: type not supported" },
        { "cjson.encode(io.stdout)", "!Cannot serialise userdata: type not supported" },
        { "cjson.encode({[true] = 1})",
          "!Cannot serialise boolean: table key must be a number or string" },
        { "cjson.encode(1, 2)", "!bad argument #1 to 'encode' (expected 1 argument)" },
        { "cjson.encode()", "!bad argument #1 to 'encode' (expected 1 argument)" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(cjson_reads)
{
    static const struct lib_row rows[] = {
        { "cjson.decode(' -1.5e3 ')", "-1500" },
        { "cjson.decode('0x10')", "16" },
        { "cjson.decode('-Infinity')", "-inf" },
        { "cjson.decode('[null]')[1] == cjson.null", "true" },
        { "cjson.decode('{\"a\":{\"b\":[1,2]}}').a.b[2]", "2" },
        { "cjson.decode('[1]\\0x')[1]", "1" },
        { "cjson.decode('\"a\\nb\"')", "a\nb" },
        { "cjson.decode([[\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\/\"]])", "A\xc3\xa9\xe2\x82\xac"
                                                                          "\xf0\x9f\x98\x80/" },
        { "#cjson.decode([[\"\\u0000\"]])", "1" },
        { "cjson.decode('')", "!Expected value but found T_END at character 1" },
        { "cjson.decode('[1,]')", "!Expected value but found T_ARR_END at character 4" },
        { "cjson.decode('[1 2]')",
          "!Expected comma or array end but found T_NUMBER at character 4" },
        { "cjson.decode('{1:1}')",
          "!Expected object key string but found T_NUMBER at character 2" },
        { "cjson.decode('{\"a\"}')", "!Expected colon but found T_OBJ_END at character 5" },
        { "cjson.decode('{\"a\":1]')",
          "!Expected comma or object end but found T_ARR_END at character 7" },
        { "cjson.decode('1 x')", "!Expected the end but found invalid token at character 3" },
        { "cjson.decode('\"ab')",
          "!Expected value but found unexpected end of string at character 4" },
        { "cjson.decode('\"\\\\x\"')",
          "!Expected value but found invalid escape code at character 2" },
        { "cjson.decode('\"\\\\ud83dx\"')",
          "!Expected value but found invalid unicode escape code at character 2" },
        { "cjson.decode('-')", "!Expected value but found invalid number at character 1" },
        { "cjson.decode('1\\0')", "!JSON parser does not support UTF-16 or UTF-32" },
        { "cjson.decode({})", "!bad argument #1 to 'decode' (string expected, got table)" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(cjson_settings_are_those_of_one_table)
{
    static const struct lib_row rows[] = {
        { "cjson.encode_number_precision(3)", "3" },
        { "cjson.encode(1/3)", "0.333" },
        { "cjson.new().encode(1/3)", "0.33333333333333" },
        { "cjson.encode_number_precision(15)",
          "!bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)" },
        { "cjson.encode_number_precision(0/0)",
          "!bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)" },
        { "cjson.encode_max_depth(1e300)",
          "!bad argument #1 to 'encode_max_depth' (expected integer between 1 and 2147483647)" },
        { "cjson.encode_max_depth(1, 2)",
          "!bad argument #2 to 'encode_max_depth' (found too many arguments)" },
        { "cjson.encode_max_depth(2)", "2" },
        { "cjson.encode({{}})", "[{}]" },
        { "cjson.encode({{{}}})", "!Cannot serialise, excessive nesting (3)" },
        { "cjson.decode_max_depth(2)", "2" },
        { "#cjson.decode('[[]]')", "1" },
        { "cjson.decode('[[[]]]')", "!Found too many nested data structures (3) at character 3" },
        { "cjson.encode_invalid_numbers('on')", "true" },
        { "cjson.encode({0/0, 1/0})", "[nan,inf]" },
        { "cjson.encode_invalid_numbers('null')", "null" },
        { "cjson.encode({0/0, 1/0})", "[null,null]" },
        { "cjson.encode_invalid_numbers('x')",
          "!bad argument #1 to 'encode_invalid_numbers' (invalid option 'x')" },
        { "cjson.decode_invalid_numbers(false)", "false" },
        { "cjson.decode('01')", "!Expected value but found invalid number at character 1" },
        { "cjson.decode('nan')", "!Expected value but found invalid token at character 1" },
        { "cjson.encode_keep_buffer()", "true" },
        { "table.concat({cjson.encode_sparse_array('on', 2, 3) and 'on'})", "on" },
        { "cjson.encode({[3] = 1})", "[null,null,1]" },
        { "cjson.encode({[4] = 1})", "{\"4\":1}" },
        { "select('#', cjson.encode_sparse_array())", "3" },
        { "cjson.encode(cjson.decode('[]'))", "{}" },
        { "cjson.decode_array_with_array_mt(true)", "true" },
        { "cjson.encode(cjson.decode('[[],{},[1]]'))", "[[],{},[1]]" },
        { "getmetatable(cjson.decode('[]'))", "array" },
        { "setmetatable(cjson.decode('[]'), {})", "!cannot change a protected metatable" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(cjson_reads_what_it_wrote)
{
    lib_world_chunk(
        "math.randomseed(...)\n"
        "local random = math.random\n"
        "local function text()\n"
        "  local t = {}\n"
        "  for i = 1, random(0, 3) == 0 and random(0, 2000) or random(0, 8) do\n"
        "    t[i] = string.char(random(0, 255))\n"
        "  end\n"
        "  return table.concat(t)\n"
        "end\n"
        "local function draw(depth)\n"
        "  local kind = random(1, depth < 6 and 7 or 5)\n"
        "  if kind == 1 then return text() end\n"
        "  if kind == 2 then return random(-100, 100) end\n"
        "  if kind == 3 then return random(1, 1e9) / 8 end\n"
        "  if kind == 4 then return random(0, 1) == 1 end\n"
        "  if kind == 5 then return cjson.null end\n"
        "  local t = {}\n"
        "  for i = 1, random(1, 9) do t[kind == 6 and i or 'k' .. text()] = draw(depth + 1) end\n"
        "  return t\n"
        "end\n"
        "local function same(a, b)\n"
        "  if type(a) ~= 'table' then return a == b end\n"
        "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
        "  for k in pairs(b) do if a[k] == nil then return false end end\n"
        "  return true\n"
        "end\n"
        "for i = 1, 300 do\n"
        "  local value = {draw(0)}\n"
        "  local json = cjson.encode(value)\n"
        "  if not same(value, cjson.decode(json)) then error(json) end\n"
        "  for j = 1, 20 do\n"
        "    local at = random(1, #json)\n"
        "    local bytes = json:sub(1, at - 1) .. string.char(random(0, 255)) .. json:sub(at + 1)\n"
        "    local read, made = pcall(cjson.decode, bytes)\n"
        "    if read then pcall(cjson.encode, made) end\n"
        "    pcall(cjson.decode, json:sub(1, at))\n"
        "  end\n"
        "end\n"
        "return true");
}

TEST(cjson_bounds_nesting)
{
    lib_world_chunk("local t = {} t[1] = t\n"
                    "local made, text = pcall(cjson.encode, t)\n"
                    "assert(not made and text:find('excessive nesting %(1001%)'), text)\n"
                    "made, text = pcall(cjson.decode, ('['):rep(1000000))\n"
                    "assert(not made and text:find('too many nested data structures %(1001%)'))\n"
                    "cjson.encode_max_depth(2147483647) cjson.decode_max_depth(2147483647)\n"
                    "made, text = pcall(cjson.encode, t)\n"
                    "assert(not made and text:find('excessive nesting'), text)\n"
                    "for _, open in ipairs{'[', '{\"a\":'} do\n"
                    "  made, text = pcall(cjson.decode, open:rep(1000000))\n"
                    "  assert(not made and text:find('too many nested data structures'), text)\n"
                    "end\n"
                    "local deep = {} for i = 1, 1500 do deep = {deep} end\n"
                    "assert(#cjson.encode(deep) == 3002)\n"
                    "return true");
}

TEST(cjson_takes_no_more_memory_than_there_is)
{
    lib_world_chunk("cjson.encode_sparse_array(false, 0, 0)\n"
                    "local made, text = pcall(cjson.encode, {[2147483647] = 1})\n"
                    "assert(not made and text:find('not enough memory'), text)\n"
                    "collectgarbage()\n"
                    "made, text = pcall(cjson.decode, ('[1,'):rep(3e6))\n"
                    "assert(not made)\n"
                    "collectgarbage()\n"
                    "local long = ('\\\\u0001'):rep(1e6)\n"
                    "assert(#cjson.decode('\"' .. long .. '\"') == 1e6)\n"
                    "return true");
}

/* All bytes that text can hold, in front of all that can follow. */
TEST(cjson_reads_any_two_bytes)
{
    lib_world_chunk("for i = 0, 255 do for j = 0, 255 do\n"
                    "  local two = string.char(i, j)\n"
                    "  pcall(cjson.decode, two) pcall(cjson.decode, '[' .. two)\n"
                    "  pcall(cjson.decode, '\"\\\\' .. two) pcall(cjson.decode, '-' .. two)\n"
                    "end end\n"
                    "return true");
}
