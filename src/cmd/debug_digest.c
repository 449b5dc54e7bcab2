/* DEBUG DIGEST: forty digits that are the same for the same data, in whatever order and encoding.
 * They are made as Redis makes them (types/digest.h), so that they are the same digits in both:
 *
 *   a key  is  zero, mixed with its name, its type (four bytes, big endian) and its content;
 *              "!!expire!!" is added when it expires
 *   all    is  for each database that has keys: mixed with its number, each key's digest added */
#include "cmd/debug.h"
#include "types/digest.h"

static void digest_mix_number(struct digest *digest, uint32_t number)
{
    uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                         (uint8_t)number };
    digest_mix(digest, bytes_of(bytes, sizeof bytes));
}

/* Redis has a number more: its modules' values come before streams. */
static uint32_t redis_number(unsigned type)
{
    return type < VALUE_STREAM ? type : type + 1;
}

static void digest_mix_value(struct digest *digest, struct space *space, const struct entry *entry)
{
    struct value value = entry_value(entry);
    digest_mix_number(digest, redis_number(value.type));
    type_ops(value.type)->digest(space, &value, digest);
    if (entry_expires(entry))
        digest_add(digest, BYTES("!!expire!!"));
}

static void reply_digest(struct call *call, const struct digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * SHA1_BYTES + 1];
    for (unsigned at = 0; at < SHA1_BYTES; at++) {
        text[2 * at] = digits[digest->at[at] >> 4];
        text[2 * at + 1] = digits[digest->at[at] & 15];
    }
    text[2 * SHA1_BYTES] = 0;
    reply_status(call->reply, text);
}

struct whole {
    struct store *store;
    struct space *space;
    struct digest digest;
};

static bool add_entry(void *context, const struct entry *entry)
{
    struct whole *whole = context;
    struct digest digest = { { 0 } };
    if (store_is_expired(whole->store, entry))
        return true;
    digest_mix(&digest, entry_key(entry));
    digest_mix_value(&digest, whole->space, entry);
    digest_add_element(&whole->digest, &digest);
    return true;
}

void debug_digest(struct call *call)
{
    struct whole whole = { .store = call->store, .space = call->space };
    for (unsigned db = 0; db < store_databases(call->store); db++) {
        if (store_count(call->store, db) == 0)
            continue;
        digest_mix_number(&whole.digest, db);
        store_each(call->store, db, add_entry, &whole);
    }
    reply_digest(call, &whole.digest);
}

void debug_digest_value(struct call *call)
{
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        struct key key = store_key(call->store, call->argv[at]);
        const struct entry *entry =
            store_read(call->store, call->db, &key, STORE_NO_TOUCH | STORE_NO_COUNT);
        struct digest digest = { { 0 } };
        if (entry != NULL)
            digest_mix_value(&digest, call->space, entry);
        reply_digest(call, &digest);
    }
}
