// The samples of the pages about policies load.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkPolicy } from '../../../src/mcp/policy/load-policy.ts'

const page = ['policy.md', 'delegation.md']
  .map((name) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8'))
  .join('\n')

test.each([...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!))('sample %#', (text) => {
  expect(checkPolicy(text).problems).toBeUndefined()
})
