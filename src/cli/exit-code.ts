// Exit codes that scripts can rely on.

export const exitCode = {
  /** Yes, or done. */
  ok: 0,
  /** No, or failed. */
  failed: 1,
  /** The command was not understood: unknown flag, malformed value, bad configuration. */
  usage: 2,
} as const
