/* struct and bit as scripts see them. */
#include "harness.h"
#include "script_lib_world.h"

#define HEX(expression)                                                                            \
    "((" expression "):gsub('.', function(c) return ('%02x'):format(c:byte()) end))"

TEST(struct_packs)
{
    static const struct lib_row rows[] = {
        { HEX("struct.pack('bBhH', -1, 255, -2, 65535)"), "fffffeffffff" },
        { HEX("struct.pack('>iI<i', 1, 2, 3)"), "000000010000000203000000" },
        { HEX("struct.pack('i3>i3', -2, -2)"), "fefffffffffe" },
        { HEX("struct.pack('>lT', -1, 2)"), "ffffffffffffffff0000000000000002" },
        { HEX("struct.pack('>fd', 0.5, -2)"), "3f000000c000000000000000" },
        { HEX("struct.pack('sc2c0x', 'ab', 'cdef', 'gh')"), "616200"
                                                            "6364"
                                                            "6768"
                                                            "00" },
        { HEX("struct.pack('!4bi', 1, 2)"), "0100000002000000" },
        { HEX("struct.pack('!bd', 1, 0)"), "01000000000000000000000000000000" },
        { HEX("struct.pack('>I9', 1)"), "000000000000000001" },
        { HEX("struct.pack('I8', 2^64)"), "0000000000000000" },
        { HEX("struct.pack('I8', -1e300)"), "0000000000000080" },
        { HEX("struct.pack('I8', 0/0)"), "0000000000000080" },
        { "struct.pack('c5', 'abc')", "!bad argument #3 to 'pack' (string too short)" },
        { "struct.pack('i')", "!bad argument #2 to 'pack' (number expected, got nil)" },
        { "struct.pack('?', 1)", "!bad argument #1 to 'pack' (invalid format option '?')" },
        { "struct.pack('!3i', 1)", "!alignment 3 is not a power of 2" },
        { "struct.pack('i33', 1)", "!integral size 33 is larger than limit of 32" },
        { "struct.pack('c99999999999', 1)", "!integral size overflow" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(struct_unpacks)
{
    static const struct lib_row rows[] = {
        { "table.concat({struct.unpack('bB', '\\255\\255')}, ' ')", "-1 255 3" },
        { "table.concat({struct.unpack('>hxh', '\\0\\1\\9\\255\\254', 1)}, ' ')", "1 -2 6" },
        { "table.concat({struct.unpack('bc0', '\\3abcd')}, ' ')", "abc 5" },
        { "table.concat({struct.unpack('ss', 'ab\\0cd\\0')}, ' ')", "ab cd 7" },
        { "table.concat({struct.unpack('i16', ('\\254'):rep(16))}, ' ')",
          "-7.2340172838077e+16 17" },
        { "table.concat({struct.unpack('i0', 'abc')}, ' ')", "0 1" },
        { "struct.unpack('', 'abc', 99)", "99" },
        { "struct.unpack('b', 'abc', 0)",
          "!bad argument #3 to 'unpack' (offset must be 1 or greater)" },
        { "struct.unpack('b', 'abc', 4)", "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('b', 'abc', -1)", "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('b', 'abc', 1e300)",
          "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('i', 'abc')", "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('c2147483647', 'abc')",
          "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('c0', 'abc')", "!format 'c0' needs a previous size" },
        { "struct.unpack('sc0', 'x\\0abc')", "!format 'c0' needs a previous size" },
        { "struct.unpack('bc0', '\\255abc')",
          "!bad argument #2 to 'unpack' (data string too short)" },
        { "struct.unpack('dc0', struct.pack('d', 1e300) .. 'abc')", "" },
        { "struct.unpack('s', 'abc')", "!unfinished string in data" },
        { "struct.size('!bi>hc3')", "13" },
        { "struct.size('s')", "!bad argument #1 to 'size' (option 's' has no fixed size)" },
        { "struct.size('c0')", "!bad argument #1 to 'size' (option 'c0' has no fixed size)" },
        { "struct.size('c2147483647c2147483647')", "4294967294" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}

TEST(struct_bounds_results)
{
    lib_world_chunk("local made, text = pcall(struct.unpack, ('b'):rep(9000), ('b'):rep(9000))\n"
                    "assert(not made and text:find('too many results'), text)\n"
                    "made, text = pcall(struct.pack, ('!16i3'):rep(1000))\n"
                    "assert(not made)\n"
                    "return true");
}

/* Any format over any bytes: nothing but errors. */
TEST(struct_takes_any_format)
{
    lib_world_chunk(
        "math.randomseed(...)\n"
        "local letters = '><!bBhHlLTfdiIsxc 0123489?z\\255'\n"
        "for i = 1, 20000 do\n"
        "  local format, bytes = {}, {}\n"
        "  for j = 1, math.random(0, 8) do\n"
        "    local at = math.random(1, #letters)\n"
        "    format[j] = letters:sub(at, at)\n"
        "  end\n"
        "  for j = 1, math.random(0, 40) do bytes[j] = string.char(math.random(0, 3)) end\n"
        "  format, bytes = table.concat(format), table.concat(bytes)\n"
        "  pcall(struct.unpack, format, bytes, math.random(-1, 45))\n"
        "  pcall(struct.size, format)\n"
        "  pcall(struct.pack, format, math.random(), bytes, 2 ^ math.random(0, 70), -1)\n"
        "  local values = {pcall(struct.unpack, format, bytes)}\n"
        "  if values[1] then\n"
        "    pcall(struct.pack, format, unpack(values, 2))\n"
        "  end\n"
        "end\n"
        "return true");
}

TEST(bit_is_that_of_redis)
{
    static const struct lib_row rows[] = {
        { "bit.tobit(2^31)", "-2147483648" },
        { "bit.tobit(2^33 + 5)", "5" },
        { "bit.tobit(1.5)", "2" },
        { "bit.band(255, -7)", "249" },
        { "bit.lshift(1, 33)", "2" },
        { "bit.arshift(-256, 4)", "-16" },
        { "bit.rol(0x12345678, 8)", "878082066" },
        { "bit.bswap(1)", "16777216" },
        { "bit.tohex(-1, 16)", "ffffffff" },
        { "bit.tohex(255, -4)", "00FF" },
        { "bit.tohex(255, 0)", "" },
        { "bit.tohex(255, -2147483648)", "000000FF" },
        { "bit.tohex(255, nil)", "!bad argument #2 to 'tohex' (number expected, got nil)" },
        { "bit.tohex({})", "!bad argument #1 to 'tohex' (number expected, got table)" },
        { NULL, NULL },
    };
    lib_world_rows(rows);
}
