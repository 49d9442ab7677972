// What the programs in JavaScript share.
import assert from 'node:assert/strict'

export const port = Number(process.env.CAIRN_PORT)
export const socket = process.env.CAIRN_SOCKET
export const tlsPort = Number(process.env.CAIRN_TLS_PORT)
export { assert }

const tests = []

export function test (name, run) {
  tests.push({ name, run })
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Waits until the condition holds, a minute at most.
export async function soon (condition) {
  for (const end = Date.now() + 60000; Date.now() < end; await sleep(10)) {
    if (await condition()) return
  }
  throw new Error('it never came')
}

// Runs them in order and ends the process.
export async function run () {
  let failed = 0
  for (const { name, run } of tests) {
    let timer
    const late = new Promise((resolve, reject) => { timer = setTimeout(() => reject(new Error('it takes too long')), 120000) })
    try {
      const why = await Promise.race([run(), late])
      console.log(typeof why === 'string' ? `skip ${name}: ${why}` : `ok ${name}`)
    } catch (error) {
      failed = 1
      const where = (error.stack ?? '').split('\n').find((line) => line.includes('/node/') && !line.includes('node_modules'))
      console.log(`not ok ${name}: ${String(error.message).replaceAll('\n', ' ').slice(0, 300)} ${where?.trim() ?? ''}`)
    }
    clearTimeout(timer)
  }
  process.exit(failed)
}
