#include "types/edit.h"

#include "struct/past.h"
#include "types/big.h"

enum { ROOM = 64 };

void edit_open(struct value_edit *edit, struct space *space, struct arena *arena,
               const struct value *value, bool big)
{
    *edit = (struct value_edit){ .space = space,
                                 .arena = arena,
                                 .value = *value,
                                 .root = big ? big_root(space, value) : NULL,
                                 .existed = true };
    if (edit->root != NULL)
        past_root_changes(space, edit->root);
}

void edit_new(struct value_edit *edit, struct space *space, struct arena *arena, unsigned type,
              unsigned encoding)
{
    *edit = (struct value_edit){
        .space = space,
        .arena = arena,
        .value = { (uint8_t)type, (uint8_t)encoding, bytes_of("", 0) },
    };
}

/* Makes `own` hold the first `offset` bytes, a gap, and the rest. */
static bool copy_with_gap(struct value_edit *edit, size_t offset, size_t remove, size_t insert)
{
    struct bytes body = edit->value.body;
    size_t count = body.count - remove + insert;
    size_t capacity = count + count / 2 + ROOM;
    uint8_t *own = arena_take(edit->arena, capacity);
    if (own == NULL)
        return false;
    memcpy(own, body.at, offset);
    memcpy(own + offset + insert, body.at + offset + remove, body.count - offset - remove);
    edit->own = own;
    edit->capacity = capacity;
    return true;
}

uint8_t *edit_splice(struct value_edit *edit, size_t offset, size_t remove, size_t insert)
{
    struct bytes *body = &edit->value.body;
    DCHECK(edit->root == NULL && offset + remove <= body->count);
    size_t count = body->count - remove + insert;
    if (edit->own == NULL || count > edit->capacity) {
        if (!copy_with_gap(edit, offset, remove, insert))
            return NULL;
    } else if (remove != insert) {
        memmove(edit->own + offset + insert, edit->own + offset + remove,
                body->count - offset - remove);
    }
    *body = bytes_of(edit->own, count);
    edit->changed = true;
    return edit->own + offset;
}

uint8_t *edit_body(struct value_edit *edit)
{
    return edit_splice(edit, 0, 0, 0);
}

enum err edit_replace(struct value_edit *edit, unsigned encoding, struct bytes body)
{
    uint8_t *own = arena_take(edit->arena, body.count + ROOM);
    if (own == NULL)
        return ERR_MEMORY;
    memcpy(own, body.at, body.count);
    edit->own = own;
    edit->capacity = body.count + ROOM;
    edit->value.body = bytes_of(own, body.count);
    edit->value.encoding = (uint8_t)encoding;
    edit->changed = true;
    return ERR_NONE;
}

void edit_become_big(struct value_edit *edit, struct root *root, unsigned encoding)
{
    edit->root = root;
    edit->became_big = true;
    edit->changed = true;
    edit->value.encoding = (uint8_t)encoding;
    memcpy(edit->id, &root->head.id, sizeof edit->id);
    edit->value.body = bytes_of(edit->id, sizeof edit->id);
}

void edit_abandon(struct value_edit *edit)
{
    if (edit->became_big)
        value_drop(edit->space, &edit->value);
    edit->became_big = false;
}
