// express, express-session and connect-redis: a web server whose sessions outlive a kill -9 of the store.
import { execFileSync } from 'node:child_process'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { assert, port, run, soon, test } from './lib.mjs'

const server = (word) => execFileSync(process.env.CAIRN_SERVER, [word], { stdio: 'ignore' })
const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 50 } })
client.on('error', () => {})
await client.connect()

const app = express()
const store = new RedisStore({ client, prefix: 'session:', ttl: 3600 })
app.use(session({ store, secret: 'not a secret', resave: false, saveUninitialized: false, cookie: { maxAge: 3600000 } }))
// Answered when it is saved: without save() express-session answers even when it could not save.
app.get('/count', (request, response, next) => {
  request.session.count = (request.session.count ?? 0) + 1
  request.session.save((error) => (error ? next(error) : response.send(String(request.session.count))))
})
app.get('/login/:user', (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error)
    request.session.user = request.params.user
    request.session.cart = Array.from({ length: 50 }, (_, i) => ({ item: i, note: '\u00fc'.repeat(i) }))
    request.session.save((failure) => (failure ? next(failure) : response.send('welcome')))
  })
})
app.get('/who', (request, response) => response.json({ user: request.session.user, items: request.session.cart?.length }))
app.get('/logout', (request, response) => request.session.destroy(() => response.send('bye')))
app.use((error, request, response, next) => response.status(503).send(error.message))
const listener = await new Promise((resolve) => { const l = app.listen(0, '127.0.0.1', () => resolve(l)) })
const origin = `http://127.0.0.1:${listener.address().port}`

// A browser keeps its cookie.
class Browser {
  async get (path) {
    const response = await fetch(origin + path, { headers: this.cookie ? { cookie: this.cookie } : {} })
    const cookie = response.headers.get('set-cookie')
    if (cookie) this.cookie = cookie.split(';')[0]
    return response.ok ? await response.text() : `status ${response.status}`
  }
}

test('a session counts', async () => {
  const one = new Browser()
  const other = new Browser()
  assert.deepEqual([await one.get('/count'), await one.get('/count'), await other.get('/count')], ['1', '2', '1'])
  const keys = await client.keys('session:*')
  assert.equal(keys.length, 2)
  assert.ok(await client.ttl(keys[0]) > 3000)
})
test('a session ends', async () => {
  const browser = new Browser()
  await browser.get('/login/ann')
  assert.equal(JSON.parse(await browser.get('/who')).user, 'ann')
  await browser.get('/logout')
  assert.equal(JSON.parse(await browser.get('/who')).user, undefined)
})
test('sessions outlive kill -9 of the store', async () => {
  const browsers = []
  for (let i = 0; i < 100; i++) {
    const browser = new Browser()
    assert.equal(await browser.get(`/login/user${i}`), 'welcome')
    browsers.push(browser)
  }
  for (let round = 1; round <= 3; round++) {
    await Promise.all(browsers.map(async (browser) => assert.equal(await browser.get('/count'), String(round))))
    server('kill')
    await soon(() => !client.isReady)
    server('start')
    await soon(() => client.isReady)
    const who = await Promise.all(browsers.map((browser) => browser.get('/who')))
    who.forEach((text, i) => assert.deepEqual(JSON.parse(text), { user: `user${i}`, items: 50 }))
  }
})
test('kill -9 in the middle of requests', async () => {
  const browsers = Array.from({ length: 20 }, () => new Browser())
  await Promise.all(browsers.map((browser) => browser.get('/login/x')))
  const counts = browsers.map(() => 0)
  const lost = []
  let going = true
  const visits = browsers.map(async (browser, i) => {
    while (going) {
      const text = await browser.get('/count').catch(() => '')
      if (!/^\d+$/.test(text)) continue
      if (Number(text) <= counts[i]) lost.push(`count ${text} after ${counts[i]}`) // what was acknowledged is there
      counts[i] = Number(text)
    }
  })
  for (let round = 0; round < 3; round++) {
    const before = counts.reduce((sum, count) => sum + count, 0)
    await soon(() => counts.reduce((sum, count) => sum + count, 0) > before + 200)
    server('kill')
    server('start')
  }
  going = false
  await Promise.all(visits)
  assert.deepEqual(lost, [])
})
await run()
