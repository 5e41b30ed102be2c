// Texts made to hurt: each is answered with problems (or read) in bounded time, without touching the stack's end.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { schemaLimits } from '../../src/schema/limits.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { printSchema } from '../../src/schema/printer.ts'
import { formatProblem } from '../../src/schema/problem.ts'
import { expression, numbers, read, refused } from './hostile-texts.ts'

/** Generous, for a busy machine: what these guard against takes minutes, or for ever. */
const maxMs = 20_000

function codesWithin(text: string): readonly string[] {
  const start = performance.now()
  const { schema, problems } = compileSchema(text)
  for (const problem of problems) expect(formatProblem(problem, text).length).toBeLessThan(2000)
  formatSchema(text)
  if (schema !== undefined) printSchema(schema)
  expect(performance.now() - start).toBeLessThan(maxMs)
  expect(schema === undefined).toBe(problems.length > 0)
  return problems.map(({ code }) => code)
}

test.each(refused)('refused: %s', (_name, text, code) => {
  const codes = codesWithin(text())
  expect(codes).toContain(code)
  expect(codes.length).toBeLessThanOrEqual(schemaLimits.maxProblems + 1)
})

test.each(read)('read: %s', (_name, text) => {
  expect(codesWithin(text())).toEqual([])
})

test('the nesting that is allowed ends exactly where the limit says', () => {
  const limit = schemaLimits.maxNesting
  const codes = (text: string) => compileSchema(expression(text)).problems.map(({ code }) => code)
  const parentheses = (count: number) => `${'('.repeat(count)}boss${')'.repeat(count)}`
  expect(codes(parentheses(limit))).toEqual([])
  expect(codes(parentheses(limit + 1))).toContain('nesting-too-deep')
  expect(codes(`boss${' - boss'.repeat(limit - 1)}`)).toEqual([])
  expect(codes(`boss${' - boss'.repeat(limit)}`)).toContain('nesting-too-deep')
})

test('the members that are allowed end exactly where the limit says', () => {
  const relations = numbers(1000).map((at) => `relation r${String(at).padStart(4, '0')}: user`)
  const codes = (definitions: number, more: string) =>
    compileSchema(
      [
        'use partial\ndefinition user {}',
        `partial thousand {\n${relations.join('\n')}\n}`,
        ...numbers(definitions).map((at) => `definition d${String(at).padStart(4, '0')} {\n...thousand\n}`),
        more,
      ].join('\n'),
    ).problems.map(({ code }) => code)
  // Those of the partial itself count as well.
  const definitions = schemaLimits.maxMembers / 1000 - 1
  expect(codes(definitions, '')).toEqual([])
  expect(
    codes(
      definitions - 1,
      'partial one {\nrelation other: user\n}\ndefinition last {\n...thousand\n...one\n}',
    ),
  ).toEqual(['schema-too-large'])
})

/** Megabytes that the whole work on one text may hold, the text included. */
const maxHeapMb = 192

test('in bounded memory: a worker with little of it reads, formats and lints every text', async () => {
  const room = pathToFileURL(resolve('dist/schema')).href
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const rooms = ['compile-schema', 'formatter', 'lint'].map((name) => import('${room}/' + name + '.js'))
     parentPort.on('message', async (text) => {
       const [{ compileSchema }, { formatSchema }, { lintSchema }] = await Promise.all(rooms)
       formatSchema(text)
       lintSchema(text)
       parentPort.postMessage(compileSchema(text).problems.map(({ code }) => code))
     })`,
    { eval: true, resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 32 } },
  )
  const codesOf = (text: string) =>
    new Promise<readonly string[]>((answer, fail) => {
      worker.once('message', answer)
      worker.once('error', fail)
      worker.postMessage(text)
    })
  try {
    for (const [name, text, code] of [...refused, ...read]) {
      const codes = await codesOf(text()).catch((error: Error) => [error.message])
      if (code === undefined) expect(codes, name).toEqual([])
      else expect(codes, name).toContain(code)
      worker.removeAllListeners('error')
    }
  } finally {
    await worker.terminate()
  }
})

test('imports that import each other without end', () => {
  let calls = 0
  const { problems } = compileSchema('use import\nimport "f0.zed"', {
    resolveImport: (path) => {
      calls++
      return `use import\nimport "f${Number(path.slice(1, -4)) + 1}.zed"`
    },
  })
  expect(problems.map(({ code }) => code)).toEqual(['nesting-too-deep'])
  expect(calls).toBe(schemaLimits.maxNesting)
})

test('the linter gives up with a warning instead of running on', () => {
  const start = performance.now()
  const chain = numbers(10_000).map(
    (n) => `permission edit_${n + 1} = (edit_${n} & boss) - (boss & edit_0)\n`,
  )
  const warnings = lintSchema(
    `definition user {\nrelation boss: user\npermission edit_0 = boss\n${chain.join('')}}`,
  )
  expect(warnings.map(({ code }) => code)).toContain('lint-incomplete')
  expect(performance.now() - start).toBeLessThan(maxMs)
})

test('a problem in a line of megabytes shows a part of it, without control characters', () => {
  const text = `definition user {} ${' '.repeat(300_000)}\u001b[31m${'x'.repeat(300_000)}`
  const shown = formatProblem(compileSchema(text).problems[0]!, text)
  expect(shown.length).toBeLessThan(500)
  expect(shown).not.toContain('\u001b')
})
