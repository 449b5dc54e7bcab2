/* MEMORY PREVIEW: what a setting would do to the memory, before it is made. Snug's own. */
#include "cmd/memory_preview.h"

#include "cmd/args.h"
#include "cmd/memory.h"
#include "conf/config.h"
#include "conf/options.h"
#include "observe/preview.h"

#include <stdio.h>

struct type_limits limits_by_config(const struct config *config)
{
    return (struct type_limits){
        .hash_listpack_entries = config->hash_max_listpack_entries,
        .hash_listpack_value = config->hash_max_listpack_value,
        .list_listpack_size = config->list_max_listpack_size,
        .list_compress_depth = config->list_compress_depth,
        .set_intset_entries = config->set_max_intset_entries,
        .set_listpack_entries = config->set_max_listpack_entries,
        .set_listpack_value = config->set_max_listpack_value,
        .zset_listpack_entries = config->zset_max_listpack_entries,
        .zset_listpack_value = config->zset_max_listpack_value,
        .hll_sparse_bytes = config->hll_sparse_max_bytes,
        .stream_node_bytes = config->stream_node_max_bytes,
        .stream_node_entries = config->stream_node_max_entries,
    };
}

static void field_count(struct call *call, const char *name, int64_t value)
{
    reply_bulk_text(call->reply, name);
    reply_i64(call->reply, value);
}

static void field_seconds(struct call *call, const char *name, double value)
{
    reply_bulk_text(call->reply, name);
    reply_double(call->reply, value);
}

static void field_text(struct call *call, const char *name, const char *text)
{
    reply_bulk_text(call->reply, name);
    reply_bulk_text(call->reply, text);
}

/* --- DEFRAG ----------------------------------------------------------------------------------- */

static const char *says_of_defrag(const struct call *call, const struct preview_defrag *preview)
{
    if (preview->returned_at_most == 0)
        return "There is nothing that moving could give back.";
    if (preview->reason != MOVE_RUN)
        return "By the thresholds set it would not start: lower active-defrag-ignore-bytes or "
               "active-defrag-threshold-lower.";
    if (!call->context->config->activedefrag)
        return "It would start at once: CONFIG SET activedefrag yes.";
    return "It is on, and at it or about to begin.";
}

static void preview_of_defrag(struct call *call)
{
    unsigned count = heap_kinds(call->heap) * heap_classes(call->heap);
    struct heap_lane_figures *lanes = arena_take_many(call->arena, count, sizeof *lanes);
    struct heap_figures heap;
    struct preview_defrag preview;
    if (lanes == NULL) {
        call_memory_error(call);
        return;
    }
    heap_map(call->heap, lanes);
    heap_figures(call->heap, &heap);
    preview_defrag(lanes, count, &heap, call->context->defrag, &preview);
    reply_map(call->reply, 11);
    field_count(call, "would-run", preview.reason == MOVE_RUN);
    field_text(call, "reason", defrag_reason_name(preview.reason));
    field_count(call, "effort-percent", preview.effort);
    field_count(call, "returned-bytes", (int64_t)preview.returned);
    field_seconds(call, "cpu-seconds", preview.cpu_seconds);
    field_count(call, "returned-bytes-at-most", (int64_t)preview.returned_at_most);
    field_seconds(call, "cpu-seconds-at-most", preview.cpu_seconds_at_most);
    field_count(call, "move-blocks", (int64_t)preview.move_blocks);
    field_count(call, "move-bytes", (int64_t)preview.move_bytes);
    field_count(call, "cost-measured", preview.measured);
    field_text(call, "says", says_of_defrag(call, &preview));
}

/* --- options of encodings --------------------------------------------------------------------- */

static const char *says_of_option(const struct preview_option *preview)
{
    if (preview->keys == 0)
        return "No value of that type was found.";
    if (preview->change == 0 && preview->renamed == 0)
        return "Nothing would change.";
    if (preview->change == 0)
        return "Only the name that OBJECT ENCODING tells would change: how such values are stored "
               "follows their size in bytes, not this option.";
    if (preview->type == VALUE_STREAM)
        return "As if all entries were added anew: nodes that are there stay as they are.";
    return "Values take the new form at their next change.";
}

static void reply_option(struct call *call, const struct option *option, struct bytes value,
                         const struct buffer *now, const struct preview_option *preview)
{
    reply_map(call->reply, 13);
    field_text(call, "option", option->name);
    reply_bulk_text(call->reply, "value-now");
    reply_bulk(call->reply, buffer_view(now));
    reply_bulk_text(call->reply, "value-then");
    reply_bulk(call->reply, value);
    field_text(call, "type", type_ops(preview->type)->name);
    field_count(call, "bytes-change", preview->change);
    field_count(call, "names-changed", (int64_t)preview->renamed_in_all);
    field_count(call, "all-keys-looked-at", preview->whole);
    field_count(call, "keys-looked-at", (int64_t)preview->looked_at);
    field_count(call, "keys-of-type", (int64_t)preview->keys);
    field_count(call, "keys-too-big", (int64_t)preview->too_big);
    field_count(call, "sample-bytes-now", (int64_t)preview->bytes_now);
    field_count(call, "sample-bytes-then", (int64_t)preview->bytes_then);
    field_text(call, "says", says_of_option(preview));
}

/* The rows of encodings are numbers: a copy of the configuration owns nothing through them. */
static void preview_of_option(struct call *call, const struct option *option, unsigned type)
{
    struct config *then = arena_take(call->arena, sizeof *then);
    struct buffer now = { 0 };
    struct option_reason reason;
    struct preview_option preview;
    if (then == NULL) {
        call_memory_error(call);
        return;
    }
    *then = *call->context->config;
    if (option_set_text(option, then, call->argv[3], &reason) != ERR_NONE) {
        char text[320];
        snprintf(text, sizeof text, "ERR MEMORY PREVIEW: %s", reason.text);
        reply_error(call->reply, text);
        return;
    }
    struct type_limits limits = limits_by_config(then);
    if (!option_get(option, call->context->config, &now) ||
        !preview_option(call->context->observer, type, &limits, &preview))
        call_memory_error(call);
    else
        reply_option(call, option, call->argv[3], &now, &preview);
    buffer_release(&now);
}

void memory_preview(struct call *call)
{
    if (call->argc == 3 && call_is(call, 2, "defrag")) {
        preview_of_defrag(call);
        return;
    }
    const struct option *option = call->argc == 4 ? option_find(call->argv[2]) : NULL;
    unsigned type;
    if (option != NULL && preview_type(bytes_of_text(option->name), &type))
        preview_of_option(call, option, type);
    else
        reply_error(call->reply, "ERR MEMORY PREVIEW knows DEFRAG, and the options of encodings "
                                 "with a value: see MEMORY HELP");
}
