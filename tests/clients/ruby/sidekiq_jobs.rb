# The jobs of test_sidekiq.py: a worker of Sidekiq loads this, and `ruby sidekiq_jobs.rb` asks for them.
require "sidekiq"
require "sidekiq/api"

Sidekiq.configure_server do |config|
  config.redis = { url: ENV.fetch("JOBS_URL") }
  # Sidekiq 7 keeps its options in the configuration itself.
  options = config.respond_to?(:options) ? config.options : config
  options[:poll_interval_average] = 0.2
end
Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("JOBS_URL") } }

# Counts what it was given.
class Count
  include Sidekiq::Worker
  sidekiq_options queue: "low"

  def perform(number)
    Sidekiq.redis { |redis| redis.incrby("sum", number) }
  end
end

# Fails at first.
class Stubborn
  include Sidekiq::Worker
  sidekiq_options queue: "high", retry: 3

  def perform
    tries = Sidekiq.redis { |redis| redis.incr("tries") }
    raise "not yet" if tries < 2
  end
end

if $PROGRAM_NAME == __FILE__
  Sidekiq::Client.push_bulk("class" => Count, "args" => (1..200).map { |number| [number] })
  Stubborn.perform_async
  Count.perform_in(0.2, 1_000_000)
  # It would be tried again after some seconds; somebody is impatient.
  sleep 0.01 until Sidekiq::RetrySet.new.size == 1
  Sidekiq::RetrySet.new.retry_all
end
