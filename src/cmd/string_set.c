/* Commands that give a key a whole new string. */
#include "cmd/string_command.h"

#include "base/number.h"
#include "cmd/effects.h"
#include "cmd/string_compare.h"
#include "cmd/string_edit.h"
#include "cmd/string_options.h"

#include <limits.h>

static void set_plain(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (LIKELY(string_store(call, &key, entry, call->argv[2], STORE_NO_EXPIRY, EVENT_SET)))
        reply_ok(call->reply);
}

/* The bytes of the old value, kept over the change; false when memory fails. */
static bool keep_old(struct call *call, const struct entry *entry, struct bytes *kept)
{
    struct string_reading old;
    string_read(call, entry, &old);
    uint8_t *at = arena_take(call->arena, old.content.count + 1);
    if (at == NULL) {
        call_memory_error(call);
        return false;
    }
    memcpy(at, old.content.at, old.content.count);
    *kept = bytes_of(at, old.content.count);
    return true;
}

static void reply_old(struct call *call, bool was_there, struct bytes old)
{
    if (was_there)
        reply_bulk(call->reply, old);
    else
        reply_nil(call->reply);
}

/* With the time that it came to; a condition was met and needs not be said. */
static void tell_set_expiring(struct call *call, const struct key *key, struct bytes content,
                              int64_t expiry)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    effect_start(&words, call, "SET");
    effect_text(&words, key->name);
    effect_text(&words, content);
    effect_word(&words, "PXAT");
    effect_number(&words, expiry);
    effect_tell(&words);
}

/* SET with GET or a comparison, without: what was there is of no interest to others. */
static void tell_plain_set(struct call *call, bool keeps_expiry)
{
    struct bytes argv[] = { bytes_of_text("SET"), call->argv[1], call->argv[2],
                            bytes_of_text("KEEPTTL") };
    effects_instead(call, argv, keeps_expiry ? 4 : 3);
}

/* A time that has passed already makes the key go, as if it had expired at once. */
static bool set_value(struct call *call, const struct key *key, struct entry *entry,
                      struct bytes content, int64_t expiry)
{
    bool expires = expiry != STORE_NO_EXPIRY && expiry != STORE_KEEP_EXPIRY;
    if (expires && expiry <= store_now_ms(call->store)) {
        if (entry == NULL)
            return true;
        store_remove(call->store, call->db, key, entry, EVENT_DEL);
        effect_of_key(call, "DEL", key->name);
        return true;
    }
    if (!string_store(call, key, entry, content, expiry, EVENT_SET))
        return false;
    if (!expires)
        return true;
    store_notify(call->store, call->db, key->name, EVENT_EXPIRE);
    tell_set_expiring(call, key, content, expiry);
    return true;
}

static bool presence_fits(unsigned flags, const struct entry *entry)
{
    return !((flags & WITH_NX) != 0 && entry != NULL) && !((flags & WITH_XX) != 0 && entry == NULL);
}

/* pre: what is compared is a string, or absent. */
static bool condition_holds(struct call *call, const struct string_options *options,
                            const struct entry *entry)
{
    return presence_fits(options->flags, entry) &&
           (options->compare_at == 0 ||
            string_compares(call, entry, options->flags, call->argv[options->compare_at]));
}

/* SET with GET: answers the old value, whether or not the condition lets it be replaced. */
static void set_and_get(struct call *call, const struct string_options *options, int64_t expiry)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = call_read(call, &key);
    struct bytes old = bytes_of("", 0);
    if (!call_type_fits(call, entry, VALUE_STRING) ||
        (entry != NULL && !keep_old(call, entry, &old)))
        return;
    bool was_there = entry != NULL;
    if (condition_holds(call, options, entry)) {
        if (!set_value(call, &key, entry, call->argv[2], expiry))
            return;
        if (expiry == STORE_NO_EXPIRY || expiry == STORE_KEEP_EXPIRY)
            tell_plain_set(call, expiry == STORE_KEEP_EXPIRY);
    }
    reply_old(call, was_there, old);
}

static void set_if(struct call *call, const struct string_options *options, int64_t expiry)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = call_read(call, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    if (!condition_holds(call, options, entry)) {
        reply_nil(call->reply);
        return;
    }
    if (!set_value(call, &key, entry, call->argv[2], expiry))
        return;
    if (expiry == STORE_NO_EXPIRY || expiry == STORE_KEEP_EXPIRY)
        tell_plain_set(call, expiry == STORE_KEEP_EXPIRY);
    reply_ok(call->reply);
}

static void set_with_options(struct call *call)
{
    struct string_options options;
    int64_t expiry = 0;
    if (!string_options_read(call, 3, WITHIN_SET, &options) ||
        !string_options_expiry(call, &options, &expiry) ||
        !string_digest_fits(call, options.flags, call->argv[options.compare_at]))
        return;
    if ((options.flags & WITH_GET) != 0) {
        set_and_get(call, &options, expiry);
        return;
    }
    if (options.compare_at != 0) {
        set_if(call, &options, expiry);
        return;
    }
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (!presence_fits(options.flags, entry))
        reply_nil(call->reply);
    else if (set_value(call, &key, entry, call->argv[2], expiry))
        reply_ok(call->reply);
}

void cmd_set(struct call *call)
{
    if (LIKELY(call->argc == 3))
        set_plain(call);
    else
        set_with_options(call);
}

void cmd_setnx(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    if (store_look(call->store, call->db, &key) != NULL)
        reply_i64(call->reply, 0);
    else if (string_store(call, &key, NULL, call->argv[2], STORE_NO_EXPIRY, EVENT_SET))
        reply_i64(call->reply, 1);
}

static void set_expiring(struct call *call, unsigned form)
{
    int64_t expiry = 0;
    if (!call_expiry(call, 2, form | EXPIRY_POSITIVE, &expiry))
        return;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (set_value(call, &key, entry, call->argv[3], expiry))
        reply_ok(call->reply);
}

void cmd_setex(struct call *call)
{
    set_expiring(call, EXPIRY_SECONDS);
}

void cmd_psetex(struct call *call)
{
    set_expiring(call, EXPIRY_MS);
}

void cmd_getset(struct call *call)
{
    const struct string_options options = { .flags = WITH_GET };
    set_and_get(call, &options, STORE_NO_EXPIRY);
}

/* ---- several keys -----------------------------------------------------------------------------
 */

/* Names and values in pairs, from argv[1] on. */
static bool pairs_complete(struct call *call)
{
    if (call->argc % 2 == 1)
        return true;
    call_arity_error(call);
    return false;
}

static bool set_pairs(struct call *call)
{
    for (uint32_t at = 1; at < call->argc; at += 2) {
        struct key key = call_key(call, at / 2, at);
        struct entry *entry = store_look(call->store, call->db, &key);
        if (!string_store(call, &key, entry, call->argv[at + 1], STORE_NO_EXPIRY, EVENT_SET))
            return false;
    }
    return true;
}

void cmd_mset(struct call *call)
{
    if (pairs_complete(call) && set_pairs(call))
        reply_ok(call->reply);
}

void cmd_msetnx(struct call *call)
{
    if (!pairs_complete(call))
        return;
    for (uint32_t at = 1; at < call->argc; at += 2) {
        struct key key = call_key(call, at / 2, at);
        if (store_look(call->store, call->db, &key) != NULL) {
            reply_i64(call->reply, 0);
            return;
        }
    }
    if (set_pairs(call))
        reply_i64(call->reply, 1);
}

/* The numbers and pairs of MSETEX; `at`: of its options. */
static bool counted_pairs(struct call *call, uint32_t *at)
{
    int64_t count = 0;
    if (!number_read_i64(call->argv[1], &count) || count < 1 || count > INT_MAX) {
        reply_error(call->reply, "ERR invalid numkeys value");
        return false;
    }
    if (count > (call->argc - 2) / 2) {
        reply_error(call->reply, "ERR wrong number of key-value pairs");
        return false;
    }
    *at = 2 + 2 * (uint32_t)count;
    return true;
}

/* Where the key number `nth` stands. */
static struct key counted_key(struct call *call, uint32_t nth)
{
    return call_key(call, nth, 2 + 2 * nth);
}

static bool presence_fits_all(struct call *call, unsigned flags, uint32_t count)
{
    if ((flags & (WITH_NX | WITH_XX)) == 0)
        return true;
    for (uint32_t nth = 0; nth < count; nth++) {
        struct key key = counted_key(call, nth);
        if (!presence_fits(flags, store_look(call->store, call->db, &key)))
            return false;
    }
    return true;
}

/* Each as a SET of its own, which every version that reads a log knows. */
static void tell_counted(struct call *call, const struct key *key, struct bytes content,
                         bool keeps_expiry)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    effect_start(&words, call, "SET");
    effect_text(&words, key->name);
    effect_text(&words, content);
    if (keeps_expiry)
        effect_word(&words, "KEEPTTL");
    effect_tell(&words);
}

void cmd_msetex(struct call *call)
{
    struct string_options options;
    uint32_t options_at = 0;
    int64_t expiry = 0;
    if (!counted_pairs(call, &options_at) ||
        !string_options_read(call, options_at, WITHIN_MSETEX, &options) ||
        !string_options_expiry(call, &options, &expiry))
        return;
    uint32_t count = (options_at - 2) / 2;
    if (!presence_fits_all(call, options.flags, count)) {
        reply_i64(call->reply, 0);
        return;
    }
    for (uint32_t nth = 0; nth < count; nth++) {
        struct key key = counted_key(call, nth);
        struct bytes content = call->argv[3 + 2 * nth];
        struct entry *entry = store_look(call->store, call->db, &key);
        if (!set_value(call, &key, entry, content, expiry))
            return;
        if (options.time_at == 0)
            tell_counted(call, &key, content, expiry == STORE_KEEP_EXPIRY);
    }
    reply_i64(call->reply, 1);
}

/* ---- parts ------------------------------------------------------------------------------------
 */

void cmd_append(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct bytes more = call->argv[2];
    struct entry *entry = store_look(call->store, call->db, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    if (entry == NULL) {
        if (string_store(call, &key, NULL, more, STORE_NO_EXPIRY, EVENT_APPEND))
            reply_i64(call->reply, (int64_t)more.count);
        return;
    }
    size_t count = string_length(call, entry);
    struct string_open open;
    if (!string_fits(call, count, more.count) ||
        !string_open(call, &key, entry, count + more.count, EVENT_APPEND, &open))
        return;
    memcpy(open.at + count, more.at, more.count);
    reply_i64(call->reply, (int64_t)open.count);
}

void cmd_setrange(struct call *call)
{
    int64_t offset = 0;
    struct bytes part = call->argv[3];
    if (!call_i64(call, 2, &offset))
        return;
    if (offset < 0) {
        reply_error(call->reply, "ERR offset is out of range");
        return;
    }
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    if (part.count == 0) {
        reply_i64(call->reply, (int64_t)string_length(call, entry));
        return;
    }
    struct string_open open;
    if (!string_fits(call, (uint64_t)offset, part.count) ||
        !string_open(call, &key, entry, (size_t)offset + part.count, EVENT_SETRANGE, &open))
        return;
    memcpy(open.at + offset, part.at, part.count);
    reply_i64(call->reply, (int64_t)open.count);
}
