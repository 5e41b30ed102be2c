// Prints a caveat's expression in one normal form: spacing, quotes, parentheses only where they matter.

import { CardeaError } from '../model/errors.ts'
import { formatDouble } from './conversions.ts'
import type { ExpressionNode } from './expression-tree.ts'
import { parseExpression, SyntaxProblem } from './parse-expression.ts'

/** How tightly operators bind; operators of one number associate to the left. */
const precedence: { readonly [operator: string]: number } = {
  '?:': 1,
  '||': 2,
  '&&': 3,
  '==': 4,
  '!=': 4,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  in: 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
  '!_': 7,
  '-_': 7,
}

/** Lines are broken after `&&` and `||` from this length on, in bytes, as cel-go does. */
const wrapFromBytes = 80
/** cel-go counts the operator under its internal name, such as `_&&_`. */
const internalOperatorLength = 4

const encoder = new TextEncoder()

/**
 * The normal form of an expression, perhaps of several lines (without indentation). Comments are dropped; the meaning
 * stays. Printing twice changes nothing. Throws SCHEMA_PARSE_ERROR when the text is no expression.
 */
export function printExpression(expression: string): string {
  const printer = new Printer()
  try {
    printer.print(parseExpression(expression))
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    throw new CardeaError('SCHEMA_PARSE_ERROR', `The caveat expression cannot be printed: ${error.message}`)
  }
  return printer.text
}

class Printer {
  text = ''
  private lineStart = 0

  print(node: ExpressionNode): void {
    switch (node.op) {
      case 'value':
        this.text += printLiteral(node.args)
        return
      case 'id':
        this.text += node.args
        return
      case '.':
      case '.?':
        this.printReceiver(node.args[0])
        this.text += `${node.op === '.' ? '.' : '.?'}${node.args[1]}`
        return
      case '[]':
      case '[?]':
        this.printReceiver(node.args[0])
        this.text += node.op === '[]' ? '[' : '[?'
        this.print(node.args[1])
        this.text += ']'
        return
      case 'call':
        this.printCall(node.args[0], node.args[1])
        return
      case 'rcall':
        this.printReceiver(node.args[1])
        this.printCall(`.${node.args[0]}`, node.args[2])
        return
      case 'list':
        this.text += '['
        this.printSeparated(node.args)
        this.text += ']'
        return
      case 'map':
        this.printMap(node.args)
        return
      case '!_':
      case '-_':
        this.text += node.op === '!_' ? '!' : '-'
        this.printGrouped(node.args, isGroup(node.args))
        return
      case '?:':
        this.printConditional(node.args)
        return
      default:
        this.printBinary(node.op, node.args)
    }
  }

  private printGrouped(node: ExpressionNode, grouped: boolean): void {
    if (grouped) this.text += '('
    this.print(node)
    if (grouped) this.text += ')'
  }

  private printReceiver(node: ExpressionNode): void {
    this.printGrouped(node, Object.hasOwn(precedence, node.op))
  }

  private printCall(name: string, parts: readonly ExpressionNode[]): void {
    this.text += `${name}(`
    this.printSeparated(parts)
    this.text += ')'
  }

  private printSeparated(parts: readonly ExpressionNode[]): void {
    for (const [at, part] of parts.entries()) {
      if (at > 0) this.text += ', '
      this.print(part)
    }
  }

  private printMap(entries: readonly (readonly [ExpressionNode, ExpressionNode])[]): void {
    this.text += '{'
    for (const [at, [key, value]] of entries.entries()) {
      if (at > 0) this.text += ', '
      this.print(key)
      this.text += ': '
      this.print(value)
    }
    this.text += '}'
  }

  private printConditional([condition, whenTrue, whenFalse]: readonly [
    ExpressionNode,
    ExpressionNode,
    ExpressionNode,
  ]): void {
    this.printGrouped(condition, isGroup(condition))
    this.text += ' ? '
    this.printGrouped(whenTrue, isGroup(whenTrue))
    this.text += ' : '
    this.printGrouped(whenFalse, isGroup(whenFalse))
  }

  private printBinary(operator: string, [left, right]: readonly [ExpressionNode, ExpressionNode]): void {
    const own = precedence[operator]!
    const leftPrecedence = precedence[left.op] ?? 8
    const rightPrecedence = precedence[right.op] ?? 8
    const isLogical = operator === '&&' || operator === '||'
    this.printGrouped(left, leftPrecedence < own)
    const lineBytes = isLogical ? encoder.encode(this.text.slice(this.lineStart)).length : 0
    if (lineBytes + internalOperatorLength >= wrapFromBytes) {
      this.lineStart = this.text.length
      this.text += ` ${operator}\n`
    } else this.text += ` ${operator} `
    // `a || (b || c)` is `a || b || c`; `a - (b - c)` is not `a - b - c`.
    this.printGrouped(right, isLogical ? rightPrecedence < own : rightPrecedence <= own)
  }
}

/** What is put in parentheses behind `!` and `-` and around `?:`: binary operators, conditions and `a[b]`, as in cel-go. */
function isGroup(node: ExpressionNode): boolean {
  return (precedence[node.op] ?? 8) < 7 || node.op === '[]' || node.op === '[?]'
}

function printLiteral(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return printString(value)
    case 'number': {
      const text = formatDouble(value)
      return /[.e]/.test(text) ? text : `${text}.0`
    }
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value === null) return 'null'
  return value instanceof Uint8Array ? printBytes(value) : `${String((value as object).valueOf())}u`
}

const escapes: { readonly [character: string]: string } = {
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

// The schema language has strings without escapes, so a quote inside is never written as backslash and quote: the
// printed schema must read back.
function printString(text: string): string {
  const quote = text.includes('"') && !text.includes("'") ? "'" : '"'
  let printed = ''
  for (const character of text) {
    const code = character.codePointAt(0)!
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029
    if (escapes[character] !== undefined) printed += escapes[character]
    else if (character === quote) printed += '\\x22'
    else if (isControl) printed += `\\u${code.toString(16).padStart(4, '0')}`
    else printed += character
  }
  return `${quote}${printed}${quote}`
}

function printBytes(bytes: Uint8Array): string {
  let printed = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    printed += isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  }
  return `b"${printed}"`
}
