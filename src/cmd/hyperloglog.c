/* Counting different elements: PFADD, PFCOUNT, PFMERGE, and PFDEBUG's look inside. */
#include "types/hyperloglog.h"
#include "base/buffer.h"
#include "cmd/effects.h"
#include "cmd/hyperloglog_command.h"
#include "cmd/string_edit.h"
#include "types/limits.h"

#include <stdio.h>

/* ---- reading ----------------------------------------------------------------------------------
 */

/* False with the error written when the key holds something else; an absent key is empty. */
static bool read_hll(struct call *call, const struct entry *entry, struct string_reading *reading)
{
    if (!call_type_fits(call, entry, VALUE_STRING))
        return false;
    string_read(call, entry, reading);
    if (entry == NULL || hll_is(reading->content))
        return true;
    reply_error(call->reply, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

static void damaged_error(struct call *call)
{
    reply_error(call->reply, "INVALIDOBJ Corrupted HLL object detected");
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* A copy to change, with room for so many registers to be set. */
static bool open_edit(struct call *call, struct bytes content, size_t marks, struct hll_edit *edit)
{
    if (content.count > HLL_BYTES_MAX) {
        damaged_error(call);
        return false;
    }
    size_t room = hll_edit_room(content.count, marks);
    uint8_t *at = arena_take(call->arena, room);
    if (at == NULL) {
        call_memory_error(call);
        return false;
    }
    hll_edit_open(edit, at, room, content, call->space->limits->hll_sparse_bytes);
    return true;
}

static bool store_edited(struct call *call, const struct key *key, struct entry *entry,
                         const struct hll_edit *edit, enum event event)
{
    struct value value = { VALUE_STRING, STRING_APPENDED, bytes_of(edit->at, edit->count) };
    int64_t expiry = entry == NULL ? STORE_NO_EXPIRY : STORE_KEEP_EXPIRY;
    if (store_put(call->store, call->db, key, entry, &value, expiry, event, NULL) == ERR_NONE)
        return true;
    call_memory_error(call);
    return false;
}

/* ---- PFADD ------------------------------------------------------------------------------------
 */

enum { ELEMENTS_AT = 2 };

/* A dense one is changed where it is: nothing is copied, and nothing written before the first
 * register that is to be raised. */
static void add_to_dense(struct call *call, const struct key *key, struct entry *entry,
                         struct bytes content)
{
    struct string_open open = { .at = NULL };
    for (uint32_t at = ELEMENTS_AT; at < call->argc; at++) {
        struct hll_mark mark = hll_mark(call->argv[at]);
        if (hll_dense_rank(open.at == NULL ? content.at : open.at, mark.index) >= mark.rank)
            continue;
        if (open.at == NULL && !string_open(call, key, entry, 0, EVENT_PFADD, &open))
            return;
        hll_dense_set(open.at, mark.index, mark.rank);
    }
    if (open.at != NULL)
        hll_cache_stale(open.at);
    else if (!string_unpack(call, key, entry))
        return;
    reply_i64(call->reply, open.at != NULL);
}

static void add_to_copy(struct call *call, const struct key *key, struct entry *entry,
                        struct bytes content)
{
    struct hll_edit edit;
    bool raised = entry == NULL;
    if (!open_edit(call, content, call->argc - ELEMENTS_AT, &edit))
        return;
    for (uint32_t at = ELEMENTS_AT; at < call->argc; at++) {
        enum hll_change change = hll_edit_set(&edit, hll_mark(call->argv[at]));
        if (change == HLL_DAMAGED) {
            damaged_error(call);
            return;
        }
        raised = raised || change == HLL_RAISED;
    }
    if (raised)
        hll_cache_stale(edit.at);
    if (raised ? store_edited(call, key, entry, &edit, EVENT_PFADD)
               : string_unpack(call, key, entry))
        reply_i64(call->reply, raised);
}

void cmd_pfadd(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    struct string_reading reading;
    if (!read_hll(call, entry, &reading))
        return;
    if (entry != NULL && hll_encoding(reading.content) == HLL_DENSE)
        add_to_dense(call, &key, entry, reading.content);
    else
        add_to_copy(call, &key, entry, reading.content);
}

/* ---- PFCOUNT ----------------------------------------------------------------------------------
 */

/* What has been counted is kept in the string, so that the next time it is only read. */
static void count_one(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = call_read(call, &key);
    struct string_reading reading;
    struct string_open open;
    uint64_t count = 0;
    if (!read_hll(call, entry, &reading))
        return;
    if (entry != NULL && hll_cached(reading.content, &count)) {
        if (!string_unpack(call, &key, entry))
            return;
    } else if (entry != NULL) {
        if (!hll_count(reading.content, &count)) {
            damaged_error(call);
            return;
        }
        if (!string_open(call, &key, entry, 0, EVENT_NONE, &open))
            return;
        hll_cache(open.at, count);
        /* It is no writing command, but what it remembers is part of the value. */
        effects_instead(call, call->argv, call->argc);
    }
    reply_i64(call->reply, (int64_t)count);
}

/* Raises `ranks` to those of the keys from argv[at] on. `dense`: one of them is. */
static bool raise_to_keys(struct call *call, uint8_t *ranks, bool *dense)
{
    for (uint32_t at = 1; at < call->argc; at++) {
        struct key key = call_key(call, at - 1, at);
        const struct entry *entry = call_read(call, &key);
        struct string_reading reading;
        if (!read_hll(call, entry, &reading))
            return false;
        if (entry == NULL)
            continue;
        *dense = *dense || hll_encoding(reading.content) == HLL_DENSE;
        if (!hll_raise(ranks, reading.content)) {
            damaged_error(call);
            return false;
        }
    }
    return true;
}

void cmd_pfcount(struct call *call)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    bool dense = false;
    if (call->argc == 2)
        count_one(call);
    else if (raise_to_keys(call, ranks, &dense))
        reply_i64(call->reply, (int64_t)hll_count_ranks(ranks));
}

/* ---- PFMERGE ----------------------------------------------------------------------------------
 */

static bool merge_into(struct hll_edit *edit, const uint8_t *ranks, bool dense)
{
    if (dense && !hll_edit_make_dense(edit))
        return false;
    for (unsigned index = 0; index < HLL_REGISTERS; index++) {
        struct hll_mark mark = { (uint16_t)index, ranks[index] };
        if (mark.rank != 0 && hll_edit_set(edit, mark) == HLL_DAMAGED)
            return false;
    }
    hll_cache_stale(edit->at);
    return true;
}

void cmd_pfmerge(struct call *call)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    bool dense = false;
    struct string_reading reading;
    struct hll_edit edit;
    if (!raise_to_keys(call, ranks, &dense))
        return;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    string_read(call, entry, &reading);
    if (!open_edit(call, reading.content, HLL_REGISTERS, &edit))
        return;
    if (!merge_into(&edit, ranks, dense))
        damaged_error(call);
    else if (store_edited(call, &key, entry, &edit, EVENT_PFADD))
        reply_ok(call->reply);
}

/* ---- PFDEBUG ----------------------------------------------------------------------------------
 */

/* The sparse runs as words: "z:5", "Z:16379" for zeros by a short or long opcode, "v:3,1". */
static void reply_runs(struct call *call, struct bytes content)
{
    struct buffer text = { 0 };
    struct hll_run run;
    bool fits = true;
    for (size_t offset = HLL_HEADER_BYTES; fits && hll_run_at(content, offset, &run);
         offset += run.bytes) {
        char word[32];
        const char *blank = text.count == 0 ? "" : " ";
        if (run.rank != 0)
            snprintf(word, sizeof word, "%sv:%u,%u", blank, run.rank, run.count);
        else
            snprintf(word, sizeof word, "%s%c:%u", blank, run.bytes == 1 ? 'z' : 'Z', run.count);
        fits = buffer_append_text(&text, word);
    }
    if (fits)
        reply_bulk(call->reply, buffer_view(&text));
    else
        call_memory_error(call);
    buffer_release(&text);
}

static void reply_ranks(struct call *call, struct bytes content)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    if (!hll_raise(ranks, content)) {
        damaged_error(call);
        return;
    }
    reply_array(call->reply, HLL_REGISTERS);
    for (unsigned index = 0; index < HLL_REGISTERS; index++)
        reply_i64(call->reply, ranks[index]);
}

/* Leaves the key with a dense one; `was_sparse` tells whether it had to change. */
static bool make_dense(struct call *call, const struct key *key, struct entry *entry,
                       struct bytes content, bool *was_sparse)
{
    struct hll_edit edit;
    *was_sparse = hll_encoding(content) == HLL_SPARSE;
    if (!*was_sparse)
        return string_unpack(call, key, entry);
    if (!open_edit(call, content, 0, &edit))
        return false;
    if (hll_edit_make_dense(&edit))
        return store_edited(call, key, entry, &edit, EVENT_FORM);
    damaged_error(call);
    return false;
}

static void debug_ranks(struct call *call, const struct key *key, struct entry *entry,
                        struct bytes content)
{
    bool was_sparse = false;
    if (!make_dense(call, key, entry, content, &was_sparse))
        return;
    struct string_reading reading;
    string_read(call, store_look(call->store, call->db, key), &reading);
    reply_ranks(call, reading.content);
}

static void debug_existing(struct call *call, const struct key *key, struct entry *entry,
                           struct bytes content)
{
    bool sparse = hll_encoding(content) == HLL_SPARSE;
    if (call_is(call, 1, "getreg"))
        debug_ranks(call, key, entry, content);
    else if (call_is(call, 1, "decode") && sparse)
        reply_runs(call, content);
    else if (call_is(call, 1, "decode"))
        reply_error(call->reply, "ERR HLL encoding is not sparse");
    else if (call_is(call, 1, "encoding"))
        reply_status(call->reply, sparse ? "sparse" : "dense");
    else if (call_is(call, 1, "todense")) {
        if (make_dense(call, key, entry, content, &sparse))
            reply_i64(call->reply, sparse);
    } else
        reply_errorf(call->reply, "ERR Unknown PFDEBUG subcommand '%.*s'",
                     call->argv[1].count < 128 ? (int)call->argv[1].count : 128,
                     (const char *)call->argv[1].at);
}

void cmd_pfdebug(struct call *call)
{
    struct key key = call_key(call, 0, 2);
    struct entry *entry = store_look(call->store, call->db, &key);
    struct string_reading reading;
    if (entry == NULL) {
        reply_error(call->reply, "ERR The specified key does not exist");
        return;
    }
    if (!read_hll(call, entry, &reading))
        return;
    debug_existing(call, &key, entry, reading.content);
}
