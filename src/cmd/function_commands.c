/* FUNCTION: all but what is about functions that run. */
#include "cmd/args.h"
#include "cmd/effects.h"
#include "cmd/functions.h"
#include "cmd/scripting.h"

#include "base/glob.h"
#include "conf/config.h"
#include "persist/rdb_read.h"

/* The error, or that there was no memory to say it. */
static void reply_why(struct call *call, struct buffer *error)
{
    if (error->count == 0)
        call_memory_error(call);
    else
        reply_errorf(call->reply, "ERR %.*s", (int)error->count, (const char *)error->at);
}

/* Libraries are no keys: that they changed is said here. */
static void changed(struct call *call)
{
    store_count_change(call->store);
    if (call_is_heard(call))
        effects_instead(call, call->argv, call->argc);
}

static void subcommand_error(struct call *call, const char *name)
{
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%s'. Try FUNCTION HELP.",
                 name);
}

static void subcommand_error_as_given(struct call *call)
{
    char name[128];
    struct bytes given = call->argv[1];
    size_t count = given.count < sizeof name - 1 ? given.count : sizeof name - 1;
    memcpy(name, given.at, count);
    name[count] = 0;
    subcommand_error(call, name);
}

/* --- LOAD, DELETE, FLUSH ---------------------------------------------------------------------- */

static bool read_load(struct call *call, unsigned *flags)
{
    for (uint32_t at = 2; at + 1 < call->argc; at++) {
        if (!call_is(call, at, "replace")) {
            reply_errorf(call->reply, "ERR Unknown option given: %.*s",
                         (int)(call->argv[at].count < 128 ? call->argv[at].count : 128),
                         (const char *)call->argv[at].at);
            return false;
        }
        *flags |= FUNCTIONS_REPLACE;
    }
    return true;
}

void function_load(struct call *call)
{
    struct buffer error = { 0 };
    struct bytes name;
    /* Out of a log: it has been loaded before. */
    unsigned flags = call->client->connection == NULL ? FUNCTIONS_PATIENT : 0;
    if (!read_load(call, &flags))
        return;
    if (functions_load(call->context->functions, call->argv[call->argc - 1], flags, &name,
                       &error)) {
        changed(call);
        reply_bulk(call->reply, name);
    } else {
        reply_why(call, &error);
    }
    buffer_release(&error);
}

void function_delete(struct call *call)
{
    if (!functions_delete(call->context->functions, call->argv[2])) {
        reply_error(call->reply, "ERR Library not found");
        return;
    }
    changed(call);
    reply_ok(call->reply);
}

/* Both ways at once: an interpreter goes in one piece. */
void function_flush(struct call *call)
{
    if (call->argc > 3) {
        subcommand_error_as_given(call);
        return;
    }
    if (call->argc == 3 && !call_is(call, 2, "async") && !call_is(call, 2, "sync")) {
        reply_error(call->reply, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
        return;
    }
    functions_clear(call->context->functions);
    changed(call);
    reply_ok(call->reply);
}

/* --- LIST ------------------------------------------------------------------------------------- */

struct listing {
    bool with_code, matching;
    struct bytes pattern;
};

static bool read_listing(struct call *call, struct listing *listing)
{
    for (uint32_t at = 2; at < call->argc; at++) {
        if (!listing->with_code && call_is(call, at, "withcode")) {
            listing->with_code = true;
        } else if (!listing->matching && call_is(call, at, "libraryname")) {
            if (++at >= call->argc) {
                reply_error(call->reply, "ERR library name argument was not given");
                return false;
            }
            listing->matching = true;
            listing->pattern = call->argv[at];
        } else {
            reply_errorf(call->reply, "ERR Unknown argument %.*s",
                         (int)(call->argv[at].count < 128 ? call->argv[at].count : 128),
                         (const char *)call->argv[at].at);
            return false;
        }
    }
    return true;
}

static void list_function(struct reply *reply, const struct function *function)
{
    reply_map(reply, 3);
    reply_bulk_text(reply, "name");
    reply_bulk(reply, function->name);
    reply_bulk_text(reply, "description");
    if (function->description.at != NULL)
        reply_bulk(reply, function->description);
    else
        reply_nil(reply);
    reply_bulk_text(reply, "flags");
    reply_set(reply, (uint64_t)__builtin_popcount(function->flags));
    uint32_t flag;
    const char *name;
    for (uint32_t i = 0; (name = script_flag_name(i, &flag)) != NULL; i++)
        if ((function->flags & flag) != 0)
            reply_status(reply, name);
}

static void list_library(struct reply *reply, const struct function_library *library,
                         bool with_code)
{
    reply_map(reply, with_code ? 4 : 3);
    reply_bulk_text(reply, "library_name");
    reply_bulk(reply, library->name);
    reply_bulk_text(reply, "engine");
    reply_bulk_text(reply, "LUA");
    reply_bulk_text(reply, "functions");
    reply_array(reply, library->count);
    for (uint32_t i = 0; i < library->count; i++)
        list_function(reply, library->functions[i]);
    if (!with_code)
        return;
    reply_bulk_text(reply, "library_code");
    reply_bulk(reply, library->source);
}

void function_list(struct call *call)
{
    const struct function_set *set = functions_set(call->context->functions);
    struct listing listing = { .with_code = false };
    uint64_t count = 0;
    if (!read_listing(call, &listing))
        return;
    struct reply_mark mark = reply_array_later(call->reply);
    for (uint32_t i = 0; i < set->library_count; i++) {
        const struct function_library *library = set->libraries[i];
        if (listing.matching && !glob_match_nocase(listing.pattern, library->name))
            continue;
        list_library(call->reply, library, listing.with_code);
        count++;
    }
    reply_count(call->reply, mark, count);
}

/* --- DUMP and RESTORE ------------------------------------------------------------------------- */

struct dumping {
    struct rdb_writer writer;
    enum err err;
};

static void dump_source(void *to, struct bytes source)
{
    struct dumping *dumping = to;
    if (dumping->err == ERR_NONE)
        dumping->err = rdb_write_function(&dumping->writer, source);
}

void function_dump(struct call *call)
{
    const struct config *config = call->context->config;
    struct buffer out = { 0 };
    struct dumping dumping = { .err = ERR_NONE };
    rdb_writer_init(&dumping.writer, &out, (unsigned)config->rdb_version, config->rdbcompression,
                    true);
    functions_tell(call->context->functions, dump_source, &dumping);
    if (dumping.err == ERR_NONE)
        dumping.err = rdb_write_dump_tail(&dumping.writer);
    rdb_writer_release(&dumping.writer);
    if (dumping.err == ERR_NONE)
        reply_bulk(call->reply, buffer_view(&out));
    else
        call_memory_error(call);
    buffer_release(&out);
}

struct restoring {
    struct functions_batch *batch;
    struct buffer error;
};

static enum err restore_source(void *context, struct bytes source)
{
    struct restoring *restoring = context;
    if (functions_batch_load(restoring->batch, source, &restoring->error))
        return ERR_NONE;
    return restoring->error.count == 0 ? ERR_MEMORY : ERR_EXISTS;
}

static bool read_policy(struct call *call, enum functions_policy *policy)
{
    if (call->argc > 4) {
        subcommand_error_as_given(call);
        return false;
    }
    *policy = FUNCTIONS_APPEND;
    if (call->argc == 3 || call_is(call, 3, "append"))
        return true;
    *policy = call_is(call, 3, "replace") ? FUNCTIONS_REPLACING : FUNCTIONS_FLUSH;
    if (*policy == FUNCTIONS_REPLACING || call_is(call, 3, "flush"))
        return true;
    reply_error(call->reply,
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    return false;
}

/* Loads all of the payload; false: the error is written. */
static bool restore_all(struct call *call, struct restoring *restoring)
{
    const struct rdb_handler handler = { .function = restore_source, .context = restoring };
    const char *reason;
    switch (rdb_read_functions(call->argv[2], &handler, &reason)) {
    case ERR_NONE:
        return true;
    case ERR_EXISTS:
        reply_why(call, &restoring->error);
        return false;
    case ERR_SYNTAX:
        reply_errorf(call->reply, "ERR %s", reason);
        return false;
    case ERR_MEMORY:
    case ERR_RANGE:
    case ERR_MISSING:
    case ERR_TYPE:
    case ERR_SYSTEM:
    case ERR_LIMIT:
    default:
        call_memory_error(call);
        return false;
    }
}

void function_restore(struct call *call)
{
    enum functions_policy policy;
    struct restoring restoring = { .batch = NULL };
    if (!read_policy(call, &policy))
        return;
    if (!rdb_dump_is_whole(call->argv[2])) {
        reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    restoring.batch = functions_batch_new(call->context->functions);
    if (restoring.batch == NULL) {
        call_memory_error(call);
    } else if (restore_all(call, &restoring)) {
        if (functions_batch_join(restoring.batch, policy, &restoring.error)) {
            changed(call);
            reply_ok(call->reply);
        } else {
            reply_why(call, &restoring.error);
        }
    }
    functions_batch_drop(restoring.batch);
    buffer_release(&restoring.error);
}

/* --- HELP ------------------------------------------------------------------------------------- */

void function_help(struct call *call)
{
    static const char *const lines[] = {
        "DELETE <library-name>",
        "    Removes a library.",
        "DUMP",
        "    All libraries as bytes for FUNCTION RESTORE.",
        "FLUSH [ASYNC|SYNC]",
        "    Removes all libraries.",
        "KILL",
        "    Ends the function that runs, if it has not written yet.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Libraries, their functions, and their code.",
        "LOAD [REPLACE] <code>",
        "    Runs a library, which registers its functions.",
        "RESTORE <bytes> [APPEND|FLUSH|REPLACE]",
        "    Libraries of a DUMP: beside those that are there (which is an error for one of the",
        "    same name), in place of all, or in place of those of the same name.",
        "STATS",
        "    The function that runs, and how many libraries and functions there are.",
        NULL,
    };
    call_help(call, "FUNCTION", lines);
}
