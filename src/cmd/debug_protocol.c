/* DEBUG PROTOCOL: a reply of each shape, by which writers of clients test their readers. */
#include "cmd/debug.h"

static void reply_numbers(struct call *call)
{
    for (int64_t number = 0; number < 3; number++)
        reply_i64(call->reply, number);
}

static void a_string(struct call *call)
{
    reply_bulk_text(call->reply, "Hello World");
}

static void an_integer(struct call *call)
{
    reply_i64(call->reply, 12345);
}

static void a_double(struct call *call)
{
    reply_double(call->reply, 3.141);
}

static void a_null(struct call *call)
{
    reply_nil(call->reply);
}

static void an_array(struct call *call)
{
    reply_array(call->reply, 3);
    reply_numbers(call);
}

static void a_set(struct call *call)
{
    reply_set(call->reply, 3);
    reply_numbers(call);
}

static void a_map(struct call *call)
{
    reply_map(call->reply, 3);
    for (int64_t number = 0; number < 3; number++) {
        reply_i64(call->reply, number);
        reply_bool(call->reply, number == 1);
    }
}

static void an_attribute(struct call *call)
{
    if (call->reply->resp >= 3) {
        reply_attribute(call->reply, 1);
        reply_bulk_text(call->reply, "key-popularity");
        reply_array(call->reply, 2);
        reply_bulk_text(call->reply, "key:123");
        reply_i64(call->reply, 90);
    }
    reply_bulk_text(call->reply, "Some real reply following the attribute");
}

static void a_push(struct call *call)
{
    if (call->reply->resp < 3) {
        reply_error(call->reply, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(call->reply, 2);
    reply_bulk_text(call->reply, "server-cpu-usage");
    reply_i64(call->reply, 42);
    reply_bulk_text(call->reply, "Some real reply following the push reply");
}

static void a_verbatim(struct call *call)
{
    reply_verbatim(call->reply, "txt", BYTES("This is a verbatim\nstring"));
}

static void a_true(struct call *call)
{
    reply_bool(call->reply, true);
}

static void a_false(struct call *call)
{
    reply_bool(call->reply, false);
}

static void a_big_number(struct call *call)
{
    reply_big_number(call->reply, BYTES("1234567999999999999999999999999999999"));
}

void debug_protocol(struct call *call)
{
    static const struct {
        const char *name;
        void (*reply)(struct call *call);
    } shapes[] = {
        { "string", a_string },     { "integer", an_integer },  { "double", a_double },
        { "bignum", a_big_number }, { "null", a_null },         { "array", an_array },
        { "set", a_set },           { "map", a_map },           { "attrib", an_attribute },
        { "push", a_push },         { "verbatim", a_verbatim }, { "true", a_true },
        { "false", a_false },
    };
    for (size_t at = 0; at < sizeof shapes / sizeof *shapes; at++)
        if (call_is(call, 2, shapes[at].name)) {
            shapes[at].reply(call);
            return;
        }
    reply_error(call->reply,
                "ERR Wrong protocol type name. Please use one of the following: "
                "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}
