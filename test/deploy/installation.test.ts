import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'
import { kubectlPath, kubectlUnavailable } from '../support/deploy/kubectl.js'
import { readCommandBlocks } from '../support/deploy/readme.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'

/** What a test machine does not have: other programs of the README, each the tool of an installer or of containers. */
const OTHER_PROGRAMS = ['ansible-playbook', 'docker', 'helm', 'k3d', 'kind', 'kops', 'minikube', 'sudo', 'talosctl']
/** Commands of kubectl that wait for Pods. They need kubelets and controllers, which an API server alone has not. */
const NEEDS_PODS = /^kubectl (-n \S+ )?(rollout status|run) /
const FIRST_REQUEST = 'The first request'
/** The API server of the tests is 1.20, so it gets the component for Kubernetes before 1.22. */
const COMPONENT = 'components:\n  - ../../components/without-surge\n'

const blocks = readCommandBlocks()
const programOf = (command: string): string => command.split(' ')[0]!
const isRunnable = (command: string): boolean =>
  !OTHER_PROGRAMS.includes(programOf(command)) && !NEEDS_PODS.test(command)
/** The overlay of each section of a cluster. */
const overlays = Object.fromEntries(
  [...readFileSync('deploy/README.md', 'utf8').matchAll(/^\| \[(.*?)\]\(#\S+\) \| `overlays\/(\w+)` \|/gm)].map(
    ([, cluster, overlay]) => [overlay!, cluster!],
  ),
)

t.test('deploy/README.md: each overlay has a section with the way there and the way back', t => {
  t.same(Object.keys(overlays).sort(), readdirSync('deploy/overlays').sort())
  const sections = [...new Set(blocks.map(({ section }) => section))]
  for (const [overlay, cluster] of Object.entries(overlays)) {
    t.ok(sections.includes(cluster), cluster)
    const [there, back, ...more] = blocks.filter(({ section }) => section === cluster)
    t.ok(there !== undefined && back !== undefined && more.length === 0, `${cluster}: two blocks of commands`)
    t.ok(there?.commands.includes(`kubectl apply -k deploy/overlays/${overlay}`), cluster)
    t.ok(back?.commands.includes(`kubectl delete -k deploy/overlays/${overlay}`), cluster)
  }
  const unknown = blocks
    .flatMap(({ commands }) => commands)
    .filter(command => isRunnable(command) && !/^(kubectl |sed |printf |[A-Z]+=)/.test(command))
  t.same(unknown, [], 'every command can be run here, or is one of a program that is not here')
  t.end()
})

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
    cpSync('deploy', join(folder, 'deploy'), { recursive: true })
    for (const overlay of Object.keys(overlays)) {
      const file = join(folder, 'deploy/overlays', overlay, 'kustomization.yaml')
      writeFileSync(file, `${readFileSync(file, 'utf8')}${COMPONENT}`)
    }
    /** Runs commands in one shell, as an operator does. */
    const run = (commands: readonly string[]) => {
      const script = ['set -e', 'cd "$0"', `kubectl() { ${kubectlPath()} "$@"; }`, ...commands].join('\n')
      const env = [`KUBECONFIG=${kubeconfig}`, `HOME=${folder}`]
      return network.node.run('env', [...env, 'sh', '-c', script, folder], { timeoutMs: 60_000 })
    }
    const runnable = (section: string) =>
      blocks.filter(block => block.section === section).map(({ commands }) => commands.filter(isRunnable))
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
    const [request] = runnable(FIRST_REQUEST)
    t.ok(request!.length >= 3, request!.join('; '))
    for (const section of Object.values(overlays)) {
      const [there, back] = runnable(section)
      const applied = await run(there!)
      t.equal(applied.exitCode, 0, `${section}: ${applied.stderr}`)
      t.equal((await objects()).length, 5, `${section}: five objects`)
      const requested = await run(request!)
      t.equal(requested.exitCode, 0, `${section}, ${FIRST_REQUEST}: ${requested.stderr}`)
      const removed = await run(back!)
      t.equal(removed.exitCode, 0, `${section}, back: ${removed.stderr}`)
      t.same(await objects(), [], `${section}: nothing is left`)
    }
    const { stdout } = await run([`grep -h -E 'server:|newName:' deploy/overlays/*/k*`])
    t.notMatch(stdout, /CONTROL_PLANE_ENDPOINT|CLUSTER_NAME/, 'no placeholder is left')
    t.end()
  },
)
