// A process that writes until it is killed: several writers at once, each saying what was acknowledged.
// node chaos-writers.mjs <dist directory as URL> <settings as JSON>

import { writeSync } from 'node:fs'

const [dist, json] = process.argv.slice(2)
/** @type {{ path: string, run: number, writers: number, writes: number, big: boolean, failpoint?: object }} */
const { path, run, writers, writes, big, failpoint } = JSON.parse(json)
const { openSqliteStoreWith } = await import(`${dist}store/sqlite/store.js`)
const { intendedUpdates } = await import('./chaos-updates.mjs')

// Written at once: what was said before the process dies can still be read after it.
const say = (...words) => writeSync(1, `${words.join(' ')}\n`)

const startMs = Date.now()
const store = await openSqliteStoreWith({ path }, failpoint === undefined ? {} : { failpoint })
await store.follow(await store.head(), {
  onEntry: () => {},
  onBreak: (error) => say('broken', error.message),
})
say('ready')

async function write(writer) {
  for (let n = 0; n < writes; n++) {
    const updates = intendedUpdates(run, writer, n, big)
    const conditions = { schemaRevision: 0, nowMs: Date.now(), metadata: { run, writer, n } }
    const { head } = await store.write(updates, conditions)
    say('acknowledged', writer, n, head.revision, head.nonce)
    if (n % 10 === 9 && writer === 0) await store.collectGarbage(startMs)
  }
}
await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
await store.close()
say('done')
