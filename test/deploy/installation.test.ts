import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'
import { kubectlPath, kubectlUnavailable } from '../support/deploy/kubectl.js'
import { FIRST_REQUEST, readOverlays, readSections } from '../support/deploy/readme.js'
import { isRunnable } from '../support/deploy/runnable-commands.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { isForCluster, readManualCommands } from '../support/processes/manual-commands.js'

/** The API server of the tests is 1.20, so it gets the component for Kubernetes before 1.22. */
const COMPONENT = 'components:\n  - ../../components/without-surge\n'

// test/deploy/readme-commands.test.ts checks the commands that need other programs.
t.test(
  'the commands of deploy/README.md work with a real API server, from nothing and back to nothing',
  { skip: namespacesUnavailable || realApiServerUnavailable() || kubectlUnavailable, timeout: 300_000 },
  async t => {
    const network = await NodeNetwork.create(t)
    const api = new NodeProcess(network, 'api/real-api-server-entry')
    t.teardown(async () => {
      api.child.stdin!.end()
      await once(api.child, 'exit')
    })
    const kubeconfig = await api.readLine()
    const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-readme-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    /** Runs commands in one shell, as an operator does. */
    const run = (commands: readonly string[]) => {
      const script = ['set -e', 'cd "$0"', `kubectl() { command ${kubectlPath()} "$@"; }`, ...commands].join('\n')
      const env = [`KUBECONFIG=${kubeconfig}`, `HOME=${folder}`]
      return network.node.run('env', [...env, 'sh', '-c', script, folder], { timeoutMs: 60_000 })
    }
    const objects = async () => {
      const kinds = 'daemonset,configmap,serviceaccount,clusterrole,clusterrolebinding'
      const { stdout } = await run([
        `kubectl get ${kinds} --all-namespaces --selector=k8s-app=kube-proxy --output=name`,
      ])
      return stdout
        .trim()
        .split('\n')
        .filter(line => line !== '')
    }
    const sections = readSections()
    const upgrade = readManualCommands('upgrade').filter(({ commands }) => isForCluster(commands))
    t.ok(upgrade.length > 0, `${upgrade.length} blocks of docs/upgrade.md`)
    const request = sections
      .find(({ title }) => title === FIRST_REQUEST)!
      .there.flat()
      .filter(isRunnable)
    t.ok(request.length >= 3, request.join('; '))
    // What the API server says of the values, too: a list of missing fields and values that a field does not have.
    const dryRun = async (component: string, change = 'true') => {
      cpSync('deploy', join(folder, 'deploy'), { recursive: true })
      const file = join(folder, 'deploy/overlays/kubespray/kustomization.yaml')
      writeFileSync(file, `${readFileSync(file, 'utf8')}${COMPONENT}  - ../../components/${component}\n`)
      return run([change, 'kubectl apply --dry-run=server -k deploy/overlays/kubespray'])
    }
    for (const [component, field] of [
      ['ipvs-modules', 'imagePullPolicy'],
      ['node-settings', 'type'],
    ] as const) {
      const { exitCode, stderr } = await dryRun(component)
      t.equal(exitCode, 0, `${component}: ${stderr}`)
      const patch = `deploy/components/${component}/daemonset.yaml`
      const refused = await dryRun(component, `sed -i 's/ ${field}: .*/ ${field}: Sometimes/' ${patch}`)
      t.match(refused, { exitCode: 1, stderr: new RegExp(`${field}: Unsupported value: "Sometimes"`) })
    }
    const makeClone = (overlay: string): void => {
      cpSync('deploy', join(folder, 'deploy'), { recursive: true })
      const file = join(folder, 'deploy/overlays', overlay, 'kustomization.yaml')
      writeFileSync(file, `${readFileSync(file, 'utf8')}${COMPONENT}`)
    }
    const node = JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } })
    t.equal((await run([`echo '${node}' | kubectl create -f -`])).exitCode, 0)
    for (const [title, overlay] of readOverlays()) {
      const { there, back } = sections.find(section => section.title === title)!
      // Each operator has a clone: two sections may change the same overlay.
      makeClone(overlay)
      const applied = await run(there.flat().filter(isRunnable))
      t.equal(applied.exitCode, 0, `${title}: ${applied.stderr}`)
      t.equal((await objects()).length, 5, `${title}: five objects`)
      const requested = await run(request)
      t.equal(requested.exitCode, 0, `${title}, ${FIRST_REQUEST}: ${requested.stderr}`)
      // A trial on one node, a new version and another mode, as docs/upgrade.md has them.
      if (!there.flat().includes('mkdir -p deploy/overlays/my-cluster')) {
        mkdirSync(join(folder, 'deploy/overlays/my-cluster'), { recursive: true })
        writeFileSync(join(folder, 'deploy/overlays/my-cluster/kustomization.yaml'), `resources: [../${overlay}]\n`)
      }
      const upgraded = await run(upgrade.flatMap(({ commands }) => commands.trim().split('\n').filter(isRunnable)))
      t.equal(upgraded.exitCode, 0, `${title}, upgrade: ${upgraded.stderr}`)
      const { stdout } = await run(['kubectl -n kube-system get daemonset/kube-proxy --output=yaml'])
      t.match(stdout, /image: registry\.example\.com\/kube-proxy-node:NEW$/m, `${title}: the new version`)
      t.match(stdout, /name: kube-proxy-iptables$/m, `${title}: the new mode`)
      t.notMatch(stdout, /affinity:/, `${title}: the trial has ended`)
      t.match(upgraded.stdout, /daemonset\.apps\/kube-proxy-trial created/, `${title}: the trial`)
      t.match(upgraded.stdout, /node\/node-1 labeled/)
      const removed = await run(back.flat().filter(isRunnable))
      t.equal(removed.exitCode, 0, `${title}, back: ${removed.stderr}`)
      t.same(await objects(), [], `${title}: nothing is left`)
    }

    // The objects of this proxy stand for those of the stock one.
    const { there, text } = sections.find(({ title }) => title === 'kubeadm')!
    const copy = there.flat().filter(command => command.includes('kept.yaml'))
    t.equal(copy.length, 1, copy.join('; '))
    const [, restore] = /`(kubectl create -f [^`]+)`/.exec(text) ?? []
    const overlay = 'deploy/overlays/kubeadm'
    makeClone('kubeadm')
    rmSync(join(folder, 'stock-kube-proxy.yaml'))
    // Run again when this proxy is there, the commands keep what they kept first.
    const steps = [`kubectl apply -k ${overlay}`, ...copy, `kubectl delete -k ${overlay}`, ...copy, restore!]
    const restored = await run(steps)
    t.equal(restored.exitCode, 0, `the stock kube-proxy is back: ${restored.stderr}`)
    const stock = ['configmap/kube-proxy', 'daemonset.apps/kube-proxy', 'serviceaccount/kube-proxy']
    t.same((await objects()).sort(), stock)
    await run([`kubectl -n kube-system delete ${stock.join(' ')}`])

    const stay = sections.find(({ title }) => title === 'Rules that stay')!
    const removed = await run(stay.there.flat().filter(isRunnable))
    t.equal(removed.exitCode, 0, removed.stderr)
    t.match(removed.stdout, 'daemonset.apps/kube-proxy-cleanup created')
    t.match(removed.stdout, 'daemonset.apps "kube-proxy-cleanup" deleted')
    t.end()
  },
)
