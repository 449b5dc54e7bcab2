/* The table `redis`: how a script reaches the server. */
#include "script/inside.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"

#include <string.h>

/* --- errors ----------------------------------------------------------------------------------- */

static void push_text(lua_State *L, struct bytes text)
{
    lua_pushlstring(L, text.count == 0 ? "" : (const char *)text.at, text.count);
}

void script_push_error(lua_State *L, struct bytes text)
{
    bool coded = text.count > 0 && text.at[0] == '-';
    if (coded)
        text = bytes_of(text.at + 1, text.count - 1);
    bool has_code = coded && text.count > 0 && memchr(text.at, ' ', text.count) != NULL;
    lua_createtable(L, 0, 3);
    lua_pushstring(L, has_code ? "" : "ERR ");
    push_text(L, text);
    lua_concat(L, 2);
    lua_setfield(L, -2, "err");
}

static const char commands_mark[] = "ignore_error_stats_update";

void script_push_commands_error(lua_State *L, struct bytes text)
{
    script_push_error(L, text);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, commands_mark);
}

bool script_is_commands_error(lua_State *L, int at)
{
    int table = at > 0 ? at : lua_gettop(L) + at + 1;
    lua_pushstring(L, commands_mark);
    lua_rawget(L, table);
    bool marked = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return marked;
}

static int raise_error(lua_State *L, const char *text)
{
    script_push_error(L, bytes_of_text(text));
    return lua_error(L);
}

/* What runs while nobody called: a library that is loaded may not ask anything of the server. */
static const struct script_host *host_of(lua_State *L)
{
    const struct script_engine *engine = script_engine_of(L);
    if (engine->run == NULL)
        raise_error(L, "redis.* cannot be called now");
    return engine->run->host;
}

/* --- call and pcall --------------------------------------------------------------------------- */

static bool reserve_words(struct script_engine *engine, uint32_t count)
{
    engine->words.count = 0;
    if (!buffer_reserve(&engine->words, (size_t)count * NUMBER_DOUBLE_MAX))
        return false;
    if (count <= engine->argv_room)
        return true;
    struct bytes *argv = memory_resize(engine->argv, count * sizeof *argv);
    if (argv == NULL)
        return false;
    engine->argv = argv;
    engine->argv_room = count;
    return true;
}

/* Pushes an error; nothing was taken. */
static uint32_t refuse_arguments(lua_State *L, const char *why)
{
    script_push_error(L, bytes_of_text(why));
    return 0;
}

/* The arguments as they lie on Lua's stack; numbers are written out. 0: the error is pushed, which
 * redis.pcall returns and others raise. */
static uint32_t take_arguments(lua_State *L, struct script_engine *engine, const char *none)
{
    uint32_t count = (uint32_t)lua_gettop(L);
    if (count == 0)
        return refuse_arguments(L, none);
    if (!reserve_words(engine, count))
        luaL_error(L, "not enough memory");
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes;
        int type = lua_type(L, (int)i + 1);
        if (type == LUA_TNUMBER) {
            uint8_t *at = engine->words.at + (size_t)i * NUMBER_DOUBLE_MAX;
            bytes = number_write_double(at, lua_tonumber(L, (int)i + 1));
            engine->argv[i] = bytes_of(at, bytes);
        } else if (type == LUA_TSTRING) {
            const char *text = lua_tolstring(L, (int)i + 1, &bytes);
            engine->argv[i] = bytes_of(text, bytes);
        } else {
            return refuse_arguments(L,
                                    "Lua redis lib command arguments must be strings or integers");
        }
    }
    return count;
}

/* The reply in one piece, in its only chunk or copied together. */
static struct bytes whole_reply(lua_State *L, struct script_engine *engine)
{
    enum { PARTS = 16 };
    struct iovec parts[PARTS];
    int count = reply_parts(&engine->inner, parts, PARTS);
    if (count == 1 && parts[0].iov_len == reply_unsent(&engine->inner))
        return bytes_of(parts[0].iov_base, parts[0].iov_len);
    engine->inner_bytes.count = 0;
    bool good = !engine->inner.failed;
    while (good && count > 0) {
        size_t bytes = 0;
        for (int i = 0; i < count; i++) {
            good = good && buffer_append(&engine->inner_bytes,
                                         bytes_of(parts[i].iov_base, parts[i].iov_len));
            bytes += parts[i].iov_len;
        }
        reply_sent(&engine->inner, bytes);
        count = reply_parts(&engine->inner, parts, PARTS);
    }
    if (!good)
        luaL_error(L, "not enough memory");
    return buffer_view(&engine->inner_bytes);
}

/* Pushes what the command replied; true when it is an error. */
static bool call_command(lua_State *L)
{
    struct script_engine *engine = script_engine_of(L);
    const struct script_host *host = host_of(L);
    uint32_t count =
        take_arguments(L, engine, "Please specify at least one argument for this redis lib call");
    if (count == 0)
        return true;
    reply_release(&engine->inner);
    reply_init(&engine->inner, &engine->pool);
    engine->inner.resp = engine->resp;
    host->command(host->context, engine->argv, count, &engine->inner);
    struct bytes reply = whole_reply(L, engine);
    ENSURE(reply.count > 0);
    bool failed = reply.at[0] == '-';
    script_push_reply(L, reply);
    return failed;
}

static int redis_call(lua_State *L)
{
    if (call_command(L))
        return lua_error(L);
    return 1;
}

static int answer_command(lua_State *L)
{
    (void)call_command(L);
    return 1;
}

/* What is wrong with the arguments is an answer too; what is no error of ours goes on. */
static int redis_pcall(lua_State *L)
{
    lua_pushcfunction(L, answer_command);
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) != 0 && !lua_istable(L, -1))
        return lua_error(L);
    return 1;
}

static int redis_acl_check_cmd(lua_State *L)
{
    struct script_engine *engine = script_engine_of(L);
    const struct script_host *host = host_of(L);
    uint32_t count = take_arguments(
        L, engine, "Please specify at least one argument for this redis.acl_check_cmd() call");
    if (count == 0)
        return lua_error(L);
    int may = host->may_run(host->context, engine->argv, count);
    if (may < 0)
        return raise_error(L, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(L, may);
    return 1;
}

/* --- replies ---------------------------------------------------------------------------------- */

static int redis_status_reply(lua_State *L)
{
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        script_push_error(L, BYTES("wrong number or type of arguments"));
        return 1;
    }
    lua_createtable(L, 0, 1);
    lua_insert(L, 1);
    lua_setfield(L, 1, "ok");
    return 1;
}

/* "CODE text" is taken as it stands; a text of one word gets ERR. */
static int redis_error_reply(lua_State *L)
{
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        script_push_error(L, BYTES("wrong number or type of arguments"));
        return 1;
    }
    if (lua_tostring(L, 1)[0] != '-') {
        lua_pushliteral(L, "-");
        lua_insert(L, 1);
        lua_concat(L, 2);
    }
    size_t count;
    const char *text = lua_tolstring(L, 1, &count);
    script_push_error(L, bytes_of(text, count));
    return 1;
}

static int redis_setresp(lua_State *L)
{
    if (lua_gettop(L) != 1)
        return raise_error(L, "redis.setresp() requires one argument.");
    lua_Number resp = lua_tonumber(L, 1);
    if (resp != 2 && resp != 3)
        return raise_error(L, "RESP version must be 2 or 3.");
    script_engine_of(L)->resp = resp == 2 ? 2 : 3;
    return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int redis_sha1hex(lua_State *L)
{
    struct sha1 sha1;
    uint8_t digest[SHA1_BYTES];
    char hex[2 * SHA1_BYTES];
    size_t count;
    if (lua_gettop(L) != 1)
        return raise_error(L, "wrong number of arguments");
    const char *text = lua_tolstring(L, 1, &count);
    if (text == NULL)
        count = 0;
    sha1_init(&sha1);
    sha1_add(&sha1, bytes_of(text, count));
    sha1_end(&sha1, digest);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}

static int redis_log(lua_State *L)
{
    int count = lua_gettop(L);
    if (count < 2)
        return raise_error(L, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(L, 1))
        return raise_error(L, "First argument must be a number (log level).");
    lua_Number level = lua_tonumber(L, 1);
    if (!(level >= SCRIPT_LOG_DEBUG && level <= SCRIPT_LOG_WARNING))
        return raise_error(L, "Invalid log level.");
    const struct script_host *host = host_of(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (int i = 2; i <= count; i++) {
        size_t bytes;
        const char *text = lua_tolstring(L, i, &bytes);
        if (text == NULL)
            continue;
        if (i > 2)
            luaL_addchar(&line, ' ');
        luaL_addlstring(&line, text, bytes);
    }
    luaL_pushresult(&line);
    size_t bytes;
    const char *text = lua_tolstring(L, -1, &bytes);
    host->log(host->context, (enum script_log_level)level, bytes_of(text, bytes));
    return 0;
}

static int redis_set_repl(lua_State *L)
{
    enum { REPL_ALL = SCRIPT_REPL_AOF | SCRIPT_REPL_REPLICA };
    if (lua_gettop(L) != 1)
        return raise_error(L, "redis.set_repl() requires one argument.");
    lua_Number flags = lua_tonumber(L, 1);
    if (!(flags >= 0 && flags <= REPL_ALL))
        return raise_error(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, "
                              "REPL_ALL or REPL_NONE.");
    const struct script_host *host = host_of(L);
    host->set_repl(host->context, (unsigned)flags);
    return 0;
}

/* Effects are told in any case since Redis 7. */
static int redis_replicate_commands(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

/* There is no debugger to stop in. */
static int redis_breakpoint(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}

static int redis_debug(lua_State *L)
{
    (void)L;
    return 0;
}

/* "7.2.4" as 0x00070204. */
static lua_Integer version_number(const char *version)
{
    lua_Integer number = 0, part = 0;
    for (; *version != '\0'; version++) {
        if (*version == '.') {
            number = (number << 8) + part;
            part = 0;
        } else {
            part = part * 10 + (*version - '0');
        }
    }
    return (number << 8) + part;
}

void script_push_redis(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "call", redis_call },
        { "pcall", redis_pcall },
        { "acl_check_cmd", redis_acl_check_cmd },
        { "status_reply", redis_status_reply },
        { "error_reply", redis_error_reply },
        { "setresp", redis_setresp },
        { "sha1hex", redis_sha1hex },
        { "log", redis_log },
        { "set_repl", redis_set_repl },
        { "replicate_commands", redis_replicate_commands },
        { "breakpoint", redis_breakpoint },
        { "debug", redis_debug },
        { NULL, NULL },
    };
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        { "LOG_DEBUG", SCRIPT_LOG_DEBUG },
        { "LOG_VERBOSE", SCRIPT_LOG_VERBOSE },
        { "LOG_NOTICE", SCRIPT_LOG_NOTICE },
        { "LOG_WARNING", SCRIPT_LOG_WARNING },
        { "REPL_NONE", SCRIPT_REPL_NONE },
        { "REPL_AOF", SCRIPT_REPL_AOF },
        { "REPL_SLAVE", SCRIPT_REPL_REPLICA },
        { "REPL_REPLICA", SCRIPT_REPL_REPLICA },
        { "REPL_ALL", SCRIPT_REPL_AOF | SCRIPT_REPL_REPLICA },
    };
    const char *version = script_engine_of(L)->version;
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        lua_pushinteger(L, constants[i].value);
        lua_setfield(L, -2, constants[i].name);
    }
    lua_pushstring(L, version);
    lua_setfield(L, -2, "REDIS_VERSION");
    lua_pushinteger(L, version_number(version));
    lua_setfield(L, -2, "REDIS_VERSION_NUM");
}
