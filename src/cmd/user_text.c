/* Users as text: what ACL LIST shows and a file keeps. */
#include "cmd/user.h"

static const struct {
    unsigned flag;
    const char *word;
} flag_words[] = {
    { USER_ON, "on" },
    { USER_OFF, "off" },
    { USER_NO_PASSWORD, "nopass" },
    { USER_SKIP_SANITIZE, "skip-sanitize-payload" },
    { USER_SANITIZE, "sanitize-payload" },
};

const char *user_flag_word(const struct user *user, unsigned nth)
{
    for (size_t i = 0; i < sizeof flag_words / sizeof *flag_words; i++) {
        if ((user->flags & flag_words[i].flag) != 0 && nth-- == 0)
            return flag_words[i].word;
    }
    return NULL;
}

static bool add_words(struct buffer *text, const char *before, bool first, struct bytes word)
{
    return (first || buffer_append_byte(text, ' ')) && buffer_append_text(text, before) &&
           buffer_append(text, word);
}

/* "~*" is all keys, beside which no other may stand: a pattern of that kind is told apart, unless
 * it is alone, when it means the same. */
static const char *access_of(const struct user_text *key, bool alone)
{
    if (key->mark == USER_READS)
        return "%R~";
    if (key->mark == USER_WRITES)
        return "%W~";
    return !alone && bytes_is(user_text_view(key), "*") ? "%RW~" : "~";
}

bool selector_describe_keys(const struct selector *selector, struct buffer *text)
{
    if (selector->all_keys)
        return buffer_append_text(text, "~*");
    for (size_t i = 0; i < selector->keys.count; i++) {
        const struct user_text *key = &selector->keys.items[i];
        const char *access = access_of(key, selector->keys.count == 1);
        if (!add_words(text, access, i == 0, user_text_view(key)))
            return false;
    }
    return true;
}

bool selector_describe_channels(const struct selector *selector, struct buffer *text)
{
    if (selector->all_channels)
        return buffer_append_text(text, "&*");
    for (size_t i = 0; i < selector->channels.count; i++) {
        if (!add_words(text, "&", i == 0, user_text_view(&selector->channels.items[i])))
            return false;
    }
    return true;
}

bool selector_describe_commands(const struct selector *selector, struct buffer *text)
{
    if (!buffer_append_text(text, selector->future ? "+@all" : "-@all"))
        return false;
    return selector->rules.count == 0 || add_words(text, "", false, buffer_view(&selector->rules));
}

static bool describe_selector(const struct selector *selector, struct buffer *text)
{
    size_t before = text->count;
    if (!selector_describe_keys(selector, text) ||
        (text->count > before && !buffer_append_byte(text, ' ')))
        return false;
    if (!selector->all_channels && !buffer_append_text(text, "resetchannels "))
        return false;
    before = text->count;
    if (!selector_describe_channels(selector, text) ||
        (text->count > before && !buffer_append_byte(text, ' ')))
        return false;
    return selector_describe_commands(selector, text);
}

bool user_describe(const struct user *user, struct buffer *text)
{
    for (unsigned i = 0; user_flag_word(user, i) != NULL; i++) {
        if (!buffer_append_text(text, user_flag_word(user, i)) || !buffer_append_byte(text, ' '))
            return false;
    }
    for (size_t i = 0; i < user->passwords.count; i++) {
        if (!buffer_append_byte(text, '#') ||
            !buffer_append(text, user_text_view(&user->passwords.items[i])) ||
            !buffer_append_byte(text, ' '))
            return false;
    }
    if (!describe_selector(&user->root, text))
        return false;
    for (const struct selector *each = user->root.next; each != NULL; each = each->next) {
        if (!buffer_append_text(text, " (") || !describe_selector(each, text) ||
            !buffer_append_byte(text, ')'))
            return false;
    }
    return true;
}
