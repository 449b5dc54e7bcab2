#include "proto/chunks.h"

#include "base/memory.h"

enum {
    CHUNK_ALIGN = 8,
    TURN_ROOM_LEAST = 2 * 1024,  /* less is left over at the end of the turn's area */
    CHUNK_BYTES_MAX = 1u << 30u, /* so that 32 bits count a chunk */
};

static const uint32_t standard_capacity = REPLY_CHUNK_BYTES - sizeof(struct reply_chunk);

void reply_init(struct reply *reply, struct reply_pool *pool)
{
    *reply = (struct reply){ .pool = pool, .resp = 2 };
}

bool reply_pool_begin(struct reply_pool *pool, uint32_t turn_bytes, uint32_t free_max)
{
    *pool = (struct reply_pool){ .free_max = free_max, .turn_bytes = turn_bytes };
    pool->turn = memory_take(turn_bytes);
    return pool->turn != NULL;
}

void reply_pool_release(struct reply_pool *pool)
{
    while (pool->free != NULL) {
        struct reply_chunk *next = pool->free->next;
        memory_give(pool->free);
        pool->free = next;
    }
    memory_give(pool->turn);
    *pool = (struct reply_pool){ 0 };
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static bool in_turn(const struct reply_pool *pool, const struct reply_chunk *chunk)
{
    return (uintptr_t)chunk - (uintptr_t)pool->turn < pool->turn_bytes;
}

/* Room asked for up front goes with the chunk: a long value takes one of the right size. */
static struct reply_chunk *take_chunk(struct reply_pool *pool, size_t bytes)
{
    struct reply_chunk *chunk = pool->free;
    if (bytes <= standard_capacity && chunk != NULL) {
        pool->free = chunk->next;
        pool->free_count--;
        return chunk;
    }
    uint32_t capacity = standard_capacity;
    if (bytes > capacity)
        capacity = bytes > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : (uint32_t)bytes;
    chunk = memory_take(sizeof(*chunk) + capacity);
    if (chunk == NULL)
        return NULL;
    chunk->capacity = capacity;
    pool->held_bytes += sizeof(*chunk) + capacity;
    return chunk;
}

/* As much as is unsent already, at least, so that the chunks of a reply that grows double. */
static struct reply_chunk *take_tight(struct reply_pool *pool, size_t bytes, uint64_t unsent)
{
    size_t wanted = unsent > bytes ? (size_t)unsent : bytes;
    if (wanted > standard_capacity / 2)
        return take_chunk(pool, bytes);
    uint32_t capacity = (uint32_t)((wanted + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1));
    struct reply_chunk *chunk = memory_take(sizeof(*chunk) + capacity);
    if (chunk == NULL)
        return NULL;
    chunk->capacity = capacity;
    pool->held_bytes += sizeof(*chunk) + capacity;
    return chunk;
}

static void give_turn_chunk(struct reply_pool *pool)
{
    ENSURE(pool->turn_chunks > 0);
    if (--pool->turn_chunks > 0)
        return;
    pool->turn_used = 0;
}

static void give_chunk(struct reply_pool *pool, struct reply_chunk *chunk)
{
    if (in_turn(pool, chunk)) {
        give_turn_chunk(pool);
    } else if (chunk->capacity == standard_capacity && pool->free_count < pool->free_max) {
        chunk->next = pool->free;
        pool->free = chunk;
        pool->free_count++;
    } else {
        pool->held_bytes -= sizeof(*chunk) + chunk->capacity;
        memory_give(chunk);
    }
}

/* ---- the turn's area ------------------------------------------------------------------------- */

/* Ends the open reply's chunk where its cursor stands, so that another can begin behind it. */
static void close_open(struct reply_pool *pool)
{
    struct reply *reply = pool->open;
    if (reply == NULL)
        return;
    struct reply_chunk *chunk = reply->last;
    chunk->used = chunk->capacity = (uint32_t)(reply->cursor - chunk->at);
    reply->limit = reply->cursor;
    uint32_t used = (uint32_t)(reply->cursor - pool->turn);
    pool->turn_used = (used + CHUNK_ALIGN - 1) & ~(uint32_t)(CHUNK_ALIGN - 1);
    pool->open = NULL;
}

/* All the rest of the turn's area, or NULL when too little is left. */
static struct reply_chunk *open_turn(struct reply *reply, size_t bytes)
{
    struct reply_pool *pool = reply->pool;
    if (pool->turn == NULL || bytes > TURN_ROOM_LEAST)
        return NULL;
    if (reply->last != NULL && !in_turn(pool, reply->last))
        return NULL;
    close_open(pool);
    uint32_t left = pool->turn_used < pool->turn_bytes ? pool->turn_bytes - pool->turn_used : 0;
    if (left < TURN_ROOM_LEAST + sizeof(struct reply_chunk))
        return NULL;
    struct reply_chunk *chunk = (struct reply_chunk *)(void *)(pool->turn + pool->turn_used);
    chunk->capacity = left - (uint32_t)sizeof(*chunk);
    pool->turn_chunks++;
    pool->open = reply;
    return chunk;
}

/* ---- a reply's list -------------------------------------------------------------------------- */

void reply_list_written(struct reply *reply)
{
    struct reply_pool *pool = reply->pool;
    if (reply->owner == NULL || reply->listed)
        return;
    reply->listed = true;
    reply->next_written = NULL;
    if (pool->written == NULL)
        pool->written = reply;
    else
        pool->last_written->next_written = reply;
    pool->last_written = reply;
}

struct reply *reply_pool_next_written(struct reply_pool *pool)
{
    struct reply *reply = pool->written;
    if (reply != NULL) {
        pool->written = reply->next_written;
        reply->listed = false;
    }
    return reply;
}

static void unlist(struct reply *reply)
{
    if (!reply->listed)
        return;
    struct reply *before = NULL;
    for (struct reply *at = reply->pool->written; at != reply; at = at->next_written)
        before = at;
    if (before == NULL)
        reply->pool->written = reply->next_written;
    else
        before->next_written = reply->next_written;
    if (reply->pool->last_written == reply)
        reply->pool->last_written = before;
    reply->listed = false;
}

/* Leaves an empty reply, which takes the slow path with its next byte. */
static void drop_chunks(struct reply *reply)
{
    struct reply_pool *pool = reply->pool;
    if (pool->open == reply) {
        pool->turn_used = (uint32_t)((const uint8_t *)reply->last - pool->turn);
        pool->open = NULL;
    }
    while (reply->first != NULL) {
        struct reply_chunk *next = reply->first->next;
        give_chunk(pool, reply->first);
        reply->first = next;
    }
    reply->last = NULL;
    reply->cursor = reply->limit = NULL;
    reply->bytes = 0;
    reply->sent = 0;
}

void reply_release(struct reply *reply)
{
    unlist(reply);
    drop_chunks(reply);
}

static uint8_t *fail(struct reply *reply)
{
    drop_chunks(reply);
    reply->failed = true;
    reply_list_written(reply); /* so that its connection is looked at, and closed */
    return NULL;
}

static void append_chunk(struct reply *reply, struct reply_chunk *chunk)
{
    chunk->next = NULL;
    chunk->used = 0;
    if (reply->last == NULL) {
        reply->first = chunk;
    } else {
        reply->last->used = (uint32_t)(reply->cursor - reply->last->at);
        reply->bytes += reply->last->used;
        reply->last->next = chunk;
    }
    reply->last = chunk;
    reply->cursor = chunk->at;
    reply->limit = chunk->at + chunk->capacity;
}

void reply_give_up(struct reply *reply, bool over_limit)
{
    if (reply->failed)
        return;
    reply->over_limit = over_limit;
    fail(reply);
}

static uint8_t *grow(struct reply *reply, size_t bytes, bool tight)
{
    if (reply->failed)
        return NULL;
    if (reply->bytes_max != 0 && reply_unsent(reply) > reply->bytes_max) {
        reply->over_limit = true;
        return fail(reply);
    }
    struct reply_chunk *chunk = open_turn(reply, bytes);
    if (chunk == NULL) {
        if (reply->pool->open == reply)
            close_open(reply->pool);
        chunk = tight ? take_tight(reply->pool, bytes, reply_unsent(reply))
                      : take_chunk(reply->pool, bytes);
    }
    if (chunk == NULL)
        return fail(reply);
    reply_list_written(reply);
    append_chunk(reply, chunk);
    return reply->cursor;
}

uint8_t *reply_grow(struct reply *reply, size_t bytes)
{
    return grow(reply, bytes, false);
}

uint8_t *reply_grow_tight(struct reply *reply, size_t bytes)
{
    return grow(reply, bytes, true);
}

/* ---- sending --------------------------------------------------------------------------------- */

static uint32_t chunk_used(const struct reply *reply, const struct reply_chunk *chunk)
{
    return chunk == reply->last ? (uint32_t)(reply->cursor - chunk->at) : chunk->used;
}

int reply_parts(struct reply *reply, struct iovec *parts, int most)
{
    int count = 0;
    uint32_t skip = reply->sent;
    for (struct reply_chunk *chunk = reply->first; chunk != NULL && count < most;
         chunk = chunk->next) {
        uint32_t used = chunk_used(reply, chunk);
        if (used > skip)
            parts[count++] = (struct iovec){ chunk->at + skip, used - skip };
        skip = 0;
    }
    return count;
}

void reply_sent(struct reply *reply, uint64_t bytes)
{
    if (LIKELY(bytes == reply_unsent(reply))) {
        drop_chunks(reply);
        return;
    }
    bytes += reply->sent;
    while (reply->first != reply->last && bytes >= reply->first->used) {
        struct reply_chunk *first = reply->first;
        bytes -= first->used;
        reply->bytes -= first->used;
        reply->first = first->next;
        give_chunk(reply->pool, first);
    }
    reply->sent = (uint32_t)bytes;
}

static bool append_copy(struct reply *reply, struct bytes bytes)
{
    while (bytes.count > 0) {
        if (reply->cursor == reply->limit) {
            struct reply_chunk *chunk = take_tight(reply->pool, bytes.count, reply_unsent(reply));
            if (chunk == NULL)
                return false;
            append_chunk(reply, chunk);
        }
        size_t room = (size_t)(reply->limit - reply->cursor);
        size_t piece = bytes.count < room ? bytes.count : room;
        memcpy(reply->cursor, bytes.at, piece);
        reply->cursor += piece;
        bytes = bytes_of(bytes.at + piece, bytes.count - piece);
    }
    return true;
}

/* Chunks in the turn's area lead the list: once a chunk of its own was taken, so are the rest. */
static bool copy_turn_chunks(const struct reply *reply, struct reply *copy)
{
    uint32_t skip = reply->sent;
    for (const struct reply_chunk *chunk = reply->first;
         chunk != NULL && in_turn(reply->pool, chunk); chunk = chunk->next) {
        if (!append_copy(copy, bytes_of(chunk->at + skip, chunk_used(reply, chunk) - skip)))
            return false;
        skip = 0;
    }
    return true;
}

/* Takes the chunks in the turn's area off the list, which may leave it empty. */
static void give_turn_chunks(struct reply *reply)
{
    struct reply_pool *pool = reply->pool;
    if (pool->open == reply)
        close_open(pool);
    while (reply->first != NULL && in_turn(pool, reply->first)) {
        struct reply_chunk *first = reply->first;
        reply->first = first->next;
        if (first == reply->last)
            reply->last = NULL;
        else
            reply->bytes -= first->used;
        give_chunk(pool, first);
    }
    reply->sent = 0;
}

/* Puts the chunks of `copy` before those of `reply`. */
static void prepend(struct reply *reply, const struct reply *copy)
{
    if (copy->last == NULL)
        return;
    uint32_t used = (uint32_t)(copy->cursor - copy->last->at);
    reply->bytes += copy->bytes;
    if (reply->last == NULL) {
        reply->last = copy->last;
        reply->cursor = copy->cursor;
        reply->limit = copy->limit;
    } else {
        copy->last->used = used;
        copy->last->next = reply->first;
        reply->bytes += used;
    }
    reply->first = copy->first;
}

void reply_keep(struct reply *reply)
{
    if (reply->first == NULL || !in_turn(reply->pool, reply->first))
        return;
    struct reply copy;
    reply_init(&copy, reply->pool);
    if (!copy_turn_chunks(reply, &copy)) {
        drop_chunks(&copy);
        fail(reply);
        return;
    }
    give_turn_chunks(reply);
    prepend(reply, &copy);
    if (reply->last == NULL)
        reply->cursor = reply->limit = NULL;
}

uint32_t reply_chunks(const struct reply *reply, uint64_t *held_bytes)
{
    uint32_t count = 0;
    *held_bytes = 0;
    for (const struct reply_chunk *chunk = reply->first; chunk != NULL; chunk = chunk->next) {
        if (in_turn(reply->pool, chunk))
            continue;
        count++;
        *held_bytes += sizeof(*chunk) + chunk->capacity;
    }
    return count;
}
