// The files of one schema: the text itself and, through a resolver, what it imports.

import { schemaLimits } from './limits.ts'
import { parseFile } from './parser.ts'
import { type ProblemList, quoteName } from './problem.ts'
import { SourceText } from './source-text.ts'
import type { FileNode, ImportNode } from './syntax-tree.ts'

/**
 * Gives the text of an imported file, or undefined when there is none. The path is relative to the folder of the
 * first file, has `/` between its segments and never leaves that folder.
 */
export type ImportResolver = (path: string) => string | undefined

/** Imported files before the files that import them, each once; the first file last. */
export function loadSources(
  text: string,
  resolveImport: ImportResolver | undefined,
  problems: ProblemList,
): readonly FileNode[] {
  const files: FileNode[] = []
  const done = new Set<string>()
  const branch: string[] = []

  const visit = (file: FileNode): void => {
    for (const statement of file.imports) load(file.source, statement)
    files.push(file)
  }
  const load = (importer: SourceText, statement: ImportNode): void => {
    const { path } = statement
    if (resolveImport === undefined) {
      const message =
        'Imports are only read from files; a schema that is sent to a service holds all its definitions itself.'
      problems.add(importer, statement, 'parse', 'import-not-allowed', message)
      return
    }
    const name = resolvePath(importer.name, path.text)
    if (name === undefined) {
      const message = `${quoteName(path.text)} must be a relative path without \`..\`, with \`/\` between its segments.`
      problems.add(importer, path, 'parse', 'import-invalid-path', message)
      return
    }
    if (branch.includes(name)) {
      const message = `Circular import: ${[...branch.slice(branch.indexOf(name)), name].map(quoteName).join(' imports ')}.`
      problems.add(importer, path, 'parse', 'import-circular', message)
      return
    }
    if (done.has(name)) return
    if (branch.length >= schemaLimits.maxNesting || done.size >= schemaLimits.maxImports) {
      const message = `More than ${schemaLimits.maxNesting} imports deep or ${schemaLimits.maxImports} files in all.`
      problems.add(importer, path, 'parse', 'nesting-too-deep', message)
      return
    }
    const imported = resolveImport(name)
    if (imported === undefined) {
      problems.add(
        importer,
        path,
        'parse',
        'import-not-found',
        `There is no file ${quoteName(name)} to import.`,
      )
      return
    }
    done.add(name)
    branch.push(name)
    visit(parseFile(new SourceText(imported, name), problems))
    branch.pop()
  }

  visit(parseFile(new SourceText(text), problems))
  return files
}

/** The path from the first file's folder; undefined when it is not local. */
function resolvePath(importer: string | undefined, path: string): string | undefined {
  const segments = path.split('/')
  if (path === '' || path.startsWith('/') || /[\\:\p{Cc}]/u.test(path) || segments.includes('..'))
    return undefined
  const folder = importer?.split('/').slice(0, -1) ?? []
  const resolved = [...folder, ...segments.filter((segment) => segment !== '' && segment !== '.')]
  return resolved.length === folder.length ? undefined : resolved.join('/')
}
