import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BuiltImage, imageEnvironment, nodeMajor } from '../support/image/built-image.js'
import { checkInstalledPrograms, checkSize } from '../support/image/check-image.js'
import { OWN_ARCHITECTURE } from '../support/image/architecture.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const built =
  namespacesUnavailable ||
  (OWN_ARCHITECTURE === 'arm64' && 'on this machine image.test.ts builds the image for arm64') ||
  (await BuiltImage.buildForArm64(t))
const skip = typeof built === 'string' && built
const image = built as BuiltImage

/** Offset of the field e_machine of an ELF header, and its value for arm64. */
const [ELF_MACHINE, ELF_ARM64] = [18, 0xb7]

t.test('no manifest names an architecture: nodes of both get the same Pods', t => {
  const files = readdirSync('deploy', { recursive: true, encoding: 'utf8' }).filter(name => /\.(yaml|tpl)$/.test(name))
  t.ok(files.length > 20, `${files.length} files`)
  const limited = files.filter(name =>
    /kubernetes\.io\/arch|amd64|arm64/.test(readFileSync(join('deploy', name), 'utf8')),
  )
  t.same(limited, [])
  t.end()
})

t.test('built for arm64 by an emulator, it has programs for arm64 only', { skip }, async t => {
  t.equal((await image.run('dpkg', '--print-architecture')).trim(), 'arm64')
  t.equal((await image.run('node', '-p', 'process.arch')).trim(), 'arm64')
  t.match(await image.nodeVersion(), new RegExp(`^v${nodeMajor()}\\.`))
  const { layers } = image
  const machines = layers.flatMap(layer =>
    readdirSync(layer, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => readFileSync(join(entry.parentPath, entry.name)))
      .filter(bytes => bytes.subarray(0, 4).equals(Buffer.from('\x7fELF')))
      .map(bytes => bytes.readUInt16LE(ELF_MACHINE)),
  )
  t.ok(machines.length > 100, `${machines.length} programs and libraries`)
  t.same([...new Set(machines)], [ELF_ARM64])
  t.end()
})

t.test('for arm64 too, programs are where installers look for them', { skip }, async t => {
  await checkInstalledPrograms(t, image)
  t.end()
})

t.test('the SBOM of the image for arm64 has the packages of arm64', { skip }, async t => {
  const sbom = await image.run('cat', '/opt/kube-proxy-node/sbom.spdx.json')
  const architectures = [...sbom.matchAll(/pkg:deb\/debian\/[^"]*arch=(\w+)/g)].map(([, name]) => name!)
  t.ok(architectures.length > 80, `${architectures.length} packages`)
  t.same([...new Set(architectures)].sort(), ['all', 'arm64'])
  t.match(sbom, `pkg:generic/node@${(await image.nodeVersion()).slice(1)}"`)
  t.end()
})

t.test('the image for arm64 has compiled code of its own', { skip }, t => {
  const cache = join(image.layer, imageEnvironment()['NODE_COMPILE_CACHE']!)
  t.ok(existsSync(cache))
  // Node.js names the folder after its version, its architecture and the version of the cache.
  t.match(readdirSync(cache), [/-arm64-/])
  t.ok(readdirSync(cache, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).length >= 4)
  t.end()
})

t.test('the image for arm64 is small', { skip }, async t => {
  await checkSize(t, image)
  t.end()
})
