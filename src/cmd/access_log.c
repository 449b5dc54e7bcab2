#include "cmd/access_log.h"

#include "base/memory.h"
#include "cmd/connection.h"
#include "conf/config.h"

enum { GROUPED_MS = 60000, LOOKED_AT = 10, TEXT_MAX = 4096 };

static void take_out(struct access_log *log, struct access_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &log->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &log->oldest) = entry->newer;
    log->count--;
}

static void put_first(struct access_log *log, struct access_entry *entry)
{
    entry->newer = NULL;
    entry->older = log->newest;
    *(log->newest != NULL ? &log->newest->newer : &log->oldest) = entry;
    log->newest = entry;
    log->count++;
}

static void entry_drop(struct access_entry *entry)
{
    buffer_release(&entry->object);
    buffer_release(&entry->user);
    buffer_release(&entry->client);
    memory_give(entry);
}

void access_log_trim(struct access_log *log, uint64_t most)
{
    while (log->count > most) {
        struct access_entry *gone = log->oldest;
        take_out(log, gone);
        entry_drop(gone);
    }
}

/* Who is not logged in shall not fill the memory. */
static struct bytes cut(struct bytes text)
{
    return bytes_of(text.at, text.count < TEXT_MAX ? text.count : TEXT_MAX);
}

static bool is_alike(const struct access_entry *entry, const struct access_refusal *refusal,
                     int64_t now_ms)
{
    return entry->missing == refusal->missing && entry->place == refusal->place &&
           now_ms - entry->updated_ms <= GROUPED_MS &&
           bytes_equal(buffer_view(&entry->object), cut(refusal->object)) &&
           bytes_equal(buffer_view(&entry->user), cut(refusal->user));
}

static struct access_entry *find_alike(const struct access_log *log,
                                       const struct access_refusal *refusal, int64_t now_ms)
{
    struct access_entry *entry = log->newest;
    for (int i = 0; entry != NULL && i < LOOKED_AT; i++, entry = entry->older) {
        if (is_alike(entry, refusal, now_ms))
            return entry;
    }
    return NULL;
}

static struct access_entry *entry_new(const struct access_refusal *refusal)
{
    struct access_entry *entry = memory_take_zeroed(sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->missing = refusal->missing;
    entry->place = refusal->place;
    if (buffer_append(&entry->object, cut(refusal->object)) &&
        buffer_append(&entry->user, cut(refusal->user)))
        return entry;
    entry_drop(entry);
    return NULL;
}

void access_log_add(struct access_log *log, struct cmd_context *context,
                    const struct client *client, const struct access_refusal *refusal)
{
    int64_t now_ms = seam_wall_ms(context->seam);
    struct access_entry *entry = find_alike(log, refusal, now_ms);
    if (entry != NULL) {
        take_out(log, entry);
    } else {
        entry = entry_new(refusal);
        if (entry == NULL)
            return;
        entry->id = log->next_id++;
        entry->created_ms = now_ms;
    }
    entry->count++;
    entry->updated_ms = now_ms;
    entry->client.count = 0;
    if (context->net != NULL && !client_describe(context, client, &entry->client))
        entry->client.count = 0;
    put_first(log, entry);
    access_log_trim(log, (uint64_t)context->config->acllog_max_len);
}
