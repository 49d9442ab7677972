// node-redis: what programs do with the package `redis`.
import fs from 'node:fs'
import { createClient, createClientPool, RESP_TYPES, WatchError } from 'redis'
import { assert, port, run, socket, soon, test, tlsPort } from './lib.mjs'

async function connect (options = {}) {
  const client = createClient({ socket: { host: '127.0.0.1', port }, ...options })
  client.on('error', () => {})
  await client.connect()
  return client
}

const r = await connect()

test('strings', async () => {
  assert.equal(await r.set('k', 'v', { expiration: { type: 'EX', value: 1000 }, condition: 'NX' }), 'OK')
  assert.equal(await r.set('k', 'w', { condition: 'NX' }), null)
  assert.ok(await r.ttl('k') > 900)
  assert.equal(await r.mSet({ a: '1', b: '2' }), 'OK')
  assert.deepEqual(await r.mGet(['a', 'x', 'b']), ['1', null, '2'])
  assert.equal(await r.incrBy('n', 5), 5)
  assert.equal(Number(await r.incrByFloat('f', 0.5)), 0.5)
  assert.equal(await r.getDel('a'), '1')
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  await r.set(bytes, bytes)
  const buffers = r.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  assert.deepEqual(await buffers.get(bytes), bytes)
  const large = 'x'.repeat(8 << 20)
  await r.set('large', large)
  assert.equal(await r.get('large') === large, true)
})
test('collections', async () => {
  assert.equal(await r.hSet('h', { f: 1, g: 'x' }), 2)
  assert.deepEqual({ ...await r.hGetAll('h') }, { f: '1', g: 'x' })
  assert.equal(await r.rPush('l', ['a', 'b', 'c']), 3)
  assert.equal(await r.lMove('l', 'm', 'LEFT', 'RIGHT'), 'a')
  assert.deepEqual(await r.lRange('l', 0, -1), ['b', 'c'])
  assert.equal(await r.sAdd('s', ['a', 'b']), 2)
  assert.deepEqual(await r.smIsMember('s', ['a', 'z']), [1, 0])
  assert.equal(await r.zAdd('z', [{ score: 1, value: 'a' }, { score: 2.5, value: 'b' }]), 2)
  assert.deepEqual((await r.zRangeWithScores('z', 0, -1)).map((m) => ({ ...m })), [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }])
  assert.equal(await r.zScore('z', 'b'), 2.5)
  assert.equal(await r.geoAdd('geo', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }), 1)
  assert.equal(await r.pfAdd('hll', ['a', 'b']), 1)
  assert.equal(await r.copy('h', 'h2'), 1)
  assert.deepEqual(await r.sort('s', { ALPHA: true, DIRECTION: 'DESC' }), ['b', 'a'])
})
test('hash fields that expire', async () => {
  await r.hSet('timed', { f: 1, g: 2 })
  try {
    assert.deepEqual(await r.hExpire('timed', ['f', 'nosuch'], 1000), [1, -2])
  } catch (error) {
    return 'the server does not know them'
  }
  assert.ok((await r.hTTL('timed', ['f']))[0] > 900)
  assert.deepEqual(await r.hPersist('timed', ['f']), [1])
})
test('automatic pipelines', async () => {
  const replies = await Promise.all(Array.from({ length: 10000 }, () => r.incr('piped')))
  assert.deepEqual(replies, Array.from({ length: 10000 }, (_, i) => i + 1))
})
test('transactions', async () => {
  assert.deepEqual(await r.multi().set('t', 1).incr('t').get('t').exec(), ['OK', 2, '2'])
  const own = await connect()
  await own.watch('t')
  await r.set('t', 'other')
  await assert.rejects(own.multi().set('t', 'mine').exec(), WatchError)
  await assert.rejects(r.multi().set('text', 'x').incr('text').exec())
  await own.close()
})
test('pools', async () => {
  const pool = await createClientPool({ socket: { host: '127.0.0.1', port } }, { minimum: 2, maximum: 8, cleanupDelay: 3600000 }).connect()
  await Promise.all(Array.from({ length: 1000 }, () => pool.execute((c) => c.incr('pooled'))))
  assert.equal(await r.get('pooled'), '1000')
  await pool.close()
})
test('iterators', async () => {
  await Promise.all(Array.from({ length: 2000 }, (_, i) => r.set(`scan:${i}`, i)))
  const found = new Set()
  for await (const keys of r.scanIterator({ MATCH: 'scan:*', COUNT: 100 })) for (const key of keys) found.add(key)
  assert.equal(found.size, 2000)
  let members = 0
  for await (const page of r.sScanIterator('s')) members += page.length
  assert.equal(members, 2)
})
test('blocking commands', async () => {
  const own = await connect()
  const waiting = own.blPop(['none', 'queue'], 60)
  await soon(async () => /blocked_clients:[1-9]/.test(await r.info('clients')))
  await r.rPush('queue', 'job')
  assert.deepEqual({ ...await waiting }, { key: 'queue', element: 'job' })
  assert.equal(await own.brPop('none', 0.05), null)
  await own.close()
})
test('streams', async () => {
  for (let i = 0; i < 10; i++) await r.xAdd('st', '*', { n: String(i) })
  await r.xGroupCreate('st', 'g', '0')
  const [read] = await r.xReadGroup('g', 'c', { key: 'st', id: '>' }, { COUNT: 4 })
  assert.deepEqual(read.messages.map((m) => m.message.n), ['0', '1', '2', '3'])
  assert.equal(await r.xAck('st', 'g', read.messages.map((m) => m.id)), 4)
  assert.equal((await r.xPending('st', 'g')).pending, 0)
  assert.equal((await r.xAutoClaim('st', 'g', 'd', 0, '0-0')).messages.length, 0)
  const own = await connect()
  const waiting = own.xRead({ key: 'st', id: '$' }, { BLOCK: 60000 })
  await soon(async () => /blocked_clients:[1-9]/.test(await r.info('clients')))
  await r.xAdd('st', '*', { n: 'new' })
  assert.equal((await waiting)[0].messages[0].message.n, 'new')
  await own.close()
})
for (const RESP of [2, 3]) {
  test(`publish and subscribe, RESP${RESP}`, async () => {
    const subscriber = await connect({ RESP })
    const got = []
    await subscriber.subscribe('news', (message) => got.push(message))
    await subscriber.pSubscribe('n*', (message, channel) => got.push(`${channel} ${message}`))
    await subscriber.sSubscribe('shard', (message) => got.push(`shard ${message}`))
    for (let i = 0; i < 100; i++) assert.equal(await r.publish('news', String(i)), 2)
    assert.equal(await r.sPublish('shard', 'x'), 1)
    await soon(() => got.length === 201)
    assert.deepEqual(got.slice(0, 2).sort(), ['0', 'news 0'])
    await subscriber.unsubscribe('news')
    assert.equal(await r.publish('news', 'x'), 1)
    if (RESP === 3) assert.equal(await subscriber.get('nosuch'), null)
    await subscriber.close()
  })
}
test('RESP3', async () => {
  const own = await connect({ RESP: 3 })
  assert.deepEqual({ ...await own.hGetAll('h') }, { f: '1', g: 'x' })
  assert.equal(await own.zScore('z', 'b'), 2.5)
  assert.deepEqual([...await own.sMembers('s')].sort(), ['a', 'b'])
  await own.close()
})
test('client-side caching', async () => {
  const own = await connect({ RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } })
  assert.equal(await own.get('k'), 'v')
  assert.equal(await own.get('k'), 'v')
  await r.set('k', 'changed')
  await soon(async () => await own.get('k') === 'changed')
  await own.close()
})
test('reconnection', async () => {
  const own = await connect({ name: 'named' })
  const id = await own.clientId()
  let again = false
  own.on('ready', () => { again = true })
  await r.sendCommand(['CLIENT', 'KILL', 'ID', String(id)])
  await soon(() => again)
  assert.equal(await own.clientGetName(), 'named')
  await own.close()
  const local = await connect({ socket: { path: socket }, database: 3 })
  assert.equal(await local.set('where', 3), 'OK')
  await local.close()
})
test('users', async () => {
  await r.aclSetUser('gina', ['on', '>secret', '~k', '+get', '+client', '+hello'])
  const own = await connect({ username: 'gina', password: 'secret' })
  assert.equal(await own.get('k'), 'changed')
  await assert.rejects(own.set('k', 'x'), /NOPERM/)
  await own.close()
  await assert.rejects(connect({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, username: 'gina', password: 'wrong' }), /WRONGPASS/)
})
test('tls', async () => {
  if (!tlsPort) return 'the server has none'
  const own = await connect({ socket: { host: 'localhost', port: tlsPort, tls: true, ca: fs.readFileSync(process.env.CAIRN_TLS_CA) } })
  assert.equal(await own.set('tls', 'x'.repeat(1000000)), 'OK')
  assert.equal((await own.get('tls')).length, 1000000)
  await own.close()
})
await run()
