import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BuiltImage } from '../support/image/built-image.js'
import { runInRoot } from '../support/image/container.js'
import { NodeNetwork } from '../support/nodes/node-network.js'
import { InstalledContainer } from '../support/processes/installed-container.js'
import {
  type Installer,
  installersUnavailable,
  readInstallers,
  writeInstallerFiles,
} from '../support/processes/installed-proxy.js'
import { makeInstallerMounts } from '../support/processes/installer-mounts.js'
import { WEB, createInstallerCluster } from '../support/processes/test-installers.js'

const built = installersUnavailable || (await BuiltImage.build(t))
const skip = typeof built === 'string' && built
const image = built as BuiltImage

const CONNTRACK_MAX = '/proc/sys/net/netfilter/nf_conntrack_max'
const NODE_SETTINGS = '/etc/sysctl.d/999-sysctl-aks.conf'
/** What the init container kube-proxy-bootstrap of AKS does, with the programs that it uses. */
const AKS_BOOTSTRAP = `
echo "was $(cat ${CONNTRACK_MAX})"
wanted=$(awk -F= '/net.netfilter.nf_conntrack_max/ {print $2}' ${NODE_SETTINGS})
if [ -z "$wanted" ]; then
  wanted=$((32768 * $(nproc)))
  if [ "$wanted" -lt 131072 ]; then wanted=131072; fi
fi
echo "$wanted" > ${CONNTRACK_MAX}`

t.test('AKS: the init container finds in the image what it sets nf_conntrack_max with', { skip }, async t => {
  const network = await NodeNetwork.create(t)
  const folder = makeFolder(t)
  const [setting, settings] = [join(folder, 'nf_conntrack_max'), join(folder, 'sysctl.conf')]
  // Node.js may have another number: it also looks at the limits of control groups.
  const processors = Number(await runInRoot(image.containerOptions(['nproc'], network.node)))
  t.ok(processors > 0, `${processors} processors`)
  const boot = async (text: string) => {
    writeFileSync(settings, text)
    // A file in the place of the setting: in a network namespace the kernel lets no process write it.
    writeFileSync(setting, '65536\n')
    const mounts = [
      { source: settings, target: NODE_SETTINGS },
      { source: setting, target: CONNTRACK_MAX, readOnly: false },
    ]
    const options = image.containerOptions(['/bin/sh', '-c', AKS_BOOTSTRAP], network.node)
    t.equal(await runInRoot({ ...options, mounts }), 'was 65536\n')
    return readFileSync(setting, 'utf8').trim()
  }
  t.equal(await boot('net.ipv4.tcp_retries2=8\n'), String(Math.max(131_072, 32_768 * processors)))
  t.equal(await boot('net.ipv4.tcp_retries2=8\nnet.netfilter.nf_conntrack_max=1048576\n'), '1048576')
  t.end()
})

/** What the script of Gardener's init container "cleanup" does. */
const GARDENER_CLEANUP = `#!/bin/sh -e
before=$(cat "$1")
if [ -n "$before" ] && [ "$before" != "$KUBE_PROXY_MODE" ]; then
  /usr/local/bin/kube-proxy --v=2 --cleanup --config=/var/lib/kube-proxy-config/config.yaml --proxy-mode="$before"
fi
echo "$KUBE_PROXY_MODE" > "$1"
`
/** Those of a container without `privileged`, as containerd gives them, and what Gardener adds. */
const GARDENER_CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE', 'NET_ADMIN', 'SYS_RESOURCE'],
]

t.test('Gardener: its init containers prepare the node and clean up after a change of the mode', { skip }, async t => {
  const gardener = readInstallers().find(({ name }) => name === 'gardener')!
  const { network, tls, client } = await createInstallerCluster(t, [gardener])
  const folder = makeFolder(t)
  const [script, ofNode] = [join(folder, 'script'), join(folder, 'kube-proxy')]
  mkdirSync(script)
  mkdirSync(ofNode)
  writeFileSync(join(script, 'cleanup.sh'), GARDENER_CLEANUP)
  chmodSync(join(script, 'cleanup.sh'), 0o755)
  writeFileSync(join(ofNode, 'mode'), '')
  /** Runs an init container, which is privileged, to its end. */
  const init = (installer: Installer, command: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const options = image.containerOptions(command, network.node)
    const mounts = [
      ...makeInstallerMounts(t, installer, writeInstallerFiles(t, installer, tls)),
      { source: script, target: '/script' },
      { source: ofNode, target: '/var/lib/kube-proxy', readOnly: false },
    ]
    return runInRoot({ ...options, env: { ...options.env, ...env }, mounts, memory: ['/tmp'] })
  }
  const cleanUp = (installer: Installer, mode: string) =>
    init(installer, ['sh', '-c', '/script/cleanup.sh /var/lib/kube-proxy/mode'], { KUBE_PROXY_MODE: mode })
  const savedMode = () => readFileSync(join(ofNode, 'mode'), 'utf8')
  const rules = async () => (await network.node.run('iptables-save', [])).stdout
  const closeWait = async () =>
    (await network.node.run('cat', ['/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait'])).stdout

  t.equal(await cleanUp(gardener, 'iptables'), '', 'on a new node there is nothing to clean up')
  t.equal(savedMode(), 'iptables\n')

  t.not(await closeWait(), '3600\n')
  await init(gardener, [...gardener.command, '--init-only'])
  t.equal(await closeWait(), '3600\n', 'kube-proxy-init writes the settings of the kernel')
  t.notMatch(await rules(), /KUBE/, 'and no rule')

  const proxy = new InstalledContainer(t, image, network, gardener, tls, GARDENER_CAPABILITIES)
  t.equal(await proxy.ready(), 0, proxy.output)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'the proxy serves without the right to write settings')
  t.notMatch(proxy.output, /SYSCTL/)
  t.equal(await proxy.stop(), 0)
  await cleanUp(gardener, 'iptables')
  t.match(
    await rules(),
    /KUBE-SVC/,
    'with the same mode the rules stay: clients are served until the next proxy is there',
  )

  const files = Object.entries(gardener.files).map(([path, text]) => [
    path,
    text.replace('mode: iptables', 'mode: ipvs'),
  ])
  await cleanUp({ ...gardener, files: Object.fromEntries(files) as Record<string, string> }, 'ipvs')
  t.notMatch(await rules(), /KUBE-SVC|KUBE-SERVICES/, 'after a change of the mode they are gone')
  t.equal(savedMode(), 'ipvs\n')
  t.end()
})

function makeFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'init-container-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
