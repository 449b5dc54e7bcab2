/* cjson.encode: values of Lua written as JSON. */
#include "script/lib_cjson.h"

#include "base/number.h"
#include "script/lib_text.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

struct json_writer {
    lua_State *L;
    const struct json_settings *settings;
    uint32_t work;
    struct lib_text text;
};

/* The value on top of the stack, which stays there. Goes into itself as deep as the settings and
 * the stack of Lua (8,000 slots, three a level) allow. */
static void write_value(struct json_writer *writer, int depth);

/* Raises the error that a value cannot be written; `index` is where it stands. */
static void refuse(struct json_writer *writer, int index, const char *reason)
{
    luaL_error(writer->L, "Cannot serialise %s: %s", luaL_typename(writer->L, index), reason);
}

/* What follows a backslash for one byte: 0 stands for itself, 'u' needs four digits. */
static char escape_of(uint8_t byte)
{
    switch (byte) {
    case '"':
    case '\\':
    case '/':
        return (char)byte;
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    default:
        return byte < 0x20 || byte == 0x7f ? 'u' : 0;
    }
}

static void write_escape(struct json_writer *writer, uint8_t byte, char escape)
{
    static const char digits[] = "0123456789abcdef";
    text_add_byte(&writer->text, '\\');
    text_add_byte(&writer->text, (uint8_t)escape);
    if (escape != 'u')
        return;
    uint8_t code[] = { '0', '0', (uint8_t)digits[byte >> 4u], (uint8_t)digits[byte & 15u] };
    text_add(&writer->text, bytes_of(code, sizeof(code)));
}

static void write_string(struct json_writer *writer, int index)
{
    size_t count;
    const char *string = lua_tolstring(writer->L, index, &count);
    struct bytes bytes = bytes_of(string, count);
    text_add_byte(&writer->text, '"');
    size_t from = 0;
    for (size_t i = 0; i < bytes.count; i++) {
        char escape = escape_of(bytes.at[i]);
        if (escape == 0)
            continue;
        text_add(&writer->text, bytes_of(bytes.at + from, i - from));
        write_escape(writer, bytes.at[i], escape);
        from = i + 1;
    }
    text_add(&writer->text, bytes_of(bytes.at + from, bytes.count - from));
    text_add_byte(&writer->text, '"');
}

/* NaN and the infinities, by the settings; true when that was all. */
static bool write_invalid(struct json_writer *writer, int index, double number)
{
    switch ((enum json_invalid)writer->settings->encode_invalid) {
    case JSON_INVALID_REFUSED:
        refuse(writer, index, "must not be NaN or Inf");
        return true;
    case JSON_INVALID_WRITTEN:
        if (!isnan(number))
            return false;
        text_add(&writer->text, BYTES("nan"));
        return true;
    case JSON_INVALID_NULL:
        break;
    }
    text_add(&writer->text, BYTES("null"));
    return true;
}

static void write_number(struct json_writer *writer, int index)
{
    double number = lua_tonumber(writer->L, index);
    if ((isnan(number) || isinf(number)) && write_invalid(writer, index, number))
        return;
    enum { NUMBER_BYTES = 32 };
    char *at = (char *)text_room(&writer->text, NUMBER_BYTES);
    int count = snprintf(at, NUMBER_BYTES, "%.*g", writer->settings->precision, number);
    writer->text.count += (size_t)count;
}

/* Whether the table on top was made by a decode that marks arrays. */
static bool is_marked(struct json_writer *writer)
{
    if (!lua_getmetatable(writer->L, -1))
        return false;
    luaL_getmetatable(writer->L, JSON_ARRAY_MARK);
    bool marked = lua_rawequal(writer->L, -1, -2) != 0;
    lua_pop(writer->L, 2);
    return marked;
}

/* The length of the table on top as an array, or -1: it is an object, as is an empty one (0). */
static int64_t array_length(struct json_writer *writer)
{
    if (is_marked(writer)) {
        size_t length = lua_objlen(writer->L, -1);
        return length < INT_MAX ? (int64_t)length : INT_MAX;
    }
    double last = 0;
    int64_t items = 0;
    lua_pushnil(writer->L);
    while (lua_next(writer->L, -2) != 0) {
        lib_tick(writer->L, &writer->work);
        double key = lua_type(writer->L, -2) == LUA_TNUMBER ? lua_tonumber(writer->L, -2) : 0;
        if (!(key >= 1) || floor(key) != key) {
            lua_pop(writer->L, 2);
            return -1;
        }
        last = key > last ? key : last;
        items++;
        lua_pop(writer->L, 1);
    }
    if (last > INT_MAX)
        return -1;
    const struct json_settings *settings = writer->settings;
    bool sparse = settings->sparse_ratio > 0 && last > settings->sparse_safe &&
                  last > (double)(items * settings->sparse_ratio);
    if (sparse && !settings->sparse_convert)
        refuse(writer, -1, "excessively sparse array");
    return sparse ? -1 : (int64_t)last;
}

static void write_array(struct json_writer *writer, int length, int depth)
{
    text_add_byte(&writer->text, '[');
    for (int i = 0; i < length; i++) {
        if (i != 0)
            text_add_byte(&writer->text, ',');
        lua_rawgeti(writer->L, -1, i + 1);
        write_value(writer, depth);
        lua_pop(writer->L, 1);
    }
    text_add_byte(&writer->text, ']');
}

static void write_key(struct json_writer *writer)
{
    switch (lua_type(writer->L, -2)) {
    case LUA_TNUMBER:
        text_add_byte(&writer->text, '"');
        write_number(writer, -2);
        text_add_byte(&writer->text, '"');
        break;
    case LUA_TSTRING:
        write_string(writer, -2);
        break;
    default:
        refuse(writer, -2, "table key must be a number or string");
    }
    text_add_byte(&writer->text, ':');
}

static void write_object(struct json_writer *writer, int depth)
{
    text_add_byte(&writer->text, '{');
    bool first = true;
    lua_pushnil(writer->L);
    while (lua_next(writer->L, -2) != 0) {
        if (!first)
            text_add_byte(&writer->text, ',');
        first = false;
        write_key(writer);
        write_value(writer, depth);
        lua_pop(writer->L, 1);
    }
    text_add_byte(&writer->text, '}');
}

static void write_table(struct json_writer *writer, int depth)
{
    if (depth > writer->settings->encode_depth_max || !lua_checkstack(writer->L, 4))
        luaL_error(writer->L, "Cannot serialise, excessive nesting (%d)", depth);
    int64_t length = array_length(writer);
    if (length > 0 || (length == 0 && is_marked(writer)))
        write_array(writer, (int)length, depth);
    else
        write_object(writer, depth);
}

static void write_value(struct json_writer *writer, int depth)
{
    lib_tick(writer->L, &writer->work);
    switch (lua_type(writer->L, -1)) {
    case LUA_TSTRING:
        write_string(writer, -1);
        return;
    case LUA_TNUMBER:
        write_number(writer, -1);
        return;
    case LUA_TBOOLEAN:
        text_add(&writer->text, lua_toboolean(writer->L, -1) ? BYTES("true") : BYTES("false"));
        return;
    case LUA_TTABLE:
        write_table(writer, depth + 1);
        return;
    case LUA_TNIL:
        text_add(&writer->text, BYTES("null"));
        return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(writer->L, -1) == NULL) {
            text_add(&writer->text, BYTES("null"));
            return;
        }
        break;
    default:
        break;
    }
    refuse(writer, -1, "type not supported");
}

int json_encode(lua_State *L)
{
    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    struct json_writer writer = { .L = L, .settings = json_settings_of(L), .work = LIB_WORK_BEGUN };
    text_begin(&writer.text, L);
    luaL_checkstack(L, 4, "no room for a value");
    lua_pushvalue(L, 1);
    write_value(&writer, 0);
    text_push(&writer.text);
    return 1;
}
