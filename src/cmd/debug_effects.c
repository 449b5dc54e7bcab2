/* DEBUG EFFECTS: what a log or a replica would be told, for tests, and a clock that they set. */
#include "cmd/debug.h"
#include "cmd/effects.h"

/* A time in ms since 1970, or LONG-AGO for who runs effects, or FREE. */
static void set_clock(struct call *call)
{
    int64_t now_ms = STORE_LONG_AGO;
    if (call_is(call, 3, "free")) {
        store_free_clock(call->store);
    } else {
        if (!call_is(call, 3, "long-ago") && !call_i64_within(call, 3, 1, INT64_MAX / 2, &now_ms))
            return;
        store_hold_clock(call->store, now_ms);
    }
    reply_ok(call->reply);
}

void debug_effects(struct call *call)
{
    struct effects *effects = call->context->effects;
    if (call_is(call, 2, "clock") && call->argc == 4) {
        set_clock(call);
    } else if (call_is(call, 2, "take") && call->argc == 3) {
        effects_record_take(effects, call->reply);
    } else if (call_is(call, 2, "off") && call->argc == 3) {
        effects_record_stop(effects);
        reply_ok(call->reply);
    } else if (!call_is(call, 2, "on") || call->argc != 3) {
        call_syntax_error(call);
    } else if (effects_record_start(effects)) {
        reply_ok(call->reply);
    } else {
        call_memory_error(call);
    }
}
