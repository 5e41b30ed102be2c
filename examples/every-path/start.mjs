// Compiles the example and runs it: node examples/every-path/start.mjs [--sdk v1|v2] [--out FILE] [--no-guard]

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
execFileSync(process.execPath, [tsc, '-p', 'examples/every-path/tsconfig.json'], {
  cwd: root,
  stdio: 'inherit',
})
await import('./dist/examples/every-path/main.js')
