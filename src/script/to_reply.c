/* What a script returned, as a reply in the protocol of its client.
 *
 * Only raw reads: nothing of the script runs while its answer is written, so an answer that was
 * begun is completed. */
#include "script/inside.h"

struct writing {
    lua_State *L;
    struct reply *reply;
    uint8_t resp; /* of the script: how it means booleans */
    uint32_t depth;
};

static void write_value(struct writing *writing);

/* The field of the table on the top, pushed; false (and nothing pushed) when of another type. */
static bool has_field(lua_State *L, const char *name, int type)
{
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_type(L, -1) == type)
        return true;
    lua_pop(L, 1);
    return false;
}

static struct bytes text_at(lua_State *L, int at)
{
    size_t count;
    const char *text = lua_tolstring(L, at, &count);
    return bytes_of(text, count);
}

static uint64_t count_pairs(lua_State *L)
{
    uint64_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        count++;
        lua_pop(L, 1);
    }
    return count;
}

/* `values`: a map; otherwise only keys count, of a set. The table is on the top. */
static void write_pairs(struct writing *writing, bool values)
{
    lua_State *L = writing->L;
    uint64_t count = count_pairs(L);
    if (values)
        reply_map(writing->reply, count);
    else
        reply_set(writing->reply, count);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        write_value(writing);
        lua_pop(L, 1);
        if (values)
            write_value(writing);
        lua_pop(L, 1);
    }
}

/* Up to the first nil. */
static void write_array(struct writing *writing)
{
    lua_State *L = writing->L;
    struct reply_mark mark = reply_array_later(writing->reply);
    uint64_t count = 0;
    for (int i = 1; i < INT32_MAX; i++) {
        lua_rawgeti(L, -1, i);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            break;
        }
        write_value(writing);
        lua_pop(L, 1);
        count++;
    }
    reply_count(writing->reply, mark, count);
}

static bool write_verbatim(struct writing *writing)
{
    lua_State *L = writing->L;
    char format[4] = "txt";
    bool good = has_field(L, "format", LUA_TSTRING);
    if (!good)
        return false;
    struct bytes text = text_at(L, -1);
    for (size_t i = 0; i < sizeof format - 1; i++)
        format[i] = i < text.count && text.at[i] > ' ' ? (char)text.at[i] : ' ';
    lua_pop(L, 1);
    if (!has_field(L, "string", LUA_TSTRING))
        return false;
    reply_verbatim(writing->reply, format, text_at(L, -1));
    lua_pop(L, 1);
    return true;
}

/* Tables with one of these fields mean something by it. true: written. */
static bool write_special(struct writing *writing)
{
    lua_State *L = writing->L;
    struct reply *reply = writing->reply;
    bool written = true;
    if (has_field(L, "err", LUA_TSTRING)) {
        reply_error_bytes(reply, text_at(L, -1));
        script_engine_of(L)->told_before = script_is_commands_error(L, -2);
    } else if (has_field(L, "ok", LUA_TSTRING))
        reply_status_bytes(reply, text_at(L, -1));
    else if (has_field(L, "double", LUA_TNUMBER))
        reply_double(reply, lua_tonumber(L, -1));
    else if (has_field(L, "map", LUA_TTABLE))
        write_pairs(writing, true);
    else if (has_field(L, "set", LUA_TTABLE))
        write_pairs(writing, false);
    else if (has_field(L, "big_number", LUA_TSTRING))
        reply_big_number(reply, text_at(L, -1));
    else if (has_field(L, "verbatim_string", LUA_TTABLE))
        written = write_verbatim(writing);
    else
        return false;
    lua_pop(L, 1);
    return written;
}

static void write_boolean(const struct writing *writing, bool value)
{
    if (writing->resp > 2)
        reply_bool(writing->reply, value);
    else if (value)
        reply_i64(writing->reply, 1);
    else
        reply_nil(writing->reply);
}

/* As C would cut it, where it fits; what does not is the least there is, as on x86. */
static void write_number(struct reply *reply, double number)
{
    bool fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
    reply_i64(reply, fits ? (int64_t)number : INT64_MIN);
}

static void write_table(struct writing *writing)
{
    if (writing->depth >= SCRIPT_REPLY_DEPTH_MAX || !lua_checkstack(writing->L, 8)) {
        reply_error(writing->reply, "ERR reached lua stack limit");
        return;
    }
    writing->depth++;
    if (!write_special(writing))
        write_array(writing);
    writing->depth--;
}

static void write_value(struct writing *writing)
{
    lua_State *L = writing->L;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        reply_bulk(writing->reply, text_at(L, -1));
        return;
    case LUA_TBOOLEAN:
        write_boolean(writing, lua_toboolean(L, -1));
        return;
    case LUA_TNUMBER:
        write_number(writing->reply, lua_tonumber(L, -1));
        return;
    case LUA_TTABLE:
        write_table(writing);
        return;
    default:
        reply_nil(writing->reply);
    }
}

void script_write_reply(lua_State *L, struct reply *reply)
{
    struct writing writing = { .L = L, .reply = reply, .resp = script_engine_of(L)->resp };
    write_value(&writing);
}
