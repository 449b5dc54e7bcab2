/* store/entry.h - one key: header, expiry, key and value's body in one block.
 * Model:    8 bytes of header, then what the header says is there:
 *             tag 1 | where 2 | used 3 | key low 1 | body low 1
 *             [expiry 6] [key high 3] [body high 1] key body
 *           tag:   type 3 bits, encoding 2, has expiry 1, epoch 2
 *           where: database 13 bits, wide key 1, wide body 1, spare 1
 * Owner:    store/; the index holds the one reference to an entry.
 * Pointers: as the heap's.
 * Threads:  one.
 * Failure:  none; sizes are checked before an entry is laid out.
 * Cost:     8 bytes (14 with an expiry) over key and body, before rounding. */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include "base/bytes.h"
#include "types/value.h"

#include <string.h>

enum { ENTRY_DATABASES_MAX = 8192, ENTRY_HEADER = 8, ENTRY_BODY_MAX = 64 * 1024 - 1 };
#define ENTRY_KEY_MAX ((size_t)UINT32_MAX)
#define ENTRY_NO_EXPIRY INT64_MIN

struct entry {
    uint8_t tag;
    uint8_t where[2];
    uint8_t used[3]; /* LRU seconds, or LFU: see use.c */
    uint8_t key_low;
    uint8_t body_low;
    uint8_t rest[];
};

enum { ENTRY_TAG_EXPIRES = 1u << 5, ENTRY_WIDE_KEY = 1u << 13, ENTRY_WIDE_BODY = 1u << 14 };

static inline unsigned entry_type(const struct entry *entry)
{
    return entry->tag & 7u;
}
static inline unsigned entry_encoding(const struct entry *entry)
{
    return (entry->tag >> 3) & 3u;
}
/* Of which walk the entry is, or whose it need not be (store/walk.h). */
static inline unsigned entry_epoch(const struct entry *entry)
{
    return entry->tag >> 6;
}
static inline void entry_set_epoch(struct entry *entry, unsigned epoch)
{
    entry->tag = (uint8_t)((entry->tag & 0x3fu) | epoch << 6);
}
static inline bool entry_expires(const struct entry *entry)
{
    return (entry->tag & ENTRY_TAG_EXPIRES) != 0;
}
static inline unsigned entry_where(const struct entry *entry)
{
    return (unsigned)entry->where[0] | (unsigned)entry->where[1] << 8;
}
static inline unsigned entry_db(const struct entry *entry)
{
    return entry_where(entry) & 0x1fffu;
}

static inline size_t entry_key_at(const struct entry *entry)
{
    unsigned where = entry_where(entry);
    return (entry_expires(entry) ? 6u : 0u) + (where & ENTRY_WIDE_KEY ? 3u : 0u) +
           (where & ENTRY_WIDE_BODY ? 1u : 0u);
}

static inline size_t entry_key_bytes(const struct entry *entry)
{
    size_t count = entry->key_low;
    if (UNLIKELY(entry_where(entry) & ENTRY_WIDE_KEY)) {
        const uint8_t *high = entry->rest + (entry_expires(entry) ? 6 : 0);
        count |= (size_t)high[0] << 8 | (size_t)high[1] << 16 | (size_t)high[2] << 24;
    }
    return count;
}

static inline struct bytes entry_key(const struct entry *entry)
{
    return (struct bytes){ entry->rest + entry_key_at(entry), entry_key_bytes(entry) };
}

static inline struct bytes entry_body(const struct entry *entry)
{
    size_t at = entry_key_at(entry);
    size_t count = entry->body_low;
    if (entry_where(entry) & ENTRY_WIDE_BODY)
        count |= (size_t)entry->rest[at - 1] << 8;
    return (struct bytes){ entry->rest + at + entry_key_bytes(entry), count };
}

static inline struct value entry_value(const struct entry *entry)
{
    return (struct value){ (uint8_t)entry_type(entry), (uint8_t)entry_encoding(entry),
                           entry_body(entry) };
}

/* Milliseconds since 1970, or ENTRY_NO_EXPIRY. 48 bits, signed. */
static inline int64_t entry_expiry(const struct entry *entry)
{
    if (!entry_expires(entry))
        return ENTRY_NO_EXPIRY;
    uint64_t low = 0;
    memcpy(&low, entry->rest, 6);
    return (int64_t)(low << 16) >> 16;
}
enum { ENTRY_EXPIRY_BITS = 47 };

/* pre: the entry has room for an expiry. Clamped to 48 bits, some 4,400 years each way. */
static inline void entry_set_expiry(struct entry *entry, int64_t expiry)
{
    const int64_t most = ((int64_t)1 << ENTRY_EXPIRY_BITS) - 1;
    int64_t clamped = expiry > most ? most : expiry < -most ? -most : expiry;
    memcpy(entry->rest, &clamped, 6);
}

static inline uint8_t *entry_body_mut(struct entry *entry)
{
    return entry->rest + entry_key_at(entry) + entry_key_bytes(entry);
}

static inline uint32_t entry_used(const struct entry *entry)
{
    return (uint32_t)entry->used[0] | (uint32_t)entry->used[1] << 8 |
           (uint32_t)entry->used[2] << 16;
}
static inline void entry_set_used(struct entry *entry, uint32_t used)
{
    entry->used[0] = (uint8_t)used;
    entry->used[1] = (uint8_t)(used >> 8);
    entry->used[2] = (uint8_t)(used >> 16);
}

/* Bytes that an entry of these parts takes, before the heap rounds. */
size_t entry_bytes(size_t key_bytes, size_t body_bytes, bool expires);

/* Writes the header and the key; the body is the caller's to write at entry_body(). */
struct entry_parts {
    unsigned type, encoding, db;
    int64_t expiry; /* ENTRY_NO_EXPIRY */
    struct bytes key;
    size_t body_bytes;
};
void entry_lay_out(struct entry *entry, const struct entry_parts *parts);

#endif
