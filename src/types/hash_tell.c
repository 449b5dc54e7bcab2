/* Hashes, field by field: those that have expired and are still there too. */
#include "types/hash_pairs.h"
#include "types/telling.h"

uint32_t hash_root_id(const struct value *value)
{
    return (value->encoding & HASH_BIG) != 0 ? big_id(value) : 0;
}

static void tell_pairs(const struct value_telling *telling, const uint8_t *at, const uint8_t *end)
{
    uint8_t field_digits[NUMBER_I64_MAX], value_digits[NUMBER_I64_MAX];
    for (; at < end; at += pair_bytes(at)) {
        struct hash_pair pair = pair_at(at);
        struct part part = { .kind = PART_FIELD, .expiry = VALUE_NEVER };
        part.text = packed_view(telling->space, pair.field, field_digits);
        part.value = packed_view(telling->space, pair.value, value_digits);
        if (pair.expiry != HASH_NO_EXPIRY)
            part.expiry = pair.expiry;
        tell_part(telling, &part);
    }
}

void hash_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    uint32_t id = hash_root_id(value);
    const struct root *root = id != 0 ? past_root(space, id) : NULL;
    if (root != NULL) {
        const struct hash_more *more = root_more(root);
        summary->count = root->count;
        if (more->expiring > 0)
            summary->first_expiry = more->earliest;
        return;
    }
    summary->count = value->body.count == 0 ? 0 : hash_word(value->body) & HASH_COUNT_BITS;
    if ((value->encoding & HASH_EXPIRING) != 0)
        summary->first_expiry = hash_earliest(space, value);
}

bool hash_tell(struct value_telling *telling)
{
    uint32_t id = hash_root_id(&telling->value);
    if (id == 0) {
        struct bytes body = telling->value.body;
        if (body.count > 0)
            tell_pairs(telling, body.at + HASH_WORD_BYTES, body.at + body.count);
        return true;
    }
    const struct node *node = tell_bucket(telling, id, HASH_TABLE_SET);
    if (node != NULL)
        tell_pairs(telling, node->at, node->at + node->used);
    return node == NULL;
}
