#include "persist/rdb_read.h"
#include "persist/crc64.h"
#include "persist/rdb_take.h"
#include "store/entry.h"

#include <limits.h>

enum { DUMP_TAIL_BYTES = 10, HEADER_BYTES = 9 };

void rdb_reader_init(struct rdb_reader *reader, const struct rdb_source *source,
                     const struct rdb_handler *handler, bool checksum)
{
    *reader = (struct rdb_reader){ .source = *source, .handler = handler, .checksum = checksum };
}

void rdb_reader_release(struct rdb_reader *reader)
{
    buffer_release(&reader->name);
    buffer_release(&reader->text);
    buffer_release(&reader->more);
    buffer_release(&reader->node);
    buffer_release(&reader->head.views);
    buffer_release(&reader->head.digits);
    buffer_release(&reader->entry.views);
    buffer_release(&reader->entry.digits);
}

static void forget_facts(struct rdb_reader *reader)
{
    reader->facts =
        (struct rdb_key_facts){ .expiry = ENTRY_NO_EXPIRY, .idle_s = -1, .frequency = -1 };
    reader->told = false;
}

/* --- a file ----------------------------------------------------------------------------------- */

static bool take_header(struct rdb_reader *reader)
{
    uint8_t header[HEADER_BYTES];
    if (!rdb_take(reader, header, sizeof header))
        return false;
    if (memcmp(header, "REDIS", 5) != 0)
        return rdb_fail(reader, "it does not begin as an RDB file");
    for (unsigned i = 5; i < HEADER_BYTES; i++) {
        if (header[i] < '0' || header[i] > '9')
            return rdb_fail(reader, "its version is no number");
        reader->version = reader->version * 10 + (header[i] - '0');
    }
    return (reader->version >= 1 && reader->version <= RDB_VERSION_MAX) ||
           rdb_fail(reader, "its version is not known here");
}

static bool take_aux(struct rdb_reader *reader)
{
    const struct rdb_handler *handler = reader->handler;
    if (!rdb_take_string(reader, &reader->text) || !rdb_take_string(reader, &reader->more))
        return false;
    return handler->aux == NULL ||
           rdb_told(reader, handler->aux(handler->context, buffer_view(&reader->text),
                                         buffer_view(&reader->more)));
}

static bool take_function(struct rdb_reader *reader)
{
    const struct rdb_handler *handler = reader->handler;
    return rdb_take_string(reader, &reader->text) &&
           (handler->function == NULL ||
            rdb_told(reader, handler->function(handler->context, buffer_view(&reader->text))));
}

/* A database is told with its sizes, if they follow; without, when something else does. */
struct database {
    uint64_t number;
    bool untold;
};

static bool tell_database(struct rdb_reader *reader, struct database *database, uint64_t keys,
                          uint64_t expires)
{
    const struct rdb_handler *handler = reader->handler;
    database->untold = false;
    return handler->database == NULL ||
           rdb_told(reader,
                    handler->database(handler->context, (unsigned)database->number, keys, expires));
}

static bool take_database(struct rdb_reader *reader, struct database *database)
{
    database->untold = true;
    if (!rdb_take_length(reader, &database->number))
        return false;
    return database->number <= INT_MAX || rdb_fail(reader, "no database has such a number");
}

static bool take_sizes(struct rdb_reader *reader, struct database *database)
{
    uint64_t keys, expires;
    return rdb_take_length(reader, &keys) && rdb_take_length(reader, &expires) &&
           tell_database(reader, database, keys, expires);
}

static bool skip_lengths(struct rdb_reader *reader, unsigned count)
{
    uint64_t length;
    while (count-- > 0) {
        if (!rdb_take_length(reader, &length))
            return false;
    }
    return true;
}

/* What stands before a key and belongs to it. */
static bool take_fact(struct rdb_reader *reader, unsigned opcode)
{
    struct rdb_key_facts *facts = &reader->facts;
    uint8_t seconds[4];
    unsigned frequency;
    uint64_t number;
    if (opcode == RDB_EXPIRETIME_MS) {
        if (!rdb_take_u64(reader, &number))
            return false;
        facts->expiry = (int64_t)number;
    } else if (opcode == RDB_EXPIRETIME) {
        if (!rdb_take(reader, seconds, 4))
            return false;
        number = seconds[0] | (uint32_t)seconds[1] << 8 | (uint32_t)seconds[2] << 16 |
                 (uint32_t)seconds[3] << 24;
        facts->expiry = (int64_t)(int32_t)number * 1000;
    } else if (opcode == RDB_IDLE) {
        if (!rdb_take_length(reader, &number))
            return false;
        facts->idle_s = number < INT64_MAX ? (int64_t)number : INT64_MAX;
    } else {
        if (!rdb_take_byte(reader, &frequency))
            return false;
        facts->frequency = (int)frequency;
    }
    return true;
}

static bool take_key(struct rdb_reader *reader, unsigned type)
{
    if (type > RDB_HASH_LISTPACK_EX)
        return rdb_fail(reader, "a type that is not known here");
    bool taken = rdb_take_string(reader, &reader->name);
    reader->facts.name = buffer_view(&reader->name);
    taken = taken && rdb_take_value(reader, type);
    forget_facts(reader);
    return taken;
}

/* True when more may follow. */
static bool take_next(struct rdb_reader *reader, unsigned opcode, struct database *database)
{
    if (opcode == RDB_RESIZEDB)
        return take_sizes(reader, database);
    if (database->untold && !tell_database(reader, database, 0, 0))
        return false;
    switch (opcode) {
    case RDB_SELECTDB:
        return take_database(reader, database);
    case RDB_EXPIRETIME_MS:
    case RDB_EXPIRETIME:
    case RDB_IDLE:
    case RDB_FREQ:
        return take_fact(reader, opcode);
    case RDB_AUX:
        return take_aux(reader);
    case RDB_FUNCTION2:
        return take_function(reader);
    case RDB_FUNCTION_PRE_GA:
        return rdb_fail(reader, "functions of a Redis before 7.0");
    case RDB_MODULE_AUX:
        return rdb_skip_module_aux(reader);
    case RDB_SLOT_INFO:
        return skip_lengths(reader, 3);
    case RDB_EOF:
        return false;
    default:
        return take_key(reader, opcode);
    }
}

/* A CRC of 0 was not computed. */
static bool take_footer(struct rdb_reader *reader)
{
    uint64_t wanted = reader->crc, found;
    if (reader->version < 5)
        return true;
    if (!rdb_take_u64(reader, &found))
        return false;
    return !reader->checksum || found == 0 || found == wanted ||
           rdb_fail(reader, "its checksum is wrong");
}

enum err rdb_read_file(struct rdb_reader *reader)
{
    struct database database = { 0 };
    unsigned opcode;
    if (!take_header(reader))
        return reader->err;
    forget_facts(reader);
    do {
        if (!rdb_take_byte(reader, &opcode))
            return reader->err;
    } while (take_next(reader, opcode, &database));
    if (reader->err == ERR_NONE && !take_footer(reader))
        return reader->err;
    return reader->err;
}

/* --- a DUMP ----------------------------------------------------------------------------------- */

struct memory {
    struct bytes rest;
};

static bool memory_read(void *context, void *at, size_t bytes)
{
    struct memory *memory = context;
    if (bytes > memory->rest.count)
        return false;
    memcpy(at, memory->rest.at, bytes);
    memory->rest.at += bytes;
    memory->rest.count -= bytes;
    return true;
}

static uint64_t memory_left(void *context)
{
    struct memory *memory = context;
    return memory->rest.count;
}

bool rdb_dump_is_whole(struct bytes dump)
{
    uint64_t crc = 0;
    if (dump.count < DUMP_TAIL_BYTES)
        return false;
    const uint8_t *tail = dump.at + dump.count - DUMP_TAIL_BYTES;
    for (unsigned i = 0; i < 8; i++)
        crc |= (uint64_t)tail[2 + i] << 8 * i;
    return (tail[0] | (unsigned)tail[1] << 8) <= RDB_VERSION_MAX &&
           crc == crc64(0, bytes_of(dump.at, dump.count - 8));
}

uint64_t rdb_dump_unpacked(struct bytes dump)
{
    struct memory memory = { dump };
    struct rdb_source source = { memory_read, memory_left, &memory };
    struct rdb_reader reader;
    struct rdb_string string = { 0 };
    unsigned type;
    if (dump.count < 2 || dump.at[0] != RDB_STRING || dump.at[1] != RDB_LZF)
        return 0;
    rdb_reader_init(&reader, &source, NULL, false);
    bool whole = rdb_take_byte(&reader, &type) && rdb_take_string_head(&reader, &string);
    rdb_reader_release(&reader);
    return whole ? string.count : 0;
}

static bool take_dump(struct rdb_reader *reader)
{
    unsigned type;
    return rdb_take_byte(reader, &type) && rdb_take_value(reader, type);
}

enum err rdb_read_dump(struct bytes dump, const struct rdb_handler *handler, const char **reason)
{
    struct memory memory = { dump };
    struct rdb_source source = { memory_read, memory_left, &memory };
    struct rdb_reader reader;
    rdb_reader_init(&reader, &source, handler, false);
    reader.dump = true;
    forget_facts(&reader);
    if (dump.count < DUMP_TAIL_BYTES) {
        rdb_fail(&reader, "it ends early");
    } else {
        memory.rest.count -= DUMP_TAIL_BYTES;
        if (take_dump(&reader) && memory.rest.count > 0)
            rdb_fail(&reader, "something follows the value");
    }
    *reason = reader.reason;
    rdb_reader_release(&reader);
    return reader.err;
}

static bool take_functions(struct rdb_reader *reader, const struct memory *memory)
{
    unsigned opcode;
    while (memory->rest.count > 0) {
        if (!rdb_take_byte(reader, &opcode))
            return false;
        if (opcode == RDB_FUNCTION_PRE_GA)
            return rdb_fail(reader, "Pre-GA function format not supported");
        if (opcode != RDB_FUNCTION2)
            return rdb_fail(reader, "given type is not a function");
        if (!take_function(reader))
            return false;
    }
    return true;
}

enum err rdb_read_functions(struct bytes dump, const struct rdb_handler *handler,
                            const char **reason)
{
    struct memory memory = { dump };
    struct rdb_source source = { memory_read, memory_left, &memory };
    struct rdb_reader reader;
    rdb_reader_init(&reader, &source, handler, false);
    if (dump.count < DUMP_TAIL_BYTES) {
        rdb_fail(&reader, "it ends early");
    } else {
        memory.rest.count -= DUMP_TAIL_BYTES;
        (void)take_functions(&reader, &memory);
    }
    *reason = reader.reason;
    rdb_reader_release(&reader);
    return reader.err;
}
