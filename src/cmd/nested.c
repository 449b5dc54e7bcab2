#include "cmd/nested.h"

#include "cmd/dispatch.h"
#include "cmd/effects.h"
#include "cmd/monitor.h"
#include "cmd/persist.h"

enum { HASHED_KEYS = 8 };

/* Where a command stands that this one runs: EXEC, or one about scripts. */
static enum access_place place_of(const struct call *outer)
{
    return (outer->command->acl & ACL_SCRIPTING) != 0 ? ACCESS_IN_SCRIPT : ACCESS_IN_EXEC;
}

enum nested_outcome nested_check(const struct call *outer, const struct bytes *argv, uint32_t argc,
                                 unsigned flags, struct reply *reply, struct command_row **row)
{
    struct cmd_context *context = outer->context;
    *row = cmd_table_find(context->table, argv, argc);
    if (*row == NULL) {
        cmd_table_unknown(context->table, argv, argc, reply);
        return NESTED_UNKNOWN;
    }
    if (!dispatch_arity_fits(*row, argc)) {
        cmd_table_wrong_arity(*row, reply);
        return NESTED_ARITY;
    }
    if (!dispatch_allows(context->dispatch, *row, outer->client, argv, argc, place_of(outer),
                         reply))
        return NESTED_DENIED;
    if ((flags & NESTED_GATED) != 0 && UNLIKELY(context->gated) &&
        !persist_gate(context, *row, (*row)->flags, reply))
        return NESTED_DENIED;
    return NESTED_RAN;
}

void nested_refused(const struct call *outer, struct command_row *row, const struct reply *reply)
{
    dispatch_refused(outer->context->dispatch, row, reply);
}

static void run_heard(struct call *call, const struct command_row *row, unsigned flags)
{
    struct effects *effects = call->context->effects;
    struct effects_outer outer;
    effects_enter(effects, call, &outer);
    row->run(call);
    if ((flags & NESTED_UNTOLD) != 0)
        effects_forget(effects);
    effects_exit(effects, call, &outer);
}

static void run(struct call *call, const struct command_row *row, unsigned flags)
{
    if (UNLIKELY(effects_wanted(call->context->effects)))
        run_heard(call, row, flags);
    else
        row->run(call);
}

/* The client's database and manners may have been changed by the one before it. */
static struct call inner_call(const struct call *outer, const struct command_row *row,
                              struct bytes *argv, uint32_t argc, struct reply *reply)
{
    struct call call = *outer;
    call.reply = reply;
    call.command = row->command;
    call.argv = argv;
    call.argc = argc;
    call.never_waits = true;
    call.db = call.client->db;
    call.read_flags = (call.client->flags & CLIENT_NO_TOUCH) != 0 ? STORE_NO_TOUCH : STORE_TOUCH;
    return call;
}

enum nested_outcome nested_run_row(const struct call *outer, struct command_row *row,
                                   struct bytes *argv, uint32_t argc, unsigned flags,
                                   struct reply *reply)
{
    struct cmd_context *context = outer->context;
    struct call call = inner_call(outer, row, argv, argc, reply);
    struct arena_mark mark = arena_mark(call.arena);
    struct key keys[HASHED_KEYS];
    uint32_t errors = reply->errors;
    uint64_t began = ticks_now();
    call.keys = keys;
    call.key_count = 0;
    if (row->first_key != 0)
        call.key_count = dispatch_hash_keys(call.store, row, argv, argc, keys, HASHED_KEYS);
    call.first = call.key_count > 0 ? keys[0] : (struct key){ { NULL, 0 }, 0 };
    cmd_table_figures(context->table)->commands++;
    run(&call, row, flags);
    uint64_t ticks = ticks_now() - began;
    bool failed = reply->errors != errors;
    dispatch_ran(context->dispatch, &call, row, ticks_ns(&context->ticks, ticks), failed);
    if ((row->flags & (CMD_ADMIN | CMD_SKIP_MONITOR)) == 0)
        monitors_show(context->monitors, &call, (flags & NESTED_SCRIPTED) != 0);
    reply->errors = errors;
    arena_rewind(call.arena, mark);
    return failed ? NESTED_FAILED : NESTED_RAN;
}

enum nested_outcome nested_run(const struct call *outer, struct bytes *argv, uint32_t argc,
                               unsigned flags, struct reply *reply)
{
    struct command_row *row = NULL;
    uint32_t errors = reply->errors;
    enum nested_outcome outcome = nested_check(outer, argv, argc, flags, reply, &row);
    if (outcome == NESTED_RAN)
        return nested_run_row(outer, row, argv, argc, flags, reply);
    nested_refused(outer, row, reply);
    reply->errors = errors;
    return outcome;
}
