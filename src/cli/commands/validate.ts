// cardea validate: schemas, relationships, assertions and expected relations, tested in files.

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'

export function addValidateCommand(program: Command): void {
  program
    .command('validate')
    .description('Run zed-style validation files, or check schema files (.zed). Exit code 1 when one fails.')
    .argument('<file...>')
    .option('--fail-on-warn', 'warnings fail as well')
    .option('--json', 'print the reports as JSON')
    .action(async (files: string[], options: { failOnWarn?: boolean; json?: boolean }) => {
      const { validateFiles } = await import('../../schema-tests/validate-files.ts')
      const result = await validateFiles(files, { readFile, failOnWarnings: options.failOnWarn === true })
      process.stdout.write(options.json ? `${JSON.stringify(result.reports)}\n` : result.text)
      process.exitCode = result.exitCode
    })
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
