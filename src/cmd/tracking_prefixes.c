/* Prefixes, and the keys that changed under them in this turn. */
#include "base/memory.h"
#include "cmd/tracking.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

struct changed_key {
    struct table_link link;
    struct changed_key *next;
    uint64_t writer; /* the client that changed it, if one alone did; 0: several, or nobody */
    size_t name_bytes;
    uint8_t name[];
};

struct prefix {
    struct table_link link;
    struct prefix_member *oldest, *newest;
    struct prefix *next_changed; /* in the tracker's list while keys wait */
    struct linked_table changed;
    struct changed_key *first;
    bool lost; /* a key could not be kept for want of memory */
    size_t text_bytes;
    uint8_t text[];
};

struct bytes prefix_text(const struct prefix *prefix)
{
    return bytes_of(prefix->text, prefix->text_bytes);
}

static struct bytes changed_name(const struct changed_key *key)
{
    return bytes_of(key->name, key->name_bytes);
}

/* --- finding: one pass over a key gives the hashes of all its prefixes ------------------------ */

/* Odd and drawn anew with each start of the server, so that nobody can aim collisions. */
static uint64_t factor(const struct tracker *tracker)
{
    return store_key(tracker->context->store, BYTES("prefixes")).hash | 1;
}

static uint64_t roll(uint64_t hash, uint64_t by, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.count; i++)
        hash = (hash + bytes.at[i] + 1) * by;
    return hash;
}

static uint64_t finished(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static struct prefix *find_prefix(const struct tracker *tracker, struct bytes text, uint64_t hash)
{
    struct table_link *link = linked_table_first(&tracker->prefixes, hash);
    while (link != NULL && !bytes_equal(prefix_text((struct prefix *)link), text))
        link = linked_table_next(link);
    return (struct prefix *)link;
}

/* --- the lengths that there are --------------------------------------------------------------- */

static uint32_t length_place(const struct tracker *tracker, size_t bytes)
{
    uint32_t at = 0;
    while (at < tracker->length_count && tracker->lengths[at].bytes < bytes)
        at++;
    return at;
}

static bool count_length(struct tracker *tracker, size_t bytes)
{
    enum { ROOM_LEAST = 8 };
    uint32_t at = length_place(tracker, bytes);
    if (at < tracker->length_count && tracker->lengths[at].bytes == bytes) {
        tracker->lengths[at].prefixes++;
        return true;
    }
    if (tracker->length_count == tracker->length_room) {
        uint32_t room = tracker->length_room == 0 ? ROOM_LEAST : tracker->length_room * 2;
        struct prefix_length *more = memory_resize(tracker->lengths, room * sizeof *more);
        if (more == NULL)
            return false;
        tracker->lengths = more;
        tracker->length_room = room;
    }
    memmove(&tracker->lengths[at + 1], &tracker->lengths[at],
            (tracker->length_count - at) * sizeof *tracker->lengths);
    tracker->lengths[at] = (struct prefix_length){ bytes, 1 };
    tracker->length_count++;
    return true;
}

static void uncount_length(struct tracker *tracker, size_t bytes)
{
    uint32_t at = length_place(tracker, bytes);
    if (--tracker->lengths[at].prefixes > 0)
        return;
    tracker->length_count--;
    memmove(&tracker->lengths[at], &tracker->lengths[at + 1],
            (tracker->length_count - at) * sizeof *tracker->lengths);
}

/* --- joining and leaving ---------------------------------------------------------------------- */

static struct prefix *make_prefix(struct tracker *tracker, struct bytes text, uint64_t hash)
{
    struct prefix *made = memory_take(sizeof *made + text.count);
    if (made == NULL)
        return NULL;
    *made = (struct prefix){ .text_bytes = text.count };
    if (text.count > 0)
        memcpy(made->text, text.at, text.count);
    if (!count_length(tracker, text.count)) {
        memory_give(made);
        return NULL;
    }
    if (!linked_table_add(&tracker->prefixes, &made->link, hash)) {
        uncount_length(tracker, text.count);
        memory_give(made);
        return NULL;
    }
    tracker->bytes += memory_usable(made);
    return made;
}

static void forget_changes(struct tracker *tracker, struct prefix *prefix)
{
    while (prefix->first != NULL) {
        struct changed_key *next = prefix->first->next;
        linked_table_remove(&prefix->changed, &prefix->first->link);
        tracker->bytes -= memory_usable(prefix->first);
        memory_give(prefix->first);
        prefix->first = next;
    }
    prefix->lost = false;
}

static bool is_listed(const struct prefix *prefix)
{
    return prefix->first != NULL || prefix->lost;
}

static void drop_prefix(struct tracker *tracker, struct prefix *prefix)
{
    struct prefix **at = &tracker->changed;
    while (is_listed(prefix) && *at != prefix)
        at = &(*at)->next_changed;
    if (is_listed(prefix))
        *at = prefix->next_changed;
    forget_changes(tracker, prefix);
    uncount_length(tracker, prefix->text_bytes);
    linked_table_remove(&tracker->prefixes, &prefix->link);
    tracker->bytes -= memory_usable(prefix);
    memory_give(prefix);
}

static void link_member(struct prefix_member *member)
{
    struct prefix *prefix = member->prefix;
    struct tracking *tracking = member->client->tracking;
    member->older = prefix->newest;
    if (member->older == NULL)
        prefix->oldest = member;
    else
        member->older->newer = member;
    prefix->newest = member;
    member->before = tracking->last;
    if (member->before == NULL)
        tracking->first = member;
    else
        member->before->behind = member;
    tracking->last = member;
    tracking->prefix_count++;
}

/* pre: no prefix of the client's is this one already. */
bool prefixes_join(struct tracker *tracker, struct client *client, struct bytes text)
{
    uint64_t hash = finished(roll(0, factor(tracker), text));
    struct prefix_member *member = memory_take(sizeof *member);
    if (member == NULL)
        return false;
    struct prefix *prefix = find_prefix(tracker, text, hash);
    if (prefix == NULL)
        prefix = make_prefix(tracker, text, hash);
    if (prefix == NULL) {
        memory_give(member);
        return false;
    }
    *member = (struct prefix_member){ .prefix = prefix, .client = client };
    link_member(member);
    client_hold(client, (int64_t)sizeof *member);
    return true;
}

void prefixes_leave_all(struct tracker *tracker, struct client *client)
{
    struct tracking *tracking = client->tracking;
    while (tracking->first != NULL) {
        struct prefix_member *member = tracking->first;
        struct prefix *prefix = member->prefix;
        tracking->first = member->behind;
        if (member->older == NULL)
            prefix->oldest = member->newer;
        else
            member->older->newer = member->newer;
        if (member->newer == NULL)
            prefix->newest = member->older;
        else
            member->newer->older = member->older;
        client_hold(client, -(int64_t)sizeof *member);
        memory_give(member);
        if (prefix->oldest == NULL)
            drop_prefix(tracker, prefix);
    }
    tracking->last = NULL;
    tracking->prefix_count = 0;
}

/* --- what changes ----------------------------------------------------------------------------- */

static struct changed_key *find_changed(const struct prefix *prefix, struct bytes name,
                                        uint64_t hash)
{
    struct table_link *link = linked_table_first(&prefix->changed, hash);
    while (link != NULL && !bytes_equal(changed_name((struct changed_key *)link), name))
        link = linked_table_next(link);
    return (struct changed_key *)link;
}

static struct changed_key *keep_changed(struct tracker *tracker, struct prefix *prefix,
                                        struct bytes name, uint64_t hash)
{
    struct changed_key *key = memory_take(sizeof *key + name.count);
    if (key == NULL)
        return NULL;
    *key = (struct changed_key){ .name_bytes = name.count };
    if (name.count > 0)
        memcpy(key->name, name.at, name.count);
    if (!linked_table_add(&prefix->changed, &key->link, hash)) {
        memory_give(key);
        return NULL;
    }
    tracker->bytes += memory_usable(key);
    key->next = prefix->first;
    prefix->first = key;
    return key;
}

static void note_for(struct tracker *tracker, struct prefix *prefix, struct bytes name)
{
    const struct client *executing = tracker->context->pushes->executing;
    uint64_t writer = executing == NULL ? 0 : executing->id;
    uint64_t hash = store_key(tracker->context->store, name).hash;
    struct changed_key *key = find_changed(prefix, name, hash);
    if (key != NULL) {
        key->writer = key->writer == writer ? writer : 0;
        return;
    }
    if (!is_listed(prefix)) {
        prefix->next_changed = tracker->changed;
        tracker->changed = prefix;
    }
    key = keep_changed(tracker, prefix, name, hash);
    if (key == NULL)
        prefix->lost = true;
    else
        key->writer = writer;
}

void prefixes_note(struct tracker *tracker, struct bytes name)
{
    uint64_t by = factor(tracker), hash = 0;
    size_t done = 0;
    for (uint32_t i = 0; i < tracker->length_count && tracker->lengths[i].bytes <= name.count;
         i++) {
        size_t bytes = tracker->lengths[i].bytes;
        hash = roll(hash, by, bytes_of(name.at + done, bytes - done));
        done = bytes;
        struct prefix *prefix = find_prefix(tracker, bytes_of(name.at, bytes), finished(hash));
        if (prefix != NULL)
            note_for(tracker, prefix, name);
    }
}

/* --- the end of the turn ---------------------------------------------------------------------- */

static int by_name(const void *one, const void *other)
{
    const struct changed_key *a = *(const struct changed_key *const *)one;
    const struct changed_key *b = *(const struct changed_key *const *)other;
    return bytes_compare(changed_name(a), changed_name(b));
}

/* The array of those keys that `but` did not change alone; 0: of all. False: no memory. */
static bool encode(struct buffer *value, struct changed_key *const *keys, uint32_t count,
                   uint64_t but, bool *any)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < count; i++)
        told += but == 0 || keys[i]->writer != but;
    value->count = 0;
    *any = told > 0;
    if (!buffer_printf(value, "*%u\r\n", told))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (but != 0 && keys[i]->writer == but)
            continue;
        if (!buffer_printf(value, "$%zu\r\n", keys[i]->name_bytes) ||
            !buffer_append(value, changed_name(keys[i])) || !buffer_append_text(value, "\r\n"))
            return false;
    }
    return true;
}

/* Whoever could not be told must not go on with what it remembers. */
static void give_up_all(const struct prefix *prefix)
{
    for (struct prefix_member *at = prefix->oldest; at != NULL; at = at->newer)
        reply_give_up(&at->client->reply, false);
}

static bool tell_members(struct tracker *tracker, const struct prefix *prefix,
                         struct changed_key *const *keys, uint32_t count)
{
    struct buffer all = { 0 }, some = { 0 };
    bool any = false;
    bool fine = encode(&all, keys, count, 0, &any);
    for (struct prefix_member *at = prefix->oldest; fine && at != NULL; at = at->newer) {
        bool spared = (at->client->tracking->flags & TRACKING_NOLOOP) != 0;
        any = true;
        if (spared)
            fine = encode(&some, keys, count, at->client->id, &any);
        if (fine && any)
            tracking_send(tracker, at->client, buffer_view(spared ? &some : &all));
    }
    buffer_release(&all);
    buffer_release(&some);
    return fine;
}

static void tell_prefix(struct tracker *tracker, struct prefix *prefix)
{
    uint32_t count = prefix->changed.count, at = 0;
    struct changed_key **keys = memory_take((count + 1) * sizeof(struct changed_key *));
    for (struct changed_key *key = prefix->first; keys != NULL && key != NULL; key = key->next)
        keys[at++] = key;
    if (keys != NULL)
        qsort(keys, count, sizeof(struct changed_key *), by_name);
    if (prefix->lost || keys == NULL || !tell_members(tracker, prefix, keys, count))
        give_up_all(prefix);
    memory_give(keys);
    forget_changes(tracker, prefix);
}

void prefixes_tell(struct tracker *tracker)
{
    while (tracker->changed != NULL) {
        struct prefix *prefix = tracker->changed;
        tracker->changed = prefix->next_changed;
        tell_prefix(tracker, prefix);
    }
    tracking_settle(tracker);
}
