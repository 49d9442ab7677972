# redis-rb: what Ruby programs do with it.
require 'redis'
require 'set'

PORT = ENV['CAIRN_PORT'].to_i
$failed = false
$redis = Redis.new(port: PORT, timeout: 60)

def connect(**options)
  Redis.new(port: PORT, timeout: 60, **options)
end

def expect(got, expected)
  raise "expected #{expected.inspect}, got #{got.inspect}" unless got == expected
end

def test(name)
  yield $redis
  puts "ok #{name}"
rescue StandardError => e
  $failed = true
  puts "not ok #{name}: #{e.class}: #{e.message.tr("\n", ' ')} (#{e.backtrace.find { |l| l.include?('ruby_redis.rb') }})"
end

def soon
  6000.times { (v = yield) ? (return v) : sleep(0.01) }
  raise 'it never came'
end

test 'strings' do |r|
  expect r.set('k', 'v', ex: 1000, nx: true), true
  expect r.set('k', 'w', nx: true), false
  expect r.ttl('k').between?(900, 1000), true
  expect r.mset('a', 1, 'b', 2), 'OK'
  expect r.mapped_mget('a', 'x', 'b'), { 'a' => '1', 'x' => nil, 'b' => '2' }
  expect r.incrby('n', 5), 5
  expect r.incrbyfloat('f', 0.5), 0.5
  bytes = (0..255).map(&:chr).join.b
  r.set(bytes, bytes)
  expect r.get(bytes).b, bytes
  expect r.getex('k', persist: true), 'v'
  expect r.bitcount('k'), 5
  expect r.setbit('bits', 7, 1), 0
end

test 'collections' do |r|
  expect r.mapped_hmset('h', { 'f' => '1', 'g' => 'x' }), 'OK'
  expect r.hgetall('h'), { 'f' => '1', 'g' => 'x' }
  expect r.rpush('l', %w[a b c]), 3
  expect r.lmove('l', 'm', 'LEFT', 'RIGHT'), 'a'
  expect r.lrange('l', 0, -1), %w[b c]
  expect r.sadd('s', %w[a b c]), 3
  expect r.smembers('s').to_set, %w[a b c].to_set
  expect r.zadd('z', [[1, 'a'], [2.5, 'b']]), 2
  expect r.zrange('z', 0, -1, with_scores: true), [['a', 1.0], ['b', 2.5]]
  expect r.zrangebyscore('z', '(1', '+inf'), ['b']
  expect r.zincrby('z', Float::INFINITY, 'a'), Float::INFINITY
  expect r.geoadd('geo', 13.361389, 38.115556, 'Palermo'), 1
  expect r.pfadd('hll', %w[a b c]), true
  expect r.pfcount('hll'), 3
  expect r.sort('s', order: 'DESC ALPHA', limit: [0, 2]), %w[c b]
end

test 'pipelines and futures' do |r|
  future = nil
  got = r.pipelined do |pipe|
    pipe.set('p', 1)
    future = pipe.incr('p')
    pipe.hgetall('h')
  end
  expect got, ['OK', 2, { 'f' => '1', 'g' => 'x' }]
  expect future.value, 2
  expect r.pipelined { |pipe| 5000.times { pipe.incr('piped') } }.last, 5000
end

test 'transactions' do |r|
  expect r.multi { |tx| tx.set('t', 1); tx.incr('t') }, ['OK', 2]
  expect(r.watch('t') { connect.set('t', 'other'); r.multi { |tx| tx.set('t', 'mine') } }, nil)
  expect r.get('t'), 'other'
  begin
    r.multi { |tx| tx.incr('t'); tx.set('after', 1) }
    raise 'no error'
  rescue Redis::CommandError => e
    expect e.message.include?('not an integer'), true
  end
  expect r.get('after'), '1'
end

test 'iterators' do |r|
  r.pipelined { |pipe| 2000.times { |i| pipe.set("scan:#{i}", i); pipe.hset('scanned', "f#{i}", i) } }
  expect r.scan_each(match: 'scan:*', count: 100).to_set.size, 2000
  expect r.hscan_each('scanned').to_h.size, 2000
  expect r.zscan_each('z').to_a.size, 2
  expect r.scan_each(type: 'zset').to_set, %w[z geo].to_set
end

test 'blocking commands' do |r|
  thread = Thread.new { connect.blpop('none', 'queue', timeout: 60) }
  soon { r.info('clients')['blocked_clients'].to_i.positive? }
  r.rpush('queue', 'job')
  expect thread.value, %w[queue job]
  thread = Thread.new { connect.bzpopmin('zqueue', timeout: 60) }
  soon { r.info('clients')['blocked_clients'].to_i.positive? }
  r.zadd('zqueue', 2, 'm')
  expect thread.value, ['zqueue', 'm', 2.0]
  expect r.brpop('none', timeout: 1), nil
end

test 'streams' do |r|
  10.times { |i| r.xadd('st', { n: i }) }
  r.xgroup(:create, 'st', 'g', '0')
  read = r.xreadgroup('g', 'c', 'st', '>', count: 4)['st']
  expect read.map { |_, f| f['n'] }, %w[0 1 2 3]
  expect r.xack('st', 'g', read.map(&:first)), 4
  expect r.xpending('st', 'g')['size'], 0
  thread = Thread.new { connect.xread('st', '$', block: 60_000) }
  soon { r.info('clients')['blocked_clients'].to_i.positive? }
  r.xadd('st', { n: 'new' })
  expect thread.value['st'][0][1], { 'n' => 'new' }
end

test 'subscriptions' do |r|
  got = []
  thread = Thread.new do
    connect.psubscribe('news.*') do |on|
      on.pmessage { |_, channel, message| got << [channel, message]; Thread.exit if message == 'end' }
    end
  end
  soon { r.pubsub(:numpat) == 1 }
  10.times { |i| r.publish("news.#{i}", "message #{i}") }
  r.publish('news.x', 'end')
  thread.join
  expect got.size, 11
  expect got[3], ['news.3', 'message 3']
end

test 'errors' do |r|
  begin
    r.lpush('k', 'x')
    raise 'no error'
  rescue Redis::CommandError => e
    expect e.message.start_with?('WRONGTYPE'), true
  end
end

test 'connections' do |r|
  expect Redis.new(url: "redis://127.0.0.1:#{PORT}/3").set('where', 3), 'OK'
  expect Redis.new(path: ENV['CAIRN_SOCKET'], db: 3).get('where'), '3'
  own = connect(id: 'named')
  own.client(:setname, 'named')
  id = own.client(:list).find { |c| c['name'] == 'named' }['id']
  r.client(:kill, 'ID', id)
  expect own.get('k'), 'v' # it connects again
  expect r.info['redis_version'].start_with?('7.'), true
  expect r.config(:get, 'maxmemory'), { 'maxmemory' => '0' }
  r.call('ACL', 'SETUSER', 'dave', 'on', '>secret', '~k', '+get')
  expect connect(username: 'dave', password: 'secret').get('k'), 'v'
end

if ENV['CAIRN_TLS_PORT'].to_s.empty?
  puts 'skip tls: the server has none'
else
  test 'tls' do
    own = Redis.new(url: "rediss://127.0.0.1:#{ENV['CAIRN_TLS_PORT']}", ssl_params: { ca_file: ENV['CAIRN_TLS_CA'] })
    own.set('tls', 'x' * 1_000_000)
    expect own.get('tls').size, 1_000_000
  end
end
exit($failed ? 1 : 0)
