/* Single values: numbers, words and texts. */
#include "conf/values.h"

#include "base/memory.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum err value_refuse(struct option_reason *reason, enum err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    return err;
}

enum err config_text_set(struct config_text *text, struct bytes bytes)
{
    char *at = memory_take(bytes.count + 1);
    if (at == NULL)
        return ERR_MEMORY;
    if (bytes.count > 0)
        memcpy(at, bytes.at, bytes.count);
    at[bytes.count] = '\0';
    config_text_release(text);
    *text = (struct config_text){ at, bytes.count };
    return ERR_NONE;
}

void config_text_release(struct config_text *text)
{
    memory_give(text->at);
    *text = (struct config_text){ NULL, 0 };
}

static enum err read_bool(bool *field, struct bytes value, struct option_reason *reason)
{
    if (!bytes_is(value, "yes") && !bytes_is(value, "no"))
        return value_refuse(reason, ERR_SYNTAX, "argument must be 'yes' or 'no'");
    *field = bytes_is(value, "yes");
    return ERR_NONE;
}

static enum err read_int(const struct option *option, int64_t *field, struct bytes value,
                         struct option_reason *reason)
{
    int64_t number;
    if (!number_read_i64(value, &number))
        return value_refuse(reason, ERR_SYNTAX, "argument couldn't be parsed into an integer");
    if (number < option->min || number > option->max)
        return value_refuse(reason, ERR_RANGE,
                            "argument must be between %" PRId64 " and %" PRId64 " inclusive",
                            option->min, option->max);
    *field = number;
    return ERR_NONE;
}

static bool read_base8(struct bytes value, int64_t *number)
{
    int64_t sum = 0;
    for (size_t i = 0; i < value.count; i++) {
        if (value.at[i] < '0' || value.at[i] > '7' || sum > INT64_MAX / 8 - 7)
            return false;
        sum = sum * 8 + (value.at[i] - '0');
    }
    *number = sum;
    return value.count > 0;
}

static enum err read_octal(const struct option *option, int64_t *field, struct bytes value,
                           struct option_reason *reason)
{
    int64_t number;
    if (!read_base8(value, &number))
        return value_refuse(reason, ERR_SYNTAX, "argument couldn't be parsed as an octal number");
    if (number < option->min || number > option->max)
        return value_refuse(reason, ERR_RANGE,
                            "argument must be between %" PRIo64 " and %" PRIo64 " inclusive",
                            (uint64_t)option->min, (uint64_t)option->max);
    *field = number;
    return ERR_NONE;
}

/* A row without `max` takes all that 64 bits can hold. */
static enum err check_memory(const struct option *option, uint64_t bytes,
                             struct option_reason *reason)
{
    uint64_t max = option->max == 0 ? UINT64_MAX : (uint64_t)option->max;
    if (bytes < (uint64_t)option->min || bytes > max)
        return value_refuse(reason, ERR_RANGE,
                            "argument must be between %" PRIu64 " and %" PRIu64 " inclusive",
                            (uint64_t)option->min, max);
    return ERR_NONE;
}

static enum err read_memory(const struct option *option, uint64_t *field, struct bytes value,
                            struct option_reason *reason)
{
    uint64_t bytes;
    if (!number_read_memory(value, &bytes))
        return value_refuse(reason, ERR_SYNTAX, "argument must be a memory value");
    enum err err = check_memory(option, bytes, reason);
    if (err == ERR_NONE)
        *field = bytes;
    return err;
}

static enum err read_percent(struct config_size *field, struct bytes digits,
                             struct option_reason *reason)
{
    uint64_t percent;
    if (!number_read_u64(digits, &percent))
        return value_refuse(reason, ERR_SYNTAX, "argument must be a memory or percent value");
    if (percent > 100)
        return value_refuse(reason, ERR_RANGE, "percentage argument must be less or equal to 100");
    *field = (struct config_size){ .percent = (unsigned)percent };
    return ERR_NONE;
}

static enum err read_size(const struct option *option, struct config_size *field,
                          struct bytes value, struct option_reason *reason)
{
    uint64_t bytes;
    if (value.count > 1 && value.at[value.count - 1] == '%')
        return read_percent(field, bytes_of(value.at, value.count - 1), reason);
    if (!number_read_memory(value, &bytes))
        return value_refuse(reason, ERR_SYNTAX, "argument must be a memory or percent value");
    enum err err = check_memory(option, bytes, reason);
    if (err == ERR_NONE)
        *field = (struct config_size){ .bytes = bytes };
    return err;
}

static enum err refuse_words(const struct option *option, struct option_reason *reason)
{
    char list[sizeof(reason->text)];
    size_t used = 0;
    list[0] = '\0';
    for (const struct option_word *word = option->words; word->name != NULL; word++) {
        int wrote =
            snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", word->name);
        if (wrote < 0 || (size_t)wrote >= sizeof(list) - used)
            break;
        used += (size_t)wrote;
    }
    return value_refuse(reason, ERR_SYNTAX, "argument(s) must be one of the following: %.200s",
                        list);
}

static const struct option_word *find_word(const struct option *option, struct bytes value)
{
    for (const struct option_word *word = option->words; word->name != NULL; word++)
        if (bytes_is(value, word->name))
            return word;
    return NULL;
}

static enum err read_enum(const struct option *option, int *field, struct bytes value,
                          struct option_reason *reason)
{
    const struct option_word *word = find_word(option, value);
    if (word == NULL)
        return refuse_words(option, reason);
    *field = word->value;
    return ERR_NONE;
}

static enum err read_words(const struct option *option, unsigned *field,
                           const struct bytes *arguments, size_t count,
                           struct option_reason *reason)
{
    unsigned set = 0;
    if (count == 0)
        return refuse_words(option, reason);
    for (size_t i = 0; i < count; i++) {
        const struct option_word *word = find_word(option, arguments[i]);
        if (word == NULL)
            return refuse_words(option, reason);
        set |= (unsigned)word->value;
    }
    if ((set & CONFIG_SHUTDOWN_SAVE) && (set & CONFIG_SHUTDOWN_NOSAVE))
        return value_refuse(reason, ERR_SYNTAX,
                            "shutdown options SAVE and NOSAVE can't be used simultaneously");
    *field = set;
    return ERR_NONE;
}

static enum err read_text(const struct option *option, struct config_text *field,
                          struct bytes value, struct option_reason *reason)
{
    if (value.count > 0 && memchr(value.at, '\0', value.count) != NULL)
        return value_refuse(reason, ERR_SYNTAX, "argument must not contain a zero byte");
    const char *refusal = option->refuse == NULL ? NULL : option->refuse(value);
    if (refusal != NULL)
        return value_refuse(reason, ERR_SYNTAX, "%s", refusal);
    return config_text_set(field, value);
}

static enum err read_single(const struct option *option, void *field, struct bytes value,
                            struct option_reason *reason)
{
    switch (option->type) {
    case OPTION_BOOL:
        return read_bool(field, value, reason);
    case OPTION_INT:
        return read_int(option, field, value, reason);
    case OPTION_OCTAL:
        return read_octal(option, field, value, reason);
    case OPTION_MEMORY:
        return read_memory(option, field, value, reason);
    case OPTION_SIZE:
        return read_size(option, field, value, reason);
    case OPTION_ENUM:
        return read_enum(option, field, value, reason);
    case OPTION_TEXT:
        return read_text(option, field, value, reason);
    case OPTION_SECRET:
        return config_text_set(field, value);
    case OPTION_NOTIFY:
        return value_list_read(option, field, &value, 1, reason);
    case OPTION_WORDS:
    case OPTION_BIND:
    case OPTION_SAVE:
    case OPTION_LIMITS:
    case OPTION_SCORES:
    case OPTION_PERCENTILES:
    case OPTION_ENDPOINT:
        break;
    }
    return value_refuse(reason, ERR_TYPE, "option has no such type");
}

enum err value_read(const struct option *option, void *field, const struct bytes *arguments,
                    size_t count, struct option_reason *reason)
{
    enum err err;
    if (option->type == OPTION_WORDS)
        err = read_words(option, field, arguments, count, reason);
    else if (option_is_list(option))
        err = value_list_read(option, field, arguments, count, reason);
    else if (count != 1)
        err = value_refuse(reason, ERR_SYNTAX, "wrong number of arguments");
    else
        err = read_single(option, field, arguments[0], reason);
    if (err == ERR_MEMORY)
        (void)value_refuse(reason, err, "out of memory");
    return err;
}

static bool write_words(const struct option *option, unsigned set, struct buffer *text)
{
    bool first = true;
    for (const struct option_word *word = option->words; word->name != NULL; word++) {
        bool holds = word->value == 0 ? set == 0 : (set & (unsigned)word->value) != 0;
        if (!holds)
            continue;
        if (!buffer_printf(text, "%s%s", first ? "" : " ", word->name))
            return false;
        first = false;
    }
    return true;
}

static bool write_enum(const struct option *option, int value, struct buffer *text)
{
    for (const struct option_word *word = option->words; word->name != NULL; word++)
        if (word->value == value)
            return buffer_append_text(text, word->name);
    return true;
}

static bool write_size(const struct config_size *size, struct buffer *text)
{
    if (size->percent > 0)
        return buffer_printf(text, "%u%%", size->percent);
    return buffer_printf(text, "%" PRIu64, size->bytes);
}

bool value_write(const struct option *option, const void *field, struct buffer *text)
{
    switch (option->type) {
    case OPTION_BOOL:
        return buffer_append_text(text, *(const bool *)field ? "yes" : "no");
    case OPTION_INT:
        return buffer_printf(text, "%" PRId64, *(const int64_t *)field);
    case OPTION_OCTAL:
        return buffer_printf(text, "%" PRIo64, (uint64_t) * (const int64_t *)field);
    case OPTION_MEMORY:
        return buffer_printf(text, "%" PRIu64, *(const uint64_t *)field);
    case OPTION_SIZE:
        return write_size(field, text);
    case OPTION_ENUM:
        return write_enum(option, *(const int *)field, text);
    case OPTION_WORDS:
        return write_words(option, *(const unsigned *)field, text);
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_ENDPOINT:
        return buffer_append(text, config_text_view(field));
    case OPTION_BIND:
    case OPTION_SAVE:
    case OPTION_LIMITS:
    case OPTION_NOTIFY:
    case OPTION_SCORES:
    case OPTION_PERCENTILES:
        break;
    }
    return value_list_write(option, field, text);
}

bool value_write_memory(struct buffer *text, uint64_t bytes)
{
    const uint64_t kb = 1024, mb = kb * 1024, gb = mb * 1024;
    if (bytes > 0 && bytes % gb == 0)
        return buffer_printf(text, "%" PRIu64 "gb", bytes / gb);
    if (bytes > 0 && bytes % mb == 0)
        return buffer_printf(text, "%" PRIu64 "mb", bytes / mb);
    if (bytes > 0 && bytes % kb == 0)
        return buffer_printf(text, "%" PRIu64 "kb", bytes / kb);
    return buffer_printf(text, "%" PRIu64, bytes);
}

bool value_owns(enum option_type type)
{
    return type == OPTION_TEXT || type == OPTION_SECRET || type == OPTION_ENDPOINT ||
           type == OPTION_BIND;
}

static void release_bind(struct config_bind *bind)
{
    for (size_t i = 0; i < bind->count; i++)
        config_text_release(&bind->addresses[i]);
    bind->count = 0;
}

void value_release(const struct option *option, void *field)
{
    if (option->type == OPTION_BIND)
        release_bind(field);
    else if (value_owns(option->type))
        config_text_release(field);
}

static enum err copy_bind(struct config_bind *to, const struct config_bind *from)
{
    memset(to, 0, sizeof(*to));
    for (size_t i = 0; i < from->count; i++) {
        enum err err = config_text_set(&to->addresses[i], config_text_view(&from->addresses[i]));
        if (err != ERR_NONE) {
            release_bind(to);
            return err;
        }
        to->count++;
    }
    return ERR_NONE;
}

enum err value_copy(const struct option *option, void *to, const void *from)
{
    if (option->type == OPTION_BIND)
        return copy_bind(to, from);
    if (!value_owns(option->type))
        return ERR_NONE;
    memset(to, 0, sizeof(struct config_text));
    return config_text_set(to, config_text_view(from));
}
