/* cmsgpack.unpack, unpack_one, unpack_limit. A length in the data allocates nothing: tables grow as
 * elements are found, and strings are looked up in the data first. */
#include "script/lib_cmsgpack.h"

#include "base/bytes.h"
#include "script/lib_text.h"

#include <lauxlib.h>

struct unpacker {
    lua_State *L;
    const uint8_t *at;
    size_t left;
    uint32_t work;
};

/* Pushes the value at `at`. Goes into itself as deep as the stack of Lua (8,000 slots, two a
 * level) allows. */
static void unpack_value(struct unpacker *in);

/* `count` bytes, which are read. */
static const uint8_t *take(struct unpacker *in, uint64_t count)
{
    if (count > in->left)
        luaL_error(in->L, "Missing bytes in input.");
    const uint8_t *at = in->at;
    in->at += count;
    in->left -= (size_t)count;
    return at;
}

static uint64_t take_number(struct unpacker *in, unsigned bytes)
{
    const uint8_t *at = take(in, bytes);
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8u | at[i];
    return number;
}

static void unpack_float(struct unpacker *in)
{
    uint32_t bits = (uint32_t)take_number(in, 4);
    float number;
    memcpy(&number, &bits, sizeof(number));
    lua_pushnumber(in->L, (double)number);
}

static void unpack_double(struct unpacker *in)
{
    uint64_t bits = take_number(in, 8);
    double number;
    memcpy(&number, &bits, sizeof(number));
    lua_pushnumber(in->L, number);
}

static void unpack_string(struct unpacker *in, uint64_t count)
{
    const uint8_t *at = take(in, count);
    lua_pushlstring(in->L, (const char *)at, (size_t)count);
}

static void unpack_array(struct unpacker *in, uint64_t count)
{
    lua_newtable(in->L);
    for (uint64_t i = 1; i <= count; i++) {
        luaL_checkstack(in->L, 3, "in function unpack");
        lua_pushnumber(in->L, (double)i);
        unpack_value(in);
        lua_rawset(in->L, -3);
    }
}

/* A key that is nil or not a number is an error of Lua. */
static void unpack_map(struct unpacker *in, uint64_t count)
{
    lua_newtable(in->L);
    for (uint64_t i = 0; i < count; i++) {
        unpack_value(in);
        unpack_value(in);
        lua_rawset(in->L, -3);
    }
}

static void unpack_fixed(struct unpacker *in, uint8_t mark)
{
    if (mark < MSGPACK_FIXED_MAP)
        lua_pushinteger(in->L, mark);
    else if (mark >= MSGPACK_FIXED_NEGATIVE)
        lua_pushinteger(in->L, (int)mark - 256);
    else if (mark < MSGPACK_FIXED_ARRAY)
        unpack_map(in, mark & 0x0fu);
    else if (mark < MSGPACK_FIXED_STRING)
        unpack_array(in, mark & 0x0fu);
    else if (mark < MSGPACK_NIL)
        unpack_string(in, mark & 0x1fu);
    else
        luaL_error(in->L, "Bad data format in input.");
}

static void unpack_signed(struct unpacker *in, unsigned bytes)
{
    uint64_t number = take_number(in, bytes);
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    lua_pushnumber(in->L, (double)(int64_t)((number ^ sign) - sign));
}

static void unpack_value(struct unpacker *in)
{
    lib_tick(in->L, &in->work);
    luaL_checkstack(in->L, 3,
                    "too many return values at once; use unpack_one or unpack_limit instead.");
    uint8_t mark = *take(in, 1);
    switch (mark) {
    case MSGPACK_NIL:
        lua_pushnil(in->L);
        break;
    case MSGPACK_FALSE:
    case MSGPACK_TRUE:
        lua_pushboolean(in->L, mark == MSGPACK_TRUE);
        break;
    case MSGPACK_FLOAT:
        unpack_float(in);
        break;
    case MSGPACK_DOUBLE:
        unpack_double(in);
        break;
    case MSGPACK_UINT8:
    case MSGPACK_UINT16:
    case MSGPACK_UINT32:
        lua_pushnumber(in->L, (double)take_number(in, 1u << (unsigned)(mark - MSGPACK_UINT8)));
        break;
    case MSGPACK_INT8:
    case MSGPACK_INT16:
    case MSGPACK_INT32:
    case MSGPACK_INT64:
        unpack_signed(in, 1u << (unsigned)(mark - MSGPACK_INT8));
        break;
    case MSGPACK_UINT64: /* as in Redis, where it is an integer of Lua */
        unpack_signed(in, 8);
        break;
    case MSGPACK_STRING8:
    case MSGPACK_STRING16:
    case MSGPACK_STRING32:
        unpack_string(in, take_number(in, 1u << (unsigned)(mark - MSGPACK_STRING8)));
        break;
    case MSGPACK_ARRAY16:
    case MSGPACK_ARRAY32:
        unpack_array(in, take_number(in, 2u << (unsigned)(mark - MSGPACK_ARRAY16)));
        break;
    case MSGPACK_MAP16:
    case MSGPACK_MAP32:
        unpack_map(in, take_number(in, 2u << (unsigned)(mark - MSGPACK_MAP16)));
        break;
    default:
        unpack_fixed(in, mark);
    }
}

/* Up to `limit` values from `offset` on, behind where the next one begins (-1: at the end); without
 * either, all values alone. The stack holds the string and nothing else. */
static int unpack_some(lua_State *L, int64_t limit, int64_t offset)
{
    bool all = limit == 0 && offset == 0;
    size_t count;
    const char *string = luaL_checklstring(L, 1, &count);
    if (limit < 0 || offset < 0)
        return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.",
                          (int)offset, (int)count);
    if ((uint64_t)offset > count)
        return luaL_error(L, "Start offset %d greater than input length %d.", (int)offset,
                          (int)count);
    struct unpacker in = { L, (const uint8_t *)string + offset, count - (size_t)offset,
                           LIB_WORK_BEGUN };
    int64_t values = 0;
    while (in.left > 0 && (all || values < limit)) {
        unpack_value(&in);
        values++;
    }
    if (all)
        return (int)values;
    luaL_checkstack(L, 1, "in function unpack");
    lua_pushnumber(L, in.left == 0 ? -1 : (double)(count - in.left));
    lua_insert(L, 2);
    return (int)values + 1;
}

/* A number of a script, taken for one of 32 bits; out of range it is as good as negative. */
static int64_t whole(double number)
{
    return number >= 0 && number <= INT32_MAX ? (int64_t)number : -1;
}

int msgpack_unpack(lua_State *L)
{
    return unpack_some(L, 0, 0);
}

int msgpack_unpack_one(lua_State *L)
{
    int64_t offset = whole(luaL_optnumber(L, 2, 0));
    lua_settop(L, 1);
    return unpack_some(L, 1, offset);
}

int msgpack_unpack_limit(lua_State *L)
{
    int64_t limit = whole(luaL_checknumber(L, 2));
    int64_t offset = whole(luaL_optnumber(L, 3, 0));
    lua_settop(L, 1);
    return unpack_some(L, limit, offset);
}
