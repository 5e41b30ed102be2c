// The way from schema text to a checked Schema, or to every problem that the text has.

import { checkCaveat } from '../caveats/check-caveat.ts'
import type { Caveat, Schema } from '../model/schema.ts'
import { buildCaveat, buildDefinition } from './build-schema.ts'
import { checkAnnotations } from './check-annotations.ts'
import { checkTypes } from './checker.ts'
import { collectDeclarations, type Declarations, type DeclaredCaveat } from './declarations.ts'
import { type ImportResolver, loadSources } from './load-sources.ts'
import { type Problem, ProblemList } from './problem.ts'
import type { FileNode } from './syntax-tree.ts'

export interface CompileOptions {
  /** Gives the text of imported files. Without it, an import is an error, as it is when a service is sent a schema. */
  readonly resolveImport?: ImportResolver
  /** Whether every definition and caveat must be named `prefix/name`. Default false. */
  readonly schemaPrefixesRequired?: boolean
  /** Whether `with expiration` may be used. Default true. */
  readonly expirationAllowed?: boolean
  /**
   * Whether the types are checked. Default true. Without it the names in the schema need not exist: only for comparing
   * schemas (DiffSchema), never for answering.
   */
  readonly typesChecked?: boolean
}

export interface CompileResult {
  /** Present exactly when there is no problem of severity `error`. */
  readonly schema?: Schema
  /** All of them (up to the limit), in the order of the text; imported files in the order they are read. */
  readonly problems: readonly Problem[]
  /** Texts of imported files by the name that problems carry as `source`. */
  readonly imports: ReadonlyMap<string, string>
}

/** What compiling found on the way, for the linter. */
export interface Compilation extends CompileResult {
  readonly files: readonly FileNode[]
  readonly declarations: Declarations
}

/**
 * Compiles a schema text. Never throws, whatever the text; time and memory are bounded by schemaLimits.
 *
 * @param text the whole schema; the empty text is the empty schema
 */
export function compileSchema(text: string, options: CompileOptions = {}): CompileResult {
  const { schema, problems, imports } = compileFiles(text, options)
  return { ...(schema === undefined ? {} : { schema }), problems, imports }
}

/** {@link compileSchema} with the syntax trees. */
export function compileFiles(text: string, options: CompileOptions): Compilation {
  const problems = new ProblemList()
  const files = loadSources(text, options.resolveImport, problems)
  const declarations = collectDeclarations(files, problems, options.schemaPrefixesRequired ?? false)
  if (options.expirationAllowed === false) refuseExpiration(files, problems)
  const caveats = new Map<string, Caveat>()
  for (const [name, declared] of declarations.caveats) {
    const caveat = buildCaveat(declared, problems)
    if (caveat === undefined) continue
    caveats.set(name, caveat)
    if (!problems.full) checkExpression(declared, caveat, problems, options.typesChecked !== false)
  }
  if (options.typesChecked !== false) checkTypes(declarations, problems)
  const uses = new Set(files.flatMap((file) => file.uses.map((use) => use.flag)))
  const built: Schema = {
    definitions: new Map(
      [...declarations.definitions].map(([name, declared]) => [name, buildDefinition(declared)]),
    ),
    caveats,
    uses,
    text,
  }
  if (options.typesChecked !== false && uses.has('typechecking') && problems.count === 0) {
    checkAnnotations(declarations, built, problems)
  }
  return {
    ...(problems.count === 0 ? { schema: built } : {}),
    problems: problems.sorted(),
    imports: new Map(
      files.flatMap(({ source }) => (source.name === undefined ? [] : [[source.name, source.text]])),
    ),
    files,
    declarations,
  }
}

function checkExpression(
  { source, node }: DeclaredCaveat,
  caveat: Caveat,
  problems: ProblemList,
  typesChecked: boolean,
): void {
  const parameters = new Map(node.parameters.map(({ name }) => [name.text, name]))
  for (const found of checkCaveat(caveat.parameters, caveat.expression)) {
    const facts = {
      caveat_name: caveat.name,
      ...(found.parameter === undefined ? {} : { parameter_name: found.parameter }),
    }
    const parameter = parameters.get(found.parameter ?? '')
    const base = node.expression?.start ?? node.start
    const span = parameter ?? { start: base + found.offset, end: base + found.offset + found.length }
    const stage = found.code === 'caveat-unused-parameter' ? 'type' : 'parse'
    if (stage === 'type' && !typesChecked) continue
    problems.add(source, span, stage, found.code, found.message, facts)
  }
}

function refuseExpiration(files: readonly FileNode[], problems: ProblemList): void {
  for (const { source, declarations } of files) {
    for (const declaration of declarations) {
      if (declaration.kind === 'caveat') continue
      for (const member of declaration.members) {
        if (member.kind !== 'relation') continue
        for (const type of member.types ?? []) {
          if (!type.expiration) continue
          const message = 'This service does not take relationships that expire; drop `with expiration`.'
          problems.add(source, type, 'parse', 'expiration-not-allowed', message)
        }
      }
    }
  }
}
