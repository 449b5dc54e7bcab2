#include "cmd/user.h"

#include "base/memory.h"

/* --- lists of texts --------------------------------------------------------------------------- */

static char *text_copy(struct bytes text)
{
    char *at = memory_take(text.count + 1);
    if (at == NULL)
        return NULL;
    if (text.count > 0)
        memcpy(at, text.at, text.count);
    at[text.count] = '\0';
    return at;
}

bool user_texts_add(struct user_texts *texts, struct bytes text, uint16_t mark)
{
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 4 : texts->capacity * 2;
        struct user_text *items = memory_resize(texts->items, capacity * sizeof *items);
        if (items == NULL)
            return false;
        texts->items = items;
        texts->capacity = capacity;
    }
    char *at = text_copy(text);
    if (at == NULL)
        return false;
    texts->items[texts->count++] = (struct user_text){ at, text.count, mark };
    return true;
}

size_t user_texts_find(const struct user_texts *texts, struct bytes text, uint16_t mark)
{
    size_t at = 0;
    while (at < texts->count &&
           (texts->items[at].mark != mark || !bytes_equal(user_text_view(&texts->items[at]), text)))
        at++;
    return at;
}

void user_texts_remove(struct user_texts *texts, size_t at)
{
    memory_give(texts->items[at].at);
    texts->count--;
    memmove(texts->items + at, texts->items + at + 1, (texts->count - at) * sizeof *texts->items);
}

void user_texts_clear(struct user_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        memory_give(texts->items[i].at);
    memory_give(texts->items);
    *texts = (struct user_texts){ 0 };
}

static bool texts_copy(struct user_texts *to, const struct user_texts *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!user_texts_add(to, user_text_view(&from->items[i]), from->items[i].mark))
            return false;
    }
    return true;
}

/* --- selectors -------------------------------------------------------------------------------- */

static void selector_release(struct selector *selector)
{
    user_texts_clear(&selector->keys);
    user_texts_clear(&selector->channels);
    user_texts_clear(&selector->first_arguments);
    buffer_release(&selector->rules);
}

/* `to` is all zero. */
static bool selector_copy(struct selector *to, const struct selector *from)
{
    to->all_commands = from->all_commands;
    to->future = from->future;
    to->all_keys = from->all_keys;
    to->all_channels = from->all_channels;
    memcpy(to->commands, from->commands, sizeof to->commands);
    return texts_copy(&to->keys, &from->keys) && texts_copy(&to->channels, &from->channels) &&
           texts_copy(&to->first_arguments, &from->first_arguments) &&
           buffer_append(&to->rules, buffer_view(&from->rules));
}

struct selector *selector_new(void)
{
    return memory_take_zeroed(sizeof(struct selector));
}

void selector_drop(struct selector *selector)
{
    if (selector == NULL)
        return;
    selector_release(selector);
    memory_give(selector);
}

void user_clear_selectors(struct user *user)
{
    while (user->root.next != NULL) {
        struct selector *gone = user->root.next;
        user->root.next = gone->next;
        selector_drop(gone);
    }
}

/* --- users ------------------------------------------------------------------------------------ */

struct user *user_new(struct bytes name)
{
    struct user *user = memory_take_zeroed(sizeof *user);
    if (user == NULL)
        return NULL;
    user->name = text_copy(name);
    user->name_bytes = name.count;
    user->flags = USER_OFF | USER_SANITIZE;
    if (user->name != NULL)
        return user;
    memory_give(user);
    return NULL;
}

static bool copy_parts(struct user *to, const struct user *from)
{
    to->flags = from->flags;
    if (!texts_copy(&to->passwords, &from->passwords) || !selector_copy(&to->root, &from->root))
        return false;
    struct selector **end = &to->root.next;
    for (const struct selector *each = from->root.next; each != NULL; each = each->next) {
        *end = selector_new();
        if (*end == NULL || !selector_copy(*end, each))
            return false;
        end = &(*end)->next;
    }
    return true;
}

struct user *user_copy(const struct user *user)
{
    struct user *copy = user_new(user_name(user));
    if (copy == NULL || copy_parts(copy, user))
        return copy;
    user_drop(copy);
    return NULL;
}

void user_drop(struct user *user)
{
    if (user == NULL)
        return;
    user_clear_selectors(user);
    selector_release(&user->root);
    user_texts_clear(&user->passwords);
    memory_give(user->name);
    memory_give(user);
}

void user_exchange(struct user *a, struct user *b)
{
    struct user kept = *a;
    *a = *b;
    *b = kept;
    b->name = a->name;
    b->name_bytes = a->name_bytes;
    a->name = kept.name;
    a->name_bytes = kept.name_bytes;
}
