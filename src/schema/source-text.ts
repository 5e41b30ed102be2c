// One schema file: its text, and where in it an offset lies.

/** A stretch of text: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A place in a text, all 0-based: line, column in UTF-16 units, offset in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
  readonly offset: number
}

/** A stretch of text by lines and columns; `end` is exclusive. */
export interface Range {
  readonly start: Position
  readonly end: Position
}

/** A text with an index of its lines. LF, CR and CRLF end a line. */
export class SourceText {
  /** Path of an imported file, relative to the folder of the first file; undefined for the first file. */
  readonly name: string | undefined
  readonly text: string
  #lineStarts: number[] | undefined

  constructor(text: string, name?: string) {
    this.text = text
    this.name = name
  }

  /** Range of a span; offsets beyond the text are clamped to its end. */
  range(span: Span): Range {
    const start = this.#position(span.start)
    return { start, end: span.end > span.start ? this.#position(span.end) : start }
  }

  /** The line's text without its line ending. */
  line(index: number): string {
    const starts = this.#starts()
    const start = starts[index]
    if (start === undefined) return ''
    const end = starts[index + 1] ?? this.text.length
    return this.text.slice(start, end).replace(/[\r\n]+$/, '')
  }

  #position(wanted: number): Position {
    const offset = Math.max(0, Math.min(wanted, this.text.length))
    const starts = this.#starts()
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low, column: offset - (starts[low] ?? 0), offset }
  }

  #starts(): number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0]
      const pattern = /\r\n|\n|\r/g
      while (pattern.exec(this.text) !== null) starts.push(pattern.lastIndex)
      this.#lineStarts = starts
    }
    return this.#lineStarts
  }
}
