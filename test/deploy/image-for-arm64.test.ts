import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { BuiltImage, imageEnvironment, nodeMajor } from '../support/image/built-image.js'
import { checkInstalledPrograms, checkSize } from '../support/image/check-image.js'
import { Arm64Machine, arm64MachineUnavailable } from '../support/image/arm64-machine/arm64-machine.js'
import { keepMachineKernel } from '../support/image/arm64-machine/machine-kernel.js'
import { OWN_ARCHITECTURE } from '../support/image/architecture.js'
import { containerWords } from '../support/image/container.js'
import { manifestCapabilities } from '../support/image/manifest-capabilities.js'
import { TIMEOUT_FACTOR_OF_VM } from '../support/nodes/timeout-factor.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

/**
 * The first run makes Debian for arm64 with an emulator, and downloads the kernel of its machine, which takes most of this time. Each of
 * them is kept as soon as it is whole. In milliseconds.
 */
const PREPARATION_MS = 1_800_000
/** How long the emulated machine may take to start and to serve, in milliseconds. */
const SERVING_MS = 900_000
/** How long a program on that machine waits, in seconds. */
const WAIT_S = 24 * TIMEOUT_FACTOR_OF_VM

t.setTimeout(PREPARATION_MS + SERVING_MS)
const built =
  namespacesUnavailable ||
  (OWN_ARCHITECTURE === 'arm64' && 'on this machine image.test.ts builds the image for arm64') ||
  (await BuiltImage.buildForArm64(t))
const skip = typeof built === 'string' && built
const image = built as BuiltImage

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
const SERVER_IP = '10.244.0.10'
const MANIFESTS = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    makeServiceManifest('web', WEB),
    makeSliceManifest('web', [SERVER_IP], 8080),
    makeServiceManifest('dns', DNS),
    makeSliceManifest('dns', [SERVER_IP], 5353, 'UDP'),
  ],
}
/** Requests of the Pod "client". */
const [TCP_REQUEST, UDP_REQUEST] = [
  `exec 3<>/dev/tcp/${WEB.clusterIP}/${WEB.port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`,
  `exec 3<>/dev/udp/${DNS.clusterIP}/${DNS.port}; printf hello >&3; dd bs=512 count=1 status=none <&3`,
].map(command => `ip netns exec client timeout ${WAIT_S} bash -c ${quote(command)}`)

/** One word of a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

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

t.test(
  'the kernel of an emulated arm64 machine is downloaded once',
  { skip: skip || arm64MachineUnavailable, timeout: PREPARATION_MS },
  async t => {
    const { kept, version } = await keepMachineKernel(image)
    t.ok(existsSync(join(kept, 'boot', `vmlinuz-${version}`)))
    t.ok(existsSync(join(kept, 'lib', 'modules', version, 'modules.dep')), 'the machine cannot write this list')
  },
)

t.test(
  'on an emulated arm64 machine, with the kernel and the iptables of arm64, a container of the image serves',
  { skip: skip || arm64MachineUnavailable, timeout: SERVING_MS },
  async t => {
    const machine = await Arm64Machine.start(t, image)
    const run = async (command: string): Promise<string> => {
      const { exitCode, output } = await machine.exec(command)
      t.equal(exitCode, 0, `${command.split('\n')[0]}: ${exitCode === 0 ? '' : output}`)
      return output
    }
    t.equal(await run('uname --machine'), 'aarch64\n')
    await run('source /scripts/arm64-machine/make-pods.sh')
    await run(`mkdir /tmp/manifests; printf %s ${quote(JSON.stringify(MANIFESTS))} > /tmp/manifests/web.yaml`)
    const proxy = ['kube-proxy', '--manifests=/manifests', '-v=3', '--drain-timeout=1s', '--data-plane-workers=1']
    const words = containerWords(
      {
        lower: ['/image/layer', '/image/debian'],
        mounts: [{ source: '/tmp/manifests', target: '/manifests' }],
        memory: ['/tmp', '/run'],
        capabilities: manifestCapabilities(),
        command: proxy,
      },
      '/scripts/container.sh',
    )
    const environment = Object.entries(imageEnvironment()).map(([name, value]) => `${name}=${value}`)
    await run(`${['env', ...environment, ...words].map(quote).join(' ')} > /tmp/proxy.log 2>&1 & echo $! > /tmp/pid`)
    const { exitCode } = await machine.exec(
      `timeout ${WAIT_S} grep -q -m 1 'Synced rules" family="IPv4"' <(tail -n +1 -f /tmp/proxy.log)`,
    )
    t.equal(exitCode, 0, await run('cat /tmp/proxy.log'))
    t.match(await run(TCP_REQUEST!), 'This is Pod a')
    t.match(await run(UDP_REQUEST!), /^a 10\.244\./)
    t.match(await run('iptables-save -t nat'), `-d ${WEB.clusterIP}/32`)
    // The proxy is process 1 of the container, whose parent is the program that made the container.
    await run('kill -TERM "$(cat "/proc/$(cat /tmp/pid)/task/$(cat /tmp/pid)/children")"')
    await run(`timeout ${WAIT_S} tail --pid "$(cat /tmp/pid)" -f /dev/null`)
    t.match(await run('cat /tmp/proxy.log'), /"Drained"/)
    t.match(await run(TCP_REQUEST!), 'This is Pod a', 'the kernel serves')
  },
)
