import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BuiltImage } from '../support/image/built-image.js'
import { InstalledContainer, containerCommand } from '../support/processes/installed-container.js'
import {
  type Installer,
  impossibleModeOf,
  installersUnavailable,
  readInstallers,
} from '../support/processes/installed-proxy.js'
import { type InstallerMount } from '../support/processes/installer-mounts.js'
import { WEB, createInstallerCluster } from '../support/processes/test-installers.js'

/** Fields of a description that the tests handle; `installer` and `note` are for its readers. */
const HANDLED = ['name', 'command', 'container', 'env', 'files', 'mounts', 'installer', 'note']
const PAGE = 'docs/install.md'

const installers = readInstallers()
const built = installersUnavailable || (await BuiltImage.build(t))
const skip = typeof built === 'string' && built

t.test('docs/install.md has what the program or the tests cannot do for an installer, and nothing else', t => {
  const [, table = ''] = /^\| installer \| what .*\n\|[-|]*\n((?:\|.*\n)*)/m.exec(readFileSync(PAGE, 'utf8')) ?? []
  const documented = [...table.matchAll(/^\| (\S+) \| `(\w+)`: /gm)].map(([, name, field]) => `${name}: ${field}`)
  const found = installers.flatMap(installer => [
    ...(impossibleModeOf(installer)?.mode === 'nftables' ? [`${installer.name}: command`] : []),
    ...Object.keys(installer)
      .filter(field => !HANDLED.includes(field))
      .map(field => `${installer.name}: ${field}`),
  ])
  // Only the descriptions beside this repository have all fields.
  const missing = found.filter(row => !documented.includes(row))
  t.same(missing, [])
  t.same(
    documented.filter(row => !found.includes(row) && !row.endsWith(': security')),
    [],
  )
  t.ok(found.includes('talos: command'))
  t.end()
})

t.test('installers that start kube-proxy through another program do it with all of its flags', t => {
  const through = installers.filter(({ container }) => container !== undefined)
  t.same(through.map(({ name }) => name).sort(), ['gke', 'kops'])
  const [gke, kops] = ['gke', 'kops'].map(name => containerCommand(through.find(installer => installer.name === name)!))
  t.same(gke!.slice(0, 2), ['/bin/sh', '-c'])
  t.match(gke![2], /^exec kube-proxy --master=\S+ .* --detect-local-mode=NodeCIDR 1>>\/var\/log\/kube-proxy\.log 2>&1$/)
  t.equal(kops![0], '/go-runner')
  t.ok(kops!.indexOf('/usr/local/bin/kube-proxy') < kops!.indexOf('--v=2'))
  for (const { command, name } of through)
    for (const flag of command.slice(1)) t.ok((name === 'gke' ? gke! : kops!).join(' ').includes(flag), flag)
  t.end()
})

/** Each mount is at its path: as what it is, with its files, and read-only if the installer says so. */
async function checkMounts(t: Test, container: InstalledContainer, mounts: readonly InstallerMount[]): Promise<void> {
  for (const { target, kind, readOnly, files } of mounts) {
    const { exitCode } = await container.exec(['test', kind === 'file' ? '-f' : '-d', target])
    t.equal(exitCode, 0, `${target} is a ${kind}`)
    t.equal(
      (await container.exec(['test', '-w', target])).exitCode,
      readOnly ? 1 : 0,
      `${target}: read-only ${readOnly}`,
    )
    for (const [name, text] of Object.entries(files)) {
      t.same(await container.exec(['cat', join(target, name)]), { exitCode: 0, output: text }, join(target, name))
      const link = await container.exec(['readlink', join(target, name)])
      t.equal(link.output.trim(), `..data/${name}`, `${target}: a ConfigMap volume`)
    }
  }
}

t.test('the image in the place of the one of each installer', { skip, timeout: 600_000 }, async t => {
  const { network, tls, client } = await createInstallerCluster(t, installers)
  for (const installer of installers) {
    const impossible = impossibleModeOf(installer)
    const result = impossible === undefined ? 'serves' : `says that ${impossible.mode} mode is not possible`
    await t.test(`${installer.name}: ${result}`, async t => {
      const container = new InstalledContainer(t, built as BuiltImage, network, installer, tls)
      t.equal(container.mounts.length, installer.mounts?.filter(text => text.startsWith('/')).length ?? 0)
      if (impossible !== undefined) {
        t.equal(await container.ended, 1)
        t.match(container.output, impossible.message)
        return
      }
      t.equal(await container.ready(), 0, container.output)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
      await checkMounts(t, container, container.mounts)
      await checkLog(t, container, installer)
      t.equal(await container.stop(), 0)
    })
  }
})

/** The log is where the installer wants it. */
async function checkLog(t: Test, container: InstalledContainer, { container: start }: Installer): Promise<void> {
  const words = [...(start?.command ?? []), ...(start?.args ?? [])].join(' ')
  const [, file] = /(?:--log-file=|>>)(\S+)/.exec(words) ?? []
  const isOnOutput = file === undefined || words.includes('--also-stdout')
  t.equal(container.output.includes('"Starting"'), isOnOutput, 'the output')
  if (file !== undefined) t.match((await container.exec(['cat', file])).output, '"Starting"', file)
}
