/* Values that are read after their visit: what of them must stay, also when their key goes or is
 * changed. Roots know by themselves whether they were read (struct/past.h); runs are noted here. */
#include "base/memory.h"
#include "store/inside.h"
#include "struct/past.h"

#define NO_MEMORY "no memory to keep what it has not read yet"

enum { PLACES_MIN = 16 };
/* Roots' names in the table; references have 40 bits. */
#define NAME_ROOT (UINT64_C(1) << 48)

static void take_ref(void *context, uint64_t ref)
{
    *(uint64_t *)context = ref;
}

/* The run that a value is; 0: it is none. */
static uint64_t run_of(struct store *store, const struct value *value)
{
    uint64_t ref = 0;
    if (value_root_id(value) == 0)
        type_ops(value->type)->each_ref(&store->space, value, take_ref, &ref);
    return ref;
}

/* --- the table -------------------------------------------------------------------------------- */

static uint32_t home_of(const struct walk_keeping *keeping, uint64_t name)
{
    return (uint32_t)(name * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (keeping->capacity - 1);
}

/* Where the name stands, or would. pre: there is a free place. */
static struct walk_kept *place_of(const struct walk_keeping *keeping, uint64_t name)
{
    uint32_t at = home_of(keeping, name);
    while (keeping->places[at].name != 0 && keeping->places[at].name != name)
        at = (at + 1) & (keeping->capacity - 1);
    return &keeping->places[at];
}

static struct walk_kept *find_kept(const struct walk_keeping *keeping, uint64_t name)
{
    if (keeping->count == 0)
        return NULL;
    struct walk_kept *kept = place_of(keeping, name);
    return kept->name == name ? kept : NULL;
}

static bool widen(struct walk_keeping *keeping)
{
    struct walk_keeping wider = *keeping;
    wider.capacity = keeping->capacity == 0 ? PLACES_MIN : keeping->capacity * 2;
    wider.places = memory_take_zeroed(wider.capacity * sizeof *wider.places);
    if (wider.places == NULL)
        return false;
    for (uint32_t at = 0; at < keeping->capacity; at++)
        if (keeping->places[at].name != 0)
            *place_of(&wider, keeping->places[at].name) = keeping->places[at];
    memory_give(keeping->places);
    *keeping = wider;
    return true;
}

static bool add_kept(struct walk_keeping *keeping, uint64_t name, struct dying_value *dying)
{
    if (keeping->count >= keeping->capacity / 4 * 3 && !widen(keeping))
        return false;
    *place_of(keeping, name) = (struct walk_kept){ name, dying };
    keeping->count++;
    return true;
}

/* Those behind it move up where they may stand nearer to their home. */
static void remove_kept(struct walk_keeping *keeping, struct walk_kept *kept)
{
    uint32_t mask = keeping->capacity - 1, hole = (uint32_t)(kept - keeping->places);
    keeping->count--;
    for (uint32_t at = (hole + 1) & mask; keeping->places[at].name != 0; at = (at + 1) & mask) {
        uint32_t home = home_of(keeping, keeping->places[at].name);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        keeping->places[hole] = keeping->places[at];
        hole = at;
    }
    keeping->places[hole] = (struct walk_kept){ 0 };
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void add_waiting(struct walk_keeping *keeping, struct dying_value **list,
                        struct dying_value *dying, uint64_t bytes, bool large)
{
    if (large) {
        keeping->large = dying;
        keeping->large_bytes = bytes;
    }
    dying->kept_bytes = bytes;
    dying->next = *list;
    dying->link = list;
    if (*list != NULL)
        (*list)->link = &dying->next;
    *list = dying;
    keeping->bytes += bytes;
}

/* It has been read: its blocks are given back like any other's. */
static void end_waiting(struct store *store, struct dying_value *dying)
{
    *dying->link = dying->next;
    if (dying->next != NULL)
        dying->next->link = dying->link;
    store->walk.keeping.bytes -= dying->kept_bytes;
    if (store->walk.keeping.large == dying) {
        store->walk.keeping.large = NULL;
        store->walk.keeping.large_bytes = 0;
    }
    dying->next = store->dying_values;
    store->dying_values = dying;
}

static bool within_limit(const struct store *store, uint64_t bytes)
{
    uint64_t counted = store_walk_bytes(store) - store_walk_large_bytes(store);
    return counted + bytes <= store->walk.options.past_limit;
}

/* One command may remove a value that is larger than the limit: one of the kind is not counted. */
static bool may_wait(struct store *store, uint64_t bytes)
{
    if (within_limit(store, bytes) || store->walk.keeping.large == NULL)
        return true;
    walk_break(store, "values removed since it began take more memory than it may have");
    return false;
}

/* The value waits; false: it cannot, and the walk is broken. */
static bool make_wait(struct store *store, const struct value *value, uint64_t bytes,
                      struct dying_value **list, struct dying_value **dying)
{
    bool large = !within_limit(store, bytes);
    if (!may_wait(store, bytes))
        return false;
    *dying = store_make_dying(store, value);
    if (*dying == NULL) {
        walk_break(store, NO_MEMORY);
        return false;
    }
    add_waiting(&store->walk.keeping, list, *dying, bytes, large);
    return true;
}

static bool keeps_root(struct store *store, const struct value *value, uint32_t id, bool part)
{
    struct walk_keeping *keeping = &store->walk.keeping;
    struct dying_value *dying;
    if (!past_wants(&store->space, id))
        return false;
    uint64_t bytes = root_held(&store->space, root_of(&store->space, id));
    if (!make_wait(store, value, bytes, part ? &keeping->parts : &keeping->waiting, &dying))
        return false;
    if (part || add_kept(keeping, NAME_ROOT | id, dying))
        return true;
    walk_break(store, NO_MEMORY); /* it goes with whatever waits, when the walk ends */
    return true;
}

static bool keeps_run(struct store *store, const struct value *value, struct walk_kept *kept)
{
    uint64_t bytes = type_ops(value->type)->bytes(&store->space, value);
    return make_wait(store, value, bytes, &store->walk.keeping.waiting, &kept->dying);
}

bool walk_keeps(struct store *store, const struct value *value, bool part)
{
    uint32_t id = value_root_id(value);
    if (id != 0)
        return keeps_root(store, value, id, part);
    uint64_t run = run_of(store, value);
    struct walk_kept *kept = run == 0 ? NULL : find_kept(&store->walk.keeping, run);
    return kept != NULL && keeps_run(store, value, kept);
}

/* --- what is read later ----------------------------------------------------------------------- */

void walk_show(struct store *store, const struct value *value)
{
    uint64_t run = run_of(store, value);
    if (run != 0 && !add_kept(&store->walk.keeping, run, NULL))
        walk_break(store, NO_MEMORY);
}

/* Without memory for another run, or beyond the limit, the walk is broken: the old one is changed
 * then. */
void walk_part_from_run(struct store *store, struct entry *entry)
{
    struct value value = entry_value(entry), copy;
    const struct type_ops *ops = type_ops(value.type);
    struct buffer body = { 0 };
    uint64_t run = run_of(store, &value);
    struct walk_kept *kept = run == 0 ? NULL : find_kept(&store->walk.keeping, run);
    if (kept == NULL || !may_wait(store, ops->bytes(&store->space, &value)))
        return;
    if (ops->copy(&store->space, &value, &copy, &body) != ERR_NONE)
        walk_break(store, NO_MEMORY);
    else if (keeps_run(store, &value, kept))
        memcpy(entry_body_mut(entry), copy.body.at, copy.body.count);
    else
        value_drop(&store->space, &copy);
    buffer_release(&body);
}

/* Parts of a value are read with it, one after the other. */
static void end_parts(struct store *store)
{
    struct dying_value *next;
    for (struct dying_value *dying = store->walk.keeping.parts; dying != NULL; dying = next) {
        struct value value = dying_as_value(dying);
        next = dying->next;
        if (!past_wants(&store->space, value_root_id(&value)))
            end_waiting(store, dying);
    }
}

void store_walk_done(struct store *store, const struct value *value)
{
    struct walk_keeping *keeping = &store->walk.keeping;
    uint32_t id = value_root_id(value);
    if (!store->walk.open)
        return;
    if (id != 0)
        past_done(&store->space, id);
    uint64_t name = id != 0 ? NAME_ROOT | id : run_of(store, value);
    struct walk_kept *kept = name == 0 ? NULL : find_kept(keeping, name);
    if (kept != NULL) {
        if (kept->dying != NULL)
            end_waiting(store, kept->dying);
        remove_kept(keeping, kept);
    }
    if (id != 0 && keeping->parts != NULL)
        end_parts(store);
}

void walk_keep_nothing(struct store *store)
{
    struct walk_keeping *keeping = &store->walk.keeping;
    while (keeping->waiting != NULL)
        end_waiting(store, keeping->waiting);
    while (keeping->parts != NULL)
        end_waiting(store, keeping->parts);
    memory_give(keeping->places);
    *keeping = (struct walk_keeping){ 0 };
}

void walk_each_kept(const struct store *store,
                    void (*visit)(void *context, const struct value *value), void *context)
{
    const struct walk_keeping *keeping = &store->walk.keeping;
    const struct dying_value *lists[] = { keeping->waiting, keeping->parts };
    for (size_t list = 0; list < 2; list++)
        for (const struct dying_value *dying = lists[list]; dying != NULL; dying = dying->next) {
            struct value value = dying_as_value(dying);
            visit(context, &value);
        }
}
