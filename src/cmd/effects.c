#include "cmd/effects.h"

#include "base/memory.h"
#include "cmd/command.h"

#include <string.h>

struct effect {
    struct effect *next;
    uint32_t argc;
    struct bytes argv[];
};

/* --- telling ---------------------------------------------------------------------------------- */

static void begin(struct effects *effects, unsigned db)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effects_listener *listener = &effects->listeners[i];
        listener->begin(listener->context, db);
    }
    effects->begun = true;
    effects->begun_db = db;
}

static void end(struct effects *effects)
{
    effects->begun = false;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effects_listener *listener = &effects->listeners[i];
        listener->end(listener->context, effects->begun_db);
    }
}

static void tell(struct effects *effects, unsigned db, const struct bytes *argv, uint32_t argc)
{
    if (effects->open && !effects->begun)
        begin(effects, db);
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effects_listener *listener = &effects->listeners[i];
        listener->effect(listener->context, db, argv, argc);
    }
}

static void tell_lost(struct effects *effects)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effects_listener *listener = &effects->listeners[i];
        listener->lost(listener->context);
    }
}

/* --- what the store tells --------------------------------------------------------------------- */

/* The name may stand in an entry that goes now. */
static void tell_key_gone(struct effects *effects, unsigned db, struct bytes key)
{
    struct bytes argv[] = { bytes_of_text("DEL"), key };
    tell(effects, db, argv, 2);
}

static void on_field_gone(void *context, unsigned db, struct bytes key, struct bytes field)
{
    struct effects *effects = context;
    uint32_t count = (uint32_t)field.count;
    (void)db;
    (void)key;
    if (buffer_reserve(&effects->gone, sizeof count + field.count) &&
        buffer_append(&effects->gone, bytes_of(&count, sizeof count)) &&
        buffer_append(&effects->gone, field))
        effects->gone_count++;
    else
        effects->lost = true;
}

/* HDEL of the fields that were named since the last one. */
static void tell_fields_gone(struct effects *effects, unsigned db, struct bytes key)
{
    uint32_t argc = 2 + effects->gone_count;
    struct bytes *argv = memory_take(argc * sizeof *argv);
    if (argv == NULL || effects->lost) {
        tell_lost(effects);
    } else {
        const uint8_t *at = effects->gone.at;
        argv[0] = bytes_of_text("HDEL");
        argv[1] = key;
        for (uint32_t i = 2; i < argc; i++) {
            uint32_t count;
            memcpy(&count, at, sizeof count);
            argv[i] = bytes_of(at + sizeof count, count);
            at += sizeof count + count;
        }
        tell(effects, db, argv, argc);
    }
    memory_give(argv);
    effects->gone.count = 0;
    effects->gone_count = 0;
    effects->lost = false;
}

static void on_changed(void *context, unsigned db, struct bytes key, enum event event)
{
    struct effects *effects = context;
    if (event == EVENT_EXPIRED || event == EVENT_EVICTED)
        tell_key_gone(effects, db, key);
    else if (event == EVENT_HEXPIRED && effects->gone_count > 0)
        tell_fields_gone(effects, db, key);
    else if (effects->running && !effects->aside)
        effects->changes++;
}

static void on_flushed(void *context, unsigned db)
{
    struct effects *effects = context;
    (void)db;
    effects->changes++;
}

/* --- who listens ------------------------------------------------------------------------------ */

void effects_init(struct effects *effects, struct store *store)
{
    *effects = (struct effects){ .store = store };
}

void effects_release(struct effects *effects)
{
    effects_record_stop(effects);
    if (effects->count > 0)
        store_remove_hooks(effects->store, effects);
    buffer_release(&effects->gone);
    *effects = (struct effects){ .store = effects->store };
}

void effects_listen(struct effects *effects, const struct effects_listener *listener)
{
    ENSURE(effects->count < EFFECTS_LISTENERS_MAX);
    struct store_hooks hooks = { .changed = on_changed,
                                 .flushed = on_flushed,
                                 .element_gone = on_field_gone,
                                 .context = effects };
    if (effects->count == 0)
        store_add_hooks(effects->store, &hooks);
    effects->listeners[effects->count++] = *listener;
    if (effects->begun)
        listener->begin(listener->context, effects->begun_db);
}

void effects_leave(struct effects *effects, const void *context)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effects_listener *listener = &effects->listeners[i];
        if (listener->context != context)
            effects->listeners[kept++] = *listener;
        else if (effects->begun)
            listener->end(listener->context, effects->begun_db);
    }
    if (kept == 0 && effects->count > 0)
        store_remove_hooks(effects->store, effects);
    effects->count = kept;
}

/* --- from within a command -------------------------------------------------------------------- */

static struct effect *copy_effect(struct arena *arena, const struct bytes *argv, uint32_t argc)
{
    size_t text_bytes = 0;
    for (uint32_t i = 0; i < argc; i++)
        text_bytes += argv[i].count;
    struct effect *effect =
        arena_take(arena, sizeof *effect + argc * sizeof *effect->argv + text_bytes);
    if (effect == NULL)
        return NULL;
    *effect = (struct effect){ .argc = argc };
    uint8_t *at = (uint8_t *)&effect->argv[argc];
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].count > 0)
            memcpy(at, argv[i].at, argv[i].count);
        effect->argv[i] = bytes_of(at, argv[i].count);
        at += argv[i].count;
    }
    return effect;
}

static void add_effect(struct effects *effects, struct effect *effect)
{
    if (effect == NULL) {
        effects->lost = true;
        return;
    }
    if (effects->last == NULL)
        effects->first = effect;
    else
        effects->last->next = effect;
    effects->last = effect;
}

void effects_instead(struct call *call, const struct bytes *argv, uint32_t argc)
{
    struct effects *effects = call->context->effects;
    if (effects_wanted(effects))
        add_effect(effects, copy_effect(call->arena, argv, argc));
}

void effects_nothing(struct call *call)
{
    call->context->effects->nothing = true;
}

void effects_at_once(struct call *call, const struct bytes *argv, uint32_t argc)
{
    tell(call->context->effects, call->db, argv, argc);
}

/* --- around a command ------------------------------------------------------------------------- */

void effects_begin(struct effects *effects, const struct call *call)
{
    effects->errors = call->reply->errors;
    effects->running = true;
    effects->aside = false;
    effects->nothing = effects->lost = false;
    effects->changes = 0;
    effects->first = effects->last = NULL;
}

static void tell_instead(struct effects *effects, unsigned db)
{
    bool several = effects->first != effects->last && !effects->open;
    if (several)
        begin(effects, db);
    for (const struct effect *effect = effects->first; effect != NULL; effect = effect->next)
        tell(effects, db, effect->argv, effect->argc);
    if (several)
        end(effects);
}

/* Only commands that say that they write are run again by others: DEBUG is for here. */
static bool is_told(const struct effects *effects, const struct call *call)
{
    return effects->changes > 0 && !effects->nothing &&
           (call->command->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
}

static void tell_outcome(struct effects *effects, struct call *call)
{
    effects->running = false;
    if (effects->lost)
        tell_lost(effects);
    else if (effects->first != NULL)
        tell_instead(effects, call->db);
    else if (is_told(effects, call) && call->reply->errors != effects->errors)
        tell_lost(effects);
    else if (is_told(effects, call))
        tell(effects, call->db, call->argv, call->argc);
    effects->first = effects->last = NULL;
    effects->lost = false;
}

void effects_end(struct effects *effects, struct call *call)
{
    tell_outcome(effects, call);
    effects->open = false;
    if (effects->begun)
        end(effects);
}

/* --- around a command within another ---------------------------------------------------------- */

/* Who began to listen in the midst of the outer command hears single effects: nobody will say that
 * it has ended. */
void effects_enter(struct effects *effects, const struct call *call, struct effects_outer *outer)
{
    *outer = (struct effects_outer){ .first = effects->first,
                                     .last = effects->last,
                                     .changes = effects->changes,
                                     .running = effects->running,
                                     .aside = effects->aside,
                                     .nothing = effects->nothing,
                                     .lost = effects->lost,
                                     .errors = effects->errors };
    effects->open = effects->open || effects->running;
    effects_begin(effects, call);
}

void effects_forget(struct effects *effects)
{
    effects->nothing = true;
    effects->first = effects->last = NULL;
}

void effects_exit(struct effects *effects, struct call *call, const struct effects_outer *outer)
{
    tell_outcome(effects, call);
    effects->first = outer->first;
    effects->last = outer->last;
    effects->changes = outer->changes;
    effects->running = outer->running;
    effects->aside = outer->aside;
    effects->nothing = outer->nothing;
    effects->lost = outer->lost;
    effects->errors = outer->errors;
}
