// What a chaos writer means to write: the same for the process that writes and for the one that checks.

/**
 * The updates of write `n`: some rows of its own, a row that all writers share, and what its write before last
 * had made is deleted again.
 */
export function intendedUpdates(run, writer, n, big) {
  const update = (operation, resource, subject, context) => ({
    operation,
    relationship: {
      resource: { type: 'doc', id: resource },
      relation: 'viewer',
      subject: { type: 'user', id: subject, relation: '' },
      ...(context === undefined ? {} : { caveat: { name: 'tz', context } }),
    },
  })
  const own = (of) =>
    Array.from(
      { length: big && of % 5 === 3 ? 4500 : 2 + ((writer + of) % 7) },
      (_, i) => `r${run}w${writer}n${of}i${i}`,
    )
  return [
    ...own(n).map((id) => update('create', id, `u${writer}`)),
    update('touch', `shared${n % 3}`, 'all', { n, run, writer }),
    ...(n < 2 ? [] : own(n - 2).map((id) => update('delete', id, `u${writer}`))),
  ]
}
