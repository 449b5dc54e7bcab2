/* Hashes: looking at them. */
#include "types/hash_pairs.h"
#include "types/making.h"
#include "types/telling.h"

const struct table_ops hash_table_ops = { pair_bytes, pair_hash };

static void walk_node(const struct space *space, unsigned set, const struct node *node,
                      void (*visit)(void *context, const uint8_t *element), void *context)
{
    (void)space;
    if (set != HASH_TABLE_SET)
        return;
    for (const uint8_t *at = node->at; at < node->at + node->used;) {
        const uint8_t *field = at + pair_mark_bytes(at), *value = packed_next(field);
        at = packed_next(value);
        visit(context, field);
        visit(context, value);
    }
}

const struct big_ops hash_big_ops = { walk_node };

/* --- views ------------------------------------------------------------------------------------ */

void hash_view(struct hash *hash, struct space *space, const struct value *value, int64_t now_ms)
{
    bool big = (value->encoding & HASH_BIG) != 0;
    *hash = (struct hash){ .space = space,
                           .root = big ? big_root(space, value) : NULL,
                           .body = value->body,
                           .now_ms = now_ms,
                           .expiring = (value->encoding & HASH_EXPIRING) != 0 };
}

void hash_view_edit(struct hash *hash, const struct value_edit *edit, int64_t now_ms)
{
    *hash = (struct hash){ .space = edit->space,
                           .root = edit->root,
                           .body = edit->value.body,
                           .now_ms = now_ms,
                           .expiring = (edit->value.encoding & HASH_EXPIRING) != 0 };
}

uint64_t hash_count(const struct hash *hash)
{
    return hash->root != NULL ? hash->root->count : hash_word(hash->body) & HASH_COUNT_BITS;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* The pair of the field that `needle` was made of; NULL: there is none. */
static const uint8_t *find_among(const struct space *space, const uint8_t *at, const uint8_t *end,
                                 const struct packed_item *needle)
{
    while (at < end) {
        const uint8_t *field = at + pair_mark_bytes(at);
        if (packed_is(space, field, needle))
            return at;
        at = packed_next(packed_next(field));
    }
    return NULL;
}

void hash_find(const struct hash *hash, struct bytes field, const struct packed_item *needle,
               struct hash_place *place)
{
    const uint8_t *at;
    if (hash->root == NULL) {
        at = find_among(hash->space, hash->body.at + HASH_WORD_BYTES,
                        hash->body.at + hash->body.count, needle);
    } else {
        struct table table = hash_table_of(hash->space, hash->root);
        size_t used;
        place->hash = hash_bytes(&hash->space->seed, field);
        const uint8_t *bucket = table_bucket(&table, place->hash, &place->in, &used);
        at = bucket == NULL ? NULL : find_among(hash->space, bucket, bucket + used, needle);
        if (at != NULL)
            table_stand(&place->in, bucket, (size_t)(at - bucket));
    }
    place->pair.at = NULL;
    place->pair.expiry = HASH_NO_EXPIRY;
    if (at != NULL)
        place->pair = pair_at(at);
}

bool hash_get(const struct hash *hash, struct bytes field, struct hash_place *place)
{
    struct packed_item needle;
    packed_sought(field, &needle);
    hash_find(hash, field, &needle, place);
    return place->pair.at != NULL && hash_is_live(hash, &place->pair);
}

struct live_walk {
    const struct hash *hash;
    bool (*visit)(void *context, const struct hash_pair *pair);
    void (*visit_all)(void *context, const struct hash_pair *pair);
    void *context;
};

static bool visit_live(void *context, const uint8_t *at)
{
    const struct live_walk *walk = context;
    struct hash_pair pair = pair_at(at);
    return !hash_is_live(walk->hash, &pair) || walk->visit(walk->context, &pair);
}

static void visit_live_of_step(void *context, const uint8_t *at)
{
    const struct live_walk *walk = context;
    struct hash_pair pair = pair_at(at);
    if (hash_is_live(walk->hash, &pair))
        walk->visit_all(walk->context, &pair);
}

void hash_each(const struct hash *hash, bool (*visit)(void *context, const struct hash_pair *pair),
               void *context)
{
    struct live_walk walk = { .hash = hash, .visit = visit, .context = context };
    if (hash->root != NULL) {
        struct table table = hash_table_of(hash->space, hash->root);
        table_each(&table, visit_live, &walk);
        return;
    }
    const uint8_t *at = hash->body.at + HASH_WORD_BYTES, *end = hash->body.at + hash->body.count;
    while (at < end && visit_live(&walk, at))
        at += pair_bytes(at);
}

uint64_t hash_scan(const struct hash *hash, uint64_t cursor,
                   void (*visit)(void *context, const struct hash_pair *pair), void *context)
{
    struct live_walk walk = { .hash = hash, .visit_all = visit, .context = context };
    if (hash->root != NULL) {
        struct table table = hash_table_of(hash->space, hash->root);
        return table_scan(&table, cursor, visit_live_of_step, &walk);
    }
    const uint8_t *at = hash->body.at + HASH_WORD_BYTES, *end = hash->body.at + hash->body.count;
    for (; at < end; at += pair_bytes(at))
        visit_live_of_step(&walk, at);
    return 0;
}

/* --- chance ----------------------------------------------------------------------------------- */

static bool draw(const struct hash *hash, struct rng *rng, struct hash_pair *pair)
{
    if (hash->root != NULL) {
        struct table table = hash_table_of(hash->space, hash->root);
        struct table_place place;
        if (!table_random(&table, rng, &place))
            return false;
        *pair = pair_at(place.at);
        return true;
    }
    uint64_t left = rng_below(rng, hash_count(hash));
    const uint8_t *at = hash->body.at + HASH_WORD_BYTES;
    for (; left > 0; left--)
        at += pair_bytes(at);
    *pair = pair_at(at);
    return true;
}

struct draw_among {
    struct rng *rng;
    uint64_t seen;
    struct hash_pair *pair;
};

/* Each pair takes the place of the one before with the chance that makes all equal. */
static bool draw_visited(void *context, const struct hash_pair *pair)
{
    struct draw_among *among = context;
    if (rng_below(among->rng, ++among->seen) == 0)
        *among->pair = *pair;
    return true;
}

/* Draws again where an expired pair came up; where nearly all have expired, by a walk. */
bool hash_random(const struct hash *hash, struct rng *rng, struct hash_pair *pair)
{
    enum { TRIES_MAX = 64 };
    if (hash_count(hash) == 0)
        return false;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++)
        if (draw(hash, rng, pair) && hash_is_live(hash, pair))
            return true;
    struct draw_among among = { rng, 0, pair };
    hash_each(hash, draw_visited, &among);
    return among.seen > 0;
}

/* --- the interface of types ------------------------------------------------------------------- */

static unsigned names_of(const struct space *space, const struct value *value)
{
    return value->encoding & HASH_BIG ? big_root(space, value)->flags : hash_word(value->body);
}

static const char *encoding_name(const struct space *space, const struct value *value)
{
    unsigned names = names_of(space, value);
    if (names & HASH_NAMED_TABLE)
        return "hashtable";
    return names & HASH_NAMED_EX ? "listpackex" : "listpack";
}

static void each_ref(struct space *space, const struct value *value,
                     void (*visit)(void *context, uint64_t ref), void *context)
{
    if (value->encoding & HASH_BIG)
        big_each_ref(space, value, &hash_big_ops, visit, context);
}

static bool ask_ahead(const struct space *space, const struct value *value, uint64_t hash,
                      unsigned stage)
{
    return (value->encoding & HASH_BIG) != 0 &&
           big_prefetch(space, value, HASH_TABLE_SET, hash, stage);
}

static enum err copy_whole(struct space *space, const struct value *value, struct value *copy,
                           struct buffer *body)
{
    if (value->encoding & HASH_BIG)
        return big_copy(space, value, &hash_big_ops, copy, body);
    if (!buffer_append(body, value->body))
        return ERR_MEMORY;
    *copy = *value;
    copy->body = bytes_of(body->at + (body->count - value->body.count), value->body.count);
    return ERR_NONE;
}

static bool free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    return (value->encoding & HASH_BIG) == 0 || big_free_step(space, value, &hash_big_ops, cursor);
}

static uint64_t bytes_held(const struct space *space, const struct value *value)
{
    return value->encoding & HASH_BIG ? big_bytes(space, value) : 0;
}

struct digest_walk {
    const struct space *space;
    struct digest *whole;
};

static bool digest_pair(void *context, const struct hash_pair *pair)
{
    const struct digest_walk *walk = context;
    uint8_t digits[NUMBER_I64_MAX];
    struct digest element = { { 0 } };
    digest_mix(&element, packed_view(walk->space, pair->field, digits));
    digest_mix(&element, packed_view(walk->space, pair->value, digits));
    digest_add_element(walk->whole, &element);
    return true;
}

static void digest_all(struct space *space, const struct value *value, struct digest *digest)
{
    struct digest_walk walk = { space, digest };
    struct hash hash;
    hash_view(&hash, space, value, INT64_MIN); /* expired ones too: the time is not content */
    hash_each(&hash, digest_pair, &walk);
}

/* Strings in their one form, no runs, and no expiry but where the encoding says so. */
static bool pair_valid(const uint8_t *at, size_t left, bool expiring)
{
    size_t used = left == 0 ? 0 : pair_mark_bytes(at);
    if (used > left || (used > 0 && !expiring))
        return false;
    for (unsigned part = 0; part < 2; part++) {
        if (!packed_check(at + used, left - used, false))
            return false;
        used += packed_bytes(at + used);
    }
    return true;
}

static bool small_valid(const struct value *value)
{
    struct bytes body = value->body;
    bool expiring = (value->encoding & HASH_EXPIRING) != 0;
    unsigned count = 0;
    if (body.count < HASH_WORD_BYTES || body.count > VALUE_SMALL_MAX)
        return false;
    for (size_t at = HASH_WORD_BYTES; at < body.count; at += pair_bytes(body.at + at), count++)
        if (!pair_valid(body.at + at, body.count - at, expiring))
            return false;
    return count > 0 && count == (hash_word(body) & HASH_COUNT_BITS);
}

struct expiring_tally {
    uint64_t expiring;
};

static bool count_expiring(void *context, const uint8_t *at)
{
    struct expiring_tally *tally = context;
    tally->expiring += at[0] == PAIR_MARK;
    return true;
}

static bool valid(const struct space *space, const struct value *value)
{
    if (value->type != VALUE_HASH)
        return false;
    if ((value->encoding & HASH_BIG) == 0)
        return small_valid(value);
    if (!big_valid(space, value))
        return false;
    struct root *root = big_root(space, value);
    struct table table = hash_table_of((struct space *)(uintptr_t)space, root);
    struct expiring_tally tally = { 0 };
    if (root->sets != HASH_SETS || root->more_bytes != sizeof(struct hash_more) ||
        root->count == 0 || !table_valid(&table))
        return false;
    table_each(&table, count_expiring, &tally);
    return tally.expiring == hash_more_of(root)->expiring &&
           (tally.expiring == 0 || (value->encoding & HASH_EXPIRING) != 0) &&
           hash_due_valid(space, root);
}

const struct type_ops hash_ops = {
    .name = "hash",
    .encoding_name = encoding_name,
    .encode = hash_encode,
    .decode = hash_decode,
    .copy = copy_whole,
    .each_ref = each_ref,
    .prefetch = ask_ahead,
    .free_step = free_step,
    .has_plain_nodes = big_has_plain_nodes,
    .bytes = bytes_held,
    .digest = digest_all,
    .valid = valid,
    .summarise = hash_summarise,
    .tell = hash_tell,
    .make_begin = hash_make_begin,
    .make_part = hash_make_part,
    .make_end = hash_make_end,
    .root_id = hash_root_id,
    .expiring = 1u << HASH_EXPIRING | 1u << (HASH_EXPIRING | HASH_BIG),
    .earliest = hash_earliest,
    .expire_step = hash_expire_step,
};
