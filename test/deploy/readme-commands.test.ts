import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { kubectlPath, kubectlUnavailable, renderKustomization } from '../support/deploy/kubectl.js'
import { FIRST_REQUEST, type ReadmeSection, readOverlays, readSections } from '../support/deploy/readme.js'
import { isRunnable, programOf } from '../support/deploy/runnable-commands.js'

const HELM = 'Helm'
/** What brings the stock kube-proxy back, for each section; the commands of kubectl only remove this one, and wait. */
const STOCK: Readonly<Record<string, RegExp>> = {
  kind: /^docker exec \S+ kubeadm init phase addon kube-proxy /,
  k3d: /^k3d cluster start /,
  k3s: /^sudo systemctl restart k3s$/,
  minikube: /^minikube ssh -- '.*kubeadm init phase addon kube-proxy /,
  kubeadm: /^sudo kubeadm init phase addon kube-proxy /,
  Talos: /^talosctl patch machineconfig .*"disabled": false/,
  kubespray: /^ansible .*\$PHASE/,
  kops: /^kops rolling-update cluster /,
  Helm: /^sudo kubeadm init phase addon kube-proxy /,
}
/** Sections of clusters that may have a DaemonSet of the stock kube-proxy; k3s runs it in its own process. */
const WITH_DAEMONSET = ['kind', 'minikube', 'kubeadm', 'Talos', 'kubespray', 'kops', HELM]
/** Objects that the commands of the README name, but which others create: the first request, the stock kube-proxy. */
const OTHER_OBJECTS = ['deployment/web', 'service/web']

const sections = readSections()
const overlays = readOverlays()
const ways = sections.filter(({ title }) => title in STOCK)
/** The name of the overlay that commands write on top of another one; undefined: they write none. */
const ownOverlay = (commands: readonly string[]): string | undefined =>
  /^mkdir -p deploy\/overlays\/(\S+)$/m.exec(commands.join('\n'))?.[1]
const allCommands = ({ there, back }: ReadmeSection): string[] => [...there, ...back].flat()

t.test('deploy/README.md: each overlay, and Helm, has a section', t => {
  t.same([...new Set(overlays.values())].sort(), readdirSync('deploy/overlays').sort())
  t.same(
    ways.map(({ title }) => title),
    [...overlays.keys(), HELM],
  )
  t.end()
})

t.test('each section leads to the first request, and back to the stock kube-proxy, in commands', t => {
  t.equal(ways.length, Object.keys(STOCK).length)
  for (const { title, there, hasRequest, back } of ways) {
    t.equal(there.length, 1, `${title}: one block of commands leads there`)
    t.ok(hasRequest, `${title}: the first request`)
    t.equal(back.length, 1, `${title}: one block of commands leads back`)
    const [to = [], from = []] = [there[0], back[0]]
    const folder = `deploy/overlays/${ownOverlay(to) ?? overlays.get(title)}`
    const [install, uninstall] =
      title === HELM
        ? [/^helm install kube-proxy-node /, /^helm uninstall kube-proxy-node /]
        : [RegExp(`^kubectl apply -k ${folder}$`), RegExp(`^kubectl delete -k ${folder}$`)]
    const installed = to.findIndex(command => install.test(command))
    t.ok(installed >= 0, `${title}: ${String(install)}`)
    t.ok(
      to.slice(installed).some(command => command.includes('rollout status daemonset/kube-proxy')),
      `${title}: waits`,
    )
    const deleted = to.findIndex(command =>
      /kube-system delete daemonset\/kube-proxy .*--ignore-not-found$/.test(command),
    )
    t.equal(
      deleted >= 0 && deleted < installed,
      WITH_DAEMONSET.includes(title),
      `${title}: deletes the stock kube-proxy first`,
    )
    const removed = from.findIndex(command => uninstall.test(command))
    t.ok(removed >= 0, `${title}: ${String(uninstall)}`)
    const stock = from.findIndex(command => STOCK[title]!.test(command))
    t.ok(stock > removed, `${title}: brings the stock kube-proxy back: ${String(STOCK[title])}`)
    t.notMatch(from.join('\n'), /cluster delete|delete cluster/, `${title}: the cluster stays`)
  }
  const first = sections.find(({ title }) => title === FIRST_REQUEST)!.there
  t.equal(first.length, 1)
  t.match(first[0], [
    /create deployment/,
    /expose/,
    /rollout status/,
    /^kubectl run client .* curl /,
    /^kubectl delete /,
  ])
  t.end()
})

t.test('every block is one that a shell reads, and sets each variable before it uses it', t => {
  for (const { title, there, back } of sections)
    for (const block of [...there, ...back]) {
      const script = block.join('\n')
      t.doesNotThrow(() => execFileSync('sh', ['-n', '-c', script], { stdio: 'pipe' }), `${title}: ${block[0]}`)
      for (const { index, 1: name } of script.matchAll(/\$([A-Z]+)/g)) {
        const isSet = new RegExp(`^${name}=`, 'm').test(script.slice(0, index))
        // The section about the image names a variable of the reader.
        t.ok(isSet || title === 'The image', `${title}: ${name} has a value`)
      }
    }
  t.end()
})

t.test('every command is one that the tests run, or of a program that they know', t => {
  const unknown = sections
    .flatMap(allCommands)
    .filter(command => isRunnable(command) && !/^([A-Z]+=|\[ -e |mkdir |printf |sed |export )/.test(command))
    .filter(command => programOf(command) !== 'kubectl')
  t.same(unknown, [])
  t.end()
})

t.test('every file, object, label and value that a command names exists', { skip: kubectlUnavailable }, t => {
  const rendered = ['deploy/base', 'deploy/cleanup'].map(folder => renderKustomization(folder)).join('---\n')
  const objects = parseAllDocuments(rendered).map(
    document =>
      document.toJS() as {
        readonly kind: string
        readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
      },
  )
  const names = objects.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`)
  const labels = objects.flatMap(({ metadata }) => Object.entries(metadata.labels ?? {}).map(pair => pair.join('=')))
  const values = parse(readFileSync('deploy/helm/kube-proxy-node/values.yaml', 'utf8')) as Record<string, unknown>
  const valueOf = (path: string): unknown =>
    path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values)
  const named: string[] = []
  for (const section of sections)
    for (const command of allCommands(section)) {
      const where = `${section.title}: ${command}`
      const own = ownOverlay(section.there.flat()) ?? 'no overlay of its own'
      const files = [...command.matchAll(/\bdeploy\/[\w./-]*\w/g)]
        .map(([path]) => path)
        .filter(path => !path.startsWith(`deploy/overlays/${own}`))
      for (const path of files) t.ok(existsSync(path), `${where}: ${path}`)
      const kinds = /\b(daemonset|configmap|serviceaccount|deployment|service)\/[\w-]+/g
      for (const [name] of command.matchAll(kinds)) t.ok([...names, ...OTHER_OBJECTS].includes(name), where)
      for (const [, label] of command.matchAll(/--selector=(\S+)/g)) t.ok(labels.includes(label!), where)
      named.push(...files)
      if (programOf(command) === 'helm')
        for (const [, path] of command.matchAll(/--set ([\w.]+)=/g)) t.not(valueOf(path!), undefined, where)
    }
  t.ok(named.length > 12, `${named.length} files`)
  t.end()
})

t.test(
  'the files that the commands write render with the image and the API server',
  { skip: kubectlUnavailable },
  t => {
    const server = 'https://192.0.2.1:6443'
    for (const { title, there } of ways.filter(({ title }) => title !== HELM)) {
      const folder = t.testdir({
        kubeconfig: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ name: 'a', cluster: { server } }],
          contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
          users: [{ name: 'a', user: {} }],
          'current-context': 'a',
        }),
      })
      cpSync('deploy', join(folder, 'deploy'), { recursive: true })
      const changes = there.flat().filter(command => /^(mkdir|sed|printf|[A-Z]+=)/.test(command))
      const script = ['set -eu', `kubectl() { command ${kubectlPath()} "$@"; }`, ...changes].join('\n')
      // A second run changes nothing.
      const [rendered, again] = [1, 2].map(() => {
        execFileSync('sh', ['-c', script], {
          cwd: folder,
          env: { ...process.env, KUBECONFIG: join(folder, 'kubeconfig') },
        })
        return renderKustomization(join(folder, 'deploy/overlays', ownOverlay(there.flat()) ?? overlays.get(title)!))
      }) as [string, string]
      t.equal(again, rendered, `${title}: a second time`)
      const image = changes.some(command => command.startsWith('REGISTRY='))
        ? /image: registry\.example\.com\/kube-proxy-node:\d/
        : /image: kube-proxy-node:\d/
      t.match(rendered, image, title)
      t.match(rendered, /server: https:\/\/[\w.-]+/, title)
      t.notMatch(rendered, /CONTROL_PLANE_ENDPOINT|CLUSTER_NAME/, `${title}: no placeholder is left`)
      if (title === 'kubeadm') t.ok(rendered.includes(`server: ${server}`), 'kubeadm: the server of the kubeconfig')
    }
    t.end()
  },
)

t.test(
  'an overlay of your own has the components, the image and the configuration',
  { skip: kubectlUnavailable },
  t => {
    const folder = t.testdir()
    cpSync('deploy', join(folder, 'deploy'), { recursive: true })
    const own = join(folder, 'deploy/overlays/my-cluster')
    mkdirSync(own)
    const [, example] = /```yaml\n(resources:[^]*?)```/.exec(readFileSync('deploy/README.md', 'utf8'))!
    writeFileSync(join(own, 'kustomization.yaml'), example!)
    const base = readFileSync('deploy/base/config.conf', 'utf8')
    writeFileSync(join(own, 'config.conf'), base.replace('mode: userspace', 'mode: iptables'))
    const rendered = renderKustomization(own)
    t.match(rendered, /image: registry\.example\.com\/kube-proxy-node:\d/)
    t.match(rendered, /^ +mode: iptables$/m)
    t.match(rendered, /mountPath: \/mnt\/node-sysctls/)
    t.match(rendered, /server: https:\/\/CONTROL_PLANE_ENDPOINT/, 'the rest is that of the overlay below')
    t.end()
  },
)

t.test('back to the stock kube-proxy in kind: kubeadm gets one configuration of kube-proxy, whatever it had', t => {
  const commands = sections.find(({ title }) => title === 'kind')!.back.flat()
  const print = commands.find(command => command.startsWith('printf '))!
  const [, merge] = /^docker exec kind-control-plane sh -c '(.*)'$/m.exec(commands.join('\n'))!
  const cluster = 'apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n'
  const proxy = '---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: "iptables"\n'
  for (const [before, expected] of [
    [cluster, { conntrack: { maxPerCore: 0 } }],
    [`${cluster}${proxy}`, { mode: 'iptables' }],
  ] as const) {
    const folder = t.testdir({ 'kubeadm.conf': before })
    execFileSync('sh', ['-ec', `${print}\n${merge!.replaceAll('/kind/', './')}`], { cwd: folder })
    const merged = readFileSync(join(folder, 'kubeadm-stock.conf'), 'utf8')
    const all = parseAllDocuments(merged).map(document => document.toJS() as { readonly kind: string })
    t.match(
      all.filter(({ kind }) => kind === 'KubeProxyConfiguration'),
      [expected],
    )
    t.equal(all.length, 2, merged)
  }
  t.end()
})

t.test('without a copy of the stock kube-proxy, nothing of it is deleted, and the next run makes the copy', t => {
  for (const title of ['kubeadm', HELM]) {
    const commands = sections.find(section => section.title === title)!.there.flat()
    const steps = commands.filter(command => /kept\.yaml|kube-system delete/.test(command))
    t.equal(steps.length, 2, steps.join('; '))
    const folder = t.testdir({})
    const run = (kubectl: string) =>
      execFileSync('sh', ['-c', `kubectl() { ${kubectl}; }\n${steps.join('\n')}\ntrue`], {
        cwd: folder,
        encoding: 'utf8',
      })
    t.equal(run('[ "$3" != get ] && echo deleted'), '', `${title}: the API server is away`)
    t.notOk(existsSync(join(folder, 'stock-kube-proxy.yaml')))
    t.equal(run('if [ "$3" = get ]; then echo "kind: List"; else echo deleted; fi'), 'deleted\n')
    t.equal(readFileSync(join(folder, 'stock-kube-proxy.yaml'), 'utf8'), 'kind: List\n')
    rmSync(join(folder, 'kept.yaml'))
    run('echo "kind: Other"')
    t.equal(readFileSync(join(folder, 'stock-kube-proxy.yaml'), 'utf8'), 'kind: List\n', 'a later run keeps it')
  }
  t.end()
})
