/* script/lib_cjson.h - what the parts of cjson share.
 * Model:    the settings of one cjson table stand in a block of the interpreter, an upvalue of all
 *           its functions; cjson.new makes another table with settings of its own.
 * Owner:    the interpreter.
 * Pointers: settings hold as long as a function of the table runs.
 * Threads:  that of the interpreter.
 * Failure:  errors of Lua, with the texts of lua-cjson, which scripts match.
 * Cost:     linear in the text. */
#ifndef SCRIPT_LIB_CJSON_H
#define SCRIPT_LIB_CJSON_H

#include <lua.h>
#include <stdbool.h>

enum { JSON_PRECISION_MAX = 14 };

/* What becomes of NaN and infinities. */
enum json_invalid { JSON_INVALID_REFUSED, JSON_INVALID_WRITTEN, JSON_INVALID_NULL };

struct json_settings {
    int sparse_convert; /* an excessively sparse array becomes an object */
    int sparse_ratio;   /* 0: none is too sparse */
    int sparse_safe;    /* up to this index none is */
    int encode_depth_max;
    int decode_depth_max;
    int precision; /* digits of a number */
    int keep_buffer;
    int encode_invalid;    /* enum json_invalid */
    int decode_invalid;    /* whether NaN, infinities and hexadecimal numbers are read */
    int decode_mark_array; /* arrays get the metatable below, so that empty ones stay arrays */
};

/* In the registry: the metatable of arrays that are known to be arrays. */
#define JSON_ARRAY_MARK "snug.json.array"

/* Functions of Lua; the settings are their first upvalue. */
int json_encode(lua_State *L);
int json_decode(lua_State *L);

static inline struct json_settings *json_settings_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

#endif
