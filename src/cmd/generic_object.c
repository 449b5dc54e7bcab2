#include "cmd/generic.h"
#include "conf/config.h"

/* The entry, untouched; a missing one is answered with nil. */
static const struct entry *object_entry(struct call *call)
{
    const struct entry *entry =
        store_read(call->store, call->db, &call->first, STORE_NO_TOUCH | STORE_NO_NOTIFY);
    if (entry == NULL)
        reply_nil(call->reply);
    return entry;
}

static bool counts_frequency(const struct call *call)
{
    int policy = call->context->config->maxmemory_policy;
    return policy == CONFIG_POLICY_VOLATILE_LFU || policy == CONFIG_POLICY_ALLKEYS_LFU;
}

void object_encoding(struct call *call)
{
    const struct entry *entry = object_entry(call);
    if (entry == NULL)
        return;
    struct value value = entry_value(entry);
    reply_bulk_text(call->reply, type_ops(value.type)->encoding_name(call->space, &value));
}

void object_refcount(struct call *call)
{
    if (object_entry(call) != NULL)
        reply_i64(call->reply, 1);
}

void object_freq(struct call *call)
{
    const struct entry *entry = object_entry(call);
    if (entry == NULL)
        return;
    if (counts_frequency(call))
        reply_i64(call->reply, store_frequency(call->store, entry));
    else
        reply_error(call->reply,
                    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                    "Please note that when switching between policies at runtime LRU and LFU data "
                    "will take some time to adjust.");
}

void object_idletime(struct call *call)
{
    const struct entry *entry = object_entry(call);
    if (entry == NULL)
        return;
    if (!counts_frequency(call))
        reply_i64(call->reply, (int64_t)store_idle_seconds(call->store, entry));
    else
        reply_error(call->reply,
                    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note "
                    "that when switching between policies at runtime LRU and LFU data will take "
                    "some time to adjust.");
}

void object_help(struct call *call)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    How the value of <key> is stored.",
        "FREQ <key>",
        "    How often <key> was used of late, on a logarithmic scale.",
        "IDLETIME <key>",
        "    For how many seconds <key> has not been used.",
        "REFCOUNT <key>",
        "    How many references the value of <key> has.",
        NULL,
    };
    call_help(call, "object", lines);
}
