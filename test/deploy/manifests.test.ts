import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { problemsOf } from '../support/deploy/api-models.js'
import { kubectlUnavailable, renderKustomization } from '../support/deploy/kubectl.js'
import { renderChart } from '../support/deploy/render-chart.js'
import { type TeardownScope } from '../support/nodes/node-network.js'

type Fields = Readonly<Record<string, unknown>>
interface Container {
  readonly name: string
  readonly image: string
  readonly securityContext: { readonly capabilities: Fields }
}
interface DaemonSet {
  readonly spec: {
    readonly updateStrategy: { readonly rollingUpdate: Fields }
    readonly template: {
      readonly spec: {
        readonly hostNetwork: boolean
        readonly containers: readonly Container[]
        readonly initContainers?: readonly Container[]
      }
    }
  }
}

const OVERLAYS = readdirSync('deploy/overlays')
const COMPONENTS = readdirSync('deploy/components')
const CHART = 'deploy/helm/kube-proxy-node'
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
const read = (file: string): string => readFileSync(file, 'utf8')

function render(folder: string): Fields[] {
  return parseAllDocuments(renderKustomization(folder)).map(document => document.toJS() as Fields)
}

function ofKind<T>(objects: readonly unknown[], kind: string): T {
  return (objects as readonly Fields[]).find(object => object['kind'] === kind) as T
}

/** The objects with the files of the ConfigMap as what they say, in a fixed order. */
function comparable(objects: readonly unknown[]): Fields[] {
  const copies = structuredClone(objects) as Record<string, unknown>[]
  const { data } = ofKind<{ data: Record<string, unknown> }>(copies, 'ConfigMap')
  for (const [name, text] of Object.entries(data)) data[name] = parse(String(text)) as unknown
  return copies.sort((a, b) => String(a['kind']).localeCompare(String(b['kind'])))
}

/** The API takes an empty list of containers like none. */
function withoutEmptyLists<T>(objects: T): T {
  return JSON.parse(
    JSON.stringify(objects, (name, value: unknown) =>
      name === 'initContainers' && Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  ) as T
}

/** What an overlay renders to with a component. */
function renderWith(t: TeardownScope, component: string): Fields[] {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-deploy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  cpSync('deploy', folder, { recursive: true })
  const file = join(folder, 'overlays/kubespray/kustomization.yaml')
  writeFileSync(file, `${read(file)}components:\n  - ../../components/${component}\n`)
  return render(join(folder, 'overlays/kubespray'))
}

t.test(
  'every overlay renders to objects that the API knows, with nothing changed but the API server',
  { skip: kubectlUnavailable },
  t => {
    const servers = new Set<string>()
    const base = render('deploy/base')
    t.ok(OVERLAYS.length >= 7, OVERLAYS.join(' '))
    for (const overlay of OVERLAYS) {
      const objects = render(`deploy/overlays/${overlay}`)
      t.same(objects.flatMap(problemsOf), [], overlay)
      const rest = comparable(objects)
      const { data } = ofKind<{ data: Record<string, { clusters: [{ cluster: { server: string } }] }> }>(
        rest,
        'ConfigMap',
      )
      const { cluster } = data['kubeconfig.conf']!.clusters[0]
      t.match(cluster.server, /^https:\/\//, overlay)
      servers.add(cluster.server)
      cluster.server = 'https://127.0.0.1:6443'
      t.same(rest, comparable(base), overlay)
    }
    t.equal(servers.size, OVERLAYS.length, 'each has an API server of its own')
    t.end()
  },
)

t.test('the comparison with the API finds missing fields, unknown ones, and values that a field does not have', t => {
  const daemonSet = parse(read('deploy/base/daemonset.yaml')) as Fields
  t.same(problemsOf(daemonSet), [])
  const problemsAfter = (path: string, value: unknown): string[] => {
    const copy = structuredClone(daemonSet)
    const names = path.split('.')
    const parent = names.slice(0, -1).reduce<Fields>((object, name) => object[name] as Fields, copy)
    Object.assign(parent, { [names.at(-1)!]: value })
    return problemsOf(JSON.parse(JSON.stringify(copy)) as Fields)
  }
  const container = 'spec.template.spec.containers.0'
  for (const required of [
    'spec.selector',
    'spec.template',
    `${container}.name`,
    `${container}.volumeMounts.0.mountPath`,
  ])
    t.match(problemsAfter(required, undefined), [/: missing$/], required)
  for (const enumeration of [
    ...['spec.updateStrategy.type', 'spec.template.spec.dnsPolicy', 'spec.template.spec.tolerations.0.operator'],
    ...[`${container}.imagePullPolicy`, `${container}.securityContext.seccompProfile.type`],
    ...['spec.template.spec.volumes.1.hostPath.type', 'spec.template.spec.volumes.3.emptyDir.medium'],
  ])
    t.match(problemsAfter(enumeration, 'Other'), [/: expected /], enumeration)
  t.match(problemsAfter('spec.nonsense', 1), [/nonsense: unknown field/])
  t.match(problemsAfter('spec.template.spec.restartPolicy', 'Always'), [/add the values of V1PodSpec.restartPolicy/])
  t.end()
})

t.test('every component changes the DaemonSet to one that the API knows', { skip: kubectlUnavailable }, t => {
  const daemonSets = Object.fromEntries(
    COMPONENTS.map(component => {
      const objects = renderWith(t, component)
      t.same(objects.flatMap(problemsOf), [], component)
      return [component, ofKind<DaemonSet>(objects, 'DaemonSet').spec]
    }),
  )
  t.same(Object.keys(daemonSets), ['ipvs-modules', 'node-settings', 'without-surge'])
  t.same(daemonSets['without-surge']!.updateStrategy.rollingUpdate, { maxUnavailable: '10%' })
  t.end()
})

t.test(
  'what removes the rules runs on all nodes that have a proxy, with the rights for it',
  { skip: kubectlUnavailable },
  t => {
    const [cleanup, ...others] = render('deploy/cleanup') as unknown as [DaemonSet & Fields, ...Fields[]]
    t.same(others, [])
    t.same(problemsOf(cleanup), [])
    const { spec } = ofKind<DaemonSet>(render('deploy/base'), 'DaemonSet').spec.template
    const { initContainers, containers, ...pod } = cleanup.spec.template.spec
    for (const field of ['hostNetwork', 'nodeSelector', 'tolerations', 'priorityClassName'])
      t.same((pod as Fields)[field], (spec as Fields)[field], field)
    const [{ image, securityContext }] = spec.containers as readonly [Container]
    const capabilities = { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] }
    t.match(initContainers, [{ image, securityContext: { ...securityContext, capabilities } }])
    t.match(containers, [{ image, securityContext: { ...securityContext, capabilities: { drop: ['ALL'] } } }])
    t.notOk(containers[0]!.securityContext.capabilities['add'])
    t.end()
  },
)

t.test('no container is privileged, and each has the capabilities that it needs', { skip: kubectlUnavailable }, t => {
  const { spec } = ofKind<DaemonSet>(render('deploy/base'), 'DaemonSet')
  const [{ securityContext }] = spec.template.spec.containers as readonly [Container]
  const found: Record<string, Fields> = { base: securityContext.capabilities }
  for (const component of COMPONENTS) {
    const { template } = ofKind<DaemonSet>(renderWith(t, component), 'DaemonSet').spec
    t.same(template.spec.containers[0]!.securityContext, securityContext, `${component}: the proxy has no more`)
    for (const { name, securityContext: own } of template.spec.initContainers ?? []) {
      const { capabilities, ...rest } = own
      t.same({ ...rest, capabilities: {} }, { ...securityContext, capabilities: {} }, `${component}: ${name}`)
      found[`${component}: ${name}`] = capabilities
    }
  }
  t.same(found, {
    base: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW', 'SETPCAP'] },
    'ipvs-modules: load-modules': { drop: ['ALL'], add: ['SYS_MODULE'] },
  })
  t.end()
})

t.test('two Pods can be on one node during an update: with the network of the host, and without ports of it', t => {
  const { spec } = parse(read('deploy/base/daemonset.yaml')) as DaemonSet
  t.equal(spec.template.spec.hostNetwork, true)
  t.same(spec.updateStrategy.rollingUpdate, { maxSurge: '10%', maxUnavailable: 0 })
  for (const container of spec.template.spec.containers)
    t.notOk('ports' in container, 'a port would be a port of the node')
  t.end()
})

t.test('every image has the version of the package', t => {
  const files = readdirSync('deploy', { recursive: true, encoding: 'utf8' }).map(name => join('deploy', name))
  const images = files
    .filter(file => statSync(file).isFile() && /\.(ya?ml|md)$/.test(file))
    .flatMap(file => [...read(file).matchAll(/kube-proxy-node:([\w.-]+)/g)].map(([, tag]) => tag))
  t.ok(images.length >= 5, `${images.length} images`)
  t.same([...new Set(images)], [version])
  t.end()
})

t.test('the Helm chart is what make-chart.mjs makes', async t => {
  const { makeChart } = (await import(join(process.cwd(), 'deploy/helm/make-chart.mjs'))) as {
    makeChart: () => Record<string, string>
  }
  const chart = makeChart()
  const files = readdirSync(CHART, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(CHART, name)).isFile(),
  )
  t.same(files.sort(), Object.keys(chart).sort())
  for (const [name, content] of Object.entries(chart)) {
    const isSame = existsSync(join(CHART, name)) && read(join(CHART, name)) === content
    t.ok(isSame, `${name}: run node deploy/helm/make-chart.mjs`)
  }
  t.end()
})

t.test('the values that the chart advises do what the components do', { skip: kubectlUnavailable }, t => {
  const advice = [...read(join(CHART, 'values.yaml')).matchAll(/^# For (.*): (\{.*\})\.\n(\w+):/gm)]
  const values = Object.fromEntries(advice.map(([, , text, name]) => [name!, parse(text!) as Fields]))
  t.same(Object.keys(values), ['rollingUpdate'])
  const valuesOf = (component: string) => parse(read(join(CHART, `${component}.yaml`))) as Fields
  const components = {
    'without-surge': values,
    'ipvs-modules': valuesOf('ipvs-modules'),
    'node-settings': valuesOf('node-settings'),
  }
  t.same(Object.keys(components).sort(), COMPONENTS)
  for (const [component, set] of Object.entries(components)) {
    const objects = renderChart(CHART, { apiServer: 'https://127.0.0.1:6443', ...set })
    const expected = ofKind<DaemonSet>(renderWith(t, component), 'DaemonSet')
    t.same(withoutEmptyLists(ofKind<DaemonSet>(objects, 'DaemonSet')), expected, component)
  }
  const image = { repository: 'registry.example.com/kube-proxy-node', tag: 'NEW', pullPolicy: 'Always' }
  const ipvsMode = { ...components['ipvs-modules'], ...components['node-settings'], config: { mode: 'ipvs' } }
  t.equal(
    Object.keys(ipvsMode).length,
    1 + Object.keys(components['ipvs-modules']).length + Object.keys(components['node-settings']).length,
    'neither file replaces a value of the other one',
  )
  const objects = renderChart(CHART, { apiServer: 'https://127.0.0.1:6443', ...ipvsMode, image })
  const { containers, initContainers = [] } = ofKind<DaemonSet>(objects, 'DaemonSet').spec.template.spec
  t.equal(initContainers.length, 1)
  t.match(containers[0], { volumeMounts: [{ name: 'node-sysctls' }] })
  for (const container of [...containers, ...initContainers])
    t.match(container, { image: 'registry.example.com/kube-proxy-node:NEW', imagePullPolicy: 'Always' }, container.name)
  const { data } = ofKind<{ data: Record<string, string> }>(objects, 'ConfigMap')
  t.match(parse(data['config.conf']!), { mode: 'ipvs', detectLocalMode: 'NodeCIDR' })
  t.end()
})

t.test('the Helm chart has the objects of the base, and demands the API server', { skip: kubectlUnavailable }, t => {
  const objects = renderChart(CHART, { apiServer: 'https://127.0.0.1:6443' })
  t.same(comparable(withoutEmptyLists(objects)), comparable(render('deploy/base')))
  t.throws(() => renderChart(CHART, {}), /apiServer is missing/)
  t.end()
})
