#include "cmd/string_options.h"

#include "cmd/args.h"
#include "cmd/string_command.h"

struct option_word {
    const char *word;
    unsigned flag;
    unsigned excludes; /* what it does not go with; itself again is fine, the last one counts */
    unsigned form;     /* enum expiry_form, of those that take a time */
};

static const struct option_word option_words[] = {
    { "nx", WITH_NX, WITH_CONDITION & ~WITH_NX, 0 },
    { "xx", WITH_XX, WITH_CONDITION & ~WITH_XX, 0 },
    { "ifeq", WITH_IFEQ, WITH_CONDITION, 0 },
    { "ifne", WITH_IFNE, WITH_CONDITION, 0 },
    { "ifdeq", WITH_IFDEQ, WITH_CONDITION, 0 },
    { "ifdne", WITH_IFDNE, WITH_CONDITION, 0 },
    { "get", WITH_GET, 0, 0 },
    { "keepttl", WITH_KEEPTTL, WITH_PERSIST | WITH_TIMES, 0 },
    { "persist", WITH_PERSIST, WITH_KEEPTTL | WITH_TIMES, 0 },
    { "ex", WITH_EX, WITH_KEEPTTL | WITH_PERSIST | (WITH_TIMES & ~WITH_EX), EXPIRY_SECONDS },
    { "px", WITH_PX, WITH_KEEPTTL | WITH_PERSIST | (WITH_TIMES & ~WITH_PX), EXPIRY_MS },
    { "exat", WITH_EXAT, WITH_KEEPTTL | WITH_PERSIST | (WITH_TIMES & ~WITH_EXAT),
      EXPIRY_SECONDS | EXPIRY_ABSOLUTE },
    { "pxat", WITH_PXAT, WITH_KEEPTTL | WITH_PERSIST | (WITH_TIMES & ~WITH_PXAT),
      EXPIRY_MS | EXPIRY_ABSOLUTE },
};

static const struct option_word *find_word(struct bytes argument, unsigned allowed)
{
    for (size_t i = 0; i < sizeof option_words / sizeof option_words[0]; i++) {
        if ((option_words[i].flag & allowed) != 0 && bytes_is(argument, option_words[i].word))
            return &option_words[i];
    }
    return NULL;
}

enum { WITH_ARGUMENT = WITH_TIMES | WITH_COMPARISON };

static void keep_argument(struct string_options *options, const struct option_word *word,
                          uint32_t at)
{
    if ((word->flag & WITH_COMPARISON) != 0) {
        options->compare_at = at;
        return;
    }
    options->time_at = at;
    options->time_form = word->form | EXPIRY_POSITIVE;
}

bool string_options_read(struct call *call, uint32_t at, unsigned allowed,
                         struct string_options *options)
{
    *options = (struct string_options){ 0 };
    for (; at < call->argc; at++) {
        const struct option_word *word = find_word(call->argv[at], allowed);
        if (word == NULL || (word->excludes & options->flags) != 0) {
            call_syntax_error(call);
            return false;
        }
        options->flags |= word->flag;
        if ((word->flag & WITH_ARGUMENT) == 0)
            continue;
        if (++at == call->argc) {
            call_syntax_error(call);
            return false;
        }
        keep_argument(options, word, at);
    }
    return true;
}

bool string_options_expiry(struct call *call, const struct string_options *options, int64_t *expiry)
{
    if (options->time_at != 0)
        return call_expiry(call, options->time_at, options->time_form, expiry);
    *expiry = (options->flags & WITH_KEEPTTL) != 0 ? STORE_KEEP_EXPIRY : STORE_NO_EXPIRY;
    return true;
}

int find_keys_of_set(const struct bytes *argv, uint32_t argc, struct key_at *keys, uint32_t most)
{
    bool gets = false;
    for (uint32_t at = 3; at < argc; at++)
        gets = gets || find_word(argv[at], WITH_GET | WITH_COMPARISON) != NULL;
    if (argc < 3)
        return -1;
    if (most > 0)
        keys[0] =
            (struct key_at){ 1, gets ? KEY_RW | KEY_ACCESS | KEY_UPDATE : KEY_OW | KEY_UPDATE };
    return 1;
}
