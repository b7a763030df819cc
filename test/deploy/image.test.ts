import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { MEMORY_OPTIONS } from '../../lib/workers/worker-options.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { BuiltImage, STAGES, imageEnvironment, nodeMajor, readDockerfile } from '../support/image/built-image.js'
import { checkInstalledPrograms, checkSize } from '../support/image/check-image.js'
import { Container, type ContainerOptions } from '../support/image/container.js'
import { manifestCapabilities } from '../support/image/manifest-capabilities.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const LOG_TIMEOUT_MS = 60_000
const HOME = '/opt/kube-proxy-node'
const WEB = { clusterIP: '10.96.0.10', port: 80 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const

const { version, dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly version: string
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}

const built = namespacesUnavailable || (await BuiltImage.build(t))
const skip = typeof built === 'string' && built
const image = built as BuiltImage

t.test('the Dockerfile: every step is a script of deploy/image, and its bases are pinned', t => {
  const dockerfile = readDockerfile()
  const all = (name: string) => dockerfile.filter(({ instruction }) => instruction === name).map(({ text }) => text)
  const scripts = all('RUN').map(text => /([\w/.-]+\.sh)\b/.exec(text)?.[1])
  t.same(scripts, [
    undefined,
    'deploy/image/build.sh',
    '/stages/install-packages.sh',
    '/stages/fill-compile-cache.sh',
    '/stages/complete-sbom.sh',
  ])
  t.match(all('RUN')[0], /^npm ci /)
  for (const script of scripts.slice(1)) t.ok(existsSync(join(STAGES, script!.split('/').at(-1)!)))
  const bases = all('ARG').filter(text => /^(NODE|DEBIAN)_IMAGE=/.test(text))
  t.equal(bases.length, 2)
  for (const base of bases) t.match(base, /^\w+=docker\.io\/library\/[\w:.-]+@sha256:[0-9a-f]{64}$/)
  t.ok(all('ARG').includes(`VERSION=${version}`), 'the version is that of the package')
  t.match(all('FROM').at(-1), '${DEBIAN_IMAGE}')
  t.same(all('ENTRYPOINT'), ['["kube-proxy"]'])
  t.match(all('HEALTHCHECK')[0], 'CMD ["kube-proxy-probe"]')
  t.end()
})

t.test('the labels of the image say what package.json says', t => {
  const { name, description, license } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>
  const text = readDockerfile().flatMap(({ instruction, text }) => (instruction === 'LABEL' ? [text] : []))
  const labels = [...text.join(' ').matchAll(/org\.opencontainers\.image\.(\S+)="([^"]*)"/g)]
  t.same(Object.fromEntries(labels.map(([, label, value]) => [label, value])), {
    title: name,
    description,
    licenses: license,
    version: '${VERSION}',
    revision: '${REVISION}',
    created: '${CREATED}',
    source: '${SOURCE}',
  })
  t.end()
})

t.test('docs/install.md has every build argument with its default, and every label', t => {
  const page = readFileSync('docs/install.md', 'utf8')
  const [, table = ''] = /^\| build argument .*\n\|[-|]*\n((?:\|.*\n)*)/m.exec(page) ?? []
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) \|$/gm)].map(([, name, value, meaning]) => ({
    name: name!,
    value: value!,
    meaning: meaning!,
  }))
  const dockerfile = readDockerfile()
  const args = dockerfile
    .filter(({ instruction }) => instruction === 'ARG')
    .map(({ text }) => text.split('=') as [string, string])
  t.same(
    rows.map(({ name }) => name),
    args.map(([name]) => name),
  )
  // The last stage declares what its labels use: an argument is known only in the stage that declares it.
  const lastStage = dockerfile.slice(dockerfile.findLastIndex(({ instruction }) => instruction === 'FROM'))
  const [labels] = lastStage.filter(({ instruction }) => instruction === 'LABEL')
  for (const [name, value] of args) {
    const { value: documented, meaning } = rows.find(row => row.name === name)!
    if (name.endsWith('_IMAGE')) t.ok(documented.endsWith('by digest'), name)
    else {
      t.equal(documented, value || 'empty', name)
      const label = new RegExp(`(org\\.opencontainers\\.image\\.\\w+)="\\$\\{${name}\\}"`).exec(labels!.text)?.[1]
      t.ok(meaning.startsWith(`label \`${label}\``), `${name}: ${label}`)
      t.ok(
        lastStage.some(({ instruction, text }) => instruction === 'ARG' && text.startsWith(`${name}=`)),
        name,
      )
    }
  }
  const [command = ''] = /^docker buildx build [^]*?(?=```)/m.exec(page) ?? []
  for (const [, name] of command.matchAll(/--build-arg (\w+)=/g))
    t.ok(
      args.some(([known]) => known === name),
      name!,
    )
  for (const name of ['title', 'description', 'licenses']) t.match(page, `\`${name}\``)
  t.end()
})

t.test('each file of lib that is a program, not a part of one, has a bundle', async t => {
  const { PROGRAMS } = (await import(join(STAGES, 'bundle.mjs'))) as { PROGRAMS: Record<string, string> }
  const sources = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  const programs = sources.filter(name => !/^export /m.test(readFileSync(join('lib', name), 'utf8')))
  t.ok(programs.length >= 6, `${programs.length} programs`)
  const compiled = ['dist/bin/kube-proxy.js', ...programs.map(name => `dist/lib/${name.replace(/\.ts$/, '.js')}`)]
  t.same(Object.values(PROGRAMS).sort(), compiled.sort())
  t.end()
})

t.test(
  'what this repository adds to the image has no machine code, so it is the same for amd64 and arm64',
  { skip },
  t => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean; cpu?: unknown }>
    }
    const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
    t.ok(needed.length > 5, `${needed.length} packages`)
    const built = needed.filter(([, { hasInstallScript, cpu }]) => hasInstallScript === true || cpu !== undefined)
    t.same(
      built.map(([path]) => path),
      [],
      'no package is compiled, or is for one kind of processor',
    )
    // Node.js itself and Debian's packages are the other layers; Node.js writes the compiled code on the machine that it is for.
    const cache = join(image.layer, imageEnvironment()['NODE_COMPILE_CACHE']!)
    const files = readdirSync(image.layer, { recursive: true, withFileTypes: true })
      .filter(file => file.isFile() && !file.parentPath.startsWith(cache))
      .map(file => join(file.parentPath, file.name))
    t.ok(files.length > 5, `${files.length} files`)
    const compiled = files.filter(file => readFileSync(file).subarray(0, 4).equals(Buffer.from('\x7fELF')))
    t.same(compiled, [join(image.layer, 'usr/local/bin/node')], 'but Node.js')
    t.same(
      readDockerfile().flatMap(({ instruction, text }) => (instruction === 'FROM' ? [/BUILDPLATFORM/.test(text)] : [])),
      [true, false, false],
      'only the stage that makes JavaScript runs on the machine of the builder',
    )
    t.end()
  },
)

/** As the manifest asks for it: a read-only root, capabilities by name, the lock of iptables, memory for temporary files. */
async function setUp(t: Test) {
  const network = await NodeNetwork.create(t)
  const { ip } = await network.addServer('a')
  const manifests = new ManifestFolder(t)
  manifests.write(
    makeServiceManifest('web', WEB),
    makeSliceManifest('web', [ip], 8080),
    makeServiceManifest('dns', DNS),
    makeSliceManifest('dns', [ip], 5353, 'UDP'),
  )
  // Another user than root reads them, too.
  chmodSync(manifests.path, 0o755)
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-container-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'xtables.lock'), '')
  const start = (command: readonly string[], more: Partial<ContainerOptions> = {}) => {
    const container = new Container({
      ...image.containerOptions([...command, '--manifests=/manifests', '-v=3', '--drain-timeout=1s'], network.node),
      mounts: [
        { source: manifests.path, target: '/manifests' },
        { source: folder, target: '/var/log', readOnly: false },
        { source: join(folder, 'xtables.lock'), target: '/run/xtables.lock', readOnly: false },
      ],
      memory: ['/tmp'],
      capabilities: manifestCapabilities(),
      ...more,
    })
    // The end of the test kills what is still there, with everything in it.
    t.teardown(() => container.child.kill('SIGKILL'))
    return { container, log: new ProgramLog(container.child, container.child.stderr!, LOG_TIMEOUT_MS) }
  }
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  return { network, start, client, folder }
}

t.test('the image of these tests has the Node.js version of the Dockerfile', { skip }, async t => {
  const version = await image.nodeVersion()
  if (version.startsWith(`v${nodeMajor()}.`)) t.pass(version)
  else t.pass(version, { skip: `not ${nodeMajor()}: Node.js ${version} of these tests is from ${image.node.origin}` })
  t.end()
})

t.test('programs are where installers look for them', { skip }, async t => {
  await checkInstalledPrograms(t, image)
  t.end()
})

t.test('it has production dependencies only, with their licences and an SBOM of them', { skip }, async t => {
  const { PAGE_LIBRARIES } = (await import(join(process.cwd(), 'bin', 'page-packages.mjs'))) as {
    PAGE_LIBRARIES: readonly string[]
  }
  const file = (name: string) => readFileSync(join(image.layer, HOME, name), 'utf8')
  const { packages } = JSON.parse(file('sbom.spdx.json')) as { packages: { name: string; versionInfo: string }[] }
  const names = packages.map(({ name }) => name)
  for (const name of Object.keys(dependencies)) {
    t.ok(names.includes(name), `${name} is in the SBOM`)
    t.match(file('THIRD-PARTY-LICENSES.txt'), new RegExp(`^${name} \\d`, 'm'), `${name} has its licence there`)
  }
  t.same(
    Object.keys(devDependencies)
      .filter(name => names.includes(name) && !name.startsWith('@types/'))
      .sort(),
    PAGE_LIBRARIES,
    'of what is for development, only what the page contains',
  )
  const licensed = [...file('THIRD-PARTY-LICENSES.txt').matchAll(/^(\S+) (\d\S*): /gm)].map(([, name]) => name!)
  t.same(
    licensed.filter(name => !names.includes(name)),
    [],
    'nothing else is in the bundles',
  )
  t.notOk(existsSync(join(image.layer, HOME, 'node_modules')))
  t.end()
})

t.test('the SBOM has Node.js and all packages of Debian, too', { skip }, async t => {
  type Element = { name: string; versionInfo: string; SPDXID: string; externalRefs: [{ referenceLocator: string }] }
  const sbom = JSON.parse(await image.run('cat', `${HOME}/sbom.spdx.json`)) as { packages: Element[] }
  const listed = sbom.packages.map(({ externalRefs: [{ referenceLocator }] }) => referenceLocator)
  const node = (await image.nodeVersion()).slice(1)
  t.ok(listed.includes(`pkg:generic/node@${node}`), node)
  t.ok(
    listed.some(url => url.startsWith('pkg:generic/openssl@')),
    'libraries that are a part of Node.js',
  )
  const installed = await image.run('dpkg-query', '--show', '--showformat', '${Package}@${Version}\n')
  const debian = listed.filter(url => url.startsWith('pkg:deb/debian/'))
  t.same(
    debian.map(url => decodeURIComponent(url.slice('pkg:deb/debian/'.length).replace(/\?.*/, ''))).sort(),
    installed.trim().split('\n').sort(),
  )
  for (const name of ['iptables', 'conntrack', 'ipset', 'ipvsadm', 'libc6'])
    t.match(installed, new RegExp(`^${name}@`, 'm'))
  t.equal(new Set(sbom.packages.map(({ SPDXID }) => SPDXID)).size, sbom.packages.length, 'each has its own name')
  t.end()
})

t.test('the compile cache has every program, if Node.js has one', { skip }, async t => {
  const cache = imageEnvironment()['NODE_COMPILE_CACHE']!
  const hasCache =
    (await image.run('node', '-p', 'typeof require("node:module").enableCompileCache')).trim() === 'function'
  const files = readdirSync(join(image.layer, cache), { recursive: true, withFileTypes: true })
  t.equal(files.filter(file => file.isFile()).length >= 4, hasCache)
  t.end()
})

t.test('the compile cache is filled with the options of a worker, without which it does not use it', t => {
  t.match(
    readFileSync('deploy/image/fill-compile-cache.sh', 'utf8'),
    `node ${MEMORY_OPTIONS.join(' ')} "$programs/worker-main.js"`,
  )
  t.end()
})

t.test('it is small', { skip }, async t => {
  await checkSize(t, image)
  t.end()
})

t.test(
  'a container with a read-only root and three capabilities serves TCP and UDP, and ends in order',
  { skip },
  async t => {
    const { start, client } = await setUp(t)
    const { container, log } = start(['kube-proxy', '--data-plane-workers=1'])
    await log.waitFor(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: 'a 5', from: `${DNS.clusterIP}:${DNS.port}` })
    t.same(await container.exec(['cat', '/proc/1/comm']), { exitCode: 0, output: 'kube-proxy\n' })
    const rights =
      'for f in $(grep -sl "kube-proxy[ ]worker" /proc/[0-9]*/cmdline); do grep CapEff ${f%cmdline}status; done'
    const ofWorkers = await container.exec(['sh', '-c', rights])
    t.same(ofWorkers, { exitCode: 0, output: 'CapEff:\t0000000000000000\n' }, 'a worker runs, without any capability')
    t.match(await container.exec(['sh', '-c', 'echo > /opt/x']), { output: /Read-only/ })
    await waitUntil(async () => (await container.exec(['kube-proxy-probe', '/readyz'])).exitCode === 0, 'it is ready')
    t.same(await container.exec(['kube-proxy-probe']), { exitCode: 0, output: '' })
    t.match(await container.exec(['kube-proxy-probe', '/nothing']), { exitCode: 1, output: /404, expected 200/ })
    t.equal(await container.stop(), 0)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'the kernel serves after it')
    t.end()
  },
)

t.test('kube-proxy-probe asks the port that KUBE_PROXY_HEALTH_PORT names', { skip }, async t => {
  const { start } = await setUp(t)
  const env = { ...imageEnvironment(), KUBE_PROXY_HEALTH_PORT: '10300' }
  const { container, log } = start(['kube-proxy', '--healthz-bind-address=127.0.0.1:10300'], { env })
  await log.waitFor(/Synced rules" family="IPv4"/)
  await waitUntil(async () => (await container.exec(['kube-proxy-probe', '/readyz'])).exitCode === 0, 'it is ready')
  t.match(await container.exec(['env', '-u', 'KUBE_PROXY_HEALTH_PORT', 'kube-proxy-probe']), {
    exitCode: 1,
    output: /of this container does not listen on port 10256/,
  })
  t.equal(await container.stop(), 0)
  t.end()
})

t.test('a container of another user than root serves with ambient capabilities', { skip }, async t => {
  const { start, client } = await setUp(t)
  const { container, log } = start(['kube-proxy', '--data-plane-workers=1'], { user: { id: 65_534, ambient: true } })
  await log.waitFor(/Synced rules" family="IPv4"/)
  t.match(await container.exec(['cat', '/proc/1/status']), { output: /^Uid:(\t65534){4}$/m })
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: 'a 5' })
  await waitUntil(async () => (await container.exec(['kube-proxy-probe', '/readyz'])).exitCode === 0, 'it is ready')
  t.equal(await container.stop(), 0)
  t.end()
})

t.test('a container of another user, as Kubernetes starts it, says what is missing', { skip }, async t => {
  const { start } = await setUp(t)
  const { container, log } = start(['kube-proxy'], { user: { id: 65_534, ambient: false } })
  t.match(await log.waitFor(/IPTABLES_FORBIDDEN/), /IPTABLES_FORBIDDEN/)
  t.match(log.lines.join('\n'), /Run as root, or give the capability NET_ADMIN/)
  await waitUntil(() => container.child.exitCode !== null, 'it ends')
  t.equal(container.child.exitCode, 1)
  t.end()
})

t.test('go-runner saves the output, passes signals on, and ends as the program does', { skip }, async t => {
  const { start, client, folder } = await setUp(t)
  const file = '/var/log/kube-proxy.log'
  const saved = () => readFileSync(join(folder, 'kube-proxy.log'), 'utf8')
  const { container } = start(['/go-runner', `--log-file=${file}`, '--also-stdout', '/usr/local/bin/kube-proxy'])
  const log = new ProgramLog(container.child, container.child.stdout!, LOG_TIMEOUT_MS)
  await log.waitFor(/Synced rules" family="IPv4"/)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  await waitUntil(() => /Synced rules/.test(saved()), 'the file has what standard output has')
  t.equal(await container.stop(), 0)
  t.match(saved(), /Signal received" signal="SIGTERM"/)
  const length = saved().length
  const second = start(['/go-runner', `--log-file=${file}`, '/usr/local/bin/kube-proxy', '--nonsense']).container
  await waitUntil(() => second.child.exitCode !== null, 'it ends')
  t.equal(second.child.exitCode, 1)
  t.match(saved().slice(length), /CONFIG_INVALID/, 'appends to the file')
  t.end()
})

t.test('during an update, each of two Pods answers a probe for itself', { skip }, async t => {
  const { start, client } = await setUp(t)
  const first = start(['kube-proxy'])
  await first.log.waitFor(/Synced rules" family="IPv4"/)
  const isReady = async (container: Container) => (await container.exec(['kube-proxy-probe', '/readyz'])).exitCode === 0
  await waitUntil(() => isReady(first.container), 'the first one is ready')
  // Without the right to change rules it cannot take over, as a Pod that never becomes ready.
  const broken = start(['kube-proxy'], { capabilities: [] })
  await waitUntil(() => broken.container.child.exitCode !== null, 'the broken one ends')
  const second = start(['kube-proxy'])
  await second.log.waitFor(/"Starting"/)
  await waitUntil(() => isReady(second.container), 'the second one is ready')
  t.match(await first.container.exec(['kube-proxy-probe', '/readyz']), {
    exitCode: 1,
    output: /of this container does not listen on port 10256/,
  })
  t.equal(await first.container.stop(), 0)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  t.equal(await second.container.stop(), 0)
  t.end()
})
