#include "persist/load.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { READ_BYTES = 256 * 1024 };

struct loader {
    struct load *load;
    int file;
    struct buffer input; /* READ_BYTES, of which count are there */
    size_t used;         /* of them */
    int read_errno;
    bool told_to_end;
    uint64_t turn_at; /* offset */

    unsigned db;
    struct maker *maker; /* NULL: the value is passed over */
    struct buffer name, body;
    struct rdb_key_facts facts; /* but the name */
    struct rdb_handler handler;
    bool within; /* another file: what is read is not counted by the source */
};

static void give_reason(struct loader *loader, const char *text)
{
    snprintf(loader->load->reason, sizeof loader->load->reason, "%s", text);
}

/* --- the source ------------------------------------------------------------------------------- */

static bool fill(struct loader *loader)
{
    const struct seam *seam = loader->load->seam;
    ssize_t got;
    do {
        got = seam->read(seam->context, loader->file, loader->input.at, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        loader->read_errno = errno;
    loader->input.count = got > 0 ? (size_t)got : 0;
    loader->used = 0;
    return got > 0;
}

static bool read_source(void *context, void *at, size_t bytes)
{
    struct loader *loader = context;
    uint8_t *to = at;
    loader->load->offset += bytes;
    while (bytes > 0) {
        if (loader->used == loader->input.count && !fill(loader))
            return false;
        size_t there = loader->input.count - loader->used, some = bytes < there ? bytes : there;
        memcpy(to, loader->input.at + loader->used, some);
        loader->used += some;
        to += some;
        bytes -= some;
    }
    return true;
}

static uint64_t left_in_source(void *context)
{
    const struct loader *loader = context;
    const struct load *load = loader->load;
    if (load->bytes == 0)
        return UINT64_MAX;
    return load->bytes > load->offset ? load->bytes - load->offset : 0;
}

/* Between two calls of the reader's handler; false: whoever asked does not want it any more. */
static bool turn(struct loader *loader)
{
    struct load *load = loader->load;
    if (load->turn_bytes == 0 || load->offset < loader->turn_at)
        return true;
    loader->turn_at = load->offset + load->turn_bytes;
    if (load->turn == NULL || load->turn(load->context, load))
        return true;
    loader->told_to_end = true;
    give_reason(loader, "it was told to end");
    return false;
}

/* --- the handler ------------------------------------------------------------------------------ */

static enum err take_aux(void *context, struct bytes name, struct bytes value)
{
    struct loader *loader = context;
    if (loader->load->aux != NULL)
        loader->load->aux(loader->load->context, name, value);
    return ERR_NONE;
}

static enum err take_function(void *context, struct bytes source)
{
    struct loader *loader = context;
    struct load *load = loader->load;
    load->functions++;
    if (load->function == NULL || load->function(load->context, load, source))
        return ERR_NONE;
    if (load->reason[0] == 0)
        give_reason(loader, "a library of functions that cannot be loaded");
    return ERR_SYNTAX;
}

static enum err take_database(void *context, unsigned db, uint64_t keys, uint64_t expires)
{
    struct loader *loader = context;
    (void)keys;
    (void)expires;
    if (db >= store_databases(loader->load->store)) {
        snprintf(loader->load->reason, sizeof loader->load->reason,
                 "it has keys of database %u, and this server has %u of them", db,
                 store_databases(loader->load->store));
        return ERR_SYNTAX;
    }
    loader->db = db;
    return ERR_NONE;
}

static enum err take_key(void *context, const struct rdb_key_facts *facts)
{
    struct loader *loader = context;
    struct load *load = loader->load;
    if (loader->within)
        load->offset += facts->name.count;
    if (!turn(loader))
        return ERR_LIMIT;
    loader->facts = *facts;
    loader->name.count = loader->body.count = 0;
    if (!buffer_append(&loader->name, facts->name))
        return ERR_MEMORY;
    bool expired = facts->expiry != STORE_NO_EXPIRY && facts->expiry < store_now_ms(load->store);
    if (expired) {
        load->expired++;
        return ERR_NONE;
    }
    loader->maker = maker_new(store_space(load->store), facts->type, facts->summary.count);
    return loader->maker != NULL ? ERR_NONE : ERR_MEMORY;
}

static enum err take_part(void *context, const struct part *part)
{
    struct loader *loader = context;
    if (loader->within)
        loader->load->offset += part->text.count + part->value.count;
    if (loader->maker == NULL)
        return ERR_NONE;
    enum err err = maker_take(loader->maker, part);
    if (err == ERR_SYNTAX)
        give_reason(loader, "a value that cannot be: an element twice, or out of order");
    if (err == ERR_NONE && !turn(loader))
        err = ERR_LIMIT;
    return err;
}

static enum err put(struct loader *loader, const struct value *value)
{
    struct store *store = loader->load->store;
    struct key key = store_key(store, buffer_view(&loader->name));
    struct entry *entry = store_look(store, loader->db, &key), *result;
    if (entry != NULL && !loader->load->merge) {
        give_reason(loader, "a key twice");
        return ERR_SYNTAX;
    }
    enum err err =
        store_put(store, loader->db, &key, entry, value, loader->facts.expiry, EVENT_NONE, &result);
    if (err == ERR_NONE)
        store_set_use(store, result, loader->facts.idle_s, loader->facts.frequency);
    return err;
}

static enum err take_end(void *context)
{
    struct loader *loader = context;
    struct value value;
    if (loader->maker == NULL)
        return ERR_NONE;
    enum err err = maker_finish(loader->maker, &value, &loader->body);
    maker_drop(loader->maker);
    loader->maker = NULL;
    if (err == ERR_SYNTAX)
        give_reason(loader, "a value that cannot be");
    if (err != ERR_NONE)
        return err;
    err = put(loader, &value);
    if (err != ERR_NONE)
        value_drop(store_space(loader->load->store), &value);
    if (err != ERR_NONE)
        return err;
    loader->load->keys++;
    if (loader->load->key != NULL)
        loader->load->key(loader->load->context);
    return ERR_NONE;
}

/* --- the file --------------------------------------------------------------------------------- */

static enum err explain(struct loader *loader, const struct rdb_reader *reader, enum err err)
{
    struct load *load = loader->load;
    if (loader->told_to_end)
        return ERR_LIMIT;
    if (loader->read_errno != 0) {
        give_reason(loader, strerror(loader->read_errno));
        return ERR_SYSTEM;
    }
    if (err == ERR_MEMORY)
        give_reason(loader, "there is no memory for it");
    else if (reader->reason != NULL)
        snprintf(load->reason, sizeof load->reason, "%s%s%s", reader->reason,
                 reader->module[0] != 0 ? ": " : "", reader->module);
    else if (load->reason[0] == 0)
        give_reason(loader, "a value that cannot be kept");
    return err;
}

static void begin(struct loader *loader, struct load *load)
{
    *loader = (struct loader){ .load = load, .file = -1, .turn_at = load->turn_bytes };
    loader->handler = (struct rdb_handler){ take_aux,  take_function, take_database, take_key,
                                            take_part, take_end,      loader };
    load->reason[0] = 0;
}

static void end(struct loader *loader)
{
    maker_drop(loader->maker);
    buffer_release(&loader->name);
    buffer_release(&loader->body);
    buffer_release(&loader->input);
}

static enum err read_records(struct loader *loader)
{
    const struct rdb_source source = { read_source, left_in_source, loader };
    struct rdb_reader reader;
    rdb_reader_init(&reader, &source, &loader->handler, loader->load->checksum);
    enum err err = rdb_read_file(&reader);
    loader->load->offset = reader.offset;
    loader->load->version = reader.version;
    if (err != ERR_NONE)
        err = explain(loader, &reader, err);
    rdb_reader_release(&reader);
    return err;
}

static enum err open_file(struct loader *loader)
{
    struct load *load = loader->load;
    const struct seam *seam = load->seam;
    loader->file = seam->open(seam->context, load->path, O_RDONLY, 0);
    if (loader->file < 0) {
        give_reason(loader, strerror(errno));
        return errno == ENOENT ? ERR_MISSING : ERR_SYSTEM;
    }
    int64_t bytes = seam->file_bytes(seam->context, loader->file);
    load->bytes = bytes > 0 ? (uint64_t)bytes : 0;
    return ERR_NONE;
}

static enum err read_whole(struct load *load, bool keep)
{
    struct loader loader;
    begin(&loader, load);
    if (!keep)
        loader.handler = (struct rdb_handler){ 0 };
    enum err err = open_file(&loader);
    if (err != ERR_NONE)
        return err;
    if (buffer_reserve(&loader.input, READ_BYTES)) {
        err = read_records(&loader);
    } else {
        err = ERR_MEMORY;
        give_reason(&loader, "there is no memory for it");
    }
    end(&loader);
    load->seam->close(load->seam->context, loader.file);
    return err;
}

enum err load_file(struct load *load)
{
    return read_whole(load, true);
}

enum err load_check(struct load *load)
{
    return read_whole(load, false);
}

struct loader *load_within(struct load *load)
{
    struct loader *loader = memory_take(sizeof *loader);
    if (loader == NULL)
        return NULL;
    begin(loader, load);
    loader->within = true;
    return loader;
}

const struct rdb_handler *load_handler(const struct loader *loader)
{
    return &loader->handler;
}

void load_within_drop(struct loader *loader)
{
    if (loader == NULL)
        return;
    end(loader);
    memory_give(loader);
}
