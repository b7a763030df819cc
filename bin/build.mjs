// Compiles the sources that changed, and removes what was compiled from sources that are gone: a test without a source must
// not run any more. `npm run build` warm takes a few seconds.
//
//   node bin/build.mjs [product | test | bench]      what to build, each with what it needs; left out: everything
//
// Plain JavaScript without dependencies, so that setup can use it as soon as npm packages are there.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The native compiler; typescript 5.9 beside it has the API that the linter needs (docs/dependencies.md). */
const COMPILER = join(ROOT, 'node_modules', 'typescript-native', 'bin', 'tsc')
const PROJECTS = { product: '.', test: 'test', bench: 'bench' }
/** Folders of sources, each compiled into the folder of the same name in dist. */
const SOURCES = ['lib', 'bin', 'test', 'bench']

/**
 * Builds a part of the sources, or all of them.
 * @param {'product' | 'test' | 'bench' | undefined} part
 * @returns {{ status: number, output: string }} what the compiler returned, and what it printed
 */
export function build(part) {
  for (const folder of SOURCES) removeStale(join(ROOT, folder), join(ROOT, 'dist', folder))
  const projects = part === undefined ? ['test', 'bench'] : [PROJECTS[part]]
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [COMPILER, '-b', ...projects], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return {
    status: error ? 1 : (status ?? 1),
    output: `${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}`.trim(),
  }
}

function removeStale(sources, compiled) {
  if (!existsSync(compiled)) return
  for (const name of readdirSync(compiled, { recursive: true, encoding: 'utf8' })) {
    const base = /^(.+?)(?:\.d\.ts|\.js\.map|\.js)$/.exec(name)?.[1]
    if (base !== undefined && !existsSync(join(sources, `${base}.ts`))) rmSync(join(compiled, name))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const part = process.argv[2]
  if (part !== undefined && !(part in PROJECTS)) {
    process.stderr.write(`Cannot build "${part}": expected ${Object.keys(PROJECTS).join(', ')}, or nothing for all.\n`)
    process.exit(2)
  }
  const { status, output } = build(part)
  if (output !== '') process.stdout.write(`${output}\n`)
  process.exit(status)
}
