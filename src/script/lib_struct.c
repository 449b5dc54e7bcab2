/* The library struct: numbers and strings as the bytes of a C struct. A format is letters:
 *     > < !n   order of bytes, alignment (a power of two; 16 when no number follows)
 *     b B h H l L T iN IN   whole numbers of 1, 2, 8, 8 or N bytes (4), small letters signed
 *     f d      floating point numbers
 *     x        a byte of padding
 *     s cN     a string with a NUL behind it, N bytes of one (1); c0: all of it, and when unpacking
 *              as many as the number before says
 *     space    nothing */
#include "script/libs.h"

#include "base/bytes.h"
#include "script/lib_text.h"

#include <lauxlib.h>
#include <limits.h>

enum { WHOLE_BYTES_MAX = 32, ALIGNMENT_DEFAULT = 16 };

/* A format that is read letter by letter; Lua ends it with a NUL. */
struct format {
    lua_State *L;
    const char *next;
    bool big_endian;
    size_t alignment;
    /* What was read last. */
    char letter;
    size_t size; /* in bytes; 0 where the letter does not tell */
    uint32_t work;
};

static struct format format_begin(lua_State *L)
{
    return (struct format){
        .L = L, .next = luaL_checkstring(L, 1), .alignment = 1, .work = LIB_WORK_BEGUN
    };
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static int read_number(struct format *format, int otherwise)
{
    if (!is_digit(*format->next))
        return otherwise;
    int64_t number = 0;
    while (is_digit(*format->next)) {
        number = number * 10 + (*format->next++ - '0');
        if (number > INT_MAX)
            luaL_error(format->L, "integral size overflow");
    }
    return (int)number;
}

static size_t read_size(struct format *format)
{
    switch (format->letter) {
    case 'b':
    case 'B':
    case 'x':
        return 1;
    case 'h':
    case 'H':
        return sizeof(short);
    case 'l':
    case 'L':
        return sizeof(long);
    case 'T':
        return sizeof(size_t);
    case 'f':
        return sizeof(float);
    case 'd':
        return sizeof(double);
    case 'c':
        return (size_t)read_number(format, 1);
    case 'i':
    case 'I': {
        int size = read_number(format, sizeof(int));
        if (size > WHOLE_BYTES_MAX)
            luaL_error(format->L, "integral size %d is larger than limit of %d", size,
                       WHOLE_BYTES_MAX);
        return (size_t)size;
    }
    default:
        return 0;
    }
}

/* The next letter with its size; false at the end. */
static bool format_next(struct format *format)
{
    if (*format->next == '\0')
        return false;
    lib_tick(format->L, &format->work);
    format->letter = *format->next++;
    format->size = read_size(format);
    return true;
}

/* How many bytes stand before what was read, when it comes to stand at `at`. */
static size_t padding(const struct format *format, size_t at)
{
    size_t size = format->size;
    if (size == 0 || format->letter == 'c')
        return 0;
    if (size > format->alignment)
        size = format->alignment;
    return (size - (at & (size - 1))) & (size - 1);
}

/* A letter that stands for no value. */
static void control(struct format *format)
{
    switch (format->letter) {
    case ' ':
        return;
    case '>':
        format->big_endian = true;
        return;
    case '<':
        format->big_endian = false;
        return;
    case '!': {
        int alignment = read_number(format, ALIGNMENT_DEFAULT);
        if (alignment <= 0 || (alignment & (alignment - 1)) != 0)
            luaL_error(format->L, "alignment %d is not a power of 2", alignment);
        format->alignment = (size_t)alignment;
        return;
    }
    default:
        luaL_argerror(format->L, 1,
                      lua_pushfstring(format->L, "invalid format option '%c'", format->letter));
    }
}

/* A number as 64 bits: what is too large wraps as the processors do that Redis runs on. */
static uint64_t bits_of(double number)
{
    if (number < 0)
        return number >= -0x1p63 ? (uint64_t)(int64_t)number : (uint64_t)1 << 63u;
    if (number < 0x1p64)
        return (uint64_t)number;
    return number >= 0x1p64 ? 0 : (uint64_t)1 << 63u;
}

/* The lowest `size` bytes of `bits`, in the order of the format. */
static void pack_bits(const struct format *format, struct lib_text *text, uint64_t bits)
{
    size_t size = format->size;
    uint8_t *at = text_room(text, size);
    for (size_t i = 0; i < size; i++) {
        at[format->big_endian ? size - 1 - i : i] = (uint8_t)bits;
        bits >>= 8u;
    }
    text->count += size;
}

static void pack_float(const struct format *format, struct lib_text *text, double number)
{
    float narrow = (float)number;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    pack_bits(format, text, bits);
}

static void pack_double(const struct format *format, struct lib_text *text, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    pack_bits(format, text, bits);
}

/* Of a string that is too short the error names the next argument, as it ever did. */
static void pack_string(struct format *format, struct lib_text *text, int argument)
{
    size_t count;
    const char *string = luaL_checklstring(format->L, argument, &count);
    if (format->size == 0)
        format->size = count;
    luaL_argcheck(format->L, count >= format->size, argument + 1, "string too short");
    text_add(text, bytes_of(string, format->size));
    if (format->letter == 's')
        text_add_byte(text, 0);
}

/* Packs one value; false when the letter takes no argument. */
static bool pack_value(struct format *format, struct lib_text *text, int argument)
{
    lua_State *L = format->L;
    switch (format->letter) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'l':
    case 'L':
    case 'T':
    case 'i':
    case 'I':
        pack_bits(format, text, bits_of(luaL_checknumber(L, argument)));
        return true;
    case 'f':
        pack_float(format, text, luaL_checknumber(L, argument));
        return true;
    case 'd':
        pack_double(format, text, luaL_checknumber(L, argument));
        return true;
    case 'c':
    case 's':
        pack_string(format, text, argument);
        return true;
    case 'x':
        text_add_byte(text, 0);
        return false;
    default:
        control(format);
        return false;
    }
}

static int struct_pack(lua_State *L)
{
    struct format format = format_begin(L);
    struct lib_text text;
    /* Its slot is also the argument that is missing behind the last: never a number or string. */
    text_begin(&text, L);
    int argument = 2;
    while (format_next(&format)) {
        size_t empty = padding(&format, text.count);
        memset(text_room(&text, empty), 0, empty);
        text.count += empty;
        if (pack_value(&format, &text, argument))
            argument++;
    }
    text_push(&text);
    return 1;
}

/* ---- unpack --------------------------------------------------------------------------------- */

/* What is unpacked: the values found so far lie on top of the stack. */
struct unpacked {
    struct bytes data;
    size_t at;
    int count;
};

static void need(lua_State *L, const struct unpacked *from, size_t size)
{
    bool there = size <= from->data.count && from->at <= from->data.count - size;
    luaL_argcheck(L, there, 2, "data string too short");
}

/* The bytes at hand as a number; of more than eight the lowest count. */
static uint64_t unpack_bits(const struct format *format, const struct unpacked *from)
{
    const uint8_t *at = from->data.at + from->at;
    uint64_t bits = 0;
    for (size_t i = 0; i < format->size; i++)
        bits = bits << 8u | at[format->big_endian ? i : format->size - 1 - i];
    return bits;
}

static double unpack_whole(const struct format *format, const struct unpacked *from)
{
    uint64_t bits = unpack_bits(format, from);
    if (format->letter < 'a')
        return (double)bits;
    if (format->size > 0 && format->size < sizeof(bits)) {
        uint64_t sign = (uint64_t)1 << (8 * format->size - 1);
        bits = (bits ^ sign) - sign;
    }
    return (double)(int64_t)bits;
}

static double unpack_float(const struct format *format, const struct unpacked *from)
{
    uint32_t bits = (uint32_t)unpack_bits(format, from);
    float number;
    memcpy(&number, &bits, sizeof(number));
    return (double)number;
}

static double unpack_double(const struct format *format, const struct unpacked *from)
{
    uint64_t bits = unpack_bits(format, from);
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* The size of c0: the number unpacked before, which is no value then. */
static void take_size(struct format *format, struct unpacked *from)
{
    lua_State *L = format->L;
    if (from->count == 0 || !lua_isnumber(L, -1))
        luaL_error(L, "format 'c0' needs a previous size");
    uint64_t size = bits_of(lua_tonumber(L, -1));
    lua_pop(L, 1);
    from->count--;
    need(L, from, size);
    format->size = (size_t)size;
}

static void unpack_string(struct format *format, struct unpacked *from)
{
    const uint8_t *at = from->data.at + from->at;
    size_t count = format->size;
    if (format->letter == 's') {
        const uint8_t *end = memchr(at, 0, from->data.count - from->at);
        if (end == NULL)
            luaL_error(format->L, "unfinished string in data");
        count = (size_t)(end - at);
        format->size = count + 1;
    }
    lua_pushlstring(format->L, (const char *)at, count);
}

/* Pushes one value; false when the letter stands for none. */
static bool unpack_value(struct format *format, struct unpacked *from)
{
    lua_State *L = format->L;
    switch (format->letter) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'l':
    case 'L':
    case 'T':
    case 'i':
    case 'I':
        lua_pushnumber(L, unpack_whole(format, from));
        return true;
    case 'f':
        lua_pushnumber(L, unpack_float(format, from));
        return true;
    case 'd':
        lua_pushnumber(L, unpack_double(format, from));
        return true;
    case 'c':
        if (format->size == 0)
            take_size(format, from);
        unpack_string(format, from);
        return true;
    case 's':
        unpack_string(format, from);
        return true;
    case 'x':
        return false;
    default:
        control(format);
        return false;
    }
}

static int struct_unpack(lua_State *L)
{
    struct format format = format_begin(L);
    size_t count;
    const char *data = luaL_checklstring(L, 2, &count);
    double first = luaL_optnumber(L, 3, 1);
    luaL_argcheck(L, first < 0 || first >= 1, 3, "offset must be 1 or greater");
    /* Outside of the data there is nothing to unpack, but no error before something is. */
    size_t at = SIZE_MAX / 2;
    if (first > -0x1p53 && first < 0x1p53)
        at = (size_t)(int64_t)first - 1;
    struct unpacked from = { bytes_of(data, count), at, 0 };
    while (format_next(&format)) {
        from.at += padding(&format, from.at);
        need(L, &from, format.size);
        luaL_checkstack(L, 2, "too many results");
        if (unpack_value(&format, &from))
            from.count++;
        from.at += format.size;
    }
    lua_pushnumber(L, (double)(int64_t)(from.at + 1));
    return from.count + 1;
}

/* A letter without meaning counts nothing here, as in Redis. */
static int struct_size(lua_State *L)
{
    struct format format = format_begin(L);
    size_t size = 0;
    while (format_next(&format)) {
        size += padding(&format, size);
        if (format.letter == 's')
            luaL_argerror(L, 1, "option 's' has no fixed size");
        if (format.letter == 'c' && format.size == 0)
            luaL_argerror(L, 1, "option 'c0' has no fixed size");
        bool letter = (format.letter >= 'a' && format.letter <= 'z') ||
                      (format.letter >= 'A' && format.letter <= 'Z') || is_digit(format.letter);
        if (!letter)
            control(&format);
        size += format.size;
    }
    lua_pushnumber(L, (double)size);
    return 1;
}

void script_open_struct(lua_State *L)
{
    luaL_checkstack(L, 2, "no room for a library");
    lua_newtable(L);
    lua_pushcfunction(L, struct_pack);
    lua_setfield(L, -2, "pack");
    lua_pushcfunction(L, struct_unpack);
    lua_setfield(L, -2, "unpack");
    lua_pushcfunction(L, struct_size);
    lua_setfield(L, -2, "size");
}
