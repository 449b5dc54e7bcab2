/* string.find, match, gmatch, gsub: on a matcher of our own, since that of LuaJIT cannot be ended
 * while it tries. */
#include "script/pattern.h"

#include <ctype.h>
#include <string.h>

/* --- captures as values ----------------------------------------------------------------------- */

static void push_bytes(lua_State *L, const uint8_t *at, size_t count)
{
    lua_pushlstring(L, (const char *)at, count);
}

static void push_capture(struct pattern_match *match, uint32_t index, const uint8_t *from,
                         const uint8_t *to)
{
    if (index >= match->captures) {
        if (index != 0)
            luaL_error(match->L, "invalid capture index");
        push_bytes(match->L, from, (size_t)(to - from));
        return;
    }
    ptrdiff_t count = match->capture[index].count;
    if (count == CAPTURE_OPEN)
        luaL_error(match->L, "unfinished capture");
    if (count == CAPTURE_POSITION)
        lua_pushinteger(match->L, match->capture[index].at - match->text + 1);
    else
        push_bytes(match->L, match->capture[index].at, (size_t)count);
}

/* All captures; the whole match when there are none and it is asked for. */
static int push_captures(struct pattern_match *match, const uint8_t *from, const uint8_t *to,
                         bool whole)
{
    uint32_t count = match->captures == 0 && whole ? 1 : match->captures;
    luaL_checkstack(match->L, (int)count, "too many captures");
    for (uint32_t i = 0; i < count; i++)
        push_capture(match, i, from, to);
    return (int)count;
}

/* --- find and match --------------------------------------------------------------------------- */

static struct pattern_match match_of(lua_State *L, struct bytes text, struct bytes pattern)
{
    return (struct pattern_match){ .L = L,
                                   .engine = script_engine_of(L),
                                   .text = text.at,
                                   .text_end = text.at + text.count,
                                   .pattern_end = pattern.at + pattern.count };
}

static struct bytes argument(lua_State *L, int at)
{
    size_t count;
    const char *text = luaL_checklstring(L, at, &count);
    return bytes_of(text, count);
}

static bool is_plain(struct bytes pattern)
{
    for (size_t i = 0; i < pattern.count; i++) {
        if (pattern.at[i] != 0 && strchr("^$*+?.([%-", pattern.at[i]) != NULL)
            return false;
    }
    return true;
}

static int find_plain(lua_State *L, struct bytes text, struct bytes wanted, size_t from)
{
    const uint8_t *start = text.at + from;
    const uint8_t *found =
        wanted.count == 0 ? start : memmem(start, text.count - from, wanted.at, wanted.count);
    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - text.at + 1);
    lua_pushinteger(L, found - text.at + (ptrdiff_t)wanted.count);
    return 2;
}

/* Where to begin, from 0, by the third argument. */
static size_t start_of(lua_State *L, struct bytes text)
{
    lua_Number at = (lua_Number)luaL_optinteger(L, 3, 1);
    if (at < 0)
        at += (lua_Number)text.count + 1;
    at -= 1;
    if (at < 0)
        return 0;
    return at > (lua_Number)text.count ? text.count : (size_t)at;
}

static int find_or_match(lua_State *L, bool find)
{
    struct bytes text = argument(L, 1), pattern = argument(L, 2);
    size_t from = start_of(L, text);
    if (find && (lua_toboolean(L, 4) || is_plain(pattern)))
        return find_plain(L, text, pattern, from);
    struct pattern_match match = match_of(L, text, pattern);
    bool anchored = pattern.count > 0 && pattern.at[0] == '^';
    const uint8_t *at = text.at + from;
    do {
        const uint8_t *end = pattern_match(&match, at, pattern.at + anchored);
        if (end == NULL)
            continue;
        if (!find)
            return push_captures(&match, at, end, true);
        lua_pushinteger(L, at - text.at + 1);
        lua_pushinteger(L, end - text.at);
        return 2 + push_captures(&match, at, end, false);
    } while (at++ < match.text_end && !anchored);
    lua_pushnil(L);
    return 1;
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* --- gmatch ----------------------------------------------------------------------------------- */

/* Upvalues: text, pattern, where to go on. */
static int next_match(lua_State *L)
{
    size_t text_count, pattern_count;
    const char *text_at = lua_tolstring(L, lua_upvalueindex(1), &text_count);
    const char *pattern_at = lua_tolstring(L, lua_upvalueindex(2), &pattern_count);
    struct bytes text = bytes_of(text_at, text_count);
    struct bytes pattern = bytes_of(pattern_at, pattern_count);
    struct pattern_match match = match_of(L, text, pattern);
    size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    for (const uint8_t *at = text.at + from; from <= text.count && at <= match.text_end; at++) {
        const uint8_t *end = pattern_match(&match, at, pattern.at);
        if (end == NULL)
            continue;
        lua_pushinteger(L, end - text.at + (end == at));
        lua_replace(L, lua_upvalueindex(3));
        return push_captures(&match, at, end, true);
    }
    return 0;
}

static int string_gmatch(lua_State *L)
{
    (void)argument(L, 1);
    (void)argument(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

/* --- gsub ------------------------------------------------------------------------------------- */

/* "%1" in a replacement is the capture, "%0" the whole match, "%%" a percent sign. */
static void add_text(struct pattern_match *match, luaL_Buffer *result, const uint8_t *from,
                     const uint8_t *to)
{
    size_t count;
    const char *text = lua_tolstring(match->L, 3, &count);
    for (size_t i = 0; i < count; i++) {
        if (text[i] != '%') {
            luaL_addchar(result, text[i]);
            continue;
        }
        i++; /* a string ends with a NUL, so there is something to look at */
        if (!isdigit((unsigned char)text[i])) {
            luaL_addchar(result, text[i]);
        } else if (text[i] == '0') {
            luaL_addlstring(result, (const char *)from, (size_t)(to - from));
        } else {
            push_capture(match, (uint32_t)(text[i] - '1'), from, to);
            luaL_addvalue(result);
        }
    }
}

/* What a table or a function says; nil and false leave the match as it is. */
static void add_value(struct pattern_match *match, luaL_Buffer *result, const uint8_t *from,
                      const uint8_t *to)
{
    lua_State *L = match->L;
    if (lua_istable(L, 3)) {
        push_capture(match, 0, from, to);
        lua_gettable(L, 3);
    } else {
        lua_pushvalue(L, 3);
        int count = push_captures(match, from, to, true);
        script_deeper(L, match->engine);
        lua_call(L, count, 1);
        script_shallower(match->engine);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        push_bytes(L, from, (size_t)(to - from));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(result);
}

static void add_match(struct pattern_match *match, luaL_Buffer *result, const uint8_t *from,
                      const uint8_t *to)
{
    if (lua_isstring(match->L, 3))
        add_text(match, result, from, to);
    else
        add_value(match, result, from, to);
}

/* Replaces up to `most` matches, and says how many. */
static lua_Integer replace(struct pattern_match *match, luaL_Buffer *result, struct bytes pattern,
                           lua_Integer most)
{
    bool anchored = pattern.count > 0 && pattern.at[0] == '^';
    const uint8_t *at = match->text;
    lua_Integer count = 0;
    while (count < most) {
        const uint8_t *end = pattern_match(match, at, pattern.at + anchored);
        if (end != NULL) {
            count++;
            add_match(match, result, at, end);
        }
        if (end != NULL && end > at)
            at = end;
        else if (at < match->text_end)
            luaL_addchar(result, (char)*at++);
        else
            break;
        if (anchored)
            break;
    }
    luaL_addlstring(result, (const char *)at, (size_t)(match->text_end - at));
    return count;
}

static int string_gsub(lua_State *L)
{
    struct bytes text = argument(L, 1), pattern = argument(L, 2);
    int type = lua_type(L, 3);
    luaL_argcheck(L,
                  type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                      type == LUA_TTABLE,
                  3, "string/function/table expected");
    if (type == LUA_TNUMBER)
        (void)lua_tostring(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)text.count + 1);
    lua_settop(L, 3);
    struct pattern_match match = match_of(L, text, pattern);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    lua_Integer count = replace(&match, &result, pattern, most);
    luaL_pushresult(&result);
    lua_pushinteger(L, count);
    return 2;
}

static int string_dump(lua_State *L)
{
    return luaL_error(L, "unable to dump given function");
}

void script_add_patterns(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "find", string_find },
        { "match", string_match },
        { "gmatch", string_gmatch },
        { "gfind", string_gmatch },
        { "gsub", string_gsub },
        { "dump", string_dump },
        { NULL, NULL },
    };
    luaL_register(L, NULL, functions);
}
