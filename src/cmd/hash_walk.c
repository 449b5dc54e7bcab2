/* Hashes walked in part: HSCAN and HRANDFIELD. */
#include "cmd/hash_command.h"
#include "cmd/scanning.h"

/* --- HSCAN ------------------------------------------------------------------------------------
 * The pairs found are views into the hash: nothing changes it before the reply is written. */

static void scan_visit(void *context, const struct hash_pair *pair)
{
    struct scanning *scanning = context;
    uint8_t digits[NUMBER_I64_MAX];
    scanning->visited++;
    if (scanning_fits(scanning, packed_view(scanning->call->space, pair->field, digits)))
        scanning_keep(scanning, pair);
}

static void reply_found(const struct scanning *scanning, uint64_t cursor)
{
    const struct hash_pair *found = (const void *)scanning->found;
    size_t count = scanning->found_count;
    scanning_reply(scanning, cursor, scanning->no_values ? count : 2 * count);
    for (size_t i = 0; i < count; i++) {
        hash_reply_text(scanning->call, found[i].field);
        if (!scanning->no_values)
            hash_reply_text(scanning->call, found[i].value);
    }
}

void cmd_hscan(struct call *call)
{
    struct scanning scanning;
    struct hash hash;
    uint64_t cursor = 0;
    bool there;
    scanning_init(&scanning, call, sizeof(struct hash_pair));
    if (!scanning_cursor(call, 2, &cursor) || !hash_read(call, &hash, &there) ||
        (there && !scanning_read(&scanning, 3, SCANNING_NO_VALUES)))
        return;
    do
        cursor = there ? hash_scan(&hash, cursor, scan_visit, &scanning) : 0;
    while (scanning_goes_on(&scanning, cursor));
    if (scanning.failed)
        call_memory_error(call);
    else
        reply_found(&scanning, cursor);
}

/* --- HRANDFIELD ------------------------------------------------------------------------------- */

struct sample {
    struct call *call;
    bool with_values;
    uint64_t wanted, left; /* to be drawn; pairs not yet seen */
};

static void begin_sample(struct sample *sample, uint64_t count)
{
    struct reply *reply = sample->call->reply;
    bool flat = sample->with_values && reply->resp == 2;
    reply_array(reply, flat ? 2 * count : count);
}

static void tell_sample(struct sample *sample, const struct hash_pair *pair)
{
    struct call *call = sample->call;
    if (sample->with_values && call->reply->resp > 2)
        reply_array(call->reply, 2);
    hash_reply_text(call, pair->field);
    if (sample->with_values)
        hash_reply_text(call, pair->value);
}

/* With repeats: each is drawn anew. */
static void sample_with_repeats(struct sample *sample, const struct hash *hash, uint64_t count)
{
    struct hash_pair pair;
    if (!hash_random(hash, hash->space->rng, &pair)) { /* all have expired */
        begin_sample(sample, 0);
        return;
    }
    if (!call_may_draw(sample->call, count, sample->with_values ? 2 : 1))
        return;
    begin_sample(sample, count);
    for (uint64_t i = 0; i < count && !sample->call->reply->failed; i++) {
        if (!hash_random(hash, hash->space->rng, &pair))
            return;
        tell_sample(sample, &pair);
    }
}

static bool count_pair(void *context, const struct hash_pair *pair)
{
    (void)pair;
    ++*(uint64_t *)context;
    return true;
}

/* Each pair is taken with the chance that `wanted` of those `left` are: so exactly so many are. */
static bool visit_sampled(void *context, const struct hash_pair *pair)
{
    struct sample *sample = context;
    if (rng_below(sample->call->space->rng, sample->left--) < sample->wanted) {
        sample->wanted--;
        tell_sample(sample, pair);
    }
    return sample->wanted > 0 && !sample->call->reply->failed;
}

static void sample_by_walk(struct sample *sample, const struct hash *hash, uint64_t count)
{
    sample->left = hash_count(hash);
    if (hash->expiring) {
        sample->left = 0;
        hash_each(hash, count_pair, &sample->left);
    }
    sample->wanted = count < sample->left ? count : sample->left;
    begin_sample(sample, sample->wanted);
    if (sample->wanted > 0)
        hash_each(hash, visit_sampled, sample);
}

/* Places in a table of pointers, of which at most half are taken. */
static bool is_drawn(const uint8_t **drawn, uint64_t mask, const uint8_t *at)
{
    uint64_t place = ((uint64_t)(uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & mask;
    for (; drawn[place] != NULL; place = (place + 1) & mask)
        if (drawn[place] == at)
            return true;
    drawn[place] = at;
    return false;
}

/* Few of many: drawn one by one, what came before is drawn again. */
static bool sample_by_draws(struct sample *sample, const struct hash *hash, uint64_t count)
{
    uint64_t room = UINT64_C(4) << (63 - __builtin_clzll(count));
    const uint8_t **drawn = arena_take_many(sample->call->arena, room, sizeof *drawn);
    if (drawn == NULL)
        return false;
    memset(drawn, 0, room * sizeof *drawn);
    begin_sample(sample, count);
    for (uint64_t found = 0; found < count && !sample->call->reply->failed;) {
        struct hash_pair pair;
        ENSURE(hash_random(hash, hash->space->rng, &pair));
        if (is_drawn(drawn, room - 1, pair.at))
            continue;
        tell_sample(sample, &pair);
        found++;
    }
    return true;
}

/* A walk costs all pairs, draws cost a few for each that is wanted; they may not end where pairs
 * have expired. */
static void sample_distinct(struct sample *sample, const struct hash *hash, uint64_t count)
{
    enum { WALK_FROM = 8 };
    bool few = hash->root != NULL && !hash->expiring && count < hash_count(hash) / WALK_FROM;
    if (!few || count == 0 || !sample_by_draws(sample, hash, count))
        sample_by_walk(sample, hash, count);
}

static bool read_sample(struct call *call, int64_t *count, bool *with_values)
{
    if (!call_i64_within(call, 2, -INT64_MAX, INT64_MAX, count))
        return false;
    *with_values = call->argc == 4 && call_is(call, 3, "withvalues");
    if (call->argc > 4 || (call->argc == 4 && !*with_values)) {
        call_syntax_error(call);
        return false;
    }
    if (*with_values && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        reply_error(call->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

static void random_one(struct call *call)
{
    struct hash hash;
    struct hash_pair pair;
    bool there;
    if (!hash_read(call, &hash, &there))
        return;
    if (there && hash_random(&hash, call->space->rng, &pair))
        hash_reply_text(call, pair.field);
    else
        reply_nil(call->reply);
}

void cmd_hrandfield(struct call *call)
{
    struct sample sample = { .call = call };
    struct hash hash;
    int64_t count = 0;
    bool there;
    if (call->argc == 2) {
        random_one(call);
        return;
    }
    if (!read_sample(call, &count, &sample.with_values) || !hash_read(call, &hash, &there))
        return;
    if (!there || count == 0)
        reply_array(call->reply, 0);
    else if (count < 0)
        sample_with_repeats(&sample, &hash, (uint64_t)-count);
    else
        sample_distinct(&sample, &hash, (uint64_t)count);
}
