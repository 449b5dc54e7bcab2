/* Keys found among arguments, whatever their spec. */
#include "cmd/keys.h"
#include "harness.h"

static const struct command get = {
    .name = "get",
    .keys = { { .flags = KEY_RO, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
};
static const struct command mset = {
    .name = "mset",
    .keys = { { .flags = KEY_OW, .begin = KEYS_AT_INDEX, .index = 1, .last = -1, .step = 2 } },
};
static const struct command rename_row = {
    .name = "rename",
    .keys = { { .flags = KEY_RW, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 },
              { .flags = KEY_OW, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
};
static const struct command pfmerge = {
    .name = "pfmerge",
    .keys = { { .flags = KEY_RW, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 },
              { .flags = KEY_RO, .begin = KEYS_AT_INDEX, .index = 2, .last = -1, .step = 1 } },
};
static const struct command eval = {
    .name = "eval",
    .keys = { { .flags = KEY_RW,
                .begin = KEYS_AT_INDEX,
                .index = 2,
                .find = KEYS_COUNTED,
                .first_at = 1,
                .step = 1 } },
};
static const struct command xread = {
    .name = "xread",
    .keys = { { .flags = KEY_RO,
                .begin = KEYS_AT_KEYWORD,
                .keyword = "STREAMS",
                .index = 1,
                .last = -1,
                .step = 1,
                .limit = 2 } },
};
static const struct command migrate = {
    .name = "migrate",
    .keys = { { .flags = KEY_RW, .begin = KEYS_AT_INDEX, .index = 3, .step = 1 },
              { .flags = KEY_RM,
                .begin = KEYS_AT_KEYWORD,
                .keyword = "KEYS",
                .index = -2,
                .last = -1,
                .step = 1 } },
};
static const struct command shard = {
    .name = "spublish",
    .keys = { { .flags = KEY_NOT_KEY, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
};

enum { WORDS_MAX = 16 };

static uint32_t split(const char *line, struct bytes *argv)
{
    uint32_t argc = 0;
    while (*line != '\0') {
        size_t count = strcspn(line, " ");
        CHECK(argc < WORDS_MAX);
        argv[argc++] = bytes_of(line, count);
        line += count + (line[count] == ' ');
    }
    return argc;
}

/* The indexes of the keys as digits, "!" when the arguments do not fit. */
static void check_keys(const struct command *command, const char *line, const char *wanted)
{
    struct bytes argv[WORDS_MAX];
    uint32_t argc = split(line, argv);
    struct arena arena;
    arena_init(&arena);
    struct key_list list;
    char found[WORDS_MAX + 1] = "!";
    if (keys_find(command, argv, argc, &arena, &list) == ERR_NONE) {
        for (uint32_t i = 0; i < list.count; i++)
            found[i] = (char)('0' + list.keys[i].at);
        found[list.count] = '\0';
    }
    CHECKF(strcmp(found, wanted) == 0, "%s: %s, wanted %s", line, found, wanted);
    arena_release(&arena);
}

TEST(keys_at_fixed_places)
{
    check_keys(&get, "get a", "1");
    check_keys(&mset, "mset a 1 b 2", "13");
    check_keys(&mset, "mset a 1 b", "13");
    check_keys(&mset, "mset", "!");
    check_keys(&rename_row, "rename a b", "12");
    check_keys(&pfmerge, "pfmerge a b c", "123");
    check_keys(&pfmerge, "pfmerge a", "1");
    check_keys(&shard, "spublish a b", "");
    CHECK(!keys_any(&shard) && keys_any(&get));
}

TEST(keys_counted_by_an_argument)
{
    check_keys(&eval, "eval x 2 a b c", "34");
    check_keys(&eval, "eval x 0 a", "");
    check_keys(&eval, "eval x 2 a", "!");
    check_keys(&eval, "eval x -1 a", "!");
    check_keys(&eval, "eval x y a", "!");
    check_keys(&eval, "eval x 9223372036854775807 a", "!");
    check_keys(&eval, "eval x", "!");
}

TEST(keys_after_a_keyword)
{
    check_keys(&xread, "xread count 2 streams a b 0 0", "45");
    check_keys(&xread, "xread STREAMS a 0", "2");
    check_keys(&xread, "xread streams", "!");
    check_keys(&xread, "xread count 2", "");
    check_keys(&migrate, "migrate h p k 0 5", "3");
    check_keys(&migrate, "migrate h p x 0 5 KEYS a b", "378");
}

TEST(keys_as_one_range)
{
    struct key_range range = keys_range(&rename_row);
    CHECK_EQ(range.first, 1);
    CHECK_EQ(range.last, 2);
    CHECK_EQ(range.step, 1);
    range = keys_range(&mset);
    CHECK_EQ(range.last, -1);
    CHECK_EQ(range.step, 2);
    CHECK_EQ(keys_range(&eval).first, 0);
    CHECK_EQ(keys_range(&migrate).first, 3);
}
