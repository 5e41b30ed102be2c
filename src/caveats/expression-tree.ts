// Walking a parsed CEL expression without recursion: its parts, its height, and which parameters it reads.

import type { ASTNode } from '@marcbachmann/cel-js'

/** A node of the CEL library's syntax tree. `start` and `end` are offsets in UTF-16 units. */
export type ExpressionNode = ASTNode

/** Names of macros that bind their first argument as a variable, by number of arguments. */
const bindingMacros: { readonly [name: string]: readonly number[] } = {
  all: [2],
  exists: [2],
  exists_one: [2],
  map: [2, 3],
  filter: [2],
  optMap: [2],
}

/** A macro call that binds a variable: `receiver.name(variable, ...bodies)`. */
export interface BindingMacro {
  readonly name: string
  readonly receiver: ExpressionNode
  readonly variable: string
  readonly bodies: readonly ExpressionNode[]
}

/** The macro call that a node is, if it is one that binds a variable. */
export function bindingMacro(node: ExpressionNode): BindingMacro | undefined {
  if (node.op !== 'rcall') return undefined
  const [name, receiver, parameters] = node.args
  if (!Object.hasOwn(bindingMacros, name) || !bindingMacros[name]?.includes(parameters.length))
    return undefined
  const [variable, ...bodies] = parameters
  return variable?.op === 'id' ? { name, receiver, variable: variable.args, bodies } : undefined
}

/** The direct parts of a node, a macro's variable left out. */
export function partsOf(node: ExpressionNode): readonly ExpressionNode[] {
  const macro = bindingMacro(node)
  if (macro !== undefined) return [macro.receiver, ...macro.bodies]
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case '!_':
    case '-_':
      return [node.args]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'list':
      return node.args
    case 'map':
      return node.args.flat()
    default:
      return node.args
  }
}

/** Calls `visit` for every node, outermost first, with the depth and the variables that macros bound around it. */
export function visitExpression(
  root: ExpressionNode,
  visit: (node: ExpressionNode, depth: number, bound: ReadonlySet<string>) => void,
): void {
  const pending: { node: ExpressionNode; depth: number; bound: ReadonlySet<string> }[] = [
    { node: root, depth: 1, bound: new Set() },
  ]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, depth, bound } = next
    visit(node, depth, bound)
    const macro = bindingMacro(node)
    const inner = macro === undefined ? bound : new Set([...bound, macro.variable])
    const parts = partsOf(node)
    for (let at = parts.length - 1; at >= 0; at--) {
      const isBody = macro !== undefined && at > 0
      pending.push({ node: parts[at]!, depth: depth + 1, bound: isBody ? inner : bound })
    }
  }
}
