#include "cmd/users.h"

#include "base/memory.h"
#include "cmd/access_log.h"
#include "cmd/channels.h"
#include "conf/config.h"

struct users {
    const struct cmd_table *table;
    const struct config *config;
    struct net *net; /* NULL: there are no clients yet */
    struct users_declared declared;
    struct access_log log;
    struct arena arena;
    void (*changed)(void *context);
    void *changed_context;
    struct user *standard; /* "default" */
    struct user **items;
    size_t count, capacity;
};

/* --- the array -------------------------------------------------------------------------------- */

/* Where the name stands or would stand. */
static size_t place_of(const struct users *users, struct bytes name)
{
    size_t low = 0, high = users->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(user_name(users->items[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct users *users, size_t at, struct bytes name)
{
    return at < users->count && bytes_equal(user_name(users->items[at]), name);
}

static bool make_room(struct users *users)
{
    if (users->count < users->capacity)
        return true;
    size_t capacity = users->capacity == 0 ? 8 : users->capacity * 2;
    struct user **items = memory_resize(users->items, capacity * sizeof *items);
    if (items == NULL)
        return false;
    users->items = items;
    users->capacity = capacity;
    return true;
}

/* pre: there is room, and none of that name. */
static void put(struct users *users, struct user *user)
{
    size_t at = place_of(users, user_name(user));
    memmove(users->items + at + 1, users->items + at, (users->count - at) * sizeof(struct user *));
    users->items[at] = user;
    users->count++;
}

struct users *users_new(const struct cmd_table *table, const struct config *config)
{
    static const char *const rules[] = { "on", "nopass", "~*", "&*", "+@all" };
    struct users *users = memory_take_zeroed(sizeof *users);
    if (users == NULL)
        return NULL;
    ENSURE(cmd_table_count(table) <= USER_COMMANDS_MAX);
    users->table = table;
    users->config = config;
    arena_init(&users->arena);
    users->standard = user_new(BYTES("default"));
    bool made = users->standard != NULL && make_room(users);
    struct rule_context context = { table, false };
    for (size_t i = 0; made && i < sizeof rules / sizeof *rules; i++)
        made = user_apply(&context, users->standard, bytes_of_text(rules[i])) == RULE_TAKEN;
    if (made) {
        put(users, users->standard);
        return users;
    }
    user_drop(users->standard);
    users_drop(users);
    return NULL;
}

void users_drop(struct users *users)
{
    if (users == NULL)
        return;
    for (size_t i = 0; i < users->count; i++)
        user_drop(users->items[i]);
    access_log_trim(&users->log, 0);
    arena_release(&users->arena);
    users_forget_declared(users);
    memory_give(users->items);
    memory_give(users);
}

void users_attach(struct users *users, struct net *net)
{
    users->net = net;
}

void users_on_change(struct users *users, void (*changed)(void *context), void *context)
{
    users->changed = changed;
    users->changed_context = context;
}

size_t users_count(const struct users *users)
{
    return users->count;
}

struct user *users_at(const struct users *users, size_t index)
{
    return users->items[index];
}

struct user *users_find(const struct users *users, struct bytes name)
{
    size_t at = place_of(users, name);
    return is_at(users, at, name) ? users->items[at] : NULL;
}

struct user *users_default(const struct users *users)
{
    return users->standard;
}

bool users_default_is_open(const struct users *users)
{
    return (users->standard->flags & (USER_NO_PASSWORD | USER_ON)) == (USER_NO_PASSWORD | USER_ON);
}

/* --- passwords -------------------------------------------------------------------------------- */

/* No early end: the time tells nothing of how much is right. */
static bool has_password(const struct user *user, struct bytes password)
{
    char hash[USER_HASH_BYTES];
    bool found = false;
    user_hash_password(password, hash);
    for (size_t i = 0; i < user->passwords.count; i++) {
        unsigned different = 0;
        for (size_t byte = 0; byte < USER_HASH_BYTES; byte++)
            different |= (unsigned)(hash[byte] ^ user->passwords.items[i].at[byte]);
        found |= different == 0;
    }
    return found;
}

struct user *users_check(const struct users *users, struct bytes name, struct bytes password)
{
    struct user *user = users_find(users, name);
    if (user == NULL || (user->flags & USER_ON) == 0)
        return NULL;
    if ((user->flags & USER_NO_PASSWORD) != 0 || has_password(user, password))
        return user;
    return NULL;
}

/* --- clients ---------------------------------------------------------------------------------- */

/* CLIENT_RESTRICTED spares everybody else the question at each command. */
static void settle(struct client *client)
{
    client->flags &= ~(uint32_t)CLIENT_RESTRICTED;
    if (client->user != NULL && !user_is_unrestricted(client->user))
        client->flags |= CLIENT_RESTRICTED;
}

void users_log_in(struct client *client, struct user *user)
{
    client->user = user;
    client->flags |= CLIENT_AUTHENTICATED;
    settle(client);
}

void users_log_out(const struct users *users, struct client *client)
{
    users_log_in(client, users->standard);
    if (!users_default_is_open(users))
        client->flags &= ~(uint32_t)CLIENT_AUTHENTICATED;
}

struct bytes client_user_name(const struct client *client)
{
    return client->user != NULL ? user_name(client->user) : bytes_of(NULL, 0);
}

/* What it listens to is still granted. */
static bool may_listen(const struct client *client)
{
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++) {
        const struct subscription *each = client->subscriptions->kinds[kind].first;
        for (; each != NULL; each = each->behind) {
            if (!access_may_channel(client, channel_name(each->channel),
                                    kind == SUBSCRIBED_PATTERN))
                return false;
        }
    }
    return true;
}

static void settle_visit(void *context, struct client *client)
{
    (void)context;
    settle(client);
    if (client->subscriptions != NULL && !may_listen(client))
        client_close(client, true);
}

static void settle_all(struct users *users)
{
    if (users->net != NULL)
        net_each_client(users->net, settle_visit, users);
    if (users->changed != NULL)
        users->changed(users->changed_context);
}

struct closing {
    const struct users *users;
    const struct user *user; /* NULL: all but the default one */
    const struct client *by;
};

/* Nobody's client is the default user without a password: should it be served once more before it
 * is gone, it may do the least. Who closes itself still gets its reply. */
static void close_visit(void *context, struct client *client)
{
    const struct closing *closing = context;
    const struct users *users = closing->users;
    if (client->user == NULL ||
        (closing->user == NULL ? client->user == users->standard : client->user != closing->user))
        return;
    client->user = users->standard;
    client->flags &= ~(uint32_t)CLIENT_AUTHENTICATED;
    client_close(client, client == closing->by);
}

/* Before the user is dropped. */
static void close_clients(const struct users *users, const struct user *user,
                          const struct client *by)
{
    struct closing closing = { users, user, by };
    if (users->net != NULL)
        net_each_client(users->net, close_visit, &closing);
}

/* --- changes ---------------------------------------------------------------------------------- */

struct users_declared *users_declared(struct users *users)
{
    return &users->declared;
}

const struct users_declared *users_declared_seen(const struct users *users)
{
    return &users->declared;
}

void users_forget_declared(struct users *users)
{
    users_drop(users->declared.tried);
    buffer_release(&users->declared.lines);
    users->declared = (struct users_declared){ 0 };
}

struct users *users_new_like(const struct users *users)
{
    return users_new(users->table, users->config);
}

struct bytes users_requirepass(const struct users *users)
{
    return config_text_view(&users->config->requirepass);
}

struct access_log *users_log(struct users *users)
{
    return &users->log;
}

struct arena *users_arena(struct users *users)
{
    return &users->arena;
}

struct rule_context users_rules(const struct users *users)
{
    return (struct rule_context){ users->table,
                                  users->config->acl_pubsub_default == CONFIG_PUBSUB_ALLCHANNELS };
}

static bool apply_words(const struct users *users, struct user *user,
                        const struct user_texts *words, struct users_failure *failure)
{
    struct rule_context rules = users_rules(users);
    for (size_t i = 0; i < words->count; i++) {
        struct bytes word = user_text_view(&words->items[i]);
        failure->outcome = user_apply(&rules, user, word);
        if (failure->outcome == RULE_TAKEN)
            continue;
        size_t shown =
            word.count < sizeof failure->text - 1 ? word.count : sizeof failure->text - 1;
        memcpy(failure->text, word.at, shown);
        failure->text[shown] = '\0';
        failure->word = bytes_of(failure->text, shown);
        return false;
    }
    return true;
}

static bool merge_words(const struct bytes *words, size_t count, struct user_texts *merged,
                        struct users_failure *failure)
{
    int64_t bad = rules_merge(words, count, merged);
    *failure = (struct users_failure){ .outcome = RULE_TAKEN };
    if (bad == -1)
        return true;
    failure->outcome = bad < 0 ? RULE_MEMORY : RULE_SYNTAX;
    failure->is_parenthesis = bad >= 0;
    if (bad >= 0)
        failure->word = words[bad];
    return false;
}

/* A copy of the user, or a new one, with the words applied; NULL on failure. */
static struct user *changed_copy(const struct users *users, const struct user *user,
                                 struct bytes name, const struct user_texts *words,
                                 struct users_failure *failure)
{
    struct user *copy = user != NULL ? user_copy(user) : user_new(name);
    failure->outcome = RULE_MEMORY;
    if (copy == NULL)
        return NULL;
    if (user == NULL)
        copy->root.all_channels = users_rules(users).all_channels;
    if (apply_words(users, copy, words, failure))
        return copy;
    user_drop(copy);
    return NULL;
}

bool users_set(struct users *users, struct bytes name, const struct bytes *words, size_t count,
               struct users_failure *failure)
{
    struct user_texts merged = { 0 };
    struct user *user = users_find(users, name), *next = NULL;
    if (merge_words(words, count, &merged, failure))
        next = changed_copy(users, user, name, &merged, failure);
    user_texts_clear(&merged);
    if (next == NULL)
        return false;
    if (user != NULL) {
        user_exchange(user, next);
        user_drop(next);
    } else if (make_room(users)) {
        put(users, next);
    } else {
        user_drop(next);
        failure->outcome = RULE_MEMORY;
        return false;
    }
    settle_all(users);
    return true;
}

static void take_out(struct users *users, size_t at)
{
    users->count--;
    memmove(users->items + at, users->items + at + 1, (users->count - at) * sizeof(struct user *));
}

bool users_remove(struct users *users, struct bytes name, const struct client *by)
{
    size_t at = place_of(users, name);
    if (!is_at(users, at, name))
        return false;
    struct user *user = users->items[at];
    ENSURE(user != users->standard);
    close_clients(users, user, by);
    take_out(users, at);
    user_drop(user);
    settle_all(users);
    return true;
}

bool users_set_default_password(struct users *users, struct bytes password)
{
    struct user *next = user_copy(users->standard);
    struct buffer rule = { 0 };
    struct rule_context rules = users_rules(users);
    bool done = next != NULL && user_apply(&rules, next, BYTES("resetpass")) == RULE_TAKEN;
    if (password.count == 0)
        done = done && user_apply(&rules, next, BYTES("nopass")) == RULE_TAKEN;
    else
        done = done && buffer_append_byte(&rule, '>') && buffer_append(&rule, password) &&
               user_apply(&rules, next, buffer_view(&rule)) == RULE_TAKEN;
    if (done)
        user_exchange(users->standard, next);
    buffer_release(&rule);
    user_drop(next);
    if (done)
        settle_all(users);
    return done;
}

void users_replace(struct users *users, struct users *with, const struct client *by)
{
    close_clients(users, NULL, by);
    user_exchange(users->standard, with->standard);
    /* Both arrays change hands, but for the default users, which stay where clients point. */
    size_t here = place_of(users, user_name(users->standard));
    size_t there = place_of(with, user_name(with->standard));
    users->items[here] = with->standard;
    with->items[there] = users->standard;
    struct users kept = *users;
    users->items = with->items;
    users->count = with->count;
    users->capacity = with->capacity;
    with->items = kept.items;
    with->count = kept.count;
    with->capacity = kept.capacity;
    settle_all(users);
}
