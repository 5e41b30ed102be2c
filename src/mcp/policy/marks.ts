// Marks on a JSON tree: what is covered by a rule, what falls, and what is left when all of that is applied.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isJsonObject } from './json-object.ts'
import type { Location } from './json-path.ts'

/** One marked place. A place without a mark has the fate of what is around it. */
export class Mark {
  /** By index, and by name: made when there is one, for most marked places are leaves. */
  private entries: Mark[] | undefined
  private members: Map<string, Mark> | undefined
  /** A rule covers the place and everything below it. */
  covered = false
  /** An empty list or object stays here, so that "nothing left" and "never anything" look the same. */
  skeleton = false
  dropped = false
  /** Stands here instead. */
  replacement: { readonly value: JsonValue } | undefined
  /** Members that stay, and members that become null; all others go. */
  redaction: { readonly keep: readonly string[]; readonly redact: readonly string[] } | undefined
  /** Called with the copy that holds this place, once it is certain to stay. */
  onKept: ((container: { [key: string | number]: JsonValue }, key: string | number) => void) | undefined

  get isLeaf(): boolean {
    return this.entries === undefined && this.members === undefined
  }

  /** The mark of a member, if it has one. */
  child(step: string | number): Mark | undefined {
    return typeof step === 'number' ? this.entries?.[step] : this.members?.get(step)
  }

  /** The mark at a place below this one, made when it is not there. */
  at(location: Location): Mark {
    let mark: Mark = this
    for (const step of location) mark = mark.below(step)
    return mark
  }

  /** The mark of a member, made when it is not there. */
  below(step: string | number): Mark {
    const known = this.child(step)
    if (known !== undefined) return known
    const mark = new Mark()
    if (typeof step === 'number') {
      this.entries ??= []
      this.entries[step] = mark
    } else {
      this.members ??= new Map()
      this.members.set(step, mark)
    }
    return mark
  }
}

/** What is left of `value` under the marks: covered and not dropped. Undefined: nothing. The value is not changed. */
export function applyMarks(value: JsonValue, mark: Mark, covered = false): JsonValue | undefined {
  if (mark.dropped) return undefined
  if (mark.replacement) return mark.replacement.value
  const inside = covered || mark.covered
  if (mark.redaction) return redact(value, mark, mark.redaction)
  if (typeof value !== 'object' || value === null) return inside ? value : undefined
  if (mark.isLeaf) return inside ? value : mark.skeleton ? emptied(value) : undefined
  return Array.isArray(value)
    ? applyToList(value, mark, inside)
    : applyToObject(value as JsonObject, mark, inside)
}

function emptied(value: JsonValue): JsonValue {
  return Array.isArray(value) ? [] : {}
}

function applyToList(list: readonly JsonValue[], mark: Mark, inside: boolean): JsonValue | undefined {
  const kept: JsonValue[] = []
  for (let index = 0; index < list.length; index++) {
    const child = mark.child(index)
    const item = list[index]!
    const left = child ? applyMarks(item, child, inside) : inside ? item : undefined
    if (left === undefined) continue
    kept.push(left)
    child?.onKept?.(kept as never, kept.length - 1)
  }
  return inside || mark.skeleton || kept.length > 0 ? kept : undefined
}

function applyToObject(object: JsonObject, mark: Mark, inside: boolean): JsonValue | undefined {
  const kept: { [key: string]: JsonValue } = {}
  let count = 0
  for (const key of Object.keys(object)) {
    const child = mark.child(key)
    const left = child ? applyMarks(object[key]!, child, inside) : inside ? object[key] : undefined
    if (left === undefined) continue
    count++
    setMember(kept, key, left)
    child?.onKept?.(kept, key)
  }
  return inside || mark.skeleton || count > 0 ? kept : undefined
}

/** A key such as `__proto__` becomes a member and nothing else. */
function setMember(object: { [key: string]: JsonValue }, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    object[key] = value
  }
}

function redact(
  value: JsonValue,
  mark: Mark,
  { keep, redact: hidden }: NonNullable<Mark['redaction']>,
): JsonValue | undefined {
  if (!isJsonObject(value)) return undefined
  const kept: { [key: string]: JsonValue } = {}
  for (const key of Object.keys(value)) {
    if (hidden.includes(key)) setMember(kept, key, null)
    else if (keep.includes(key)) {
      const child = mark.child(key)
      const member = value[key]!
      const left = child ? applyMarks(member, child, true) : member
      if (left !== undefined) setMember(kept, key, left)
    }
  }
  return kept
}
