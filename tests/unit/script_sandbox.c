/* The interpreter by itself: what scripts answer, and what the sandbox refuses, by a table. */
#include "harness.h"

#include "os/seam.h"
#include "script/engine.h"

#include <stdio.h>
#include <string.h>

enum { MEMORY_MAX = 32 * 1024 * 1024 };

struct world {
    struct seam seam;
    struct script_engine *engine;
    struct reply_pool pool;
    struct reply reply;
    struct buffer text, error, log;
    struct script_host host;
    uint32_t asked, end_after;
};

/* A command that replies with what it was given: ECHOed arguments, or some value by name. */
static void command(void *context, struct bytes *argv, uint32_t argc, struct reply *reply)
{
    (void)context;
    if (bytes_is(argv[0], "echo"))
        reply_bulk(reply, argv[1]);
    else if (bytes_is(argv[0], "raw"))
        reply_raw(reply, argv[1]);
    else if (bytes_is(argv[0], "count"))
        reply_i64(reply, argc);
    else
        reply_error(reply, "ERR Unknown Redis command called from script");
}

static int may_run(void *context, struct bytes *argv, uint32_t argc)
{
    (void)context;
    (void)argc;
    return bytes_is(argv[0], "echo") ? 1 : bytes_is(argv[0], "set") ? 0 : -1;
}

static void write_log(void *context, enum script_log_level level, struct bytes text)
{
    struct world *world = context;
    CHECK(buffer_printf(&world->log, "%d %.*s\n", (int)level, (int)text.count,
                        (const char *)text.at));
}

static void set_repl(void *context, unsigned repl)
{
    (void)context;
    (void)repl;
}

static bool must_end(void *context)
{
    struct world *world = context;
    return ++world->asked >= world->end_after;
}

static void world_init(struct world *world)
{
    *world = (struct world){ .end_after = 1 };
    os_seam_init(&world->seam);
    const struct script_settings settings = { &world->seam, MEMORY_MAX, "7.2.4" };
    world->engine = script_engine_new(&settings);
    CHECK(world->engine != NULL);
    world->host = (struct script_host){ .context = world,
                                        .command = command,
                                        .may_run = may_run,
                                        .log = write_log,
                                        .set_repl = set_repl,
                                        .must_end = must_end };
    reply_init(&world->reply, &world->pool);
}

static void world_release(struct world *world)
{
    script_engine_drop(world->engine);
    reply_release(&world->reply);
    reply_pool_release(&world->pool);
    buffer_release(&world->text);
    buffer_release(&world->error);
    buffer_release(&world->log);
}

static struct bytes reply_text(struct world *world)
{
    struct iovec parts[16];
    int count;
    world->text.count = 0;
    while ((count = reply_parts(&world->reply, parts, 16)) > 0) {
        size_t bytes = 0;
        for (int i = 0; i < count; i++) {
            CHECK(buffer_append(&world->text, bytes_of(parts[i].iov_base, parts[i].iov_len)));
            bytes += parts[i].iov_len;
        }
        reply_sent(&world->reply, bytes);
    }
    return buffer_view(&world->text);
}

/* What the script answers, or why it does not load. */
static struct bytes eval(struct world *world, struct bytes code, uint64_t limit_ns, uint8_t resp)
{
    static const struct bytes keys[] = { { (const uint8_t *)"k1", 2 },
                                         { (const uint8_t *)"k2", 2 } };
    static const struct bytes args[] = { { (const uint8_t *)"a1", 2 } };
    struct script_run run = { .host = &world->host,
                              .name = BYTES("sha"),
                              .keys = keys,
                              .key_count = 2,
                              .args = args,
                              .arg_count = 1,
                              .limit_ns = limit_ns };
    world->error.count = 0;
    int function = script_load(world->engine, code, "@user_script", &world->error);
    if (function == 0)
        return buffer_view(&world->error);
    world->reply.resp = resp;
    (void)script_run(world->engine, function, &run, &world->reply);
    script_forget(world->engine, function);
    return reply_text(world);
}

static const uint64_t second_ns = 1000000000;

static const struct {
    const char *code, *answer;
} answers[] = {
    { "return 1", ":1\r\n" },
    { "return 3.99", ":3\r\n" },
    { "return -3.99", ":-3\r\n" },
    { "return 'x'", "$1\r\nx\r\n" },
    { "return true", ":1\r\n" },
    { "return false", "$-1\r\n" },
    { "return nil", "$-1\r\n" },
    { "return", "$-1\r\n" },
    { "return {1,2,nil,4}", "*2\r\n:1\r\n:2\r\n" },
    { "return {1,{'a'},{}}", "*3\r\n:1\r\n*1\r\n$1\r\na\r\n*0\r\n" },
    { "return {ok='fine'}", "+fine\r\n" },
    { "return {err='MY error'}", "-MY error\r\n" },
    { "return {err='a\\r\\nb'}", "-a  b\r\n" },
    { "return {ok='a\\r\\nb'}", "+a  b\r\n" },
    { "return redis.error_reply('MY error')", "-MY error\r\n" },
    { "return redis.error_reply('-MY error')", "-MY error\r\n" },
    { "return redis.error_reply('oops')", "-ERR oops\r\n" },
    { "return redis.status_reply('fine')", "+fine\r\n" },
    { "return {double=1.5}", "$3\r\n1.5\r\n" },
    { "return {map={a=1}}", "*2\r\n$1\r\na\r\n:1\r\n" },
    { "return {set={a=true}}", "*1\r\n$1\r\na\r\n" },
    { "return {big_number='123'}", "$3\r\n123\r\n" },
    { "return {verbatim_string={format='mkd',string='x'}}", "$1\r\nx\r\n" },
    { "return {KEYS[1],KEYS[2],ARGV[1],#KEYS,#ARGV}",
      "*5\r\n$2\r\nk1\r\n$2\r\nk2\r\n$2\r\na1\r\n:2\r\n:1\r\n" },
    { "return redis.call('echo','x')", "$1\r\nx\r\n" },
    { "return redis.call('echo',12)", "$2\r\n12\r\n" },
    { "return redis.call('echo',0.1)", "$3\r\n0.1\r\n" },
    { "return redis.call('foo')", "-ERR Unknown Redis command called from script script: sha, on "
                                  "@user_script:1.\r\n" },
    { "return redis.pcall('foo')", "-ERR Unknown Redis command called from script\r\n" },
    { "return redis.pcall('foo').err", "$44\r\nERR Unknown Redis command called from script\r\n" },
    { "local ok, e = pcall(redis.call,'foo') return {tostring(ok), e}",
      "*2\r\n$5\r\nfalse\r\n$44\r\nERR Unknown Redis command called from script\r\n" },
    { "return redis.call()", "-ERR Please specify at least one argument for this redis lib call "
                             "script: sha, on @user_script:1.\r\n" },
    { "return redis.call({})", "-ERR Lua redis lib command arguments must be strings or integers "
                               "script: sha, on @user_script:1.\r\n" },
    { "return redis.call('raw','$-1\\r\\n')", "$-1\r\n" },
    { "return type(redis.call('raw','*-1\\r\\n'))", "$7\r\nboolean\r\n" },
    { "return redis.call('raw','+OK\\r\\n').ok", "$2\r\nOK\r\n" },
    { "return redis.call('raw','*2\\r\\n:1\\r\\n*1\\r\\n$2\\r\\nab\\r\\n')[2][1]", "$2\r\nab\r\n" },
    { "return redis.call('raw',',1.5\\r\\n').double * 2", ":3\r\n" },
    { "return redis.call('raw','%1\\r\\n$1\\r\\na\\r\\n:7\\r\\n').map.a", ":7\r\n" },
    { "return redis.call('raw','~1\\r\\n$1\\r\\na\\r\\n').set.a", ":1\r\n" },
    { "return redis.call('raw','#t\\r\\n')", ":1\r\n" },
    { "return type(redis.call('raw','_\\r\\n'))", "$3\r\nnil\r\n" },
    { "return redis.call('raw','(12345\\r\\n').big_number", "$5\r\n12345\r\n" },
    { "return redis.call('raw','=6\\r\\ntxt:ab\\r\\n').verbatim_string.string", "$2\r\nab\r\n" },
    { "return redis.sha1hex('')", "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n" },
    { "return redis.REDIS_VERSION_NUM", ":459268\r\n" },
    { "return redis.replicate_commands()", ":1\r\n" },
    { "return redis.acl_check_cmd('echo')", ":1\r\n" },
    { "return redis.acl_check_cmd('set')", "$-1\r\n" },
    { "return redis.acl_check_cmd('nope')",
      "-ERR Invalid command passed to redis.acl_check_cmd() script: sha, on "
      "@user_script:1.\r\n" },
    { "return redis.setresp(4)",
      "-ERR RESP version must be 2 or 3. script: sha, on @user_script:1.\r\n" },
    { "error('x')", "-ERR user_script:1: x script: sha, on @user_script:1.\r\n" },
    { "\n\nerror({err='MY own'})", "-MY own script: sha, on @user_script:3.\r\n" },
    { "error({})", "-ERR unknown error script: sha, on @user_script:1.\r\n" },
    { "error()", "-ERR nil script: sha, on @user_script:1.\r\n" },
    { "local x\nx.y = 1",
      "-ERR user_script:2: attempt to index local 'x' (a nil value) script: sha, on "
      "@user_script:2.\r\n" },
    { "return x", "-ERR user_script:1: Script attempted to access nonexistent global variable 'x' "
                  "script: sha, on @user_script:1.\r\n" },
    { "return math.floor(math.random()*1000)", ":170\r\n" },
    { "math.randomseed(7) local a = math.random(1000) math.randomseed(7) "
      "return a == math.random(1000)",
      ":1\r\n" },
    { "return string.format('%5.2f|%d|%s|%q', 1.5, 7, 'x', 'y')", "$13\r\n 1.50|7|x|\"y\"\r\n" },
    { "local t = {3,1,2} table.sort(t) return t", "*3\r\n:1\r\n:2\r\n:3\r\n" },
    { "local t = {3,1,2} table.sort(t, function(a,b) return a > b end) return t",
      "*3\r\n:3\r\n:2\r\n:1\r\n" },
    { "local t = {1,2} table.insert(t,1,0) table.insert(t,9) return t",
      "*4\r\n:0\r\n:1\r\n:2\r\n:9\r\n" },
    { "local n = 0 for k in pairs(_G) do n = n + 1 end return n > 20", ":1\r\n" },
    { "local n = 0 for k,v in pairs(string) do n = n + 1 end return n", ":15\r\n" },
    { "return ('abc'):rep(2)", "$6\r\nabcabc\r\n" },
    { "local c = coroutine.wrap(function(a) local b = coroutine.yield(a+1) return b*2 end) "
      "return {c(1), c(4)}",
      "*2\r\n:2\r\n:8\r\n" },
    { "local c = coroutine.create(function() error('x') end) "
      "local ok, e = coroutine.resume(c) return {tostring(ok), e, coroutine.status(c)}",
      "*3\r\n$5\r\nfalse\r\n$16\r\nuser_script:1: x\r\n$4\r\ndead\r\n" },
    { "return loadstring('return 7')()", ":7\r\n" },
    { "local p = {'return ', '8'} return load(function() return table.remove(p,1) end)()",
      ":8\r\n" },
    { "return select(2, xpcall(function() error('x',0) end, function(e) return e..'!' end))",
      "$2\r\nx!\r\n" },
};

TEST(script_answers)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct bytes answer = eval(&world, bytes_of_text(answers[i].code), second_ns, 2);
        CHECKF(bytes_equal(answer, bytes_of_text(answers[i].answer)), "%s\n  %.*s", answers[i].code,
               (int)answer.count, (const char *)answer.at);
    }
    world_release(&world);
}

TEST(script_answers_in_resp3)
{
    static const struct {
        const char *code, *answer;
    } rows[] = {
        { "return nil", "_\r\n" },
        { "return true", ":1\r\n" },
        { "redis.setresp(3) return true", "#t\r\n" },
        { "redis.setresp(3) return false", "#f\r\n" },
        { "return {double=1.5}", ",1.5\r\n" },
        { "return {map={a=1}}", "%1\r\n$1\r\na\r\n:1\r\n" },
        { "return {set={a=true}}", "~1\r\n$1\r\na\r\n" },
        { "return {big_number='12\\r\\n3'}", "(12  3\r\n" },
        { "return {verbatim_string={format='mkd',string='x'}}", "=5\r\nmkd:x\r\n" },
        { "return {verbatim_string={format='m\\r\\n',string='x'}}", "=5\r\nm  :x\r\n" },
        { "redis.setresp(3) return redis.call('raw','%1\\r\\n$1\\r\\na\\r\\n,7\\r\\n')",
          "%1\r\n$1\r\na\r\n,7\r\n" },
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes answer = eval(&world, bytes_of_text(rows[i].code), second_ns, 3);
        CHECKF(bytes_equal(answer, bytes_of_text(rows[i].answer)), "%s\n  %.*s", rows[i].code,
               (int)answer.count, (const char *)answer.at);
    }
    world_release(&world);
}

/* What may be said of the answer: a part of it. Behind each the engine must go on as before. */
static const struct {
    const char *code, *part;
} attacks[] = {
    { "x = 1", "Attempt to modify a readonly table" },
    { "_G.x = 1", "Attempt to modify a readonly table" },
    { "_G.string = 1", "Attempt to modify a readonly table" },
    { "string.rep = nil", "Attempt to modify a readonly table" },
    { "redis.call = print", "nonexistent global variable 'print'" },
    { "redis.call = nil", "Attempt to modify a readonly table" },
    { "rawset(_G, 'x', 1)", "Attempt to modify a readonly table" },
    { "rawset(string, 'rep', 1)", "Attempt to modify a readonly table" },
    { "table.insert(_G, 1)", "Attempt to modify a readonly table" },
    { "setmetatable(_G, {})", "Attempt to modify a readonly table" },
    { "setmetatable(string, {})", "Attempt to modify a readonly table" },
    { "getmetatable('').__index = 1", "Attempt to modify a readonly table" },
    { "getmetatable('').__index.rep = 1", "Attempt to modify a readonly table" },
    { "getmetatable('').__gc = 1", "Attempt to modify a readonly table" },
    { "getmetatable(_G).__index = 1", "attempt to index" },
    { "local _, t = pairs(_G) t.x = 1", "Attempt to modify a readonly table" },
    { "local _, t = pairs(string) t.rep = nil", "Attempt to modify a readonly table" },
    { "rawget(_G, '_G').x = 1", "Attempt to modify a readonly table" },
    { "for _, n in ipairs({'dofile','loadfile','print','require','module','package','io',"
      "'debug','newproxy','setfenv','getfenv','jit','ffi'}) do "
      "if rawget(_G, n) ~= nil then return n end end return 'none'",
      "none" },
    { "return os.execute('id')", "attempt to call field 'execute'" },
    { "return os.getenv('HOME')", "attempt to call field 'getenv'" },
    { "return string.dump(function() end)", "unable to dump given function" },
    { "return select(2, loadstring('\\27LJ\\2\\0'))", "attempt to load chunk with wrong mode" },
    { "return select(2, loadstring('\\27Lua\\81'))", "attempt to load chunk with wrong mode" },
    { "return select(2, load(function() return '\\27LJ\\2\\0' end))", "" },
    { "local n=0 return select(2, load(function() n=n+1 if n==1 then return '\\27LJ\\2' end "
      "end))",
      "attempt to load chunk with wrong mode" },
    { "return string.rep('x', 2^30)", "not enough memory" },
    { "return string.rep('x', 2^31)", "" },
    { "return string.rep('x', 2^53)", "" },
    { "return #string.rep('', 2^31)", ":0" },
    { "local s = 'x' while true do s = s .. s end", "not enough memory" },
    { "local t = {} while true do t[#t+1] = {} end", "not enough memory" },
    { "local t = {} for i = 1, 1e9 do t[i] = i end", "not enough memory" },
    { "local t = {} for i = 1, 40 do t[i] = string.rep('x', 2^20) end return table.concat(t)",
      "not enough memory" },
    { "return table.concat({}, 'x', 1, 2^31)", "" },
    { "return table.concat({}, 'x', -2^31, 2^31-1)", "" },
    { "return unpack({}, 0, 2^31-1)", "too many results to unpack" },
    { "return unpack({}, -2^31, 2^31-1)", "too many results to unpack" },
    { "return unpack({}, 2^31-2, 2^31-1)", "$-1" },
    { "return string.byte(string.rep('x', 1e6), 1, -1)", "string slice too long" },
    { "return string.char(unpack({}, 1, 1e5))", "" },
    { "return string.format('%99999999999d', 1)", "invalid" },
    { "return string.format('%99.99f', 1e308)", "$409" },
    { "return string.format('%s')", "bad argument" },
    { "local function f() return 1 + f() end return f()", "stack overflow" },
    { "local function f() return pcall(f) end return f()", ":1" },
    { "local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end return f()",
      "C stack overflow" },
    { "local function f() return xpcall(f, f) end return f()", "" },
    { "local function f(e) error(e) end return xpcall(error, f)", "" },
    { "local function f() return coroutine.wrap(f)() end return f()", "C stack overflow" },
    { "local function f() return coroutine.resume(coroutine.create(f)) end return f()", ":1" },
    { "local c c = coroutine.create(function() return coroutine.resume(c) end) "
      "return select(3, coroutine.resume(c)) and select(2, coroutine.resume(c))",
      "cannot resume" },
    { "return coroutine.yield(1)", "attempt to yield" },
    { "local function f(s) return (s:gsub('x', f)) end return f('x')", "C stack overflow" },
    { "local function f() table.sort({3, 2, 1}, f) end return f()", "C stack overflow" },
    { "local function f() return load(f) end return f()", "C stack overflow" },
    { "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end "
      "return t.x",
      "stack overflow" },
    { "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x", "loop" },
    { "local t = setmetatable({}, {}) getmetatable(t).__newindex = t t.x = 1", "loop" },
    { "local t = setmetatable({}, {}) getmetatable(t).__lt = function(a, b) return a < b end "
      "return t < t",
      "overflow" },
    { "local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b "
      "end "
      "return t .. t",
      "overflow" },
    { "local t = setmetatable({}, {}) getmetatable(t).__call = t return t()", "" },
    { "local t = setmetatable({}, {}) getmetatable(t).__eq = function(a, b) return a == b end "
      "return t == setmetatable({}, getmetatable(t))",
      "overflow" },
    { "local t = {} for i = 1, 1e5 do t = setmetatable({}, { __index = t }) end return t.x",
      "loop" },
    { "return loadstring(string.rep('(', 1e5))", "$-1" },
    { "return loadstring('return ' .. string.rep('{', 1e5))", "$-1" },
    { "return loadstring(string.rep('do ', 1e5))", "$-1" },
    { "return loadstring('local a ' .. string.rep('a=a..', 1e5) .. 'a')", "$-1" },
    { "return loadstring('local ' .. string.rep('a,', 300) .. 'a')", "$-1" },
    { "local a = {} a[1] = a return a", "reached lua stack limit" },
    { "local m = {} m.map = { x = m } return m", "reached lua stack limit" },
    { "return {err={}}", "*0" },
    { "return {map=1}", "*0" },
    { "return {verbatim_string={}}", "*0" },
    { "return {verbatim_string={format='', string='x'}}", "$1" },
    { "return {double='x'}", "*0" },
    { "return {set=setmetatable({}, {__index=function() error('x') end})}", "*0" },
    { "return setmetatable({}, {__index=function() error('x') end})", "*0" },
    { "error(setmetatable({}, {__index=function() error('x') end}))", "unknown error" },
    { "error(setmetatable({}, {__newindex=function() error('x') end}))", "unknown error" },
    { "error(_G)", "unknown error" },
    { "error({err={}})", "unknown error" },
    { "error({err='a\\r\\n+OK\\r\\nb'})", "-a  +OK  b script" },
    { "error('a\\nb')", "a b script" },
    { "return redis.error_reply('a\\r\\n+OK')", "-ERR a  +OK" },
    { "return redis.error_reply()", "wrong number or type of arguments" },
    { "return redis.status_reply(1)", "wrong number or type of arguments" },
    { "redis.log(1)", "redis.log() requires two arguments or more." },
    { "redis.log('x', 1)", "First argument must be a number (log level)." },
    { "redis.log(99, 'x')", "Invalid log level." },
    { "redis.log(0/0, 'x')", "Invalid log level." },
    { "redis.set_repl(9)", "Invalid replication flags." },
    { "redis.setresp('x')", "RESP version must be 2 or 3." },
    { "redis.sha1hex()", "wrong number of arguments" },
    { "return tostring(setmetatable({}, {__tostring=function() return 1 end}))", "" },
    { "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(t) "
      "local s = tostring(t) return s end return tostring(t)",
      "overflow" },
    { "collectgarbage('stop') local t for i = 1, 1e6 do t = {i} end return 1", ":1" },
    { "collectgarbage('setpause', 1e9) return collectgarbage('count') > 0", ":1" },
    { "local t = {} t[0/0] = 1", "index is NaN" },
    { "return next({}, 1)", "invalid key to 'next'" },
    { "return math.random(0)", "interval is empty" },
    { "return math.random(2, 1)", "interval is empty" },
    { "return math.random(1, 2, 3)", "wrong number of arguments" },
    { "return string.find('x', '[')", "malformed pattern" },
    { "return string.find('x', '[]')", "malformed pattern" },
    { "return string.find('x', '[^]')", "malformed pattern" },
    { "return string.find('x', '%')", "malformed pattern" },
    { "return string.find('x', '%b')", "unbalanced pattern" },
    { "return string.find('x', '%bx')", "unbalanced pattern" },
    { "return string.find('x', '%f')", "missing '['" },
    { "return string.find('x', '(')", "unfinished capture" },
    { "return string.match('x', ')')", "invalid pattern capture" },
    { "return string.find('x', '%1')", "invalid capture index" },
    { "return string.find('x', '(x%1)')", "invalid capture index" },
    { "return string.find('x', string.rep('()', 40))", "too many captures" },
    { "return string.find(string.rep('x', 300), string.rep('x?', 300))", "pattern too complex" },
    { "return string.gsub('x', 'x', '%9')", "invalid capture index" },
    { "return string.gsub('x', 'x', '%')", "" },
    { "return string.gsub('x', 'x', function() return {} end)", "invalid replacement value" },
    { "return string.gsub(string.rep('x', 1e5), 'x', string.rep('y', 1e5))", "not enough memory" },
    { "return bit32", "nonexistent global variable 'bit32'" },
    { "return getmetatable(1) == nil and getmetatable(nil) == nil and getmetatable(true) == nil "
      "and "
      "getmetatable(tostring) == nil and getmetatable(coroutine.create(tostring)) == nil",
      ":1" },
    { "setmetatable('', {})", "bad argument" },
    { "setmetatable(1, {})", "bad argument" },
    { "getmetatable(cjson.null).__index = 1", "attempt to index" },
    { "return cjson.decode(string.rep('[', 1e6))", "too many nested data structures" },
    { "return cjson.decode(string.rep('{\"a\":', 1e6))", "too many nested data structures" },
    { "local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)", "excessive nesting" },
    { "local t = {} t[1] = t return cjson.encode(t)", "excessive nesting" },
    { "return cjson.encode({[2^31] = 1})", "" },
    { "local t = {} for i = 1, 1e5 do t = {t} end return #cmsgpack.pack(t)", ":17" },
    { "return cmsgpack.unpack(string.rep('\\145', 1e6))", "" },
    { "return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes in input" },
    { "return cmsgpack.unpack('\\219\\255\\255\\255\\255')", "Missing bytes in input" },
    { "return cmsgpack.unpack(string.rep('\\1', 1e6))", "too many return values" },
    { "return struct.pack('i' .. string.rep('9', 100), 1)", "" },
    { "return struct.pack('!' .. 2^31, 1)", "" },
    { "return struct.unpack('c2147483647', 'x')", "data string too short" },
    { "return struct.unpack('b', 'x', -2^31)", "" },
    { "return struct.unpack('b', 'x', 2^53)", "" },
    { "return struct.unpack(string.rep('b', 1e5), string.rep('x', 1e5))", "too many results" },
    { "return bit.lshift(1, 2^53) + bit.lshift(2^63, 1) + bit.tobit(0/0)", "" },
    { "return bit.tohex(1, -2^31)", "$8" },
    { "return 'x' < 1", "attempt to compare" },
    { "goto x ::x:: return 1", "" },
};

TEST(script_sandbox_holds)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        struct bytes answer = eval(&world, bytes_of_text(attacks[i].code), 20 * second_ns, 2);
        size_t wanted = strlen(attacks[i].part);
        CHECKF(answer.count > 0 && (wanted == 0 || memmem(answer.at, answer.count, attacks[i].part,
                                                          wanted) != NULL),
               "%s\n  %.*s", attacks[i].code, (int)(answer.count < 400 ? answer.count : 400),
               (const char *)answer.at);
        struct bytes next = eval(&world, BYTES("return #('x'):rep(3)"), second_ns, 2);
        CHECKF(bytes_equal(next, BYTES(":3\r\n")), "after %s\n  %.*s", attacks[i].code,
               (int)next.count, (const char *)next.at);
    }
    while (script_collect(world.engine, UINT64_MAX))
        ;
    CHECK(script_memory(world.engine) < 4 * 1024 * 1024);
    world_release(&world);
}

/* Whatever runs, be it in C, is ended soon after the host says so. */
TEST(script_is_ended)
{
    static const char *const rows[] = {
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() while true do end end while true do xpcall(f, f) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        ("local c = coroutine.create(function() while true do end end) "
         "while true do coroutine.resume(c) end"),
        "while true do pcall(string.rep, 'x', 1e6) end",
        "return string.find(string.rep('a', 60), string.rep('a*', 60) .. 'b')",
        "return string.match(string.rep('a', 60), string.rep('a?', 60) .. string.rep('a', 60))",
        "return string.gsub(string.rep('a', 60), string.rep('a-', 60) .. 'b', '')",
        "for x in string.gmatch(string.rep('a', 60), string.rep('.-', 60) .. 'b') do end",
        "return string.find(string.rep('(', 1e6), '%b()')",
        "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t) end",
        "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, 1) end",
        "return load(function() return ' ' end)",
        "while true do loadstring('return ' .. string.rep('1+', 1000) .. '1') end",
        "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
        "while true do redis.call('echo', 'x') end",
        "while true do redis.pcall('nope') end",
        "while true do pcall(redis.call, 'nope') end",
        "table.foreach({1}, function() while true do end end)",
        "table.sort({3,2,1}, function() while true do end end)",
        "error(setmetatable({}, {__tostring = function() while true do end end}))",
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world.asked = 0;
        world.end_after = 2;
        uint64_t began = seam_now_ns(&world.seam);
        struct bytes answer = eval(&world, bytes_of_text(rows[i]), 20 * 1000 * 1000, 2);
        uint64_t took = seam_now_ns(&world.seam) - began;
        CHECKF(took < 5 * second_ns, "%s took %llu ms", rows[i],
               (unsigned long long)took / 1000000);
        (void)answer;
        CHECK_TEXT(eval(&world, BYTES("return 1"), second_ns, 2), ":1\r\n");
    }
    world_release(&world);
}
