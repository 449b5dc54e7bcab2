#include "cmd/users_file.h"

#include "base/memory.h"
#include "conf/config.h"
#include "conf/reader.h"
#include "conf/values.h"
#include "conf/words.h"

#include <ctype.h>
#include <errno.h>

enum { SHOWN_MAX = 64, FILE_MODE = 0600 };

bool users_name_fits(struct bytes name)
{
    for (size_t i = 0; i < name.count; i++) {
        if (name.at[i] == '\0' || isspace(name.at[i]))
            return false;
    }
    return true;
}

static int shown(struct bytes text)
{
    return (int)(text.count < SHOWN_MAX ? text.count : SHOWN_MAX);
}

/* The default user may do everything until a line is about it: then it begins with nothing. */
static bool begin_user(struct users *fresh, struct bytes name, struct users_failure *failure)
{
    const struct bytes reset = BYTES("reset");
    return !bytes_equal(name, BYTES("default")) || users_set(fresh, name, &reset, 1, failure);
}

/* --- lines of the configuration --------------------------------------------------------------- */

static enum err refuse_declaration(struct option_reason *reason, struct bytes word, const char *why)
{
    return value_refuse(reason, ERR_SYNTAX, "Error in user declaration '%.*s': %s", shown(word),
                        word.count > 0 ? (const char *)word.at : "", why);
}

/* A password may hold any byte, and becomes its hash; other rules that were taken have no spaces,
 * but for those between the parentheses of a selector. */
static bool append_word(struct buffer *lines, struct bytes word)
{
    char hash[USER_HASH_BYTES];
    if (!buffer_append_byte(lines, ' '))
        return false;
    if (word.count == 0 || (word.at[0] != '>' && word.at[0] != '<'))
        return buffer_append(lines, word);
    user_hash_password(bytes_of(word.at + 1, word.count - 1), hash);
    return buffer_append_byte(lines, word.at[0] == '>' ? '#' : '!') &&
           buffer_append(lines, bytes_of(hash, sizeof hash));
}

static bool append_line(struct buffer *lines, const struct bytes *words, size_t count)
{
    bool complete = buffer_append_text(lines, "user ") && buffer_append(lines, words[0]);
    for (size_t i = 1; complete && i < count; i++)
        complete = append_word(lines, words[i]);
    return complete && buffer_append_byte(lines, '\n');
}

/* Tries the line on users that are never in force, so that what is wrong is told with its line. */
static enum err try_line(struct users_declared *declared, const struct bytes *words, size_t count,
                         struct option_reason *reason)
{
    struct users_failure failure = { .outcome = RULE_MEMORY };
    bool is_first = !declared->has_default && bytes_equal(words[0], BYTES("default"));
    if (!is_first && users_find(declared->tried, words[0]) != NULL)
        return refuse_declaration(
            reason, words[0],
            "Duplicate user found. A user can only be defined once in config files");
    declared->has_default |= is_first;
    if (begin_user(declared->tried, words[0], &failure) &&
        users_set(declared->tried, words[0], words + 1, count - 1, &failure))
        return ERR_NONE;
    return refuse_declaration(reason, failure.word,
                              failure.is_parenthesis ? "Unmatched parenthesis in acl selector"
                                                     : rule_outcome_text(failure.outcome));
}

enum err users_declare(struct users *users, const struct bytes *words, size_t count,
                       struct option_reason *reason)
{
    struct users_declared *declared = users_declared(users);
    if (!users_name_fits(words[0]))
        return value_refuse(reason, ERR_SYNTAX, "Spaces not allowed in ACL usernames");
    if (declared->tried == NULL)
        declared->tried = users_new_like(users);
    if (declared->tried == NULL)
        return value_refuse(reason, ERR_MEMORY, "out of memory");
    enum err err = try_line(declared, words, count, reason);
    if (err == ERR_NONE && !append_line(&declared->lines, words, count))
        err = value_refuse(reason, ERR_MEMORY, "out of memory");
    return err;
}

bool users_are_declared(const struct users *users)
{
    return users_declared_seen(users)->tried != NULL;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* A text of users being read, line by line. */
struct users_reader {
    struct users *fresh;
    const char *name; /* of the file */
    size_t line;
    bool has_default;
    bool wrong, no_memory;
    struct buffer *error;
    struct conf_words words;
};

static void tell(struct users_reader *reader, bool told)
{
    reader->wrong = true;
    reader->no_memory |= !told;
}

static void tell_rule(struct users_reader *reader, const struct users_failure *failure)
{
    const char *why = failure->is_parenthesis ? "Unmatched parentheses in selector definition"
                                              : rule_outcome_text(failure->outcome);
    if (failure->outcome == RULE_UNKNOWN)
        tell(reader,
             buffer_printf(reader->error, "%s:%zu: Error in applying operation '%.*s': %s. ",
                           reader->name, reader->line, shown(failure->word),
                           (const char *)failure->word.at, why));
    else
        tell(reader, buffer_printf(reader->error, "%s:%zu: %s. ", reader->name, reader->line, why));
}

static void read_user(struct users_reader *reader, const struct bytes *words, size_t count)
{
    struct users_failure failure = { .outcome = RULE_MEMORY };
    struct bytes name = words[0];
    bool is_first = !reader->has_default && bytes_equal(name, BYTES("default"));
    if (!is_first && users_find(reader->fresh, name) != NULL) {
        tell(reader,
             buffer_printf(reader->error, "WARNING: Duplicate user '%.*s' found on line %zu. ",
                           shown(name), (const char *)name.at, reader->line));
        return;
    }
    reader->has_default |= is_first;
    if (!begin_user(reader->fresh, name, &failure) ||
        !users_set(reader->fresh, name, words + 1, count - 1, &failure))
        tell_rule(reader, &failure);
}

static struct bytes trim(struct bytes line)
{
    while (line.count > 0 && isspace(line.at[0]))
        line = bytes_of(line.at + 1, line.count - 1);
    while (line.count > 0 && isspace(line.at[line.count - 1]))
        line.count--;
    return line;
}

/* Words stand between single spaces, without quotes: a pattern may hold them. */
static void read_line(struct users_reader *reader, struct bytes line)
{
    if (line.count == 0)
        return;
    if (conf_words_cut_spaces(&reader->words, line) != ERR_NONE) {
        tell(reader, false);
        return;
    }
    const struct conf_words *words = &reader->words;
    if (words->count < 2 || !bytes_equal(words->items[0], BYTES("user")))
        tell(reader, buffer_printf(reader->error,
                                   "%s:%zu should start with user keyword followed by the "
                                   "username. ",
                                   reader->name, reader->line));
    else if (!users_name_fits(words->items[1]))
        tell(reader,
             buffer_printf(reader->error, "%s:%zu: username '%.*s' contains invalid characters. ",
                           reader->name, reader->line, shown(words->items[1]),
                           (const char *)words->items[1].at));
    else
        read_user(reader, words->items + 1, words->count - 1);
}

static bool read_text(struct users_reader *reader, struct bytes text)
{
    while (text.count > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.count);
        size_t count = end != NULL ? (size_t)(end - text.at) : text.count;
        reader->line++;
        read_line(reader, trim(bytes_of(text.at, count)));
        count += end != NULL ? 1 : 0;
        text = bytes_of(text.at + count, text.count - count);
    }
    conf_words_release(&reader->words);
    if (reader->no_memory)
        reader->error->count = 0;
    if (reader->wrong &&
        !buffer_append_text(reader->error, "WARNING: ACL errors detected, no change to the "
                                           "previously active ACL rules was performed"))
        reader->error->count = 0;
    return !reader->wrong;
}

bool users_apply_declared(struct users *users, struct buffer *error)
{
    struct users_declared *declared = users_declared(users);
    struct users *fresh = users_new_like(users);
    struct users_reader reader = { .fresh = fresh, .name = "configuration", .error = error };
    bool done = fresh != NULL && users_set_default_password(fresh, users_requirepass(users)) &&
                read_text(&reader, buffer_view(&declared->lines));
    if (done)
        users_replace(users, fresh, NULL);
    users_drop(fresh);
    users_forget_declared(users);
    return done;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool read_file(struct users *fresh, const struct seam *seam, const char *path,
                      struct buffer *error)
{
    struct buffer text = { 0 };
    struct users_reader reader = { .fresh = fresh, .name = path, .error = error };
    enum err err = conf_read_path(seam, path, &text);
    bool done = err == ERR_NONE && read_text(&reader, buffer_view(&text));
    if (err != ERR_NONE && !buffer_printf(error, "Error loading ACLs, opening file '%s': %s", path,
                                          err == ERR_SYSTEM ? strerror(errno) : "it is too large"))
        error->count = 0;
    buffer_release(&text);
    return done;
}

bool users_load(struct users *users, const struct seam *seam, const char *path,
                const struct client *by, struct buffer *error)
{
    struct users *fresh = users_new_like(users);
    bool done = fresh != NULL && read_file(fresh, seam, path, error);
    if (done)
        users_replace(users, fresh, by);
    users_drop(fresh);
    return done;
}

bool users_lines(const struct users *users, struct buffer *lines)
{
    for (size_t i = 0; i < users_count(users); i++) {
        const struct user *user = users_at(users, i);
        if (!buffer_append_text(lines, "user ") || !buffer_append(lines, user_name(user)) ||
            !buffer_append_byte(lines, ' ') || !user_describe(user, lines) ||
            !buffer_append_byte(lines, '\n'))
            return false;
    }
    return true;
}

enum err users_save(const struct users *users, const struct seam *seam, const char *path)
{
    struct buffer text = { 0 };
    enum err err = ERR_MEMORY;
    if (users_lines(users, &text))
        err = conf_replace_file(seam, path, FILE_MODE, buffer_view(&text));
    buffer_release(&text);
    return err;
}
