#include "cmd/tracking.h"

#include "base/memory.h"
#include "cmd/keys.h"
#include "conf/config.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

enum { FORGET_AT_ONCE = 1000, FORGET_PAUSE_NS = 1000 * 1000 };

/* A key and who read it: their numbers in order, the first of a single one in its place. */
struct tracked_key {
    struct table_link link;
    uint64_t one;
    uint64_t *many; /* NULL: there is one */
    uint32_t count, room;
    size_t name_bytes;
    uint8_t name[];
};

static struct bytes name_of(const struct tracked_key *key)
{
    return bytes_of(key->name, key->name_bytes);
}

/* --- the table -------------------------------------------------------------------------------- */

static struct tracked_key *find_key(const struct tracker *tracker, const struct key *key)
{
    struct table_link *link = linked_table_first(&tracker->keys, key->hash);
    while (link != NULL && !bytes_equal(name_of((struct tracked_key *)link), key->name))
        link = linked_table_next(link);
    return (struct tracked_key *)link;
}

static struct tracked_key *make_key(struct tracker *tracker, const struct key *key)
{
    struct tracked_key *made = memory_take(sizeof *made + key->name.count);
    if (made == NULL)
        return NULL;
    *made = (struct tracked_key){ .name_bytes = key->name.count };
    if (key->name.count > 0)
        memcpy(made->name, key->name.at, key->name.count);
    if (!linked_table_add(&tracker->keys, &made->link, key->hash)) {
        memory_give(made);
        return NULL;
    }
    tracker->bytes += memory_usable(made);
    return made;
}

static void drop_key(struct tracker *tracker, struct tracked_key *key)
{
    tracker->bytes -= memory_usable(key);
    if (key->many != NULL)
        tracker->bytes -= key->room * sizeof *key->many;
    memory_give(key->many);
    memory_give(key);
}

/* Out of the table; it then belongs to the caller. */
static void take_out(struct tracker *tracker, struct tracked_key *key)
{
    linked_table_remove(&tracker->keys, &key->link);
    tracker->items -= key->count;
}

/* So many at most of those that nobody asks for any more. */
static void give_back(struct tracker *tracker, uint32_t most)
{
    struct linked_table *table = &tracker->forgotten;
    struct table_link *link;
    for (; most > 0 && (link = linked_table_any(table, tracker->draws)) != NULL; most--) {
        linked_table_remove(table, link);
        drop_key(tracker, (struct tracked_key *)link);
    }
}

/* All keys at once; their memory comes back in steps, unless the last ones' has not yet. */
static void forget_all(struct tracker *tracker)
{
    give_back(tracker, tracker->forgotten.count);
    tracker->forgotten = tracker->keys;
    tracker->keys = (struct linked_table){ 0 };
    tracker->items = 0;
}

/* Where a number stands, or would. */
static uint32_t place_of(const struct tracked_key *key, uint64_t id)
{
    uint32_t from = 0, to = key->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (key->many[middle] < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool has_room(struct tracker *tracker, struct tracked_key *key)
{
    enum { ROOM_LEAST = 4 };
    if (key->count < key->room)
        return true;
    uint32_t room = key->room == 0 ? ROOM_LEAST : key->room * 2;
    uint64_t *many = memory_resize(key->many, room * sizeof *many);
    if (many == NULL)
        return false;
    if (key->many == NULL)
        many[0] = key->one;
    tracker->bytes += (room - key->room) * sizeof *many;
    key->many = many;
    key->room = room;
    return true;
}

static bool add_reader(struct tracker *tracker, struct tracked_key *key, uint64_t id)
{
    if (key->count == 0) {
        key->one = id;
    } else if (key->many == NULL && key->one == id) {
        return true;
    } else {
        if (key->many != NULL) {
            uint32_t there = place_of(key, id);
            if (there < key->count && key->many[there] == id)
                return true;
        }
        if (!has_room(tracker, key))
            return false;
        uint32_t at = place_of(key, id);
        memmove(&key->many[at + 1], &key->many[at], (key->count - at) * sizeof *key->many);
        key->many[at] = id;
    }
    key->count++;
    tracker->items++;
    return true;
}

static bool remember(struct tracker *tracker, struct client *client, struct bytes name)
{
    struct key key = store_key(tracker->context->store, name);
    struct tracked_key *tracked = find_key(tracker, &key);
    if (tracked == NULL)
        tracked = make_key(tracker, &key);
    if (tracked == NULL)
        return false;
    if (add_reader(tracker, tracked, client->id))
        return true;
    if (tracked->count == 0) {
        take_out(tracker, tracked);
        drop_key(tracker, tracked);
    }
    return false;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void send_key(struct tracker *tracker, struct client *client, struct bytes name)
{
    struct buffer value = { 0 };
    if (buffer_printf(&value, "*1\r\n$%zu\r\n", name.count) && buffer_append(&value, name) &&
        buffer_append_text(&value, "\r\n"))
        tracking_send(tracker, client, buffer_view(&value));
    else
        reply_give_up(&client->reply, false);
    buffer_release(&value);
}

static void send_all_gone(struct tracker *tracker, struct client *client)
{
    tracking_send(tracker, client, client->reply.resp == 3 ? BYTES("_\r\n") : BYTES("$-1\r\n"));
}

/* The client whose command runs hears of it behind the reply. */
static void send_later(struct tracker *tracker, struct client *client, struct bytes name)
{
    size_t count = name.count, before = tracker->later.count;
    struct reply *reply = &client->reply;
    bool over = reply->bytes_max != 0 && before > reply->bytes_max;
    if (!over && buffer_append(&tracker->later, bytes_of(&count, sizeof count)) &&
        buffer_append(&tracker->later, name))
        return;
    tracker->later.count = before;
    reply_give_up(reply, over);
}

/* To whom tracking was said since by its mode, or who is gone, it is not told. */
static void tell_reader(struct tracker *tracker, uint64_t id, struct bytes name)
{
    const struct client *executing = tracker->context->pushes->executing;
    struct client *client = net_client_by_id(tracker->context->net, id);
    if (client == NULL || client->tracking == NULL ||
        (client->tracking->flags & TRACKING_BCAST) != 0)
        return;
    if (client != executing)
        send_key(tracker, client, name);
    else if ((client->tracking->flags & TRACKING_NOLOOP) == 0)
        send_later(tracker, client, name);
}

static void invalidate(struct tracker *tracker, struct tracked_key *key)
{
    take_out(tracker, key);
    if (key->many == NULL)
        tell_reader(tracker, key->one, name_of(key));
    for (uint32_t i = 0; key->many != NULL && i < key->count; i++)
        tell_reader(tracker, key->many[i], name_of(key));
    drop_key(tracker, key);
}

static void on_changed(void *context, unsigned db, struct bytes name, enum event event)
{
    struct tracker *tracker = context;
    (void)db;
    (void)event;
    if (tracker->prefixes.count > 0)
        prefixes_note(tracker, name);
    if (tracker->keys.count == 0)
        return;
    struct key key = store_key(tracker->context->store, name);
    struct tracked_key *tracked = find_key(tracker, &key);
    if (tracked != NULL)
        invalidate(tracker, tracked);
}

static void tell_all_gone(void *context, struct client *client)
{
    struct tracker *tracker = context;
    if (client->tracking == NULL)
        return;
    if (client == tracker->context->pushes->executing)
        tracker->later_all = true;
    else
        send_all_gone(tracker, client);
}

static void on_flushed(void *context, unsigned db)
{
    struct tracker *tracker = context;
    (void)db;
    net_each_client(tracker->context->net, tell_all_gone, tracker);
    forget_all(tracker);
}

static void tell_what_waited(struct tracker *tracker, struct client *client)
{
    struct bytes rest = buffer_view(&tracker->later);
    bool all = tracker->later_all;
    tracker->later_all = false;
    while (rest.count > 0) {
        size_t count;
        memcpy(&count, rest.at, sizeof count);
        if (client->tracking != NULL)
            send_key(tracker, client, bytes_of(rest.at + sizeof count, count));
        rest = bytes_of(rest.at + sizeof count + count, rest.count - sizeof count - count);
    }
    if (all && client->tracking != NULL)
        send_all_gone(tracker, client);
    buffer_release(&tracker->later);
}

/* --- what was read ---------------------------------------------------------------------------- */

/* Keys beyond the bound are forgotten, and whoever read them is told as if they had changed. */
static void keep_bound(struct tracker *tracker)
{
    uint64_t most = (uint64_t)tracker->context->config->tracking_table_max_keys;
    while (most != 0 && tracker->keys.count > most) {
        tracker->draws = tracker->draws * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct table_link *link = linked_table_any(&tracker->keys, tracker->draws >> 20);
        invalidate(tracker, (struct tracked_key *)link);
    }
}

static bool remembers(const struct tracking *tracking, const struct command_row *row)
{
    const struct command *command = row->command;
    bool said = (tracking->flags & TRACKING_CACHING) != 0;
    if ((command->flags & CMD_READ) == 0 || (command->flags & CMD_PUBSUB) != 0 ||
        command->group == GROUP_SCRIPTING || (tracking->flags & TRACKING_BCAST) != 0)
        return false;
    return !((tracking->flags & TRACKING_OPTIN) != 0 && !said) &&
           !((tracking->flags & TRACKING_OPTOUT) != 0 && said);
}

void tracking_ran(struct tracker *tracker, const struct call *call, const struct command_row *row)
{
    struct key_list list;
    if (!remembers(call->client->tracking, row) || push_is_over(call->client))
        return;
    enum err err = keys_find(row->command, call->argv, call->argc, call->arena, &list);
    if (err == ERR_MEMORY)
        reply_give_up(&call->client->reply, false);
    if (err != ERR_NONE)
        return;
    for (uint32_t i = 0; i < list.count; i++) {
        if (!remember(tracker, call->client, call->argv[list.keys[i].at]))
            reply_give_up(&call->client->reply, false);
    }
    keep_bound(tracker);
    tracking_settle(tracker);
}

void tracking_command_over(struct tracker *tracker, struct client *client,
                           const struct command_row *row)
{
    if (tracker->later.count != 0 || tracker->later_all)
        tell_what_waited(tracker, client);
    const struct command *whole = row->container != NULL ? row->container->command : row->command;
    if (strcmp(whole->name, "client") != 0 && strcmp(whole->name, "multi") != 0)
        client->tracking->flags &= ~(unsigned)TRACKING_CACHING;
}

/* --- on and off ------------------------------------------------------------------------------- */

void tracker_init(struct tracker *tracker, struct cmd_context *context)
{
    *tracker = (struct tracker){ .context = context };
}

void tracker_release(struct tracker *tracker)
{
    forget_all(tracker);
    give_back(tracker, UINT32_MAX);
    linked_table_release(&tracker->keys);
    linked_table_release(&tracker->forgotten);
    linked_table_release(&tracker->prefixes);
    memory_give(tracker->lengths);
    buffer_release(&tracker->later);
}

void tracking_settle(struct tracker *tracker)
{
    uint64_t bytes =
        tracker->bytes + tracker->keys.bytes + tracker->forgotten.bytes + tracker->prefixes.bytes;
    if (bytes == tracker->bytes_told)
        return;
    net_hold(tracker->context->net, (int64_t)(bytes - tracker->bytes_told));
    tracker->bytes_told = bytes;
}

static void begin(struct tracker *tracker)
{
    struct store_hooks hooks = { .changed = on_changed, .flushed = on_flushed, .context = tracker };
    if (tracker->clients++ == 0)
        store_add_hooks(tracker->context->store, &hooks);
}

static bool has_all_keys(const struct client *client)
{
    const struct prefix_member *at = client->tracking->first;
    while (at != NULL && prefix_text(at->prefix).count > 0)
        at = at->behind;
    return at != NULL;
}

static bool join_prefixes(struct tracker *tracker, struct client *client,
                          const struct bytes *prefixes, uint32_t count)
{
    if (count == 0)
        return has_all_keys(client) || prefixes_join(tracker, client, BYTES(""));
    for (uint32_t i = 0; i < count; i++)
        if (!prefixes_join(tracker, client, prefixes[i]))
            return false;
    return true;
}

bool tracking_start(struct tracker *tracker, struct client *client, unsigned flags,
                    uint64_t redirect, const struct bytes *prefixes, uint32_t count)
{
    if (client->tracking == NULL) {
        client->tracking = memory_take_zeroed(sizeof *client->tracking);
        if (client->tracking == NULL)
            return false;
        client_hold(client, (int64_t)sizeof *client->tracking);
        begin(tracker);
    }
    client->tracking->flags = flags | (client->tracking->flags & TRACKING_CACHING);
    client->tracking->redirect = redirect;
    if ((flags & TRACKING_BCAST) != 0 && !join_prefixes(tracker, client, prefixes, count)) {
        tracking_stop(tracker, client);
        return false;
    }
    tracking_settle(tracker);
    return true;
}

void tracking_stop(struct tracker *tracker, struct client *client)
{
    if (client->tracking == NULL)
        return;
    if (client == tracker->context->pushes->executing) { /* what waits was for it */
        buffer_release(&tracker->later);
        tracker->later_all = false;
    }
    prefixes_leave_all(tracker, client);
    client_hold(client, -(int64_t)sizeof *client->tracking);
    memory_give(client->tracking);
    client->tracking = NULL;
    if (--tracker->clients == 0) {
        store_remove_hooks(tracker->context->store, tracker);
        forget_all(tracker); /* nobody is left whom to tell */
    }
    tracking_settle(tracker);
}

uint64_t tracking_step(struct tracker *tracker)
{
    if (UNLIKELY(tracker->changed != NULL))
        prefixes_tell(tracker);
    if (LIKELY(tracker->forgotten.count == 0))
        return UINT64_MAX;
    give_back(tracker, FORGET_AT_ONCE);
    tracking_settle(tracker);
    return tracker->forgotten.count > 0 ? FORGET_PAUSE_NS : UINT64_MAX;
}
