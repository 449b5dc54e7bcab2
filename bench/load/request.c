#include "load/request.h"

#include <stdbool.h>
#include <string.h>

static const char digit_pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

/* ---- pieces; each returns where the next one goes ------------------------------------------ */

static uint8_t *put(uint8_t *out, const char *text, size_t bytes)
{
    memcpy(out, text, bytes);
    return out + bytes;
}

#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

/* `digits` decimal digits of `number`, which is even. */
static uint8_t *put_digits(uint8_t *out, uint64_t number, unsigned digits)
{
    for (unsigned i = digits; i > 0; i -= 2) {
        memcpy(out + i - 2, &digit_pairs[number % 100 * 2], 2);
        number /= 100;
    }
    return out + digits;
}

static uint8_t *put_number(uint8_t *out, uint64_t number)
{
    unsigned digits = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10) {
        digits++;
    }
    for (unsigned i = digits; i > 0; i--) {
        out[i - 1] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
    return out + digits;
}

/* "*3\r\n" or "$16\r\n". */
static uint8_t *put_header(uint8_t *out, char type, uint64_t number)
{
    *out++ = (uint8_t)type;
    out = put_number(out, number);
    return PUT(out, "\r\n");
}

static uint8_t *put_word(uint8_t *out, const char *text, size_t bytes)
{
    out = put_header(out, '$', bytes);
    out = put(out, text, bytes);
    return PUT(out, "\r\n");
}

#define PUT_WORD(out, literal) put_word((out), (literal), sizeof(literal) - 1)

static uint8_t *put_key(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    out = put_header(out, '$', plan->prefix_bytes + KEY_DIGITS);
    out = put(out, plan->prefix, plan->prefix_bytes);
    out = put_digits(out, number, KEY_DIGITS);
    return PUT(out, "\r\n");
}

static uint8_t *put_value(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    uint32_t bytes = value_bytes(&plan->values, number);
    out = put_header(out, '$', bytes);
    value_render(&plan->values, number, bytes, out);
    return PUT(out + bytes, "\r\n");
}

/* A member or field: ten digits, filled up in front to field_bytes. */
static uint8_t *put_field(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    out = put_header(out, '$', plan->field_bytes);
    memset(out, 'm', plan->field_bytes - 10);
    out = put_digits(out + plan->field_bytes - 10, number, 10);
    return PUT(out, "\r\n");
}

static uint8_t *put_number_word(uint8_t *out, uint64_t number)
{
    uint8_t digits[24];
    size_t bytes = (size_t)(put_number(digits, number) - digits);
    out = put_header(out, '$', bytes);
    memcpy(out, digits, bytes);
    return PUT(out + bytes, "\r\n");
}

/* ---- commands ---------------------------------------------------------------------------------
 */

size_t request_get(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    uint8_t *at = PUT(out, "*2\r\n$3\r\nGET\r\n");
    return (size_t)(put_key(plan, number, at) - out);
}

size_t request_del(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    uint8_t *at = PUT(out, "*2\r\n$3\r\nDEL\r\n");
    return (size_t)(put_key(plan, number, at) - out);
}

static uint8_t *put_expiry(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    uint64_t span = (uint64_t)plan->ttl_max_s - plan->ttl_min_s + 1;
    out = PUT_WORD(out, "EX");
    return put_number_word(out, plan->ttl_min_s + mix64(number ^ plan->values.seed) % span);
}

size_t request_set(const struct request_plan *plan, uint64_t number, uint8_t *out)
{
    bool expires = plan->ttl_min_s > 0;
    uint8_t *at = put_header(out, '*', expires ? 5 : 3);
    at = PUT(at, "$3\r\nSET\r\n");
    at = put_key(plan, number, at);
    at = put_value(plan, number, at);
    if (expires) {
        at = put_expiry(plan, number, at);
    }
    return (size_t)(at - out);
}

static size_t render_get(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return request_get(plan, picker_next(picker), out);
}

static size_t render_set(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return request_set(plan, picker_next(picker), out);
}

static size_t render_del(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return request_del(plan, picker_next(picker), out);
}

static size_t render_incr(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = PUT(out, "*2\r\n$4\r\nINCR\r\n");
    return (size_t)(put_key(plan, picker_next(picker), at) - out);
}

static size_t render_ping(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    (void)plan;
    (void)picker;
    return (size_t)(PUT(out, "*1\r\n$4\r\nPING\r\n") - out);
}

static size_t render_mget(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_header(out, '*', 1 + (uint64_t)plan->elements);
    at = PUT_WORD(at, "MGET");
    for (uint32_t i = 0; i < plan->elements; i++) {
        at = put_key(plan, picker_next(picker), at);
    }
    return (size_t)(at - out);
}

/* ---- one big collection: its key is the prefix alone
 * --------------------------------------------- */

static uint8_t *put_prefix(const struct request_plan *plan, uint8_t *out)
{
    return put_word(out, plan->prefix, plan->prefix_bytes);
}

static size_t render_hset(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = PUT(out, "*4\r\n$4\r\nHSET\r\n");
    at = put_prefix(plan, at);
    at = put_field(plan, number, at);
    return (size_t)(put_value(plan, number, at) - out);
}

static size_t render_hget(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*3\r\n$4\r\nHGET\r\n"));
    return (size_t)(put_field(plan, picker_next(picker), at) - out);
}

static size_t render_sadd(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = PUT(out, "*3\r\n$4\r\nSADD\r\n");
    at = put_prefix(plan, at);
    return (size_t)(put_field(plan, picker_next(picker), at) - out);
}

/* Scores are whole and below a million; a member drawn again gets another. */
static size_t render_zadd(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = PUT(out, "*4\r\n$4\r\nZADD\r\n");
    at = put_prefix(plan, at);
    at = put_number_word(at, random_below(&picker->random, 1000000));
    return (size_t)(put_field(plan, number, at) - out);
}

static size_t render_zscore(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*3\r\n$6\r\nZSCORE\r\n"));
    return (size_t)(put_field(plan, picker_next(picker), at) - out);
}

static size_t render_zrank(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*3\r\n$5\r\nZRANK\r\n"));
    return (size_t)(put_field(plan, picker_next(picker), at) - out);
}

/* Steps below 1,024, so that most members move a little. */
static size_t render_zincrby(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_prefix(plan, PUT(out, "*4\r\n$7\r\nZINCRBY\r\n"));
    at = put_number_word(at, random_below(&picker->random, 1024));
    return (size_t)(put_field(plan, number, at) - out);
}

/* --elements from `first` on. */
static uint8_t *put_range(const struct request_plan *plan, uint64_t first, uint8_t *out)
{
    out = put_number_word(out, first);
    return put_number_word(out, first + plan->elements - 1);
}

static size_t render_zrange(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*4\r\n$6\r\nZRANGE\r\n"));
    (void)picker;
    return (size_t)(put_range(plan, 0, at) - out);
}

static size_t render_zrange_at(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*4\r\n$6\r\nZRANGE\r\n"));
    return (size_t)(put_range(plan, picker_next(picker), at) - out);
}

static size_t render_lrange(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*4\r\n$6\r\nLRANGE\r\n"));
    (void)picker;
    return (size_t)(put_range(plan, 0, at) - out);
}

static size_t render_lrange_at(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*4\r\n$6\r\nLRANGE\r\n"));
    return (size_t)(put_range(plan, picker_next(picker), at) - out);
}

static size_t render_push(const struct request_plan *plan, struct picker *picker, const char *name,
                          uint8_t *out)
{
    uint8_t *at = PUT(out, "*3\r\n");
    at = put_word(at, name, 5);
    at = put_prefix(plan, at);
    return (size_t)(put_value(plan, picker_next(picker), at) - out);
}

static size_t render_lpush(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return render_push(plan, picker, "LPUSH", out);
}

static size_t render_rpush(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return render_push(plan, picker, "RPUSH", out);
}

/* An entry of one field, whose id the server makes. */
static size_t render_xadd(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint8_t *at = put_prefix(plan, PUT(out, "*5\r\n$4\r\nXADD\r\n"));
    at = PUT(at, "$1\r\n*\r\n$2\r\nf0\r\n");
    return (size_t)(put_value(plan, picker_next(picker), at) - out);
}

/* ---- many small collections, one a key ----------------------------------------------------------
 */

/* Element `i` of collection `number`, as a number of its own. */
static uint64_t element_of(const struct request_plan *plan, uint64_t number, uint32_t i)
{
    return number * plan->elements + i;
}

/* Two or more bytes, as applications name fields: f0, f1, ... */
static uint8_t *put_short_field(uint64_t i, uint8_t *out)
{
    uint8_t field[16] = { 'f' };
    size_t bytes = (size_t)(put_number(field + 1, i) - field);
    out = put_header(out, '$', bytes);
    memcpy(out, field, bytes);
    return PUT(out + bytes, "\r\n");
}

static size_t render_hset_key(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_header(out, '*', 2 + 2 * (uint64_t)plan->elements);
    at = PUT_WORD(at, "HSET");
    at = put_key(plan, number, at);
    for (uint32_t i = 0; i < plan->elements; i++) {
        at = put_short_field(i, at);
        at = put_value(plan, element_of(plan, number, i), at);
    }
    return (size_t)(at - out);
}

/* Members are integers of nine digits. */
static uint8_t *put_integer(const struct request_plan *plan, uint64_t element, uint8_t *out)
{
    return put_number_word(out, 100000000 + mix64(element ^ plan->values.seed) % 900000000);
}

static size_t render_sadd_key(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_header(out, '*', 2 + (uint64_t)plan->elements);
    at = PUT_WORD(at, "SADD");
    at = put_key(plan, number, at);
    for (uint32_t i = 0; i < plan->elements; i++) {
        at = put_integer(plan, element_of(plan, number, i), at);
    }
    return (size_t)(at - out);
}

static size_t render_zadd_key(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_header(out, '*', 2 + 2 * (uint64_t)plan->elements);
    at = PUT_WORD(at, "ZADD");
    at = put_key(plan, number, at);
    for (uint32_t i = 0; i < plan->elements; i++) {
        uint64_t element = element_of(plan, number, i);
        at = put_number_word(at, mix64(element ^ plan->values.seed) % 1000000);
        at = put_field(plan, element, at);
    }
    return (size_t)(at - out);
}

static size_t render_rpush_key(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_header(out, '*', 2 + (uint64_t)plan->elements);
    at = PUT_WORD(at, "RPUSH");
    at = put_key(plan, number, at);
    for (uint32_t i = 0; i < plan->elements; i++) {
        at = put_value(plan, element_of(plan, number, i), at);
    }
    return (size_t)(at - out);
}

/* ---- one element of many small collections, filled by those above
 * ------------------------------- */

static size_t render_hset_one(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t i = random_below(&picker->random, plan->elements);
    uint64_t number = picker_next(picker);
    uint8_t *at = put_key(plan, number, PUT(out, "*4\r\n$4\r\nHSET\r\n"));
    at = put_short_field(i, at);
    return (size_t)(put_value(plan, element_of(plan, number, (uint32_t)i), at) - out);
}

/* Half of the members that may be drawn are there at first. */
static uint32_t known_or_new(const struct request_plan *plan, struct picker *picker)
{
    return (uint32_t)random_below(&picker->random, UINT64_C(2) * plan->elements);
}

static size_t render_sadd_one(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint32_t i = known_or_new(plan, picker);
    uint64_t number = picker_next(picker);
    uint8_t *at = put_key(plan, number, PUT(out, "*3\r\n$4\r\nSADD\r\n"));
    return (size_t)(put_integer(plan, element_of(plan, number, i), at) - out);
}

static size_t render_zadd_one(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint32_t i = known_or_new(plan, picker);
    uint64_t number = picker_next(picker);
    uint8_t *at = put_key(plan, number, PUT(out, "*4\r\n$4\r\nZADD\r\n"));
    at = put_number_word(at, random_below(&picker->random, 1000000));
    return (size_t)(put_field(plan, element_of(plan, number, i), at) - out);
}

static size_t render_lpush_one(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_key(plan, number, PUT(out, "*3\r\n$5\r\nLPUSH\r\n"));
    return (size_t)(put_value(plan, number, at) - out);
}

static size_t render_xadd_one(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    uint64_t number = picker_next(picker);
    uint8_t *at = put_key(plan, number, PUT(out, "*5\r\n$4\r\nXADD\r\n"));
    at = PUT(at, "$1\r\n*\r\n$2\r\nf0\r\n");
    return (size_t)(put_value(plan, number, at) - out);
}

static size_t render_lrange_key(const struct request_plan *plan, struct picker *picker,
                                uint8_t *out)
{
    uint8_t *at = put_key(plan, picker_next(picker), PUT(out, "*4\r\n$6\r\nLRANGE\r\n"));
    return (size_t)(put_range(plan, 0, at) - out);
}

static size_t render_zrange_key(const struct request_plan *plan, struct picker *picker,
                                uint8_t *out)
{
    uint8_t *at = put_key(plan, picker_next(picker), PUT(out, "*4\r\n$6\r\nZRANGE\r\n"));
    return (size_t)(put_range(plan, 0, at) - out);
}

/* ---- rows ---------------------------------------------------------------------------------------
 */

static const struct request_row rows[] = {
    { "get", "GET of a key", render_get, 1 },
    { "set", "SET of a key, with EX when --ttl is given", render_set, 1 },
    { "del", "DEL of a key", render_del, 1 },
    { "incr", "INCR of a key", render_incr, 1 },
    { "mget", "MGET of --elements keys", render_mget, 10 },
    { "ping", "PING", render_ping, 1 },
    { "hset", "HSET of a field in one hash", render_hset, 1 },
    { "hget", "HGET of a field of one hash", render_hget, 1 },
    { "sadd", "SADD of a member to one set", render_sadd, 1 },
    { "zadd", "ZADD of a member to one sorted set", render_zadd, 1 },
    { "zscore", "ZSCORE of a member of one sorted set", render_zscore, 1 },
    { "zrank", "ZRANK of a member of one sorted set", render_zrank, 1 },
    { "zincrby", "ZINCRBY of a member of one sorted set", render_zincrby, 1 },
    { "zrange", "ZRANGE of the first --elements of one sorted set", render_zrange, 100 },
    { "zrange-at", "ZRANGE of --elements from any on of one sorted set", render_zrange_at, 10 },
    { "lrange", "LRANGE of the first --elements of one list", render_lrange, 100 },
    { "lrange-at", "LRANGE of --elements from any on of one list", render_lrange_at, 10 },
    { "xadd", "XADD of an entry to one stream", render_xadd, 1 },
    { "lpush", "LPUSH of an item to one list", render_lpush, 1 },
    { "rpush", "RPUSH of an item to one list", render_rpush, 1 },
    { "hset-key", "HSET of --elements fields in a hash of its own", render_hset_key, 5 },
    { "sadd-key", "SADD of --elements integers to a set of its own", render_sadd_key, 10 },
    { "zadd-key", "ZADD of --elements members to a sorted set of its own", render_zadd_key, 10 },
    { "rpush-key", "RPUSH of --elements items to a list of its own", render_rpush_key, 10 },
    { "hset-one", "HSET of a field in one of many hashes", render_hset_one, 5 },
    { "sadd-one", "SADD of a member to one of many sets", render_sadd_one, 10 },
    { "zadd-one", "ZADD of a member to one of many sorted sets", render_zadd_one, 10 },
    { "lpush-one", "LPUSH of an item to one of many lists", render_lpush_one, 1 },
    { "xadd-one", "XADD of an entry to one of many streams", render_xadd_one, 1 },
    { "lrange-key", "LRANGE of the first --elements of one of many lists", render_lrange_key, 10 },
    { "zrange-key", "ZRANGE of the same of one of many sorted sets", render_zrange_key, 10 },
};

const struct request_row *request_row_at(size_t index)
{
    return index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}

const struct request_row *request_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* A header is at most 24 bytes, a number word 48; generous, since it sizes buffers only. */
size_t request_bytes_max(const struct request_plan *plan)
{
    size_t key = 32 + plan->prefix_bytes + KEY_DIGITS;
    size_t element = 128 + plan->field_bytes + plan->values.bytes_max + key;
    return 256 + key + plan->elements * element;
}

size_t request_render(const struct request_plan *plan, struct picker *picker, uint8_t *out)
{
    return plan->row->render(plan, picker, out);
}
