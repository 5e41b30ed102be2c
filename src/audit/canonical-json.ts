// Canonical JSON: one text for one value, whatever the order of its keys (RFC 8785 for values without floats).

/**
 * Keys sorted by UTF-16 code units, no white space; members whose value is undefined are left out, as JSON.stringify
 * does. Numbers are written as ECMAScript writes them, which is what RFC 8785 section 3.2.2.3 asks for.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`
    return `[${text}]`
  }
  const members = value as { readonly [key: string]: unknown }
  for (const key of Object.keys(members).sort()) {
    const member = members[key]
    if (member !== undefined)
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`
  }
  return `{${text}}`
}
