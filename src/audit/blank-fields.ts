// Blanking: fields of one entry are taken out of a full segment, while its hash and so the whole chain stay.

import { open, rename } from 'node:fs/promises'
import { CardeaError } from '../model/errors.ts'
import { parseEntry, redactEntry } from './entry.ts'
import { syncDirectory } from './log-file.ts'
import { linesOf, segmentsOf } from './segments.ts'

/**
 * Rewrites the full segment that holds entry `seq`, with the fields blanked; the old file is replaced in one step, after
 * `announce` has recorded the names of the leaves. Throws INVALID_ARGUMENT for an unknown entry or field, and then changes
 * nothing.
 */
export async function blankFields(
  path: string,
  seq: number,
  fields: readonly string[],
  announce: (names: readonly string[]) => Promise<void>,
): Promise<void> {
  for (const segment of (await segmentsOf(path)).filter((one) => one !== path)) {
    const lines: string[] = []
    let names: readonly string[] | undefined
    for await (const line of linesOf(segment)) {
      const entry = parseEntry(line.text)
      if (entry?.seq !== seq) {
        lines.push(`${line.text}\n`)
        continue
      }
      const redacted = redactEntry(entry, fields)
      if (!redacted)
        throw new CardeaError(
          'INVALID_ARGUMENT',
          `Entry ${seq} has no field ${fields.join(', ')} that could be redacted.`,
        )
      lines.push(redacted.line)
      names = redacted.fields
    }
    if (!names) continue
    await announce(names)
    const temporary = `${segment}.redacting`
    const handle = await open(temporary, 'w', 0o600)
    await handle.writeFile(lines.join(''))
    await handle.sync()
    await handle.close()
    await rename(temporary, segment)
    await syncDirectory(segment)
    return
  }
  throw new CardeaError('INVALID_ARGUMENT', `The audit log has no entry ${seq}.`)
}
