/* script/lib_cmsgpack.h - what the parts of cmsgpack share.
 * Model:    functions of Lua; values nested deeper than MSGPACK_NESTING_MAX are written as nil, so
 *           that tables which contain themselves end.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  that of the interpreter.
 * Failure:  errors of Lua, with the texts of lua-cmsgpack.
 * Cost:     linear in the bytes. */
#ifndef SCRIPT_LIB_CMSGPACK_H
#define SCRIPT_LIB_CMSGPACK_H

#include <lua.h>

enum { MSGPACK_NESTING_MAX = 16 };

/* The bytes that announce what follows; the fixed ones hold a small number or length. */
enum msgpack_mark {
    MSGPACK_FIXED_MAP = 0x80,
    MSGPACK_FIXED_ARRAY = 0x90,
    MSGPACK_FIXED_STRING = 0xa0,
    MSGPACK_NIL = 0xc0,
    MSGPACK_FALSE = 0xc2,
    MSGPACK_TRUE = 0xc3,
    MSGPACK_FLOAT = 0xca,
    MSGPACK_DOUBLE = 0xcb,
    MSGPACK_UINT8 = 0xcc,
    MSGPACK_UINT16 = 0xcd,
    MSGPACK_UINT32 = 0xce,
    MSGPACK_UINT64 = 0xcf,
    MSGPACK_INT8 = 0xd0,
    MSGPACK_INT16 = 0xd1,
    MSGPACK_INT32 = 0xd2,
    MSGPACK_INT64 = 0xd3,
    MSGPACK_STRING8 = 0xd9,
    MSGPACK_STRING16 = 0xda,
    MSGPACK_STRING32 = 0xdb,
    MSGPACK_ARRAY16 = 0xdc,
    MSGPACK_ARRAY32 = 0xdd,
    MSGPACK_MAP16 = 0xde,
    MSGPACK_MAP32 = 0xdf,
    MSGPACK_FIXED_NEGATIVE = 0xe0,
};

int msgpack_pack(lua_State *L);
int msgpack_unpack(lua_State *L);
int msgpack_unpack_one(lua_State *L);
int msgpack_unpack_limit(lua_State *L);

#endif
