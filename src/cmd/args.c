#include "cmd/args.h"

#include "base/number.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void call_syntax_error(struct call *call)
{
    reply_error(call->reply, "ERR syntax error");
}

void call_no_key_error(struct call *call)
{
    reply_error(call->reply, "ERR no such key");
}

void call_memory_error(struct call *call)
{
    reply_error(call->reply, "OOM out of memory, nothing has changed");
}

void call_wrong_type_error(struct call *call)
{
    reply_error(call->reply, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void call_arity_error(struct call *call)
{
    reply_errorf(call->reply, "ERR wrong number of arguments for '%s' command",
                 call->command->name);
}

bool call_i64(struct call *call, uint32_t at, int64_t *number)
{
    if (LIKELY(number_read_i64(call->argv[at], number)))
        return true;
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return false;
}

bool call_i64_within(struct call *call, uint32_t at, int64_t min, int64_t max, int64_t *number)
{
    int64_t read = 0;
    if (!call_i64(call, at, &read))
        return false;
    if (read >= min && read <= max) {
        *number = read;
        return true;
    }
    reply_errorf(call->reply,
                 "ERR value is out of range, value must between %" PRId64 " and %" PRId64, min,
                 max);
    return false;
}

bool call_may_draw(struct call *call, uint64_t count, uint64_t elements)
{
    if (count <= DRAWN_ELEMENTS_MAX / elements)
        return true;
    reply_error(call->reply, "ERR value is out of range");
    return false;
}

bool call_db(struct call *call, uint32_t at, uint32_t *db)
{
    int64_t number = 0;
    if (!call_i64_within(call, at, INT32_MIN, INT32_MAX, &number))
        return false;
    if (number < 0 || number >= (int64_t)store_databases(call->store)) {
        reply_error(call->reply, "ERR DB index is out of range");
        return false;
    }
    *db = (uint32_t)number;
    return true;
}

bool call_timeout_ms(struct call *call, uint32_t at, int64_t *timeout_ms)
{
    int64_t number = 0;
    if (!number_read_i64(call->argv[at], &number)) {
        reply_error(call->reply, "ERR timeout is not an integer or out of range");
        return false;
    }
    if (number < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return false;
    }
    if (number > INT64_MAX - store_now_ms(call->store)) {
        reply_error(call->reply, "ERR timeout is out of range");
        return false;
    }
    *timeout_ms = number;
    return true;
}

static bool expiry_ms(const struct call *call, int64_t number, unsigned form, int64_t *ms)
{
    if ((form & EXPIRY_POSITIVE) != 0 && number <= 0)
        return false;
    if ((form & EXPIRY_MS) == 0 && !mul_i64(number, 1000, &number))
        return false;
    if ((form & EXPIRY_ABSOLUTE) == 0 && !add_i64(number, store_now_ms(call->store), &number))
        return false;
    *ms = number;
    return true;
}

bool call_expiry(struct call *call, uint32_t at, unsigned form, int64_t *expiry)
{
    const int64_t latest = ((int64_t)1 << ENTRY_EXPIRY_BITS) - 1;
    int64_t number = 0;
    if (!call_i64(call, at, &number))
        return false;
    if (!expiry_ms(call, number, form, &number)) {
        reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->name);
        return false;
    }
    if (number > latest)
        number = latest;
    *expiry = number < -latest ? -latest : number;
    return true;
}

/* "CLIENT <subcommand> ..." and the lines about HELP itself are the same for every container. */
void call_help(struct call *call, const char *command, const char *const *lines)
{
    char upper[32];
    size_t count = 0;
    for (; command[count] != '\0' && count < sizeof upper - 1; count++)
        upper[count] = (char)toupper((unsigned char)command[count]);
    upper[count] = '\0';

    char first[128];
    int bytes = snprintf(first, sizeof first,
                         "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", upper);
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t total = 3;
    reply_status(call->reply, bytes > 0 ? first : "");
    for (; lines[total - 3] != NULL; total++)
        reply_status(call->reply, lines[total - 3]);
    reply_status(call->reply, "HELP");
    reply_status(call->reply, "    Print this help.");
    reply_count(call->reply, mark, total);
}
