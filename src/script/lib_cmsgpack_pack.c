/* cmsgpack.pack, and the table cmsgpack. */
#include "script/lib_cmsgpack.h"

#include "script/lib_text.h"
#include "script/libs.h"

#include <lauxlib.h>

struct packer {
    lua_State *L;
    uint32_t work;
    struct lib_text text;
};

/* Takes the value on top of the stack off it; goes into itself MSGPACK_NESTING_MAX levels deep. */
static void pack_value(struct packer *packer, int level);

/* A mark and `bytes` of a number, the highest first. */
static void put(struct packer *packer, uint8_t mark, uint64_t number, unsigned bytes)
{
    uint8_t *at = text_room(&packer->text, 1 + bytes);
    at[0] = mark;
    for (unsigned i = 0; i < bytes; i++)
        at[1 + i] = (uint8_t)(number >> 8u * (bytes - 1 - i));
    packer->text.count += 1 + bytes;
}

static void pack_whole(struct packer *packer, int64_t number)
{
    uint64_t bits = (uint64_t)number;
    if (number >= -32 && number <= 127)
        put(packer, (uint8_t)bits, 0, 0);
    else if (number >= 0 && number <= UINT8_MAX)
        put(packer, MSGPACK_UINT8, bits, 1);
    else if (number >= 0 && number <= UINT16_MAX)
        put(packer, MSGPACK_UINT16, bits, 2);
    else if (number >= 0 && number <= UINT32_MAX)
        put(packer, MSGPACK_UINT32, bits, 4);
    else if (number >= 0)
        put(packer, MSGPACK_UINT64, bits, 8);
    else if (number >= INT8_MIN)
        put(packer, MSGPACK_INT8, bits, 1);
    else if (number >= INT16_MIN)
        put(packer, MSGPACK_INT16, bits, 2);
    else if (number >= INT32_MIN)
        put(packer, MSGPACK_INT32, bits, 4);
    else
        put(packer, MSGPACK_INT64, bits, 8);
}

static void pack_number(struct packer *packer, double number)
{
    bool fits = number >= -0x1p63 && number < 0x1p63;
    if (fits && (double)(int64_t)number == number) {
        pack_whole(packer, (int64_t)number);
        return;
    }
    float narrow = (float)number;
    if ((double)narrow == number) {
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof(bits));
        put(packer, MSGPACK_FLOAT, bits, 4);
        return;
    }
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    put(packer, MSGPACK_DOUBLE, bits, 8);
}

static void pack_string(struct packer *packer)
{
    size_t count;
    const char *string = lua_tolstring(packer->L, -1, &count);
    if (count < 32)
        put(packer, (uint8_t)(MSGPACK_FIXED_STRING | count), 0, 0);
    else if (count <= UINT8_MAX)
        put(packer, MSGPACK_STRING8, count, 1);
    else if (count <= UINT16_MAX)
        put(packer, MSGPACK_STRING16, count, 2);
    else
        put(packer, MSGPACK_STRING32, count, 4);
    text_add(&packer->text, bytes_of(string, count));
}

/* How many pairs the table on top has, and whether their keys are 1 to that number. */
static size_t count_pairs(struct packer *packer, bool *array)
{
    size_t count = 0;
    double last = 0;
    *array = true;
    lua_pushnil(packer->L);
    while (lua_next(packer->L, -2) != 0) {
        lib_tick(packer->L, &packer->work);
        lua_pop(packer->L, 1);
        count++;
        double key = lua_type(packer->L, -1) == LUA_TNUMBER ? lua_tonumber(packer->L, -1) : 0;
        if (key >= 1 && key <= INT32_MAX && (double)(int32_t)key == key)
            last = key > last ? key : last;
        else
            *array = false;
    }
    if (last != (double)count)
        *array = false;
    return count;
}

static void put_count(struct packer *packer, uint8_t fixed, uint8_t mark16, size_t count)
{
    if (count <= 15)
        put(packer, (uint8_t)(fixed | count), 0, 0);
    else if (count <= UINT16_MAX)
        put(packer, mark16, count, 2);
    else
        put(packer, (uint8_t)(mark16 + 1), count, 4);
}

static void pack_table(struct packer *packer, int level)
{
    luaL_checkstack(packer->L, 4, "in function pack");
    bool array;
    size_t count = count_pairs(packer, &array);
    if (array) {
        put_count(packer, MSGPACK_FIXED_ARRAY, MSGPACK_ARRAY16, count);
        for (size_t i = 1; i <= count; i++) {
            lua_rawgeti(packer->L, -1, (int)i);
            pack_value(packer, level + 1);
        }
        return;
    }
    put_count(packer, MSGPACK_FIXED_MAP, MSGPACK_MAP16, count);
    lua_pushnil(packer->L);
    while (lua_next(packer->L, -2) != 0) {
        lua_pushvalue(packer->L, -2);
        pack_value(packer, level + 1);
        pack_value(packer, level + 1);
    }
}

static void pack_value(struct packer *packer, int level)
{
    lib_tick(packer->L, &packer->work);
    switch (lua_type(packer->L, -1)) {
    case LUA_TSTRING:
        pack_string(packer);
        break;
    case LUA_TBOOLEAN:
        put(packer, lua_toboolean(packer->L, -1) ? MSGPACK_TRUE : MSGPACK_FALSE, 0, 0);
        break;
    case LUA_TNUMBER:
        pack_number(packer, lua_tonumber(packer->L, -1));
        break;
    case LUA_TTABLE:
        if (level < MSGPACK_NESTING_MAX) {
            pack_table(packer, level);
            break;
        }
        put(packer, MSGPACK_NIL, 0, 0);
        break;
    default:
        put(packer, MSGPACK_NIL, 0, 0);
    }
    lua_pop(packer->L, 1);
}

int msgpack_pack(lua_State *L)
{
    int count = lua_gettop(L);
    if (count == 0)
        return luaL_argerror(L, 0, "MessagePack pack needs input.");
    struct packer packer = { .L = L, .work = LIB_WORK_BEGUN };
    text_begin(&packer.text, L);
    luaL_checkstack(L, 2, "in function pack");
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, i);
        pack_value(&packer, 0);
    }
    text_push(&packer.text);
    return 1;
}

void script_open_cmsgpack(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "pack", msgpack_pack },
        { "unpack", msgpack_unpack },
        { "unpack_one", msgpack_unpack_one },
        { "unpack_limit", msgpack_unpack_limit },
    };
    static const char *const texts[][2] = {
        { "_NAME", "cmsgpack" },
        { "_VERSION", "lua-cmsgpack 0.4.0" },
        { "_COPYRIGHT", "the authors of Snug" },
        { "_DESCRIPTION", "MessagePack for Lua" },
    };
    luaL_checkstack(L, 2, "no room for a library");
    lua_newtable(L);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        lua_pushstring(L, texts[i][1]);
        lua_setfield(L, -2, texts[i][0]);
    }
}
