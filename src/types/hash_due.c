/* Fields that expire: which buckets have some that are due, and taking those out. */
#include "struct/past.h"
#include "types/hash_pairs.h"

enum { BUCKETS_A_SLOT = 4, NODES_A_STEP = 64, REMOVED_A_STEP = 128, SLOTS_A_STEP = 32 };

static struct hash_slots *slots_of(const struct space *space, const struct root *root,
                                   uint32_t number)
{
    return (struct hash_slots *)node_of(space, &root->nodes[HASH_SLOT_SET], number)->at;
}

static int64_t *slot_at(const struct space *space, const struct root *root, uint32_t slot)
{
    return &slots_of(space, root, slot / HASH_NODE_SLOTS)->at[slot % HASH_NODE_SLOTS];
}

static void lower(int64_t *least, int64_t expiry)
{
    if (expiry < *least)
        *least = expiry;
}

/* --- how many slots --------------------------------------------------------------------------- */

static void empty_slots(struct hash_slots *slots)
{
    slots->least = HASH_NO_EXPIRY;
    for (unsigned i = 0; i < HASH_NODE_SLOTS; i++)
        slots->at[i] = HASH_NO_EXPIRY;
}

/* One slot more, of those that the slot before a split had. False: no memory, and the slots there
 * are go on to stand for more buckets each. */
static bool add_slot(struct space *space, struct root *root)
{
    struct hash_more *more = hash_more_of(root);
    uint32_t slot = more->slots, number = slot / HASH_NODE_SLOTS;
    if (slot % HASH_NODE_SLOTS == 0) {
        if (!nodes_extend(space, root, HASH_SLOT_SET))
            return false;
        struct node *node =
            node_make(space, root, HASH_SLOT_SET, number, sizeof(struct hash_slots));
        if (node == NULL) {
            nodes_cut(space, root, HASH_SLOT_SET, number);
            return false;
        }
        empty_slots((struct hash_slots *)node->at);
    }
    int64_t expiry = slot == 0 ? HASH_NO_EXPIRY : *slot_at(space, root, linear_split_source(slot));
    more->slots++;
    *slot_at(space, root, slot) = expiry;
    lower(&slots_of(space, root, number)->least, expiry);
    lower(&more->pass_least, expiry); /* the pass may be beyond that node */
    return true;
}

static void cut_slot(struct space *space, struct root *root)
{
    struct hash_more *more = hash_more_of(root);
    uint32_t slot = more->slots - 1, target = linear_merge_target(more->slots);
    int64_t expiry = *slot_at(space, root, slot);
    *slot_at(space, root, slot) = HASH_NO_EXPIRY;
    lower(slot_at(space, root, target), expiry);
    lower(&slots_of(space, root, target / HASH_NODE_SLOTS)->least, expiry);
    lower(&more->pass_least, expiry);
    more->slots--;
    if (slot % HASH_NODE_SLOTS != 0)
        return;
    uint32_t number = slot / HASH_NODE_SLOTS;
    node_drop(space, root, HASH_SLOT_SET, node_of(space, &root->nodes[HASH_SLOT_SET], number));
    nodes_cut(space, root, HASH_SLOT_SET, number);
}

void hash_due_settle(struct space *space, struct root *root)
{
    enum { STEPS_MAX = 4 };
    const struct hash_more *more = hash_more_of(root);
    uint32_t buckets = root->nodes[HASH_TABLE_SET].count;
    uint32_t wanted = buckets / BUCKETS_A_SLOT + 1;
    while (more->slots > buckets) /* a slot must not be finer than a bucket */
        cut_slot(space, root);
    for (unsigned i = 0; i < STEPS_MAX && more->slots > wanted + 1; i++)
        cut_slot(space, root);
    for (unsigned i = 0; i < STEPS_MAX && more->slots < wanted && more->slots < buckets; i++)
        if (!add_slot(space, root))
            return;
}

/* At the first expiry of a big hash all slots are empty, and are made at once, but no more than
 * SLOTS_AT_ONCE: in a still bigger one each stands for more buckets until changes have added to
 * them. */
bool hash_allow_expiries(struct space *space, struct root *root)
{
    enum { SLOTS_AT_ONCE = 128 * 1024 };
    uint32_t buckets = root->nodes[HASH_TABLE_SET].count;
    uint32_t wanted = buckets / BUCKETS_A_SLOT;
    if (wanted > SLOTS_AT_ONCE)
        wanted = SLOTS_AT_ONCE;
    while (hash_more_of(root)->slots < wanted || hash_more_of(root)->slots == 0)
        if (!add_slot(space, root))
            return false;
    return true;
}

void hash_due_note(struct space *space, struct root *root, uint64_t hash, int64_t expiry)
{
    struct hash_more *more = hash_more_of(root);
    uint32_t slot = linear_bucket(hash, more->slots);
    struct hash_slots *slots = slots_of(space, root, slot / HASH_NODE_SLOTS);
    lower(&slots->at[slot % HASH_NODE_SLOTS], expiry);
    lower(&slots->least, expiry);
    lower(&more->earliest, expiry);
    lower(&more->pass_least, expiry);
}

int64_t hash_earliest(const struct space *space, const struct value *value)
{
    if (value->encoding & HASH_BIG)
        return hash_more_of(big_root(space, value))->earliest;
    int64_t least = HASH_NO_EXPIRY;
    struct bytes body = value->body;
    for (size_t at = HASH_WORD_BYTES; at < body.count; at += pair_bytes(body.at + at))
        lower(&least, pair_expiry(body.at + at));
    return least;
}

/* --- taking out what is due ------------------------------------------------------------------- */

static void tell_gone(const struct space *space, const uint8_t *at,
                      const struct value_expiry *expiry)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (UNLIKELY(expiry->gone != NULL))
        expiry->gone(expiry->context, packed_view(space, pair_at(at).field, digits));
}

static void expire_small(const struct space *space, const struct value *value, int64_t now_ms,
                         struct value_expiry *expiry)
{
    struct bytes body = value->body;
    size_t used = HASH_WORD_BYTES;
    bool left = false;
    for (size_t at = HASH_WORD_BYTES, bytes; at < body.count; at += bytes) {
        int64_t time = pair_expiry(body.at + at);
        bytes = pair_bytes(body.at + at);
        if (time < now_ms) {
            tell_gone(space, body.at + at, expiry);
            expiry->removed++;
            continue;
        }
        left = left || time != HASH_NO_EXPIRY;
        memcpy(expiry->room + used, body.at + at, bytes);
        used += bytes;
    }
    hash_write_word(expiry->room, hash_word(body) - (unsigned)expiry->removed);
    expiry->body_bytes = used;
    expiry->empty = used == HASH_WORD_BYTES;
    expiry->encoding = left ? HASH_EXPIRING : HASH_SMALL;
}

/* Takes due pairs out of a bucket; the others' earliest expiry goes into *least. The table is not
 * settled. */
static void expire_bucket(const struct table *table, uint32_t bucket, int64_t now_ms,
                          int64_t *least, struct value_expiry *done)
{
    struct node *node = node_of(table->space, &table->root->nodes[HASH_TABLE_SET], bucket);
    for (size_t offset = 0; node != NULL && offset < node->used;) {
        uint8_t *at = node->at + offset;
        int64_t expiry = pair_expiry(at);
        if (expiry >= now_ms) {
            lower(least, expiry);
            offset += pair_bytes(at);
            continue;
        }
        struct hash_pair pair = pair_at(at);
        struct table_place place = { bucket, offset, at };
        tell_gone(table->space, at, done);
        packed_empty(table->space, table->root, pair.field);
        packed_empty(table->space, table->root, pair.value);
        table_remove(table, &place);
        hash_more_of(table->root)->expiring--;
        done->removed++;
        node = node_of(table->space, &table->root->nodes[HASH_TABLE_SET], bucket);
    }
}

/* All buckets of a slot, whose time becomes exact. */
static void expire_slot(const struct table *table, uint32_t slot, int64_t now_ms,
                        struct value_expiry *done)
{
    const struct hash_more *more = hash_more_of(table->root);
    int64_t least = HASH_NO_EXPIRY;
    uint64_t apart = UINT64_C(1) << linear_depth(slot, more->slots);
    for (uint64_t bucket = slot; bucket < table->root->nodes[HASH_TABLE_SET].count; bucket += apart)
        expire_bucket(table, (uint32_t)bucket, now_ms, &least, done);
    *slot_at(table->space, table->root, slot) = least;
}

/* Goes through the due slots of a node; true when none is left, and its least is exact then. */
static bool expire_node(const struct table *table, uint32_t number, int64_t now_ms,
                        struct value_expiry *done, unsigned *slots_left)
{
    const struct hash_more *more = hash_more_of(table->root);
    uint32_t first = number * HASH_NODE_SLOTS;
    struct hash_slots *slots = slots_of(table->space, table->root, number);
    int64_t least = HASH_NO_EXPIRY;
    for (uint32_t i = 0; i < HASH_NODE_SLOTS && first + i < more->slots; i++) {
        if (slots->at[i] < now_ms) {
            if (*slots_left == 0 || done->removed >= REMOVED_A_STEP)
                return false;
            --*slots_left;
            expire_slot(table, first + i, now_ms, done);
        }
        lower(&least, slots->at[i]);
    }
    slots->least = least;
    return true;
}

static void expire_big(struct space *space, struct root *root, int64_t now_ms,
                       struct value_expiry *expiry)
{
    struct hash_more *more = hash_more_of(root);
    struct table table = hash_table_of(space, root);
    unsigned slots_left = SLOTS_A_STEP;
    for (unsigned looked = 0; looked < NODES_A_STEP; looked++) {
        if (more->pass >= root->nodes[HASH_SLOT_SET].count) { /* all nodes have been seen */
            more->earliest = more->pass_least;
            more->pass_least = HASH_NO_EXPIRY;
            more->pass = 0;
            break;
        }
        if (slots_of(space, root, more->pass)->least < now_ms &&
            !expire_node(&table, more->pass, now_ms, expiry, &slots_left))
            break;
        lower(&more->pass_least, slots_of(space, root, more->pass)->least);
        more->pass++;
    }
    for (uint64_t i = 0; i <= expiry->removed && root->count > 0; i++) {
        table_settle(&table);
        hash_due_settle(space, root);
    }
    expiry->empty = root->count == 0;
    expiry->encoding = more->expiring > 0 ? HASH_BIG | HASH_EXPIRING : HASH_BIG;
}

void hash_expire_step(struct space *space, const struct value *value, int64_t now_ms,
                      struct value_expiry *expiry)
{
    expiry->removed = 0;
    if (value->encoding & HASH_BIG)
        past_root_changes(space, big_root(space, value));
    if (value->encoding & HASH_BIG)
        expire_big(space, big_root(space, value), now_ms, expiry);
    else
        expire_small(space, value, now_ms, expiry);
}

/* --- verification ----------------------------------------------------------------------------- */

struct due_check {
    const struct space *space;
    const struct root *root;
    bool valid;
};

static bool check_pair(void *context, const uint8_t *at)
{
    struct due_check *check = context;
    const struct hash_more *more = hash_more_of(check->root);
    int64_t expiry = pair_expiry(at);
    if (expiry == HASH_NO_EXPIRY)
        return true;
    uint32_t slot = linear_bucket(pair_hash(check->space, at), more->slots);
    check->valid = more->slots > 0 && more->earliest <= expiry &&
                   *slot_at(check->space, check->root, slot) <= expiry &&
                   slots_of(check->space, check->root, slot / HASH_NODE_SLOTS)->least <= expiry;
    return check->valid;
}

bool hash_due_valid(const struct space *space, struct root *root)
{
    struct due_check check = { space, root, true };
    const struct hash_more *more = hash_more_of(root);
    struct table table = hash_table_of((struct space *)(uintptr_t)space, root);
    uint32_t nodes = root->nodes[HASH_SLOT_SET].count;
    if (nodes != (more->slots + HASH_NODE_SLOTS - 1) / HASH_NODE_SLOTS ||
        more->slots > root->nodes[HASH_TABLE_SET].count)
        return false;
    table_each(&table, check_pair, &check);
    return check.valid;
}
