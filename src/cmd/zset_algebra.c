/* ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD: sorted sets and sets put together. */
#include "base/number.h"
#include "cmd/zset_command.h"
#include "types/set.h"

#include <stdlib.h>

enum operation { UNION, INTER, DIFF };
enum aggregate { SUM, MIN, MAX };

/* One input. */
struct source {
    struct value value;
    struct zset zset; /* of a sorted set */
    bool is_set;
    uint64_t count; /* 0: absent too */
    double weight;
    uint32_t order; /* among the keys */
};

struct algebra {
    struct call *call;
    enum operation operation;
    enum aggregate aggregate;
    bool storing, cardinality, scores;
    int64_t limit; /* ZINTERCARD; 0: none */
    uint32_t count;
    struct source *sources;

    struct zset_gathering result; /* views of the sources, or copies */
    uint32_t *places;             /* UNION: 1 + index of the item, by hash; 0: none */
    uint64_t mask;
};

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_count(struct algebra *algebra, uint32_t at)
{
    struct call *call = algebra->call;
    int64_t count;
    if (!call_i64(call, at, &count))
        return false;
    if (count < 1) {
        reply_errorf(call->reply, "ERR at least 1 input key is needed for '%s' command",
                     call->command->name);
        return false;
    }
    if (count > (int64_t)call->argc - at - 1) {
        call_syntax_error(call);
        return false;
    }
    algebra->count = (uint32_t)count;
    algebra->sources = arena_take_many(call->arena, algebra->count, sizeof *algebra->sources);
    if (algebra->sources == NULL)
        call_memory_error(call);
    return algebra->sources != NULL;
}

/* Reading may remove a key that has expired, after which no other entry's address is sure; so all
 * are read first, and looked at when nothing can change any more. */
static bool read_sources(struct algebra *algebra, uint32_t first)
{
    struct call *call = algebra->call;
    for (uint32_t i = 0; i < algebra->count; i++) {
        struct key key = store_key(call->store, call->argv[first + i]);
        const struct entry *entry = call_read(call, &key);
        if (entry != NULL && entry_type(entry) != VALUE_SET &&
            !call_type_fits(call, entry, VALUE_ZSET))
            return false;
    }
    for (uint32_t i = 0; i < algebra->count; i++) {
        struct source *source = &algebra->sources[i];
        struct key key = store_key(call->store, call->argv[first + i]);
        const struct entry *entry = store_look(call->store, call->db, &key);
        *source = (struct source){ .weight = 1, .order = i };
        if (entry == NULL)
            continue;
        source->value = entry_value(entry);
        source->is_set = source->value.type == VALUE_SET;
        if (!source->is_set)
            source->zset = zset_view(call->space, &source->value);
        source->count =
            source->is_set ? set_count(call->space, &source->value) : source->zset.count;
    }
    return true;
}

static bool read_aggregate(struct algebra *algebra, uint32_t at)
{
    static const char *const words[] = { [SUM] = "sum", [MIN] = "min", [MAX] = "max" };
    for (unsigned i = SUM; i <= MAX; i++) {
        if (call_is(algebra->call, at, words[i])) {
            algebra->aggregate = (enum aggregate)i;
            return true;
        }
    }
    call_syntax_error(algebra->call);
    return false;
}

static bool read_limit(struct algebra *algebra, uint32_t at)
{
    struct call *call = algebra->call;
    int64_t limit;
    if (!number_read_i64(call->argv[at], &limit) || limit < 0) {
        reply_error(call->reply, "ERR LIMIT can't be negative");
        return false;
    }
    algebra->limit = limit;
    return true;
}

static bool read_weights(struct algebra *algebra, uint32_t at)
{
    for (uint32_t i = 0; i < algebra->count; i++)
        if (!zset_read_score(algebra->call, at + i, "ERR weight value is not a float",
                             &algebra->sources[i].weight))
            return false;
    return true;
}

static bool read_options(struct algebra *algebra, uint32_t at)
{
    struct call *call = algebra->call;
    bool weighs = algebra->operation != DIFF && !algebra->cardinality;
    while (at < call->argc) {
        uint32_t left = call->argc - at - 1, used = 1;
        bool fine = true;
        if (weighs && left >= algebra->count && call_is(call, at, "weights")) {
            fine = read_weights(algebra, at + 1);
            used += algebra->count;
        } else if (weighs && left >= 1 && call_is(call, at, "aggregate")) {
            fine = read_aggregate(algebra, at + 1);
            used++;
        } else if (!algebra->storing && !algebra->cardinality && call_is(call, at, "withscores")) {
            algebra->scores = true;
        } else if (algebra->cardinality && left >= 1 && call_is(call, at, "limit")) {
            fine = read_limit(algebra, at + 1);
            used++;
        } else {
            call_syntax_error(call);
            return false;
        }
        if (!fine)
            return false;
        at += used;
    }
    return true;
}

/* --- sources ---------------------------------------------------------------------------------- */

static int compare_sources(const void *a, const void *b)
{
    const struct source *one = a, *other = b;
    if (one->count != other->count)
        return one->count < other->count ? -1 : 1;
    return one->order < other->order ? -1 : 1;
}

struct set_walk {
    const struct space *space;
    const struct zset_visitor *visitor;
};

static bool visit_set_element(void *context, const uint8_t *element)
{
    const struct set_walk *walk = context;
    uint8_t digits[NUMBER_I64_MAX];
    struct zset_item item = { 1, packed_view(walk->space, element, digits) };
    return walk->visitor->visit(walk->visitor->context, &item, item.member.at == digits);
}

static void each(const struct algebra *algebra, const struct source *source,
                 bool (*visit)(void *context, const struct zset_item *item, bool passing),
                 const void *context)
{
    struct zset_visitor visitor = { visit, (void *)(uintptr_t)context };
    struct set_walk walk = { algebra->call->space, &visitor };
    if (source->count == 0)
        return;
    if (source->is_set)
        set_each(walk.space, &source->value, visit_set_element, &walk);
    else
        zset_walk(&source->zset, 0, source->count, false, &visitor);
}

static bool has(const struct algebra *algebra, const struct source *source, struct bytes member,
                double *score)
{
    struct packed_item item;
    *score = 1;
    if (source->count == 0)
        return false;
    if (!source->is_set)
        return zset_score(&source->zset, member, score);
    packed_sought(member, &item);
    return set_has(algebra->call->space, &source->value, &item);
}

/* --- scores ----------------------------------------------------------------------------------- */

static double weighed(double score, double weight)
{
    double product = score * weight;
    return product == product ? product : 0; /* infinity times 0 */
}

/* Infinities of both signs are 0 together. */
static double together(enum aggregate aggregate, double a, double b)
{
    if (aggregate == MIN)
        return b < a ? b : a;
    if (aggregate == MAX)
        return b > a ? b : a;
    return a + b == a + b ? a + b : 0;
}

/* --- the operations --------------------------------------------------------------------------- */

/* What a visitor of a source needs. */
struct step {
    struct algebra *algebra;
    const struct source *source;
};

static bool inter_item(void *context, const struct zset_item *item, bool passing)
{
    const struct step *step = context;
    struct algebra *algebra = step->algebra;
    double sum = weighed(item->score, step->source->weight), score;
    for (uint32_t i = 1; i < algebra->count; i++) {
        const struct source *other = &algebra->sources[i];
        if (!has(algebra, other, item->member, &score))
            return true;
        sum = together(algebra->aggregate, sum, score * other->weight);
    }
    if (!algebra->cardinality)
        return zset_gather(&algebra->result, &(struct zset_item){ sum, item->member }, passing);
    algebra->result.count++;
    return algebra->limit == 0 || algebra->result.count < (uint64_t)algebra->limit;
}

static bool diff_item(void *context, const struct zset_item *item, bool passing)
{
    const struct step *step = context;
    struct algebra *algebra = step->algebra;
    double score;
    for (uint32_t i = 1; i < algebra->count; i++)
        if (has(algebra, &algebra->sources[i], item->member, &score))
            return true;
    return zset_gather(&algebra->result, item, passing);
}

static bool union_item(void *context, const struct zset_item *item, bool passing)
{
    const struct step *step = context;
    struct algebra *algebra = step->algebra;
    struct zset_gathering *result = &algebra->result;
    double score = weighed(item->score, step->source->weight);
    uint64_t at = hash_bytes(&algebra->call->space->seed, item->member) & algebra->mask;
    for (; algebra->places[at] != 0; at = (at + 1) & algebra->mask) {
        struct zset_item *known = &result->items[algebra->places[at] - 1];
        if (bytes_equal(known->member, item->member)) {
            known->score = together(algebra->aggregate, known->score, score);
            return true;
        }
    }
    if (!zset_gather(result, &(struct zset_item){ score, item->member }, passing))
        return false;
    algebra->places[at] = (uint32_t)result->count;
    return true;
}

/* Places by hash for as many members as there can be, half of them free. */
static bool prepare_union(struct algebra *algebra)
{
    uint64_t most = 0, places = 16;
    for (uint32_t i = 0; i < algebra->count; i++)
        most += algebra->sources[i].count;
    while (places < most * 2)
        places *= 2;
    if (most > UINT32_MAX)
        return false;
    algebra->places = arena_take_many(algebra->call->arena, places, sizeof *algebra->places);
    if (algebra->places == NULL)
        return false;
    memset(algebra->places, 0, places * sizeof *algebra->places);
    algebra->mask = places - 1;
    return true;
}

static void unite(struct algebra *algebra)
{
    if (!prepare_union(algebra)) {
        algebra->result.failed = true;
        return;
    }
    for (uint32_t i = 0; i < algebra->count && !algebra->result.failed; i++) {
        struct step step = { algebra, &algebra->sources[i] };
        each(algebra, step.source, union_item, &step);
    }
}

static int compare_items(const void *a, const void *b)
{
    return zset_compare(a, b);
}

/* Inputs from the smallest on, as Redis takes them: sums of floats depend on their order. */
static void calculate(struct algebra *algebra)
{
    struct source *sources = algebra->sources;
    struct step step = { algebra, sources };
    if (algebra->operation != DIFF)
        qsort(sources, algebra->count, sizeof *sources, compare_sources);
    if (algebra->operation == UNION)
        unite(algebra);
    else
        each(algebra, sources, algebra->operation == INTER ? inter_item : diff_item, &step);
    struct zset_gathering *result = &algebra->result;
    if (!algebra->cardinality && result->count > 1)
        qsort(result->items, result->count, sizeof *result->items, compare_items);
}

/* --- commands --------------------------------------------------------------------------------- */

static bool run(struct algebra *algebra, uint32_t count_at)
{
    struct call *call = algebra->call;
    algebra->result.arena = call->arena;
    if (!read_count(algebra, count_at))
        return false;
    if (algebra->storing) {
        struct key to = call_key(call, 0, 1);
        (void)store_look(call->store, call->db, &to); /* it may have expired */
    }
    if (!read_sources(algebra, count_at + 1) ||
        !read_options(algebra, count_at + 1 + algebra->count))
        return false;
    calculate(algebra);
    if (algebra->result.failed)
        call_memory_error(call);
    return !algebra->result.failed;
}

static void show(struct call *call, enum operation operation)
{
    struct algebra algebra = { .call = call, .operation = operation };
    if (!run(&algebra, 1))
        return;
    zset_reply_begin(call, algebra.result.count, algebra.scores);
    for (uint64_t i = 0; i < algebra.result.count; i++)
        zset_reply_item(call, &algebra.result.items[i], algebra.scores);
}

static void store(struct call *call, enum operation operation, enum event event)
{
    struct algebra algebra = { .call = call, .operation = operation, .storing = true };
    if (!run(&algebra, 2))
        return;
    struct key to = call_key(call, 0, 1);
    zset_store(call, &to, algebra.result.items, algebra.result.count, event);
}

void cmd_zunion(struct call *call)
{
    show(call, UNION);
}

void cmd_zinter(struct call *call)
{
    show(call, INTER);
}

void cmd_zdiff(struct call *call)
{
    show(call, DIFF);
}

void cmd_zintercard(struct call *call)
{
    struct algebra algebra = { .call = call, .operation = INTER, .cardinality = true };
    if (run(&algebra, 1))
        reply_i64(call->reply, (int64_t)algebra.result.count);
}

void cmd_zunionstore(struct call *call)
{
    store(call, UNION, EVENT_ZUNIONSTORE);
}

void cmd_zinterstore(struct call *call)
{
    store(call, INTER, EVENT_ZINTERSTORE);
}

void cmd_zdiffstore(struct call *call)
{
    store(call, DIFF, EVENT_ZDIFFSTORE);
}
