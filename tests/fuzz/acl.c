/* Rules of users: each line of the input is a word of ACL SETUSER, behind one byte that says how to
 * begin. What can be taken is described, and the description, read as a file of users is, makes the
 * same user with the same rights. */
#include "base/memory.h"
#include "cmd/introspection.h"
#include "cmd/user.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

enum { WORDS_MAX = 64 };

/* False where memory fails, or a rule of the description is not taken. */
static bool apply_words(const struct rule_context *context, struct user *user,
                        const struct bytes *words, size_t count, bool must_be_taken)
{
    struct user_texts merged = { 0 };
    int64_t open = rules_merge(words, count, &merged);
    ENSURE(open >= -1 && open < (int64_t)count);
    bool good = !must_be_taken || open == -1;
    for (size_t i = 0; i < merged.count; i++) {
        enum rule_outcome outcome = user_apply(context, user, user_text_view(&merged.items[i]));
        ENSURE(outcome != RULE_MEMORY && rule_outcome_text(outcome) != NULL);
        good = good && (!must_be_taken || outcome == RULE_TAKEN);
        if (outcome != RULE_TAKEN)
            break; /* it may be partly changed: still it must be a user */
    }
    user_texts_clear(&merged);
    return good;
}

static size_t cut(struct bytes text, uint8_t at, struct bytes *words)
{
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= text.count && count < WORDS_MAX; i++) {
        if (i < text.count && text.at[i] != at)
            continue;
        words[count++] = bytes_of(text.at + from, i - from);
        from = i + 1;
    }
    return count;
}

static bool closes(const struct user_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (texts->items[i].count > 0 && texts->items[i].at[texts->items[i].count - 1] == ')')
            return true;
    return false;
}

/* A client may grant what a file cannot say: first arguments with spaces, and in selectors, as in
 * Redis, what ends with a parenthesis. */
static bool cannot_be_said(const struct user *user)
{
    for (const struct selector *each = &user->root; each != NULL; each = each->next) {
        for (size_t i = 0; i < each->first_arguments.count; i++)
            if (strpbrk(each->first_arguments.items[i].at, " ()") != NULL)
                return true;
        if (each != &user->root && (closes(&each->keys) || closes(&each->channels)))
            return true;
    }
    return false;
}

static void check_same(const struct user *one, const struct user *other)
{
    const struct selector *a = &one->root, *b = &other->root;
    ENSURE(one->flags == other->flags && one->passwords.count == other->passwords.count);
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        ENSURE(memcmp(a->commands, b->commands, sizeof a->commands) == 0);
        ENSURE(a->all_keys == b->all_keys && a->all_channels == b->all_channels);
        ENSURE(a->keys.count == b->keys.count && a->channels.count == b->channels.count);
    }
    ENSURE(a == NULL && b == NULL);
}

static void read_back(const struct rule_context *context, const struct user *user)
{
    enum { DESCRIBED_MAX = 4 * WORDS_MAX };
    struct bytes words[DESCRIBED_MAX];
    struct buffer text = { 0 };
    struct user *again = user_new(BYTES("again"));
    ENSURE(again != NULL && user_describe(user, &text));
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= text.count && count < DESCRIBED_MAX; i++) {
        if (i < text.count && text.at[i] != ' ')
            continue;
        words[count++] = bytes_of(text.at + from, i - from);
        from = i + 1;
    }
    if (count < DESCRIBED_MAX && !cannot_be_said(user)) {
        ENSURE(apply_words(context, again, words, count, true));
        check_same(user, again);
    }
    buffer_release(&text);
    user_drop(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    static struct cmd_table *table;
    struct bytes words[WORDS_MAX];
    if (table == NULL)
        table = cmd_table_new(cmd_groups);
    ENSURE(table != NULL);
    if (count == 0)
        return 0;
    const struct rule_context context = { .table = table, .all_channels = (at[0] & 1) != 0 };
    struct user *user = user_new(BYTES("al"));
    ENSURE(user != NULL);
    size_t used = cut(bytes_of(at + 1, count - 1), '\n', words);
    (void)apply_words(&context, user, words, used, false);
    read_back(&context, user);
    struct user *copy = user_copy(user);
    ENSURE(copy != NULL);
    check_same(user, copy);
    user_drop(copy);
    user_drop(user);
    return 0;
}
