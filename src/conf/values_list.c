/* Values that are lists: bind, save, client-output-buffer-limit and their like. */
#include "conf/values.h"

#include "base/number.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

const char *config_client_class_name(enum config_client_class class)
{
    static const char *const names[] = { "normal", "slave", "pubsub" };
    return names[class];
}

/* What can stand in a file without quotes: addresses and host names are shown and written so. */
static bool is_plain(struct bytes word)
{
    for (size_t i = 0; i < word.count; i++)
        if (word.at[i] <= ' ' || word.at[i] >= 0x7f || word.at[i] == '"' || word.at[i] == '\'')
            return false;
    return true;
}

/* bind "" listens on no address. */
static enum err read_bind(const struct option *option, struct config_bind *field,
                          const struct bytes *arguments, size_t count, struct option_reason *reason)
{
    struct config_bind bind;
    enum err err = ERR_NONE;
    if (count > CONFIG_BIND_MAX)
        return value_refuse(reason, ERR_LIMIT, "Too many bind addresses specified.");
    if (count == 1 && arguments[0].count == 0)
        count = 0;
    memset(&bind, 0, sizeof(bind));
    for (; bind.count < count && err == ERR_NONE; bind.count++) {
        struct bytes address = arguments[bind.count];
        if (address.count == 0 || !is_plain(address))
            err = value_refuse(reason, ERR_SYNTAX, "Invalid bind address");
        else
            err = config_text_set(&bind.addresses[bind.count], address);
    }
    if (err != ERR_NONE) {
        value_release(option, &bind);
        return err;
    }
    value_release(option, field);
    *field = bind;
    return ERR_NONE;
}

static bool write_bind(const struct config_bind *bind, struct buffer *text)
{
    for (size_t i = 0; i < bind->count; i++) {
        if (i > 0 && !buffer_append_text(text, " "))
            return false;
        if (!buffer_append(text, config_text_view(&bind->addresses[i])))
            return false;
    }
    return true;
}

static bool read_save_point(struct config_save_point *point, const struct bytes *pair)
{
    return number_read_i64(pair[0], &point->seconds) && point->seconds >= 1 &&
           number_read_i64(pair[1], &point->changes) && point->changes >= 0 &&
           point->changes <= INT_MAX;
}

enum err value_save_add(struct config_save *save, const struct bytes *arguments, size_t count,
                        struct option_reason *reason)
{
    struct config_save all = *save;
    if (count == 1 && arguments[0].count == 0) {
        save->count = 0;
        return ERR_NONE;
    }
    if (count % 2 != 0)
        return value_refuse(reason, ERR_SYNTAX, "Invalid save parameters");
    for (size_t i = 0; i < count; i += 2) {
        if (all.count == CONFIG_SAVE_MAX)
            return value_refuse(reason, ERR_LIMIT, "Too many save parameters");
        if (!read_save_point(&all.points[all.count], arguments + i))
            return value_refuse(reason, ERR_SYNTAX, "Invalid save parameters");
        all.count++;
    }
    *save = all;
    return ERR_NONE;
}

static enum err read_save(struct config_save *field, const struct bytes *arguments, size_t count,
                          struct option_reason *reason)
{
    struct config_save save;
    memset(&save, 0, sizeof(save));
    enum err err = value_save_add(&save, arguments, count, reason);
    if (err == ERR_NONE)
        *field = save;
    return err;
}

static bool write_save(const struct config_save *save, struct buffer *text)
{
    for (size_t i = 0; i < save->count; i++)
        if (!buffer_printf(text, "%s%" PRId64 " %" PRId64, i > 0 ? " " : "",
                           save->points[i].seconds, save->points[i].changes))
            return false;
    return true;
}

static bool find_class(struct bytes name, size_t *class)
{
    if (bytes_is(name, "normal"))
        *class = CONFIG_CLIENT_NORMAL;
    else if (bytes_is(name, "slave") || bytes_is(name, "replica"))
        *class = CONFIG_CLIENT_REPLICA;
    else if (bytes_is(name, "pubsub"))
        *class = CONFIG_CLIENT_PUBSUB;
    else
        return false;
    return true;
}

/* Classes that are not named keep what they have. */
static enum err read_limits(struct config_output_limit *field, const struct bytes *arguments,
                            size_t count, struct option_reason *reason)
{
    struct config_output_limit limits[CONFIG_CLIENT_CLASSES];
    memcpy(limits, field, sizeof(limits));
    if (count == 1 && arguments[0].count == 0)
        return ERR_NONE;
    if (count % 4 != 0)
        return value_refuse(reason, ERR_SYNTAX,
                            "Wrong number of arguments in buffer limit configuration.");
    for (size_t i = 0; i < count; i += 4) {
        size_t class;
        if (!find_class(arguments[i], &class))
            return value_refuse(reason, ERR_SYNTAX,
                                "Invalid client class specified in buffer limit configuration.");
        struct config_output_limit *limit = &limits[class];
        if (!number_read_memory(arguments[i + 1], &limit->hard_bytes) ||
            !number_read_memory(arguments[i + 2], &limit->soft_bytes) ||
            !number_read_i64(arguments[i + 3], &limit->soft_seconds) || limit->soft_seconds < 0 ||
            limit->soft_seconds > INT_MAX)
            return value_refuse(reason, ERR_SYNTAX,
                                "Error in hard, soft or soft_seconds setting in buffer limit "
                                "configuration.");
    }
    memcpy(field, limits, sizeof(limits));
    return ERR_NONE;
}

static bool write_limits(const struct config_output_limit *limits, struct buffer *text)
{
    for (int class = 0; class < CONFIG_CLIENT_CLASSES; class ++) {
        const struct config_output_limit *limit = &limits[class];
        if (!buffer_printf(text, "%s%s %" PRIu64 " %" PRIu64 " %" PRId64, class > 0 ? " " : "",
                           config_client_class_name((enum config_client_class) class),
                           limit->hard_bytes, limit->soft_bytes, limit->soft_seconds))
            return false;
    }
    return true;
}

static enum err read_scores(int *field, const struct bytes *arguments, size_t count,
                            struct option_reason *reason)
{
    int scores[3];
    if (count != 3)
        return value_refuse(reason, ERR_SYNTAX, "wrong number of arguments");
    for (size_t i = 0; i < 3; i++) {
        int64_t score;
        if (!number_read_i64(arguments[i], &score) || score < -2000 || score > 2000)
            return value_refuse(
                reason, ERR_RANGE,
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
        scores[i] = (int)score;
    }
    memcpy(field, scores, sizeof(scores));
    return ERR_NONE;
}

static enum err read_percentiles(struct config_percentiles *field, const struct bytes *arguments,
                                 size_t count, struct option_reason *reason)
{
    struct config_percentiles all;
    memset(&all, 0, sizeof(all));
    if (count == 1 && arguments[0].count == 0)
        count = 0;
    if (count > CONFIG_PERCENTILES_MAX)
        return value_refuse(reason, ERR_LIMIT,
                            "Too many latency-tracking-info-percentiles parameters");
    for (; all.count < count; all.count++) {
        double value;
        if (!number_read_double(arguments[all.count], &value))
            return value_refuse(reason, ERR_SYNTAX,
                                "Invalid latency-tracking-info-percentiles parameters");
        if (!(value >= 0 && value <= 100))
            return value_refuse(reason, ERR_RANGE,
                                "latency-tracking-info-percentiles parameters should sit between "
                                "[0.0,100.0]");
        all.values[all.count] = value;
    }
    *field = all;
    return ERR_NONE;
}

/* Six places, without the zeros at the end. */
static bool write_percentile(double value, struct buffer *text)
{
    char digits[64];
    int count = snprintf(digits, sizeof(digits), "%f", value);
    while (count > 0 && digits[count - 1] == '0')
        count--;
    if (count > 0 && digits[count - 1] == '.')
        count--;
    return buffer_append(text, bytes_of(digits, (size_t)count));
}

static bool write_percentiles(const struct config_percentiles *all, struct buffer *text)
{
    for (size_t i = 0; i < all->count; i++) {
        if (i > 0 && !buffer_append_text(text, " "))
            return false;
        if (!write_percentile(all->values[i], text))
            return false;
    }
    return true;
}

struct notify_letter {
    char letter;
    unsigned flag;
};

/* In the order in which they are shown; A stands for those before n. */
static const struct notify_letter notify_letters[] = {
    { 'g', CONFIG_NOTIFY_GENERIC },  { '$', CONFIG_NOTIFY_STRING },
    { 'l', CONFIG_NOTIFY_LIST },     { 's', CONFIG_NOTIFY_SET },
    { 'h', CONFIG_NOTIFY_HASH },     { 'z', CONFIG_NOTIFY_ZSET },
    { 'x', CONFIG_NOTIFY_EXPIRED },  { 'e', CONFIG_NOTIFY_EVICTED },
    { 't', CONFIG_NOTIFY_STREAM },   { 'd', CONFIG_NOTIFY_MODULE },
    { 'n', CONFIG_NOTIFY_NEW },      { 'K', CONFIG_NOTIFY_KEYSPACE },
    { 'E', CONFIG_NOTIFY_KEYEVENT }, { 'm', CONFIG_NOTIFY_KEY_MISS },
};
enum { NOTIFY_LETTERS = sizeof(notify_letters) / sizeof(notify_letters[0]) };

static unsigned notify_flag(uint8_t letter)
{
    for (size_t i = 0; i < NOTIFY_LETTERS; i++)
        if (notify_letters[i].letter == (char)letter)
            return notify_letters[i].flag;
    return letter == 'A' ? (unsigned)CONFIG_NOTIFY_ALL : 0;
}

static enum err read_notify(unsigned *field, struct bytes value, struct option_reason *reason)
{
    unsigned set = 0;
    for (size_t i = 0; i < value.count; i++) {
        unsigned flag = notify_flag(value.at[i]);
        if (flag == 0)
            return value_refuse(reason, ERR_SYNTAX,
                                "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        set |= flag;
    }
    *field = set;
    return ERR_NONE;
}

static bool write_notify(unsigned set, struct buffer *text)
{
    bool all = (set & CONFIG_NOTIFY_ALL) == CONFIG_NOTIFY_ALL;
    if (all && !buffer_append_text(text, "A"))
        return false;
    for (size_t i = 0; i < NOTIFY_LETTERS; i++) {
        const struct notify_letter *row = &notify_letters[i];
        bool told = all && (row->flag & CONFIG_NOTIFY_ALL) != 0;
        if ((set & row->flag) != 0 && !told && !buffer_append_byte(text, (uint8_t)row->letter))
            return false;
    }
    return true;
}

/* Kept as the text "host port", or as none. */
static enum err read_endpoint(struct config_text *field, const struct bytes *arguments,
                              size_t count, struct option_reason *reason)
{
    int64_t port;
    if (count != 2)
        return value_refuse(reason, ERR_SYNTAX, "wrong number of arguments");
    if (bytes_is(arguments[0], "no") && bytes_is(arguments[1], "one"))
        return config_text_set(field, BYTES(""));
    if (arguments[0].count == 0 || !is_plain(arguments[0]))
        return value_refuse(reason, ERR_SYNTAX, "Invalid master host");
    if (!number_read_i64(arguments[1], &port) || port < 0 || port > 65535)
        return value_refuse(reason, ERR_RANGE, "Invalid master port");
    struct buffer text = { 0 };
    enum err err = ERR_MEMORY;
    if (buffer_append(&text, arguments[0]) && buffer_printf(&text, " %" PRId64, port))
        err = config_text_set(field, buffer_view(&text));
    buffer_release(&text);
    return err;
}

enum err value_list_read(const struct option *option, void *field, const struct bytes *arguments,
                         size_t count, struct option_reason *reason)
{
    switch (option->type) {
    case OPTION_BIND:
        return read_bind(option, field, arguments, count, reason);
    case OPTION_SAVE:
        return read_save(field, arguments, count, reason);
    case OPTION_LIMITS:
        return read_limits(field, arguments, count, reason);
    case OPTION_SCORES:
        return read_scores(field, arguments, count, reason);
    case OPTION_PERCENTILES:
        return read_percentiles(field, arguments, count, reason);
    case OPTION_NOTIFY:
        return read_notify(field, arguments[0], reason);
    case OPTION_ENDPOINT:
        return read_endpoint(field, arguments, count, reason);
    case OPTION_BOOL:
    case OPTION_INT:
    case OPTION_OCTAL:
    case OPTION_MEMORY:
    case OPTION_SIZE:
    case OPTION_ENUM:
    case OPTION_WORDS:
    case OPTION_TEXT:
    case OPTION_SECRET:
        break;
    }
    return value_refuse(reason, ERR_TYPE, "option has no such type");
}

bool value_list_write(const struct option *option, const void *field, struct buffer *text)
{
    switch (option->type) {
    case OPTION_BIND:
        return write_bind(field, text);
    case OPTION_SAVE:
        return write_save(field, text);
    case OPTION_LIMITS:
        return write_limits(field, text);
    case OPTION_SCORES: {
        const int *scores = field;
        return buffer_printf(text, "%d %d %d", scores[0], scores[1], scores[2]);
    }
    case OPTION_PERCENTILES:
        return write_percentiles(field, text);
    case OPTION_NOTIFY:
        return write_notify(*(const unsigned *)field, text);
    case OPTION_BOOL:
    case OPTION_INT:
    case OPTION_OCTAL:
    case OPTION_MEMORY:
    case OPTION_SIZE:
    case OPTION_ENUM:
    case OPTION_WORDS:
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_ENDPOINT:
        break;
    }
    return false;
}
