// Random valid schemas: every operator, arrows of every kind, usersets, wildcards, caveats, expiration, self and nil.

import type {
  AllowedType,
  Definition,
  Expression,
  Permission,
  Relation,
  Schema,
  UseFlag,
} from '../../src/model/schema.ts'
import { formatAllowedType } from '../../src/model/schema.ts'
import { type CaveatTable, caveatOf, caveatTables } from './caveat-tables.ts'
import { type Parentheses, printSchema } from './print-schema.ts'
import type { Draw } from './tape.ts'

export interface SchemaShape {
  /** Members may refer to each other in a ring, and rows may close cycles. */
  readonly cyclic: boolean
  readonly caveats: readonly CaveatTable[]
  readonly expiration: boolean
  readonly self: boolean
  readonly parentheses: Parentheses
}

export const leafTypes: readonly string[] = ['user', 'robot']
const innerTypes: readonly string[] = ['document', 'folder', 'group', 'org/team']
const relationNames: readonly string[] = ['viewer', 'member', 'parent', 'owner', 'banned']
const permissionNames: readonly string[] = ['view', 'edit', 'access', 'can_read']

interface Outline {
  readonly name: string
  readonly relations: readonly string[]
  readonly permissions: readonly string[]
}

type Types = Map<string, readonly AllowedType[]>

export function drawShape(draw: Draw): SchemaShape {
  const caveats = new Set(draw.chance(80) ? [draw.pick(caveatTables), draw.pick(caveatTables)] : [])
  if (caveats.size > 0 && draw.chance(50)) caveats.add(draw.pick(caveatTables))
  return {
    cyclic: draw.chance(20),
    caveats: [...caveats],
    expiration: draw.chance(40),
    self: draw.chance(35),
    parentheses: draw.chance(50) ? 'needed' : 'all',
  }
}

/** A schema that every implementation must accept. */
export function drawSchema(draw: Draw, shape: SchemaShape): Schema {
  const outlines = drawOutlines(draw, shape)
  const types: Types = new Map()
  // Later definitions first: they are what the earlier ones point to, and their wildcards must be known.
  for (const outline of [...outlines].reverse()) {
    for (const relation of outline.relations) {
      types.set(`${outline.name}#${relation}`, drawTypes(draw, shape, outlines, outline, types))
    }
  }
  const definitions = new Map(
    outlines.map((outline) => [outline.name, drawDefinition(draw, shape, outlines, outline, types)]),
  )
  const uses = new Set<UseFlag>([
    ...(shape.self ? (['self'] as const) : []),
    ...(shape.expiration ? (['expiration'] as const) : []),
  ])
  const caveats = new Map(shape.caveats.map((table) => [table.name, caveatOf(table)]))
  const text = printSchema({ caveats, definitions, uses }, shape.parentheses)
  return { caveats, definitions, uses, text }
}

function drawOutlines(draw: Draw, shape: SchemaShape): Outline[] {
  const inner = innerTypes.slice(0, 2 + draw.below(innerTypes.length - 1))
  const outlines = inner.map((name) => ({
    name,
    relations: relationNames.slice(0, 2 + draw.below(relationNames.length - 1)),
    permissions: permissionNames.slice(0, 1 + draw.below(permissionNames.length)),
  }))
  const user = {
    name: 'user',
    relations: draw.chance(25) ? ['owner'] : [],
    permissions: shape.self || draw.chance(10) ? ['access'] : [],
  }
  return [...outlines, user, { name: 'robot', relations: [], permissions: [] }]
}

function drawTypes(
  draw: Draw,
  shape: SchemaShape,
  outlines: readonly Outline[],
  own: Outline,
  types: Types,
): AllowedType[] {
  const allowed = new Map<string, AllowedType>()
  for (let more = 1 + draw.below(4); more > 0; more--) {
    const form = { ...drawForm(draw, outlines, own, types), ...drawTraits(draw, shape) }
    allowed.set(formatAllowedType(form), form)
  }
  return [...allowed.values()]
}

function drawForm(draw: Draw, outlines: readonly Outline[], own: Outline, types: Types) {
  const kind = draw.below(100)
  const inner = outlines.filter(({ name }) => !leafTypes.includes(name))
  const leaf = { type: draw.pick(['user', 'user', 'user', 'robot']), relation: '' }
  if (kind < 40) return { ...leaf, wildcard: false }
  if (kind < 54) return { ...leaf, wildcard: true }
  const target = draw.pick(inner)
  if (kind < 57) return { type: target.name, relation: '', wildcard: true }
  if (kind < 75) return { type: target.name, relation: '', wildcard: false }
  const usable = [
    // A userset of another definition must not hold a wildcard; what is not decided yet is left out.
    ...target.relations.filter((name) => {
      const known = types.has(`${target.name}#${name}`) || target === own
      return known && (target === own || !holdsWildcard(types, target.name, name))
    }),
    ...target.permissions,
  ]
  const relation = usable.length === 0 ? '' : draw.pick(usable)
  return { type: target.name, relation, wildcard: false }
}

function drawTraits(draw: Draw, shape: SchemaShape): Pick<AllowedType, 'caveat' | 'expiration'> {
  const expiration = shape.expiration && draw.chance(20)
  if (shape.caveats.length === 0 || !draw.chance(35)) return { expiration }
  return { caveat: draw.pick(shape.caveats).name, expiration }
}

/** Whether a wildcard can be reached over relations alone. Relations not drawn yet hold none so far. */
function holdsWildcard(types: Types, type: string, relation: string, seen = new Set<string>()): boolean {
  const key = `${type}#${relation}`
  if (seen.has(key)) return false
  seen.add(key)
  return (types.get(key) ?? []).some(
    (form) => form.wildcard || (form.relation !== '' && holdsWildcard(types, form.type, form.relation, seen)),
  )
}

function drawDefinition(
  draw: Draw,
  shape: SchemaShape,
  outlines: readonly Outline[],
  own: Outline,
  types: Types,
): Definition {
  const relations = new Map<string, Relation>(
    own.relations.map((name) => [name, { name, comments: [], types: types.get(`${own.name}#${name}`)! }]),
  )
  const arrowRelations = own.relations.filter((name) => !holdsWildcard(types, own.name, name))
  const permissions = new Map<string, Permission>()
  for (const name of own.permissions) {
    const earlier = [...own.relations, ...permissions.keys()]
    const references = shape.cyclic ? [...own.relations, ...own.permissions] : earlier
    const source: ExpressionSource = { draw, shape, outlines, types, own, references, arrowRelations }
    const drawn = drawExpression(source, 0)
    // Plain aliases may only look back: a ring of aliases is refused by every checker.
    const isForward = drawn.kind === 'reference' && !earlier.includes(drawn.name)
    const expression: Expression = isForward ? { kind: 'union', operands: [drawn, { kind: 'nil' }] } : drawn
    permissions.set(name, { name, comments: [], expression })
  }
  return {
    name: own.name,
    comments: [],
    relations,
    permissions,
    members: [...own.relations, ...own.permissions],
  }
}

interface ExpressionSource {
  readonly draw: Draw
  readonly shape: SchemaShape
  readonly outlines: readonly Outline[]
  readonly types: Types
  readonly own: Outline
  readonly references: readonly string[]
  readonly arrowRelations: readonly string[]
}

function drawExpression(source: ExpressionSource, depth: number): Expression {
  const { draw } = source
  if (!draw.chance([75, 40, 20][depth] ?? 0)) return drawOperand(source)
  const kind = draw.pick(['union', 'exclusion', 'intersection', 'exclusion', 'union'] as const)
  if (kind === 'exclusion') {
    return drawExclusion(source, depth)
  }
  const operands = Array.from({ length: 2 + (draw.chance(25) ? 1 : 0) }, () =>
    drawExpression(source, depth + 1),
  )
  return { kind, operands: operands.flatMap((each) => (each.kind === kind ? each.operands : [each])) }
}

/** Often somebody is taken away from everyone, so that wildcards get their exclusions. */
function drawExclusion(source: ExpressionSource, depth: number): Expression {
  const { draw, types, own } = source
  const typesOf = (name: string) => types.get(`${own.name}#${name}`)!
  const open = own.relations.filter((name) => typesOf(name).some((form) => form.wildcard))
  if (open.length === 0 || !draw.chance(60)) {
    const base = drawExpression(source, depth + 1)
    return { kind: 'exclusion', base, subtracted: drawExpression(source, depth + 1) }
  }
  const everyone = draw.pick(open)
  const covered = new Set(typesOf(everyone).flatMap(({ type, wildcard }) => (wildcard ? [type] : [])))
  const somebody = own.relations.filter((name) =>
    typesOf(name).some((form) => covered.has(form.type) && form.relation === '' && !form.wildcard),
  )
  const subtracted: Expression =
    somebody.length > 0 && draw.chance(70)
      ? { kind: 'reference', name: draw.pick(somebody) }
      : drawExpression(source, depth + 1)
  return { kind: 'exclusion', base: { kind: 'reference', name: everyone }, subtracted }
}

function drawOperand(source: ExpressionSource): Expression {
  const { draw, shape, references, arrowRelations } = source
  const kind = draw.below(100)
  if (kind >= 95) return { kind: 'nil' }
  if (kind >= 87 && shape.self) return { kind: 'self' }
  if (references.length === 0 && arrowRelations.length === 0) return { kind: shape.self ? 'self' : 'nil' }
  if ((kind < 60 && references.length > 0) || arrowRelations.length === 0) {
    return { kind: 'reference', name: draw.pick(references) }
  }
  return drawArrow(source)
}

function drawArrow({ draw, outlines, types, own, arrowRelations }: ExpressionSource): Expression {
  // Relations that lead to objects with members first; others make empty arrows, which are valid too.
  const leading = arrowRelations.filter((name) =>
    types.get(`${own.name}#${name}`)!.some(({ type }) => !leafTypes.includes(type)),
  )
  const relation = draw.pick(leading.length > 0 && draw.chance(90) ? leading : arrowRelations)
  const reached = new Set(types.get(`${own.name}#${relation}`)!.map(({ type }) => type))
  const there = outlines.filter(({ name }) => reached.has(name))
  const targets = there.flatMap((outline) => [...outline.permissions, ...outline.relations])
  const target = draw.pick(targets.length > 0 && draw.chance(90) ? targets : permissionNames)
  const style = draw.pick(['arrow', 'function', 'arrow'] as const)
  const quantifier = draw.chance(35) ? 'all' : 'any'
  return { kind: 'arrow', relation, target, quantifier, style: quantifier === 'all' ? 'function' : style }
}
