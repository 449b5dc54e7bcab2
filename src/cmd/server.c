#include "cmd/server.h"

#include "base/number.h"
#include "cmd/persist.h"
#include "cmd/scripting.h"
#include "conf/config.h"

void cmd_dbsize(struct call *call)
{
    reply_i64(call->reply, (int64_t)store_count(call->store, call->db));
}

/* ASYNC: the memory comes back in steps; SYNC: before the reply; else as configured. */
static void flush(struct call *call, uint32_t db)
{
    bool wait = !call->context->config->lazyfree_lazy_user_flush;
    if (call->argc == 2 && call_is(call, 1, "sync"))
        wait = true;
    else if (call->argc == 2 && call_is(call, 1, "async"))
        wait = false;
    else if (call->argc > 1) {
        call_syntax_error(call);
        return;
    }
    store_flush(call->store, db, wait);
    reply_ok(call->reply);
}

void cmd_flushall(struct call *call)
{
    uint32_t errors = call->reply->errors;
    flush(call, STORE_ALL_DATABASES);
    /* A world without files has no persistence. */
    if (call->reply->errors == errors && call->context->persistence != NULL)
        persist_flushed(call->context->persistence);
}

void cmd_flushdb(struct call *call)
{
    flush(call, call->db);
}

static bool read_swapped(struct call *call, uint32_t at, const char *not_integer, int64_t *db)
{
    if (number_read_i64(call->argv[at], db) && *db >= INT32_MIN && *db <= INT32_MAX)
        return true;
    reply_error(call->reply, not_integer);
    return false;
}

void cmd_swapdb(struct call *call)
{
    int64_t one = 0, other = 0, count = (int64_t)store_databases(call->store);
    if (!read_swapped(call, 1, "ERR invalid first DB index", &one) ||
        !read_swapped(call, 2, "ERR invalid second DB index", &other))
        return;
    if (one < 0 || one >= count || other < 0 || other >= count) {
        reply_error(call->reply, "ERR DB index is out of range");
        return;
    }
    store_swap(call->store, (unsigned)one, (unsigned)other);
    reply_ok(call->reply);
}

void cmd_time(struct call *call)
{
    int64_t now_us = seam_wall_us(call->context->seam);
    reply_array(call->reply, 2);
    reply_bulk_i64(call->reply, now_us / 1000000);
    reply_bulk_i64(call->reply, now_us % 1000000);
}

void cmd_role(struct call *call)
{
    reply_array(call->reply, 3);
    reply_bulk_text(call->reply, "master");
    reply_i64(call->reply, 0);
    reply_array(call->reply, 0);
}

/* Clients ask it to know what the server can do. */
void module_list(struct call *call)
{
    reply_array(call->reply, 0);
}

void module_help(struct call *call)
{
    static const char *const lines[] = {
        "LIST",
        "    The modules that are loaded: there are none.",
        NULL,
    };
    call_help(call, "MODULE", lines);
}

/* --- SHUTDOWN --------------------------------------------------------------------------------- */

enum { SHUTDOWN_ABORT = 1 << 16 }; /* beside enum shutdown_flags */

static bool read_shutdown(struct call *call, unsigned *flags)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = { { "nosave", SHUTDOWN_NOSAVE },
                  { "save", SHUTDOWN_SAVE },
                  { "now", SHUTDOWN_NOW },
                  { "force", SHUTDOWN_FORCE },
                  { "abort", SHUTDOWN_ABORT } };
    const size_t count = sizeof words / sizeof *words;
    *flags = 0;
    for (uint32_t at = 1; at < call->argc; at++) {
        size_t i = 0;
        while (i < count && !call_is(call, at, words[i].word))
            i++;
        if (i == count)
            return false;
        *flags |= words[i].flag;
    }
    bool both = (*flags & SHUTDOWN_SAVE) != 0 && (*flags & SHUTDOWN_NOSAVE) != 0;
    bool abort_and_more = (*flags & SHUTDOWN_ABORT) != 0 && *flags != SHUTDOWN_ABORT;
    return !both && !abort_and_more;
}

/* What succeeds is not answered: the connection ends with the process. */
void cmd_shutdown(struct call *call)
{
    unsigned flags = 0;
    const char *refusal = NULL;
    if (!read_shutdown(call, &flags)) {
        call_syntax_error(call);
        return;
    }
    if (flags == SHUTDOWN_ABORT) {
        reply_error(call->reply, "ERR No shutdown in progress.");
        return;
    }
    if (scripting_is_busy(call->context->scripting) && (flags & SHUTDOWN_NOSAVE) == 0) {
        scripting_busy_error(call->context->scripting, call->reply);
        return;
    }
    call->context->ending = call->context->shutdown(call->context->server, flags, &refusal);
    if (call->context->ending)
        return;
    if (refusal != NULL)
        reply_errorf(call->reply, "ERR %s", refusal);
    else
        reply_error(call->reply, "ERR Errors trying to SHUTDOWN. Check logs.");
}
