// Compiles the example and runs it: node examples/downstream/start.mjs

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
execFileSync(process.execPath, [tsc, '-p', 'examples/downstream/tsconfig.json'], {
  cwd: root,
  stdio: 'inherit',
})
await import('./dist/examples/downstream/main.js')
