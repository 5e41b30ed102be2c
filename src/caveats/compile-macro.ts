// The macros that bind a variable: all, exists, exists_one, map, filter over lists and map keys; optMap.

import { type CompiledNode, type Frame, LogicalFold, noOverload, type Scope } from './compiled-node.ts'
import type { BindingMacro, ExpressionNode } from './expression-tree.ts'
import { Failure, isValue, type Outcome } from './outcome.ts'
import { isList, isMap, Optional, type Value } from './value.ts'

/** Evaluates a macro over the elements of what it is called on. */
type Comprehension = (elements: Iterable<Value>, evaluateBodies: readonly Body[]) => Outcome

/** A part of the macro as a function of the element. */
type Body = (element: Value) => Outcome

function quantify(deciding: boolean): Comprehension {
  return (elements, [test]) => {
    const fold = new LogicalFold(deciding)
    for (const element of elements) if (fold.add(test!(element))) return deciding
    return fold.rest()
  }
}

/**
 * Runs `step` for the elements that pass the test, as cel-go's `test ? accumulator + step : accumulator`: a test without
 * a value replaces what was there, a step without a value stays unless a test replaces it.
 */
function accumulate(
  elements: Iterable<Value>,
  test: Body | undefined,
  step: (element: Value) => Outcome,
): Outcome {
  let stuck: Outcome | undefined
  for (const element of elements) {
    const passes = test === undefined ? true : test(element)
    if (passes === false) continue
    if (passes !== true) stuck = isValue(passes) ? noOverload : passes
    else if (stuck === undefined) {
      const outcome = step(element)
      if (!isValue(outcome)) stuck = outcome
    }
  }
  return stuck ?? true
}

const comprehensions: { readonly [name: string]: Comprehension } = {
  all: quantify(false),
  exists: quantify(true),
  exists_one: (elements, [test]) => {
    let count = 0
    const outcome = accumulate(elements, test, () => {
      count++
      return true
    })
    return outcome === true ? count === 1 : outcome
  },
  map: (elements, bodies) => {
    const list: Value[] = []
    const transform = bodies.at(-1)!
    const outcome = accumulate(elements, bodies.length === 2 ? bodies[0] : undefined, (element) => {
      const mapped = transform(element)
      if (isValue(mapped)) list.push(mapped)
      return mapped
    })
    return outcome === true ? list : outcome
  },
  filter: (elements, [test]) => {
    const list: Value[] = []
    const outcome = accumulate(elements, test, (element) => {
      list.push(element)
      return true
    })
    return outcome === true ? list : outcome
  },
}

/** Compiles a macro call that starts at `offset` in the expression; `compileNode` compiles its parts. */
export function compileMacro(
  macro: BindingMacro,
  scope: Scope,
  offset: number,
  compileNode: (node: ExpressionNode, scope: Scope) => CompiledNode,
): CompiledNode {
  const receiver = compileNode(macro.receiver, scope)
  const slot = scope.locals.length
  const inner: Scope = { parameters: scope.parameters, locals: [...scope.locals, macro.variable] }
  const compiledBodies = macro.bodies.map((body) => compileNode(body, inner))
  const bodiesIn = (frame: Frame): Body[] =>
    compiledBodies.map((body) => (element) => {
      frame.meter.charge(1)
      frame.locals[slot] = element
      return body(frame)
    })
  if (macro.name === 'optMap') return compileOptMap(receiver, bodiesIn, offset)
  const comprehension = comprehensions[macro.name]!
  const notIterable = new Failure('only a list or a map can be gone through', offset)
  return (frame) => {
    const outcome = receiver(frame)
    if (!isValue(outcome)) return outcome
    if (isList(outcome)) return comprehension(outcome, bodiesIn(frame))
    return isMap(outcome) ? comprehension(outcome.keys(), bodiesIn(frame)) : notIterable
  }
}

function compileOptMap(
  receiver: CompiledNode,
  bodiesIn: (frame: Frame) => readonly Body[],
  offset: number,
): CompiledNode {
  const undefinedHere = noOverload.at(offset)
  return (frame) => {
    const outcome = receiver(frame)
    if (!isValue(outcome)) return outcome
    if (!(outcome instanceof Optional)) return undefinedHere
    if (outcome.content === undefined) return outcome
    const mapped = bodiesIn(frame)[0]!(outcome.content)
    return isValue(mapped) ? Optional.of(mapped) : mapped
  }
}
