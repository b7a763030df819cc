import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program of Debian's package `prometheus`, or the path of another one. */
const PROMTOOL = process.env['PROMTOOL'] ?? 'promtool'

/** The reason why tests with promtool cannot run here, or false. */
export const promtoolUnavailable =
  spawnSync(PROMTOOL, ['--version']).error !== undefined && 'needs the program promtool; PROMTOOL can name it'

/** What promtool says about a file. */
export interface PromtoolResult {
  readonly status: number | null
  readonly output: string
}

/** Runs promtool with a file of this content; JSON is YAML. */
export function runPromtool(command: readonly string[], content: object): PromtoolResult {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-promtool-'))
  try {
    const file = join(folder, 'input.yml')
    writeFileSync(file, JSON.stringify(content))
    const { status, stdout, stderr } = spawnSync(PROMTOOL, [...command, file], { encoding: 'utf8' })
    return { status, output: `${stdout}${stderr}` }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
