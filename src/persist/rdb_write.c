#include "persist/rdb_write.h"
#include "persist/rdb_put.h"
#include "store/entry.h"

void rdb_writer_init(struct rdb_writer *writer, struct buffer *out, unsigned version, bool compress,
                     bool checksum)
{
    ENSURE(version >= RDB_VERSION_MIN && version <= RDB_VERSION_MAX);
    *writer = (struct rdb_writer){
        .out = out, .version = version, .compress = compress, .checksum = checksum
    };
}

void rdb_writer_release(struct rdb_writer *writer)
{
    buffer_release(&writer->node);
    buffer_release(&writer->scratch);
}

/* --- what is no value ------------------------------------------------------------------------- */

enum err rdb_write_header(struct rdb_writer *writer)
{
    size_t start = writer->out->count;
    if (!buffer_printf(writer->out, "REDIS%04u", writer->version))
        writer->err = ERR_MEMORY;
    return rdb_put_end(writer, start);
}

enum err rdb_write_aux(struct rdb_writer *writer, const char *name, struct bytes value)
{
    size_t start = writer->out->count;
    rdb_put_byte(writer, RDB_AUX);
    rdb_put_string(writer, bytes_of_text(name));
    rdb_put_string(writer, value);
    return rdb_put_end(writer, start);
}

enum err rdb_write_function(struct rdb_writer *writer, struct bytes source)
{
    size_t start = writer->out->count;
    rdb_put_byte(writer, RDB_FUNCTION2);
    rdb_put_string(writer, source);
    return rdb_put_end(writer, start);
}

enum err rdb_write_database(struct rdb_writer *writer, unsigned db, uint64_t keys, uint64_t expires)
{
    size_t start = writer->out->count;
    rdb_put_byte(writer, RDB_SELECTDB);
    rdb_put_length(writer, db);
    rdb_put_byte(writer, RDB_RESIZEDB);
    rdb_put_length(writer, keys);
    rdb_put_length(writer, expires);
    return rdb_put_end(writer, start);
}

enum err rdb_write_footer(struct rdb_writer *writer)
{
    size_t start = writer->out->count;
    rdb_put_byte(writer, RDB_EOF);
    enum err err = rdb_put_end(writer, start);
    rdb_put_u64(writer, writer->checksum ? writer->crc : 0);
    return err == ERR_NONE ? writer->err : err;
}

enum err rdb_write_dump_tail(struct rdb_writer *writer)
{
    size_t start = writer->out->count;
    ENSURE(writer->checksum);
    rdb_put_byte(writer, writer->version & 255);
    rdb_put_byte(writer, writer->version >> 8);
    enum err err = rdb_put_end(writer, start);
    rdb_put_u64(writer, writer->crc);
    return err == ERR_NONE ? writer->err : err;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool has_expiries(unsigned type, const struct value_summary *summary)
{
    return type == VALUE_HASH && summary->first_expiry != VALUE_NEVER;
}

static void put_type(struct rdb_writer *writer, unsigned type, const struct value_summary *summary)
{
    static const uint8_t types[VALUE_TYPES] = {
        [VALUE_STRING] = RDB_STRING, [VALUE_LIST] = RDB_LIST,
        [VALUE_SET] = RDB_SET,       [VALUE_ZSET] = RDB_ZSET_2,
        [VALUE_HASH] = RDB_HASH,     [VALUE_STREAM] = RDB_STREAM_LISTPACKS_3,
    };
    ENSURE(type < VALUE_TYPES);
    unsigned written = types[type];
    if (type == VALUE_STREAM && writer->version < 11)
        written = RDB_STREAM_LISTPACKS_2;
    if (has_expiries(type, summary)) {
        written = RDB_HASH_METADATA;
        if (writer->version < 12)
            writer->err = ERR_LIMIT;
    }
    rdb_put_byte(writer, written);
}

/* What stands before the first element. A stream begins with its part STREAM. */
static void put_counts(struct rdb_writer *writer, unsigned type,
                       const struct value_summary *summary)
{
    writer->type = type;
    writer->left = type == VALUE_STREAM ? 0 : summary->count;
    writer->first_expiry = has_expiries(type, summary) ? summary->first_expiry : VALUE_NEVER;
    writer->whole = type == VALUE_STRING && rdb_put_wants_whole(writer, summary->count);
    writer->node.count = 0;
    if (writer->first_expiry != VALUE_NEVER)
        rdb_put_u64(writer, (uint64_t)writer->first_expiry);
    if (type != VALUE_STREAM && !writer->whole)
        rdb_put_length(writer, summary->count);
}

enum err rdb_write_key(struct rdb_writer *writer, const struct rdb_key_facts *facts)
{
    size_t start = writer->out->count;
    if (facts->expiry != ENTRY_NO_EXPIRY) {
        rdb_put_byte(writer, RDB_EXPIRETIME_MS);
        rdb_put_u64(writer, (uint64_t)facts->expiry);
    }
    if (facts->idle_s >= 0) {
        rdb_put_byte(writer, RDB_IDLE);
        rdb_put_length(writer, (uint64_t)facts->idle_s);
    }
    if (facts->frequency >= 0) {
        rdb_put_byte(writer, RDB_FREQ);
        rdb_put_byte(writer, (unsigned)facts->frequency & 255);
    }
    put_type(writer, facts->type, &facts->summary);
    rdb_put_string(writer, facts->name);
    put_counts(writer, facts->type, &facts->summary);
    return rdb_put_end(writer, start);
}

enum err rdb_write_value(struct rdb_writer *writer, unsigned type,
                         const struct value_summary *summary)
{
    size_t start = writer->out->count;
    put_type(writer, type, summary);
    put_counts(writer, type, summary);
    return rdb_put_end(writer, start);
}

/* --- parts ------------------------------------------------------------------------------------ */

static void put_text(struct rdb_writer *writer, struct bytes text)
{
    if (!writer->whole) {
        rdb_put(writer, text);
    } else if (writer->node.count == 0 && text.count == writer->left) {
        rdb_put_string(writer, text);
        writer->whole = false;
    } else if (writer->err == ERR_NONE && !buffer_append(&writer->node, text)) {
        writer->err = ERR_MEMORY;
    }
    ENSURE(text.count <= writer->left);
    writer->left -= text.count;
}

static void put_scored(struct rdb_writer *writer, const struct part *part)
{
    uint64_t bits;
    memcpy(&bits, &part->score, sizeof bits);
    rdb_put_string(writer, part->text);
    rdb_put_u64(writer, bits);
}

/* An expiry is counted from the first one, which is 1. */
static void put_field(struct rdb_writer *writer, const struct part *part)
{
    if (writer->first_expiry != VALUE_NEVER) {
        bool expires = part->expiry != VALUE_NEVER;
        ENSURE(!expires || part->expiry >= writer->first_expiry);
        rdb_put_length(writer, expires ? (uint64_t)(part->expiry - writer->first_expiry) + 1 : 0);
    } else {
        ENSURE(part->expiry == VALUE_NEVER);
    }
    rdb_put_string(writer, part->text);
    rdb_put_string(writer, part->value);
}

static void put_element(struct rdb_writer *writer, const struct part *part)
{
    ENSURE(writer->left > 0);
    writer->left--;
    if (part->kind == PART_SCORED)
        put_scored(writer, part);
    else if (part->kind == PART_FIELD)
        put_field(writer, part);
    else
        rdb_put_string(writer, part->text);
}

enum err rdb_write_part(struct rdb_writer *writer, const struct part *part)
{
    static const uint8_t kinds[VALUE_TYPES] = {
        [VALUE_STRING] = PART_TEXT, [VALUE_LIST] = PART_ITEM,  [VALUE_SET] = PART_MEMBER,
        [VALUE_ZSET] = PART_SCORED, [VALUE_HASH] = PART_FIELD, [VALUE_STREAM] = PART_STREAM,
    };
    size_t start = writer->out->count;
    if (writer->err != ERR_NONE)
        return writer->err;
    if (writer->type == VALUE_STREAM) {
        ENSURE(part->kind >= PART_STREAM);
        rdb_put_stream_part(writer, part);
    } else {
        ENSURE(part->kind == kinds[writer->type]);
        if (part->kind == PART_TEXT)
            put_text(writer, part->text);
        else
            put_element(writer, part);
    }
    return rdb_put_end(writer, start);
}

enum err rdb_write_value_end(struct rdb_writer *writer)
{
    size_t start = writer->out->count;
    if (writer->err != ERR_NONE)
        return writer->err;
    ENSURE(writer->left == 0);
    ENSURE(writer->type != VALUE_STREAM || (writer->nodes == 0 && writer->groups == 0));
    if (writer->whole)
        rdb_put_string(writer, buffer_view(&writer->node));
    writer->whole = false;
    return rdb_put_end(writer, start);
}
