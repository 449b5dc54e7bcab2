/* RDB from any bytes: the first byte says whether the rest is a file's content behind its header,
 * or a value. A value that is read is written and read again, and must be the same. */
#include "../unit/persist_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

struct input {
    struct bytes rest;
    struct parts parts;
    unsigned type;
};

static bool rest_read(void *context, void *at, size_t bytes)
{
    struct input *input = context;
    if (bytes > input->rest.count)
        return false;
    memcpy(at, input->rest.at, bytes);
    input->rest.at += bytes;
    input->rest.count -= bytes;
    return true;
}

static uint64_t rest_left(void *context)
{
    const struct input *input = context;
    return input->rest.count;
}

static enum err take_key(void *context, const struct rdb_key_facts *facts)
{
    struct input *input = context;
    ENSURE(facts->type < VALUE_TYPES);
    input->type = facts->type;
    return ERR_NONE;
}

/* Keeping a part reads all of its bytes. */
static enum err take_part(void *context, const struct part *part)
{
    static const enum part_kind kinds[] = { PART_TEXT, PART_ITEM, PART_MEMBER, PART_SCORED,
                                            PART_FIELD };
    struct input *input = context;
    ENSURE(input->type == VALUE_STREAM ? part->kind >= PART_STREAM
                                       : part->kind == kinds[input->type]);
    parts_add(&input->parts, part);
    return ERR_NONE;
}

static enum err keep(void *context, const struct part *part)
{
    parts_add(context, part);
    return ERR_NONE;
}

static enum err end_value(void *context)
{
    struct input *input = context;
    struct parts again = { 0 };
    struct rdb_handler handler = { .part = keep, .context = &again };
    struct buffer out = { 0 };
    struct rdb_writer writer;
    struct value_summary summary;
    const char *reason;
    parts_settle(&input->parts);
    parts_summary(&input->parts, &summary);
    rdb_writer_init(&writer, &out, RDB_VERSION_MAX, true, true);
    ENSURE(rdb_write_value(&writer, input->type, &summary) == ERR_NONE);
    ENSURE(parts_write(&input->parts, &writer) == ERR_NONE);
    ENSURE(rdb_write_dump_tail(&writer) == ERR_NONE);
    ENSURE(rdb_dump_is_whole(buffer_view(&out)));
    ENSURE(rdb_read_dump(buffer_view(&out), &handler, &reason) == ERR_NONE);
    parts_settle(&again);
    ENSURE(parts_equal(&input->parts, &again));
    rdb_writer_release(&writer);
    buffer_release(&out);
    parts_release(&again);
    parts_release(&input->parts);
    return ERR_NONE;
}

static void read_file(struct input *input, const struct rdb_handler *handler, bool bounded)
{
    struct rdb_source source = { rest_read, bounded ? rest_left : NULL, input };
    struct rdb_reader reader;
    rdb_reader_init(&reader, &source, handler, false);
    enum err err = rdb_read_file(&reader);
    ENSURE(err != ERR_MEMORY && (err == ERR_NONE || reader.reason != NULL));
    rdb_reader_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    static const uint8_t tail[10];
    struct input input = { 0 };
    struct rdb_handler handler = {
        .key = take_key, .part = take_part, .value_end = end_value, .context = &input
    };
    struct buffer copy = { 0 };
    const char *reason;
    if (count == 0)
        return 0;
    struct bytes rest = bytes_of(at + 1, count - 1);
    if ((at[0] & 1) != 0) {
        ENSURE(buffer_append_text(&copy, "REDIS0012") && buffer_append(&copy, rest));
        input.rest = buffer_view(&copy);
        read_file(&input, &handler, (at[0] & 2) != 0);
    } else {
        ENSURE(buffer_append(&copy, rest) && buffer_append(&copy, bytes_of(tail, sizeof tail)));
        ENSURE(rdb_read_dump(buffer_view(&copy), &handler, &reason) != ERR_MEMORY);
    }
    parts_release(&input.parts);
    buffer_release(&copy);
    return 0;
}
