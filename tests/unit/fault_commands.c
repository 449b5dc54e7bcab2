/* Every command of the table while every request for pages, socket call, file call and taking of
 * memory fails in turn: an error reply or a closed connection, never an exit; what was acknowledged
 * before is intact, and the whole store is valid after each.
 *
 * SNUG_FAULTS=all tries each place of failure instead of some of them; it takes minutes. */
#include "base/memory.h"
#include "cmd/table.h"
#include "fault_site.h"
#include "harness.h"
#include "persist/crc64.h"
#include "types/string.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Words parted by spaces. {big}, {huge} and {long} stand for a value of 100 KB, one of 1 MB, and a
 * key of 70 KB, {dump} for what DUMP tells of a list; '~' for a space in a word. '-' before a line:
 * no reply is expected; '!': the connection closes after it. Keys that begin with "safe" are not to
 * be touched. */
static const char *const script[] = {
    /* string */
    "SET a 1",
    "SET a value XX GET",
    "SET b v EX 100 NX",
    "SET b {big}",
    "SET b {huge} KEEPTTL",
    "SET {long} v PX 100000",
    "SET {long} {big}",
    "GET {long}",
    "GET a",
    "APPEND a xyz",
    "SET grow x",
    "APPEND grow {big}",
    "APPEND grow {huge}",
    "APPEND grow {huge}",
    "APPEND grow {huge}",
    "DECR n",
    "DECRBY n 5",
    "INCR n",
    "INCRBY n 7",
    "INCRBYFLOAT n 0.5",
    "SET n 10",
    "GETDEL a",
    "SET a v",
    "GETEX a EX 100",
    "GETEX a PERSIST",
    "GETRANGE grow 5 200000",
    "SUBSTR grow 0 3",
    "GETSET a w",
    "SET l1 ohmytext",
    "SET l2 mynewtext",
    "LCS l1 l2",
    "LCS l1 l2 IDX MINMATCHLEN 4 WITHMATCHLEN",
    "MGET a b nothing n",
    "MSET m1 1 m2 {big} m3 3",
    "MSETNX m3 4 m4 5",
    "MSETNX m5 4 m6 {big}",
    "PSETEX p 100000 v",
    "SETEX p 100 v",
    "SETNX q v",
    "SETRANGE q 300000 tail",
    "SETRANGE q 10 {big}",
    "STRLEN q",
    "SETRANGE short 3 abc",
    "DIGEST l1",
    "MSETEX 2 m7 {big} m8 v EX 100",
    "DELIFEQ m8 v",
    "DELEX m7 IFNE x",
    /* bitmap */
    "SETBIT bits 7 1",
    "SETBIT bits 1000000 1",
    "GETBIT bits 7",
    "BITCOUNT bits",
    "BITCOUNT bits 0 -1 BIT",
    "BITPOS bits 1 0 -1 BYTE",
    "BITOP OR bits2 bits m2",
    "BITOP NOT bits3 bits",
    "BITFIELD field SET u8 0 200 INCRBY i5 100 1 OVERFLOW FAIL GET u4 0",
    "BITFIELD field SET u8 4000000 255",
    "BITFIELD_RO field GET u8 0",
    /* hyperloglog */
    "PFADD h1 a b c",
    "PFADD h2 d e",
    "PFDEBUG TODENSE h2",
    "PFADD h2 f",
    "PFCOUNT h1",
    "PFCOUNT h1 h2",
    "PFMERGE h3 h1 h2",
    "PFDEBUG DECODE h1",
    "PFDEBUG GETREG h1",
    "PFSELFTEST",
    /* list */
    "RPUSH list a b {big} 12 13",
    "LPUSH list z {big} {huge}",
    "LPUSHX list y",
    "RPUSHX list x",
    "LINSERT list BEFORE a {big}",
    "LSET list 1 {huge}",
    "LSET list 0 short",
    "LINDEX list 2",
    "LLEN list",
    "LRANGE list 0 -1",
    "LPOS list a COUNT 0",
    "LMOVE list list2 LEFT RIGHT",
    "RPOPLPUSH list list2",
    "BLMOVE list list2 RIGHT LEFT 0.001",
    "BRPOPLPUSH list list2 0.001",
    "LMPOP 2 nothing list LEFT COUNT 2",
    "BLMPOP 0.001 2 nothing list RIGHT",
    "BLPOP nothing list 0.001",
    "BRPOP list2 0.001",
    "LREM list 1 a",
    "RPUSH list a b c d {big} {big}",
    "LPOP list 2",
    "RPOP list",
    "LTRIM list 0 1",
    "COPY list list3",
    /* set */
    "SADD numbers 1 2 3 100000 -5",
    "SADD numbers word {big}",
    "SADD set a b c d",
    "SADD set {huge}",
    "SCARD set",
    "SISMEMBER set a",
    "SMISMEMBER set a nothing {big}",
    "SMEMBERS set",
    "SMOVE set set2 a",
    "SMOVE set numbers {huge}",
    "SINTER set numbers",
    "SINTERCARD 2 set numbers LIMIT 1",
    "SINTERSTORE set3 set set",
    "SUNION set numbers",
    "SUNIONSTORE set3 set numbers",
    "SDIFF set numbers",
    "SDIFFSTORE set4 numbers set",
    "SRANDMEMBER set -20",
    "SRANDMEMBER set 2",
    "SSCAN set 0 COUNT 100",
    "SREM numbers {big} 1",
    "SPOP set3 2",
    "SPOP set3",
    "SORT numbers BY nosort GET # LIMIT 0 5",
    "SORT set ALPHA STORE sorted",
    "SORT_RO set ALPHA BY w_* GET v_*",
    /* hash */
    "HSET hash a 1 b 2 c {big}",
    "HSET hash {big} v d {huge}",
    "HMSET hash e 5 f 6",
    "HSETNX hash g 7",
    "HGET hash c",
    "HMGET hash a nothing {big}",
    "HGETALL hash",
    "HKEYS hash",
    "HVALS hash",
    "HLEN hash",
    "HEXISTS hash a",
    "HSTRLEN hash d",
    "HINCRBY hash a 5",
    "HINCRBYFLOAT hash b 0.5",
    "HRANDFIELD hash -10 WITHVALUES",
    "HRANDFIELD hash 2",
    "HSCAN hash 0 COUNT 100",
    "HEXPIRE hash 1000 FIELDS 2 a c",
    "HPEXPIRE hash 100000 NX FIELDS 1 b",
    "HEXPIREAT hash 99999999999 FIELDS 1 e",
    "HPEXPIREAT hash 9999999999999 FIELDS 1 f",
    "HTTL hash FIELDS 2 a g",
    "HPTTL hash FIELDS 1 a",
    "HEXPIRETIME hash FIELDS 1 a",
    "HPEXPIRETIME hash FIELDS 1 a",
    "HPERSIST hash FIELDS 1 a",
    "HSETEX hash EX 100 FIELDS 2 h 1 i {big}",
    "HGETEX hash PX 10000 FIELDS 2 h nothing",
    "HGETDEL hash FIELDS 2 h i",
    "HDEL hash d {big}",
    "HSET small f v",
    "HEXPIRE small 100 FIELDS 1 f",
    "HDEL small f",
    /* sorted set */
    "ZADD zset 1 a 2.5 b -inf c 3 {big}",
    "ZADD zset GT CH 5 a 7 {huge}",
    "ZADD zset INCR 5 a",
    "ZADD other 1 a 9 z",
    "ZINCRBY zset 1.5 b",
    "ZCARD zset",
    "ZCOUNT zset -inf +inf",
    "ZLEXCOUNT zset - +",
    "ZSCORE zset {big}",
    "ZMSCORE zset a nothing",
    "ZRANK zset a WITHSCORE",
    "ZREVRANK zset a",
    "ZRANGE zset 0 -1 WITHSCORES",
    "ZRANGE zset (1 +inf BYSCORE LIMIT 0 2",
    "ZRANGEBYLEX zset [a +",
    "ZRANGEBYSCORE zset 0 10 WITHSCORES",
    "ZREVRANGE zset 0 1",
    "ZREVRANGEBYLEX zset + -",
    "ZREVRANGEBYSCORE zset 10 0",
    "ZRANGESTORE zset2 zset 0 -1",
    "ZUNION 2 zset other WEIGHTS 2 3 WITHSCORES",
    "ZINTER 2 zset other AGGREGATE MAX",
    "ZDIFF 2 zset other",
    "ZUNIONSTORE zset3 2 zset other",
    "ZINTERSTORE zset3 2 zset other",
    "ZDIFFSTORE zset3 2 zset other",
    "ZINTERCARD 2 zset other",
    "ZRANDMEMBER zset -5 WITHSCORES",
    "ZSCAN zset 0 COUNT 100",
    "ZPOPMIN zset2",
    "ZPOPMAX zset2 2",
    "BZPOPMIN nothing other 0.001",
    "BZPOPMAX zset 0.001",
    "ZADD other 1 a 2 b 3 c",
    "ZMPOP 2 nothing other MIN COUNT 2",
    "BZMPOP 0.001 1 other MAX",
    "ZREM zset a {big}",
    "ZADD zset 0 a 0 b 0 c 0 d",
    "ZREMRANGEBYLEX zset [a [b",
    "ZREMRANGEBYRANK zset 0 0",
    "ZREMRANGEBYSCORE zset 0 1",
    /* geo */
    "GEOADD geo 13.361389 38.115556 palermo 15.087269 37.502669 catania",
    "GEODIST geo palermo catania km",
    "GEOHASH geo palermo nothing",
    "GEOPOS geo palermo nothing",
    "GEOSEARCH geo FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST WITHCOORD",
    "GEOSEARCHSTORE geo2 geo FROMMEMBER palermo BYBOX 400 400 km STOREDIST",
    "GEORADIUS geo 15 37 200 km WITHHASH",
    "GEORADIUS_RO geo 15 37 200 km",
    "GEORADIUSBYMEMBER geo palermo 200 km STORE geo3",
    "GEORADIUSBYMEMBER_RO geo palermo 200 km",
    /* stream */
    "XADD stream 1-1 a 1 b {big}",
    "XADD stream 2-1 a 2 b 3",
    "XADD stream 3-1 {big} {huge}",
    "XADD stream MAXLEN ~ 100 * c d",
    "XADD made MINID = 1 * c d",
    "XLEN stream",
    "XRANGE stream - + COUNT 2",
    "XREVRANGE stream + -",
    "XREAD COUNT 2 STREAMS stream made 0 0",
    "XGROUP CREATE stream group 0",
    "XGROUP CREATE fresh group $ MKSTREAM",
    "XGROUP CREATECONSUMER stream group idle",
    "XREADGROUP GROUP group me COUNT 2 STREAMS stream >",
    "XREADGROUP GROUP group you NOACK STREAMS stream >",
    "XREADGROUP GROUP group me STREAMS stream 0",
    "XPENDING stream group",
    "XPENDING stream group - + 10 me",
    "XCLAIM stream group you 0 1-1 2-1 FORCE",
    "XAUTOCLAIM stream group me 0 0 COUNT 10",
    "XACK stream group 1-1",
    "XINFO STREAM stream FULL",
    "XINFO GROUPS stream",
    "XINFO CONSUMERS stream group",
    "XINFO HELP",
    "XGROUP SETID stream group 1-1",
    "XGROUP DELCONSUMER stream group you",
    "XGROUP DESTROY stream group",
    "XGROUP HELP",
    "XSETID stream 99999999999999-1 ENTRIESADDED 100 MAXDELETEDID 2-1",
    "XDEL stream 2-1",
    "XTRIM stream MAXLEN = 1",
    "COPY stream stream2",
    "COPY zset zset4",
    "COPY hash hash2",
    "COPY set set5",
    "RENAME hash2 list3",
    /* dump */
    "DUMP a",
    "DUMP list3",
    "DUMP hash",
    "DUMP stream",
    "DUMP zset",
    "DUMP set",
    "DUMP b",
    "RESTORE restored 0 {dump}",
    "RESTORE restored 100000 {dump} REPLACE IDLETIME 7",
    "RESTORE restored 1 {dump} REPLACE ABSTTL",
    "RESTORE a 0 {dump} REPLACE FREQ 7",
    "RESTORE-ASKING restored 0 {dump} REPLACE",
    "MIGRATE 127.0.0.1 1 a 0 10 COPY REPLACE",
    "MIGRATE 127.0.0.1 1 {empty} 0 10 KEYS a list3",
    /* generic */
    "DEL m1 m2 m3",
    "UNLINK bits3 grow",
    "EXISTS a a nothing",
    "EXPIRE a 100",
    "EXPIRE a 50 LT",
    "PEXPIRE a 100000",
    "EXPIREAT a 99999999999",
    "PEXPIREAT a 99999999999999",
    "TTL a",
    "PTTL a",
    "EXPIRETIME a",
    "PEXPIRETIME a",
    "PERSIST a",
    "EXPIRE b 1000",
    "EXPIRE {long} 1000",
    "TYPE a",
    "KEYS *",
    "KEYS [a-c]*",
    "SCAN 0 COUNT 1000",
    "SCAN 0 MATCH *a* COUNT 10 TYPE string",
    "RANDOMKEY",
    "RENAME a a2",
    "RENAMENX a2 a",
    "RENAME b b2",
    "RENAME {long} b3",
    "COPY b2 b",
    "COPY b2 b4 DB 2 REPLACE",
    "MOVE m5 1",
    "TOUCH a b nothing",
    "OBJECT ENCODING b",
    "OBJECT FREQ a",
    "OBJECT IDLETIME a",
    "OBJECT REFCOUNT a",
    "OBJECT HELP",
    "WAIT 0 0",
    "PEXPIRE m6 0",
    "SET soon v PX 1",
    /* connection */
    "PING",
    "PING hello",
    "ECHO {big}",
    "AUTH wrong",
    "CLIENT ID",
    "CLIENT INFO",
    "CLIENT LIST TYPE normal",
    "CLIENT GETNAME",
    "CLIENT SETNAME somebody",
    "CLIENT GETREDIR",
    "CLIENT TRACKINGINFO",
    "CLIENT HELP",
    "CLIENT SETINFO LIB-NAME lib",
    "CLIENT NO-EVICT on",
    "CLIENT NO-TOUCH on",
    "CLIENT NO-TOUCH off",
    "CLIENT PAUSE 1 WRITE",
    "CLIENT UNPAUSE",
    "CLIENT KILL ID 999999",
    "CLIENT UNBLOCK 999999",
    "CLIENT TRACKING on BCAST PREFIX x PREFIX y",
    "CLIENT TRACKING off",
    "CLIENT TRACKING on OPTIN",
    "CLIENT CACHING yes",
    "GET a",
    "CLIENT TRACKINGINFO",
    "CLIENT TRACKING off",
    "CLIENT CAPA redirect",
    /* publish/subscribe */
    "SUBSCRIBE channel",
    "SUBSCRIBE {long}",
    "PSUBSCRIBE c*",
    "SSUBSCRIBE channel",
    "UNSUBSCRIBE {long}",
    "UNSUBSCRIBE channel",
    "PUNSUBSCRIBE c*",
    "SUNSUBSCRIBE channel",
    "PUBLISH channel message",
    "SPUBLISH channel {big}",
    "PUBSUB CHANNELS",
    "PUBSUB NUMSUB channel",
    "PUBSUB NUMPAT",
    "PUBSUB SHARDCHANNELS c*",
    "PUBSUB SHARDNUMSUB channel",
    "PUBSUB HELP",
    "CLIENT REPLY ON",
    "-CLIENT REPLY SKIP",
    "-CLIENT REPLY OFF",
    "SELECT 1",
    "SELECT 0",
    "RESET",
    "!QUIT",
    /* transactions */
    "WATCH a {long} hash",
    "UNWATCH",
    "WATCH a",
    "MULTI",
    "SET a {big}",
    "RPUSH list x {huge}",
    "GET a",
    "EXEC",
    "MULTI",
    "SET a {huge}",
    "DISCARD",
    /* users */
    "ACL CAT",
    "ACL CAT read",
    "ACL WHOAMI",
    "ACL GENPASS",
    "ACL SETUSER al on >pw ~a* %R~b* &c* +@read +set -@dangerous +select|1 (~c* +get)",
    "ACL GETUSER al",
    "ACL LIST",
    "ACL USERS",
    "ACL DRYRUN al get b",
    "AUTH al wrong",
    "ACL LOG",
    "ACL LOG RESET",
    "ACL LOAD",
    "ACL SAVE",
    "ACL HELP",
    "ACL DELUSER al",
    /* server */
    "CONFIG GET *",
    "CONFIG HELP",
    "CONFIG SET hz 20 maxmemory 0",
    "CONFIG SET activedefrag yes",
    "CONFIG SET loglevel debug maxclients 5000",
    "CONFIG SET proc-title-template {title}~{config-file}",
    "CONFIG SET requirepass secret",
    "AUTH secret",
    "CONFIG SET requirepass {empty}",
    "CONFIG SET save 100~10 client-output-buffer-limit normal~0~0~0",
    "CONFIG REWRITE",
    "CONFIG RESETSTAT",
    "DBSIZE",
    "LOLWUT",
    "ROLE",
    "TIME",
    "SAVE",
    "BGSAVE",
    "BGSAVE SCHEDULE",
    "LASTSAVE",
    "BGREWRITEAOF",
    "WAITAOF 0 0 0",
    "SHUTDOWN NOSAVE",
    "SWAPDB 1 2",
    "FLUSHDB ASYNC",
    "FLUSHALL",
    "FLUSHALL ASYNC",
    "COMMAND",
    "COMMAND COUNT",
    "COMMAND DOCS",
    "COMMAND DOCS set client|kill",
    "COMMAND GETKEYS MSET a 1 b 2",
    "COMMAND HELP",
    "COMMAND GETKEYSANDFLAGS SET a 1",
    "COMMAND INFO",
    "COMMAND INFO get nothing",
    "COMMAND LIST",
    "COMMAND LIST FILTERBY PATTERN s*",
    "INFO",
    "INFO everything",
    "MEMORY DOCTOR",
    "MEMORY HELP",
    "MEMORY MALLOC-STATS",
    "MEMORY PREVIEW DEFRAG",
    "MEMORY PREVIEW hash-max-listpack-entries 3",
    "MEMORY MAP",
    "MEMORY PURGE",
    "MEMORY STATS",
    "MEMORY USAGE safe:3",
    "DEBUG DIGEST",
    "DEBUG DIGEST-VALUE safe:3 nothing",
    "DEBUG HTSTATS 0 FULL",
    "DEBUG LOG text",
    "DEBUG MOVE-ALL",
    "DEBUG OBJECT safe:3",
    "DEBUG POPULATE 200 x 100",
    "DEBUG PROTOCOL map",
    "DEBUG PROTOCOL attrib",
    "DEBUG SDSLEN safe:3",
    "DEBUG SET-ACTIVE-EXPIRE 1",
    "DEBUG SLEEP 0",
    "DEBUG STRINGMATCH-LEN 1000 *a*b",
    "DEBUG STRUCTSIZE",
    "DEBUG VERIFY",
    "DEBUG HELP",
    "DEBUG ERROR text",
    "DEBUG CHANGE-REPL-ID",
    "LATENCY DOCTOR",
    "LATENCY GRAPH command",
    "LATENCY HELP",
    "LATENCY HISTOGRAM",
    "LATENCY HISTORY command",
    "LATENCY LATEST",
    "MODULE LIST",
    "MODULE HELP",
    "LATENCY RESET",
    "EVAL "
    "return{redis.call('set','a','b'),redis.call('lrange','l',0,-1),{1},cjson.encode({1})} 0",
    "EVAL_RO return{redis.call('get',KEYS[1]),redis.pcall('set','a',1),ARGV} 1 a b",
    "EVAL return( 0",
    "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0",
    "EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0",
    "SCRIPT LOAD return(1)",
    "SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db",
    "SCRIPT FLUSH",
    "SCRIPT FLUSH SYNC",
    "SCRIPT KILL",
    "SCRIPT DEBUG NO",
    "SCRIPT HELP",
    "FUNCTION LOAD #!lua~name=lib\nredis.register_function('f',function(k,a)return{k,a}end)",
    "FUNCTION LOAD REPLACE #!lua~name=lib\n"
    "redis.register_function{function_name='f',callback=function(k)return(k)end,flags={'no-writes'}"
    "}",
    "FCALL f 1 a b",
    "FCALL_RO f 1 a",
    "FUNCTION LIST LIBRARYNAME l* WITHCODE",
    "FUNCTION STATS",
    "FUNCTION DUMP",
    "FUNCTION RESTORE nothing APPEND",
    "FUNCTION KILL",
    "FUNCTION HELP",
    "FUNCTION DELETE lib",
    "FUNCTION FLUSH",
    "SLOWLOG GET 10",
    "SLOWLOG LEN",
    "SLOWLOG RESET",
    "SLOWLOG HELP",
    "COMMANDLOG GET 10 slow",
    "COMMANDLOG LEN large-reply",
    "COMMANDLOG RESET large-request",
    "COMMANDLOG HELP",
    "MONITOR",
    "NOSUCHCOMMAND a b",
    "GET",
    "CLIENT NOSUCH",
};
enum { LINES = sizeof script / sizeof *script };

/* ---- the script ------------------------------------------------------------------------------ */

enum { BIG = 100000, HUGE_VALUE = 1000000, LONG_KEY = 70000, WORDS_MAX = 24 };

static void add_filler(struct buffer *request, size_t count, char fill)
{
    static uint8_t filler[HUGE_VALUE];
    memset(filler, fill, count);
    CHECK(buffer_printf(request, "$%zu\r\n", count));
    CHECK(buffer_append(request, bytes_of(filler, count)));
    CHECK(buffer_append_text(request, "\r\n"));
}

/* A list of three, of which one is big. */
static void add_dump(struct buffer *request)
{
    static const uint8_t head[] = { 1, 3, 1, 'a', 0x80, 0, 1, 0x86, 0xa0 }, tail[] = { 1, 'c' };
    struct buffer dump = { 0 };
    CHECK(buffer_append(&dump, bytes_of(head, sizeof head)));
    for (int i = 0; i < BIG; i++)
        CHECK(buffer_append_byte(&dump, (uint8_t)('a' + i % 23)));
    CHECK(buffer_append(&dump, bytes_of(tail, sizeof tail)));
    CHECK(buffer_append(&dump, bytes_of("\x0a\0", 2)));
    uint64_t crc = crc64(0, buffer_view(&dump));
    for (unsigned i = 0; i < 8; i++)
        CHECK(buffer_append_byte(&dump, (uint8_t)(crc >> 8 * i)));
    CHECK(buffer_printf(request, "$%zu\r\n", dump.count));
    CHECK(buffer_append(request, buffer_view(&dump)));
    CHECK(buffer_append_text(request, "\r\n"));
    buffer_release(&dump);
}

static void add_word(struct buffer *request, struct bytes word)
{
    if (bytes_is(word, "{big}")) {
        add_filler(request, BIG, 'b');
    } else if (bytes_is(word, "{huge}")) {
        add_filler(request, HUGE_VALUE, 'h');
    } else if (bytes_is(word, "{long}")) {
        add_filler(request, LONG_KEY, 'k');
    } else if (bytes_is(word, "{dump}")) {
        add_dump(request);
    } else if (bytes_is(word, "{empty}")) {
        CHECK(buffer_append_text(request, "$0\r\n\r\n"));
    } else {
        CHECK(buffer_printf(request, "$%zu\r\n", word.count));
        for (size_t i = 0; i < word.count; i++)
            CHECK(buffer_append_byte(request, word.at[i] == '~' ? ' ' : word.at[i]));
        CHECK(buffer_append_text(request, "\r\n"));
    }
}

static void write_request(struct buffer *request, const char *line)
{
    struct bytes words[WORDS_MAX];
    uint32_t count = 0;
    for (const char *at = line; at != NULL;) {
        const char *space = strchr(at, ' ');
        CHECK(count < WORDS_MAX);
        words[count++] = bytes_of(at, space == NULL ? strlen(at) : (size_t)(space - at));
        at = space == NULL ? NULL : space + 1;
    }
    request->count = 0;
    CHECK(buffer_printf(request, "*%u\r\n", count));
    for (uint32_t i = 0; i < count; i++)
        add_word(request, words[i]);
}

/* ---- what must not be lost ------------------------------------------------------------------- */

enum { SAFE_KEYS = 40 };

static size_t safe_bytes(unsigned number)
{
    return number % 8 == 3 ? 70000 + number * 1000 : number * 17;
}

struct trial {
    struct site site;
    struct caller caller;
    struct buffer hello, requests[LINES]; /* written before anything fails */
    unsigned protocol;
    uint64_t asked, failed, closed;
};

static struct key safe_key(const struct trial *trial, unsigned number)
{
    static char name[32];
    int count = snprintf(name, sizeof name, "safe:%u", number);
    return store_key(trial->site.server.store, bytes_of(name, (size_t)count));
}

static void put_safe_keys(struct trial *trial)
{
    struct store *store = trial->site.server.store;
    static uint8_t content[200000];
    for (unsigned number = 0; number < SAFE_KEYS; number++) {
        struct key key = safe_key(trial, number);
        struct string_scratch scratch;
        struct value value;
        memset(content, (int)('a' + number % 26), safe_bytes(number));
        struct bytes bytes = bytes_of(content, safe_bytes(number));
        CHECK_EQ(string_make(store_heap(store), bytes, &scratch, &value), ERR_NONE);
        int64_t expiry = number % 3 == 0 ? store_now_ms(store) + 10000000 : STORE_NO_EXPIRY;
        CHECK_EQ(
            store_put(store, 0, &key, store_look(store, 0, &key), &value, expiry, EVENT_SET, NULL),
            ERR_NONE);
    }
}

static void check_safe_keys(const struct trial *trial)
{
    struct store *store = trial->site.server.store;
    for (unsigned number = 0; number < SAFE_KEYS; number++) {
        struct key key = safe_key(trial, number);
        struct entry *entry = store_look(store, 0, &key);
        CHECKF(entry != NULL, "safe:%u is lost", number);
        struct string_scratch scratch;
        struct value value = entry_value(entry);
        struct bytes bytes = string_view(store_heap(store), &value, &scratch);
        CHECK_EQ(bytes.count, safe_bytes(number));
        for (size_t at = 0; at < bytes.count; at += 997)
            CHECK_EQ(bytes.at[at], 'a' + number % 26);
    }
}

static void check_store(const struct trial *trial)
{
    CHECK(store_valid(trial->site.server.store));
    check_safe_keys(trial);
}

/* ---- a trial --------------------------------------------------------------------------------- */

/* A new connection, without faults, that speaks the protocol of the trial. */
static void connect_anew(struct trial *trial)
{
    struct bytes reply;
    if (trial->caller.fd >= 0)
        caller_close(&trial->caller);
    for (int tries = 0; tries < 20; tries++) { /* a listener that failed rests for a while */
        caller_open(&trial->caller, &trial->site);
        if (caller_ask(&trial->caller, &trial->site, buffer_view(&trial->hello), &reply))
            return;
        caller_close(&trial->caller);
    }
    CHECK(false);
}

/* wall_us: NULL is the real one. */
static void begin(struct trial *trial, unsigned protocol, int64_t (*wall_us)(void *context))
{
    memset(trial, 0, sizeof *trial);
    trial->protocol = protocol;
    trial->caller.fd = -1;
    write_request(&trial->hello, protocol == 3 ? "HELLO 3" : "HELLO 2");
    for (int i = 0; i < LINES; i++)
        write_request(&trial->requests[i],
                      script[i] + (script[i][0] == '-' || script[i][0] == '!'));
    site_prepare(&trial->site);
    if (wall_us != NULL)
        trial->site.real.wall_us = wall_us;
    CHECK(site_start(&trial->site));
    put_safe_keys(trial);
    connect_anew(trial);
}

static unsigned end(struct trial *trial)
{
    check_store(trial);
    caller_close(&trial->caller);
    buffer_release(&trial->hello);
    for (int i = 0; i < LINES; i++)
        buffer_release(&trial->requests[i]);
    return site_end(&trial->site);
}

/* Commands that take the safe keys with them, or might when the connection is in database 0. */
static bool flushes(const char *line)
{
    return strstr(line, "FLUSH") != NULL || strstr(line, "SWAPDB") != NULL;
}

/* Runs one line with whatever fault is planned; true when the fault came. */
static bool run_line(struct trial *trial, int number)
{
    const char *line = script[number];
    struct bytes request = buffer_view(&trial->requests[number]);
    struct bytes reply = bytes_of("", 0);
    bool mute = line[0] == '-', closes = line[0] == '!';
    trial->asked++;
    if (mute)
        caller_tell(&trial->caller, &trial->site, request);
    else if (caller_ask(&trial->caller, &trial->site, request, &reply))
        trial->failed += reply.at[0] == '-';
    bool happened = site_heal(&trial->site);
    trial->closed += trial->caller.closed;
    CHECKF(!trial->caller.closed || happened || closes, "%s closed the connection", line);
    if (flushes(line))
        put_safe_keys(trial);
    if (mute || closes || trial->caller.closed)
        connect_anew(trial);
    return happened;
}

static void fail_line(struct trial *trial, int number, enum site_fault fault, bool always,
                      uint64_t turns_max)
{
    bool happened = true;
    for (uint64_t after = 0; happened && after < turns_max; after++) {
        site_fail(&trial->site, fault, after, always);
        happened = run_line(trial, number);
        if (!store_valid(trial->site.server.store))
            test_fail(__FILE__, __LINE__, "%s: call %ju of %s%s", script[number], (uintmax_t)after,
                      site_fault_names[fault], always ? ", and all that follow" : "");
    }
}

static bool all_places(void)
{
    const char *asked = getenv("SNUG_FAULTS");
    return asked != NULL && strcmp(asked, "all") == 0;
}

static void fail_every_line(unsigned protocol, bool always)
{
    static struct trial trial;
    begin(&trial, protocol, NULL);
    uint64_t turns_max = all_places() ? 100000 : always ? 2 : 12;
    for (int i = 0; i < LINES; i++) {
        for (int fault = 0; fault < SITE_FAULTS; fault++)
            fail_line(&trial, i, (enum site_fault)fault, always, turns_max);
        run_line(&trial, i);
        check_safe_keys(&trial);
    }
    if (getenv("SNUG_FAULTS") != NULL)
        printf("RESP%u%s: %ju asked, %ju errors, %ju closed\n", protocol, always ? ", always" : "",
               (uintmax_t)trial.asked, (uintmax_t)trial.failed, (uintmax_t)trial.closed);
    CHECK(trial.failed > 0 && trial.closed > 0);
    /* What cannot be removed stays, but a file that was not put in place is removed. */
    CHECK(end(&trial) == 0 || always);
}

TEST(each_command_survives_one_failure)
{
    fail_every_line(2, false);
    fail_every_line(3, false);
}

TEST(each_command_survives_failures_without_end)
{
    fail_every_line(2, true);
    fail_every_line(3, true);
}

/* ---- the log --------------------------------------------------------------------------------- */

static bool ask_line(struct trial *trial, const char *line, struct bytes *reply)
{
    struct buffer request = { 0 };
    write_request(&request, line);
    bool answered = caller_ask(&trial->caller, &trial->site, buffer_view(&request), reply);
    buffer_release(&request);
    return answered;
}

static bool info_has(struct trial *trial, const char *text)
{
    struct bytes reply;
    CHECK(ask_line(trial, "INFO persistence", &reply));
    return memmem(reply.at, reply.count, text, strlen(text)) != NULL;
}

static void await(struct trial *trial, const char *text)
{
    for (int tries = 0; !info_has(trial, text); tries++) {
        CHECKF(tries < 20000, "%s does not come to pass", text);
        nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
    }
}

static void digest_of(struct trial *trial, char *digest)
{
    struct bytes reply;
    CHECK(ask_line(trial, "DEBUG DIGEST", &reply));
    CHECKF(reply.at[0] == '+' && reply.count < 64, "%.*s", (int)reply.count,
           (const char *)reply.at);
    memcpy(digest, reply.at, reply.count);
    digest[reply.count] = 0;
}

/* What the log says is what there is, or it says that it is not whole and is made so. */
static void check_log(struct trial *trial, int number, const char *what)
{
    char before[64], after[64];
    struct bytes reply;
    CHECK(ask_line(trial, "RESET", &reply)); /* out of a transaction, MONITOR and whatever else */
    if (!info_has(trial, "aof_last_write_status:ok")) /* it would try again by itself, later */
        CHECK(ask_line(trial, "BGREWRITEAOF", &reply));
    CHECK(
        ask_line(trial, "WAITAOF 0 0 0", &reply)); /* what threads met with is known from now on */
    await(trial, "aof_last_write_status:ok");
    await(trial, "aof_rewrite_scheduled:0");
    await(trial, "aof_rewrite_in_progress:0");
    digest_of(trial, before);
    CHECK(ask_line(trial, "DEBUG LOADAOF", &reply));
    CHECKF(bytes_is(reply, "+ok\r\n"), "%.*s", (int)reply.count, (const char *)reply.at);
    digest_of(trial, after);
    CHECKF(strcmp(before, after) == 0, "the log knows something else after %s: %s", script[number],
           what);
}

/* A disk that stops is the matter of other tests. */
static int sync_nothing(void *context, int file)
{
    (void)context, (void)file;
    return 0;
}

/* What expires while it is compared would make digests differ, on a machine that is slow. */
static int64_t still_wall(void *context)
{
    (void)context;
    return INT64_C(2000000000000000);
}

static void switch_log_on(struct trial *trial)
{
    struct bytes reply;
    trial->site.real.sync = trial->site.real.sync_data = sync_nothing;
    CHECK(ask_line(trial, "CONFIG SET appendonly yes appendfsync no", &reply));
    CHECK(bytes_is(reply, "+ok\r\n"));
    await(trial, "aof_rewrite_in_progress:0");
}

/* Expiry goes by itself, which would make digests differ; what DEBUG makes is told to nobody. */
static bool is_left_out(const char *line)
{
    return line[0] == '!' || line[0] == '-' || flushes(line) || strncmp(line, "SHUTDOWN", 8) == 0 ||
           strncmp(line, "CONFIG", 6) == 0 || strstr(line, "EXPIRE") != NULL ||
           strncmp(line, "DEBUG POPULATE", 14) == 0;
}

static void fail_logged_line(struct trial *trial, int number, enum site_fault fault, bool always)
{
    bool happened = true;
    for (uint64_t after = 0; happened && after < (always ? 2 : 8); after++) {
        site_fail(&trial->site, fault, after, always);
        happened = run_line(trial, number);
    }
}

/* Each command while memory, pages and files fail, the log being written: what it could not be told
 * is in it nevertheless when it says that it is whole. */
TEST(the_log_knows_what_commands_did_that_failed)
{
    static struct trial trial;
    begin(&trial, 2, still_wall); /* the safe keys too are of that time */
    switch_log_on(&trial);
    for (int i = 0; i < LINES; i++) {
        if (is_left_out(script[i]))
            continue;
        for (int always = 0; always < 2; always++) {
            fail_logged_line(&trial, i, SITE_MEMORY, always != 0);
            fail_logged_line(&trial, i, SITE_PAGES, always != 0);
            fail_logged_line(&trial, i, SITE_FILES, always != 0);
        }
        if (all_places() || i % 16 == 15)
            check_log(&trial, i, "memory, pages or files failed");
        run_line(&trial, i);
    }
    check_log(&trial, LINES - 1, "in the end");
    end(&trial);
}

/* ---- the script as a whole ------------------------------------------------------------------- */

static uint64_t calls_of(struct trial *trial, enum site_fault fault)
{
    return fault == SITE_MEMORY ? 2000 : fault_seam_calls(&trial->site.fault, 1u << fault);
}

/* From the nth call on, wherever that is in the script: a server that has just started takes pages
 * and memory for the first time everywhere. */
static bool run_script(enum site_fault fault, uint64_t after, bool always)
{
    static struct trial trial;
    struct bytes reply;
    begin(&trial, 2, NULL);
    site_fail(&trial.site, fault, after, always);
    for (int i = 0; i < LINES && !trial.caller.closed; i++) {
        if (script[i][0] == '-' || script[i][0] == '!' || flushes(script[i]))
            continue;
        struct bytes request = buffer_view(&trial.requests[i]);
        (void)caller_ask(&trial.caller, &trial.site, request, &reply);
    }
    bool happened = site_heal(&trial.site);
    connect_anew(&trial);
    end(&trial);
    return happened;
}

static void fail_script(enum site_fault fault, bool always)
{
    static struct trial trial;
    begin(&trial, 2, NULL);
    uint64_t most = calls_of(&trial, fault) + 2000, runs = all_places() ? most : 25;
    end(&trial);
    uint64_t after = 0, step = 1;
    for (uint64_t run = 0; run < runs && after < most; run++) {
        if (!run_script(fault, after, always))
            return;
        step = all_places() ? 1 : 1 + after / 4; /* the first ones one by one */
        after += step;
    }
}

TEST(the_script_survives_pages_that_are_refused)
{
    fail_script(SITE_PAGES, false);
    fail_script(SITE_PAGES, true);
}

TEST(the_script_survives_memory_that_is_refused)
{
    fail_script(SITE_MEMORY, false);
    fail_script(SITE_MEMORY, true);
}

/* ---- the start ------------------------------------------------------------------------------- */

TEST(a_start_that_fails_leaves_nothing_behind)
{
    static struct site site;
    const enum site_fault faults[] = { SITE_PAGES, SITE_FILES, SITE_MEMORY };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        for (uint64_t after = 0; after < 3000; after += all_places() ? 1 : 1 + after / 8) {
            uint64_t held = memory_held();
            site_prepare(&site);
            site_fail(&site, faults[i], after, after % 2 == 1);
            bool started = site_start(&site);
            bool happened = site_heal(&site);
            CHECK(started || happened);
            CHECK_EQ(site_end(&site), 0);
            CHECK_EQ(memory_held(), held);
            if (!happened)
                break;
        }
}

/* ---- the table ------------------------------------------------------------------------------- */

/* The first words of a line are the command's name, in any case of letters. */
static bool in_script(const struct command_row *row)
{
    char words[64];
    snprintf(words, sizeof words, "%s", row->full_name);
    for (char *at = words; *at != 0; at++)
        *at = *at == '|' ? ' ' : *at;
    size_t count = strlen(words);
    for (int i = 0; i < LINES; i++) {
        const char *line = script[i] + (script[i][0] == '-' || script[i][0] == '!');
        if (strncasecmp(line, words, count) == 0 && (line[count] == ' ' || line[count] == 0))
            return true;
    }
    return strcmp(words, "hello") == 0; /* begins every connection */
}

TEST(the_script_has_every_command)
{
    struct cmd_table *table = cmd_table_new(cmd_groups);
    CHECK(table != NULL);
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        const struct command_row *row = cmd_table_at(table, i);
        CHECKF(row->subcommand_count > 0 || in_script(row), "%s is missing", row->full_name);
    }
    cmd_table_drop(table);
}
