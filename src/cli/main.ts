#!/usr/bin/env node
// The command line's entry: runs the program and turns its outcome into an exit code.

import cluster from 'node:cluster'
import { CommanderError } from 'commander'
import { CardeaError } from '../model/errors.ts'
import { exitCode } from './exit-code.ts'
import { createProgram } from './program.ts'

// A reader that has seen enough (`| head`) ends the command quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

/** Commands whose exit code 1 is an answer. */
const questions = new Set(['check', 'explain', 'lookup-resources', 'lookup-subjects'])

try {
  await createProgram().parseAsync(process.argv)
} catch (thrown) {
  process.exitCode = report(thrown)
  // The channel to the process that started a worker would keep it alive.
  if (cluster.isWorker) process.exit()
}

/** Prints a failure as advice and gives the exit code for it. */
function report(thrown: unknown): number {
  // Commander has printed its own message, with a suggestion where it has one.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCode.ok : exitCode.usage
  const error = CardeaError.from(thrown)
  process.stderr.write(`cardea: ${error.message}\n`)
  if (error.code === 'INTERNAL')
    process.stderr.write(`${(error.cause as Error | undefined)?.stack ?? error.stack}\n`)
  // A question that could not be answered is not a no, and not an empty answer.
  if (questions.has(process.argv[2] ?? '') || process.argv[3] === 'read') return exitCode.usage
  return error.code === 'INVALID_ARGUMENT' || error.code === 'CONFIG_INVALID'
    ? exitCode.usage
    : exitCode.failed
}
