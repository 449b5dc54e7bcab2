/* The table cjson: its settings and the functions that change them. */
#include "script/lib_cjson.h"

#include "script/libs.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>

/* The settings, with the arguments filled up by nil to `count`. */
static struct json_settings *begin(lua_State *L, int count)
{
    luaL_argcheck(L, lua_gettop(L) <= count, count + 1, "found too many arguments");
    lua_settop(L, count);
    return json_settings_of(L);
}

/* Sets and pushes a number; nil leaves it. An error names the first argument, as it ever did. */
static int number_option(lua_State *L, int index, int *setting, int least, int most)
{
    if (!lua_isnil(L, index)) {
        double value = luaL_checknumber(L, index);
        char text[64];
        (void)snprintf(text, sizeof(text), "expected integer between %d and %d", least, most);
        luaL_argcheck(L, value >= least && value < (double)most + 1, 1, text);
        *setting = (int)value;
    }
    lua_pushinteger(L, *setting);
    return 1;
}

/* Sets and pushes a choice; the first two are false and true also. */
static int choice_option(lua_State *L, int index, int *setting, const char *const *words)
{
    if (lua_isboolean(L, index))
        *setting = lua_toboolean(L, index);
    else if (!lua_isnil(L, index))
        *setting = luaL_checkoption(L, index, NULL, words);
    if (*setting <= 1)
        lua_pushboolean(L, *setting);
    else
        lua_pushstring(L, words[*setting]);
    return 1;
}

static const char *const switch_words[] = { "off", "on", NULL };
static const char *const invalid_words[] = { "off", "on", "null", NULL };

static int encode_sparse_array(lua_State *L)
{
    struct json_settings *settings = begin(L, 3);
    choice_option(L, 1, &settings->sparse_convert, switch_words);
    number_option(L, 2, &settings->sparse_ratio, 0, INT_MAX);
    number_option(L, 3, &settings->sparse_safe, 0, INT_MAX);
    return 3;
}

static int encode_max_depth(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return number_option(L, 1, &settings->encode_depth_max, 1, INT_MAX);
}

static int decode_max_depth(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return number_option(L, 1, &settings->decode_depth_max, 1, INT_MAX);
}

static int encode_number_precision(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return number_option(L, 1, &settings->precision, 1, JSON_PRECISION_MAX);
}

/* There is no buffer to keep: texts are made in the interpreter's memory. The setting is told. */
static int encode_keep_buffer(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return choice_option(L, 1, &settings->keep_buffer, switch_words);
}

static int encode_invalid_numbers(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return choice_option(L, 1, &settings->encode_invalid, invalid_words);
}

static int decode_invalid_numbers(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return choice_option(L, 1, &settings->decode_invalid, switch_words);
}

static int decode_array_with_array_mt(lua_State *L)
{
    struct json_settings *settings = begin(L, 1);
    return choice_option(L, 1, &settings->decode_mark_array, switch_words);
}

static int new_table(lua_State *L);

static const luaL_Reg functions[] = {
    { "encode", json_encode },
    { "decode", json_decode },
    { "encode_sparse_array", encode_sparse_array },
    { "encode_max_depth", encode_max_depth },
    { "decode_max_depth", decode_max_depth },
    { "encode_number_precision", encode_number_precision },
    { "encode_keep_buffer", encode_keep_buffer },
    { "encode_invalid_numbers", encode_invalid_numbers },
    { "decode_invalid_numbers", decode_invalid_numbers },
    { "decode_array_with_array_mt", decode_array_with_array_mt },
    { "new", new_table },
};

static int new_table(lua_State *L)
{
    luaL_checkstack(L, 4, "no room for a table");
    lua_newtable(L);
    struct json_settings *settings = lua_newuserdata(L, sizeof(*settings));
    *settings = (struct json_settings){
        .sparse_ratio = 2,
        .sparse_safe = 10,
        .encode_depth_max = 1000,
        .decode_depth_max = 1000,
        .precision = JSON_PRECISION_MAX,
        .keep_buffer = 1,
        .decode_invalid = 1,
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, functions[i].func, 1);
        lua_setfield(L, -3, functions[i].name);
    }
    lua_pop(L, 1);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushliteral(L, "cjson");
    lua_setfield(L, -2, "_NAME");
    lua_pushliteral(L, "2.1.0");
    lua_setfield(L, -2, "_VERSION");
    return 1;
}

void script_open_cjson(lua_State *L)
{
    luaL_checkstack(L, 4, "no room for a library");
    /* All scripts share the mark, so none may reach it and change it. */
    lua_newtable(L);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__metatable");
    lua_setfield(L, LUA_REGISTRYINDEX, JSON_ARRAY_MARK);
    new_table(L);
}
