/* persist/rdb_format.h - the numbers of the RDB format.
 * Model:    what Redis 1 to 7.4 has written: the first byte of whatever follows, the kinds of
 *           lengths and strings, the flags of a stream's entries.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
#ifndef PERSIST_RDB_FORMAT_H
#define PERSIST_RDB_FORMAT_H

/* A value's type; a key and the value follow. */
enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3, /* scores as text */
    RDB_HASH = 4,
    RDB_ZSET_2 = 5,        /* scores as doubles */
    RDB_MODULE_PRE_GA = 6, /* cannot be skipped: it does not say where it ends */
    RDB_MODULE_2 = 7,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14, /* of ziplists */
    RDB_STREAM_LISTPACKS = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18, /* of listpacks and plain items */
    RDB_STREAM_LISTPACKS_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_LISTPACKS_3 = 21,
    RDB_HASH_METADATA_PRE_GA = 22, /* expiries of fields, as times */
    RDB_HASH_LISTPACK_EX_PRE_GA = 23,
    RDB_HASH_METADATA = 24, /* expiries of fields, from the least on */
    RDB_HASH_LISTPACK_EX = 25,
};

enum rdb_opcode {
    RDB_SLOT_INFO = 244,
    RDB_FUNCTION2 = 245,
    RDB_FUNCTION_PRE_GA = 246,
    RDB_MODULE_AUX = 247,
    RDB_IDLE = 248,
    RDB_FREQ = 249,
    RDB_AUX = 250,
    RDB_RESIZEDB = 251,
    RDB_EXPIRETIME_MS = 252,
    RDB_EXPIRETIME = 253,
    RDB_SELECTDB = 254,
    RDB_EOF = 255,
};

/* Lengths: two bits say how many follow; 0x80 and 0x81 have 32 and 64 behind them, big-endian.
 * 0xc0 to 0xc3 are no lengths but strings of another form. */
enum rdb_length {
    RDB_LENGTH_14 = 0x40,
    RDB_LENGTH_32 = 0x80,
    RDB_LENGTH_64 = 0x81,
    RDB_INT_8 = 0xc0,
    RDB_INT_16 = 0xc1,
    RDB_INT_32 = 0xc2,
    RDB_LZF = 0xc3,
};

/* What stands in a quicklist of the second kind. */
enum { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };

/* What a module has saved: each thing behind one of these. */
enum rdb_module_opcode {
    RDB_MODULE_EOF = 0,
    RDB_MODULE_SINT = 1,
    RDB_MODULE_UINT = 2,
    RDB_MODULE_FLOAT = 3,
    RDB_MODULE_DOUBLE = 4,
    RDB_MODULE_STRING = 5,
};

/* A listpack: 32 bits of bytes in all, 16 of elements (or this, when they are more), elements, the
 * end. */
enum { LISTPACK_HEAD = 6, LISTPACK_MANY = 65535, LISTPACK_END = 255 };

/* A stream's node is a listpack: first [entries, deleted, fields, field ..., 0], then each entry as
 * [flags, ms, seq, fields, field, value ..., elements before this one]; ms and seq are differences
 * from the id that the node has for a key. With SAME_FIELDS, the fields are those that come first,
 * and only the values are there. */
enum { STREAM_DELETED = 1, STREAM_SAME_FIELDS = 2 };

enum {
    RDB_ID_BYTES = 16, /* of a stream: two numbers, big-endian */
    RDB_INTEGER_TEXT_MAX = 11,
    RDB_COMPRESS_MIN = 21, /* bytes of a string: as Redis */
};

/* An expiry of a hash's field is less than this, as Redis 7.4 has it. */
#define RDB_FIELD_EXPIRY_END (((uint64_t)1 << 48) - 1)

#endif
