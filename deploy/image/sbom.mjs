// Prints the SBOM of the packages that the product needs, as SPDX in JSON.
//
//   node deploy/image/sbom.mjs
//
// `npm sbom --omit=dev` also leaves out packages that both the product and the tests need (npm 11.19). So npm gets a copy of the lock
// file without what only the tests need.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PAGE_LIBRARIES, pagePackages } from '../../bin/page-packages.mjs'

const read = file => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
const { devDependencies, ...manifest } = read('package.json')
const lock = read('package-lock.json')
const { devDependencies: _, ...root } = lock.packages['']
// The files of the page contain them.
const inPage = pagePackages(lock.packages)
const dependencies = {
  ...manifest.dependencies,
  ...Object.fromEntries(PAGE_LIBRARIES.map(name => [name, devDependencies[name]])),
}
const needed = Object.entries(lock.packages)
  .filter(([path, { dev }]) => dev !== true || inPage.has(path))
  .map(([path, { dev: __, ...locked }]) => [path, locked])
const packages = { ...Object.fromEntries(needed), '': { ...root, dependencies } }

const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-sbom-'))
try {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }))
  const args = ['sbom', '--package-lock-only', '--sbom-format=spdx', '--sbom-type=application']
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? stderr}`)
  process.stdout.write(stdout)
} finally {
  rmSync(folder, { recursive: true })
}
