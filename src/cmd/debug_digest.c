/* DEBUG DIGEST: forty digits that are the same for the same data, in whatever order and encoding.
 * They are made as Redis makes them, so that strings give the same digits in both:
 *
 *   mix(d, x)  is  d = SHA1(d ^ SHA1(x))
 *   a key      is  zero, mixed with its name, its type (four bytes, big endian) and its value;
 *                  and ^ SHA1("!!expire!!") when it expires
 *   all        is  for each database that has keys: mixed with its number, ^ SHA1(key) of each */
#include "base/hash.h"
#include "cmd/debug.h"

struct digest {
    uint8_t at[SHA1_BYTES];
};

static struct digest sha1_of(struct bytes bytes)
{
    struct sha1 sha1;
    struct digest digest;
    sha1_init(&sha1);
    sha1_add(&sha1, bytes);
    sha1_end(&sha1, digest.at);
    return digest;
}

static void digest_xor(struct digest *digest, const struct digest *other)
{
    for (unsigned at = 0; at < SHA1_BYTES; at++)
        digest->at[at] ^= other->at[at];
}

static void digest_mix_hash(struct digest *digest, const struct digest *hash)
{
    digest_xor(digest, hash);
    *digest = sha1_of(bytes_of(digest->at, SHA1_BYTES));
}

static void digest_mix(struct digest *digest, struct bytes bytes)
{
    struct digest hash = sha1_of(bytes);
    digest_mix_hash(digest, &hash);
}

static void digest_mix_number(struct digest *digest, uint32_t number)
{
    uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                         (uint8_t)number };
    digest_mix(digest, bytes_of(bytes, sizeof bytes));
}

static void digest_mix_value(struct digest *digest, struct space *space, const struct entry *entry)
{
    struct value value = entry_value(entry);
    struct digest hash;
    struct sha1 sha1;
    digest_mix_number(digest, value.type);
    sha1_init(&sha1);
    type_ops(value.type)->digest(space, &value, &sha1);
    sha1_end(&sha1, hash.at);
    digest_mix_hash(digest, &hash);
    if (!entry_expires(entry))
        return;
    hash = sha1_of(BYTES("!!expire!!"));
    digest_xor(digest, &hash);
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
    digest = sha1_of(bytes_of(digest.at, SHA1_BYTES));
    digest_xor(&whole->digest, &digest);
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
