/* DUMPs of any bytes, restored, and then commands of every type on what was accepted, through the
 * real table of commands: whatever RESTORE takes is a value that holds, and that is written, read
 * and freed like any other.
 *
 * The input: two bytes for the length of the payload, the payload without its end (version and
 * checksum are added), then eight bytes for each command. */
#include "cmd/dispatch.h"
#include "cmd/users.h"
#include "os/seam.h"
#include "persist/crc64.h"
#include "server/server.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* What main has for the parts: nobody ends a fuzzer. */
bool server_shutdown(void *context, unsigned flags, const char **refusal)
{
    (void)context, (void)flags;
    *refusal = "not here";
    return false;
}

/* K: the key restored; L: another; N: a small number; S: a short text; I: an id of a stream. */
static const char *const commands[] = {
    "APPEND K S",
    "SETRANGE K N S",
    "GETRANGE K N N",
    "SETBIT K N 1",
    "BITCOUNT K N N",
    "BITFIELD K SET u8 N N INCRBY i9 N N",
    "INCRBY K N",
    "INCRBYFLOAT K N",
    "STRLEN K",
    "PFADD K S S",
    "PFCOUNT K",
    "PFMERGE L K",
    "BITOP XOR L K K",
    "LCS K L",
    "GETDEL K",
    "RPUSH K S N S",
    "LPUSH K N",
    "LPOP K N",
    "RPOP K",
    "LINSERT K BEFORE S S",
    "LSET K N S",
    "LREM K N S",
    "LTRIM K N N",
    "LRANGE K N N",
    "LPOS K S RANK N",
    "LMOVE K L LEFT RIGHT",
    "LMPOP 1 K LEFT COUNT N",
    "SADD K S N",
    "SREM K S N",
    "SPOP K",
    "SPOP K N",
    "SMOVE K L S",
    "SINTERSTORE L K K",
    "SUNIONSTORE L K L",
    "SRANDMEMBER K N",
    "SISMEMBER K S",
    "SSCAN K N",
    "SORT K ALPHA LIMIT N N STORE L",
    "HSET K S S N N",
    "HDEL K S N",
    "HINCRBY K S N",
    "HINCRBYFLOAT K S 0.5",
    "HGETALL K",
    "HRANDFIELD K N WITHVALUES",
    "HSCAN K N COUNT N",
    "HPEXPIRE K 100000 FIELDS 2 S N",
    "HPERSIST K FIELDS 1 S",
    "HEXPIRE K 0 FIELDS 1 S",
    "ZADD K N S N N",
    "ZINCRBY K N S",
    "ZREM K S",
    "ZPOPMIN K N",
    "ZRANGE K N N WITHSCORES",
    "ZRANGEBYSCORE K N N",
    "ZREMRANGEBYRANK K N N",
    "ZUNIONSTORE L 2 K L",
    "ZRANGESTORE L K N N",
    "ZSCAN K N",
    "ZRANK K S",
    "GEOADD K N N S",
    "GEOSEARCH K FROMLONLAT N N BYRADIUS 1000 km",
    "XADD K * S S",
    "XADD K I S S",
    "XADD K MAXLEN N * S N",
    "XDEL K I",
    "XTRIM K MINID I",
    "XRANGE K I +",
    "XREVRANGE K + I COUNT N",
    "XGROUP CREATE K S I",
    "XGROUP DESTROY K S",
    "XREADGROUP GROUP S S COUNT N STREAMS K >",
    "XACK K S I",
    "XCLAIM K S S 0 I FORCE",
    "XAUTOCLAIM K S S 0 I",
    "XPENDING K S - + 9",
    "XINFO STREAM K FULL",
    "XSETID K I",
    "XGROUP DELCONSUMER K S S",
    "COPY K L REPLACE",
    "RENAME K L",
    "RENAME L K",
    "DUMP K",
    "OBJECT ENCODING K",
    "MEMORY USAGE K SAMPLES 0",
    "EXPIRE K 100",
    "PERSIST K",
    "DEL L",
};
enum { COMMANDS = sizeof commands / sizeof *commands, WORDS = 16, COMMAND_BYTES = 8, MOST = 64 };

struct place {
    struct server server;
    struct client client;
    struct reply_pool pool;
};

static void log_nothing(void *context, int level, const char *text)
{
    (void)context, (void)level, (void)text;
}

static struct place *place_once(void)
{
    static struct place place;
    struct server *server = &place.server;
    if (server->dispatch != NULL)
        return &place;
    os_seam_init(&server->seam);
    log_init(&server->log, &server->seam);
    server->table = cmd_table_new(cmd_groups);
    ENSURE(server->table != NULL && config_init(&server->config) == ERR_NONE);
    server->log.level = LOG_LEVEL_WARNING;
    server->users = users_new(server->table, &server->config);
    ENSURE(server->users != NULL);
    ENSURE(server_make_parts(server));
    server->context.log = log_nothing;
    reply_init(&place.client.reply, &place.pool);
    place.client.reply.muted = true;
    place.client.flags = CLIENT_AUTHENTICATED;
    return &place;
}

static bool run(struct place *place, struct bytes *argv, uint32_t argc)
{
    uint32_t errors = place->client.reply.errors;
    enum err err = dispatch_logged(place->server.dispatch, &place->client, argv, argc);
    return err == ERR_NONE && place->client.reply.errors == errors;
}

/* With the end that makes a DUMP of it. */
static bool restore(struct place *place, struct bytes payload)
{
    struct buffer dump = { 0 };
    ENSURE(buffer_append(&dump, payload) && buffer_append(&dump, bytes_of("\x0b\0", 2)));
    uint64_t crc = crc64(0, buffer_view(&dump));
    for (unsigned i = 0; i < 8; i++)
        ENSURE(buffer_append_byte(&dump, (uint8_t)(crc >> 8 * i)));
    struct bytes argv[] = { BYTES("RESTORE"), BYTES("k"), BYTES("0"), buffer_view(&dump) };
    bool restored = run(place, argv, 4);
    buffer_release(&dump);
    return restored;
}

struct words {
    struct bytes argv[WORDS];
    uint32_t argc;
    char texts[WORDS][24];
};

static struct bytes word_of(struct words *words, const char *word, size_t length, uint8_t drawn)
{
    char *text = words->texts[words->argc];
    if (length != 1)
        return bytes_of(word, length);
    int count = 0;
    if (word[0] == 'N')
        count = snprintf(text, sizeof words->texts[0], "%d", (int)(int8_t)drawn);
    else if (word[0] == 'S')
        count = snprintf(text, sizeof words->texts[0], "%.*s", drawn % 20, "abcdefghijklmnopqrst");
    else if (word[0] == 'I')
        count = snprintf(text, sizeof words->texts[0], "%d-%d", drawn / 8, drawn % 8);
    else if (word[0] == 'K' || word[0] == 'L')
        count = snprintf(text, sizeof words->texts[0], "%c", word[0] - 'A' + 'a');
    return count > 0 || word[0] == 'S' ? bytes_of(text, (size_t)count) : bytes_of(word, 1);
}

static void run_command(struct place *place, const uint8_t *at)
{
    struct words words = { .argc = 0 };
    const char *line = commands[at[0] % COMMANDS];
    for (unsigned drawn = 1; line != NULL && words.argc < WORDS; drawn++) {
        const char *space = strchr(line, ' ');
        size_t length = space != NULL ? (size_t)(space - line) : strlen(line);
        words.argv[words.argc] = word_of(&words, line, length, at[1 + drawn % (COMMAND_BYTES - 1)]);
        words.argc++;
        line = space != NULL ? space + 1 : NULL;
    }
    bool done = run(place, words.argv, words.argc);
    (void)done; /* of another type, as a rule */
}

static void clear(struct place *place)
{
    struct store *store = place->server.store;
    store_flush(store, STORE_ALL_DATABASES, true);
    while (!store_free_step(store, UINT64_MAX))
        continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct place *place = place_once();
    struct store *store = place->server.store;
    if (count < 2)
        return 0;
    size_t length = (size_t)at[0] | (size_t)at[1] << 8;
    at += 2, count -= 2;
    length = length < count ? length : count;
    bool restored = restore(place, bytes_of(at, length));
    at += length, count -= length;
    ENSURE(store_valid(store));
    for (unsigned i = 0; restored && i < MOST && count >= COMMAND_BYTES; i++) {
        run_command(place, at);
        defrag_move_all(&place->server.defrag);
        at += COMMAND_BYTES, count -= COMMAND_BYTES;
    }
    if (restored)
        ENSURE(store_valid(store));
    clear(place);
    ENSURE(store_valid(store));
    return 0;
}
