/* Hashes beside a naive model: all encodings, expiries of fields, and the interface of types. */
#include "base/memory.h"
#include "harness.h"
#include "types/hash.h"
#include "types_conformance.h"

#include <stdio.h>

/* A hash outside of any entry: its body is the test's between two edits. */
struct kept {
    struct type_world world;
    struct buffer body;
    struct value value;
    bool there;
};

static void kept_init(struct kept *kept)
{
    memset(kept, 0, sizeof *kept);
    type_world_init(&kept->world);
}

static void kept_drop(struct kept *kept)
{
    if (kept->there)
        value_drop(&kept->world.space, &kept->value);
    kept->there = false;
    kept->body.count = 0;
}

static void kept_release(struct kept *kept)
{
    kept_drop(kept);
    buffer_release(&kept->body);
    type_world_release(&kept->world);
}

static void kept_open(struct kept *kept, struct value_edit *edit)
{
    if (kept->there) {
        edit_open(edit, &kept->world.space, &kept->world.arena, &kept->value,
                  (kept->value.encoding & HASH_BIG) != 0);
        return;
    }
    edit_new(edit, &kept->world.space, &kept->world.arena, VALUE_HASH, HASH_SMALL);
    CHECK(hash_begin(edit));
}

static void kept_commit(struct kept *kept, struct value_edit *edit)
{
    struct hash hash;
    hash_settle(edit);
    hash_view_edit(&hash, edit, 0);
    uint64_t count = hash_count(&hash);
    struct bytes body = edit->value.body;
    if (body.at != kept->body.at) {
        kept->body.count = 0;
        CHECK(buffer_append(&kept->body, body));
    }
    kept->value = edit->value;
    kept->value.body = buffer_view(&kept->body);
    kept->there = true;
    arena_reset(&kept->world.arena);
    if (count == 0)
        kept_drop(kept);
}

static void kept_set(struct kept *kept, struct bytes field, struct bytes value, int64_t now,
                     int64_t expiry, enum hash_outcome *outcome)
{
    struct value_edit edit;
    kept_open(kept, &edit);
    if (expiry != HASH_NO_EXPIRY && expiry != HASH_KEEP_EXPIRY && edit.root != NULL) {
        CHECK(hash_allow_expiries(edit.space, edit.root));
        edit.value.encoding |= HASH_EXPIRING;
    }
    CHECK_EQ(hash_set(&edit, now, field, value, expiry, outcome), ERR_NONE);
    kept_commit(kept, &edit);
}

static bool kept_seek(struct kept *kept, struct value_edit *edit, struct bytes field, int64_t now,
                      struct hash_place *place)
{
    struct hash hash;
    kept_open(kept, edit);
    hash_view_edit(&hash, edit, now);
    if (kept->there && hash_get(&hash, field, place))
        return true;
    arena_reset(&kept->world.arena);
    return false;
}

static bool kept_remove(struct kept *kept, struct bytes field, int64_t now)
{
    struct value_edit edit;
    struct hash_place place;
    if (!kept_seek(kept, &edit, field, now, &place))
        return false;
    CHECK_EQ(hash_remove(&edit, &place), ERR_NONE);
    kept_commit(kept, &edit);
    return true;
}

static bool kept_expire(struct kept *kept, struct bytes field, int64_t now, int64_t expiry)
{
    struct value_edit edit;
    struct hash_place place;
    if (!kept_seek(kept, &edit, field, now, &place))
        return false;
    if (edit.root != NULL && expiry != HASH_NO_EXPIRY) {
        CHECK(hash_allow_expiries(edit.space, edit.root));
        edit.value.encoding |= HASH_EXPIRING;
    }
    CHECK_EQ(hash_set_expiry(&edit, &place, expiry), ERR_NONE);
    kept_commit(kept, &edit);
    return true;
}

/* One step of the sweep, as the store makes it. */
static uint64_t kept_sweep(struct kept *kept, int64_t now)
{
    if (!kept->there || (kept->value.encoding & HASH_EXPIRING) == 0)
        return 0;
    uint8_t room[VALUE_SMALL_MAX];
    struct value_expiry done = { .room = room };
    hash_ops.expire_step(&kept->world.space, &kept->value, now, &done);
    if (done.empty) {
        kept_drop(kept);
    } else if (done.removed > 0) {
        if ((kept->value.encoding & HASH_BIG) == 0) {
            memcpy(kept->body.at, room, done.body_bytes);
            kept->body.count = done.body_bytes;
        }
        kept->value.body = buffer_view(&kept->body);
        kept->value.encoding = (uint8_t)done.encoding;
    }
    return done.removed;
}

/* --- the model -------------------------------------------------------------------------------- */

enum { FIELDS = 3000 };

struct model {
    struct kept kept;
    bool there[FIELDS];
    uint32_t number[FIELDS], bytes[FIELDS]; /* what the value is made of */
    int64_t expiry[FIELDS];
    int64_t now;
    uint8_t text[80 * 1024];
};

/* Fields of all forms: integers, texts, and a few that are long. */
static struct bytes field_of(uint32_t number, char *room, size_t bytes)
{
    if (number % 3 == 0)
        return bytes_of(room, (size_t)snprintf(room, bytes, "%u", number));
    if (number % 997 == 1) {
        memset(room, 'a' + (int)(number % 26), bytes);
        memcpy(room, &number, sizeof number);
        return bytes_of(room, bytes);
    }
    return bytes_of(room, (size_t)snprintf(room, bytes, "field:%u", number));
}
enum { FIELD_ROOM = 33000 };

static struct bytes value_of(struct model *model, uint32_t field)
{
    if (model->bytes[field] == 0)
        return bytes_of(model->text,
                        (size_t)snprintf((char *)model->text, 32, "%u", model->number[field]));
    memset(model->text, (int)(model->number[field] & 0x7f), model->bytes[field]);
    return bytes_of(model->text, model->bytes[field]);
}

static bool model_live(const struct model *model, uint32_t field)
{
    return model->there[field] && model->expiry[field] >= model->now;
}

static void check_field(struct model *model, uint32_t field)
{
    char room[FIELD_ROOM];
    uint8_t digits[NUMBER_I64_MAX];
    struct hash hash;
    struct hash_place place;
    bool found = false;
    if (model->kept.there) {
        hash_view(&hash, &model->kept.world.space, &model->kept.value, model->now);
        found = hash_get(&hash, field_of(field, room, sizeof room), &place);
    }
    CHECK_EQ(found, model_live(model, field));
    if (!found)
        return;
    CHECK_BYTES(packed_view(&model->kept.world.space, place.pair.value, digits),
                value_of(model, field));
    CHECK_EQ(place.pair.expiry, model->expiry[field]);
}

static bool count_visit(void *context, const struct hash_pair *pair)
{
    (void)pair;
    ++*(uint64_t *)context;
    return true;
}

static void check_whole(struct model *model)
{
    uint64_t live = 0, seen = 0;
    for (uint32_t field = 0; field < FIELDS; field++) {
        live += model_live(model, field);
        check_field(model, field);
    }
    if (!model->kept.there) {
        CHECK_EQ(live, 0);
        return;
    }
    struct hash hash;
    hash_view(&hash, &model->kept.world.space, &model->kept.value, model->now);
    hash_each(&hash, count_visit, &seen);
    CHECK_EQ(seen, live);
    CHECK(hash_count(&hash) >= live);
    CHECK(hash_ops.valid(&model->kept.world.space, &model->kept.value));
    uint64_t blocks = type_blocks(&model->kept.world);
    type_conforms(&model->kept.world, &model->kept.value, blocks,
                  type_allocated(&model->kept.world));
}

static void model_set(struct model *model, uint32_t field)
{
    struct rng *rng = &model->kept.world.rng;
    char room[FIELD_ROOM];
    enum hash_outcome outcome;
    static const uint32_t lengths[] = { 0, 0, 0, 0, 1, 5, 16, 63, 64, 65, 127, 128, 300 };
    uint32_t bytes = lengths[rng_below(rng, sizeof lengths / sizeof lengths[0])];
    if (rng_below(rng, 500) == 0)
        bytes = (uint32_t)rng_below(rng, 70000);
    bool live = model_live(model, field);
    model->number[field] = (uint32_t)rng_below(rng, 100000);
    model->bytes[field] = bytes;
    int64_t expiry = HASH_NO_EXPIRY;
    uint64_t chance = rng_below(rng, 8);
    if (chance == 0)
        expiry = model->now + (int64_t)rng_below(rng, 5000);
    if (chance == 1)
        expiry = HASH_KEEP_EXPIRY;
    kept_set(&model->kept, field_of(field, room, sizeof room), value_of(model, field), model->now,
             expiry, &outcome);
    CHECK_EQ(outcome, live ? HASH_REPLACED : HASH_ADDED);
    if (expiry != HASH_KEEP_EXPIRY)
        model->expiry[field] = expiry;
    else if (!live)
        model->expiry[field] = HASH_NO_EXPIRY;
    model->there[field] = true;
}

static void model_sweep(struct model *model)
{
    model->now += (int64_t)rng_below(&model->kept.world.rng, 300);
    unsigned steps = 0;
    while (model->kept.there && (model->kept.value.encoding & HASH_EXPIRING) != 0 &&
           hash_ops.earliest(&model->kept.world.space, &model->kept.value) < model->now) {
        kept_sweep(&model->kept, model->now);
        CHECK(++steps < 200);
    }
    for (uint32_t field = 0; field < FIELDS; field++)
        model->there[field] = model_live(model, field);
}

static void model_step(struct model *model, uint32_t fields, unsigned removal)
{
    struct rng *rng = &model->kept.world.rng;
    char room[FIELD_ROOM];
    uint32_t field = (uint32_t)rng_below(rng, fields);
    uint64_t chance = rng_below(rng, 100);
    if (chance < removal) {
        bool live = model_live(model, field);
        CHECK_EQ(kept_remove(&model->kept, field_of(field, room, sizeof room), model->now), live);
        if (live)
            model->there[field] = false;
    } else if (chance < removal + 10) {
        int64_t expiry =
            rng_below(rng, 3) == 0 ? HASH_NO_EXPIRY : model->now + (int64_t)rng_below(rng, 3000);
        bool live = model_live(model, field);
        CHECK_EQ(kept_expire(&model->kept, field_of(field, room, sizeof room), model->now, expiry),
                 live);
        if (live)
            model->expiry[field] = expiry;
    } else if (chance < removal + 11) {
        model_sweep(model);
    } else {
        model_set(model, field);
    }
    check_field(model, field);
}

static void run_model(uint32_t fields, unsigned rounds)
{
    struct model *model = memory_take_zeroed(sizeof *model);
    CHECK(model != NULL);
    kept_init(&model->kept);
    model->now = 1000000;
    for (unsigned round = 0; round < rounds; round++) {
        model_step(model, fields, round % 2000 < 1200 ? 15 : 75);
        if (round % 500 == 499)
            check_whole(model);
    }
    check_whole(model);
    kept_release(&model->kept);
    memory_give(model);
}

TEST(hash_model_small)
{
    for (unsigned i = 0; i < 6; i++)
        run_model(12, 1500);
}

TEST(hash_model_growing)
{
    run_model(400, 8000);
}

TEST(hash_model_big)
{
    run_model(FIELDS, 16000);
}

/* --- forms and names -------------------------------------------------------------------------- */

static const char *name_of(const struct kept *kept)
{
    return hash_ops.encoding_name(&kept->world.space, &kept->value);
}

static void set_text(struct kept *kept, const char *field, size_t value_bytes, int64_t expiry)
{
    uint8_t value[20000];
    enum hash_outcome outcome;
    memset(value, 'v', sizeof value);
    kept_set(kept, bytes_of_text(field), bytes_of(value, value_bytes), 1000, expiry, &outcome);
}

TEST(hash_names_at_the_limits)
{
    struct kept kept;
    kept_init(&kept);
    set_text(&kept, "a", 64, HASH_NO_EXPIRY);
    CHECK(strcmp(name_of(&kept), "listpack") == 0);
    set_text(&kept, "a", 65, HASH_NO_EXPIRY);
    CHECK(strcmp(name_of(&kept), "hashtable") == 0);
    set_text(&kept, "a", 1, HASH_NO_EXPIRY); /* one way */
    CHECK(strcmp(name_of(&kept), "hashtable") == 0);
    CHECK_EQ(kept.value.encoding, HASH_SMALL);
    kept_drop(&kept);
    for (unsigned i = 0; i < 513; i++) {
        char field[16];
        snprintf(field, sizeof field, "%u", i);
        set_text(&kept, field, 1, HASH_NO_EXPIRY);
        CHECK_EQ(strcmp(name_of(&kept), "listpack") == 0, i < 512);
    }
    CHECK_EQ(kept.value.encoding, HASH_BIG);
    kept_drop(&kept);
    set_text(&kept, "a", 1, 5000);
    CHECK(strcmp(name_of(&kept), "listpackex") == 0);
    CHECK_EQ(kept.value.encoding, HASH_EXPIRING);
    CHECK(kept_expire(&kept, BYTES("a"), 1000, HASH_NO_EXPIRY));
    CHECK_EQ(kept.value.encoding, HASH_SMALL);
    CHECK(strcmp(name_of(&kept), "listpackex") == 0);
    kept_release(&kept);
}

/* A listpack by its name, a table by its bytes. */
TEST(hash_form_is_not_the_name)
{
    struct kept kept;
    kept_init(&kept);
    for (unsigned i = 0; i < 200; i++) {
        char field[16];
        snprintf(field, sizeof field, "field%u", i);
        set_text(&kept, field, 60, HASH_NO_EXPIRY);
    }
    CHECK_EQ(kept.value.encoding, HASH_BIG);
    CHECK(strcmp(name_of(&kept), "listpack") == 0);
    kept_expire(&kept, BYTES("field1"), 1000, 2000);
    CHECK_EQ(kept.value.encoding, HASH_BIG | HASH_EXPIRING);
    CHECK(strcmp(name_of(&kept), "listpackex") == 0);
    while (kept_sweep(&kept, 3000) == 0)
        continue;
    CHECK_EQ(kept.value.encoding, HASH_BIG);
    kept_release(&kept);
}

/* An expiry for every field of a body without room for them. */
TEST(hash_outgrows_by_expiries)
{
    struct kept kept;
    kept_init(&kept);
    for (unsigned i = 0; i < 480; i++) {
        char field[16];
        snprintf(field, sizeof field, "f%u", i);
        set_text(&kept, field, 9, HASH_NO_EXPIRY);
    }
    CHECK_EQ(kept.value.encoding, HASH_SMALL);
    for (unsigned i = 0; i < 480; i++) {
        char field[16];
        snprintf(field, sizeof field, "f%u", i);
        CHECK(kept_expire(&kept, bytes_of_text(field), 1000, 5000 + i));
    }
    CHECK_EQ(kept.value.encoding, HASH_BIG | HASH_EXPIRING);
    CHECK(hash_ops.valid(&kept.world.space, &kept.value));
    kept_release(&kept);
}

/* --- walks ------------------------------------------------------------------------------------ */

static void mark_visit(void *context, const struct hash_pair *pair)
{
    bool *seen = context;
    int64_t number = packed_integer(pair->field);
    seen[number] = true;
}

/* What is there throughout is seen, whatever comes and goes between the steps. */
TEST(hash_scan_keeps_its_promise)
{
    enum { STAY = 1000, COME = 4000 };
    static const size_t growths[] = { 0, 1, 2 };
    for (size_t way = 0; way < sizeof growths / sizeof growths[0]; way++) {
        struct kept kept;
        bool *seen = memory_take_zeroed(COME);
        kept_init(&kept);
        for (unsigned i = 0; i < (way == 0 ? STAY : COME); i++) {
            char field[16];
            snprintf(field, sizeof field, "%u", i);
            set_text(&kept, field, 20, HASH_NO_EXPIRY);
        }
        uint64_t cursor = 0;
        unsigned next = STAY;
        do {
            struct hash hash;
            hash_view(&hash, &kept.world.space, &kept.value, 0);
            cursor = hash_scan(&hash, cursor, mark_visit, seen);
            for (unsigned i = 0; i < 20 && next < COME; i++, next++) {
                char field[16];
                snprintf(field, sizeof field, "%u", next);
                if (way == 0)
                    set_text(&kept, field, 20, HASH_NO_EXPIRY);
                else
                    CHECK(kept_remove(&kept, bytes_of_text(field), 0));
            }
        } while (cursor != 0);
        for (unsigned i = 0; i < STAY; i++)
            CHECKF(seen[i], "field %u was not seen", i);
        memory_give(seen);
        kept_release(&kept);
    }
}

/* Where nearly all fields have expired, what is left is found all the same. */
TEST(hash_random_among_expired)
{
    struct kept kept;
    kept_init(&kept);
    for (unsigned i = 0; i < 2000; i++) {
        char field[16];
        snprintf(field, sizeof field, "%u", i);
        set_text(&kept, field, 5, i == 1234 ? HASH_NO_EXPIRY : 2000);
    }
    struct hash hash;
    struct hash_pair pair;
    hash_view(&hash, &kept.world.space, &kept.value, 3000);
    CHECK(hash_random(&hash, &kept.world.rng, &pair));
    CHECK_EQ(packed_integer(pair.field), 1234);
    CHECK(kept_remove(&kept, BYTES("1234"), 3000));
    hash_view(&hash, &kept.world.space, &kept.value, 3000);
    CHECK(!hash_random(&hash, &kept.world.rng, &pair));
    uint64_t removed = 0;
    for (unsigned steps = 0; kept.there; steps++) {
        uint64_t more = kept_sweep(&kept, 3000);
        CHECK(more <= 1000 && steps < 1000);
        removed += more;
    }
    CHECK_EQ(removed, 1999);
    kept_release(&kept);
}

TEST(hash_hostile_images)
{
    struct kept kept;
    struct buffer image = { 0 };
    kept_init(&kept);
    set_text(&kept, "a", 3, HASH_NO_EXPIRY);
    set_text(&kept, "12", 4, 7000);
    CHECK_EQ(hash_ops.encode(&kept.world.space, &kept.value, &image), ERR_NONE);
    type_hostile_images(&kept.world, VALUE_HASH, buffer_view(&image), 0);
    uint64_t blocks = type_blocks(&kept.world);
    CHECK_EQ(blocks, 0);
    type_hostile_images(&kept.world, VALUE_HASH, buffer_view(&image), 4000);
    /* A field twice. */
    struct buffer twice = { 0 }, body = { 0 };
    struct value value;
    CHECK(buffer_append(&twice, bytes_of("\0\2\0\0\0\0\0\0\0", 9)));
    for (unsigned i = 0; i < 2; i++)
        CHECK(buffer_append(&twice, bytes_of("\377\377\377\377\377\377\377\177"
                                             "\1\0\0\0\0\0\0\0f"
                                             "\1\0\0\0\0\0\0\0v",
                                             26)));
    CHECK_EQ(hash_ops.decode(&kept.world.space, buffer_view(&twice), &value, &body), ERR_SYNTAX);
    buffer_release(&twice);
    buffer_release(&body);
    buffer_release(&image);
    kept_release(&kept);
}
