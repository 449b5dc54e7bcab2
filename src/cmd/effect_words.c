/* Effects put together word by word. */
#include "base/number.h"
#include "cmd/effects.h"

#include <string.h>

enum { ROOM_AT_FIRST = 8 };

static void grow(struct effect_words *words)
{
    uint32_t room = words->room == 0 ? ROOM_AT_FIRST : words->room * 2;
    struct bytes *argv = NULL;
    if (room > words->room)
        argv = arena_take_many(words->call->arena, room, sizeof *argv);
    if (argv == NULL) {
        words->failed = true;
        return;
    }
    if (words->argc > 0)
        memcpy(argv, words->argv, words->argc * sizeof *argv);
    words->argv = argv;
    words->room = room;
}

/* A word that stays where it is until the effect is told. */
static void add(struct effect_words *words, struct bytes text)
{
    if (words->argc == words->room)
        grow(words);
    if (!words->failed)
        words->argv[words->argc++] = text;
}

void effect_start(struct effect_words *words, struct call *call, const char *command)
{
    *words = (struct effect_words){ .call = call };
    effect_word(words, command);
}

void effect_word(struct effect_words *words, const char *word)
{
    add(words, bytes_of_text(word));
}

void effect_text(struct effect_words *words, struct bytes text)
{
    uint8_t *copy = arena_take(words->call->arena, text.count + 1);
    if (copy == NULL) {
        words->failed = true;
        return;
    }
    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    add(words, bytes_of(copy, text.count));
}

void effect_number(struct effect_words *words, int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    effect_text(words, bytes_of(digits, number_write_i64(digits, number)));
}

void effect_tell(const struct effect_words *words)
{
    if (words->failed)
        effects_lose(words->call);
    else
        effects_instead(words->call, words->argv, words->argc);
}

void effect_tell_at_once(const struct effect_words *words)
{
    if (words->failed)
        effects_lose(words->call);
    else
        effects_at_once(words->call, words->argv, words->argc);
}

void effect_of_key(struct call *call, const char *command, struct bytes key)
{
    struct bytes argv[] = { bytes_of_text(command), key };
    effects_instead(call, argv, 2);
}

void effect_of_key_number(struct call *call, const char *command, struct bytes key, int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (!call_is_heard(call))
        return;
    struct bytes argv[] = { bytes_of_text(command), key,
                            bytes_of(digits, number_write_i64(digits, number)) };
    effects_instead(call, argv, 3);
}
