/* What a command replied, as Lua values: by the protocol that the script asked for, RESP2 or 3. */
#include "script/inside.h"

#include "base/number.h"

#include <string.h>

struct reading {
    lua_State *L;
    const uint8_t *at, *end;
};

static void push_value(struct reading *reading);

/* The rest of the line; its end is passed over. Replies are our own: they are whole. */
static struct bytes take_line(struct reading *reading)
{
    const uint8_t *start = reading->at;
    const uint8_t *end = memchr(start, '\r', (size_t)(reading->end - start));
    ENSURE(end != NULL && end + 1 < reading->end);
    reading->at = end + 2;
    return bytes_of(start, (size_t)(end - start));
}

static int64_t take_number(struct reading *reading)
{
    int64_t number = 0;
    bool good = number_read_i64(take_line(reading), &number);
    ENSURE(good);
    return number;
}

static struct bytes take_bulk(struct reading *reading, int64_t count)
{
    ENSURE(count >= 0 && reading->end - reading->at >= count + 2);
    struct bytes bytes = bytes_of(reading->at, (size_t)count);
    reading->at += count + 2;
    return bytes;
}

static void push_text(lua_State *L, struct bytes text)
{
    lua_pushlstring(L, (const char *)text.at, text.count);
}

/* { name = text } */
static void push_named(lua_State *L, const char *name, struct bytes text)
{
    lua_createtable(L, 0, 1);
    push_text(L, text);
    lua_setfield(L, -2, name);
}

static void push_bulk(struct reading *reading)
{
    int64_t count = take_number(reading);
    if (count < 0)
        lua_pushboolean(reading->L, 0);
    else
        push_text(reading->L, take_bulk(reading, count));
}

static void push_array(struct reading *reading)
{
    lua_State *L = reading->L;
    int64_t count = take_number(reading);
    if (count < 0) {
        lua_pushboolean(L, 0);
        return;
    }
    lua_createtable(L, count > INT32_MAX ? INT32_MAX : (int)count, 0);
    for (int64_t i = 1; i <= count; i++) {
        push_value(reading);
        lua_rawseti(L, -2, (int)i);
    }
}

/* { map = { key = value } } */
static void push_map(struct reading *reading)
{
    lua_State *L = reading->L;
    int64_t pairs = take_number(reading);
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    for (int64_t i = 0; i < pairs; i++) {
        push_value(reading);
        push_value(reading);
        if (lua_isnil(L, -2))
            lua_pop(L, 2);
        else
            lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "map");
}

/* { set = { element = true } } */
static void push_set(struct reading *reading)
{
    lua_State *L = reading->L;
    int64_t count = take_number(reading);
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    for (int64_t i = 0; i < count; i++) {
        push_value(reading);
        lua_pushboolean(L, 1);
        if (lua_isnil(L, -2))
            lua_pop(L, 2);
        else
            lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "set");
}

static void push_double(struct reading *reading)
{
    double number = 0;
    struct bytes line = take_line(reading);
    if (!number_read_double(line, &number))
        number = __builtin_nan("");
    lua_createtable(reading->L, 0, 1);
    lua_pushnumber(reading->L, number);
    lua_setfield(reading->L, -2, "double");
}

static void push_verbatim(struct reading *reading)
{
    enum { FORMAT_BYTES = 3 };
    lua_State *L = reading->L;
    struct bytes text = take_bulk(reading, take_number(reading));
    ENSURE(text.count > FORMAT_BYTES);
    lua_createtable(L, 0, 1);
    push_named(L, "format", bytes_of(text.at, FORMAT_BYTES));
    push_text(L, bytes_of(text.at + FORMAT_BYTES + 1, text.count - FORMAT_BYTES - 1));
    lua_setfield(L, -2, "string");
    lua_setfield(L, -2, "verbatim_string");
}

/* Says something about the value behind it, which scripts do not see. */
static void push_behind_attribute(struct reading *reading)
{
    for (int64_t i = 2 * take_number(reading); i > 0; i--) {
        push_value(reading);
        lua_pop(reading->L, 1);
    }
    push_value(reading);
}

static void push_typed(struct reading *reading, uint8_t type)
{
    lua_State *L = reading->L;
    struct bytes line;
    switch (type) {
    case '%':
        push_map(reading);
        return;
    case '~':
        push_set(reading);
        return;
    case ',':
        push_double(reading);
        return;
    case '=':
        push_verbatim(reading);
        return;
    case '|':
        push_behind_attribute(reading);
        return;
    case '(':
        push_named(L, "big_number", take_line(reading));
        return;
    case '#':
        line = take_line(reading);
        lua_pushboolean(L, line.count == 1 && line.at[0] == 't');
        return;
    default:
        ENSURE(type == '_');
        (void)take_line(reading);
        lua_pushnil(L);
    }
}

static void push_value(struct reading *reading)
{
    lua_State *L = reading->L;
    ENSURE(reading->at < reading->end);
    luaL_checkstack(L, 8, "a reply nests too deep");
    uint8_t type = *reading->at++;
    switch (type) {
    case '+':
        push_named(L, "ok", take_line(reading));
        return;
    case '-':
        reading->at--;
        script_push_commands_error(L, take_line(reading));
        return;
    case ':':
        lua_pushnumber(L, (lua_Number)take_number(reading));
        return;
    case '$':
        push_bulk(reading);
        return;
    case '*':
    case '>':
        push_array(reading);
        return;
    default:
        push_typed(reading, type);
    }
}

void script_push_reply(lua_State *L, struct bytes reply)
{
    struct reading reading = { L, reply.at, reply.at + reply.count };
    push_value(&reading);
}
