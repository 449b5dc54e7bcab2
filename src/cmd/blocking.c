#include "cmd/blocking.h"

#include "base/memory.h"
#include "base/number.h"
#include "cmd/args.h"
#include "cmd/blocker.h"
#include "cmd/dispatch.h"
#include "cmd/latency.h"

#include <math.h>

enum { NS_PER_MS = 1000000 };

/* --- what the store tells --------------------------------------------------------------------- */

static void on_changed(void *context, unsigned db, struct bytes name, enum event event)
{
    struct blocker *blocker = context;
    struct key key = store_key(blocker->context->store, name);
    (void)event;
    queues_changed(&blocker->queues, db, &key);
}

static void on_flushed(void *context, unsigned db)
{
    struct blocker *blocker = context;
    queues_all_changed(&blocker->queues, db);
}

static void listen_to_store(struct blocker *blocker)
{
    struct store_hooks hooks = { .changed = on_changed, .flushed = on_flushed, .context = blocker };
    store_add_hooks(blocker->context->store, &hooks);
}

/* While nobody waits the store has nobody to tell. */
static void leave_store(struct blocker *blocker)
{
    store_remove_hooks(blocker->context->store, blocker);
}

/* --- coming and going ------------------------------------------------------------------------- */

struct blocker *blocker_new(struct cmd_context *context, struct dispatch *dispatch)
{
    struct blocker *blocker = memory_take_zeroed(sizeof *blocker);
    if (blocker == NULL)
        return NULL;
    blocker->context = context;
    blocker->dispatch = dispatch;
    return blocker;
}

void blocker_drop(struct blocker *blocker)
{
    if (blocker == NULL)
        return;
    if (blocker->queues.waiters > 0)
        leave_store(blocker);
    queues_release(&blocker->queues);
    memory_give(blocker);
}

static void drop_waiter(struct blocker *blocker, struct waiter *waiter)
{
    queues_remove(&blocker->queues, waiter);
    memory_give(waiter);
    if (blocker->queues.waiters == 0)
        leave_store(blocker);
}

/* Its reply has been written. */
static void release(struct blocker *blocker, struct waiter *waiter, struct client *client)
{
    client->waiting = NULL;
    drop_waiter(blocker, waiter);
    client_unblock(client);
}

void blocker_left(struct blocker *blocker, struct client *client)
{
    if (client->waiting == NULL)
        return;
    drop_waiter(blocker, client->waiting);
    client->waiting = NULL;
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct wait_shape {
    const struct bytes *argv;
    uint32_t argc;
    size_t text_bytes; /* of all arguments */
};

static struct wait_shape shape_of(const struct call *call, const struct wait *wait)
{
    struct wait_shape shape = { .argv = wait->argv != NULL ? wait->argv : call->argv,
                                .argc = wait->argv != NULL ? wait->argc : call->argc };
    for (uint32_t i = 0; i < shape.argc; i++)
        shape.text_bytes += shape.argv[i].count;
    return shape;
}

/* waiter | its links | argv | the bytes of the arguments */
static void copy_arguments(struct waiter *waiter, uint32_t key_count,
                           const struct wait_shape *shape)
{
    waiter->argv = (struct bytes *)(void *)&waiter->links[key_count];
    waiter->argc = shape->argc;
    uint8_t *at = (uint8_t *)&waiter->argv[shape->argc];
    for (uint32_t i = 0; i < shape->argc; i++) {
        struct bytes text = shape->argv[i];
        if (text.count > 0)
            memcpy(at, text.at, text.count);
        waiter->argv[i] = bytes_of(at, text.count);
        at += text.count;
    }
}

static uint64_t deadline_of(const struct call *call, int64_t timeout_ms)
{
    uint64_t ns = 0;
    if (timeout_ms == 0)
        return WAIT_FOREVER_NS;
    if (__builtin_mul_overflow((uint64_t)timeout_ms, (uint64_t)NS_PER_MS, &ns) ||
        __builtin_add_overflow(ns, seam_now_ns(call->context->seam), &ns))
        return WAIT_FOREVER_NS - 1; /* it counts as one with an end */
    return ns;
}

static struct waiter *make_waiter(const struct call *call, const struct wait *wait)
{
    struct wait_shape shape = shape_of(call, wait);
    struct waiter *waiter = memory_take(sizeof *waiter + wait->key_count * sizeof *waiter->links +
                                        shape.argc * sizeof *shape.argv + shape.text_bytes);
    if (waiter == NULL)
        return NULL;
    *waiter = (struct waiter){ .client_id = call->client->id,
                               .deadline_ns = deadline_of(call, wait->timeout_ms),
                               .row = cmd_table_row(call->context->table, call->command),
                               .timed_out = wait->timed_out,
                               .db = call->db,
                               .type = (uint8_t)wait->type,
                               .until_gone = (wait->flags & WAIT_UNTIL_GONE) != 0 };
    copy_arguments(waiter, wait->key_count, &shape);
    return waiter;
}

static bool enqueue(struct blocker *blocker, struct call *call, struct waiter *waiter,
                    const struct wait *wait)
{
    struct key *keys = arena_take(call->arena, wait->key_count * sizeof *keys);
    if (keys == NULL)
        return false;
    for (uint32_t i = 0; i < wait->key_count; i++)
        keys[i] = store_key(call->store, wait->keys[i]);
    return queues_add(&blocker->queues, waiter, keys, wait->key_count);
}

bool call_may_wait(const struct call *call)
{
    return !call->never_waits;
}

void call_wait(struct call *call, const struct wait *wait)
{
    struct blocker *blocker = call->context->blocker;
    DCHECK(call_may_wait(call) && wait->key_count > 0);
    if (call->client->waiting != NULL) {
        blocker->waits_on = true;
        return;
    }
    struct waiter *waiter = make_waiter(call, wait);
    if (waiter == NULL || !enqueue(blocker, call, waiter, wait)) {
        memory_give(waiter);
        call_memory_error(call);
        return;
    }
    if (blocker->queues.waiters == 1)
        listen_to_store(blocker);
    call->client->waiting = waiter;
    client_block(call->client);
}

bool blocker_keeps(struct blocker *blocker, const struct client *client, uint64_t ns)
{
    struct waiter *waiter = client->waiting;
    if (waiter == NULL || (waiter == blocker->again && !blocker->waits_on))
        return false;
    waiter->spent_ns += ns;
    return true;
}

/* Less than a millisecond counts as one. */
bool call_timeout(struct call *call, uint32_t at, int64_t *timeout_ms)
{
    const long double ms_per_s = 1000;
    long double seconds = 0;
    if (!number_read_long_double(call->argv[at], &seconds)) {
        reply_error(call->reply, "ERR timeout is not a float or out of range");
        return false;
    }
    long double ms = ceill(seconds * ms_per_s);
    if (ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return false;
    }
    if (ms > (long double)(INT64_MAX - store_now_ms(call->store))) {
        reply_error(call->reply, "ERR timeout is out of range");
        return false;
    }
    *timeout_ms = (int64_t)ms;
    return true;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* Who is closing is left where it is: blocker_left will come. */
static void run_again(struct blocker *blocker, struct waiter *waiter)
{
    struct client *client = net_client_by_id(blocker->context->net, waiter->client_id);
    if (client == NULL)
        return;
    struct net_request request = { client, waiter->argv, waiter->argc };
    blocker->again = waiter;
    blocker->waits_on = false;
    uint64_t began_ns = latency_begin(blocker->context);
    dispatch_again(blocker->dispatch, waiter->row, &request, waiter->spent_ns);
    latency_end(blocker->context, LATENCY_UNBLOCKING, began_ns);
    blocker->again = NULL;
    if (!blocker->waits_on)
        release(blocker, waiter, client);
}

enum { NO_TYPE = VALUE_TYPES };

static unsigned type_now(const struct blocker *blocker, const struct waited_key *key)
{
    const struct entry *entry =
        store_read(blocker->context->store, key->db, &key->key, STORE_NO_TOUCH | STORE_NO_COUNT);
    return entry != NULL ? entry_type(entry) : NO_TYPE;
}

/* Running one command removes no waiter but its own. */
static void serve_key(struct blocker *blocker, const struct waited_key *key)
{
    struct waiting_link *link = key->oldest;
    unsigned type = type_now(blocker, key);
    while (link != NULL && (type != NO_TYPE || key->until_gone > 0)) {
        struct waiting_link *newer = link->newer;
        struct waiter *waiter = link->waiter;
        if (waiter->until_gone || waiter->type == type) {
            run_again(blocker, waiter);
            type = type_now(blocker, key);
        }
        link = newer;
    }
}

void blocker_serve(struct blocker *blocker)
{
    struct waited_key *key;
    while ((key = queues_next_ready(&blocker->queues)) != NULL) {
        serve_key(blocker, key);
        queues_let_go(&blocker->queues, key);
    }
}

/* --- answers without the key ------------------------------------------------------------------ */

static void write_unblocked(struct reply *reply)
{
    reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
}

static void answer(struct blocker *blocker, struct client *client,
                   void (*write)(struct reply *reply))
{
    struct waiter *waiter = client->waiting;
    uint32_t errors = client->reply.errors;
    write(&client->reply);
    dispatch_account(blocker->dispatch, waiter->row, &client->reply, waiter->spent_ns,
                     client->reply.errors != errors);
    release(blocker, waiter, client);
}

uint64_t blocker_time_out(struct blocker *blocker, uint64_t now_ns)
{
    struct waiter *waiter;
    while ((waiter = queues_earliest(&blocker->queues)) != NULL && waiter->deadline_ns <= now_ns) {
        struct client *client = net_client_by_id(blocker->context->net, waiter->client_id);
        if (client != NULL)
            answer(blocker, client, waiter->timed_out);
        else
            queues_drop_deadline(&blocker->queues, waiter);
    }
    return waiter != NULL ? waiter->deadline_ns - now_ns : UINT64_MAX;
}

bool blocker_unblock(struct blocker *blocker, struct client *client, bool with_error)
{
    struct waiter *waiter = client->waiting;
    if (waiter == NULL)
        return false;
    answer(blocker, client, with_error ? write_unblocked : waiter->timed_out);
    return true;
}
