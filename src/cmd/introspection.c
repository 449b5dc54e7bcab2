#include "cmd/introspection.h"

#include "cmd/keys.h"

#include <stdio.h>

const struct flag_word command_flag_words[] = {
    { CMD_WRITE, "write" },
    { CMD_READ, "readonly" },
    { CMD_DENYOOM, "denyoom" },
    { CMD_ADMIN, "admin" },
    { CMD_PUBSUB, "pubsub" },
    { CMD_NOSCRIPT, "noscript" },
    { CMD_BLOCKING, "blocking" },
    { CMD_LOADING, "loading" },
    { CMD_STALE, "stale" },
    { CMD_SKIP_MONITOR, "skip_monitor" },
    { CMD_SKIP_SLOWLOG, "skip_slowlog" },
    { CMD_ASKING, "asking" },
    { CMD_FAST, "fast" },
    { CMD_NO_AUTH, "no_auth" },
    { CMD_NO_ASYNC_LOADING, "no_async_loading" },
    { CMD_NO_MULTI, "no_multi" },
    { CMD_MOVABLE_KEYS, "movablekeys" },
    { CMD_NO_MANDATORY_KEYS, "no_mandatory_keys" },
    { CMD_ALLOW_BUSY, "allow_busy" },
    { 0, NULL },
};

const struct flag_word acl_category_words[] = {
    { ACL_KEYSPACE, "keyspace" },
    { ACL_READ, "read" },
    { ACL_WRITE, "write" },
    { ACL_SET, "set" },
    { ACL_SORTEDSET, "sortedset" },
    { ACL_LIST, "list" },
    { ACL_HASH, "hash" },
    { ACL_STRING, "string" },
    { ACL_BITMAP, "bitmap" },
    { ACL_HYPERLOGLOG, "hyperloglog" },
    { ACL_GEO, "geo" },
    { ACL_STREAM, "stream" },
    { ACL_PUBSUB, "pubsub" },
    { ACL_ADMIN, "admin" },
    { ACL_FAST, "fast" },
    { ACL_SLOW, "slow" },
    { ACL_BLOCKING, "blocking" },
    { ACL_DANGEROUS, "dangerous" },
    { ACL_CONNECTION, "connection" },
    { ACL_TRANSACTION, "transaction" },
    { ACL_SCRIPTING, "scripting" },
    { 0, NULL },
};

const struct flag_word key_flag_words[] = {
    { KEY_RO, "RO" },
    { KEY_RW, "RW" },
    { KEY_OW, "OW" },
    { KEY_RM, "RM" },
    { KEY_ACCESS, "access" },
    { KEY_UPDATE, "update" },
    { KEY_INSERT, "insert" },
    { KEY_DELETE, "delete" },
    { KEY_NOT_KEY, "not_key" },
    { KEY_INCOMPLETE, "incomplete" },
    { KEY_VARIABLE_FLAGS, "variable_flags" },
    { 0, NULL },
};

const char *command_group_word(enum command_group group)
{
    static const char *const words[] = {
        [GROUP_STRING] = "string",
        [GROUP_BITMAP] = "bitmap",
        [GROUP_GENERIC] = "generic",
        [GROUP_CONNECTION] = "connection",
        [GROUP_SERVER] = "server",
        [GROUP_LIST] = "list",
        [GROUP_SET] = "set",
        [GROUP_SORTED_SET] = "sorted-set",
        [GROUP_HASH] = "hash",
        [GROUP_STREAM] = "stream",
        [GROUP_HYPERLOGLOG] = "hyperloglog",
        [GROUP_GEO] = "geo",
        [GROUP_PUBSUB] = "pubsub",
        [GROUP_TRANSACTIONS] = "transactions",
        [GROUP_SCRIPTING] = "scripting",
        [GROUP_CLUSTER] = "cluster",
    };
    return words[group];
}

/* Scripts that only read are a category of their own. */
uint32_t command_categories(const struct command *command)
{
    uint32_t categories = command->acl, flags = command->flags;
    bool is_script = (categories & ACL_SCRIPTING) != 0;
    if ((flags & CMD_WRITE) != 0)
        categories |= ACL_WRITE;
    if ((flags & CMD_READ) != 0 && !is_script)
        categories |= ACL_READ;
    if ((flags & CMD_ADMIN) != 0)
        categories |= ACL_ADMIN | ACL_DANGEROUS;
    if ((flags & CMD_PUBSUB) != 0)
        categories |= ACL_PUBSUB;
    if ((flags & CMD_BLOCKING) != 0)
        categories |= ACL_BLOCKING;
    return categories | ((flags & CMD_FAST) != 0 ? ACL_FAST : ACL_SLOW);
}

bool introspect_is_there(const struct command_row *row)
{
    return row->name != NULL && (row->container == NULL || row->container->name != NULL);
}

void introspect_flags(const struct flag_word *words, uint32_t flags, const char *prefix,
                      struct reply *reply)
{
    struct reply_mark mark = reply_set_later(reply);
    uint64_t count = 0;
    for (; words->word != NULL; words++) {
        if ((flags & words->flag) == 0)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%s%s", prefix, words->word);
        reply_status(reply, text);
        count++;
    }
    reply_count(reply, mark, count);
}

static void reply_text_set(const char *const *texts, struct reply *reply)
{
    uint64_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    reply_set(reply, count);
    for (uint64_t i = 0; i < count; i++)
        reply_bulk_text(reply, texts[i]);
}

/* --- key specs -------------------------------------------------------------------------------- */

static void reply_number(struct reply *reply, const char *name, int64_t number)
{
    reply_bulk_text(reply, name);
    reply_i64(reply, number);
}

static void reply_step(struct reply *reply, const char *name, const char *type, uint64_t pairs)
{
    reply_bulk_text(reply, name);
    reply_map(reply, 2);
    reply_bulk_text(reply, "type");
    reply_bulk_text(reply, type);
    reply_bulk_text(reply, "spec");
    reply_map(reply, pairs);
}

static void reply_begin(const struct key_spec *spec, struct reply *reply)
{
    if (spec->begin == KEYS_AT_INDEX) {
        reply_step(reply, "begin_search", "index", 1);
        reply_number(reply, "index", spec->index);
    } else if (spec->begin == KEYS_AT_KEYWORD) {
        reply_step(reply, "begin_search", "keyword", 2);
        reply_bulk_text(reply, "keyword");
        reply_bulk_text(reply, spec->keyword);
        reply_number(reply, "startfrom", spec->index);
    } else {
        reply_step(reply, "begin_search", "unknown", 0);
    }
}

static void reply_find(const struct key_spec *spec, struct reply *reply)
{
    if (spec->find == KEYS_RANGE) {
        reply_step(reply, "find_keys", "range", 3);
        reply_number(reply, "lastkey", spec->last);
        reply_number(reply, "keystep", spec->step);
        reply_number(reply, "limit", spec->limit);
    } else if (spec->find == KEYS_COUNTED) {
        reply_step(reply, "find_keys", "keynum", 3);
        reply_number(reply, "keynumidx", spec->count_at);
        reply_number(reply, "firstkey", spec->first_at);
        reply_number(reply, "keystep", spec->step);
    } else {
        reply_step(reply, "find_keys", "unknown", 0);
    }
}

static void reply_key_specs(const struct command *command, struct reply *reply)
{
    uint64_t count = 0;
    while (count < KEY_SPECS_MAX && command->keys[count].begin != KEYS_NONE)
        count++;
    reply_set(reply, count);
    for (uint64_t i = 0; i < count; i++) {
        const struct key_spec *spec = &command->keys[i];
        reply_map(reply, spec->notes != NULL ? 4 : 3);
        if (spec->notes != NULL) {
            reply_bulk_text(reply, "notes");
            reply_bulk_text(reply, spec->notes);
        }
        reply_bulk_text(reply, "flags");
        introspect_flags(key_flag_words, spec->flags, "", reply);
        reply_begin(spec, reply);
        reply_find(spec, reply);
    }
}

/* --- COMMAND INFO ----------------------------------------------------------------------------- */

static void info_of_one(const struct command_row *row, struct reply *reply)
{
    const struct command *command = row->command;
    struct key_range range = keys_range(command);
    reply_array(reply, 10);
    reply_bulk_text(reply, row->full_name);
    reply_i64(reply, command->arity);
    introspect_flags(command_flag_words, command->flags, "", reply);
    reply_i64(reply, range.first);
    reply_i64(reply, range.last);
    reply_i64(reply, range.step);
    introspect_flags(acl_category_words, command_categories(command), "@", reply);
    reply_text_set(command->tips, reply);
    reply_key_specs(command, reply);
}

void introspect_info(const struct command_row *row, struct reply *reply)
{
    info_of_one(row, reply);
    if (row->subcommands == NULL) {
        reply_set(reply, 0);
        return;
    }
    reply_array(reply, row->subcommand_count);
    for (uint16_t i = 0; i < row->subcommand_count; i++) {
        info_of_one(&row->subcommands[i], reply);
        reply_set(reply, 0);
    }
}
