/* cjson.decode: JSON read into values of Lua, as leniently as lua-cjson: the text ends at its first
 * NUL, strings hold any other byte, and (unless refused) numbers are whatever strtod reads. */
#include "script/lib_cjson.h"

#include "script/lib_text.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <strings.h>

enum json_kind {
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOLEAN,
    JSON_NULL,
    JSON_COLON,
    JSON_COMMA,
    JSON_END,
    JSON_ERROR,
};

/* As errors name them. */
static const char *const kind_names[] = {
    "T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER",
    "T_BOOLEAN",   "T_NULL",    "T_COLON",     "T_COMMA",   "T_END",    "T_ERROR",
};

struct json_token {
    enum json_kind kind;
    const char *at; /* where it begins, or where it went wrong */
    double number;
    bool truth;
    struct bytes string; /* of the text, or of `unescaped`: until the next string */
    const char *error;
};

/* Lua ends its strings with a NUL, which is not in their length; nothing here looks behind one. */
struct json_reader {
    lua_State *L;
    const struct json_settings *settings;
    const char *text;
    const char *next;
    struct json_token token;
    int depth;
    uint32_t work;
    struct lib_text unescaped;
};

static void fail_token(struct json_reader *reader, const char *error)
{
    reader->token.kind = JSON_ERROR;
    reader->token.at = reader->next;
    reader->token.error = error;
}

/* Raises the error that something else was expected. */
static void fail(struct json_reader *reader, const char *expected)
{
    const struct json_token *token = &reader->token;
    const char *found = token->kind == JSON_ERROR ? token->error : kind_names[token->kind];
    luaL_error(reader->L, "Expected %s but found %s at character %d", expected, found,
               (int)(token->at - reader->text) + 1);
}

/* The value of four hexadecimal digits, or -1; stops at what is none, so at a NUL too. */
static int32_t read_hex4(const char *digits)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = digits[i];
        char small = (char)(digit | 0x20);
        if (digit >= '0' && digit <= '9')
            value = value * 16 + (digit - '0');
        else if (small >= 'a' && small <= 'f')
            value = value * 16 + (small - 'a' + 10);
        else
            return -1;
    }
    return value;
}

static size_t write_utf8(uint8_t *at, uint32_t point)
{
    if (point < 0x80) {
        at[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        at[0] = (uint8_t)(0xc0u | point >> 6u);
        at[1] = (uint8_t)(0x80u | (point & 0x3fu));
        return 2;
    }
    if (point < 0x10000) {
        at[0] = (uint8_t)(0xe0u | point >> 12u);
        at[1] = (uint8_t)(0x80u | (point >> 6u & 0x3fu));
        at[2] = (uint8_t)(0x80u | (point & 0x3fu));
        return 3;
    }
    at[0] = (uint8_t)(0xf0u | point >> 18u);
    at[1] = (uint8_t)(0x80u | (point >> 12u & 0x3fu));
    at[2] = (uint8_t)(0x80u | (point >> 6u & 0x3fu));
    at[3] = (uint8_t)(0x80u | (point & 0x3fu));
    return 4;
}

/* The code point of an escape "\uXXXX" or a pair of surrogates in two, or -1; *bytes read. */
static int32_t read_code_point(const char *at, size_t *bytes)
{
    int32_t point = read_hex4(at + 2);
    *bytes = 6;
    if (point < 0 || (point & 0xf800) != 0xd800)
        return point;
    if ((point & 0x400) != 0 || at[6] != '\\' || at[7] != 'u')
        return -1;
    int32_t low = read_hex4(at + 8);
    if (low < 0 || (low & 0xfc00) != 0xdc00)
        return -1;
    *bytes = 12;
    return 0x10000 + (point & 0x3ff) * 0x400 + (low & 0x3ff);
}

/* What a letter behind a backslash stands for, or 0. */
static uint8_t unescape(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return (uint8_t)letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Reads the escape at `next` into `unescaped`; false when it is none. */
static bool read_escape(struct json_reader *reader)
{
    if (reader->next[1] == 'u') {
        size_t bytes;
        int32_t point = read_code_point(reader->next, &bytes);
        if (point < 0) {
            fail_token(reader, "invalid unicode escape code");
            return false;
        }
        uint8_t *at = text_room(&reader->unescaped, 4);
        reader->unescaped.count += write_utf8(at, (uint32_t)point);
        reader->next += bytes;
        return true;
    }
    uint8_t byte = unescape(reader->next[1]);
    if (byte == 0) {
        fail_token(reader, "invalid escape code");
        return false;
    }
    text_add_byte(&reader->unescaped, byte);
    reader->next += 2;
    return true;
}

/* The bytes up to the next quote, backslash or end. */
static struct bytes read_plain(struct json_reader *reader)
{
    const char *from = reader->next;
    reader->next += strcspn(from, "\"\\");
    return bytes_of(from, (size_t)(reader->next - from));
}

static void read_string(struct json_reader *reader)
{
    reader->next++;
    struct bytes plain = read_plain(reader);
    if (*reader->next == '\\') {
        reader->unescaped.count = 0;
        text_add(&reader->unescaped, plain);
        while (*reader->next == '\\') {
            if (!read_escape(reader))
                return;
            text_add(&reader->unescaped, read_plain(reader));
        }
        plain = bytes_of(reader->unescaped.at, reader->unescaped.count);
    }
    if (*reader->next != '"') {
        fail_token(reader, "unexpected end of string");
        return;
    }
    reader->next++;
    reader->token.kind = JSON_STRING;
    reader->token.string = plain;
}

/* Whether what stands at `at` is a number for strtod only: signed by a plus, hexadecimal, with
 * leading zeros, not a number, infinite. */
static bool is_invalid_number(const char *at)
{
    if (*at == '+')
        return true;
    if (*at == '-')
        at++;
    if (*at == '0')
        return (at[1] | 0x20) == 'x' || (at[1] >= '0' && at[1] <= '9');
    return strncasecmp(at, "inf", 3) == 0 || strncasecmp(at, "nan", 3) == 0;
}

static void read_number(struct json_reader *reader)
{
    char *end;
    double number = strtod(reader->next, &end);
    if (end == reader->next) {
        fail_token(reader, "invalid number");
        return;
    }
    reader->next = end;
    reader->token.kind = JSON_NUMBER;
    reader->token.number = number;
}

/* One of the words of JSON; false when it is none. */
static bool read_word(struct json_reader *reader)
{
    static const struct {
        const char *word;
        size_t count;
        enum json_kind kind;
        bool truth;
    } rows[] = {
        { "true", 4, JSON_BOOLEAN, true },
        { "false", 5, JSON_BOOLEAN, false },
        { "null", 4, JSON_NULL, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strncmp(reader->next, rows[i].word, rows[i].count) != 0)
            continue;
        reader->next += rows[i].count;
        reader->token.kind = rows[i].kind;
        reader->token.truth = rows[i].truth;
        return true;
    }
    return false;
}

static void read_mark(struct json_reader *reader, enum json_kind kind)
{
    reader->next++;
    reader->token.kind = kind;
}

static void read_token(struct json_reader *reader)
{
    lib_tick(reader->L, &reader->work);
    reader->next += strspn(reader->next, " \t\n\r");
    reader->token.at = reader->next;
    char first = *reader->next;
    bool digit = first == '-' || (first >= '0' && first <= '9');
    bool lenient = reader->settings->decode_invalid != 0;
    switch (first) {
    case '\0':
        reader->token.kind = JSON_END;
        return;
    case '{':
        read_mark(reader, JSON_OBJECT_BEGIN);
        return;
    case '}':
        read_mark(reader, JSON_OBJECT_END);
        return;
    case '[':
        read_mark(reader, JSON_ARRAY_BEGIN);
        return;
    case ']':
        read_mark(reader, JSON_ARRAY_END);
        return;
    case ':':
        read_mark(reader, JSON_COLON);
        return;
    case ',':
        read_mark(reader, JSON_COMMA);
        return;
    case '"':
        read_string(reader);
        return;
    default:
        if (digit && !lenient && is_invalid_number(reader->next))
            fail_token(reader, "invalid number");
        else if (digit)
            read_number(reader);
        else if (!read_word(reader)) {
            if (lenient && is_invalid_number(reader->next))
                read_number(reader);
            else
                fail_token(reader, "invalid token");
        }
    }
}

/* Pushes the value that begins with the token. Goes into itself as deep as the settings and the
 * stack of Lua (8,000 slots, two a level) allow. */
static void read_value(struct json_reader *reader);

static void descend(struct json_reader *reader)
{
    reader->depth++;
    if (reader->depth > reader->settings->decode_depth_max || !lua_checkstack(reader->L, 4))
        luaL_error(reader->L, "Found too many nested data structures (%d) at character %d",
                   reader->depth, (int)(reader->next - reader->text));
    lua_newtable(reader->L);
}

static void push_string(struct json_reader *reader)
{
    struct bytes string = reader->token.string;
    lua_pushlstring(reader->L, (const char *)string.at, string.count);
}

static void read_object(struct json_reader *reader)
{
    descend(reader);
    read_token(reader);
    bool more = reader->token.kind != JSON_OBJECT_END;
    while (more) {
        if (reader->token.kind != JSON_STRING)
            fail(reader, "object key string");
        push_string(reader);
        read_token(reader);
        if (reader->token.kind != JSON_COLON)
            fail(reader, "colon");
        read_token(reader);
        read_value(reader);
        lua_rawset(reader->L, -3);
        read_token(reader);
        more = reader->token.kind == JSON_COMMA;
        if (more)
            read_token(reader);
        else if (reader->token.kind != JSON_OBJECT_END)
            fail(reader, "comma or object end");
    }
    reader->depth--;
}

static void read_array(struct json_reader *reader)
{
    descend(reader);
    if (reader->settings->decode_mark_array) {
        luaL_getmetatable(reader->L, JSON_ARRAY_MARK);
        lua_setmetatable(reader->L, -2);
    }
    read_token(reader);
    bool more = reader->token.kind != JSON_ARRAY_END;
    for (int i = 1; more; i++) {
        read_value(reader);
        lua_rawseti(reader->L, -2, i);
        read_token(reader);
        more = reader->token.kind == JSON_COMMA;
        if (more)
            read_token(reader);
        else if (reader->token.kind != JSON_ARRAY_END)
            fail(reader, "comma or array end");
    }
    reader->depth--;
}

static void read_value(struct json_reader *reader)
{
    switch (reader->token.kind) {
    case JSON_STRING:
        push_string(reader);
        return;
    case JSON_NUMBER:
        lua_pushnumber(reader->L, reader->token.number);
        return;
    case JSON_BOOLEAN:
        lua_pushboolean(reader->L, reader->token.truth);
        return;
    case JSON_NULL:
        lua_pushlightuserdata(reader->L, NULL);
        return;
    case JSON_OBJECT_BEGIN:
        read_object(reader);
        return;
    case JSON_ARRAY_BEGIN:
        read_array(reader);
        return;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_COLON:
    case JSON_COMMA:
    case JSON_END:
    case JSON_ERROR:
        break;
    }
    fail(reader, "value");
}

int json_decode(lua_State *L)
{
    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    size_t count;
    const char *text = luaL_checklstring(L, 1, &count);
    if (count >= 2 && (text[0] == '\0' || text[1] == '\0'))
        luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
    struct json_reader reader = {
        .L = L,
        .settings = json_settings_of(L),
        .text = text,
        .next = text,
        .work = LIB_WORK_BEGUN,
    };
    text_begin(&reader.unescaped, L);
    luaL_checkstack(L, 4, "no room for a value");
    read_token(&reader);
    read_value(&reader);
    read_token(&reader);
    if (reader.token.kind != JSON_END)
        fail(&reader, "the end");
    return 1;
}
