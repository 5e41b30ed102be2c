// One string for a relation or permission among all definitions.

/** `definition#member`: injective, as `#` occurs in no name. */
export function memberKey(definition: string, member: string): string {
  return `${definition}#${member}`
}
