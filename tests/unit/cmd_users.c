/* Rules of users against a naive model; hashes; files. */
#include "base/memory.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "cmd/access.h"
#include "cmd/introspection.h"
#include "cmd/users_file.h"
#include "conf/config.h"
#include "harness.h"

#include <stdio.h>

/* --- SHA-256 ---------------------------------------------------------------------------------- */

static void check_hash(struct bytes text, const char *wanted)
{
    char hash[USER_HASH_BYTES];
    user_hash_password(text, hash);
    CHECK_BYTES(bytes_of(hash, sizeof hash), bytes_of_text(wanted));
}

TEST(sha256_gives_the_examples_of_fips_180)
{
    check_hash(BYTES(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_hash(BYTES("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hash(BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    enum { MILLION = 1000 * 1000 };
    uint8_t *text = memory_take(MILLION);
    CHECK(text != NULL);
    memset(text, 'a', MILLION);
    check_hash(bytes_of(text, MILLION),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    memory_give(text);
}

/* --- a world of users ------------------------------------------------------------------------- */

struct setting {
    struct cmd_table *table;
    struct config *config;
    struct users *users;
};

static void begin(struct setting *setting)
{
    setting->table = cmd_table_new(cmd_groups);
    setting->config = memory_take(sizeof *setting->config);
    CHECK(setting->table != NULL && setting->config != NULL);
    CHECK_EQ(config_init(setting->config), ERR_NONE);
    setting->users = users_new(setting->table, setting->config);
    CHECK(setting->users != NULL);
}

static void done(struct setting *setting)
{
    users_drop(setting->users);
    config_release(setting->config);
    memory_give(setting->config);
    cmd_table_drop(setting->table);
}

static bool set(struct setting *setting, const char *name, const char *rule)
{
    struct bytes word = bytes_of_text(rule);
    struct users_failure failure;
    return users_set(setting->users, bytes_of_text(name), &word, 1, &failure);
}

static void check_described(const struct user *user, const char *wanted)
{
    struct buffer text = { 0 };
    CHECK(user_describe(user, &text));
    CHECK_BYTES(buffer_view(&text), bytes_of_text(wanted));
    buffer_release(&text);
}

/* --- the model: rules replayed for each question ---------------------------------------------- */

enum { RULES_MAX = 40, RULE_BYTES = 64 };

struct replayed {
    char rules[RULES_MAX][RULE_BYTES];
    size_t count;
};

static bool is_all(const char *rule, bool grant)
{
    return strcmp(rule, grant ? "allcommands" : "nocommands") == 0 ||
           strcmp(rule, grant ? "+@all" : "-@all") == 0;
}

static bool has_category(const struct command_row *row, const char *category)
{
    for (const struct flag_word *word = acl_category_words; word->word != NULL; word++) {
        if (strcmp(word->word, category) == 0)
            return (command_categories(row->command) & word->flag) != 0;
    }
    return false;
}

/* A rule is about the command itself, or about its container. */
static bool speaks_of(const char *rule, const struct command_row *row)
{
    const struct command_row *container = row->container;
    if (rule[0] == '@')
        return has_category(row, rule + 1) ||
               (container != NULL && has_category(container, rule + 1));
    return strcmp(rule, row->full_name) == 0 ||
           (container != NULL && strcmp(rule, container->full_name) == 0);
}

static bool model_grants(const struct replayed *replayed, const struct command_row *row)
{
    bool granted = false;
    for (size_t i = 0; i < replayed->count; i++) {
        const char *rule = replayed->rules[i];
        if (is_all(rule, true))
            granted = true;
        else if (is_all(rule, false))
            granted = false;
        else if ((rule[0] == '+' || rule[0] == '-') && speaks_of(rule + 1, row))
            granted = rule[0] == '+';
    }
    return granted;
}

static bool model_grants_key(const struct replayed *replayed, const char *key, bool writes)
{
    bool all = false, found = false;
    for (size_t i = 0; i < replayed->count; i++) {
        const char *rule = replayed->rules[i];
        bool is_reset = strcmp(rule, "resetkeys") == 0;
        if (is_reset || strcmp(rule, "allkeys") == 0)
            found = false, all = !is_reset;
        if (rule[0] != '%')
            continue;
        bool fits = rule[3] == key[0] && (rule[1] == 'W') == writes;
        found |= fits;
    }
    return all || found;
}

/* --- random rules ----------------------------------------------------------------------------- */

static void draw_rule(struct rng *rng, const struct cmd_table *table, char *rule)
{
    static const char *const whole[] = { "allcommands", "nocommands", "+@all",     "-@all",
                                         "allkeys",     "resetkeys",  "resetkeys", "resetkeys" };
    const char *sign = rng_below(rng, 2) == 0 ? "+" : "-";
    switch (rng_below(rng, 10)) {
    case 0:
        snprintf(rule, RULE_BYTES, "%s", whole[rng_below(rng, 8)]);
        break;
    case 1:
    case 2:
        snprintf(rule, RULE_BYTES, "%s@%s", sign, acl_category_words[rng_below(rng, 21)].word);
        break;
    case 3:
    case 4:
        snprintf(rule, RULE_BYTES, "%%%c~%c*", rng_below(rng, 2) == 0 ? 'R' : 'W',
                 (int)('a' + rng_below(rng, 3)));
        break;
    default:
        snprintf(rule, RULE_BYTES, "%s%s", sign,
                 cmd_table_at(table, (uint32_t)rng_below(rng, cmd_table_count(table)))->full_name);
    }
}

static void compare(const struct setting *setting, const struct replayed *replayed,
                    const struct user *user)
{
    for (uint32_t i = 0; i < cmd_table_count(setting->table); i++) {
        const struct command_row *row = cmd_table_at(setting->table, i);
        CHECKF(model_grants(replayed, row) == selector_has(&user->root, row->command->id), "%s",
               row->full_name);
    }
}

static struct command_row *row_of(const struct setting *setting, const char *name)
{
    return cmd_table_by_name(setting->table, bytes_of_text(name));
}

static bool may(const struct setting *setting, const struct user *user, const char *command,
                const char *key, struct access_why *why)
{
    struct cmd_context context = { .users = setting->users, .table = setting->table };
    struct bytes argv[] = { bytes_of_text(command), bytes_of_text(key), BYTES("v") };
    uint32_t argc = strcmp(command, "get") == 0 ? 2 : 3;
    return access_may_restricted(&context, user, row_of(setting, command), argv, argc, why);
}

static void compare_keys(const struct setting *setting, const struct replayed *replayed,
                         const struct user *user)
{
    static const char *const keys[] = { "a1", "b1", "c1", "d1" };
    struct access_why why;
    for (size_t i = 0; i < 4; i++) {
        bool reads = model_grants(replayed, row_of(setting, "get")) &&
                     model_grants_key(replayed, keys[i], false);
        bool writes = model_grants(replayed, row_of(setting, "append")) &&
                      model_grants_key(replayed, keys[i], true);
        CHECK_EQ(may(setting, user, "get", keys[i], &why), reads);
        CHECK_EQ(may(setting, user, "append", keys[i], &why), writes);
    }
}

/* What a user is described as makes the same user again. */
static void compare_described(struct setting *setting, const struct replayed *replayed,
                              const struct user *user)
{
    struct buffer text = { 0 }, again = { 0 };
    struct rule_context rules = users_rules(setting->users);
    struct user *copy = user_new(BYTES("copy"));
    CHECK(copy != NULL && user_describe(user, &text));
    for (size_t at = 0, end = 0; at < text.count; at = end + 1) {
        const uint8_t *space = memchr(text.at + at, ' ', text.count - at);
        end = space != NULL ? (size_t)(space - text.at) : text.count;
        CHECK_EQ(user_apply(&rules, copy, bytes_of(text.at + at, end - at)), RULE_TAKEN);
    }
    compare(setting, replayed, copy);
    CHECK(user_describe(copy, &again));
    CHECK_BYTES(buffer_view(&again), buffer_view(&text));
    buffer_release(&text);
    buffer_release(&again);
    user_drop(copy);
}

TEST(users_have_the_rights_their_rules_say)
{
    struct setting setting;
    struct rng rng;
    begin(&setting);
    rng_init(&rng, test_seed());
    for (int round = 0; round < 200; round++) {
        struct replayed replayed = { .count = 0 };
        CHECK(set(&setting, "u", "reset"));
        CHECK(set(&setting, "u", "resetkeys"));
        while (replayed.count < RULES_MAX && rng_below(&rng, 20) > 0) {
            char *rule = replayed.rules[replayed.count];
            draw_rule(&rng, setting.table, rule);
            if (set(&setting, "u", rule))
                replayed.count++;
            else
                CHECK(rule[0] == '%'); /* behind allkeys */
        }
        const struct user *user = users_find(setting.users, BYTES("u"));
        compare(&setting, &replayed, user);
        compare_keys(&setting, &replayed, user);
        compare_described(&setting, &replayed, user);
    }
    done(&setting);
}

/* --- cases worth naming ----------------------------------------------------------------------- */

TEST(users_words_that_say_no_more_are_left_out)
{
    struct setting setting;
    begin(&setting);
    CHECK(set(&setting, "u", "+config|get"));
    CHECK(set(&setting, "u", "+get"));
    CHECK(set(&setting, "u", "-@dangerous"));
    CHECK(set(&setting, "u", "-CONFIG"));
    check_described(users_find(setting.users, BYTES("u")),
                    "off sanitize-payload resetchannels -@all +get -@dangerous -config");
    CHECK(set(&setting, "u", "+@all"));
    CHECK(set(&setting, "u", "(~a* +get)"));
    check_described(users_find(setting.users, BYTES("u")),
                    "off sanitize-payload resetchannels +@all (~a* resetchannels -@all +get)");
    done(&setting);
}

TEST(users_change_wholly_or_not_at_all)
{
    struct setting setting;
    struct users_failure failure;
    const struct bytes words[] = { BYTES("on"), BYTES("+get"), BYTES("~a"), BYTES("+nonsense") };
    begin(&setting);
    CHECK(!users_set(setting.users, BYTES("u"), words, 4, &failure));
    CHECK_EQ(failure.outcome, RULE_UNKNOWN);
    CHECK_TEXT(failure.word, "+nonsense");
    CHECK(users_find(setting.users, BYTES("u")) == NULL);
    CHECK(set(&setting, "u", "+set"));
    CHECK(!users_set(setting.users, BYTES("u"), words, 4, &failure));
    check_described(users_find(setting.users, BYTES("u")),
                    "off sanitize-payload resetchannels -@all +set");
    CHECK(users_set(setting.users, BYTES("u"), words, 3, &failure));
    check_described(users_find(setting.users, BYTES("u")),
                    "on sanitize-payload ~a resetchannels -@all +set +get");
    done(&setting);
}

TEST(users_survive_want_of_memory)
{
    struct setting setting;
    struct users_failure failure;
    const struct bytes words[] = { BYTES("on"),    BYTES(">pw"),      BYTES("~a*"),
                                   BYTES("&c"),    BYTES("+@read"),   BYTES("(~b*"),
                                   BYTES("+set)"), BYTES("+select|1") };
    begin(&setting);
    for (uint64_t fails = 0;; fails++) {
        memory_fail_after(fails);
        bool taken = users_set(setting.users, BYTES("u"), words, 8, &failure);
        bool failed = memory_has_failed();
        memory_fail_after(UINT64_MAX);
        CHECK(taken != failed);
        if (taken)
            break;
        CHECK_EQ(failure.outcome, RULE_MEMORY);
        CHECK(users_find(setting.users, BYTES("u")) == NULL);
    }
    CHECK_EQ(users_count(setting.users), 2);
    done(&setting);
}

TEST(users_log_in_by_any_of_their_passwords)
{
    struct setting setting;
    begin(&setting);
    CHECK(set(&setting, "u", ">one"));
    CHECK(set(&setting, "u", ">two"));
    CHECK(users_check(setting.users, BYTES("u"), BYTES("one")) == NULL); /* it is off */
    CHECK(set(&setting, "u", "on"));
    CHECK(users_check(setting.users, BYTES("u"), BYTES("one")) != NULL);
    CHECK(users_check(setting.users, BYTES("u"), BYTES("two")) != NULL);
    CHECK(users_check(setting.users, BYTES("u"), BYTES("onetwo")) == NULL);
    CHECK(users_check(setting.users, BYTES("v"), BYTES("one")) == NULL);
    CHECK(set(&setting, "u", "<one"));
    CHECK(users_check(setting.users, BYTES("u"), BYTES("one")) == NULL);
    CHECK(set(&setting, "u", "nopass"));
    CHECK(users_check(setting.users, BYTES("u"), BYTES("any")) != NULL);
    done(&setting);
}

TEST(users_of_a_selector_need_all_of_it)
{
    struct setting setting;
    struct access_why why;
    begin(&setting);
    CHECK(set(&setting, "u", "~a*"));
    CHECK(set(&setting, "u", "+get"));
    CHECK(set(&setting, "u", "(%W~b* +append)"));
    const struct user *user = users_find(setting.users, BYTES("u"));
    CHECK(may(&setting, user, "get", "a", &why));
    CHECK(may(&setting, user, "append", "b", &why));
    CHECK(!may(&setting, user, "get", "b", &why));
    CHECK_EQ(why.missing, ACCESS_KEY);
    CHECK_EQ(why.at, 1);
    CHECK(!may(&setting, user, "append", "a", &why));
    CHECK_EQ(why.missing, ACCESS_KEY);
    CHECK(!may(&setting, user, "set", "a", &why));
    CHECK_EQ(why.missing, ACCESS_COMMAND);
    done(&setting);
}
