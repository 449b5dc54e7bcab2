#include "types_changes.h"

#include "harness.h"
#include "types/hash.h"
#include "types/list.h"
#include "types/parts.h"
#include "types/set.h"
#include "types/stream_group.h"
#include "types/zset.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 64 * 1024, RUN_BYTES = PACKED_INSIDE_MAX + 300, GROUPS = 4, CONSUMERS = 4 };

static uint64_t below(struct changes *changes, uint64_t bound)
{
    return rng_below(&changes->world->rng, bound);
}

static bool chance(struct changes *changes, unsigned percent)
{
    return below(changes, 100) < percent;
}

void changes_init(struct changes *changes, struct type_world *world, unsigned type)
{
    *changes = (struct changes){
        .world = world, .type = type, .spread = 2000, .growth = 60, .runs = true
    };
    for (unsigned i = 0; i < 2; i++) {
        changes->room[i] = malloc(ROOM);
        CHECK(changes->room[i] != NULL);
    }
}

void changes_drop(struct changes *changes)
{
    if (changes->there)
        value_drop(&changes->world->space, &changes->value);
    changes->there = false;
    changes->body.count = 0;
}

void changes_release(struct changes *changes)
{
    changes_drop(changes);
    buffer_release(&changes->body);
    for (unsigned i = 0; i < 2; i++)
        free(changes->room[i]);
}

/* Every number is another string. */
static struct bytes text(struct changes *changes, unsigned which, uint64_t number)
{
    char *at = (char *)changes->room[which];
    size_t front = 0;
    switch (number % 8) {
    case 1:
        front = 30;
        break;
    case 2:
        front = 200 + number % 700;
        break;
    case 3:
        front = changes->runs && number % 24 == 3 ? RUN_BYTES + number % 5000 : 3;
        break;
    case 4:
        front = 1;
        break;
    default:
        break;
    }
    memset(at, number % 8 == 4 ? 0 : 'a' + (int)(number % 23), front);
    int digits =
        snprintf(at + front, 32, number % 8 > 5 ? "-%llu" : "%llu", (unsigned long long)number);
    return bytes_of(at, front + (size_t)digits);
}

static struct bytes some_text(struct changes *changes, unsigned which)
{
    return text(changes, which, below(changes, changes->spread));
}

/* --- editing ---------------------------------------------------------------------------------- */

static void begin(struct changes *changes, struct value_edit *edit)
{
    struct type_world *world = changes->world;
    if (changes->there) {
        edit_open(edit, &world->space, &world->arena, &changes->value,
                  value_root_id(&changes->value) != 0);
        return;
    }
    edit_new(edit, &world->space, &world->arena, changes->type, 0);
    if (changes->type == VALUE_HASH)
        CHECK(hash_begin(edit));
}

static void commit(struct changes *changes, struct value_edit *edit, uint64_t left)
{
    struct bytes body = edit->value.body;
    if (body.at != changes->body.at) {
        changes->body.count = 0;
        CHECK(buffer_append(&changes->body, body));
    }
    changes->value = edit->value;
    changes->value.body = buffer_view(&changes->body);
    changes->there = true;
    arena_reset(&changes->world->arena);
    if (left == 0)
        changes_drop(changes);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void change_list(struct changes *changes)
{
    struct value_edit edit;
    struct list list;
    uint64_t removed;
    begin(changes, &edit);
    list_of_edit(&edit, &list);
    uint64_t rank = below(changes, list.count + 1), left = list.count - rank;
    enum list_end end = chance(changes, 50) ? LIST_HEAD : LIST_TAIL;
    struct bytes item = some_text(changes, 0);
    if (list.count == 0 || chance(changes, changes->growth)) {
        if (chance(changes, 70))
            CHECK_EQ(list_push(&edit, end, item), ERR_NONE);
        else
            CHECK_EQ(list_insert(&edit, rank, item), ERR_NONE);
    } else if (left > 0 && chance(changes, 40)) {
        CHECK_EQ(list_set(&edit, rank, item), ERR_NONE);
    } else if (chance(changes, 20)) {
        CHECK_EQ(list_remove_equal(&edit, item, 1 + below(changes, 3), end, &removed), ERR_NONE);
    } else if (left > 0) {
        uint64_t most = chance(changes, 5) ? 200 : 3;
        CHECK_EQ(list_remove(&edit, rank, 1 + below(changes, left < most ? left : most)), ERR_NONE);
    }
    list_of_edit(&edit, &list);
    commit(changes, &edit, list.count);
}

/* --- sets ------------------------------------------------------------------------------------- */

static void change_set(struct changes *changes)
{
    struct value_edit edit;
    struct packed_item item;
    bool done;
    begin(changes, &edit);
    packed_sought(some_text(changes, 0), &item);
    if (chance(changes, changes->growth))
        CHECK_EQ(set_add(&edit, &item, &done), ERR_NONE);
    else
        CHECK_EQ(set_remove(&edit, &item, &done), ERR_NONE);
    commit(changes, &edit, set_count(edit.space, &edit.value));
}

/* --- hashes ----------------------------------------------------------------------------------- */

static void allow_expiries(struct value_edit *edit)
{
    if (edit->root == NULL)
        return;
    CHECK(hash_allow_expiries(edit->space, edit->root));
    edit->value.encoding |= HASH_EXPIRING;
}

static void set_field(struct changes *changes, struct value_edit *edit, struct bytes field)
{
    enum hash_outcome outcome;
    int64_t expiry = chance(changes, 50) ? HASH_NO_EXPIRY : HASH_KEEP_EXPIRY;
    if (chance(changes, 20)) {
        expiry = 1000 + (int64_t)below(changes, 1000);
        allow_expiries(edit);
    }
    CHECK_EQ(hash_set(edit, 0, field, some_text(changes, 1), expiry, &outcome), ERR_NONE);
}

static void change_field(struct changes *changes, struct value_edit *edit, struct bytes field)
{
    struct hash hash;
    struct hash_place place;
    hash_view_edit(&hash, edit, 0);
    bool remove = chance(changes, 60), expires = chance(changes, 70);
    if (!remove && expires)
        allow_expiries(edit);
    if (!hash_get(&hash, field, &place))
        return;
    int64_t expiry = expires ? 1000 + (int64_t)below(changes, 1000) : HASH_NO_EXPIRY;
    if (remove)
        CHECK_EQ(hash_remove(edit, &place), ERR_NONE);
    else
        CHECK_EQ(hash_set_expiry(edit, &place, expiry), ERR_NONE);
}

/* Of a big one: small ones are the hash's own tests'. */
static void expire_fields(struct changes *changes)
{
    struct value_expiry expiry = { 0 };
    if (!changes->there || value_root_id(&changes->value) == 0 ||
        (changes->value.encoding & HASH_EXPIRING) == 0)
        return;
    type_ops(VALUE_HASH)
        ->expire_step(&changes->world->space, &changes->value, 900 + (int64_t)below(changes, 200),
                      &expiry);
    changes->value.encoding = (uint8_t)expiry.encoding;
    if (expiry.empty)
        changes_drop(changes);
}

static void change_hash(struct changes *changes)
{
    struct value_edit edit;
    struct hash hash;
    if (chance(changes, 2)) {
        expire_fields(changes);
        return;
    }
    begin(changes, &edit);
    struct bytes field = some_text(changes, 0);
    if (chance(changes, changes->growth))
        set_field(changes, &edit, field);
    else
        change_field(changes, &edit, field);
    hash_settle(&edit);
    hash_view_edit(&hash, &edit, 0);
    commit(changes, &edit, hash_count(&hash));
}

/* --- sorted sets ------------------------------------------------------------------------------ */

static void change_zset(struct changes *changes)
{
    struct value_edit edit;
    struct zset_result result;
    bool removed;
    begin(changes, &edit);
    struct zset zset = zset_edited(&edit);
    struct bytes member = some_text(changes, 0);
    if (chance(changes, changes->growth)) {
        double score = (double)below(changes, 1000) / (chance(changes, 50) ? 1 : 7);
        unsigned conditions = chance(changes, 20) ? ZSET_ADD_UP : 0;
        CHECK_EQ(zset_add(&edit, member, score, conditions, &result), ERR_NONE);
    } else if (chance(changes, 85) || zset.count < 100) {
        CHECK_EQ(zset_remove(&edit, member, &removed), ERR_NONE);
    } else {
        uint64_t rank = below(changes, zset.count - 50);
        CHECK_EQ(zset_remove_ranks(&edit, rank, 1 + below(changes, 40)), ERR_NONE);
    }
    commit(changes, &edit, zset_edited(&edit).count);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void append_entry(struct changes *changes, struct stream *stream)
{
    struct bytes strings[4];
    uint32_t fields = 1 + (uint32_t)chance(changes, 20);
    struct stream_id id = { ++changes->ms, below(changes, 3) };
    for (uint32_t i = 0; i < fields; i++) {
        strings[2 * i] = chance(changes, 90) ? BYTES("field") : some_text(changes, 0);
        strings[2 * i + 1] = some_text(changes, 1);
    }
    CHECK_EQ(stream_append(stream, &changes->world->arena, id, strings, fields), ERR_NONE);
    arena_reset(&changes->world->arena);
}

static struct stream_id some_id(struct changes *changes, const struct stream *stream)
{
    struct stream_id first = stream_first_id(stream);
    return (struct stream_id){ first.ms + below(changes, changes->ms + 2 - first.ms),
                               below(changes, 3) };
}

static void shorten(struct changes *changes, struct stream *stream)
{
    struct stream_trim trim = { .whole_nodes = chance(changes, 50) };
    if (chance(changes, 50)) {
        trim.by = STREAM_TRIM_LENGTH;
        trim.length = stream_count(stream) - below(changes, stream_count(stream) / 8 + 1);
    } else {
        trim.by = STREAM_TRIM_ID;
        trim.id = stream_first_id(stream);
        trim.id.ms += below(changes, 30);
    }
    stream_trim(stream, &trim);
}

static struct bytes some_name(struct changes *changes, unsigned names)
{
    return text(changes, 0, 8 * below(changes, names) + chance(changes, 50));
}

static void change_consumer(struct changes *changes, const struct stream *stream,
                            struct group *group, struct consumer *consumer)
{
    struct pending pending = { some_id(changes, stream), consumer->root->head.id,
                               (int64_t)below(changes, 100000), below(changes, 9) };
    switch (below(changes, 20)) {
    case 0:
        consumer_delete(group, consumer);
        break;
    case 1:
        consumer->state->active_ms = (int64_t)below(changes, 1000);
        break;
    case 2:
        group_advance(stream, group, pending.id);
        break;
    case 3:
    case 4:
    case 5:
        (void)pending_remove(group, pending.id);
        break;
    default:
        CHECK_EQ(pending_put(group, &pending), ERR_NONE);
    }
}

static void change_group(struct changes *changes, struct stream *stream)
{
    struct group group;
    struct consumer consumer;
    struct value value;
    uint8_t body[sizeof(uint32_t)];
    struct bytes name = some_name(changes, GROUPS);
    if (!group_find(stream, name, &group)) {
        CHECK_EQ(group_create(stream, name, some_id(changes, stream), 0), ERR_NONE);
        return;
    }
    if (chance(changes, 1)) {
        group_detach(stream, name, &value, body);
        value_drop(&changes->world->space, &value);
        return;
    }
    name = some_name(changes, CONSUMERS);
    if (!consumer_find(&group, name, &consumer))
        CHECK_EQ(consumer_create(&group, name, 7, &consumer), ERR_NONE);
    change_consumer(changes, stream, &group, &consumer);
}

static void change_stream(struct changes *changes)
{
    struct space *space = &changes->world->space;
    struct stream stream;
    if (!changes->there) {
        struct root *made = stream_new(space);
        CHECK(made != NULL && buffer_append(&changes->body, bytes_of(&made->head.id, 4)));
        changes->value = (struct value){ VALUE_STREAM, 0, buffer_view(&changes->body) };
        changes->there = true;
        changes->ms = 0;
    }
    stream_open(&stream, space, root_of(space, value_root_id(&changes->value)));
    if (chance(changes, 50))
        change_group(changes, &stream);
    else if (chance(changes, changes->growth + 20))
        append_entry(changes, &stream);
    else if (chance(changes, 10) || !stream_remove(&stream, some_id(changes, &stream)))
        shorten(changes, &stream);
}

/* --- any -------------------------------------------------------------------------------------- */

void changes_step(struct changes *changes)
{
    static void (*const steps[VALUE_TYPES])(struct changes *) = {
        [VALUE_LIST] = change_list, [VALUE_SET] = change_set,       [VALUE_ZSET] = change_zset,
        [VALUE_HASH] = change_hash, [VALUE_STREAM] = change_stream,
    };
    steps[changes->type](changes);
}

void changes_grow(struct changes *changes, uint64_t elements)
{
    struct value_summary summary = { 0 };
    unsigned growth = changes->growth;
    changes->growth = 75;
    for (uint64_t i = 0; i < 100 * elements && summary.count < elements; i++) {
        changes_step(changes);
        if (changes->there && i % 32 == 0)
            type_ops(changes->type)->summarise(&changes->world->space, &changes->value, &summary);
    }
    changes->growth = growth;
}
