// Tables for people: columns as wide as their content, plain when the output is not a terminal.

import Table from 'cli-table3'

/** Renders rows under a head. Cells may hold several lines. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colour: boolean,
): string {
  const rendered = new Table({
    head: [...head],
    style: colour ? { head: ['bold'], border: ['gray'] } : { head: [], border: [] },
    // One line under the head; lines between all rows would hide the pattern.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  for (const row of rows) rendered.push([...row])
  return rendered.toString()
}
