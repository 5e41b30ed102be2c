// The samples of the policy page load.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkPolicy } from '../../../src/mcp/policy/load-policy.ts'

const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')

test.each([...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!))('sample %#', (text) => {
  expect(checkPolicy(text).problems).toBeUndefined()
})
