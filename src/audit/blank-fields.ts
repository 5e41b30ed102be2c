// Blanking: fields of one entry are taken out of a full segment, while its hash and so the whole chain stay.

import { open, rename } from 'node:fs/promises'
import { CardeaError } from '../model/errors.ts'
import { type BlankedLine, blankLine, runsLeft } from './blank-entry.ts'
import { hashHolds, type Line, parseLine } from './entry.ts'
import { syncDirectory } from './log-file.ts'
import { readAuditLog } from './read-audit-log.ts'
import { linesOf, segmentsOf } from './segments.ts'

/**
 * Rewrites the full segment that holds entry `seq`, with the fields blanked; the old file is replaced in one step, after
 * `announce` has recorded what was done. Throws INVALID_ARGUMENT for an unknown entry or field, and STORE_FAILED for an
 * entry that is not what was written; then nothing is changed.
 */
export async function blankFields(
  path: string,
  seq: number,
  fields: readonly string[],
  announce: (blanked: BlankedLine) => Promise<void>,
): Promise<void> {
  for (const segment of (await segmentsOf(path)).filter((one) => one !== path)) {
    const lines: string[] = []
    let blanked: BlankedLine | undefined
    for await (const { text } of linesOf(segment)) {
      const line = parseLine(text)
      if (line?.seq !== seq) {
        lines.push(`${text}\n`)
        continue
      }
      await expectIntact(path, line)
      blanked = blankLine(line, fields)
      if (!blanked)
        throw new CardeaError(
          'INVALID_ARGUMENT',
          `Entry ${seq} has no field ${fields.join(', ')} that could be redacted.`,
        )
      lines.push(blanked.text)
    }
    if (!blanked) continue
    await announce(blanked)
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

/** The record of a blanking vouches for what is left, so it must not vouch for what somebody has changed. */
async function expectIntact(path: string, line: Line): Promise<void> {
  const unknown = new Set(runsLeft(line))
  if (unknown.size > 0)
    for await (const { kind, body } of readAuditLog(path))
      if (kind === 'redaction' && body.seq === line.seq)
        for (const hash of body.left ?? []) unknown.delete(hash)
  if (unknown.size === 0 && hashHolds(line)) return
  throw new CardeaError(
    'STORE_FAILED',
    `Entry ${line.seq} of the audit log is not what was written, so it cannot be blanked. Run cardea audit verify, and keep the file.`,
    { file: path, entry: String(line.seq) },
  )
}
