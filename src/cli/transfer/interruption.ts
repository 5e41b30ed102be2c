// Interruptions: a first signal asks long work to stop at a good place, a second one ends the process as ever.

const signals = ['SIGINT', 'SIGTERM'] as const

/** `end` gives the signals back. */
export function untilInterrupted(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const end = () => {
    for (const name of signals) process.off(name, onSignal)
  }
  const onSignal = () => {
    end()
    controller.abort()
  }
  for (const name of signals) process.on(name, onSignal)
  return { signal: controller.signal, end }
}
