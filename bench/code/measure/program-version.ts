import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is in PATH; undefined when it is not. */
export function programPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, name))
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The first line that a program says of its version; undefined when it cannot be run. */
export function programVersion(program: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 })
  if (error !== undefined) return undefined
  const line = `${stdout}\n${stderr}`.split('\n').find(each => /\d+\.\d+/.test(each))
  // Terminal colours are no part of a version.
  return line?.replaceAll(/\x1b\[[\d;]*m/g, '').trim()
}
