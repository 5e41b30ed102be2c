// Starts the every-path server and stays up: `node examples/every-path/start.mjs --sdk v2 --out world.json [--no-guard]`.

import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createAuditLog } from '../../src/audit/create-audit-log.ts'
import { startEveryPath } from './start-every-path.ts'

const { values } = parseArgs({
  options: {
    sdk: { type: 'string', default: 'v1' },
    out: { type: 'string' },
    'no-guard': { type: 'boolean', default: false },
    audit: { type: 'string', default: join(tmpdir(), `every-path-${process.pid}.jsonl`) },
  },
})
if (values.sdk !== 'v1' && values.sdk !== 'v2') throw new Error('--sdk is v1 or v2.')

const audit = await createAuditLog({ path: values.audit })
const world = await startEveryPath({
  sdk: values.sdk,
  guarded: !values['no-guard'],
  audit,
  warn: (message) => console.error(message),
})
const { url, users } = world
const summary = `${JSON.stringify({ mcpUrl: url, users, auditLog: values.audit, guarded: !values['no-guard'] }, null, 2)}\n`
if (values.out !== undefined) writeFileSync(values.out, summary, { mode: 0o600 })
console.log(values.out === undefined ? summary : `${url}, tokens in ${values.out}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void world
      .close()
      .then(() => audit.close())
      .then(() => process.exit(0))
  })
}
