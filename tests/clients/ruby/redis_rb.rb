# redis-rb 4: commands, pipelines, transactions, scripts, blocking, pub/sub, scans, streams.
require "redis"
require "timeout"

$stdout.sync = true
PORT = ENV.fetch("SNUG_PORT").to_i

def check(name)
  Timeout.timeout(30) { yield }
  puts "ok #{name}"
rescue Exception => error # rubocop:disable Lint/RescueException
  puts "not ok #{name}: #{error.class}: #{error.message} #{error.backtrace.first(3)}".tr("\n", " ")
end

def same(expected, given)
  raise "expected #{expected.inspect}, got #{given.inspect}" unless expected == given
end

def connected
  Redis.new(host: "127.0.0.1", port: PORT, timeout: 10)
end

# Yields until it is true.
def wait_until
  sleep 0.005 until yield
end

redis = connected

check("commands") do
  same("OK", redis.set("s", "grün"))
  same("grün", redis.get("s").force_encoding("UTF-8"))
  same(nil, redis.get("absent"))
  same(true, redis.set("lock", 1, nx: true, ex: 100))
  same(false, redis.set("lock", 1, nx: true, ex: 100))
  redis.mapped_hmset("h", "a" => 1, "b" => "two")
  same({ "a" => "1", "b" => "two" }, redis.hgetall("h"))
  redis.zadd("z", [[1.5, "one"], [2, "two"]])
  same([["one", 1.5], ["two", 2.0]], redis.zrange("z", 0, -1, with_scores: true))
  same(Float::INFINITY, redis.zincrby("z", Float::INFINITY, "one"))
end

check("errors are raised") do
  redis.set("text", "abc")
  begin
    redis.incr("text")
    raise "no error"
  rescue Redis::CommandError => error
    same("ERR value is not an integer or out of range", error.message)
  end
end

check("a pipeline") do
  results = redis.pipelined { |pipeline| 1000.times { pipeline.incr("pipelined") } }
  same((1..1000).to_a, results)
end

check("a transaction, and a watched key") do
  results = redis.multi do |transaction|
    transaction.set("t", 1)
    transaction.incr("t")
  end
  same(["OK", 2], results)
  aborted = redis.watch("t") do
    connected.set("t", "changed")
    redis.multi { |transaction| transaction.set("t", "mine") }
  end
  same(nil, aborted)
  same("changed", redis.get("t"))
end

check("a script") do
  sha = redis.script(:load, "return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
  same(["counter", "x", 1], redis.evalsha(sha, keys: ["counter"], argv: ["x"]))
  same([true], redis.script(:exists, [sha]))
end

check("a blocking pop") do
  waiting = Thread.new { connected.blpop("queue", timeout: 10) }
  wait_until { redis.info("clients")["blocked_clients"] == "1" }
  redis.rpush("queue", "job")
  same(%w[queue job], waiting.value)
end

check("publish and subscribe") do
  heard = []
  subscriber = connected
  subscribed = Thread.new do
    subscriber.subscribe("news", "more") do |on|
      on.message do |channel, message|
        heard << [channel, message]
        subscriber.unsubscribe if heard.size == 2
      end
    end
  end
  wait_until { redis.pubsub(:numsub, "news", "more") == ["news", 1, "more", 1] }
  redis.publish("news", "1")
  redis.publish("more", "2")
  subscribed.join
  same([%w[news 1], %w[more 2]], heard)
  same("PONG", subscriber.ping)
end

check("scans") do
  redis.mset(*(0...1000).flat_map { |i| ["scan:#{i}", i] })
  same(1000, redis.scan_each(match: "scan:*", count: 50).to_a.uniq.size)
  redis.hset("big", (0...1000).to_h { |i| [i, i] })
  same(1000, redis.hscan_each("big").to_a.uniq.size)
end

check("streams") do
  id = redis.xadd("stream", { "field" => "value" })
  same({ "stream" => [[id, { "field" => "value" }]] }, redis.xread("stream", "0"))
  redis.xgroup(:create, "stream", "group", "0")
  same([id], redis.xreadgroup("group", "me", "stream", ">")["stream"].map(&:first))
  same(1, redis.xack("stream", "group", id))
end
