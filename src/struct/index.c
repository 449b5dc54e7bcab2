/* The index from outside: life, insert, remove, move, pop. How a bucket is kept is in
 * index_chain.c, how their number changes in index_split.c. */
#include "struct/index_parts.h"

bool index_init(struct index *index, const struct seam *seam, const struct index_ops *ops)
{
    *index = (struct index){ .bucket_count = 1, .seam = seam, .ops = *ops };
    return true;
}

void index_release(struct index *index)
{
    const struct seam *seam = index->seam;
    if (index->buckets != NULL)
        seam->pages_unreserve(seam->context, index->buckets, (size_t)index->buckets_reserved);
    if (index->nodes != NULL)
        seam->pages_unreserve(seam->context, index->nodes, (size_t)index->nodes_reserved);
    struct index_ops ops = index->ops;
    *index = (struct index){ .bucket_count = 1, .seam = seam, .ops = ops };
}

bool index_insert(struct index *index, uint64_t hash, uint64_t ref)
{
    DCHECK(ref != 0 && ref >> 40 == 0);
    if (UNLIKELY(index->buckets == NULL) && !index_pages_start(index))
        return false;
    uint32_t spare = 0;
    if (UNLIKELY(!index_chain_add(index, linear_bucket(hash, index->bucket_count),
                                  index_fingerprint(hash), ref, &spare)))
        return false;
    index_pages_note(index);
    index->count++;
    index_grow(index);
    return true;
}

/* The last element of the bucket's chain fills the hole, so that chains shorten at once. */
void index_remove_at(struct index *index, struct index_probe *probe)
{
    uint8_t fingerprint;
    uint64_t last = index_chain_last(index, probe->bucket, &fingerprint);
    *probe->slot_fingerprint = fingerprint;
    index_ref_store(probe->slot_ref, last);
    index_chain_cut(index, probe->bucket);
    index->count--;
    index_shrink(index);
}

bool index_move(struct index *index, uint64_t hash, uint64_t ref, uint64_t to)
{
    struct index_probe probe;
    uint64_t at = index_first(index, hash, &probe);
    while (at != 0 && at != ref)
        at = index_next(index, &probe);
    if (at == 0)
        return false;
    index_repoint(&probe, to);
    return true;
}

/* Cutting off the last bucket with all it holds leaves every other element where its hash says. */
uint64_t index_pop(struct index *index, uint64_t *refs, uint64_t most)
{
    uint64_t taken = 0;
    while (taken < most && index->count > 0) {
        uint32_t last = index->bucket_count - 1;
        if (index_bucket_fill(&index->buckets[last]) == 0) {
            index->bucket_count--;
            continue;
        }
        uint8_t fingerprint;
        refs[taken++] = index_chain_last(index, last, &fingerprint);
        index_chain_cut(index, last);
        index->count--;
    }
    if (index->count == 0)
        index->bucket_count = 1;
    if (taken > 0)
        index_pages_trim(index);
    return taken;
}
