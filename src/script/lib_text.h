/* script/lib_text.h - bytes that a library puts together for a script.
 * Model:    a short text stands in the struct; a longer one in a block of the interpreter, which
 *           a slot of its stack holds.
 * Owner:    a C function of Lua, in its frame; the interpreter collects the block, also when an
 *           error leaves the function.
 * Pointers: `at` changes with every text_room; what that returned holds until the next one.
 * Threads:  that of the interpreter.
 * Failure:  an error of Lua when its memory or the longest string is reached.
 * Cost:     amortised O(1) a byte. */
#ifndef SCRIPT_LIB_TEXT_H
#define SCRIPT_LIB_TEXT_H

#include "base/bytes.h"

#include <lua.h>

enum {
    TEXT_SHORT_BYTES = 512,
    LIB_LOOK_EACH = 16384,
    /* Where a call begins to count: one of some length looks once at least, since a script may make
     * many before its own instructions lead to a look. */
    LIB_WORK_BEGUN = LIB_LOOK_EACH - 256,
};

/* For what loops in C: now and then calls the hook that the state has for its instructions, if it
 * has one, so that a library too can be ended where it is. */
void lib_look(lua_State *L);
static inline void lib_tick(lua_State *L, uint32_t *work)
{
    if (++*work < LIB_LOOK_EACH)
        return;
    *work = 0;
    lib_look(L);
}

struct lib_text {
    lua_State *L;
    int slot; /* of the stack, from its bottom */
    uint8_t *at;
    size_t count;
    size_t capacity;
    uint8_t brief[TEXT_SHORT_BYTES];
};

/* Pushes the slot, which stays where it is as long as the text is used. */
void text_begin(struct lib_text *text, lua_State *L);
/* Room for `more` bytes behind the last; the caller adds to `count` what it has written. */
uint8_t *text_room(struct lib_text *text, size_t more);
void text_add(struct lib_text *text, struct bytes bytes);
/* Pushes the text as a string of Lua. */
void text_push(const struct lib_text *text);

static inline void text_add_byte(struct lib_text *text, uint8_t byte)
{
    *text_room(text, 1) = byte;
    text->count++;
}

#endif
