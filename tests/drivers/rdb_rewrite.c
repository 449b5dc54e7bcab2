/* Reads an RDB file or a DUMP and writes it anew, through the parts of its values.
 * usage: rdb-rewrite file|dump VERSION <old >new
 *        rdb-rewrite file|dump describe <old
 *        rdb-rewrite file commands <old >log
 * Exit code 1 and a reason where it is refused. */
#include "../unit/persist_parts.h"
#include "persist/aof_commands.h"

#include <stdio.h>
#include <stdlib.h>

struct rewrite {
    struct bytes rest; /* of the input */
    struct buffer out;
    struct rdb_writer writer;
    struct aof_commands log;
    bool describe, dump, commands;
    struct rdb_key_facts facts;
    struct buffer name;
    struct parts parts;
};

static bool rest_read(void *context, void *at, size_t bytes)
{
    struct rewrite *rewrite = context;
    if (bytes > rewrite->rest.count)
        return false;
    memcpy(at, rewrite->rest.at, bytes);
    rewrite->rest.at += bytes;
    rewrite->rest.count -= bytes;
    return true;
}

static uint64_t rest_left(void *context)
{
    const struct rewrite *rewrite = context;
    return rewrite->rest.count;
}

static enum err take_aux(void *context, struct bytes name, struct bytes value)
{
    struct rewrite *rewrite = context;
    char text[100];
    snprintf(text, sizeof text, "%.*s", (int)name.count, (const char *)name.at);
    return rewrite->describe || rewrite->commands ? ERR_NONE
                                                  : rdb_write_aux(&rewrite->writer, text, value);
}

static enum err take_function(void *context, struct bytes source)
{
    struct rewrite *rewrite = context;
    return rewrite->describe || rewrite->commands ? ERR_NONE
                                                  : rdb_write_function(&rewrite->writer, source);
}

static enum err take_database(void *context, unsigned db, uint64_t keys, uint64_t expires)
{
    struct rewrite *rewrite = context;
    if (rewrite->commands)
        return aof_commands_database(&rewrite->log, db);
    return rewrite->describe ? ERR_NONE : rdb_write_database(&rewrite->writer, db, keys, expires);
}

static enum err take_key(void *context, const struct rdb_key_facts *facts)
{
    struct rewrite *rewrite = context;
    rewrite->facts = *facts;
    rewrite->name.count = 0;
    if (!buffer_append(&rewrite->name, facts->name))
        return ERR_MEMORY;
    rewrite->facts.name = buffer_view(&rewrite->name);
    return ERR_NONE;
}

static enum err take_part(void *context, const struct part *part)
{
    struct rewrite *rewrite = context;
    parts_add(&rewrite->parts, part);
    return ERR_NONE;
}

static enum err write_value(struct rewrite *rewrite)
{
    struct rdb_key_facts *facts = &rewrite->facts;
    parts_summary(&rewrite->parts, &facts->summary);
    enum err err = rewrite->dump ? rdb_write_value(&rewrite->writer, facts->type, &facts->summary)
                                 : rdb_write_key(&rewrite->writer, facts);
    return err == ERR_NONE ? parts_write(&rewrite->parts, &rewrite->writer) : err;
}

static enum err write_commands(struct rewrite *rewrite)
{
    parts_summary(&rewrite->parts, &rewrite->facts.summary);
    enum err err = aof_commands_key(&rewrite->log, &rewrite->facts);
    for (size_t i = 0; i < rewrite->parts.count && err == ERR_NONE; i++)
        err = aof_commands_part(&rewrite->log, &rewrite->parts.at[i]);
    return err == ERR_NONE ? aof_commands_end(&rewrite->log) : err;
}

static enum err end_value(void *context)
{
    struct rewrite *rewrite = context;
    enum err err = ERR_NONE;
    parts_settle(&rewrite->parts);
    if (rewrite->describe) {
        if (!buffer_printf(&rewrite->out, "key '%.*s'\n", (int)rewrite->name.count,
                           (const char *)rewrite->name.at))
            return ERR_MEMORY;
        parts_describe(&rewrite->parts, &rewrite->out);
    } else {
        err = (rewrite->commands ? write_commands : write_value)(rewrite);
    }
    parts_release(&rewrite->parts);
    return err;
}

static enum err rewrite_file(struct rewrite *rewrite, const struct rdb_handler *handler,
                             const char **reason)
{
    struct rdb_source source = { rest_read, rest_left, rewrite };
    struct rdb_reader reader;
    rdb_reader_init(&reader, &source, handler, true);
    bool rdb = !rewrite->describe && !rewrite->commands;
    enum err err = rdb ? rdb_write_header(&rewrite->writer) : ERR_NONE;
    if (err == ERR_NONE)
        err = rdb_read_file(&reader);
    if (err == ERR_NONE && rdb)
        err = rdb_write_footer(&rewrite->writer);
    *reason = reader.reason;
    rdb_reader_release(&reader);
    return err;
}

static enum err rewrite_dump(struct rewrite *rewrite, const struct rdb_handler *handler,
                             const char **reason)
{
    *reason = "its checksum is wrong";
    if (!rdb_dump_is_whole(rewrite->rest))
        return ERR_SYNTAX;
    enum err err = rdb_read_dump(rewrite->rest, handler, reason);
    if (err == ERR_NONE && !rewrite->describe)
        err = rdb_write_dump_tail(&rewrite->writer);
    return err;
}

static void read_all(struct buffer *input)
{
    size_t got = 1;
    while (got > 0) {
        ENSURE(buffer_reserve(input, 65536));
        got = fread(input->at + input->count, 1, 65536, stdin);
        input->count += got;
    }
}

int main(int count, char **words)
{
    struct rewrite rewrite = { 0 };
    struct buffer input = { 0 };
    const char *reason = NULL;
    struct rdb_handler handler = { take_aux,  take_function, take_database, take_key,
                                   take_part, end_value,     &rewrite };
    if (count != 3) {
        fprintf(stderr, "usage: rdb-rewrite file|dump VERSION|describe|commands <old >new\n");
        return 2;
    }
    rewrite.dump = strcmp(words[1], "dump") == 0;
    rewrite.describe = strcmp(words[2], "describe") == 0;
    rewrite.commands = strcmp(words[2], "commands") == 0;
    bool named = rewrite.describe || rewrite.commands;
    unsigned version = named ? RDB_VERSION : (unsigned)strtoul(words[2], NULL, 10);
    aof_commands_init(&rewrite.log, &rewrite.out);
    rdb_writer_init(&rewrite.writer, &rewrite.out, version, true, true);
    read_all(&input);
    rewrite.rest = buffer_view(&input);
    enum err err = (rewrite.dump ? rewrite_dump : rewrite_file)(&rewrite, &handler, &reason);
    if (err == ERR_NONE)
        fwrite(rewrite.out.at, 1, rewrite.out.count, stdout);
    else
        fprintf(stderr, "%s (%d)\n", reason == NULL ? "the handler ended it" : reason, (int)err);
    parts_release(&rewrite.parts);
    rdb_writer_release(&rewrite.writer);
    aof_commands_release(&rewrite.log);
    buffer_release(&rewrite.name);
    buffer_release(&rewrite.out);
    buffer_release(&input);
    return err == ERR_NONE ? 0 : 1;
}
