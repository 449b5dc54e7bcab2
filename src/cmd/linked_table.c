#include "cmd/linked_table.h"

#include "base/memory.h"
#include "struct/linear.h"

#include <string.h>

enum { SEGMENT_BUCKETS = 1024, FIRST_BUCKETS = 16, SEGMENTS_LEAST = 8 };

static struct table_link **bucket_at(const struct linked_table *table, uint32_t at)
{
    return &table->segments[at / SEGMENT_BUCKETS][at % SEGMENT_BUCKETS];
}

static struct table_link **bucket_of(const struct linked_table *table, uint64_t hash)
{
    return bucket_at(table, linear_bucket(hash, table->buckets));
}

/* --- memory ----------------------------------------------------------------------------------- */

static void release_segments(struct linked_table *table)
{
    uint32_t segments = (table->buckets + SEGMENT_BUCKETS - 1) / SEGMENT_BUCKETS;
    for (uint32_t i = 0; i < segments; i++)
        memory_give(table->segments[i]);
    memory_give(table->segments);
    *table = (struct linked_table){ .count = table->count };
}

void linked_table_release(struct linked_table *table)
{
    if (table->segments != NULL)
        release_segments(table);
    *table = (struct linked_table){ 0 };
}

static bool begin(struct linked_table *table)
{
    table->segments = memory_take_zeroed(SEGMENTS_LEAST * sizeof *table->segments);
    if (table->segments == NULL)
        return false;
    table->segments[0] = memory_take_zeroed(FIRST_BUCKETS * sizeof(struct table_link *));
    if (table->segments[0] == NULL) {
        memory_give(table->segments);
        table->segments = NULL;
        return false;
    }
    table->segment_room = SEGMENTS_LEAST;
    table->first_room = table->buckets = FIRST_BUCKETS;
    table->bytes =
        SEGMENTS_LEAST * sizeof *table->segments + FIRST_BUCKETS * sizeof(struct table_link *);
    return true;
}

static bool widen_first(struct linked_table *table)
{
    size_t bytes = table->first_room * sizeof(struct table_link *);
    struct table_link **wider = memory_resize(table->segments[0], 2 * bytes);
    if (wider == NULL)
        return false;
    table->segments[0] = wider;
    table->first_room *= 2;
    table->bytes += bytes;
    return true;
}

static bool add_segment(struct linked_table *table, uint32_t index)
{
    size_t bytes = table->segment_room * sizeof *table->segments;
    if (index == table->segment_room) {
        struct table_link ***longer = memory_resize(table->segments, 2 * bytes);
        if (longer == NULL)
            return false;
        table->segments = longer;
        table->segment_room *= 2;
        table->bytes += bytes;
    }
    table->segments[index] = memory_take(SEGMENT_BUCKETS * sizeof(struct table_link *));
    if (table->segments[index] == NULL)
        return false;
    table->bytes += SEGMENT_BUCKETS * sizeof(struct table_link *);
    return true;
}

/* Room for one bucket more. */
static bool has_room(struct linked_table *table)
{
    if (table->buckets == LINEAR_COUNT_MAX)
        return false;
    if (table->buckets < SEGMENT_BUCKETS)
        return table->buckets < table->first_room || widen_first(table);
    if (table->buckets % SEGMENT_BUCKETS != 0)
        return true;
    return add_segment(table, table->buckets / SEGMENT_BUCKETS);
}

/* --- growing and shrinking, a bucket at a time ------------------------------------------------ */

static void split(struct linked_table *table)
{
    if (!has_room(table))
        return;
    uint64_t bit = UINT64_C(1) << linear_split_bit(table->buckets);
    struct table_link **stays = bucket_at(table, linear_split_source(table->buckets));
    struct table_link **goes = bucket_at(table, table->buckets++);
    struct table_link *next = *stays;
    *stays = *goes = NULL;
    while (next != NULL) {
        struct table_link *link = next;
        struct table_link **to = (link->hash & bit) != 0 ? goes : stays;
        next = link->next;
        link->next = *to;
        *to = link;
    }
}

static void merge(struct linked_table *table)
{
    struct table_link **last = bucket_at(table, table->buckets - 1);
    struct table_link **end = bucket_at(table, linear_merge_target(table->buckets));
    while (*end != NULL)
        end = &(*end)->next;
    *end = *last;
    table->buckets--;
    if (table->buckets % SEGMENT_BUCKETS == 0) {
        memory_give(table->segments[table->buckets / SEGMENT_BUCKETS]);
        table->bytes -= SEGMENT_BUCKETS * sizeof(struct table_link *);
    }
}

bool linked_table_add(struct linked_table *table, struct table_link *link, uint64_t hash)
{
    if (table->segments == NULL && !begin(table))
        return false;
    if (table->count >= table->buckets)
        split(table);
    struct table_link **bucket = bucket_of(table, hash);
    *link = (struct table_link){ *bucket, hash };
    *bucket = link;
    table->count++;
    return true;
}

void linked_table_remove(struct linked_table *table, struct table_link *link)
{
    struct table_link **at = bucket_of(table, link->hash);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;
    if (table->count == 0)
        release_segments(table);
    else if (table->buckets > FIRST_BUCKETS && table->count < table->buckets / 2)
        merge(table);
}

/* --- finding ---------------------------------------------------------------------------------- */

static struct table_link *from_here(struct table_link *link, uint64_t hash)
{
    while (link != NULL && link->hash != hash)
        link = link->next;
    return link;
}

struct table_link *linked_table_first(const struct linked_table *table, uint64_t hash)
{
    return table->segments == NULL ? NULL : from_here(*bucket_of(table, hash), hash);
}

struct table_link *linked_table_next(const struct table_link *link)
{
    return from_here(link->next, link->hash);
}

struct table_link *linked_table_chain(const struct linked_table *table, uint32_t at)
{
    return *bucket_at(table, at);
}

struct table_link *linked_table_any(const struct linked_table *table, uint64_t draw)
{
    if (table->count == 0)
        return NULL;
    uint32_t at = (uint32_t)(draw % table->buckets);
    while (*bucket_at(table, at) == NULL)
        at = at + 1 == table->buckets ? 0 : at + 1;
    return *bucket_at(table, at);
}
