/* DIGEST, DELEX, DELIFEQ, and the comparisons of SET. */
#include "cmd/string_compare.h"

#include "cmd/effects.h"
#include "cmd/string_command.h"

#include <ctype.h>
#include <stdio.h>
#include <xxhash.h>

enum { DIGEST_DIGITS = 16 };

/* In lower case, with zeros in front. */
static void digest_text(struct bytes content, char text[DIGEST_DIGITS + 1])
{
    unsigned long long digest = XXH3_64bits(content.at, content.count);
    snprintf(text, DIGEST_DIGITS + 1, "%016llx", digest);
}

bool string_digest_fits(struct call *call, unsigned flags, struct bytes argument)
{
    if ((flags & (WITH_IFDEQ | WITH_IFDNE)) == 0)
        return true;
    bool fits = argument.count == DIGEST_DIGITS;
    for (size_t i = 0; fits && i < argument.count; i++)
        fits = isxdigit(argument.at[i]) != 0;
    if (!fits)
        reply_error(call->reply, "ERR The digest must be exactly 16 hexadecimal characters");
    return fits;
}

bool string_compares(struct call *call, const struct entry *entry, unsigned flags,
                     struct bytes argument)
{
    struct string_reading reading;
    char text[DIGEST_DIGITS + 1];
    bool wants_equal = (flags & (WITH_IFEQ | WITH_IFDEQ)) != 0;
    if (entry == NULL)
        return !wants_equal;
    string_read(call, entry, &reading);
    if ((flags & (WITH_IFEQ | WITH_IFNE)) != 0)
        return bytes_equal(reading.content, argument) == wants_equal;
    digest_text(reading.content, text);
    return bytes_equal_nocase(bytes_of(text, DIGEST_DIGITS), argument) == wants_equal;
}

void cmd_digest(struct call *call)
{
    struct string_reading reading;
    char text[DIGEST_DIGITS + 1];
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (entry == NULL) {
        reply_nil(call->reply);
        return;
    }
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    string_read(call, entry, &reading);
    digest_text(reading.content, text);
    reply_bulk(call->reply, bytes_of(text, DIGEST_DIGITS));
}

/* ---- removing -------------------------------------------------------------------------------- */

static void remove_key(struct call *call, const struct key *key, struct entry *entry)
{
    store_remove(call->store, call->db, key, entry, EVENT_DEL);
    effect_of_key(call, "DEL", key->name);
    reply_i64(call->reply, 1);
}

static void remove_if(struct call *call, const struct key *key, struct entry *entry, unsigned flags,
                      struct bytes argument)
{
    if (entry != NULL && string_compares(call, entry, flags, argument))
        remove_key(call, key, entry);
    else
        reply_i64(call->reply, 0);
}

void cmd_delifeq(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (call_type_fits(call, entry, VALUE_STRING))
        remove_if(call, &key, entry, WITH_IFEQ, call->argv[2]);
}

/* A value of any type, when nothing is said of it. */
static void remove_whatever(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (entry == NULL)
        reply_i64(call->reply, 0);
    else
        remove_key(call, &key, entry);
}

static unsigned comparison_of(struct bytes word)
{
    if (bytes_is(word, "ifeq"))
        return WITH_IFEQ;
    if (bytes_is(word, "ifne"))
        return WITH_IFNE;
    if (bytes_is(word, "ifdeq"))
        return WITH_IFDEQ;
    return bytes_is(word, "ifdne") ? WITH_IFDNE : 0;
}

static void remove_by_condition(struct call *call)
{
    unsigned flags = comparison_of(call->argv[2]);
    if (flags == 0) {
        reply_error(call->reply, "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
        return;
    }
    if (!string_digest_fits(call, flags, call->argv[3]))
        return;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (entry != NULL && entry_type(entry) != VALUE_STRING)
        reply_error(call->reply, "ERR Key should be of string type if conditions are specified");
    else
        remove_if(call, &key, entry, flags, call->argv[3]);
}

void cmd_delex(struct call *call)
{
    if (call->argc == 2)
        remove_whatever(call);
    else if (call->argc == 4)
        remove_by_condition(call);
    else
        call_arity_error(call);
}
