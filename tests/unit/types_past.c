/* Big values told as they were, while everything about them changes. */
#include "struct/past.h"

#include "base/memory.h"
#include "harness.h"
#include "heap/mover.h"
#include "persist_parts.h"
#include "types_changes.h"

#include <stdio.h>
#include <stdlib.h>

enum { SUBJECTS = 2, BYSTANDERS = 2, VALUES = SUBJECTS + BYSTANDERS };

static void keep_part(void *context, const struct part *part)
{
    parts_add(context, part);
}

/* --- moving ----------------------------------------------------------------------------------- */

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct type_world *world = context;
    for (size_t i = 0; i < count; i++) {
        moves[i].done =
            kind == BLOCK_NODE && nodes_repoint(&world->space, moves[i].from, moves[i].to);
        CHECK(moves[i].done);
    }
}

static void move_blocks(struct type_world *world, uint64_t most)
{
    struct heap_mover mover = { repoint, world };
    heap_move_all(world->heap, &mover, most);
}

/* --- a value that is told while it changes ---------------------------------------------------- */

struct subject {
    struct changes changes;
    struct parts before, told;
    struct teller *teller;
    bool done;
};

static void tell_all(struct type_world *world, const struct value *value, struct parts *parts)
{
    struct teller *teller = teller_new(&world->space, value);
    CHECK(teller != NULL);
    while (!teller_step(teller, keep_part, parts))
        CHECK(!teller_is_spoiled(teller));
    teller_drop(teller);
}

static void check_same(const struct subject *subject)
{
    struct buffer before = { 0 }, told = { 0 };
    if (parts_equal(&subject->before, &subject->told))
        return;
    parts_describe(&subject->before, &before);
    parts_describe(&subject->told, &told);
    size_t at = 0;
    while (at < before.count && at < told.count && before.at[at] == told.at[at])
        at++;
    size_t from = at < 60 ? 0 : at - 60;
    test_fail(__FILE__, __LINE__, "type %u: at %zu of %zu and %zu: wanted %.120s, found %.120s",
              subject->changes.type, at, before.count, told.count, (const char *)before.at + from,
              (const char *)told.at + from);
}

/* Whatever may happen between two steps of a teller. */
static void disturb(struct type_world *world, struct subject *subjects, struct changes *bystanders,
                    unsigned most)
{
    uint64_t steps = rng_below(&world->rng, most);
    for (uint64_t i = 0; i < steps; i++) {
        unsigned which = (unsigned)rng_below(&world->rng, VALUES);
        struct changes *changes =
            which < SUBJECTS ? &subjects[which].changes : &bystanders[which - SUBJECTS];
        if (rng_below(&world->rng, 2000) == 0)
            changes_drop(changes);
        changes_step(changes);
    }
    if (rng_below(&world->rng, 3) == 0)
        move_blocks(world, 1 + rng_below(&world->rng, 2000));
}

static void check_valid(struct type_world *world, const struct changes *changes)
{
    if (changes->there)
        CHECK(type_ops(changes->type)->valid(&world->space, &changes->value));
}

static void close_past(struct space *space)
{
    past_close(space);
    while (!past_free_step(space))
        CHECK(space->past_rest != NULL);
    CHECK(space->past_rest == NULL);
}

static void begin_subject(struct type_world *world, struct subject *subject, unsigned type)
{
    *subject = (struct subject){ 0 };
    changes_init(&subject->changes, world, type);
    changes_grow(&subject->changes, 300 + rng_below(&world->rng, 700));
    CHECK(subject->changes.there && value_root_id(&subject->changes.value) != 0);
    tell_all(world, &subject->changes.value, &subject->before);
}

static void end_subject(struct type_world *world, struct subject *subject)
{
    check_valid(world, &subject->changes);
    changes_release(&subject->changes);
    parts_release(&subject->before);
    parts_release(&subject->told);
}

/* Both are told, step by step in turn, the first one sometimes late. */
static void tell_disturbed(struct type_world *world, struct subject *subjects,
                           struct changes *bystanders, unsigned most)
{
    for (unsigned left = SUBJECTS; left > 0;) {
        struct subject *subject = &subjects[rng_below(&world->rng, SUBJECTS)];
        disturb(world, subjects, bystanders, most);
        if (subject->done)
            continue;
        bool over = teller_step(subject->teller, keep_part, &subject->told);
        CHECK(!teller_is_spoiled(subject->teller));
        if (!over)
            continue;
        teller_drop(subject->teller);
        subject->done = true;
        check_same(subject);
        left--;
    }
}

static void check_told_as_it_was(struct type_world *world, unsigned type, unsigned most)
{
    struct subject subjects[SUBJECTS];
    struct changes bystanders[BYSTANDERS];
    unsigned others[] = { VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH, VALUE_STREAM };
    for (unsigned i = 0; i < SUBJECTS; i++)
        begin_subject(world, &subjects[i], i == 0 ? type : others[rng_below(&world->rng, 5)]);
    for (unsigned i = 0; i < BYSTANDERS; i++) {
        changes_init(&bystanders[i], world, others[rng_below(&world->rng, 5)]);
        bystanders[i].runs = false;
    }
    struct past *past = past_open(&world->space, UINT64_MAX / 2);
    CHECK(past != NULL);
    for (unsigned i = 0; i < SUBJECTS; i++) {
        subjects[i].teller = teller_new(&world->space, &subjects[i].changes.value);
        CHECK(subjects[i].teller != NULL);
    }
    tell_disturbed(world, subjects, bystanders, most);
    CHECK(!past_is_spoiled(past));
    CHECK_EQ(past_bytes(past), 0); /* bystanders are younger than the past */
    close_past(&world->space);
    for (unsigned i = 0; i < SUBJECTS; i++)
        end_subject(world, &subjects[i]);
    for (unsigned i = 0; i < BYSTANDERS; i++) {
        check_valid(world, &bystanders[i]);
        changes_release(&bystanders[i]);
    }
    CHECK_EQ(type_blocks(world), 0);
}

static void check_type(unsigned type)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned round = 0; round < 3; round++)
        check_told_as_it_was(&world, type, round % 3 == 0 ? 4 : round % 3 == 1 ? 30 : 300);
    type_world_release(&world);
}

TEST(past_lists_are_told_as_they_were)
{
    check_type(VALUE_LIST);
}
TEST(past_sets_are_told_as_they_were)
{
    check_type(VALUE_SET);
}
TEST(past_sorted_sets_are_told_as_they_were)
{
    check_type(VALUE_ZSET);
}
TEST(past_hashes_are_told_as_they_were)
{
    check_type(VALUE_HASH);
}
TEST(past_streams_are_told_as_they_were)
{
    check_type(VALUE_STREAM);
}

/* --- too little room, and giving up ----------------------------------------------------------- */

/* Over its limit with a second value, or with a teller that stops half way: changes go on, and
 * nothing is left over. */
static void check_given_up(struct type_world *world, unsigned type, uint64_t limit)
{
    struct subject subject, large;
    begin_subject(world, &subject, type);
    begin_subject(world, &large, type);
    struct past *past = past_open(&world->space, limit);
    CHECK(past != NULL);
    subject.teller = teller_new(&world->space, &subject.changes.value);
    CHECK(subject.teller != NULL);
    bool over = false;
    while (past_large_bytes(past) == 0 && past_bytes(past) == 0)
        changes_step(&large.changes);
    /* One value may pass any limit; a stream with groups is several. */
    CHECK(type == VALUE_STREAM || !past_is_spoiled(past));
    for (unsigned i = 0; i < 40 && !over && !past_is_spoiled(past); i++) {
        for (unsigned k = 0; k < 20; k++)
            changes_step(&subject.changes);
        CHECK(past_bytes(past) - past_large_bytes(past) <= limit);
        if (!past_is_spoiled(past))
            over = teller_step(subject.teller, keep_part, &subject.told);
    }
    CHECK(over || limit > 0 || past_is_spoiled(past));
    if (over)
        check_same(&subject);
    for (unsigned k = 0; k < 500; k++)
        changes_step(&subject.changes);
    move_blocks(world, 1000);
    CHECK(past_bytes(past) - past_large_bytes(past) <= limit);
    bool early = rng_below(&world->rng, 2) == 0;
    if (early)
        teller_drop(subject.teller);
    close_past(&world->space);
    if (!early)
        teller_drop(subject.teller);
    end_subject(world, &subject);
    end_subject(world, &large);
    CHECK_EQ(type_blocks(world), 0);
}

TEST(past_over_its_limit_is_given_up)
{
    static const uint64_t limits[] = { 0, 1000, 200 * 1024, UINT64_MAX / 2 };
    struct type_world world;
    type_world_init(&world);
    for (unsigned type = VALUE_LIST; type < VALUE_TYPES; type++)
        for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++)
            check_given_up(&world, type, limits[i]);
    type_world_release(&world);
}

/* A value whose memory for copies fails, at any place, is as valid as before. */
TEST(past_without_memory_is_spoiled)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned round = 0; round < 20; round++) {
        struct subject subject;
        begin_subject(&world, &subject, VALUE_LIST + round % 5);
        struct past *past = past_open(&world.space, UINT64_MAX / 2);
        CHECK(past != NULL);
        memory_fail_after(rng_below(&world.rng, 20));
        while (!past_is_spoiled(past) && !memory_has_failed())
            changes_step(&subject.changes);
        memory_fail_after(UINT64_MAX);
        for (unsigned i = 0; i < 100; i++)
            changes_step(&subject.changes);
        close_past(&world.space);
        end_subject(&world, &subject);
        CHECK_EQ(type_blocks(&world), 0);
    }
    type_world_release(&world);
}
