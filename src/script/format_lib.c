/* string.format: numbers as C writes them. That of LuaJIT rounds what lies in the middle away from
 * zero ("%.1f" of 1.25), and data made by scripts would differ from Redis's. */
#include "script/inside.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { SPEC_MAX = 32, PIECE_MAX = 512 };

/* One directive: "%5.1f" as C reads it, its last letter apart. */
struct directive {
    char text[SPEC_MAX]; /* NUL-terminated; room for "ll" and the letter */
    size_t count;
    char letter;
    bool plain; /* nothing between '%' and the letter */
};

/* Flags, two digits of width, two of precision. Returns behind the letter. */
static const char *read_directive(lua_State *L, const char *at, struct directive *directive)
{
    const char *start = at;
    while (*at != '\0' && strchr("-+ #0", *at) != NULL)
        at++;
    if (at - start > 5)
        luaL_error(L, "invalid format (repeated flags)");
    for (int digits = 0; digits < 2 && isdigit((unsigned char)*at); digits++)
        at++;
    if (*at == '.') {
        at++;
        for (int digits = 0; digits < 2 && isdigit((unsigned char)*at); digits++)
            at++;
    }
    if (isdigit((unsigned char)*at))
        luaL_error(L, "invalid format (width or precision too long)");
    directive->text[0] = '%';
    directive->count = 1 + (size_t)(at - start);
    memcpy(directive->text + 1, start, (size_t)(at - start));
    directive->plain = at == start;
    directive->letter = *at;
    return *at == '\0' ? at : at + 1;
}

static const char *finish(struct directive *directive, const char *end)
{
    memcpy(directive->text + directive->count, end, strlen(end) + 1);
    return directive->text;
}

/* A directive of ours, checked above: at most two digits of width and of precision. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void add_whole(lua_State *L, luaL_Buffer *result, int at, struct directive *directive)
{
    char piece[PIECE_MAX];
    char end[] = { 'l', 'l', directive->letter, '\0' };
    double number = luaL_checknumber(L, at);
    bool fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
    long long whole = fits ? (long long)number : INT64_MIN;
    int count = snprintf(piece, sizeof piece, finish(directive, end), whole);
    luaL_addlstring(result, piece, (size_t)count);
}

static void add_double(lua_State *L, luaL_Buffer *result, int at, struct directive *directive)
{
    char piece[PIECE_MAX];
    char end[] = { directive->letter, '\0' };
    int count = snprintf(piece, sizeof piece, finish(directive, end), luaL_checknumber(L, at));
    luaL_addlstring(result, piece, (size_t)count);
}

/* With a precision, or short: as C writes it, up to a NUL. Long ones are not padded. */
static void add_string(lua_State *L, luaL_Buffer *result, struct directive *directive)
{
    enum { PADDED_MAX = 100 };
    char piece[PIECE_MAX];
    size_t count;
    const char *text = lua_tolstring(L, -1, &count);
    if (directive->plain || (count >= PADDED_MAX && strchr(directive->text, '.') == NULL)) {
        luaL_addvalue(result);
        return;
    }
    int written = snprintf(piece, sizeof piece, finish(directive, "s"), text);
    lua_pop(L, 1);
    luaL_addlstring(result, piece, (size_t)written);
}
#pragma GCC diagnostic pop

static void add_quoted(lua_State *L, luaL_Buffer *result, int at)
{
    size_t count;
    const char *text = luaL_checklstring(L, at, &count);
    luaL_addchar(result, '"');
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '"' || text[i] == '\\' || text[i] == '\n') {
            luaL_addchar(result, '\\');
            luaL_addchar(result, text[i]);
        } else if (text[i] == '\r') {
            luaL_addlstring(result, "\\r", 2);
        } else if (text[i] == '\0') {
            luaL_addlstring(result, "\\000", 4);
        } else {
            luaL_addchar(result, text[i]);
        }
    }
    luaL_addchar(result, '"');
}

/* The argument as text on the stack: `tostring` does it, which the first upvalue is. */
static void push_text(lua_State *L, int at)
{
    luaL_checkany(L, at);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, at);
    lua_call(L, 1, 1);
    if (!lua_isstring(L, -1))
        luaL_error(L, "'tostring' must return a string to 'format'");
}

static void add_directive(lua_State *L, luaL_Buffer *result, int at, struct directive *directive)
{
    switch (directive->letter) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        add_whole(L, result, at, directive);
        return;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
        add_double(L, result, at, directive);
        return;
    case 'c':
        luaL_addchar(result, (char)luaL_checknumber(L, at));
        return;
    case 'q':
        add_quoted(L, result, at);
        return;
    case 's':
        push_text(L, at);
        add_string(L, result, directive);
        return;
    default:
        luaL_error(L, "invalid option '%%%c' to 'format'", directive->letter);
    }
}

static int string_format(lua_State *L)
{
    size_t count;
    const char *at = luaL_checklstring(L, 1, &count), *end = at + count;
    int argument = 1, arguments = lua_gettop(L);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    while (at < end) {
        script_tick(L, script_engine_of(L));
        if (*at != '%') {
            luaL_addchar(&result, *at++);
        } else if (at[1] == '%') {
            luaL_addchar(&result, '%');
            at += 2;
        } else {
            struct directive directive;
            if (++argument > arguments)
                luaL_argerror(L, argument, "no value");
            at = read_directive(L, at + 1, &directive);
            add_directive(L, &result, argument, &directive);
        }
    }
    luaL_pushresult(&result);
    return 1;
}

void script_add_format(lua_State *L)
{
    lua_getglobal(L, "tostring");
    lua_pushcclosure(L, string_format, 1);
    lua_setfield(L, -2, "format");
}
