/* The table of options as one, and values by row. */
#include "conf/options.h"

#include "conf/rows.h"
#include "conf/values.h"
#include "conf/words.h"

#include <inttypes.h>

static const struct option_rows *const parts[] = {
    &conf_rows_network,     &conf_rows_general,     &conf_rows_memory, &conf_rows_observe,
    &conf_rows_persistence, &conf_rows_replication, &conf_rows_tls,    &conf_rows_encodings,
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

size_t options_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PARTS; i++)
        count += parts[i]->count;
    ENSURE(count <= CONFIG_OPTIONS_MAX);
    return count;
}

const struct option *options_at(size_t index)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (index < parts[i]->count)
            return &parts[i]->rows[index];
        index -= parts[i]->count;
    }
    return NULL;
}

size_t option_index(const struct option *option)
{
    size_t before = 0;
    for (size_t i = 0; i < PARTS; i++) {
        const struct option *first = parts[i]->rows;
        if (option >= first && option < first + parts[i]->count)
            return before + (size_t)(option - first);
        before += parts[i]->count;
    }
    const bool option_is_a_row = false;
    ENSURE(option_is_a_row);
    return before;
}

static bool is_named(const struct option *option, struct bytes name)
{
    return bytes_is(name, option->name) || (option->alias != NULL && bytes_is(name, option->alias));
}

const struct option *option_find(struct bytes name)
{
    for (size_t i = 0; i < PARTS; i++)
        for (size_t j = 0; j < parts[i]->count; j++)
            if (is_named(&parts[i]->rows[j], name))
                return &parts[i]->rows[j];
    return NULL;
}

const char *option_group_name(enum option_group group)
{
    static const char *const names[OPTION_GROUPS] = {
        [OPTION_NETWORK] = "Network",
        [OPTION_CLIENTS] = "Clients",
        [OPTION_GENERAL] = "General",
        [OPTION_LOGGING] = "Logging",
        [OPTION_MEMORY_USE] = "Memory",
        [OPTION_DEFRAG] = "Active defragmentation",
        [OPTION_EXPIRY] = "Expiry",
        [OPTION_OBSERVE] = "Observation",
        [OPTION_PERSISTENCE] = "Persistence",
        [OPTION_REPLICATION] = "Replication",
        [OPTION_CLUSTER] = "Cluster",
        [OPTION_ACCESS] = "Access",
        [OPTION_TLS] = "TLS",
        [OPTION_SCRIPTS] = "Scripts",
        [OPTION_ENCODINGS] = "Encodings",
    };
    return names[group];
}

bool option_is_list(const struct option *option)
{
    switch (option->type) {
    case OPTION_WORDS:
    case OPTION_BIND:
    case OPTION_SAVE:
    case OPTION_LIMITS:
    case OPTION_SCORES:
    case OPTION_PERCENTILES:
    case OPTION_ENDPOINT:
        return true;
    case OPTION_BOOL:
    case OPTION_INT:
    case OPTION_OCTAL:
    case OPTION_MEMORY:
    case OPTION_SIZE:
    case OPTION_ENUM:
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_NOTIFY:
        break;
    }
    return false;
}

static bool describe_range(const struct option *option, struct buffer *text)
{
    if (option->max >= INT_MAX)
        return buffer_printf(text, "%" PRId64 " or more", option->min);
    return buffer_printf(text, "%" PRId64 " to %" PRId64, option->min, option->max);
}

static bool describe_memory(const struct option *option, struct buffer *text)
{
    if (!buffer_append_text(text, "bytes, or with a unit"))
        return false;
    if (option->min <= 1)
        return true;
    return buffer_append_text(text, ", at least ") &&
           value_write_memory(text, (uint64_t)option->min);
}

static bool describe_words(const struct option *option, struct buffer *text)
{
    for (const struct option_word *word = option->words; word->name != NULL; word++) {
        const char *joint = word == option->words ? "" : word[1].name == NULL ? " or " : ", ";
        if (!buffer_printf(text, "%s%s", joint, word->name))
            return false;
    }
    return true;
}

bool option_describe(const struct option *option, struct buffer *text)
{
    switch (option->type) {
    case OPTION_BOOL:
        return buffer_append_text(text, "yes or no");
    case OPTION_INT:
        return describe_range(option, text);
    case OPTION_OCTAL:
        return buffer_printf(text, "%" PRIo64 " to %" PRIo64 " in octal", (uint64_t)option->min,
                             (uint64_t)option->max);
    case OPTION_MEMORY:
        return describe_memory(option, text);
    case OPTION_SIZE:
        return buffer_append_text(text, "bytes, with a unit, or 0% to 100%");
    case OPTION_ENUM:
        return describe_words(option, text);
    case OPTION_WORDS:
        return buffer_append_text(text, "one or more of ") && describe_words(option, text);
    case OPTION_TEXT:
    case OPTION_SECRET:
        return buffer_append_text(text, "text");
    case OPTION_BIND:
        return buffer_printf(text, "up to %d addresses", CONFIG_BIND_MAX);
    case OPTION_SAVE:
        return buffer_append_text(text, "pairs of seconds and changes, or \"\"");
    case OPTION_LIMITS:
        return buffer_append_text(text, "class, hard limit, soft limit, seconds; repeated");
    case OPTION_NOTIFY:
        return buffer_append_text(text, "letters");
    case OPTION_SCORES:
        return buffer_append_text(text, "three numbers");
    case OPTION_PERCENTILES:
        return buffer_append_text(text, "numbers from 0 to 100, or \"\"");
    case OPTION_ENDPOINT:
        return buffer_append_text(text, "host and port, or no one");
    }
    return false;
}

static void *field_of(const struct option *option, struct config *config)
{
    return (char *)config + option->offset;
}

static const void *field_in(const struct option *option, const struct config *config)
{
    return (const char *)config + option->offset;
}

/* Reads into a slot and keeps the text of what was read: an option without a field. */
static enum err set_text_only(const struct option *option, struct config *config,
                              const struct bytes *arguments, size_t count,
                              struct option_reason *reason)
{
    union value_slot slot = { 0 };
    struct buffer text = { 0 };
    enum err err = value_read(option, &slot, arguments, count, reason);
    if (err == ERR_NONE && !value_write(option, &slot, &text))
        err = value_refuse(reason, ERR_MEMORY, "out of memory");
    if (err == ERR_NONE)
        err = config_text_set(&config->texts[option_index(option)], buffer_view(&text));
    value_release(option, &slot);
    buffer_release(&text);
    return err;
}

enum err option_set(const struct option *option, struct config *config,
                    const struct bytes *arguments, size_t count, struct option_reason *reason)
{
    if (option->offset == 0)
        return set_text_only(option, config, arguments, count, reason);
    enum err err = value_read(option, field_of(option, config), arguments, count, reason);
    if (err == ERR_NONE && option->settle != NULL)
        option->settle(config);
    return err;
}

enum err option_set_text(const struct option *option, struct config *config, struct bytes value,
                         struct option_reason *reason)
{
    struct conf_words words = { 0 };
    if (!option_is_list(option))
        return option_set(option, config, &value, 1, reason);
    enum err err = conf_words_cut_spaces(&words, value);
    if (err == ERR_NONE)
        err = option_set(option, config, words.items, words.count, reason);
    else
        err = value_refuse(reason, err, err == ERR_LIMIT ? "too many arguments" : "out of memory");
    conf_words_release(&words);
    return err;
}

/* The default of an option without a field, as it is shown. */
static bool write_preset(const struct option *option, struct buffer *text)
{
    union value_slot slot = { 0 };
    struct conf_words words = { 0 };
    struct option_reason reason;
    const struct bytes none = BYTES("");
    bool good = conf_words_cut(&words, bytes_of_text(option->preset)) == ERR_NONE;
    if (good && words.count == 0)
        good = value_read(option, &slot, &none, 1, &reason) == ERR_NONE;
    else if (good)
        good = value_read(option, &slot, words.items, words.count, &reason) == ERR_NONE;
    if (good)
        good = value_write(option, &slot, text);
    value_release(option, &slot);
    conf_words_release(&words);
    return good;
}

bool option_get(const struct option *option, const struct config *config, struct buffer *text)
{
    if (option->offset != 0)
        return value_write(option, field_in(option, config), text);
    const struct config_text *kept = &config->texts[option_index(option)];
    return kept->at == NULL ? write_preset(option, text)
                            : buffer_append(text, config_text_view(kept));
}

bool option_equal(const struct option *option, const struct config *a, const struct config *b)
{
    struct buffer of_a = { 0 }, of_b = { 0 };
    bool equal = option_get(option, a, &of_a) && option_get(option, b, &of_b) &&
                 bytes_equal(buffer_view(&of_a), buffer_view(&of_b));
    buffer_release(&of_a);
    buffer_release(&of_b);
    return equal;
}
