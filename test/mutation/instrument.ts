// The instrumented copy: all faults at once in the sources of three rooms, beside the tests that are to notice them.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { createInjector } from 'typed-inject'
import { type Fault, keyText, shorten } from './faults.ts'

/** The schema checker: what decides whether a schema that parses is valid, and what is built from it. */
const checker = [
  'build-schema',
  'check-annotations',
  'check-names',
  'checker',
  'compile-schema',
  'declarations',
  'member-key',
  'partials',
  'subject-types',
  'wildcard-relations',
].map((name) => `schema/${name}.ts`)

/** The search for a relationship that would grant: what it finds is tried out by the engine before it is told. */
const search = ['grant-candidates.ts', 'hypothetical-snapshot.ts', 'suggest-grant.ts']

/** Texts are left alone: most of them are messages, and the others are words that the type checker knows. */
const excludedMutations = ['StringLiteral'] as const

/** Folders whose tests run in the copy. */
export const testFolders = [
  'caveats',
  'engine',
  'mutation',
  'property',
  'reference',
  'schema',
  'schema-tests',
]

/** Files that faults are planted in, below `src/`. */
export function faultyFiles(root: string): string[] {
  const filesOf = (folder: string) =>
    readdirSync(join(root, 'src', folder))
      .filter((name) => !search.includes(name))
      .sort()
      .map((name) => `${folder}/${name}`)
  return [...filesOf('engine'), ...filesOf('caveats'), ...checker]
}

const quiet = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => true,
  isErrorEnabled: () => true,
  isFatalEnabled: () => true,
  trace() {},
  debug() {},
  info() {},
  warn: console.warn,
  error: console.error,
  fatal: console.error,
}

/** Where the words `from 'vitest'` lead in the copy. */
const standIn = 'test/mutation/collected-tests.ts'

/** Writes the copy to `target` and compiles it there, in place. */
export async function instrument(root: string, target: string): Promise<Fault[]> {
  for (const folder of ['src', 'schema', 'docs', ...testFolders.map((name) => `test/${name}`)]) {
    cpSync(join(root, folder), join(target, folder), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist)$/.test(path),
    })
  }
  cpSync(join(root, 'package.json'), join(target, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'))
  symlinkSync(join(root, 'test/mutation/node_modules'), join(target, 'test/mutation/node_modules'))
  for (const folder of testFolders) takeStandIn(target, join('test', folder))

  const names = faultyFiles(root)
  const texts = new Map(names.map((name) => [name, readFileSync(join(root, 'src', name), 'utf8')]))
  const instrumenter = createInjector().provideValue('logger', quiet).injectFunction(createInstrumenter)
  const result = await instrumenter.instrument(
    names.map((name) => ({ name: join(target, 'src', name), mutate: true, content: texts.get(name)! })),
    { plugins: null, excludedMutations: [...excludedMutations], ignorers: [], noHeader: false },
  )
  for (const { name, content } of result.files) writeFileSync(name, ourSwitch(target, name, content))
  compile(target)

  const seen = new Map<string, number>()
  const faults: Fault[] = []
  for (const { id, fileName, location, mutatorName, replacement, status } of result.mutants) {
    if (status !== undefined) continue
    const file = relative(join(target, 'src'), fileName)
    const lines = texts.get(file)!.split('\n')
    const { start, end } = location
    const inside = lines.slice(start.line, end.line + 1)
    inside[inside.length - 1] = inside.at(-1)!.slice(0, end.column)
    inside[0] = inside[0]!.slice(start.column)
    const key = {
      file,
      line: lines[start.line]!.trim(),
      text: shorten(inside.join('\n')),
      replacement: shorten(replacement),
      occurrence: 0,
    }
    if (mutatorName === 'EqualityOperator' && isNegation(key.text, key.replacement)) continue
    const occurrence = seen.get(keyText(key)) ?? 0
    seen.set(keyText(key), occurrence + 1)
    faults.push({ ...key, occurrence, id, mutator: mutatorName, lineNumber: start.line + 1 })
  }
  return faults
}

const negations = [
  ['===', '!=='],
  ['!==', '==='],
  ['==', '!='],
  ['!=', '=='],
  ['<', '>='],
  ['>=', '<'],
  ['>', '<='],
  ['<=', '>'],
] as const

/** A condition that is negated: whoever notices that it is always true or always false notices this. */
function isNegation(text: string, replacement: string): boolean {
  return negations.some(
    ([from, to]) => text.split(` ${from} `).join(` ${to} `) === replacement && from !== to,
  )
}

/** The instrumenter writes a switch into every file; ours is one for all and costs little. */
function ourSwitch(target: string, name: string, content: string): string {
  const header = /function stryNS_9fa48\(\)[\s\S]*?function stryMutAct_9fa48\(id\) \{[\s\S]*?\n\}\n/
  const path = relative(join(name, '..'), join(target, 'test/mutation/planted.ts'))
  const ours = `import { isPlanted as stryMutAct_9fa48, passed as stryCov_9fa48 } from '${path}'\n`
  return header.test(content) ? content.replace(header, () => ours) : content
}

function takeStandIn(target: string, folder: string): void {
  for (const entry of readdirSync(join(target, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() || !entry.name.endsWith('.ts')) continue
    const text = readFileSync(join(target, path), 'utf8')
    const to = relative(folder, standIn)
    writeFileSync(
      join(target, path),
      text.replaceAll("from 'vitest'", `from '${to.startsWith('.') ? to : `./${to}`}'`),
    )
  }
}

function compile(target: string): void {
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
    noCheck: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: '.',
    outDir: '.',
  }
  const include = ['src', ...testFolders.map((name) => `test/${name}`)]
  mkdirSync(join(target, 'test'), { recursive: true })
  writeFileSync(
    join(target, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include, exclude: ['node_modules'] }),
  )
  execFileSync(join(target, 'node_modules/.bin/tsc'), ['-p', join(target, 'tsconfig.json')], {
    stdio: 'inherit',
  })
}
