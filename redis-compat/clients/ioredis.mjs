// ioredis: what programs do with it.
import fs from 'node:fs'
import Redis from 'ioredis'
import { assert, port, run, socket, soon, test, tlsPort } from './lib.mjs'

const connect = (options = {}) => {
  const client = new Redis({ port, host: '127.0.0.1', ...options })
  client.on('error', () => {})
  return client
}
const r = connect()

test('values', async () => {
  assert.equal(await r.set('k', 'v', 'EX', 1000, 'NX'), 'OK')
  assert.equal(await r.set('k', 'w', 'NX'), null)
  assert.equal(await r.mset({ a: 1, b: 2 }), 'OK')
  assert.deepEqual(await r.mget('a', 'x', 'b'), ['1', null, '2'])
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  await r.set('bytes', bytes)
  assert.deepEqual(await r.getBuffer('bytes'), bytes)
  assert.equal(await r.hset('h', { f: 1, g: 'x' }), 2)
  assert.deepEqual(await r.hgetall('h'), { f: '1', g: 'x' })
  await r.hset('m', new Map([['a', 1]]))
  assert.deepEqual(await r.zadd('z', 1, 'a', 2.5, 'b'), 2)
  assert.deepEqual(await r.zrange('z', 0, -1, 'WITHSCORES'), ['a', '1', 'b', '2.5'])
  await assert.rejects(r.incr('k'), /not an integer/)
})
test('pipelines', async () => {
  const pipeline = r.pipeline()
  for (let i = 0; i < 5000; i++) pipeline.incr('piped')
  pipeline.incr('k')
  const replies = await pipeline.exec()
  assert.deepEqual(replies[4999], [null, 5000])
  assert.match(replies[5000][0].message, /not an integer/)
  const own = connect({ enableAutoPipelining: true })
  assert.deepEqual((await Promise.all(Array.from({ length: 2000 }, () => own.incr('auto')))).at(-1), 2000)
  own.disconnect()
})
test('transactions', async () => {
  assert.deepEqual(await r.multi().set('t', 1).incr('t').exec(), [[null, 'OK'], [null, 2]])
  assert.deepEqual(await r.multi([['get', 't'], ['get', 'k']]).exec(), [[null, '2'], [null, 'v']])
  const own = connect()
  await own.watch('t')
  await r.set('t', 'other')
  assert.equal(await own.multi().set('t', 'mine').exec(), null)
  own.disconnect()
})
test('prefixes of keys', async () => {
  const own = connect({ keyPrefix: 'app:' })
  await own.mset('x', 1, 'y', 2)
  assert.deepEqual(await r.mget('app:x', 'app:y'), ['1', '2'])
  assert.equal(await own.sort('nothing', 'BY', 'w_*').then((l) => l.length), 0)
  own.disconnect()
})
test('streams of keys', async () => {
  await Promise.all(Array.from({ length: 2000 }, (_, i) => r.set(`scan:${i}`, i)))
  const found = new Set()
  for await (const keys of r.scanStream({ match: 'scan:*', count: 100 })) for (const key of keys) found.add(key)
  assert.equal(found.size, 2000)
  const fields = []
  for await (const page of r.hscanStream('h')) fields.push(...page)
  assert.equal(fields.length, 4)
})
test('blocking commands', async () => {
  const own = connect()
  const waiting = own.blpop('none', 'queue', 60)
  await soon(async () => /blocked_clients:[1-9]/.test(await r.info('clients')))
  await r.rpush('queue', 'job')
  assert.deepEqual(await waiting, ['queue', 'job'])
  const popped = own.bzpopmin('zqueue', 60)
  await soon(async () => /blocked_clients:[1-9]/.test(await r.info('clients')))
  await r.zadd('zqueue', 2, 'm')
  assert.deepEqual(await popped, ['zqueue', 'm', '2'])
  own.disconnect()
})
test('a stream and its groups', async () => {
  for (let i = 0; i < 10; i++) await r.xadd('st', '*', 'n', i)
  await r.xgroup('CREATE', 'st', 'g', '0')
  const [[, entries]] = await r.xreadgroup('GROUP', 'g', 'c', 'COUNT', 4, 'STREAMS', 'st', '>')
  assert.deepEqual(entries.map((e) => e[1][1]), ['0', '1', '2', '3'])
  assert.equal(await r.xack('st', 'g', ...entries.map((e) => e[0])), 4)
})
test('publish and subscribe', async () => {
  const subscriber = connect()
  const got = []
  assert.equal(await subscriber.subscribe('news', 'sport'), 2)
  await subscriber.psubscribe('n*')
  subscriber.on('message', (channel, message) => got.push(`${channel} ${message}`))
  subscriber.on('pmessage', (pattern, channel, message) => got.push(`${pattern} ${channel} ${message}`))
  for (let i = 0; i < 100; i++) assert.equal(await r.publish('news', i), 2)
  await soon(() => got.length === 200)
  // subscriptions outlive the connection
  const id = (await r.client('LIST', 'TYPE', 'pubsub')).match(/id=(\d+)/)[1]
  await r.client('KILL', 'ID', id)
  await soon(async () => {
    await r.publish('sport', 'again') // what comes before it has subscribed again is lost to it
    return got.includes('sport again')
  })
  subscriber.disconnect()
})
test('reconnection', async () => {
  const own = connect({ connectionName: 'named', db: 3 })
  await own.set('where', 3)
  await r.client('KILL', 'ID', await own.client('ID'))
  assert.equal(await own.get('where'), '3') // sent again on a new connection
  assert.equal(await own.client('GETNAME'), 'named')
  own.disconnect()
  const local = new Redis({ path: socket, db: 3, lazyConnect: true })
  await local.connect()
  assert.equal(await local.get('where'), '3')
  assert.equal(await local.quit(), 'OK')
})
test('monitor', async () => {
  const own = connect()
  await own.ping() // ioredis cannot take a line that comes together with MONITOR's +OK
  const monitor = await own.monitor()
  const seen = new Promise((resolve) => monitor.on('monitor', (time, args) => { if (args[1] === 'watched') resolve(args) }))
  await r.set('watched', 'yes')
  assert.deepEqual((await seen).slice(1), ['watched', 'yes'])
  monitor.disconnect()
  own.disconnect()
})
test('scripts', async () => {
  r.defineCommand('double', { numberOfKeys: 1, lua: 'return redis.call("GET", KEYS[1]) * 2' })
  try {
    await r.set('number', 21)
    assert.equal(await r.double('number'), 42)
  } catch (error) {
    assert.match(error.message, /unknown command/)
    return 'the server has no scripting, and says so'
  }
})
test('users and URLs', async () => {
  await r.acl('SETUSER', 'hans', 'on', '>secret', '~k', '+get', '+info')
  const own = new Redis(`redis://hans:secret@127.0.0.1:${port}`)
  assert.equal(await own.get('k'), 'v')
  await assert.rejects(own.set('k', 'x'), /NOPERM/)
  own.disconnect()
})
test('tls', async () => {
  if (!tlsPort) return 'the server has none'
  const own = connect({ port: tlsPort, host: 'localhost', tls: { ca: fs.readFileSync(process.env.CAIRN_TLS_CA) } })
  assert.equal(await own.set('tls', 'x'.repeat(1000000)), 'OK')
  assert.equal((await own.get('tls')).length, 1000000)
  own.disconnect()
})
await run()
