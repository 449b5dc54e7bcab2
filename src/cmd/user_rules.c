/* The words of ACL SETUSER, one at a time. */
#include "base/sha256.h"
#include "cmd/introspection.h"
#include "cmd/user.h"

#include <ctype.h>

const char *rule_outcome_text(enum rule_outcome outcome)
{
    static const char *const texts[] = {
        [RULE_TAKEN] = "",
        [RULE_UNKNOWN] = "Unknown command or category name in ACL",
        [RULE_SYNTAX] = "Syntax error",
        [RULE_KEYS_BEHIND_ALL] =
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
            "not have any effect. Try 'resetkeys' to start with an empty list of patterns",
        [RULE_CHANNELS_BEHIND_ALL] =
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
            "does not have any effect. Try 'resetchannels' to start with an empty list of channels",
        [RULE_NO_PASSWORD] = "The password you are trying to remove from the user does not exist",
        [RULE_HASH] = "The password hash must be exactly 64 characters and contain only lowercase "
                      "hexadecimal characters",
        [RULE_FIRST_ARGUMENT] = "Allowing first-arg of a subcommand is not supported",
        [RULE_MEMORY] = "Out of memory",
    };
    return texts[outcome];
}

static struct bytes behind(struct bytes text, size_t count)
{
    return bytes_of(text.at + count, text.count - count);
}

/* A text in a line of a file ends at a space. */
static bool has_spaces(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (isspace(text.at[i]) || text.at[i] == '\0')
            return true;
    }
    return false;
}

/* --- the words behind "+@all" or "-@all" ------------------------------------------------------ */

/* Whether `word`, without its sign, is spoken of by `rule`: the same, or a part of it ("config|get"
 * of "config"). */
static bool is_spoken_of(struct bytes word, struct bytes rule)
{
    if (word.count < rule.count || memcmp(word.at, rule.at, rule.count) != 0)
        return false;
    return word.count == rule.count || word.at[rule.count] == '|';
}

static size_t word_end(struct bytes words, size_t from)
{
    const uint8_t *space = memchr(words.at + from, ' ', words.count - from);
    return space != NULL ? (size_t)(space - words.at) : words.count;
}

/* Takes out the words that `rule` overrules. */
static void forget_words(struct buffer *rules, struct bytes rule)
{
    size_t kept = 0;
    for (size_t at = 0, end = 0; at < rules->count; at = end + 1) {
        end = word_end(buffer_view(rules), at);
        if (is_spoken_of(bytes_of(rules->at + at + 1, end - at - 1), rule))
            continue;
        if (kept > 0)
            rules->at[kept++] = ' ';
        memmove(rules->at + kept, rules->at + at, end - at);
        kept += end - at;
    }
    rules->count = kept;
}

/* `rule` is in lower case. */
static enum rule_outcome remember(struct selector *selector, struct bytes rule, bool grant)
{
    struct buffer *rules = &selector->rules;
    if (!buffer_reserve(rules, rule.count + 2))
        return RULE_MEMORY;
    forget_words(rules, rule);
    if (rules->count > 0)
        rules->at[rules->count++] = ' ';
    rules->at[rules->count++] = grant ? '+' : '-';
    memcpy(rules->at + rules->count, rule.at, rule.count);
    rules->count += rule.count;
    return RULE_TAKEN;
}

static enum rule_outcome remember_lower(struct selector *selector, struct bytes rule, bool grant)
{
    struct buffer lower = { 0 };
    enum rule_outcome outcome = RULE_MEMORY;
    if (buffer_append(&lower, rule)) {
        for (size_t i = 0; i < lower.count; i++)
            lower.at[i] = (uint8_t)tolower(lower.at[i]);
        outcome = remember(selector, buffer_view(&lower), grant);
    }
    buffer_release(&lower);
    return outcome;
}

/* --- commands --------------------------------------------------------------------------------- */

/* By the name it had before any rename-command: rights are about what is done, not about names. */
static const struct command_row *find_command(const struct cmd_table *table, struct bytes name)
{
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        const struct command_row *row = cmd_table_at(table, i);
        if (bytes_is(name, row->full_name))
            return row;
    }
    return NULL;
}

static void forget_first_arguments(struct selector *selector, uint32_t command)
{
    struct user_texts *texts = &selector->first_arguments;
    for (size_t at = texts->count; at-- > 0;) {
        if (texts->items[at].mark == command)
            user_texts_remove(texts, at);
    }
}

static void set_bit(struct selector *selector, uint32_t command, bool grant)
{
    uint64_t bit = (uint64_t)1 << (command % 64);
    forget_first_arguments(selector, command);
    if (grant) {
        selector->commands[command / 64] |= bit;
    } else {
        selector->commands[command / 64] &= ~bit;
        selector->all_commands = false;
    }
}

static void set_command(struct selector *selector, const struct command_row *row, bool grant)
{
    set_bit(selector, row->command->id, grant);
    for (uint16_t i = 0; i < row->subcommand_count; i++)
        set_bit(selector, row->subcommands[i].command->id, grant);
}

static void set_all_commands(struct selector *selector, bool grant)
{
    memset(selector->commands, grant ? 0xff : 0, sizeof selector->commands);
    selector->all_commands = selector->future = grant;
    selector->rules.count = 0;
    user_texts_clear(&selector->first_arguments);
}

static enum rule_outcome set_category(const struct rule_context *context, struct selector *selector,
                                      struct bytes rule, bool grant)
{
    const struct flag_word *category = acl_category_words;
    while (category->word != NULL && !bytes_is(behind(rule, 1), category->word))
        category++;
    if (category->word == NULL)
        return RULE_UNKNOWN;
    for (uint32_t i = 0; i < cmd_table_count(context->table); i++) {
        const struct command_row *row = cmd_table_at(context->table, i);
        if ((command_categories(row->command) & category->flag) != 0)
            set_command(selector, row, grant);
    }
    return remember_lower(selector, rule, grant);
}

/* "+select|0": `bar` is where the last bar stands. */
static enum rule_outcome grant_first_argument(const struct rule_context *context,
                                              struct selector *selector, struct bytes rule,
                                              size_t bar)
{
    const struct command_row *row = find_command(context->table, bytes_of(rule.at, bar));
    struct bytes argument = behind(rule, bar + 1);
    if (row == NULL)
        return RULE_UNKNOWN;
    if (row->container != NULL)
        return RULE_FIRST_ARGUMENT;
    if (argument.count == 0)
        return RULE_SYNTAX;
    if (row->subcommands != NULL)
        return RULE_UNKNOWN;
    if (has_spaces(argument))
        return RULE_SYNTAX;
    struct user_texts *texts = &selector->first_arguments;
    uint16_t id = row->command->id;
    if (user_texts_find(texts, argument, id) == texts->count &&
        !user_texts_add(texts, argument, id))
        return RULE_MEMORY;
    return remember_lower(selector, rule, true);
}

static enum rule_outcome apply_command(const struct rule_context *context,
                                       struct selector *selector, struct bytes rule, bool grant)
{
    if (rule.count > 0 && rule.at[0] == '@')
        return set_category(context, selector, rule, grant);
    const struct command_row *row = find_command(context->table, rule);
    if (row != NULL) {
        set_command(selector, row, grant);
        return remember(selector, bytes_of_text(row->full_name), grant);
    }
    const uint8_t *bar = rule.count > 0 ? memrchr(rule.at, '|', rule.count) : NULL;
    if (bar == NULL || !grant)
        return RULE_UNKNOWN;
    return grant_first_argument(context, selector, rule, (size_t)(bar - rule.at));
}

/* --- keys and channels ------------------------------------------------------------------------ */

/* "%R~", "%RW~": what comes before the pattern; 0 when it is wrong. */
static size_t read_access(struct bytes rule, uint16_t *access)
{
    *access = 0;
    for (size_t at = 1; at < rule.count; at++) {
        uint16_t seen = *access;
        if (rule.at[at] == '~')
            return seen != 0 ? at + 1 : 0;
        *access |= (uint16_t)(toupper(rule.at[at]) == 'R'   ? USER_READS
                              : toupper(rule.at[at]) == 'W' ? USER_WRITES
                                                            : 0);
        if (*access == seen)
            return 0;
    }
    return 0;
}

/* A pattern that is there gets the rights of both. */
static enum rule_outcome add_key_pattern(struct selector *selector, struct bytes pattern,
                                         uint16_t access)
{
    struct user_texts *keys = &selector->keys;
    for (size_t i = 0; i < keys->count; i++) {
        if (bytes_equal(user_text_view(&keys->items[i]), pattern)) {
            keys->items[i].mark |= access;
            return RULE_TAKEN;
        }
    }
    return user_texts_add(keys, pattern, access) ? RULE_TAKEN : RULE_MEMORY;
}

static enum rule_outcome apply_key_pattern(struct selector *selector, struct bytes rule)
{
    uint16_t access = USER_READS | USER_WRITES;
    size_t begin = 1;
    if (selector->all_keys)
        return RULE_KEYS_BEHIND_ALL;
    if (rule.at[0] == '%')
        begin = read_access(rule, &access);
    if (begin == 0 || has_spaces(behind(rule, begin)))
        return RULE_SYNTAX;
    return add_key_pattern(selector, behind(rule, begin), access);
}

static enum rule_outcome apply_channel_pattern(struct selector *selector, struct bytes rule)
{
    struct user_texts *channels = &selector->channels;
    struct bytes pattern = behind(rule, 1);
    if (selector->all_channels)
        return RULE_CHANNELS_BEHIND_ALL;
    if (has_spaces(pattern))
        return RULE_SYNTAX;
    if (user_texts_find(channels, pattern, 0) < channels->count)
        return RULE_TAKEN;
    return user_texts_add(channels, pattern, 0) ? RULE_TAKEN : RULE_MEMORY;
}

static void set_all_keys(struct selector *selector, bool all)
{
    selector->all_keys = all;
    user_texts_clear(&selector->keys);
}

static void set_all_channels(struct selector *selector, bool all)
{
    selector->all_channels = all;
    user_texts_clear(&selector->channels);
}

/* --- selectors -------------------------------------------------------------------------------- */

/* True when the rule is a word for all or nothing. */
static bool apply_whole(struct selector *selector, struct bytes rule)
{
    if (bytes_is(rule, "allkeys") || bytes_is(rule, "~*"))
        set_all_keys(selector, true);
    else if (bytes_is(rule, "resetkeys"))
        set_all_keys(selector, false);
    else if (bytes_is(rule, "allchannels") || bytes_is(rule, "&*"))
        set_all_channels(selector, true);
    else if (bytes_is(rule, "resetchannels"))
        set_all_channels(selector, false);
    else if (bytes_is(rule, "allcommands") || bytes_is(rule, "+@all"))
        set_all_commands(selector, true);
    else if (bytes_is(rule, "nocommands") || bytes_is(rule, "-@all"))
        set_all_commands(selector, false);
    else
        return false;
    return true;
}

static enum rule_outcome selector_apply(const struct rule_context *context,
                                        struct selector *selector, struct bytes rule)
{
    if (apply_whole(selector, rule))
        return RULE_TAKEN;
    switch (rule.count > 0 ? rule.at[0] : 0) {
    case '~':
    case '%':
        return apply_key_pattern(selector, rule);
    case '&':
        return apply_channel_pattern(selector, rule);
    case '+':
    case '-':
        return apply_command(context, selector, behind(rule, 1), rule.at[0] == '+');
    default:
        return RULE_SYNTAX;
    }
}

/* `words` is what stands between the parentheses. */
static enum rule_outcome add_selector(const struct rule_context *context, struct user *user,
                                      struct bytes words)
{
    struct selector *selector = selector_new();
    if (selector == NULL)
        return RULE_MEMORY;
    selector->all_channels = context->all_channels;
    enum rule_outcome outcome = RULE_TAKEN;
    for (size_t at = 0, end = 0; outcome == RULE_TAKEN && at < words.count; at = end + 1) {
        end = word_end(words, at);
        if (end > at)
            outcome = selector_apply(context, selector, bytes_of(words.at + at, end - at));
    }
    if (outcome != RULE_TAKEN) {
        selector_drop(selector);
        return outcome;
    }
    struct selector **last = &user->root.next;
    while (*last != NULL)
        last = &(*last)->next;
    *last = selector;
    return RULE_TAKEN;
}

/* --- passwords -------------------------------------------------------------------------------- */

void user_hash_password(struct bytes password, char hash[USER_HASH_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    sha256(password, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        hash[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hash[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

static bool is_hash(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (!isdigit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    }
    return text.count == USER_HASH_BYTES;
}

/* ">secret" and "#hash" add, "<secret" and "!hash" take away. */
static enum rule_outcome apply_password(struct user *user, struct bytes rule)
{
    char hashed[USER_HASH_BYTES];
    struct bytes hash = behind(rule, 1);
    uint8_t sign = rule.at[0];
    struct user_texts *passwords = &user->passwords;
    if (sign == '>' || sign == '<') {
        user_hash_password(hash, hashed);
        hash = bytes_of(hashed, sizeof hashed);
    } else if (!is_hash(hash)) {
        return RULE_HASH;
    }
    size_t at = user_texts_find(passwords, hash, 0);
    if (sign == '<' || sign == '!') {
        if (at == passwords->count)
            return RULE_NO_PASSWORD;
        user_texts_remove(passwords, at);
        return RULE_TAKEN;
    }
    if (at == passwords->count && !user_texts_add(passwords, hash, 0))
        return RULE_MEMORY;
    user->flags &= ~(unsigned)USER_NO_PASSWORD;
    return RULE_TAKEN;
}

/* --- users ------------------------------------------------------------------------------------ */

static void set_flag(struct user *user, enum user_flag flag, enum user_flag opposite)
{
    user->flags = (user->flags | flag) & ~(unsigned)opposite;
}

static void reset(const struct rule_context *context, struct user *user)
{
    user->flags = USER_OFF | USER_SANITIZE;
    user_texts_clear(&user->passwords);
    set_all_keys(&user->root, false);
    set_all_channels(&user->root, context->all_channels);
    set_all_commands(&user->root, false);
    user_clear_selectors(user);
}

/* True when the rule is a word about the user as a whole. */
static bool apply_state(const struct rule_context *context, struct user *user, struct bytes rule)
{
    if (bytes_is(rule, "on")) {
        set_flag(user, USER_ON, USER_OFF);
    } else if (bytes_is(rule, "off")) {
        set_flag(user, USER_OFF, USER_ON);
    } else if (bytes_is(rule, "nopass")) {
        user->flags |= USER_NO_PASSWORD;
        user_texts_clear(&user->passwords);
    } else if (bytes_is(rule, "resetpass")) {
        user->flags &= ~(unsigned)USER_NO_PASSWORD;
        user_texts_clear(&user->passwords);
    } else if (bytes_is(rule, "skip-sanitize-payload")) {
        set_flag(user, USER_SKIP_SANITIZE, USER_SANITIZE);
    } else if (bytes_is(rule, "sanitize-payload")) {
        set_flag(user, USER_SANITIZE, USER_SKIP_SANITIZE);
    } else if (bytes_is(rule, "clearselectors")) {
        user_clear_selectors(user);
    } else if (bytes_is(rule, "reset")) {
        reset(context, user);
    } else {
        return false;
    }
    return true;
}

enum rule_outcome user_apply(const struct rule_context *context, struct user *user,
                             struct bytes rule)
{
    if (rule.count == 0 || apply_state(context, user, rule))
        return RULE_TAKEN;
    if (memchr("><#!", rule.at[0], 4) != NULL)
        return apply_password(user, rule);
    if (rule.at[0] == '(' && rule.count > 1 && rule.at[rule.count - 1] == ')')
        return add_selector(context, user, bytes_of(rule.at + 1, rule.count - 2));
    return selector_apply(context, &user->root, rule);
}

/* --- words cut at spaces ---------------------------------------------------------------------- */

static bool join(struct user_texts *merged, const struct bytes *words, size_t first, size_t last)
{
    struct buffer joined = { 0 };
    bool complete = true;
    for (size_t i = first; complete && i <= last; i++)
        complete =
            (i == first || buffer_append_byte(&joined, ' ')) && buffer_append(&joined, words[i]);
    complete = complete && user_texts_add(merged, buffer_view(&joined), 0);
    buffer_release(&joined);
    return complete;
}

int64_t rules_merge(const struct bytes *words, size_t count, struct user_texts *merged)
{
    size_t open = count; /* where a parenthesis opened; count: none is open */
    for (size_t i = 0; i < count; i++) {
        struct bytes word = words[i];
        bool closes = word.count > 0 && word.at[word.count - 1] == ')';
        if (open == count && word.count > 0 && word.at[0] == '(' && !closes)
            open = i;
        else if ((open == count || closes) && !join(merged, words, open == count ? i : open, i))
            return -2;
        else if (closes)
            open = count;
    }
    return open == count ? -1 : (int64_t)open;
}
