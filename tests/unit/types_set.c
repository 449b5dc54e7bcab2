/* Sets beside a naive model: an array that says which members are there; in all forms and names. */
#include "types/set.h"

#include "base/fault.h"
#include "harness.h"
#include "types_conformance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { IDS_MAX = 3000, TEXT_MAX = 40 * 1024 };

/* What members look like. */
enum flavour { INTEGERS, NAMES, MIXED, LONG, FLAVOURS };

struct model {
    struct type_world world;
    struct value value;  /* of `body` */
    struct buffer body;  /* as an entry would keep it */
    bool there[IDS_MAX]; /* in the set */
    uint32_t ids;        /* in use */
    uint64_t count;
    enum flavour flavour;
    bool seen[IDS_MAX];
    uint64_t visited;
    uint8_t text[TEXT_MAX];
};

/* The same id gives the same member. */
static struct bytes member(struct model *model, uint32_t id)
{
    uint64_t mixed = (id + 1) * UINT64_C(0x9e3779b97f4a7c15);
    enum flavour flavour = model->flavour;
    if (flavour == MIXED)
        flavour = id % 3 == 0 ? NAMES : INTEGERS;
    int count = 0;
    if (flavour == INTEGERS) {
        int64_t number = (int64_t)id - 1000;
        if (id % 5 == 1)
            number = (int64_t)(mixed >> 24) - INT64_C(1) * INT32_MAX;
        else if (id % 5 == 2)
            number = (int64_t)mixed;
        count = snprintf((char *)model->text, TEXT_MAX, "%" PRId64, number);
    } else {
        count = snprintf((char *)model->text, TEXT_MAX, "member:%012" PRIu32, id);
    }
    if (flavour == NAMES && id == 0)
        count = 0;
    if (flavour != LONG)
        return bytes_of(model->text, (size_t)count);
    size_t all = id % 40 == 0 ? TEXT_MAX - 5000 : id % 8 == 0 ? 9000 : 20 + mixed % 120;
    memset(model->text + count, 'x', all - (size_t)count);
    return bytes_of(model->text, all);
}

static uint32_t id_of(struct model *model, const uint8_t *element)
{
    struct packed_item item;
    set_item(&model->world.space, element, &item);
    for (uint32_t id = 0; id < model->ids; id++) {
        struct packed_item other;
        packed_sought(member(model, id), &other);
        if (packed_item_bytes(&item) == packed_item_bytes(&other) &&
            memcmp(item.head, other.head, item.head_bytes) == 0 &&
            memcmp(item.tail.at, other.tail.at, item.tail.count) == 0)
            return id;
    }
    CHECKF(false, "a member that was never added");
    return 0;
}

static bool see(void *context, const uint8_t *element)
{
    struct model *model = context;
    uint32_t id = id_of(model, element);
    CHECK(model->there[id]);
    CHECK(!model->seen[id]);
    model->seen[id] = true;
    model->visited++;
    return true;
}

static void see_scanned(void *context, const uint8_t *element)
{
    CHECK(see(context, element));
}

static void forget(struct model *model)
{
    memset(model->seen, 0, sizeof model->seen);
    model->visited = 0;
}

static void model_init(struct model *model, enum flavour flavour, uint32_t ids)
{
    memset(model, 0, sizeof *model);
    type_world_init(&model->world);
    model->flavour = flavour;
    model->ids = ids;
}

static void open_edit(struct model *model, struct value_edit *edit, const struct packed_item *first)
{
    struct space *space = &model->world.space;
    if (model->count > 0)
        set_open(edit, space, &model->world.arena, &model->value);
    else
        set_new(edit, space, &model->world.arena, set_new_name(space, first, 1));
}

/* As call_commit does it. */
static void commit(struct model *model, struct value_edit *edit)
{
    struct buffer body = { 0 };
    if (model->count == 0) {
        if (edit->existed || edit->became_big)
            value_drop(&model->world.space, &edit->value);
        buffer_release(&model->body);
    } else if (edit->changed) {
        CHECK(buffer_append(&body, edit->value.body));
        buffer_release(&model->body);
        model->body = body;
        model->value = edit->value;
        model->value.body = buffer_view(&body);
    }
    arena_reset(&model->world.arena);
}

static void change(struct model *model, uint32_t id, bool add)
{
    struct value_edit edit;
    struct packed_item item;
    bool done = false;
    packed_sought(member(model, id), &item);
    if (!add && model->count == 0)
        return;
    open_edit(model, &edit, &item);
    CHECK_EQ(add ? set_add(&edit, &item, &done) : set_remove(&edit, &item, &done), ERR_NONE);
    CHECK_EQ(done, model->there[id] != add);
    model->there[id] = add;
    if (done)
        model->count += add ? 1 : UINT64_MAX;
    CHECK_EQ(set_count(&model->world.space, &edit.value), model->count);
    commit(model, &edit);
}

static void check_members(struct model *model)
{
    struct space *space = &model->world.space;
    if (model->count == 0)
        return;
    CHECK(set_ops.valid(space, &model->value));
    for (uint32_t id = 0; id < model->ids; id++) {
        struct packed_item item;
        packed_sought(member(model, id), &item);
        CHECK_EQ(set_has(space, &model->value, &item), model->there[id]);
    }
    forget(model);
    set_each(space, &model->value, see, model);
    CHECK_EQ(model->visited, model->count);
    forget(model);
    uint64_t cursor = 0;
    do
        cursor = set_scan(space, &model->value, cursor, see_scanned, model);
    while (cursor != 0);
    CHECK_EQ(model->visited, model->count);
}

static void check_chance(struct model *model)
{
    struct space *space = &model->world.space;
    struct packed_item room;
    if (model->count < 2)
        return;
    CHECK(model->there[id_of(model, set_random(space, &model->value, &room))]);
    uint64_t wanted = rng_below(&model->world.rng, model->count);
    if (rng_below(&model->world.rng, 2) == 0)
        wanted /= 10;
    forget(model);
    CHECK_EQ(set_sample(space, &model->value, wanted, &model->world.arena, see, model), ERR_NONE);
    CHECK_EQ(model->visited, wanted);
    arena_reset(&model->world.arena);
}

static uint64_t count_refs(struct type_world *world, const struct value *value)
{
    (void)value;
    return type_blocks(world);
}

static void check_type(struct model *model)
{
    if (model->count > 0)
        type_conforms(&model->world, &model->value, count_refs(&model->world, &model->value),
                      type_allocated(&model->world));
}

static void run_model(enum flavour flavour, uint32_t ids, unsigned steps)
{
    struct model *model = malloc(sizeof *model);
    CHECK(model != NULL);
    model_init(model, flavour, ids);
    unsigned adds = 7;
    for (unsigned step = 0; step < steps; step++) {
        if (step % (steps / 4) == 0)
            adds = adds == 7 ? 4 : 7;
        if (step == steps / 4 * 3)
            adds = 1;
        change(model, (uint32_t)rng_below(&model->world.rng, ids),
               rng_below(&model->world.rng, 10) < adds);
        if (step % (steps / 8) == 0) {
            check_members(model);
            check_type(model);
            check_chance(model);
        }
    }
    for (uint32_t id = 0; id < ids; id++)
        change(model, id, false);
    CHECK_EQ(model->count, 0);
    type_world_release(&model->world);
    free(model);
}

TEST(set_models)
{
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        run_model((enum flavour)flavour, 12, 400);
        run_model((enum flavour)flavour, 150, 2000);
    }
    run_model(INTEGERS, 1500, 12000);
    run_model(NAMES, 1500, 12000);
    run_model(MIXED, 1500, 12000);
    run_model(LONG, 400, 3000);
}

/* --- names ------------------------------------------------------------------------------------ */

struct built {
    struct type_world world;
    struct value_edit edit;
};

static void build_number(struct built *built, int64_t number)
{
    struct packed_item item;
    bool added;
    packed_prepare_i64(number, &item);
    CHECK_EQ(set_add(&built->edit, &item, &added), ERR_NONE);
    CHECK(added);
}

static void build_text(struct built *built, struct bytes text)
{
    struct packed_item item;
    bool added;
    packed_sought(text, &item);
    CHECK_EQ(set_add(&built->edit, &item, &added), ERR_NONE);
    CHECK(added);
}

static void begin_built(struct built *built, enum set_name name)
{
    type_world_init(&built->world);
    set_new(&built->edit, &built->world.space, &built->world.arena, name);
}

static void end_built(struct built *built)
{
    type_conforms(&built->world, &built->edit.value, type_blocks(&built->world),
                  type_allocated(&built->world));
    value_drop(&built->world.space, &built->edit.value);
    type_world_release(&built->world);
}

static void check_name(struct built *built, const char *name)
{
    const char *found = set_ops.encoding_name(&built->world.space, &built->edit.value);
    CHECKF(strcmp(found, name) == 0, "%s, wanted %s", found, name);
}

static void build_numbers(struct built *built, int64_t from, int64_t to)
{
    for (int64_t number = from; number < to; number++)
        build_number(built, number);
}

TEST(set_names_of_integers)
{
    struct built built;
    begin_built(&built, SET_INTSET);
    build_numbers(&built, 0, 512);
    check_name(&built, "intset");
    build_number(&built, 512);
    check_name(&built, "hashtable");
    end_built(&built);
}

TEST(set_names_with_a_string)
{
    struct built built;
    begin_built(&built, SET_INTSET);
    build_numbers(&built, 0, 127);
    build_text(&built, BYTES("x"));
    check_name(&built, "listpack");
    build_text(&built, BYTES("y"));
    check_name(&built, "hashtable");
    end_built(&built);

    begin_built(&built, SET_INTSET);
    build_numbers(&built, 0, 128);
    build_text(&built, BYTES("x"));
    check_name(&built, "hashtable");
    end_built(&built);
}

TEST(set_names_by_length)
{
    static const char text[66] =
        "12345678901234567890123456789012345678901234567890123456789012345";
    struct built built;
    begin_built(&built, SET_LISTPACK);
    build_text(&built, bytes_of(text, 64));
    check_name(&built, "listpack");
    build_text(&built, bytes_of(text, 65));
    check_name(&built, "hashtable");
    CHECK_EQ(built.edit.value.encoding, SET_FLAT);
    end_built(&built);

    begin_built(&built, SET_INTSET);
    build_number(&built, INT64_MIN);
    built.world.limits.set_listpack_value = 19;
    build_text(&built, BYTES("x"));
    check_name(&built, "hashtable");
    end_built(&built);
}

/* A limit far over the usual: the name stays, the form becomes a table. */
TEST(set_names_of_tables)
{
    struct built built;
    begin_built(&built, SET_INTSET);
    built.world.limits.set_intset_entries = 100000;
    build_numbers(&built, 0, 10000);
    check_name(&built, "intset");
    CHECK_EQ(built.edit.value.encoding, SET_BIG);
    build_text(&built, BYTES("x"));
    check_name(&built, "hashtable");
    end_built(&built);

    begin_built(&built, SET_LISTPACK);
    built.world.limits.set_listpack_entries = 100000;
    build_numbers(&built, 0, 10000);
    check_name(&built, "listpack");
    CHECK_EQ(built.edit.value.encoding, SET_BIG);
    end_built(&built);
}

TEST(set_expects_members)
{
    struct built built;
    struct packed_item number, text;
    begin_built(&built, SET_INTSET);
    packed_prepare_i64(1, &number);
    packed_sought(BYTES("x"), &text);
    const struct space *space = &built.world.space;
    CHECK_EQ(set_new_name(space, &number, 512), SET_INTSET);
    CHECK_EQ(set_new_name(space, &number, 513), SET_HASHTABLE);
    CHECK_EQ(set_new_name(space, &text, 128), SET_LISTPACK);
    CHECK_EQ(set_new_name(space, &text, 129), SET_HASHTABLE);
    built.world.limits.set_intset_entries = 0;
    CHECK_EQ(set_new_name(space, &number, 1), SET_LISTPACK);
    built.world.limits.set_intset_entries = 512;
    build_number(&built, 1);
    CHECK_EQ(set_expect(&built.edit, 512), ERR_NONE);
    check_name(&built, "intset");
    CHECK_EQ(set_expect(&built.edit, 513), ERR_NONE);
    check_name(&built, "hashtable");
    end_built(&built);
}

TEST(set_back_to_integers)
{
    struct built built;
    begin_built(&built, SET_LISTPACK);
    for (int64_t number = 512; number > 0; number--)
        build_number(&built, number * 1000 - 100000);
    check_name(&built, "hashtable");
    CHECK_EQ(set_to_integers(&built.edit), ERR_NONE);
    check_name(&built, "intset");
    CHECK_EQ(built.edit.value.body.count, 1 + 512 * 4);
    end_built(&built);

    begin_built(&built, SET_LISTPACK);
    build_numbers(&built, 0, 20);
    build_text(&built, BYTES("x"));
    CHECK_EQ(set_to_integers(&built.edit), ERR_NONE);
    check_name(&built, "listpack");
    end_built(&built);
}

/* As few bytes as hold all of them. */
TEST(set_of_integers_in_bytes)
{
    struct built built;
    begin_built(&built, SET_INTSET);
    build_numbers(&built, 0, 10);
    CHECK_EQ(built.edit.value.body.count, 1 + 10 * 2);
    build_number(&built, 123456789);
    CHECK_EQ(built.edit.value.body.count, 1 + 11 * 4);
    build_number(&built, INT64_MIN);
    CHECK_EQ(built.edit.value.body.count, 1 + 12 * 8);
    end_built(&built);
}

/* --- what may go wrong ------------------------------------------------------------------------ */

TEST(set_hostile_images)
{
    struct type_world world;
    type_world_init(&world);
    type_hostile_images(&world, VALUE_SET, BYTES("\0\xe1\1\xe1\2\xe2\0\1"), 3000);
    type_hostile_images(&world, VALUE_SET, BYTES("\1\1a\2bb\3ccc\xe1\1"), 3000);
    type_hostile_images(&world, VALUE_SET, BYTES("\2\1a\2bb\3ccc\xe1\1"), 3000);
    static uint8_t image[1 + 9 + 40000] = { SET_HASHTABLE, PACKED_RUN, 0x40, 0x9c };
    struct buffer body = { 0 };
    struct value value;
    CHECK_EQ(set_ops.decode(&world.space, bytes_of(image, sizeof image), &value, &body), ERR_NONE);
    value_drop(&world.space, &value);
    CHECK_EQ(set_ops.decode(&world.space, bytes_of(image, sizeof image - 1), &value, &body),
             ERR_SYNTAX);
    buffer_release(&body);
    type_world_release(&world);
}

/* Whatever is refused, the set holds what it held. */
TEST(set_without_memory)
{
    for (uint64_t allowed = 0; allowed < 40; allowed++) {
        struct built built;
        begin_built(&built, SET_LISTPACK);
        for (uint32_t id = 0; id < 128; id++) {
            char text[40];
            snprintf(text, sizeof text, "member:%" PRIu32, id);
            build_text(&built, bytes_of_text(text));
        }
        (void)heap_refuse_after(built.world.heap, allowed / 2, allowed % 2 == 1);
        uint64_t count = 128;
        for (uint32_t id = 0; id < 200; id++) {
            char text[40];
            struct packed_item item;
            bool added;
            snprintf(text, sizeof text, "another:%" PRIu32, id);
            packed_sought(bytes_of_text(text), &item);
            enum err err = set_add(&built.edit, &item, &added);
            CHECK(err == ERR_NONE || err == ERR_MEMORY);
            CHECK_EQ(added, err == ERR_NONE);
            count += added;
            CHECK_EQ(set_count(&built.world.space, &built.edit.value), count);
        }
        (void)heap_refuse_after(built.world.heap, UINT64_MAX, false);
        end_built(&built);
    }
}
