#include "store/entry.h"

enum { NARROW_MAX = 255 };

size_t entry_bytes(size_t key_bytes, size_t body_bytes, bool expires)
{
    return ENTRY_HEADER + (expires ? 6u : 0u) + (key_bytes > NARROW_MAX ? 3u : 0u) +
           (body_bytes > NARROW_MAX ? 1u : 0u) + key_bytes + body_bytes;
}

void entry_lay_out(struct entry *entry, const struct entry_parts *parts)
{
    bool expires = parts->expiry != ENTRY_NO_EXPIRY;
    bool wide_key = parts->key.count > NARROW_MAX, wide_body = parts->body_bytes > NARROW_MAX;
    unsigned where =
        parts->db | (wide_key ? ENTRY_WIDE_KEY : 0u) | (wide_body ? ENTRY_WIDE_BODY : 0u);
    entry->tag = (uint8_t)(parts->type | parts->encoding << 3 | (expires ? ENTRY_TAG_EXPIRES : 0u));
    entry->where[0] = (uint8_t)where;
    entry->where[1] = (uint8_t)(where >> 8);
    entry->key_low = (uint8_t)parts->key.count;
    entry->body_low = (uint8_t)parts->body_bytes;
    uint8_t *at = entry->rest;
    if (expires) {
        entry_set_expiry(entry, parts->expiry);
        at += 6;
    }
    if (wide_key) {
        *at++ = (uint8_t)(parts->key.count >> 8);
        *at++ = (uint8_t)(parts->key.count >> 16);
        *at++ = (uint8_t)(parts->key.count >> 24);
    }
    if (wide_body)
        *at++ = (uint8_t)(parts->body_bytes >> 8);
    memcpy(at, parts->key.at, parts->key.count);
}
