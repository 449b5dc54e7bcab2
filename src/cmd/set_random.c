/* SPOP and SRANDMEMBER. */
#include "cmd/effects.h"
#include "cmd/set_command.h"

/* --- SRANDMEMBER ------------------------------------------------------------------------------ */

static bool reply_sampled(void *context, const uint8_t *element)
{
    struct call *call = context;
    set_reply_element(call, element);
    return !call->reply->failed;
}

/* The same member may come more than once. */
static void reply_drawn(struct call *call, const struct value *value, uint64_t count)
{
    struct packed_item room;
    if (!call_may_draw(call, count, 1))
        return;
    reply_array(call->reply, count);
    for (; count > 0 && !call->reply->failed; count--)
        set_reply_element(call, set_random(call->space, value, &room));
}

static void reply_different(struct call *call, const struct value *value, uint64_t count)
{
    uint64_t all = set_count(call->space, value);
    struct reply_mark mark = reply_array_later(call->reply);
    if (count >= all) {
        set_reply_all(call, value);
        count = all;
    } else if (set_sample(call->space, value, count, call->arena, reply_sampled, call) !=
               ERR_NONE) {
        reply_count(call->reply, mark, 0);
        return;
    }
    reply_count(call->reply, mark, count);
}

void cmd_srandmember(struct call *call)
{
    struct value value;
    struct packed_item room;
    int64_t count = 0;
    bool there;
    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3 && !call_i64_within(call, 2, -INT64_MAX, INT64_MAX, &count))
        return;
    if (!set_read_first(call, &value, &there))
        return;
    if (call->argc == 2 && there)
        set_reply_element(call, set_random(call->space, &value, &room));
    else if (call->argc == 2)
        reply_nil(call->reply);
    else if (!there || count == 0)
        reply_array(call->reply, 0);
    else if (count < 0)
        reply_drawn(call, &value, (uint64_t)-count);
    else
        reply_different(call, &value, (uint64_t)count);
}

/* --- SPOP -------------------------------------------------------------------------------------
 * A big set is changed in place, which cannot fail: what is drawn is told and removed. Of a small
 * one the drawn are copied, and told when the rest has been written back. */

/* SREM of what was drawn; of many in several. */
enum { SREM_WORDS_MAX = 1024 };

static void start_removed(struct call *call, struct effect_words *words)
{
    *words = (struct effect_words){ .failed = true };
    if (!call_is_heard(call))
        return;
    effect_start(words, call, "SREM");
    effect_text(words, call->first.name);
}

static void add_removed(struct call *call, struct effect_words *words, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (!call_is_heard(call))
        return;
    if (words->argc == SREM_WORDS_MAX) {
        effect_tell(words);
        start_removed(call, words);
    }
    effect_text(words, packed_view(call->space, element, digits));
}

static void tell_removed(struct call *call, const struct effect_words *words)
{
    if (call_is_heard(call))
        effect_tell(words);
}

struct popping {
    struct call *call;
    struct value_edit edit;
    struct bytes *popped; /* packed elements */
    uint64_t count;       /* so far */
    enum err err;
};

static bool pop_sampled(void *context, const uint8_t *element)
{
    struct popping *popping = context;
    struct packed_item item;
    bool removed;
    size_t bytes = packed_bytes(element);
    uint8_t *own = arena_take(popping->call->arena, bytes);
    popping->err = ERR_MEMORY;
    if (own == NULL)
        return false;
    memcpy(own, element, bytes);
    set_item(popping->call->space, own, &item);
    popping->err = set_remove(&popping->edit, &item, &removed);
    popping->popped[popping->count++] = bytes_of(own, bytes);
    return popping->err == ERR_NONE;
}

/* Redis makes a new set of the rest when it is much smaller than what goes. */
enum { NEW_SET_BELOW = 5 };

static void name_rest(struct value_edit *edit, uint64_t rest, uint64_t gone)
{
    if (rest * NEW_SET_BELOW <= gone)
        set_name_anew(edit);
}

/* pre: `wanted` is less than the set has. */
static enum err pop_some(struct popping *popping, const struct value *value, uint64_t wanted)
{
    struct call *call = popping->call;
    uint64_t all = set_count(call->space, value);
    popping->popped = arena_take_many(call->arena, wanted, sizeof *popping->popped);
    if (popping->popped == NULL)
        return ERR_MEMORY;
    enum err err = set_sample(call->space, value, wanted, call->arena, pop_sampled, popping);
    if (err == ERR_NONE)
        err = popping->err;
    if (err == ERR_NONE)
        name_rest(&popping->edit, all - wanted, wanted);
    return err;
}

static void pop_small(struct call *call, struct entry *entry, uint64_t wanted, bool as_set)
{
    struct value value = entry_value(entry);
    struct popping popping = { .call = call };
    set_open(&popping.edit, call->space, call->arena, &value);
    if (pop_some(&popping, &value, wanted) != ERR_NONE) {
        call_memory_error(call);
        return;
    }
    if (call_commit(call, call->db, &call->first, entry, &popping.edit, EVENT_SPOP, false) !=
        ERR_NONE)
        return;
    struct effect_words removed;
    start_removed(call, &removed);
    if (as_set)
        reply_set(call->reply, wanted);
    for (uint64_t i = 0; i < wanted; i++) {
        set_reply_element(call, popping.popped[i].at);
        add_removed(call, &removed, popping.popped[i].at);
    }
    tell_removed(call, &removed);
}

static void pop_big(struct call *call, struct entry *entry, uint64_t wanted, bool as_set)
{
    struct value value = entry_value(entry);
    struct value_edit edit;
    uint64_t rest = set_count(call->space, &value) - wanted;
    struct effect_words gone;
    set_open(&edit, call->space, call->arena, &value);
    start_removed(call, &gone);
    if (as_set)
        reply_set(call->reply, wanted);
    for (uint64_t i = 0; i < wanted; i++) {
        struct packed_item room, item;
        bool removed;
        const uint8_t *element = set_random(call->space, &value, &room);
        set_reply_element(call, element);
        add_removed(call, &gone, element);
        set_item(call->space, element, &item);
        ENSURE(set_remove(&edit, &item, &removed) == ERR_NONE && removed);
    }
    name_rest(&edit, rest, wanted);
    ENSURE(call_commit(call, call->db, &call->first, entry, &edit, EVENT_SPOP, false) == ERR_NONE);
    tell_removed(call, &gone);
}

static void pop_all(struct call *call, struct entry *entry, bool as_set)
{
    struct value value = entry_value(entry);
    if (as_set)
        reply_set(call->reply, set_count(call->space, &value));
    set_reply_all(call, &value);
    store_note(call->store, call->db, &call->first, EVENT_SPOP);
    store_remove(call->store, call->db, &call->first, entry, EVENT_DEL);
    effect_of_key(call, "DEL", call->first.name);
}

static bool read_pop_count(struct call *call, int64_t *count)
{
    if (call->argc == 2)
        return true;
    if (call->argc > 3) {
        call_syntax_error(call);
        return false;
    }
    if (number_read_i64(call->argv[2], count) && *count >= 0)
        return true;
    reply_error(call->reply, "ERR value is out of range, must be positive");
    return false;
}

void cmd_spop(struct call *call)
{
    int64_t count = 1;
    bool as_set = call->argc > 2;
    if (!read_pop_count(call, &count))
        return;
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (!call_type_fits(call, entry, VALUE_SET))
        return;
    if (entry == NULL || count == 0) {
        if (as_set)
            reply_set(call->reply, 0);
        else
            reply_nil(call->reply);
        return;
    }
    struct value value = entry_value(entry);
    uint64_t wanted = (uint64_t)count;
    if (wanted >= set_count(call->space, &value))
        pop_all(call, entry, as_set);
    else if (value.encoding == SET_BIG)
        pop_big(call, entry, wanted, as_set);
    else
        pop_small(call, entry, wanted, as_set);
}
