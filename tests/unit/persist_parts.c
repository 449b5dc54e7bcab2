#include "persist_parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

static struct bytes copy_text(struct bytes text)
{
    uint8_t *copy = malloc(text.count + 1);
    ENSURE(copy != NULL);
    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    return bytes_of(copy, text.count);
}

static void free_text(struct bytes text)
{
    free((void *)(uintptr_t)text.at);
}

static void join(struct part *part, struct bytes more)
{
    uint8_t *joined = malloc(part->text.count + more.count + 1);
    ENSURE(joined != NULL);
    memcpy(joined, part->text.at, part->text.count);
    memcpy(joined + part->text.count, more.at, more.count);
    free_text(part->text);
    part->text = bytes_of(joined, part->text.count + more.count);
}

void parts_add(struct parts *parts, const struct part *part)
{
    struct part copy = *part;
    if (part->kind == PART_TEXT && part->text.count == 0)
        return;
    if (part->kind == PART_TEXT && parts->count > 0) {
        join(&parts->at[0], part->text);
        return;
    }
    copy.text = copy_text(part->text);
    copy.value = copy_text(part->value);
    if (part->kind == PART_ENTRY) {
        struct bytes *strings = calloc(part->count, sizeof *strings);
        ENSURE(strings != NULL);
        for (uint64_t i = 0; i < part->count; i++)
            strings[i] = copy_text(part->strings[i]);
        copy.strings = strings;
    }
    if (parts->count == parts->capacity) {
        parts->capacity = 2 * parts->capacity + 16;
        parts->at = realloc(parts->at, parts->capacity * sizeof *parts->at);
        ENSURE(parts->at != NULL);
    }
    parts->at[parts->count++] = copy;
}

void parts_settle(struct parts *parts)
{
    struct part *group = NULL;
    for (size_t i = 0; i < parts->count; i++) {
        struct part part = parts->at[i];
        if (part.kind == PART_STREAM) {
            memmove(parts->at + 1, parts->at, i * sizeof part);
            parts->at[0] = part;
        } else if (part.kind == PART_GROUP) {
            group = &parts->at[i];
            group->consumers = 0;
        } else if (part.kind == PART_CONSUMER) {
            ENSURE(group != NULL);
            group->consumers++;
        }
    }
}

void parts_release(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->at[i];
        free_text(part->text);
        free_text(part->value);
        for (uint64_t j = 0; part->kind == PART_ENTRY && j < part->count; j++)
            free_text(part->strings[j]);
        if (part->kind == PART_ENTRY)
            free((void *)(uintptr_t)part->strings);
    }
    free(parts->at);
    *parts = (struct parts){ 0 };
}

/* --- describing: a line for each part, which says all that it has ----------------------------- */

static void describe_text(struct buffer *out, struct bytes text)
{
    bool done = buffer_append_text(out, " '");
    for (size_t i = 0; i < text.count; i++) {
        bool plain = isprint(text.at[i]) && text.at[i] != '\\';
        done = done && (plain ? buffer_append_byte(out, text.at[i])
                              : buffer_printf(out, "\\x%02x", text.at[i]));
    }
    ENSURE(done && buffer_append_text(out, "'"));
}

static void describe_id(struct buffer *out, struct stream_id id)
{
    ENSURE(buffer_printf(out, " %" PRIu64 "-%" PRIu64, id.ms, id.seq));
}

static void describe_stream(struct buffer *out, const struct part *part)
{
    describe_id(out, part->id);
    describe_id(out, part->first);
    describe_id(out, part->max_deleted);
    ENSURE(buffer_printf(out,
                         " count %" PRIu64 " added %" PRIu64 " nodes %" PRIu64 " groups %" PRIu64,
                         part->count, part->added, part->nodes, part->groups));
}

static void describe_grouped(struct buffer *out, const struct part *part)
{
    if (part->kind == PART_PENDING) {
        describe_id(out, part->id);
        ENSURE(buffer_printf(out, " at %" PRId64 " count %" PRIu64, part->time_ms, part->count));
    } else if (part->kind == PART_OWNED) {
        describe_id(out, part->id);
    } else if (part->kind == PART_GROUP) {
        describe_text(out, part->text);
        describe_id(out, part->id);
        ENSURE(buffer_printf(out, " read %" PRId64 " pending %" PRIu64 " consumers %" PRIu64,
                             part->read, part->pending, part->consumers));
    } else {
        describe_text(out, part->text);
        ENSURE(buffer_printf(out, " seen %" PRId64 " active %" PRId64 " pending %" PRIu64,
                             part->seen_ms, part->active_ms, part->pending));
    }
}

static void describe(struct buffer *out, const struct part *part)
{
    static const char *const names[] = {
        [PART_TEXT] = "text",       [PART_ITEM] = "item",         [PART_MEMBER] = "member",
        [PART_SCORED] = "scored",   [PART_FIELD] = "field",       [PART_STREAM] = "stream",
        [PART_NODE] = "node",       [PART_ENTRY] = "entry",       [PART_GROUP] = "group",
        [PART_PENDING] = "pending", [PART_CONSUMER] = "consumer", [PART_OWNED] = "owned",
    };
    ENSURE(buffer_append_text(out, names[part->kind]));
    if (part->kind < PART_STREAM)
        describe_text(out, part->text);
    if (part->kind == PART_SCORED)
        ENSURE(buffer_printf(out, " %.17g", part->score));
    if (part->kind == PART_FIELD) {
        describe_text(out, part->value);
        if (part->expiry != VALUE_NEVER)
            ENSURE(buffer_printf(out, " until %" PRId64, part->expiry));
    }
    if (part->kind == PART_NODE)
        ENSURE(buffer_printf(out, " %" PRIu64, part->count));
    if (part->kind == PART_STREAM)
        describe_stream(out, part);
    if (part->kind == PART_ENTRY) {
        describe_id(out, part->id);
        for (uint64_t i = 0; i < part->count; i++)
            describe_text(out, part->strings[i]);
    }
    if (part->kind >= PART_GROUP)
        describe_grouped(out, part);
    ENSURE(buffer_append_text(out, "\n"));
}

void parts_describe(const struct parts *parts, struct buffer *text)
{
    for (size_t i = 0; i < parts->count; i++)
        describe(text, &parts->at[i]);
}

bool parts_equal(const struct parts *a, const struct parts *b)
{
    struct buffer first = { 0 }, second = { 0 };
    parts_describe(a, &first);
    parts_describe(b, &second);
    bool equal = bytes_equal(buffer_view(&first), buffer_view(&second));
    buffer_release(&first);
    buffer_release(&second);
    return equal;
}

/* --- writing ---------------------------------------------------------------------------------- */

void parts_summary(const struct parts *parts, struct value_summary *summary)
{
    *summary = (struct value_summary){ .first_expiry = VALUE_NEVER };
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->at[i];
        if (part->kind == PART_TEXT)
            summary->count = part->text.count;
        else if (part->kind < PART_STREAM || part->kind == PART_ENTRY)
            summary->count++;
        if (part->kind == PART_FIELD && part->expiry < summary->first_expiry)
            summary->first_expiry = part->expiry;
        if (part->kind == PART_NODE)
            summary->nodes++;
    }
}

enum err parts_write(const struct parts *parts, struct rdb_writer *writer)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < parts->count && err == ERR_NONE; i++)
        err = rdb_write_part(writer, &parts->at[i]);
    return err == ERR_NONE ? rdb_write_value_end(writer) : err;
}
