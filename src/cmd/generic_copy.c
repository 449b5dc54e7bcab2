#include "cmd/generic.h"

struct copy_options {
    uint32_t db;
    bool replace;
};

static bool read_options(struct call *call, struct copy_options *options)
{
    *options = (struct copy_options){ .db = call->db };
    for (uint32_t at = 3; at < call->argc; at++) {
        if (call_is(call, at, "replace")) {
            options->replace = true;
        } else if (call_is(call, at, "db") && at + 1 < call->argc) {
            if (!call_db(call, ++at, &options->db))
                return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static void count_ref(void *context, uint64_t ref)
{
    (void)ref;
    ++*(uint64_t *)context;
}

/* The value in its one-piece form and back: a copy of any type, which shares nothing. */
static enum err copy_by_image(struct call *call, const struct value *value, struct value *copy,
                              struct buffer *body)
{
    const struct type_ops *ops = type_ops(value->type);
    struct buffer image = { 0 };
    enum err err = ops->encode(call->space, value, &image);
    if (err == ERR_NONE)
        err = ops->decode(call->space, buffer_view(&image), copy, body);
    buffer_release(&image);
    return err;
}

/* A body that refers to no block is the whole value, and copied with its encoding. */
static enum err copy_value(struct call *call, const struct value *value, struct value *copy,
                           struct buffer *body)
{
    uint64_t refs = 0;
    const struct type_ops *ops = type_ops(value->type);
    ops->each_ref(call->space, value, count_ref, &refs);
    if (refs > 0)
        return ops->copy != NULL ? ops->copy(call->space, value, copy, body)
                                 : copy_by_image(call, value, copy, body);
    if (!buffer_append(body, value->body))
        return ERR_MEMORY;
    *copy = (struct value){ value->type, value->encoding,
                            body->count > 0 ? buffer_view(body) : bytes_of("", 0) };
    return ERR_NONE;
}

/* Decoding takes memory but changes no key: `there` is still good after it. */
static enum err put_copy(struct call *call, const struct key *to, uint32_t to_db,
                         struct entry *there, const struct entry *source)
{
    struct value value = entry_value(source), copy;
    struct buffer body = { 0 };
    int64_t expiry = entry_expiry(source);
    enum err err = copy_value(call, &value, &copy, &body);
    if (err == ERR_NONE) {
        if (there != NULL) /* what replaces counts as new */
            store_notify(call->store, to_db, to->name, EVENT_NEW);
        err = store_put(call->store, to_db, to, there, &copy, expiry, EVENT_COPY_TO, &there);
        if (err != ERR_NONE)
            value_drop(call->space, &copy);
    }
    buffer_release(&body);
    return err;
}

void generic_copy(struct call *call)
{
    struct key from = call_key(call, 0, 1), to = call_key(call, 1, 2);
    struct copy_options options;
    if (!read_options(call, &options))
        return;
    if (options.db == call->db && bytes_equal(from.name, to.name)) {
        reply_error(call->reply, "ERR source and destination objects are the same");
        return;
    }
    struct entry *there = store_look(call->store, options.db, &to);
    const struct entry *source = call_read(call, &from);
    if (source == NULL || (there != NULL && !options.replace))
        reply_i64(call->reply, 0);
    else if (put_copy(call, &to, options.db, there, source) == ERR_NONE)
        reply_i64(call->reply, 1);
    else
        call_memory_error(call);
}
