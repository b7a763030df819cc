// Compiles the sources that changed, and removes what was compiled from sources that are gone: a test without a source must
// not run any more. `npm run build` warm takes a few seconds.
//
//   node bin/build.mjs [product | test | bench]      what to build, each with what it needs; left out: everything
//
// It also bundles the page for browsers. Plain JavaScript without dependencies, so that setup can use it as soon as npm packages are there.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { licenceTexts } from './licence-texts.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The native compiler; typescript 5.9 beside it has the API that the linter needs (docs/dependencies.md). */
const COMPILER = join(ROOT, 'node_modules', 'typescript-native', 'bin', 'tsc')
const PROJECTS = { product: '.', test: 'test', bench: 'bench' }
/** The page: the compiler checks its types, and a bundler makes the files that a browser loads, where the server looks for them. */
const PAGE = 'lib/page'
const PAGE_FILES = 'dist/lib/status/dashboard/page'
/** Folders of sources, each compiled into the folder of the same name in dist. */
const SOURCES = ['lib', 'bin', 'test', 'bench']

/**
 * Builds a part of the sources, or all of them.
 * @param {'product' | 'test' | 'bench' | undefined} part
 * @returns {{ status: number, output: string }} what the compiler returned, and what it printed
 */
export function build(part) {
  for (const folder of SOURCES) removeStale(join(ROOT, folder), join(ROOT, 'dist', folder))
  const projects = [...(part === undefined ? ['test', 'bench'] : [PROJECTS[part]]), PAGE]
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [COMPILER, '-b', ...projects], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const output = `${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}`.trim()
  if (error || status !== 0) return { status: status || 1, output }
  const problem = bundlePage()
  return { status: problem === '' ? 0 : 1, output: [output, problem].filter(text => text !== '').join('\n') }
}

/** @returns what is wrong; empty: nothing */
function bundlePage() {
  try {
    // Setup imports this file before the bundler is there.
    const { buildSync } = createRequire(import.meta.url)('esbuild')
    mkdirSync(join(ROOT, PAGE_FILES), { recursive: true })
    const { metafile } = buildSync({
      absWorkingDir: ROOT,
      entryPoints: [`${PAGE}/page.tsx`, `${PAGE}/page.css`],
      outdir: PAGE_FILES,
      bundle: true,
      format: 'esm',
      target: 'es2023',
      minify: true,
      legalComments: 'none',
      tsconfig: `${PAGE}/tsconfig.json`,
      metafile: true,
      logLevel: 'silent',
    })
    for (const name of ['index.html', 'icon.svg']) copyFileSync(join(ROOT, PAGE, name), join(ROOT, PAGE_FILES, name))
    const licences = licenceTexts(ROOT, Object.keys(metafile.inputs))
    writeFileSync(join(ROOT, PAGE_FILES, 'THIRD-PARTY-LICENSES.txt'), licences)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function removeStale(sources, compiled) {
  if (!existsSync(compiled)) return
  for (const name of readdirSync(compiled, { recursive: true, encoding: 'utf8' })) {
    const base = /^(.+?)(?:\.d\.ts|\.js\.map|\.js)$/.exec(name)?.[1]
    const isBundle = join(compiled, name).startsWith(join(ROOT, PAGE_FILES))
    if (base !== undefined && !isBundle && !existsSync(join(sources, `${base}.ts`))) rmSync(join(compiled, name))
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
