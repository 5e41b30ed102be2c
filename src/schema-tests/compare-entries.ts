// Compares expected with found subjects, as a diff in a fixed order.

import { formatSubject } from '../model/reference.ts'
import type { Place } from './place.ts'
import type { ExpectedRelations } from './read-validation-file.ts'
import { differencesOf, formatSubjectEntry, type SubjectEntry } from './subject-entry.ts'
import type { EntryFailure } from './validation-report.ts'

/** Differences, and a diff over all subjects in the order of their text. No differences: the diff is empty. */
export function compareEntries(
  expected: ExpectedRelations,
  found: readonly SubjectEntry[],
): { readonly differences: readonly EntryFailure[]; readonly diff: readonly string[] } {
  const wanted = new Map<string, { readonly entry: SubjectEntry; readonly place: Place }>()
  const differences: EntryFailure[] = []
  for (const item of expected.entries) {
    const subject = formatSubject(item.entry.subject)
    if (wanted.has(subject)) differences.push({ kind: 'repeated-subject', subject, ...item.place })
    else wanted.set(subject, item)
  }
  const existing = new Map(found.map((entry) => [formatSubject(entry.subject), entry]))
  const diff: string[] = []
  for (const subject of [...new Set([...wanted.keys(), ...existing.keys()])].sort()) {
    const want = wanted.get(subject)
    const have = existing.get(subject)
    const kinds =
      want === undefined
        ? (['extra-subject'] as const)
        : have === undefined
          ? (['missing-subject'] as const)
          : differencesOf(want.entry, have)
    for (const kind of kinds) differences.push({ kind, subject, ...(want ?? expected).place })
    if (kinds.length === 0) diff.push(`  ${formatSubjectEntry(have!)}`)
    else {
      if (want !== undefined) diff.push(`- ${formatSubjectEntry(want.entry)}`)
      if (have !== undefined) diff.push(`+ ${formatSubjectEntry(have)}`)
    }
  }
  return { differences, diff: differences.length === 0 ? [] : diff }
}
