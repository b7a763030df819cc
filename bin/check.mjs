// Checks types, lint and format. A file that passed is not linted again until it, or a type that it may use, changes.
//
//   node bin/check.mjs [types | lint | format]     one check; left out: all of them
//
// ESLint's own cache knows files only. Rules that use types also depend on the types of other files, so the cache's place is
// named after all declarations of the build: when one of them changes, every file is linted again.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'kube-proxy-node')
const CHECKS = ['types', 'lint', 'format']

const [only] = process.argv.slice(2)
if (only !== undefined && !CHECKS.includes(only)) {
  process.stderr.write(`Cannot check "${only}": expected ${CHECKS.join(', ')}, or nothing for all.\n`)
  process.exit(2)
}
const isAsked = check => only === undefined || only === check

// The linter's cache needs the declarations, so types come first.
const isBuilt = only === 'format' || checkTypes()
const results = await Promise.all([
  isBuilt && isAsked('lint') ? lint() : true,
  isAsked('format')
    ? run('prettier', 'bin/prettier.cjs', [...prettierCache(), '--check', '--log-level=warn', '.'])
    : true,
])
process.exit(isBuilt && results.every(Boolean) ? 0 : 1)

function checkTypes() {
  const { status, output } = build()
  if (output !== '') process.stdout.write(`${output}\n`)
  return status === 0
}

function lint() {
  mkdirSync(CACHE, { recursive: true })
  const cache = `eslint-${digestOfDeclarations()}`
  for (const name of readdirSync(CACHE)) if (name.startsWith('eslint-') && name !== cache) rmSync(join(CACHE, name))
  const caching = ['--cache', '--cache-strategy=content', `--cache-location=${join(CACHE, cache)}`]
  return run('eslint', 'bin/eslint.js', [...caching, '--max-warnings=0', '.'])
}

function prettierCache() {
  return ['--cache', '--cache-strategy=content', `--cache-location=${join(CACHE, 'prettier')}`]
}

function digestOfDeclarations() {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')))
  const dist = join(ROOT, 'dist')
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.d.ts'))
  for (const name of names.sort()) hash.update(`\n${name}\n`).update(readFileSync(join(dist, name)))
  return hash.digest('hex').slice(0, 32)
}

function run(name, program, args) {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', name, program), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return new Promise(resolve => {
    child.on('error', error => {
      process.stderr.write(`Cannot start ${name}: ${error.message}\n`)
      resolve(false)
    })
    child.on('close', code => resolve(code === 0))
  })
}
