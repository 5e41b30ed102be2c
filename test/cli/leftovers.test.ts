// What commands leave behind when they fail or end: nothing that nobody asked for.

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cardea, emptyFolder, started } from './run-cardea.ts'

let folder: string
beforeEach(() => {
  folder = emptyFolder()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each(['--grpc-addr', '--http-addr'])(
  'a serve whose %s is taken says so in one line and makes no datastore',
  async (flag) => {
    const taken = createServer()
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
    const { port } = taken.address() as { port: number }
    const other = flag === '--grpc-addr' ? '--http-addr' : '--grpc-addr'
    const words = ['serve', flag, `127.0.0.1:${port}`, other, '127.0.0.1:0', '--log-level', 'error']
    const outcome = await cardea(words, folder)
    await new Promise((done) => taken.close(done))
    expect(outcome).toEqual({
      code: 2,
      stdout: '',
      stderr: `cardea: ${flag} 127.0.0.1:${port} is in use by another process. Stop it, or choose another port.\n`,
    })
    expect(readdirSync(folder).filter((name) => name.startsWith('cardea.db'))).toEqual([])
  },
)

test('a serve that would carry keys in plain text makes no datastore', async () => {
  const outcome = await cardea(['serve', '--grpc-addr', '0.0.0.0:0'], folder)
  expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining('in plain text') })
  expect(existsSync(`${folder}/cardea.db`)).toBe(false)
})

test('the demo removes its files when it is ended', async () => {
  const demo = await started(['demo'], folder, 'Ctrl-C ends it.')
  const documents = /documents in (\S+)/.exec(demo.output())![1]!
  expect(existsSync(documents)).toBe(true)
  await demo.stop()
  expect(existsSync(dirname(documents))).toBe(false)
})

test('the client example says what is missing when no server runs', async () => {
  const example = resolve('examples/authzed-node.mjs')
  const outcome = await new Promise((done) => {
    execFile(process.execPath, [example], { cwd: folder }, (error, stdout, stderr) =>
      done({ code: error?.code, stdout, stderr }),
    )
  })
  expect(outcome).toEqual({
    code: 1,
    stdout: '',
    stderr: 'No server runs in this folder. Start one in another terminal: npm start\n',
  })
})
