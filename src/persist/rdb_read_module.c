/* What modules have saved: it cannot be read without them, but their fields can be passed over. */
#include "persist/rdb_take.h"

/* An id is nine characters of six bits, the first one highest, and ten bits of a version. */
static void name_module(struct rdb_reader *reader, uint64_t id)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned i = 0; i < 9; i++)
        reader->module[i] = characters[id >> (58 - 6 * i) & 63];
    reader->module[9] = '\0';
}

bool rdb_take_module(struct rdb_reader *reader, unsigned type)
{
    uint64_t id;
    (void)type;
    if (!rdb_take_length(reader, &id))
        return false;
    name_module(reader, id);
    return rdb_fail(reader, "a value of a module");
}

static bool skip_string(struct rdb_reader *reader)
{
    return rdb_take_string(reader, &reader->text);
}

static bool skip_one(struct rdb_reader *reader, uint64_t opcode)
{
    uint8_t number[8];
    uint64_t length;
    switch (opcode) {
    case RDB_MODULE_SINT:
    case RDB_MODULE_UINT:
        return rdb_take_length(reader, &length);
    case RDB_MODULE_FLOAT:
        return rdb_take(reader, number, 4);
    case RDB_MODULE_DOUBLE:
        return rdb_take(reader, number, 8);
    case RDB_MODULE_STRING:
        return skip_string(reader);
    default:
        return rdb_fail(reader, "a module's field of no known form");
    }
}

/* [id] [UINT] [when], then things behind their opcodes, and the end. */
bool rdb_skip_module_aux(struct rdb_reader *reader)
{
    uint64_t id, opcode, when;
    if (!rdb_take_length(reader, &id) || !rdb_take_length(reader, &opcode) ||
        !rdb_take_length(reader, &when))
        return false;
    name_module(reader, id);
    if (opcode != RDB_MODULE_UINT)
        return rdb_fail(reader, "a module's field of no known form");
    while (rdb_take_length(reader, &opcode) && opcode != RDB_MODULE_EOF) {
        if (!skip_one(reader, opcode))
            return false;
    }
    if (reader->err == ERR_NONE)
        reader->module[0] = '\0';
    return reader->err == ERR_NONE;
}
