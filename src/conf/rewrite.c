/* CONFIG REWRITE: the new text. */
#include "conf/rewrite.h"

#include "base/memory.h"
#include "base/number.h"
#include "conf/values.h"
#include "conf/words.h"

#include <inttypes.h>

/* A line's bytes: a place in the old text, or in the buffer of new lines. */
struct place {
    size_t at, count;
    bool is_new;
};

enum { NO_LINE = -1, USERS = CONFIG_OPTIONS_MAX, CHAINS };

struct rewriter {
    struct bytes old;
    const struct config *config;
    const struct config *defaults;
    const struct bytes *users; /* NULL: their lines stay as they are */

    struct place *lines;
    size_t count, capacity;
    /* The old lines of each option and of users, in order: a chain through `next`. */
    ptrdiff_t first[CHAINS];
    ptrdiff_t last[CHAINS];
    ptrdiff_t *next; /* as many as lines have capacity */

    struct buffer fresh; /* new lines */
    bool marked;         /* the mark stands in the file already */
};

static enum err grow(struct rewriter *rewriter)
{
    size_t capacity = rewriter->capacity == 0 ? 256 : rewriter->capacity * 2;
    struct place *lines = memory_resize(rewriter->lines, capacity * sizeof(*lines));
    if (lines == NULL)
        return ERR_MEMORY;
    rewriter->lines = lines;
    ptrdiff_t *next = memory_resize(rewriter->next, capacity * sizeof(*next));
    if (next == NULL)
        return ERR_MEMORY;
    rewriter->next = next;
    rewriter->capacity = capacity;
    return ERR_NONE;
}

static enum err add_line(struct rewriter *rewriter, struct place place)
{
    if (rewriter->count == rewriter->capacity && grow(rewriter) != ERR_NONE)
        return ERR_MEMORY;
    rewriter->next[rewriter->count] = NO_LINE;
    rewriter->lines[rewriter->count++] = place;
    return ERR_NONE;
}

static void chain_line(struct rewriter *rewriter, size_t option, ptrdiff_t line)
{
    if (rewriter->first[option] == NO_LINE)
        rewriter->first[option] = line;
    else
        rewriter->next[rewriter->last[option]] = line;
    rewriter->last[option] = line;
}

static bool is_kept_directive(struct bytes name)
{
    return bytes_is(name, "include") || bytes_is(name, "rename-command") ||
           bytes_is(name, "user") || bytes_is(name, "loadmodule") || bytes_is(name, "sentinel");
}

/* A line that means nothing here is kept as a comment. */
static enum err add_unknown(struct rewriter *rewriter, struct bytes text)
{
    struct place place = { rewriter->fresh.count, 0, true };
    if (!buffer_append_text(&rewriter->fresh, "# ??? ") || !buffer_append(&rewriter->fresh, text))
        return ERR_MEMORY;
    place.count = rewriter->fresh.count - place.at;
    return add_line(rewriter, place);
}

static enum err add_old(struct rewriter *rewriter, struct bytes text, struct conf_words *words)
{
    struct place place = { (size_t)(text.at - rewriter->old.at), text.count, false };
    if (text.count == 0 || text.at[0] == '#') {
        if (bytes_equal(text, BYTES(CONF_REWRITE_MARK)))
            rewriter->marked = true;
        return add_line(rewriter, place);
    }
    enum err err = conf_words_cut(words, text);
    if (err == ERR_MEMORY)
        return err;
    if (err != ERR_NONE || words->count == 0)
        return add_unknown(rewriter, text);
    const struct option *option = option_find(words->items[0]);
    if (option == NULL && !is_kept_directive(words->items[0]))
        return add_unknown(rewriter, text);
    err = add_line(rewriter, place);
    bool is_user = rewriter->users != NULL && bytes_is(words->items[0], "user");
    if (err == ERR_NONE && (option != NULL || is_user))
        chain_line(rewriter, is_user ? USERS : option_index(option),
                   (ptrdiff_t)rewriter->count - 1);
    return err;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static enum err read_old(struct rewriter *rewriter)
{
    struct conf_words words = { 0 };
    enum err err = ERR_NONE;
    size_t at = 0;
    while (err == ERR_NONE && at < rewriter->old.count) {
        size_t left = rewriter->old.count - at;
        const uint8_t *from = rewriter->old.at + at;
        const uint8_t *end = memchr(from, '\n', left);
        size_t count = end == NULL ? left : (size_t)(end - from);
        at += count + 1;
        while (count > 0 && is_blank(from[0])) {
            from++;
            count--;
        }
        while (count > 0 && is_blank(from[count - 1]))
            count--;
        err = add_old(rewriter, bytes_of(from, count), &words);
    }
    conf_words_release(&words);
    return err;
}

static enum err add_mark(struct rewriter *rewriter)
{
    const struct place empty = { 0, 0, false };
    struct place mark = { rewriter->fresh.count, strlen(CONF_REWRITE_MARK), true };
    if (!buffer_append_text(&rewriter->fresh, CONF_REWRITE_MARK) ||
        (rewriter->count > 0 && add_line(rewriter, empty) != ERR_NONE) ||
        add_line(rewriter, mark) != ERR_NONE)
        return ERR_MEMORY;
    rewriter->marked = true;
    return ERR_NONE;
}

/* Uses up the next old line of the option (by number), or appends when `forced`. The new line is
 * what the buffer got since `begin`. */
static enum err place_line(struct rewriter *rewriter, size_t number, size_t begin, bool forced)
{
    ptrdiff_t old = rewriter->first[number];
    struct place place = { begin, rewriter->fresh.count - begin, true };
    if (old != NO_LINE) {
        rewriter->first[number] = rewriter->next[old];
        rewriter->lines[old] = place;
        return ERR_NONE;
    }
    if (!forced)
        return ERR_NONE;
    if (!rewriter->marked && add_mark(rewriter) != ERR_NONE)
        return ERR_MEMORY;
    return add_line(rewriter, place);
}

/* A line for each class of clients. */
static enum err write_limits(struct rewriter *rewriter, const struct option *option)
{
    for (int class = 0; class < CONFIG_CLIENT_CLASSES; class ++) {
        const struct config_output_limit *now =
            &rewriter->config->client_output_buffer_limit[class];
        const struct config_output_limit *preset =
            &rewriter->defaults->client_output_buffer_limit[class];
        const char *name = class == CONFIG_CLIENT_REPLICA
                               ? "replica"
                               : config_client_class_name((enum config_client_class) class);
        struct buffer *fresh = &rewriter->fresh;
        size_t begin = fresh->count;
        if (!buffer_printf(fresh, "%s %s ", option->name, name) ||
            !value_write_memory(fresh, now->hard_bytes) || !buffer_append_byte(fresh, ' ') ||
            !value_write_memory(fresh, now->soft_bytes) ||
            !buffer_printf(fresh, " %" PRId64, now->soft_seconds))
            return ERR_MEMORY;
        bool forced = now->hard_bytes != preset->hard_bytes ||
                      now->soft_bytes != preset->soft_bytes ||
                      now->soft_seconds != preset->soft_seconds;
        enum err err = place_line(rewriter, option_index(option), begin, forced);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* The value as it stands in a file: quoted where it may hold anything, memory with a unit. */
static bool write_value(const struct option *option, struct bytes value, struct buffer *line)
{
    uint64_t bytes;
    if (option->type == OPTION_TEXT || option->type == OPTION_SECRET ||
        option->type == OPTION_NOTIFY || value.count == 0)
        return conf_quote(line, value);
    if ((option->type == OPTION_MEMORY || option->type == OPTION_SIZE) &&
        number_read_u64(value, &bytes))
        return value_write_memory(line, bytes);
    return buffer_append(line, value);
}

/* An option that is at such a value leaves no line. */
static bool is_absent(const struct option *option, struct bytes value, bool at_default)
{
    if (option->type == OPTION_ENDPOINT || (option->flags & OPTION_UNSET) != 0)
        return value.count == 0;
    return option->type == OPTION_BIND && at_default;
}

static enum err write_option(struct rewriter *rewriter, const struct option *option)
{
    struct buffer value = { 0 }, preset = { 0 }, *fresh = &rewriter->fresh;
    enum err err = ERR_MEMORY;
    if (option->type == OPTION_LIMITS)
        return write_limits(rewriter, option);
    if (!option_get(option, rewriter->config, &value) ||
        !option_get(option, rewriter->defaults, &preset))
        goto out;
    bool at_default = bytes_equal(buffer_view(&value), buffer_view(&preset));
    size_t begin = fresh->count;
    if (is_absent(option, buffer_view(&value), at_default))
        err = ERR_NONE;
    else if (buffer_printf(fresh, "%s ", option->name) &&
             write_value(option, buffer_view(&value), fresh))
        err = place_line(rewriter, option_index(option), begin, !at_default);
out:
    buffer_release(&value);
    buffer_release(&preset);
    return err;
}

/* Old lines of an option that no new line took the place of. */
static void empty_rest(struct rewriter *rewriter, size_t number)
{
    const struct place nothing = { 0, 0, false };
    for (ptrdiff_t i = rewriter->first[number]; i != NO_LINE; i = rewriter->next[i])
        rewriter->lines[i] = nothing;
}

/* A line for each user, in the place of those that were there. */
static enum err write_users(struct rewriter *rewriter)
{
    struct bytes rest = *rewriter->users;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && rest.count > 0) {
        const uint8_t *end = memchr(rest.at, '\n', rest.count);
        size_t count = end == NULL ? rest.count : (size_t)(end - rest.at);
        size_t begin = rewriter->fresh.count;
        err = buffer_append(&rewriter->fresh, bytes_of(rest.at, count)) ? ERR_NONE : ERR_MEMORY;
        if (err == ERR_NONE)
            err = place_line(rewriter, USERS, begin, true);
        count += end != NULL;
        rest = bytes_of(rest.at + count, rest.count - count);
    }
    empty_rest(rewriter, USERS);
    return err;
}

static enum err write_result(struct rewriter *rewriter, struct buffer *result)
{
    bool was_empty = false;
    for (size_t i = 0; i < rewriter->count; i++) {
        const struct place *place = &rewriter->lines[i];
        const uint8_t *base = place->is_new ? rewriter->fresh.at : rewriter->old.at;
        bool empty = place->count == 0;
        if (empty && was_empty)
            continue;
        was_empty = empty;
        if ((!empty && !buffer_append(result, bytes_of(base + place->at, place->count))) ||
            !buffer_append_byte(result, '\n'))
            return ERR_MEMORY;
    }
    return ERR_NONE;
}

static enum err rewrite(struct rewriter *rewriter, struct buffer *result)
{
    for (size_t i = 0; i < CHAINS; i++)
        rewriter->first[i] = rewriter->last[i] = NO_LINE;
    enum err err = read_old(rewriter);
    for (size_t i = 0; err == ERR_NONE && i < options_count(); i++) {
        err = write_option(rewriter, options_at(i));
        if (err == ERR_NONE)
            empty_rest(rewriter, i);
    }
    if (err == ERR_NONE && rewriter->users != NULL)
        err = write_users(rewriter);
    return err == ERR_NONE ? write_result(rewriter, result) : err;
}

enum err conf_rewrite_text(struct bytes old, const struct config *config, const struct bytes *users,
                           struct buffer *result)
{
    struct config *defaults = memory_take(sizeof(*defaults));
    struct rewriter *rewriter = memory_take_zeroed(sizeof(*rewriter));
    enum err err = defaults == NULL || rewriter == NULL ? ERR_MEMORY : config_init(defaults);
    if (err == ERR_NONE) {
        rewriter->old = old;
        rewriter->config = config;
        rewriter->users = users;
        rewriter->defaults = defaults;
        err = rewrite(rewriter, result);
        memory_give(rewriter->lines);
        memory_give(rewriter->next);
        buffer_release(&rewriter->fresh);
        config_release(defaults);
    }
    memory_give(rewriter);
    memory_give(defaults);
    return err;
}
