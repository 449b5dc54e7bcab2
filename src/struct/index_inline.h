/* struct/index_inline.h - lookup in the index, inline since every command does it.
 * Model:    compare the fingerprints of a bucket at once, hand out the candidates one by one, then
 *           go on along the chain.
 * Owner:    the index; comes with struct/index.h, not to be included alone.
 * Pointers: a probe dies with the next insert or remove.
 * Threads:  one.
 * Failure:  none.
 * Cost:     one cache line; with a chain, half a line more for each node. */
#ifndef STRUCT_INDEX_INLINE_H
#define STRUCT_INDEX_INLINE_H

#include "base/prefetch.h"
#include "struct/index.h"
#include "struct/linear.h"

#include <stddef.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The top byte of the hash, which takes no part in the addressing. */
static inline uint8_t index_fingerprint(uint64_t hash)
{
    uint8_t top = (uint8_t)(hash >> 56);
    return top != 0 ? top : 0xff;
}

/* A bit for each of the first `count` <= 16 bytes that equals `byte`. pre: 16 bytes are readable.
 */
static inline uint32_t index_equal_bytes(const void *at, unsigned count, uint8_t byte)
{
#ifdef __SSE2__
    __m128i all = _mm_loadu_si128((const __m128i *)at);
    int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_set1_epi8((char)byte)));
    return (uint32_t)equal & ((UINT32_C(1) << count) - 1);
#else
    uint32_t equal = 0;
    for (unsigned i = 0; i < count; i++)
        equal |= (uint32_t)(((const uint8_t *)at)[i] == byte) << i;
    return equal;
#endif
}

static inline uint32_t index_bucket_matches(const struct index_bucket *bucket, uint8_t fingerprint)
{
    return index_equal_bytes(bucket, INDEX_SLOTS, fingerprint);
}

static inline uint32_t index_node_matches(const struct index_node *node, uint8_t fingerprint)
{
    return index_equal_bytes(node, INDEX_NODE_SLOTS, fingerprint);
}

static inline uint64_t index_ref_load(const uint8_t *at)
{
    uint32_t low;
    memcpy(&low, at, sizeof low);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    low = __builtin_bswap32(low);
#endif
    return (uint64_t)at[4] << 32 | low;
}

static inline void index_ref_store(uint8_t *at, uint64_t ref)
{
    uint32_t low = (uint32_t)ref;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    low = __builtin_bswap32(low);
#endif
    memcpy(at, &low, sizeof low);
    at[4] = (uint8_t)(ref >> 32);
}

static inline uint32_t index_next_load(const struct index_bucket *bucket)
{
    uint32_t next;
    memcpy(&next, bucket->next, sizeof next);
    return next;
}

static inline void index_next_store(struct index_bucket *bucket, uint32_t next)
{
    memcpy(bucket->next, &next, sizeof next);
}

/* Asks the processor for the bucket of a hash. */
static inline void index_prefetch(const struct index *index, uint64_t hash)
{
    if (LIKELY(index->buckets != NULL))
        prefetch(&index->buckets[linear_bucket(hash, index->bucket_count)]);
}

/* The second step of a batch, when the bucket has arrived: asks for what the first candidate leads
 * to, or for the overflow node when the bucket has none. */
static inline void index_prefetch_found(const struct index *index, uint64_t hash)
{
    if (UNLIKELY(index->buckets == NULL))
        return;
    const struct index_bucket *bucket = &index->buckets[linear_bucket(hash, index->bucket_count)];
    uint32_t matches = index_bucket_matches(bucket, index_fingerprint(hash));
    uint32_t next = index_next_load(bucket);
    if (matches != 0 && index->ops.prefetch != NULL)
        index->ops.prefetch(index->ops.context,
                            index_ref_load(bucket->ref[__builtin_ctz(matches)]));
    else if (matches == 0 && next != 0)
        prefetch(&index->nodes[next - 1]);
}

/* Takes the lowest candidate of the bucket or node that the probe is in. */
static inline uint64_t index_probe_take(struct index_probe *probe, uint8_t *fingerprints,
                                        uint8_t *refs)
{
    unsigned slot = (unsigned)__builtin_ctz(probe->matches);
    probe->matches &= probe->matches - 1;
    probe->slot_fingerprint = fingerprints + slot;
    probe->slot_ref = refs + 5 * slot;
    return index_ref_load(probe->slot_ref);
}

/* The next reference whose fingerprint matches, 0 after the last. */
static inline uint64_t index_next(const struct index *index, struct index_probe *probe)
{
    if (probe->node == 0) {
        struct index_bucket *bucket = &index->buckets[probe->bucket];
        if (probe->matches != 0)
            return index_probe_take(probe, bucket->fingerprint, bucket->ref[0]);
        probe->node = index_next_load(bucket);
        if (probe->node == 0)
            return 0;
        probe->matches = index_node_matches(&index->nodes[probe->node - 1], probe->fingerprint);
    }
    for (;;) {
        struct index_node *node = &index->nodes[probe->node - 1];
        if (probe->matches != 0)
            return index_probe_take(probe, node->fingerprint, node->ref[0]);
        if (node->next == 0)
            return 0;
        probe->node = node->next;
        probe->matches = index_node_matches(&index->nodes[probe->node - 1], probe->fingerprint);
    }
}

/* Walks the references whose fingerprint matches, 0 after the last:
 *     struct index_probe probe;
 *     for (uint64_t ref = index_first(index, hash, &probe); ref; ref = index_next(index, &probe))
 */
static inline uint64_t index_first(const struct index *index, uint64_t hash,
                                   struct index_probe *probe)
{
    if (UNLIKELY(index->buckets == NULL))
        return 0;
    probe->bucket = linear_bucket(hash, index->bucket_count);
    probe->fingerprint = index_fingerprint(hash);
    probe->node = 0;
    probe->matches = index_bucket_matches(&index->buckets[probe->bucket], probe->fingerprint);
    return index_next(index, probe);
}

/* Puts another reference where the probe stands (same element, moved). */
static inline void index_repoint(struct index_probe *probe, uint64_t ref)
{
    index_ref_store(probe->slot_ref, ref);
}

#endif
