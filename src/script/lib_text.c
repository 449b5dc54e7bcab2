#include "script/lib_text.h"

#include "base/number.h"

#include <lauxlib.h>

void text_begin(struct lib_text *text, lua_State *L)
{
    luaL_checkstack(L, 1, "no room for a text");
    lua_pushnil(L);
    text->L = L;
    text->slot = lua_gettop(L);
    text->at = text->brief;
    text->count = 0;
    text->capacity = sizeof(text->brief);
}

/* The old block is left to the collector: it cannot go before the slot holds the new one. */
static void grow(struct lib_text *text, size_t more)
{
    size_t wanted = 0, doubled = 0;
    if (!add_size(text->count, more, &wanted) || !mul_size(text->capacity, 2, &doubled))
        luaL_error(text->L, "not enough memory");
    size_t capacity = wanted > doubled ? wanted : doubled;
    luaL_checkstack(text->L, 1, "no room for a text");
    uint8_t *at = lua_newuserdata(text->L, capacity);
    memcpy(at, text->at, text->count);
    lua_replace(text->L, text->slot);
    text->at = at;
    text->capacity = capacity;
}

uint8_t *text_room(struct lib_text *text, size_t more)
{
    if (more > text->capacity - text->count)
        grow(text, more);
    return text->at + text->count;
}

void text_add(struct lib_text *text, struct bytes bytes)
{
    if (bytes.count == 0)
        return;
    memcpy(text_room(text, bytes.count), bytes.at, bytes.count);
    text->count += bytes.count;
}

void text_push(const struct lib_text *text)
{
    luaL_checkstack(text->L, 1, "no room for a text");
    lua_pushlstring(text->L, (const char *)text->at, text->count);
}

void lib_look(lua_State *L)
{
    lua_Hook hook = lua_gethook(L);
    if (hook != NULL)
        hook(L, NULL);
}
