// Places in a validation file: where a YAML value, or a line inside a block of text, is written.

import { isScalar, type LineCounter, type Node, Scalar } from 'yaml'

/** 1-based line and column (UTF-16 units), as editors count. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** One line of a text value, and where it stands in the file. */
export interface PlacedLine {
  readonly text: string
  readonly place: Place
}

/** A YAML text with an index of its lines. */
export class PlacedYaml {
  readonly #lines: readonly string[]
  readonly #counter: LineCounter

  constructor(text: string, counter: LineCounter) {
    this.#lines = text.split(/\r\n|\n|\r/)
    this.#counter = counter
  }

  at(offset: number): Place {
    const { line, col } = this.#counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  /** Where a value begins, behind its quote if it has one. */
  of(node: Node | null | undefined): Place {
    const start = node?.range?.[0] ?? 0
    const isQuoted =
      isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE)
    return this.at(isQuoted ? start + 1 : start)
  }

  /** The lines of a text value with their places: exact for a block `|`, else the place of the value. */
  linesOf(node: Scalar<string>): PlacedLine[] {
    const start = this.of(node)
    return node.value.split('\n').map((text, at) => {
      if (node.type !== Scalar.BLOCK_LITERAL) return { text, place: start }
      const line = start.line + 1 + at
      const written = this.#lines[line - 1] ?? ''
      return { text, place: { line, column: written.length - text.length + 1 } }
    })
  }
}
