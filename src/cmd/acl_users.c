/* ACL: users shown, made, changed and deleted. */
#include "cmd/acl.h"
#include "cmd/users_file.h"

enum { NAME_SHOWN_MAX = 128 };

static int shown(struct bytes text)
{
    return (int)(text.count < NAME_SHOWN_MAX ? text.count : NAME_SHOWN_MAX);
}

static const char *chars(struct bytes text)
{
    return text.count > 0 ? (const char *)text.at : "";
}

/* --- showing ---------------------------------------------------------------------------------- */

/* What `describe` writes, as one bulk. */
static void reply_described(struct reply *reply, const char *name, const struct selector *selector,
                            bool (*describe)(const struct selector *selector, struct buffer *text))
{
    struct buffer text = { 0 };
    reply_bulk_text(reply, name);
    if (describe(selector, &text))
        reply_bulk(reply, buffer_view(&text));
    else
        reply_nil(reply); /* no memory */
    buffer_release(&text);
}

static void reply_rights(struct reply *reply, const struct selector *selector)
{
    reply_described(reply, "commands", selector, selector_describe_commands);
    reply_described(reply, "keys", selector, selector_describe_keys);
    reply_described(reply, "channels", selector, selector_describe_channels);
}

static void reply_flags(struct reply *reply, const struct user *user)
{
    struct reply_mark mark = reply_set_later(reply);
    unsigned count = 0;
    reply_bulk_text(reply, user_flag_word(user, count));
    while (user_flag_word(user, ++count) != NULL)
        reply_bulk_text(reply, user_flag_word(user, count));
    reply_count(reply, mark, count);
}

static void reply_selectors(struct reply *reply, const struct user *user)
{
    struct reply_mark mark = reply_array_later(reply);
    uint64_t count = 0;
    for (const struct selector *each = user->root.next; each != NULL; each = each->next, count++) {
        reply_map(reply, 3);
        reply_rights(reply, each);
    }
    reply_count(reply, mark, count);
}

void acl_getuser(struct call *call)
{
    struct reply *reply = call->reply;
    const struct user *user = users_find(call->context->users, call->argv[2]);
    if (user == NULL) {
        reply_nil(reply);
        return;
    }
    reply_map(reply, 6);
    reply_bulk_text(reply, "flags");
    reply_flags(reply, user);
    reply_bulk_text(reply, "passwords");
    reply_array(reply, user->passwords.count);
    for (size_t i = 0; i < user->passwords.count; i++)
        reply_bulk(reply, user_text_view(&user->passwords.items[i]));
    reply_rights(reply, &user->root);
    reply_bulk_text(reply, "selectors");
    reply_selectors(reply, user);
}

void acl_users(struct call *call)
{
    const struct users *users = call->context->users;
    reply_array(call->reply, users_count(users));
    for (size_t i = 0; i < users_count(users); i++)
        reply_bulk(call->reply, user_name(users_at(users, i)));
}

void acl_list(struct call *call)
{
    const struct users *users = call->context->users;
    reply_array(call->reply, users_count(users));
    for (size_t i = 0; i < users_count(users); i++) {
        struct buffer line = { 0 };
        const struct user *user = users_at(users, i);
        if (buffer_append_text(&line, "user ") && buffer_append(&line, user_name(user)) &&
            buffer_append_byte(&line, ' ') && user_describe(user, &line))
            reply_bulk(call->reply, buffer_view(&line));
        else
            reply_nil(call->reply); /* no memory */
        buffer_release(&line);
    }
}

/* --- changing --------------------------------------------------------------------------------- */

static void reply_failure(struct call *call, const struct users_failure *failure)
{
    if (failure->outcome == RULE_MEMORY)
        call_memory_error(call);
    else if (failure->is_parenthesis)
        reply_errorf(call->reply, "ERR Unmatched parenthesis in acl selector starting at '%.*s'.",
                     shown(failure->word), chars(failure->word));
    else
        reply_errorf(call->reply, "ERR Error in ACL SETUSER modifier '%.*s': %s",
                     shown(failure->word), chars(failure->word),
                     rule_outcome_text(failure->outcome));
}

void acl_setuser(struct call *call)
{
    struct users_failure failure;
    if (!users_name_fits(call->argv[2]))
        reply_error(call->reply, "ERR Usernames can't contain spaces or null characters");
    else if (users_set(call->context->users, call->argv[2], call->argv + 3, call->argc - 3,
                       &failure))
        reply_ok(call->reply);
    else
        reply_failure(call, &failure);
}

void acl_deluser(struct call *call)
{
    int64_t removed = 0;
    for (uint32_t at = 2; at < call->argc; at++) {
        if (bytes_equal(call->argv[at], BYTES("default"))) {
            reply_error(call->reply, "ERR The 'default' user cannot be removed");
            return;
        }
    }
    for (uint32_t at = 2; at < call->argc; at++)
        removed += users_remove(call->context->users, call->argv[at], call->client);
    reply_i64(call->reply, removed);
}
