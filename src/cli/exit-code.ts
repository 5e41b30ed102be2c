// Exit codes that scripts can rely on.

export const exitCode = {
  /** Yes, or done. */
  ok: 0,
  /** No, or failed. */
  failed: 1,
  /** The command was not understood, or a check could not be answered: unknown flag, malformed value, no server. */
  usage: 2,
} as const
