-- redis-lua: commands, pipelines, transactions with check and set, scripts, messages.
local redis = require("redis")

io.stdout:setvbuf("no")
local port = tonumber(os.getenv("SNUG_PORT"))

local function connected()
    return redis.connect("127.0.0.1", port)
end

local function check(name, body)
    local passed, why = pcall(body)
    if passed then
        print("ok " .. name)
    else
        print("not ok " .. name .. ": " .. tostring(why):gsub("\n", " "))
    end
end

local function same(expected, given)
    if expected ~= given then
        error(("expected %s, got %s"):format(tostring(expected), tostring(given)), 2)
    end
end

local client = connected()

check("commands", function()
    same(true, client:set("s", "value"))
    same("value", client:get("s"))
    same(nil, client:get("absent"))
    same(3, client:rpush("l", 1, 2, 3))
    same("1,2,3", table.concat(client:lrange("l", 0, -1), ","))
    client:hmset("h", { a = 1, b = 2 })
    same("2", client:hgetall("h").b)
    local passed, why = pcall(client.incr, client, "s")
    same(false, passed)
    same(true, why:find("not an integer") ~= nil)
end)

check("a pipeline", function()
    local replies = client:pipeline(function(pipeline)
        for _ = 1, 500 do
            pipeline:incr("n")
        end
    end)
    for i = 1, 500 do
        same(i, replies[i])
    end
end)

check("a transaction that is tried again", function()
    local other, tries = connected(), 0
    client:set("t", 1)
    local replies = client:transaction({ watch = "t", cas = true, retry = 2 }, function(transaction)
        tries = tries + 1
        local value = transaction:get("t")
        if tries == 1 then
            other:incr("t")
        end
        transaction:multi()
        transaction:set("t", value * 10)
    end)
    same(2, tries)
    same(1, #replies)
    same("20", client:get("t"))
end)

check("a script", function()
    local reply = client:eval("return {KEYS[1], ARGV[1], 3}", 1, "k", "a")
    same("k,a,3", table.concat(reply, ","))
end)

check("publish and subscribe", function()
    local publisher, heard = connected(), {}
    for message, abort in client:pubsub({ subscribe = "news", psubscribe = "log.*" }) do
        if message.kind == "psubscribe" then
            publisher:publish("news", "1")
            publisher:publish("log.x", "2")
        elseif message.kind == "message" or message.kind == "pmessage" then
            heard[#heard + 1] = message.channel .. "=" .. message.payload
            if #heard == 2 then
                abort()
            end
        end
    end
    same("news=1,log.x=2", table.concat(heard, ","))
end)
