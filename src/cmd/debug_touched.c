/* DEBUG TOUCHED: which keys commands touch, for tests of what they declare. */
#include "cmd/debug.h"
#include "store/touched.h"

static void reply_touch(void *context, enum touch touch, unsigned db, struct bytes key)
{
    static const char *const words[] = { [TOUCH_LOOKED] = "looked",
                                         [TOUCH_CHANGED] = "changed",
                                         [TOUCH_GONE] = "gone",
                                         [TOUCH_WALKED] = "walked" };
    struct reply *reply = context;
    reply_array(reply, 3);
    reply_bulk_text(reply, words[touch]);
    reply_i64(reply, db);
    reply_bulk(reply, key);
}

static void take(struct call *call)
{
    if (!touched_is_on(call->store)) {
        reply_error(call->reply, "ERR DEBUG TOUCHED is off");
        return;
    }
    if (touched_lost(call->store)) {
        reply_error(call->reply, "ERR keys were lost");
    } else {
        reply_array(call->reply, touched_count(call->store));
        touched_each(call->store, reply_touch, call->reply);
    }
    touched_forget(call->store);
}

void debug_touched(struct call *call)
{
    if (call_is(call, 2, "take")) {
        take(call);
    } else if (call_is(call, 2, "off")) {
        touched_stop(call->store);
        reply_ok(call->reply);
    } else if (!call_is(call, 2, "on")) {
        call_syntax_error(call);
    } else if (touched_start(call->store)) {
        reply_ok(call->reply);
    } else {
        call_memory_error(call);
    }
}
