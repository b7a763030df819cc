import { spawnSync } from 'node:child_process'

/** What the program consists of. */
const SOURCES = ['lib', 'bin', 'package.json', 'package-lock.json']

/**
 * The commit that the program is built from, such as `2f75804`, so that a reader of figures sees how old they are.
 * @param root folder of the program
 * @returns undefined if it is not a checkout, or git cannot read it
 */
export function readProgramCommit(root = process.cwd()): string | undefined {
  const git = (...args: readonly string[]) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', '--show-cdup', '--short', 'HEAD')
  // A folder inside of another checkout has a way up.
  const [, hash] = /^\n(\w+)\n$/.exec(stdout ?? '') ?? []
  if (status !== 0 || hash === undefined) return undefined
  const isChanged = git('status', '--porcelain', '--', ...SOURCES).stdout !== ''
  return isChanged ? `${hash} with changes that are not committed` : hash
}
