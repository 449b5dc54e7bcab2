/* Fields that expire, as commands see them: what is told of them, and a model under a clock. */
#include "cmd_world.h"
#include "harness.h"
#include "store/store.h"

#include <stdio.h>

enum { KEYS = 3, FIELDS_MAX = 700, EVENTS_TOLD_MAX = 8 };

static const struct command *const groups[] = { hash_commands, generic_commands, NULL };

/* --- what is told ----------------------------------------------------------------------------- */

struct told {
    enum event events[EVENTS_TOLD_MAX];
    unsigned count;
};

static void tell(void *context, unsigned db, struct bytes key, enum event event)
{
    struct told *told = context;
    CHECK(db == 0 && key.count > 0);
    if (event == EVENT_NONE || event == EVENT_FORM || event == EVENT_NEW)
        return;
    CHECK(told->count < EVENTS_TOLD_MAX);
    told->events[told->count++] = event;
}

/* Runs the line and compares the words of the events it has told, parted by spaces. */
static void check_told(struct world *world, struct told *told, const char *line, const char *wanted)
{
    char words[200] = "";
    told->count = 0;
    world_ask(world, line);
    for (unsigned i = 0; i < told->count; i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? " " : "",
                 event_rows[told->events[i]].word);
    }
    CHECKF(strcmp(words, wanted) == 0, "%s: told '%s', not '%s'", line, words, wanted);
}

static void fill(struct world *world, unsigned count)
{
    char line[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "HSET h f%u v%u", i, i);
        world_ask(world, line);
    }
}

static void check_events(unsigned others)
{
    struct world *world = world_new(groups);
    struct told told = { .count = 0 };
    fill(world, others);
    store_add_hooks(world->context.store,
                    &(struct store_hooks){ .changed = tell, .notified = tell, .context = &told });
    check_told(world, &told, "HSET h a 1 b 2 c 3", "hset");
    check_told(world, &told, "HEXPIRE h 10 FIELDS 2 a nope", "hexpire");
    check_told(world, &told, "HEXPIRE h 10 NX FIELDS 2 a nope", "");
    check_told(world, &told, "HINCRBY h a 1", "hincrby");
    check_told(world, &told, "HPERSIST h FIELDS 1 a", "hpersist");
    check_told(world, &told, "HPERSIST h FIELDS 1 a", "");
    check_told(world, &told, "HGETEX h FIELDS 1 a", "");
    check_told(world, &told, "HGETEX h EX 10 FIELDS 1 a", "hexpire");
    check_told(world, &told, "HGETEX h PERSIST FIELDS 2 a b", "hpersist");
    check_told(world, &told, "HSETEX h FIELDS 1 a 1", "hset");
    check_told(world, &told, "HSETEX h EX 10 FIELDS 1 a 1", "hset hexpire");
    check_told(world, &told, "HSETEX h FNX EX 10 FIELDS 1 a 1", "");
    check_told(world, &told, "HSETEX h PXAT 1 FIELDS 1 a 1", "hset hdel");
    check_told(world, &told, "HPEXPIRE h 0 FIELDS 1 b", "hdel");
    check_told(world, &told, "HGETDEL h FIELDS 2 c c", "hdel");
    check_told(world, &told, "HGETDEL h FIELDS 1 c", "");
    check_told(world, &told, "HSETEX one PX 5 FIELDS 1 a 1", "hset hexpire");
    check_told(world, &told, "HGETEX one EXAT 0 FIELDS 1 a", "hdel del");
    check_told(world, &told, "HSETEX one PX 5 FIELDS 1 a 1", "hset hexpire");
    check_told(world, &told, "HPEXPIREAT one 0 FIELDS 1 a", "hdel del");
    CHECK(store_valid(world->context.store));
    store_remove_hooks(world->context.store, &told);
    world_drop(world);
}

TEST(hash_expire_events)
{
    check_events(1);
    check_events(600);
}

static void sweep(struct world *world)
{
    store_set_now_ms(world->context.store, world->wall_ms);
    while (!store_expire_step(world->context.store, UINT64_MAX))
        continue;
}

TEST(hash_expire_events_of_the_sweep)
{
    struct world *world = world_new(groups);
    struct told told = { .count = 0 };
    world_ask(world, "HSETEX h PX 50 FIELDS 2 a 1 b 2");
    world_ask(world, "HPEXPIRE h 90 FIELDS 1 b");
    store_add_hooks(world->context.store,
                    &(struct store_hooks){ .changed = tell, .notified = tell, .context = &told });
    world->wall_ms += 50; /* the last moment of its life */
    sweep(world);
    CHECK_EQ(told.count, 0);
    CHECK_TEXT(world_ask(world, "HPTTL h FIELDS 2 a b"), "*2\r\n:0\r\n:40\r\n");
    world->wall_ms += 1;
    CHECK_TEXT(world_ask(world, "HMGET h a b"), "*2\r\n$-1\r\n$1\r\n2\r\n");
    CHECK_TEXT(world_ask(world, "HLEN h"), ":2\r\n");
    sweep(world);
    CHECK_EQ(told.count, 1);
    CHECK_EQ(told.events[0], EVENT_HEXPIRED);
    CHECK_TEXT(world_ask(world, "HLEN h"), ":1\r\n");
    told.count = 0;
    world->wall_ms += 100;
    sweep(world);
    CHECK_EQ(told.count, 2);
    CHECK_EQ(told.events[0], EVENT_HEXPIRED);
    CHECK_EQ(told.events[1], EVENT_DEL);
    CHECK_TEXT(world_ask(world, "EXISTS h"), ":0\r\n");
    store_remove_hooks(world->context.store, &told);
    world_drop(world);
}

/* --- a model under a clock -------------------------------------------------------------------- */

struct field_model {
    bool there;
    int64_t expiry; /* INT64_MAX: none */
};

struct clock_model {
    struct world *world;
    struct rng rng;
    unsigned fields;
    struct field_model of[KEYS][FIELDS_MAX];
};

static bool is_live(const struct clock_model *model, const struct field_model *field)
{
    return field->there && field->expiry >= model->world->wall_ms;
}

static void ask_number(struct clock_model *model, const char *line, bool array, int64_t wanted)
{
    char reply[64];
    snprintf(reply, sizeof reply, "%s:%lld\r\n", array ? "*1\r\n" : "", (long long)wanted);
    struct bytes told = world_ask(model->world, line);
    CHECKF(bytes_equal(told, bytes_of_text(reply)), "%s: %.*s, not %s", line, (int)told.count,
           (const char *)told.at, reply);
}

static void clock_expire(struct clock_model *model, unsigned key, unsigned number)
{
    static const char *const words[] = { "", "NX ", "XX ", "GT ", "LT " };
    struct field_model *field = &model->of[key][number];
    char line[128];
    unsigned condition = (unsigned)rng_below(&model->rng, 5);
    int64_t now = model->world->wall_ms, before = field->expiry;
    int64_t expiry = now - 5 + (int64_t)rng_below(&model->rng, 400);
    const bool met[] = { true, before == INT64_MAX, before != INT64_MAX,
                         before<expiry, before> expiry };
    int64_t wanted = -2;
    if (is_live(model, field)) {
        wanted = !met[condition] ? 0 : expiry > now ? 1 : 2;
        if (wanted > 0)
            *field = (struct field_model){ wanted == 1, expiry };
    }
    snprintf(line, sizeof line, "HPEXPIREAT k%u %lld %sFIELDS 1 f%u", key, (long long)expiry,
             words[condition], number);
    ask_number(model, line, true, wanted);
}

static void clock_step(struct clock_model *model)
{
    unsigned key = (unsigned)rng_below(&model->rng, KEYS);
    unsigned number = (unsigned)rng_below(&model->rng, model->fields);
    struct field_model *field = &model->of[key][number];
    bool live = is_live(model, field);
    int64_t now = model->world->wall_ms, life = (int64_t)rng_below(&model->rng, 300);
    char line[128];
    switch (rng_below(&model->rng, 8)) {
    case 0:
        snprintf(line, sizeof line, "HSET k%u f%u v", key, number);
        ask_number(model, line, false, !live);
        *field = (struct field_model){ true, INT64_MAX };
        break;
    case 1:
    case 2:
        snprintf(line, sizeof line, "HSETEX k%u PX %lld FIELDS 1 f%u v", key, (long long)life,
                 number);
        ask_number(model, line, false, 1);
        *field = (struct field_model){ life > 0, now + life };
        break;
    case 3:
        snprintf(line, sizeof line, "HPERSIST k%u FIELDS 1 f%u", key, number);
        ask_number(model, line, true, !live ? -2 : field->expiry == INT64_MAX ? -1 : 1);
        if (live)
            field->expiry = INT64_MAX;
        break;
    case 4:
        snprintf(line, sizeof line, "HDEL k%u f%u", key, number);
        ask_number(model, line, false, live);
        field->there = field->there && !live;
        break;
    case 5:
        snprintf(line, sizeof line, "HPEXPIRETIME k%u FIELDS 1 f%u", key, number);
        ask_number(model, line, true, !live ? -2 : field->expiry == INT64_MAX ? -1 : field->expiry);
        break;
    default:
        clock_expire(model, key, number);
    }
}

/* After a sweep there is what lives, and no more. */
static void check_swept(struct clock_model *model)
{
    char line[64];
    sweep(model->world);
    for (unsigned key = 0; key < KEYS; key++) {
        unsigned live = 0;
        for (unsigned i = 0; i < model->fields; i++) {
            live += is_live(model, &model->of[key][i]);
            model->of[key][i].there = is_live(model, &model->of[key][i]);
        }
        snprintf(line, sizeof line, "HLEN k%u", key);
        ask_number(model, line, false, live);
        snprintf(line, sizeof line, "EXISTS k%u", key);
        ask_number(model, line, false, live > 0);
    }
    CHECK(store_valid(model->world->context.store));
}

static void run_clock(unsigned fields, unsigned steps)
{
    static struct clock_model model;
    memset(&model, 0, sizeof model);
    model.world = world_new(groups);
    model.fields = fields;
    rng_init(&model.rng, test_seed());
    for (unsigned i = 0; i < steps; i++) {
        clock_step(&model);
        model.world->wall_ms += rng_below(&model.rng, 40) == 0;
        if (i % 600 == 599)
            check_swept(&model);
    }
    model.world->wall_ms += 1000000;
    check_swept(&model);
    world_drop(model.world);
}

TEST(hash_expire_model_under_a_clock)
{
    run_clock(5, 4000);
    run_clock(60, 6000);
    run_clock(FIELDS_MAX, 12000);
}
