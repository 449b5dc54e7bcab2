#include "cmd/dispatch.h"

#include "base/memory.h"
#include "cmd/access.h"
#include "cmd/blocker.h"
#include "cmd/channels.h"
#include "cmd/command_log.h"
#include "cmd/effects.h"
#include "cmd/functions.h"
#include "cmd/latency.h"
#include "cmd/memory_gate.h"
#include "cmd/monitor.h"
#include "cmd/peers.h"
#include "cmd/persist.h"
#include "cmd/pubsub.h"
#include "cmd/push.h"
#include "cmd/scripting.h"
#include "cmd/tracking.h"
#include "cmd/transaction.h"
#include "cmd/watch.h"
#include "conf/config.h"

#include <string.h>

/* Enough requests to pay for DRAM side by side, and no more lines than the nearest caches hold. */
enum { SLICE_REQUESTS = 64, SLICE_KEYS = 256, LAST_NAME_MAX = 16, AGAIN_KEYS = 4 };

struct plan {
    struct command_row *row; /* NULL: unknown */
    uint16_t first, count;   /* of the slice's keys */
    bool arity_fits;
};

struct dispatch {
    struct cmd_context *context;
    struct cmd_figures *figures;
    struct blocker *blocker;
    struct effects effects;
    struct watchers watchers;
    struct monitors monitors;
    struct command_logs logs;
    struct peers peers;
    struct pushes pushes;
    struct tracker tracker;
    struct call call; /* what does not change from command to command is set once */
    uint64_t last_ticks;
    uint64_t slow_ns;
    uint64_t large_bytes; /* from here on sizes are looked at */
    bool track_latency;
    uint32_t hook_count;
    struct dispatch_hook hooks[DISPATCH_HOOKS_MAX];
    void (*slow)(void *context, const struct call *call, uint64_t ns);
    void *slow_context;
    struct arena arena;
    struct command_row *last_row; /* of the last request without a subcommand, and its name */
    uint8_t last_name[LAST_NAME_MAX];
    size_t last_name_bytes;
    struct plan plans[SLICE_REQUESTS];
    struct key keys[SLICE_KEYS];
    struct key again_keys[AGAIN_KEYS]; /* of the command that runs again, in between */
    struct arena logged_arena;         /* of those out of a log: another one may be running */
    const struct net_request *running; /* of the batch; NULL: none */
};

/* A client in its usual state has the first of these and none of the others. */
enum {
    CLIENT_REPLY_MODES = CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP_NEXT | CLIENT_REPLY_SKIP,
    CLIENT_ODD = CLIENT_AUTHENTICATED | CLIENT_STOPPED | CLIENT_REPLY_MODES | CLIENT_NO_TOUCH |
                 CLIENT_IN_MULTI,
};

struct dispatch *dispatch_new(struct cmd_context *context)
{
    struct dispatch *dispatch = memory_take_zeroed(sizeof *dispatch);
    if (dispatch == NULL)
        return NULL;
    dispatch->context = context;
    dispatch->figures = cmd_table_figures(context->table);
    dispatch->slow_ns = UINT64_MAX;
    arena_init(&dispatch->arena);
    arena_init(&dispatch->logged_arena);
    dispatch->call = (struct call){ .context = context,
                                    .store = context->store,
                                    .heap = store_heap(context->store),
                                    .space = store_space(context->store),
                                    .arena = &dispatch->arena };
    effects_init(&dispatch->effects, context->store);
    context->effects = &dispatch->effects;
    dispatch->peers.seam = context->seam;
    context->peers = &dispatch->peers;
    watchers_init(&dispatch->watchers, context->store);
    context->watchers = &dispatch->watchers;
    context->monitors = &dispatch->monitors;
    context->command_logs = &dispatch->logs;
    context->dispatch = dispatch;
    context->pushes = &dispatch->pushes;
    context->channels = channels_new(context);
    context->tracker = &dispatch->tracker;
    tracker_init(&dispatch->tracker, context);
    context->scripting = scripting_new(context);
    context->functions = functions_new(context);
    dispatch->blocker = context->blocker = blocker_new(context, dispatch);
    if (dispatch->blocker != NULL && context->channels != NULL && context->scripting != NULL &&
        context->functions != NULL)
        return dispatch;
    dispatch_drop(dispatch);
    return NULL;
}

void dispatch_drop(struct dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    blocker_drop(dispatch->blocker);
    dispatch->context->blocker = NULL;
    tracker_release(&dispatch->tracker);
    dispatch->context->tracker = NULL;
    scripting_drop(dispatch->context->scripting);
    dispatch->context->scripting = NULL;
    channels_drop(dispatch->context->channels);
    dispatch->context->channels = NULL;
    functions_drop(dispatch->context->functions);
    dispatch->context->functions = NULL;
    pushes_release(&dispatch->pushes);
    dispatch->context->pushes = NULL;
    command_logs_release(&dispatch->logs);
    monitors_release(&dispatch->monitors);
    watchers_release(&dispatch->watchers);
    dispatch->context->watchers = NULL;
    effects_release(&dispatch->effects);
    dispatch->context->effects = NULL;
    peers_release(&dispatch->peers);
    dispatch->context->peers = NULL;
    arena_release(&dispatch->arena);
    arena_release(&dispatch->logged_arena);
    dispatch->context->dispatch = NULL;
    memory_give(dispatch);
}

void dispatch_add_hook(struct dispatch *dispatch, const struct dispatch_hook *hook)
{
    ENSURE(dispatch->hook_count < DISPATCH_HOOKS_MAX);
    dispatch->hooks[dispatch->hook_count++] = *hook;
}

void dispatch_on_slow(struct dispatch *dispatch,
                      void (*told)(void *context, const struct call *call, uint64_t ns),
                      void *context)
{
    dispatch->slow = told;
    dispatch->slow_context = context;
}

void dispatch_arrived(void *context, struct client *client)
{
    const struct dispatch *dispatch = context;
    users_log_out(dispatch->context->users, client);
}

void dispatch_left(void *context, struct client *client)
{
    const struct dispatch *dispatch = context;
    blocker_left(dispatch->blocker, client);
    channels_leave_all(dispatch->context->channels, client);
    transaction_drop(dispatch->context, client);
    tracking_stop(dispatch->context->tracker, client);
    monitors_leave(dispatch->context->monitors, client);
}

/* --- planning: rows and keys, with everything they need on its way ---------------------------- */

bool dispatch_arity_fits(const struct command_row *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

static inline uint32_t hash_keys(const struct store *store, const struct command_row *row,
                                 const struct bytes *argv, uint32_t argc, struct key *keys,
                                 uint32_t most)
{
    int64_t last = row->last_key >= 0 ? row->last_key : (int64_t)argc + row->last_key;
    if (last >= (int64_t)argc)
        last = (int64_t)argc - 1;
    uint32_t count = 0;
    for (int64_t at = row->first_key; at <= last && count < most; at += row->key_step)
        keys[count++] = store_key(store, argv[at]);
    return count;
}

uint32_t dispatch_hash_keys(const struct store *store, const struct command_row *row,
                            const struct bytes *argv, uint32_t argc, struct key *keys,
                            uint32_t most)
{
    return hash_keys(store, row, argv, argc, keys, most);
}

/* Requests come in runs of one command: its row is at hand. */
static struct command_row *find_row(struct dispatch *dispatch, const struct net_request *request)
{
    struct bytes name = request->argv[0];
    if (name.count == dispatch->last_name_bytes &&
        memcmp(name.at, dispatch->last_name, name.count) == 0)
        return dispatch->last_row;
    struct command_row *row =
        cmd_table_find(dispatch->context->table, request->argv, request->argc);
    if (row != NULL && row->container == NULL && row->subcommands == NULL &&
        name.count <= LAST_NAME_MAX) {
        dispatch->last_row = row;
        dispatch->last_name_bytes = name.count;
        memcpy(dispatch->last_name, name.at, name.count);
    }
    return row;
}

/* Plans requests until one of the bounds; returns how many, at least one. */
static size_t plan_slice(struct dispatch *dispatch, struct net_request *requests, size_t count)
{
    uint32_t used = 0;
    size_t i = 0;
    for (; i < count && i < SLICE_REQUESTS; i++) {
        const struct net_request *request = &requests[i];
        struct plan *plan = &dispatch->plans[i];
        if (i > 0 && used + request->argc > SLICE_KEYS)
            break;
        *plan = (struct plan){ .first = (uint16_t)used };
        if (UNLIKELY(request->client == NULL))
            continue; /* it was taken back */
        plan->row = find_row(dispatch, request);
        plan->arity_fits = plan->row != NULL && dispatch_arity_fits(plan->row, request->argc);
        if (!plan->arity_fits || plan->row->first_key == 0)
            continue;
        plan->count = (uint16_t)hash_keys(dispatch->call.store, plan->row, request->argv,
                                          request->argc, &dispatch->keys[used], SLICE_KEYS - used);
        used += plan->count;
    }
    return i;
}

/* Two passes with nothing else in them: what the processor waits for is mostly the translation of
 * the addresses, and it overlaps as many of those as it can see ahead. */
static void prefetch_entries(const struct dispatch *dispatch, const struct net_request *requests,
                             size_t count)
{
    const struct store *store = dispatch->call.store;
    for (size_t i = 0; i < count; i++) {
        const struct plan *plan = &dispatch->plans[i];
        for (uint32_t k = 0; k < plan->count; k++)
            store_prefetch_bucket(store, requests[i].client->db, &dispatch->keys[plan->first + k]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct plan *plan = &dispatch->plans[i];
        for (uint32_t k = 0; k < plan->count; k++)
            store_prefetch_entry(store, requests[i].client->db, &dispatch->keys[plan->first + k]);
    }
}

/* Then what commands on one field of a big value read: a chain of dependent places each, and all
 * chains take a step at a time. */
static void prefetch_fields(const struct dispatch *dispatch, const struct net_request *requests,
                            size_t count)
{
    const struct store *store = dispatch->call.store;
    struct store_ahead ahead[SLICE_REQUESTS];
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        const struct plan *plan = &dispatch->plans[i];
        uint32_t field = plan->count > 0 ? plan->row->command->field_at : 0;
        if (field == 0 || field >= requests[i].argc)
            continue;
        left += store_ahead_begin(store, requests[i].client->db, &dispatch->keys[plan->first],
                                  requests[i].argv[field], &ahead[left]);
    }
    for (unsigned stage = 0; left > 0; stage++) {
        size_t kept = 0;
        for (size_t i = 0; i < left; i++) {
            ahead[kept] = ahead[i];
            kept += store_ahead_step(store, &ahead[i], stage);
        }
        left = kept;
    }
}

static void prefetch_slice(const struct dispatch *dispatch, const struct net_request *requests,
                           size_t count)
{
    prefetch_entries(dispatch, requests, count);
    prefetch_fields(dispatch, requests, count);
}

/* --- executing -------------------------------------------------------------------------------- */

/* CLIENT REPLY SKIP mutes the command after it; OFF all until ON. */
static void mute_by_mode(struct client *client)
{
    bool skip = (client->flags & CLIENT_REPLY_SKIP_NEXT) != 0;
    client->flags &= ~(uint32_t)(CLIENT_REPLY_SKIP_NEXT | CLIENT_REPLY_SKIP);
    if (skip)
        client->flags |= CLIENT_REPLY_SKIP;
    client->reply.muted = (client->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) != 0;
}

/* The client's user has the rights for it; else the error is written. */
static bool has_rights(const struct dispatch *dispatch, const struct command_row *row,
                       struct client *client, const struct bytes *argv, uint32_t argc,
                       enum access_place place, struct reply *reply)
{
    struct access_why why;
    if (LIKELY(access_may(dispatch->context, client, row, argv, argc, &why)))
        return true;
    access_denied(dispatch->context, client, place, row, argv, &why);
    access_reply(reply, client, place, row, &why);
    return false;
}

static inline bool allows(const struct dispatch *dispatch, const struct command_row *row,
                          struct client *client, const struct bytes *argv, uint32_t argc,
                          enum access_place place, struct reply *reply)
{
    if (UNLIKELY((row->flags & CMD_PROTECTED) != 0) &&
        !access_protected(dispatch->context, row, client, reply))
        return false;
    if (LIKELY((client->flags & (CLIENT_AUTHENTICATED | CLIENT_RESTRICTED)) ==
               CLIENT_AUTHENTICATED))
        return true;
    if ((client->flags & CLIENT_AUTHENTICATED) != 0 || (row->flags & CMD_NO_AUTH) != 0 ||
        !access_needs_password(dispatch->context))
        return has_rights(dispatch, row, client, argv, argc, place, reply);
    reply_error(reply, "NOAUTH Authentication required.");
    return false;
}

bool dispatch_allows(const struct dispatch *dispatch, const struct command_row *row,
                     struct client *client, const struct bytes *argv, uint32_t argc,
                     enum access_place place, struct reply *reply)
{
    return allows(dispatch, row, client, argv, argc, place, reply);
}

/* `flags`: the row's, or more. */
static bool may_run(const struct dispatch *dispatch, const struct command_row *row, uint32_t flags,
                    const struct net_request *request, struct reply *reply)
{
    struct client *client = request->client;
    enum access_place place =
        (client->flags & CLIENT_IN_MULTI) != 0 ? ACCESS_IN_MULTI : ACCESS_TOP_LEVEL;
    if (!allows(dispatch, row, client, request->argv, request->argc, place, reply))
        return false;
    if (UNLIKELY(dispatch->context->memory_limited) &&
        !memory_gate(dispatch->context, row, flags, request, reply))
        return false;
    if (UNLIKELY(client->subscriptions != NULL) && !pubsub_may_run(row, client, reply))
        return false;
    return LIKELY(!dispatch->context->gated) || persist_gate(dispatch->context, row, flags, reply);
}

static bool hooks_before(struct dispatch *dispatch, const struct command_row *row)
{
    for (uint32_t i = 0; i < dispatch->hook_count; i++) {
        const struct dispatch_hook *hook = &dispatch->hooks[i];
        if (hook->before != NULL && !hook->before(hook->context, &dispatch->call, row))
            return false;
    }
    return true;
}

static void hooks_after(const struct dispatch *dispatch, const struct call *call, uint64_t ns)
{
    for (uint32_t i = 0; i < dispatch->hook_count; i++) {
        const struct dispatch_hook *hook = &dispatch->hooks[i];
        if (hook->after != NULL)
            hook->after(hook->context, call, ns);
    }
}

static void count_error(struct dispatch *dispatch, const struct reply *reply)
{
    const char *code = reply->pool->error_code;
    if (code[0] == '\0' || cmd_table_count_error(dispatch->context->table, code))
        return;
    dispatch->context->log(dispatch->context->server, CONFIG_LOG_WARNING,
                           "INFO errorstats counts no more: 128 different codes of errors have "
                           "come, from scripts perhaps. CONFIG RESETSTAT begins anew.");
}

/* The end of one command is the beginning of the next: one reading of the clock for each. */
static uint64_t elapsed_ns(struct dispatch *dispatch)
{
    uint64_t now = ticks_now(), before = dispatch->last_ticks;
    dispatch->last_ticks = now;
    return now > before ? ticks_ns(&dispatch->context->ticks, now - before) : 0;
}

void dispatch_account(struct dispatch *dispatch, struct command_row *row, const struct reply *reply,
                      uint64_t ns, bool failed)
{
    row->counters.calls++;
    row->counters.ns += ns;
    if (LIKELY(dispatch->track_latency))
        cmd_table_count_latency(row, ns);
    if (UNLIKELY(failed)) {
        row->counters.failed++;
        count_error(dispatch, reply);
    }
}

/* A client that waits is counted when it has its answer. */
static bool keeps_waiting(const struct dispatch *dispatch, uint64_t ns)
{
    const struct client *client = dispatch->call.client;
    return UNLIKELY((client->flags & CLIENT_BLOCKED) != 0) &&
           blocker_keeps(dispatch->blocker, client, ns);
}

static void note_slow(struct dispatch *dispatch, const struct call *call, uint64_t ns)
{
    if (dispatch->slow != NULL)
        dispatch->slow(dispatch->slow_context, call, ns);
    command_log_note(&dispatch->logs, LOG_SLOW, call, ns / 1000);
}

/* As the request came: with the lengths that go before its arguments. */
static uint64_t request_bytes(const struct call *call)
{
    enum { LENGTH_BYTES = 8 }; /* $, some digits, two ends of a line */
    uint64_t bytes = LENGTH_BYTES;
    for (uint32_t i = 0; i < call->argc; i++)
        bytes += call->argv[i].count + LENGTH_BYTES;
    return bytes;
}

/* `reply_bytes` had been written before. */
static void note_sizes(struct dispatch *dispatch, const struct call *call, uint64_t reply_bytes)
{
    uint64_t unsent = reply_unsent(call->reply);
    command_log_note(&dispatch->logs, LOG_LARGE_REQUEST, call, request_bytes(call));
    command_log_note(&dispatch->logs, LOG_LARGE_REPLY, call,
                     unsent > reply_bytes ? unsent - reply_bytes : 0);
}

static inline void ran(struct dispatch *dispatch, const struct call *call, struct command_row *row,
                       uint64_t ns, bool failed)
{
    dispatch_account(dispatch, row, call->reply, ns, failed);
    if (UNLIKELY(call->client->tracking != NULL))
        tracking_ran(&dispatch->tracker, call, row);
    if (UNLIKELY(ns >= dispatch->slow_ns))
        note_slow(dispatch, call, ns);
    if (UNLIKELY(dispatch->hook_count > 0))
        hooks_after(dispatch, call, ns);
}

void dispatch_ran(struct dispatch *dispatch, const struct call *call, struct command_row *row,
                  uint64_t ns, bool failed)
{
    ran(dispatch, call, row, ns, failed);
}

static void run_heard(struct dispatch *dispatch, const struct command_row *row)
{
    effects_begin(&dispatch->effects, &dispatch->call);
    row->run(&dispatch->call);
    effects_end(&dispatch->effects, &dispatch->call);
}

static void run(struct dispatch *dispatch, struct command_row *row, uint64_t spent_ns)
{
    struct call *call = &dispatch->call;
    uint32_t errors = call->reply->errors;
    uint64_t reply_bytes = reply_unsent(call->reply);
    pushes_begin(&dispatch->pushes, call->client);
    if (UNLIKELY(effects_wanted(&dispatch->effects)))
        run_heard(dispatch, row);
    else
        row->run(call);
    pushes_answered(&dispatch->pushes, call->client);
    uint64_t ns = elapsed_ns(dispatch);
    /* A long request lies where its client's input is kept. */
    if (UNLIKELY(reply_unsent(call->reply) - reply_bytes + call->client->input.count >=
                 dispatch->large_bytes))
        note_sizes(dispatch, call, reply_bytes);
    if (UNLIKELY(dispatch->monitors.count > 0) && dispatch->blocker->again == NULL &&
        (row->flags & (CMD_ADMIN | CMD_SKIP_MONITOR)) == 0)
        monitors_tell(&dispatch->monitors, call, false);
    if (!keeps_waiting(dispatch, ns)) {
        ns += spent_ns;
        ran(dispatch, call, row, ns, call->reply->errors != errors);
    }
    if (UNLIKELY(call->client->tracking != NULL))
        tracking_command_over(&dispatch->tracker, call->client, row);
    if (dispatch->arena.used != 0 || dispatch->arena.last != dispatch->arena.first)
        arena_reset(&dispatch->arena);
}

void dispatch_refused(struct dispatch *dispatch, struct command_row *row, const struct reply *reply)
{
    if (row != NULL)
        row->counters.rejected++;
    count_error(dispatch, reply);
}

static void refuse(const struct dispatch *dispatch, const struct plan *plan,
                   const struct net_request *request, struct reply *reply)
{
    if (plan->row == NULL)
        cmd_table_unknown(dispatch->context->table, request->argv, request->argc, reply);
    else if (!plan->arity_fits)
        cmd_table_wrong_arity(plan->row, reply);
}

static void set_call(struct dispatch *dispatch, const struct command_row *row,
                     const struct net_request *request, const struct key *keys, uint32_t key_count)
{
    struct call *call = &dispatch->call;
    struct client *client = request->client;
    call->client = client;
    call->reply = &client->reply;
    call->command = row->command;
    call->argv = request->argv;
    call->argc = request->argc;
    call->db = client->db;
    call->read_flags = (client->flags & CLIENT_NO_TOUCH) != 0 ? STORE_NO_TOUCH : STORE_TOUCH;
    call->keys = keys;
    call->key_count = key_count;
    call->first = key_count > 0 ? keys[0] : (struct key){ { NULL, 0 }, 0 };
}

void dispatch_again(struct dispatch *dispatch, struct command_row *row,
                    const struct net_request *request, uint64_t spent_ns)
{
    struct client *client = request->client;
    if (!dispatch_allows(dispatch, row, client, request->argv, request->argc, ACCESS_TOP_LEVEL,
                         &client->reply)) {
        dispatch_refused(dispatch, row, &client->reply);
        return;
    }
    uint32_t count = 0;
    if (row->first_key != 0)
        count = dispatch_hash_keys(dispatch->call.store, row, request->argv, request->argc,
                                   dispatch->again_keys, AGAIN_KEYS);
    set_call(dispatch, row, request, dispatch->again_keys, count);
    run(dispatch, row, spent_ns);
}

/* PFCOUNT reads, and what it remembers of that is logged. */
static bool may_be_logged(const struct command_row *row)
{
    return row->run != NULL && (row->flags & (CMD_WRITE | CMD_READ | CMD_MAY_REPLICATE)) != 0;
}

enum err dispatch_logged(struct dispatch *dispatch, struct client *client, struct bytes *argv,
                         uint32_t argc)
{
    const struct call outer = dispatch->call;
    struct net_request request = { client, argv, argc };
    uint32_t count = 0, errors = client->reply.errors;
    struct command_row *row = cmd_table_find(dispatch->context->table, argv, argc);
    if (row == NULL || !dispatch_arity_fits(row, argc) || !may_be_logged(row))
        return ERR_MISSING;
    if (row->first_key != 0)
        count = dispatch_hash_keys(dispatch->call.store, row, argv, argc, dispatch->again_keys,
                                   AGAIN_KEYS);
    set_call(dispatch, row, &request, dispatch->again_keys, count);
    dispatch->call.arena = &dispatch->logged_arena;
    dispatch->call.never_waits = true;
    row->run(&dispatch->call);
    arena_reset(&dispatch->logged_arena);
    dispatch->call = outer;
    bool failed = client->reply.errors != errors;
    return failed && strcmp(client->reply.pool->error_code, "OOM") == 0 ? ERR_MEMORY : ERR_NONE;
}

/* What was refused in `reply` spoils the transaction; EXEC ends it, and says why in its own. */
static void end_refused(struct dispatch *dispatch, struct command_row *row, struct client *client,
                        struct reply *reply)
{
    transaction_spoil(client);
    if (reply != &client->reply)
        transaction_abort(dispatch->context, client, reply);
    dispatch_refused(dispatch, row, reply);
}

/* The checks of execute(); a refusal spoils the transaction, and one of EXEC ends it. */
static bool refused_in_multi(struct dispatch *dispatch, const struct plan *plan,
                             const struct net_request *request)
{
    struct client *client = request->client;
    struct command_row *row = plan->row;
    bool is_exec = row != NULL && row->run == cmd_exec;
    struct reply aside, *reply = is_exec ? &aside : &client->reply;
    reply_init(&aside, client->reply.pool);
    bool refused = !plan->arity_fits ||
                   !may_run(dispatch, row, transaction_flags(client, row), request, reply);
    if (refused) {
        refuse(dispatch, plan, request, reply);
        end_refused(dispatch, row, client, reply);
    }
    reply_release(&aside);
    return refused;
}

static void execute_in_multi(struct dispatch *dispatch, const struct plan *plan,
                             const struct net_request *request)
{
    request->client->last_command = plan->row != NULL ? plan->row->command : NULL;
    if (refused_in_multi(dispatch, plan, request))
        return;
    set_call(dispatch, plan->row, request, &dispatch->keys[plan->first], plan->count);
    if (!transaction_passes(plan->row)) {
        transaction_queue(&dispatch->call, plan->row);
        dispatch->last_ticks = ticks_now();
        return;
    }
    dispatch->figures->commands++;
    run(dispatch, plan->row, 0);
    if (UNLIKELY(blocker_has_work(dispatch->blocker)))
        blocker_serve(dispatch->blocker);
}

static void execute(struct dispatch *dispatch, const struct plan *plan,
                    const struct net_request *request)
{
    struct client *client = request->client;
    if (UNLIKELY(plan->row != NULL && plan->row->run == cmd_exec)) {
        execute_in_multi(dispatch, plan, request); /* refused it says EXECABORT without MULTI too */
        return;
    }
    dispatch->figures->commands++;
    client->last_command = plan->row != NULL ? plan->row->command : NULL;
    if (UNLIKELY(!plan->arity_fits) ||
        UNLIKELY(!may_run(dispatch, plan->row, plan->row->flags, request, &client->reply))) {
        refuse(dispatch, plan, request, &client->reply);
        dispatch_refused(dispatch, plan->row, &client->reply);
        return;
    }
    set_call(dispatch, plan->row, request, &dispatch->keys[plan->first], plan->count);
    if (UNLIKELY(dispatch->hook_count > 0) && !hooks_before(dispatch, plan->row))
        return;
    run(dispatch, plan->row, 0);
    if (UNLIKELY(blocker_has_work(dispatch->blocker)))
        blocker_serve(dispatch->blocker);
}

/* Returns how many were executed: all, unless a client is stopped on the way. */
static size_t execute_slice(struct dispatch *dispatch, const struct net_request *requests,
                            size_t count)
{
    dispatch->last_ticks = ticks_now();
    for (size_t i = 0; i < count; i++) {
        struct client *client = requests[i].client;
        if (UNLIKELY(dispatch->context->ending))
            break; /* what is behind SHUTDOWN is passed over, without a reply */
        if (UNLIKELY(client == NULL))
            continue; /* it was taken back, while one before it took long */
        if (UNLIKELY((client->flags & CLIENT_ODD) != CLIENT_AUTHENTICATED)) {
            if ((client->flags & CLIENT_STOPPED) != 0) {
                count = i;
                break;
            }
            mute_by_mode(client);
            dispatch->running = &requests[i];
            if ((client->flags & CLIENT_IN_MULTI) != 0) {
                execute_in_multi(dispatch, &dispatch->plans[i], &requests[i]);
                continue;
            }
        }
        dispatch->running = &requests[i];
        execute(dispatch, &dispatch->plans[i], &requests[i]);
    }
    dispatch->running = NULL;
    return count;
}

/* --- while a script takes long ---------------------------------------------------------------- */

/* On a call of its own: the script's is put back behind it. */
static void run_while_busy(struct dispatch *dispatch, struct command_row *row,
                           const struct net_request *request)
{
    const struct call outer = dispatch->call;
    uint32_t errors = request->client->reply.errors;
    struct arena arena;
    arena_init(&arena);
    set_call(dispatch, row, request, NULL, 0);
    dispatch->call.arena = &arena;
    if ((request->client->flags & CLIENT_IN_MULTI) != 0 && !transaction_passes(row)) {
        transaction_queue(&dispatch->call, row);
    } else if (dispatch->hook_count == 0 || hooks_before(dispatch, row)) {
        row->run(&dispatch->call);
        bool failed = request->client->reply.errors != errors;
        dispatch_account(dispatch, row, &request->client->reply, 0, failed);
    }
    dispatch->call = outer;
    arena_release(&arena);
}

static void execute_while_busy(struct dispatch *dispatch, const struct net_request *request)
{
    struct client *client = request->client;
    struct plan plan = { .row = cmd_table_find(dispatch->context->table, request->argv,
                                               request->argc) };
    plan.arity_fits = plan.row != NULL && dispatch_arity_fits(plan.row, request->argc);
    bool is_exec = plan.row != NULL && plan.row->run == cmd_exec;
    struct reply aside, *reply = is_exec ? &aside : &client->reply;
    reply_init(&aside, client->reply.pool);
    dispatch->figures->commands++;
    client->last_command = plan.row != NULL ? plan.row->command : NULL;
    bool let = plan.arity_fits && allows(dispatch, plan.row, client, request->argv, request->argc,
                                         ACCESS_TOP_LEVEL, reply);
    if (let && (plan.row->flags & CMD_ALLOW_BUSY) != 0) {
        run_while_busy(dispatch, plan.row, request);
    } else {
        if (let)
            scripting_busy_error(dispatch->context->scripting, reply);
        else
            refuse(dispatch, &plan, request, reply);
        end_refused(dispatch, plan.row, client, reply);
    }
    reply_release(&aside);
}

/* Everything is refused but the little that may end the script. */
static size_t batch_while_busy(struct dispatch *dispatch, const struct net_request *requests,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (dispatch->context->ending)
            break;
        if ((requests[i].client->flags & CLIENT_STOPPED) != 0)
            return i;
        mute_by_mode(requests[i].client);
        execute_while_busy(dispatch, &requests[i]);
    }
    return count;
}

void dispatch_while_busy(struct dispatch *dispatch)
{
    if (dispatch->running == NULL)
        return;
    uint64_t began_ns = latency_begin(dispatch->context);
    net_turn_within(dispatch->context->net, dispatch->running);
    latency_end(dispatch->context, LATENCY_WHILE_BLOCKED, began_ns);
}

static uint64_t slow_threshold_ns(const struct dispatch *dispatch)
{
    const struct config *config = dispatch->context->config;
    uint64_t lowest = command_log_threshold(config, LOG_SLOW);
    if (lowest != UINT64_MAX)
        lowest *= 1000;
    uint64_t monitor = (uint64_t)config->latency_monitor_threshold * 1000000;
    return monitor > 0 && monitor < lowest ? monitor : lowest;
}

/* Requests shorter than that may lie in bytes that all clients share. */
static uint64_t large_threshold(const struct dispatch *dispatch)
{
    enum { EXACT_BELOW = 128 * 1024, INEXACT_BY = 64 * 1024 };
    uint64_t request = command_log_threshold(dispatch->context->config, LOG_LARGE_REQUEST);
    uint64_t reply = command_log_threshold(dispatch->context->config, LOG_LARGE_REPLY);
    uint64_t least = request < reply ? request : reply;
    if (least == UINT64_MAX)
        return least;
    return least < EXACT_BELOW ? 0 : least - INEXACT_BY;
}

size_t dispatch_batch(void *context, struct net_request *requests, size_t count)
{
    struct dispatch *dispatch = context;
    if (scripting_is_busy(dispatch->context->scripting))
        return batch_while_busy(dispatch, requests, count);
    store_set_now_ms(dispatch->call.store, seam_wall_ms(dispatch->context->seam));
    dispatch->track_latency = dispatch->context->config->latency_tracking;
    dispatch->slow_ns = slow_threshold_ns(dispatch);
    dispatch->large_bytes = large_threshold(dispatch);
    size_t done = 0;
    while (done < count) {
        size_t planned = plan_slice(dispatch, requests + done, count - done);
        if (planned > 1)
            prefetch_slice(dispatch, requests + done, planned);
        size_t executed = execute_slice(dispatch, requests + done, planned);
        done += executed;
        if (executed < planned)
            break;
    }
    return done;
}

static uint64_t serve_blocked(struct dispatch *dispatch, uint64_t now_ns)
{
    struct blocker *blocker = dispatch->blocker;
    if (LIKELY(!blocker_has_work(blocker) && queues_earliest(&blocker->queues) == NULL))
        return UINT64_MAX;
    store_set_now_ms(dispatch->call.store, seam_wall_ms(dispatch->context->seam));
    dispatch->last_ticks = ticks_now();
    blocker_serve(blocker);
    return blocker_time_out(blocker, now_ns);
}

uint64_t dispatch_between(struct dispatch *dispatch, uint64_t now_ns)
{
    uint64_t blocked_ns = serve_blocked(dispatch, now_ns);
    uint64_t idle_ns = peers_tidy(&dispatch->peers, now_ns);
    uint64_t tracking_ns = tracking_step(&dispatch->tracker);
    idle_ns = tracking_ns < idle_ns ? tracking_ns : idle_ns;
    return blocked_ns < idle_ns ? blocked_ns : idle_ns;
}

/* What would be refused is answered at once, pause or not. */
bool dispatch_held(void *context, const struct net_request *request, bool writes_only)
{
    const struct dispatch *dispatch = context;
    const struct command_row *row =
        cmd_table_find(dispatch->context->table, request->argv, request->argc);
    if (row == NULL || !dispatch_arity_fits(row, request->argc))
        return false;
    if ((request->client->flags & CLIENT_AUTHENTICATED) == 0 && (row->flags & CMD_NO_AUTH) == 0 &&
        access_needs_password(dispatch->context))
        return false;
    return !writes_only ||
           (transaction_flags(request->client, row) & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
}
