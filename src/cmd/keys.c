#include "cmd/keys.h"

#include "base/number.h"

static bool is_plain_range(const struct key_spec *spec)
{
    return spec->begin == KEYS_AT_INDEX && spec->find == KEYS_RANGE;
}

/* Specs that follow each other without a gap make one range (RENAME: 1 and 2). */
struct key_range keys_range(const struct command *command)
{
    struct key_range range = { 0, 0, 0 };
    for (int i = 0; i < KEY_SPECS_MAX && command->keys[i].begin != KEYS_NONE; i++) {
        const struct key_spec *spec = &command->keys[i];
        if (!is_plain_range(spec) || (range.first != 0 && spec->step != 1))
            continue;
        if (range.first != 0 && spec->index != range.last + 1)
            continue;
        if (range.first == 0) {
            range.first = spec->index;
            range.step = spec->step;
        }
        range.last = (int16_t)(spec->last >= 0 ? spec->index + spec->last : spec->last);
    }
    return range;
}

bool keys_any(const struct command *command)
{
    if (command->find_keys != NULL)
        return true;
    for (int i = 0; i < KEY_SPECS_MAX && command->keys[i].begin != KEYS_NONE; i++) {
        if ((command->keys[i].flags & KEY_NOT_KEY) == 0)
            return true;
    }
    return false;
}

struct span {
    int64_t first, last, step; /* of argv; empty when last < first */
};

/* Where the spec's keys may begin: 0 when its keyword is not there. */
static int64_t begin_of(const struct key_spec *spec, const struct bytes *argv, uint32_t argc)
{
    if (spec->begin == KEYS_AT_INDEX)
        return spec->index;
    int64_t at = spec->index > 0 ? spec->index : (int64_t)argc + spec->index;
    int64_t step = spec->index > 0 ? 1 : -1;
    for (; at >= 1 && at < (int64_t)argc; at += step) {
        if (bytes_is(argv[at], spec->keyword))
            return at + 1;
    }
    return 0;
}

static int64_t range_last(const struct key_spec *spec, int64_t first, uint32_t argc)
{
    if (spec->last >= 0)
        return first + spec->last;
    if (spec->limit == 0)
        return (int64_t)argc + spec->last;
    return first + ((int64_t)argc - first) / spec->limit + spec->last;
}

static bool counted_span(const struct key_spec *spec, int64_t begin, const struct bytes *argv,
                         uint32_t argc, struct span *span)
{
    int64_t count = 0, count_at = begin + spec->count_at;
    if (count_at >= (int64_t)argc || !number_read_i64(argv[count_at], &count))
        return false;
    span->first = begin + spec->first_at;
    span->step = spec->step;
    if (count < 0 || count > (int64_t)argc)
        return false;
    span->last = span->first + (count - 1) * spec->step;
    return span->last < (int64_t)argc;
}

/* Whether none may be there: "all that follow" others, as of PFMERGE with a destination only. */
static bool may_be_missing(const struct key_spec *spec, int number)
{
    return number > 0 && is_plain_range(spec) && spec->last == -1;
}

/* False when the arguments do not fit the spec; an empty span when it has no keys here. */
static bool spec_span(const struct key_spec *spec, bool is_optional, const struct bytes *argv,
                      uint32_t argc, struct span *span)
{
    *span = (struct span){ 1, 0, 1 };
    if (spec->begin == KEYS_BEGIN_UNKNOWN || spec->find == KEYS_FIND_UNKNOWN)
        return false;
    int64_t begin = begin_of(spec, argv, argc);
    if (begin == 0)
        return true;
    if (begin >= (int64_t)argc)
        return is_optional;
    if (spec->find == KEYS_COUNTED)
        return counted_span(spec, begin, argv, argc, span);
    *span = (struct span){ begin, range_last(spec, begin, argc), spec->step };
    if (span->last >= (int64_t)argc)
        span->last = (int64_t)argc - 1;
    return true;
}

/* Writes the keys of all specs, or counts them when `keys` is NULL; -1: bad syntax. */
static int64_t keys_by_specs(const struct command *command, const struct bytes *argv, uint32_t argc,
                             struct key_at *keys)
{
    int64_t count = 0;
    for (int i = 0; i < KEY_SPECS_MAX && command->keys[i].begin != KEYS_NONE; i++) {
        const struct key_spec *spec = &command->keys[i];
        struct span span;
        if ((spec->flags & KEY_NOT_KEY) != 0)
            continue;
        if (!spec_span(spec, may_be_missing(spec, i), argv, argc, &span))
            return -1;
        for (int64_t at = span.first; at <= span.last; at += span.step, count++) {
            if (keys != NULL)
                keys[count] = (struct key_at){ (uint32_t)at, spec->flags };
        }
    }
    return count;
}

static int64_t keys_walk(const struct command *command, const struct bytes *argv, uint32_t argc,
                         struct key_at *keys, int64_t most)
{
    if (command->find_keys != NULL)
        return command->find_keys(argv, argc, keys, (uint32_t)most);
    return keys_by_specs(command, argv, argc, keys);
}

enum err keys_find(const struct command *command, const struct bytes *argv, uint32_t argc,
                   struct arena *arena, struct key_list *list)
{
    *list = (struct key_list){ NULL, 0 };
    int64_t count = keys_walk(command, argv, argc, NULL, 0);
    if (count < 0)
        return ERR_SYNTAX;
    if (count == 0)
        return ERR_NONE;
    list->keys = arena_take_many(arena, (size_t)count, sizeof *list->keys);
    if (list->keys == NULL)
        return ERR_MEMORY;
    list->count = (uint32_t)keys_walk(command, argv, argc, list->keys, count);
    return ERR_NONE;
}
