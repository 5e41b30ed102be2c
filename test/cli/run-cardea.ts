// Runs the built command line as a user does: another process, its own folder, no environment of ours.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const entry = resolve('dist/cli/main.js')

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'cardea-cli-'))
}

function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CARDEA_'))
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...extra }
}

/** Runs `cardea ...words` to its end. */
export function cardea(
  words: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Outcome> {
  return new Promise((done) => {
    execFile(process.execPath, [entry, ...words], { cwd, env: environment(env) }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

/** Runs a line of shell in which `npx cardea` is the built command line. */
export function shell(line: string, cwd: string): Promise<Outcome> {
  const script = line.replaceAll('npx cardea', `'${process.execPath}' '${entry}'`)
  return new Promise((done) => {
    execFile('sh', ['-c', script], { cwd, env: environment({}) }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

/** Starts a long-running command and waits until its output has `sign`. Rejects with the output when it ends first. */
export async function started(
  words: readonly string[],
  cwd: string,
  sign: string,
  env: Record<string, string> = {},
): Promise<{ readonly child: ChildProcess; output(): string; stop(): Promise<number | null> }> {
  const child = spawn(process.execPath, [entry, ...words], { cwd, env: environment(env) })
  let text = ''
  await new Promise<void>((ready, failed) => {
    const take = (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes(sign)) ready()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('exit', (code) => failed(new Error(`ended with ${code}:\n${text}`)))
  })
  return {
    child,
    output: () => text,
    stop: () =>
      new Promise((done) => {
        child.removeAllListeners('exit')
        child.on('exit', (code) => done(code))
        child.kill('SIGTERM')
      }),
  }
}
