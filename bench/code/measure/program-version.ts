import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program in PATH; undefined if it is missing. */
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

/** The first line of a program's version output; undefined if it cannot run. */
export function programVersion(program: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 })
  if (error !== undefined) return undefined
  const line = `${stdout}\n${stderr}`.split('\n').find(each => /\d+\.\d+/.test(each))
  // Without terminal colours.
  return line?.replaceAll(/\x1b\[[\d;]*m/g, '').trim()
}
