/* MIGRATE: what DUMP tells, sent to another server, and DEL of what that has taken. This one is
 * held meanwhile, so that nobody finds a key in both places, as in Redis. */
#include "cmd/dump_command.h"

#include "base/number.h"
#include "cmd/effects.h"
#include "cmd/peers.h"

#include <errno.h>

enum { KEY_AT = 3, OPTIONS_AT = 6, TIMEOUT_MS = 1000, REFUSAL_MAX = 256 };

struct migration {
    struct call *call;
    bool copy, replace;
    struct bytes user, password; /* at NULL: not given */
    int64_t db;
    int timeout_ms;
    uint32_t first, keys; /* arguments */
    uint32_t *sent;       /* those of them that exist: arguments */
    uint32_t sent_count, answered;
    uint32_t answers_before; /* to AUTH and SELECT */
    struct effect_words gone;
    uint32_t gone_count;
    struct buffer request;
    char refusal[REFUSAL_MAX]; /* the first error of the other side, or "" */
};

/* --- the arguments ---------------------------------------------------------------------------- */

/* How many arguments belong to an option. */
static uint32_t arguments_of(struct bytes option)
{
    if (bytes_is(option, "auth"))
        return 1;
    return bytes_is(option, "auth2") ? 2 : 0;
}

int find_keys_of_migrate(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                         uint32_t most)
{
    uint32_t first = KEY_AT, count = 1;
    if (argc < OPTIONS_AT)
        return -1;
    for (uint32_t at = OPTIONS_AT; at < argc && argv[KEY_AT].count == 0; at++) {
        if (bytes_is(argv[at], "keys")) {
            first = at + 1;
            count = argc - first;
            break;
        }
        at += arguments_of(argv[at]);
    }
    for (uint32_t i = 0; i < count && i < most; i++)
        keys[i] = (struct key_at){ first + i, KEY_RW | KEY_ACCESS | KEY_DELETE };
    return (int)count;
}

/* KEYS: all that follow are names. */
static bool read_keys(struct migration *migration, uint32_t at)
{
    struct call *call = migration->call;
    if (call->argv[KEY_AT].count > 0) {
        reply_error(call->reply, "ERR When using MIGRATE KEYS option, the key argument must be set "
                                 "to the empty string");
        return false;
    }
    migration->first = at + 1;
    migration->keys = call->argc - migration->first;
    return true;
}

static bool read_options(struct migration *migration)
{
    struct call *call = migration->call;
    for (uint32_t at = OPTIONS_AT; at < call->argc; at++) {
        uint32_t more = call->argc - 1 - at;
        if (call_is(call, at, "keys"))
            return read_keys(migration, at);
        if (call_is(call, at, "copy")) {
            migration->copy = true;
        } else if (call_is(call, at, "replace")) {
            migration->replace = true;
        } else if (call_is(call, at, "auth") && more >= 1) {
            migration->password = call->argv[++at];
        } else if (call_is(call, at, "auth2") && more >= 2) {
            migration->user = call->argv[++at];
            migration->password = call->argv[++at];
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static bool read_arguments(struct migration *migration)
{
    struct call *call = migration->call;
    int64_t timeout_ms = 0;
    if (!read_options(migration) || !call_i64(call, 5, &timeout_ms) ||
        !call_i64(call, 4, &migration->db))
        return false;
    if (timeout_ms <= 0)
        timeout_ms = TIMEOUT_MS;
    migration->timeout_ms = timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX;
    return true;
}

/* --- the request ------------------------------------------------------------------------------ */

static bool add_array(struct buffer *request, unsigned count)
{
    return buffer_printf(request, "*%u\r\n", count);
}

static bool add_bulk(struct buffer *request, struct bytes text)
{
    return buffer_printf(request, "$%zu\r\n", text.count) && buffer_append(request, text) &&
           buffer_append_text(request, "\r\n");
}

static bool add_word(struct buffer *request, const char *word)
{
    return add_bulk(request, bytes_of_text(word));
}

static bool add_number(struct buffer *request, int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    return add_bulk(request, bytes_of(digits, number_write_i64(digits, number)));
}

static bool add_auth(struct migration *migration)
{
    struct buffer *request = &migration->request;
    bool named = migration->user.at != NULL;
    migration->answers_before++;
    return add_array(request, named ? 3 : 2) && add_word(request, "AUTH") &&
           (!named || add_bulk(request, migration->user)) && add_bulk(request, migration->password);
}

static bool add_select(struct migration *migration)
{
    struct buffer *request = &migration->request;
    migration->answers_before++;
    return add_array(request, 2) && add_word(request, "SELECT") &&
           add_number(request, migration->db);
}

/* What is left of its time, and 1 ms at least: 0 would be for ever. */
static int64_t ttl_of(const struct call *call, const struct entry *entry)
{
    int64_t expiry = entry_expiry(entry);
    if (expiry == STORE_NO_EXPIRY)
        return 0;
    int64_t left = expiry - store_now_ms(call->store);
    return left > 0 ? left : 1;
}

static enum err add_restore(struct migration *migration, const struct key *key,
                            const struct entry *entry)
{
    struct buffer *request = &migration->request, dump = { 0 };
    struct value value = entry_value(entry);
    int64_t ttl = ttl_of(migration->call, entry);
    enum err err = dump_value(migration->call, &value, &dump);
    bool whole = err == ERR_NONE && add_array(request, migration->replace ? 5 : 4) &&
                 add_word(request, "RESTORE") && add_bulk(request, key->name) &&
                 add_number(request, ttl) && add_bulk(request, buffer_view(&dump)) &&
                 (!migration->replace || add_word(request, "REPLACE"));
    buffer_release(&dump);
    return err == ERR_NONE && !whole ? ERR_MEMORY : err;
}

/* What was hashed ahead is what the rows' first key spec names, which is not where KEYS are. */
static struct key key_of(const struct migration *migration, uint32_t at)
{
    const struct call *call = migration->call;
    return at == KEY_AT ? call_key(call, 0, at) : store_key(call->store, call->argv[at]);
}

/* Each key is looked at once, in the order of the arguments. */
static enum err add_keys(struct migration *migration)
{
    struct call *call = migration->call;
    migration->sent_count = 0;
    for (uint32_t i = 0; i < migration->keys; i++) {
        struct key key = key_of(migration, migration->first + i);
        const struct entry *entry = call_read(call, &key);
        if (entry == NULL)
            continue;
        enum err err = add_restore(migration, &key, entry);
        if (err != ERR_NONE)
            return err;
        migration->sent[migration->sent_count++] = migration->first + i;
    }
    return ERR_NONE;
}

static enum err write_request(struct migration *migration, const struct peer *peer)
{
    migration->request.count = 0;
    migration->answers_before = 0;
    if (migration->password.at != NULL && !add_auth(migration))
        return ERR_MEMORY;
    if (peer->db != migration->db && !add_select(migration))
        return ERR_MEMORY;
    return add_keys(migration);
}

/* --- the answers ------------------------------------------------------------------------------ */

/* What is neither a status nor an error answers nothing that was asked. */
static bool read_answer(struct migration *migration, struct peer *peer)
{
    if (!peer_read_line(migration->call->context->peers, peer, migration->timeout_ms))
        return false;
    if (peer->line[0] == '+' || (peer->line[0] == '-' && peer->line[1] != 0))
        return true;
    errno = EPROTO;
    return false;
}

static void note_refusal(struct migration *migration, const struct peer *peer)
{
    if (peer->line[0] != '-' || migration->refusal[0] != 0)
        return;
    size_t count = strlen(peer->line + 1);
    if (count >= sizeof migration->refusal)
        count = sizeof migration->refusal - 1;
    memcpy(migration->refusal, peer->line + 1, count);
    migration->refusal[count] = 0;
}

/* The other side has it. The entry may have moved, or the key may stand twice in the arguments. */
static void remove_key(struct migration *migration, uint32_t at)
{
    struct call *call = migration->call;
    struct key key = key_of(migration, at);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (entry == NULL)
        return;
    store_remove(call->store, call->db, &key, entry, EVENT_DEL);
    if (!call_is_heard(call))
        return;
    if (migration->gone_count++ == 0)
        effect_start(&migration->gone, call, "DEL");
    effect_text(&migration->gone, key.name);
}

/* A key goes only if neither AUTH nor SELECT was refused: who knows where it would be. */
static bool read_answers(struct migration *migration, struct peer *peer)
{
    for (uint32_t i = 0; i < migration->answers_before; i++) {
        if (!read_answer(migration, peer))
            return false;
        note_refusal(migration, peer);
    }
    bool let_in = migration->refusal[0] == 0;
    for (uint32_t i = 0; i < migration->sent_count; i++) {
        if (!read_answer(migration, peer))
            return false;
        note_refusal(migration, peer);
        migration->answered++;
        if (let_in && !migration->copy && peer->line[0] == '+')
            remove_key(migration, migration->sent[i]);
    }
    return true;
}

/* --- MIGRATE ---------------------------------------------------------------------------------- */

enum outcome { DONE, NO_KEYS, NO_MEMORY, NO_FORMAT, NO_CONNECTION, NOT_WRITTEN, NOT_READ };

static enum outcome talk(struct migration *migration, struct peer *peer)
{
    struct peers *peers = migration->call->context->peers;
    enum err err = write_request(migration, peer);
    if (err != ERR_NONE)
        return err == ERR_MEMORY ? NO_MEMORY : NO_FORMAT;
    if (migration->sent_count == 0)
        return NO_KEYS;
    struct bytes request = buffer_view(&migration->request);
    if (!peer_send(peers, peer, request, migration->timeout_ms))
        return NOT_WRITTEN;
    if (!read_answers(migration, peer))
        return NOT_READ;
    peer->db = migration->refusal[0] == 0 ? migration->db : -1;
    if (peer->at < peer->count) /* more than was asked for: they are out of step */
        peers_drop(peers, peer);
    return DONE;
}

/* A connection that was kept may have been closed by the other side: then it is worth another one,
 * as long as no key has been answered for. */
static enum outcome migrate(struct migration *migration)
{
    struct call *call = migration->call;
    struct peers *peers = call->context->peers;
    int64_t port = -1;
    if (!number_read_i64(call->argv[2], &port))
        port = -1;
    for (;;) {
        struct peer *peer = peers_get(peers, call->argv[1], port, migration->timeout_ms);
        if (peer == NULL) /* Redis notices a refusal as it writes */
            return errno == ECONNREFUSED ? NOT_WRITTEN : NO_CONNECTION;
        enum outcome outcome = talk(migration, peer);
        int error = errno;
        bool again = peer->used_before && error != ETIMEDOUT && error != EPROTO &&
                     migration->answered == 0 && migration->refusal[0] == 0;
        if (outcome != NOT_WRITTEN && outcome != NOT_READ)
            return outcome;
        peers_drop(peers, peer);
        if (!again)
            return outcome;
    }
}

static void reply_outcome(const struct migration *migration, enum outcome outcome)
{
    struct reply *reply = migration->call->reply;
    if (outcome == NO_KEYS)
        reply_status(reply, "NOKEY");
    else if (outcome == NO_MEMORY)
        call_memory_error(migration->call);
    else if (outcome == NO_FORMAT)
        reply_error(reply, "ERR the value does not fit the format of a DUMP");
    else if (outcome == NO_CONNECTION)
        reply_error(reply, "IOERR error or timeout connecting to the client");
    else if (outcome == NOT_WRITTEN)
        reply_error(reply, "IOERR error or timeout writing to target instance");
    else if (outcome == NOT_READ)
        reply_error(reply, "IOERR error or timeout reading from target instance");
    else if (migration->refusal[0] != 0)
        reply_errorf(reply, "ERR Target instance replied with error: %s", migration->refusal);
    else
        reply_ok(reply);
}

/* Without a key to send nobody is connected to. */
static bool any_key(const struct migration *migration)
{
    for (uint32_t i = 0; i < migration->keys; i++) {
        struct key key = key_of(migration, migration->first + i);
        if (store_look(migration->call->store, migration->call->db, &key) != NULL)
            return true;
    }
    return false;
}

void cmd_migrate(struct call *call)
{
    struct migration migration = { .call = call, .first = KEY_AT, .keys = 1 };
    if (!read_arguments(&migration))
        return;
    migration.sent = arena_take_many(call->arena, migration.keys + 1, sizeof *migration.sent);
    enum outcome outcome = NO_MEMORY;
    if (migration.sent != NULL)
        outcome = any_key(&migration) ? migrate(&migration) : NO_KEYS;
    if (migration.gone_count > 0)
        effect_tell(&migration.gone);
    reply_outcome(&migration, outcome);
    buffer_release(&migration.request);
}
