/* The keys that patterns of BY and GET lead to. */
#include "cmd/sort_command.h"
#include "types/hash.h"

/* A pattern taken apart: prefix * suffix -> field. */
struct pattern {
    struct bytes prefix, suffix;
    struct bytes field; /* at NULL: the key holds a string */
};

/* As in redis-server a pattern is looked through up to its first zero byte only. */
static size_t visible_bytes(struct bytes pattern)
{
    const uint8_t *zero = pattern.count == 0 ? NULL : memchr(pattern.at, 0, pattern.count);
    return zero == NULL ? pattern.count : (size_t)(zero - pattern.at);
}

static size_t find_arrow(struct bytes pattern, size_t from, size_t visible)
{
    for (size_t at = from; at + 2 < visible; at++) {
        if (pattern.at[at] == '-' && pattern.at[at + 1] == '>')
            return at;
    }
    return 0;
}

/* False when there is no asterisk. */
static bool take_apart(struct bytes text, struct pattern *pattern)
{
    size_t visible = visible_bytes(text), end = text.count;
    const uint8_t *asterisk = visible == 0 ? NULL : memchr(text.at, '*', visible);
    if (asterisk == NULL)
        return false;
    size_t star = (size_t)(asterisk - text.at);
    size_t arrow = find_arrow(text, star + 1, visible);
    *pattern = (struct pattern){ .prefix = bytes_of(text.at, star) };
    if (arrow > 0) {
        pattern->field = bytes_of(text.at + arrow + 2, text.count - arrow - 2);
        end = arrow;
    }
    pattern->suffix = bytes_of(text.at + star + 1, end - star - 1);
    return true;
}

static uint8_t *append(uint8_t *at, struct bytes bytes)
{
    if (bytes.count > 0)
        memcpy(at, bytes.at, bytes.count);
    return at + bytes.count;
}

/* The key's name, in the room that all lookups of a command share. */
static bool make_name(struct sort *sort, const struct pattern *pattern, struct bytes text,
                      struct bytes *name)
{
    size_t bytes = pattern->prefix.count + text.count + pattern->suffix.count;
    *name = BYTES("");
    if (bytes == 0)
        return true;
    if (bytes > sort->name_room) {
        sort->name = arena_take(sort->call->arena, 2 * bytes);
        sort->name_room = sort->name == NULL ? 0 : 2 * bytes;
        if (sort->name == NULL) {
            sort->no_memory = true;
            return false;
        }
    }
    append(append(append(sort->name, pattern->prefix), text), pattern->suffix);
    *name = bytes_of(sort->name, bytes);
    return true;
}

static struct bytes field_of_hash(struct call *call, const struct value *value, struct bytes field,
                                  union sort_room *room)
{
    struct hash hash;
    struct hash_place place;
    hash_view(&hash, call->space, value, store_now_ms(call->store));
    if (!hash_get(&hash, field, &place))
        return (struct bytes){ NULL, 0 };
    return packed_view(call->space, place.pair.value, room->digits);
}

struct bytes sort_lookup(struct sort *sort, struct bytes pattern, struct bytes text,
                         union sort_room *room)
{
    static const struct bytes none = { NULL, 0 };
    struct call *call = sort->call;
    struct pattern parts;
    struct bytes name;
    if (visible_bytes(pattern) == 1 && pattern.at[0] == '#')
        return text;
    if (!take_apart(pattern, &parts) || !make_name(sort, &parts, text, &name))
        return none;
    struct key key = store_key(call->store, name);
    const struct entry *entry = call_read(call, &key);
    if (entry == NULL)
        return none;
    struct value value = entry_value(entry);
    if (parts.field.at == NULL && value.type == VALUE_STRING)
        return string_view(call->heap, &value, &room->string);
    if (parts.field.at != NULL && value.type == VALUE_HASH)
        return field_of_hash(call, &value, parts.field, room);
    return none;
}
