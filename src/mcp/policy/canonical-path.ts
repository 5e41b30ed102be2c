// Paths: every alias of a file becomes one absolute path below a declared root, or nothing.

/** Follows all symbolic links. Undefined: nothing has this name. Throws when something has, but leads nowhere. */
export type RealPath = (path: string) => string | undefined

/** Control bytes, backslashes, `~`, and percent-escapes: other programs may read them as another path. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const suspicious = /[\u0000-\u001f\u007f-\u009f\\~]|%[0-9A-Fa-f]{2}/

/**
 * The canonical form of `path` (policy format, 3.5): absolute, without `.`, `..`, doubled or trailing slashes, below
 * one of `roots` or equal to it. A relative path belongs to the first root. With `realPath`, links are followed; of
 * a path that does not exist yet, the longest existing part is. Undefined when it lies outside or looks like a trick.
 */
export function canonicalPath(
  path: string,
  roots: readonly string[],
  realPath?: RealPath,
): string | undefined {
  const first = roots[0]
  if (first === undefined || path === '' || suspicious.test(path)) return undefined
  const absolute = collapse(path.startsWith('/') ? path : `${first}/${path}`)
  if (realPath === undefined) return isBelow(absolute, roots) ? absolute : undefined
  const resolved = followLinks(absolute, realPath)
  if (resolved === undefined || suspicious.test(resolved)) return undefined
  const resolvedRoots = roots.map((root) => followLinks(root, realPath)).filter((root) => root !== undefined)
  return isBelow(resolved, resolvedRoots) ? resolved : undefined
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(`${root}/`))
}

function collapse(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}

function followLinks(path: string, realPath: RealPath): string | undefined {
  let existing = path
  let rest = ''
  try {
    for (;;) {
      const real = realPath(existing)
      if (real !== undefined) return `${real === '/' && rest !== '' ? '' : real}${rest}`
      if (existing === '/') return undefined
      const slash = existing.lastIndexOf('/')
      rest = existing.slice(slash) + rest
      existing = slash === 0 ? '/' : existing.slice(0, slash)
    }
  } catch {
    // A dangling link or a loop: only what is plainly absent may be made anew.
    return undefined
  }
}
