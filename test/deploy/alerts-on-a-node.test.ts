import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { makeApiEndpoint, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { workersOf } from '../support/processes/children-of.js'
import { changeLines } from '../support/processes/change-lines.js'
import { OwnPath } from '../support/processes/own-path.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { CARRIED_BY_SOCKETS, PROXY_MODE } from '../support/processes/proxy-mode.js'
import { FREQUENT_SYNCS, ScrapedProxy } from '../support/processes/scraped-proxy.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'
import { readAlertRules, withoutDelay } from '../support/prometheus/alert-rules.js'
import { MonitoredServices, NAMESPACE } from '../support/prometheus/monitored-services.js'
import { PrometheusServer, prometheusUnavailable } from '../support/prometheus/prometheus-server.js'
import { scrapeNodes } from '../support/prometheus/shipped-scrapes.js'

const skip = namespacesUnavailable || prometheusUnavailable
/** Why an alert cannot fire where the kernel carries the traffic. */
const needsSockets = !CARRIED_BY_SOCKETS && 'the kernel carries the traffic: there are neither sockets nor workers'
/** Groups of alerts about sockets and workers. */
const GROUPS_OF_SOCKETS = ['kube-proxy-node.traffic', 'kube-proxy-node.limits']
const NODE = 'this-node'
/** A node as service discovery finds it: with the port of its kubelet. */
const JOBS = scrapeNodes({ __address__: '127.0.0.1:10250', __meta_kubernetes_node_name: NODE })
const ALERTS = readAlertRules()
/** A mode to fall back to where there is no IPVS. */
const OTHER_MODE = PROXY_MODE === 'ipvs' ? 'userspace' : PROXY_MODE
/** UDP clients that fill the connection tracking. */
const FLOWS = 600
/** Alerts that have fired in a test. */
const provoked = new Set<string>()

/** Scrapes in which an alert that fires while all is well has to stop. */
const MAX_SCRAPES = 20

/**
 * Fails if an alert fires while all is well. One that waits for minutes (`for`) may fire for a moment here, where it does not wait: each
 * late answer of a busy machine is such a moment.
 */
async function expectNoAlert(t: Test, prometheus: PrometheusServer): Promise<void> {
  t.strictSame(await prometheus.alertsThatStay(MAX_SCRAPES), [])
  const waits = new Set(
    ALERTS.groups.flatMap(({ rules }) => rules.filter(each => each.for !== undefined)).map(each => each.alert),
  )
  t.strictSame(
    prometheus.alerts.filter(({ labels }) => !waits.has(labels['alertname'] ?? '')),
    [],
    'those that do not wait have not fired',
  )
}

/** Waits until an alert fires, with text that says where. */
async function expectAlert(
  t: Test,
  prometheus: PrometheusServer,
  name: string,
  labels: Readonly<Record<string, string>> = { instance: NODE },
): Promise<void> {
  const { labels: found, annotations } = await prometheus.waitForAlert(name, labels)
  const { summary = '', description = '' } = annotations
  t.match(found, labels, `${name}: ${summary}`)
  t.notMatch(`${summary} ${description}`, /\{\{|<no value>|<error/, description)
  for (const value of Object.values(labels)) t.match(`${summary} ${description}`, value, `${name} says ${value}`)
  provoked.add(name)
}

/** A Service of the API server with one endpoint. */
function serviceAndSlice(name: string, clusterIP: string, port: number): readonly (readonly [string, object])[] {
  const ports = [{ name: 'http', protocol: 'TCP', port }]
  return [
    ['services', makeApiService({ name, clusterIP, ports })],
    ['endpointslices', makeApiSlice({ name: `${name}-1`, service: name })],
  ]
}

t.test('alerts about a node with an API server', { skip }, async t => {
  const path = new OwnPath(t)
  const scraped = await ScrapedProxy.start(t, [...FREQUENT_SYNCS, '--drain-timeout=0s'], path.env)
  const { network, proxy } = scraped
  const startedAt = new Date().toISOString()
  const services = await MonitoredServices.create(scraped)
  const conntrackLimit = Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8'))
  const rules = withoutDelay(ALERTS, {
    KubeProxySyncStuck: ['> 120', '> 5'],
    KubeProxyProgrammingSlow: ['> 30', '> 2'],
    KubeProxyConntrackFull: ['> 0.9', `> ${FLOWS / 2 / conntrackLimit}`],
  })
  const prometheus = await PrometheusServer.start(t, network, { jobs: JOBS, rules: withoutDelay(ALERTS) })
  const expect = (name: string, labels?: Readonly<Record<string, string>>) => expectAlert(t, prometheus, name, labels)
  const restore = (await network.node.run('iptables', ['--version'])).stdout.includes('nf_tables')
    ? 'iptables-nft-restore'
    : 'iptables-legacy-restore'

  await t.test('none while all is well', async t => {
    const traffic = await services.startTraffic()
    await prometheus.nextScrapes(4)
    await expectNoAlert(t, prometheus)
    await traffic.stop()
    // From here on, some thresholds are low.
    prometheus.reload({ jobs: JOBS, rules })
  })

  await t.test('clients fail', { skip: needsSockets }, async () => {
    const ofService = (service: string) => ({ namespace: NAMESPACE, service })
    await services.useRefusingEndpoints()
    await services.reachLimit()
    await expect('KubeProxyServiceRefusesClients', ofService('broken'))
    await expect('KubeProxyEndpointsEjected', ofService('half'))
    await expect('KubeProxyServiceAtLimit', { ...ofService('limited'), reason: 'service-limit' })
  })

  await t.test('conntrack fills', async () => {
    services.openFlows(FLOWS)
    await expect('KubeProxyConntrackFull')
  })

  await t.test('a change is late', async () => {
    const endpoints = [makeApiEndpoint('10.244.0.9'), makeApiEndpoint('10.244.0.8')]
    await scraped.put(
      [['endpointslices', makeApiSlice({ triggerTime: startedAt, endpoints })]],
      changeLines().endpoints,
    )
    await expect('KubeProxyProgrammingSlow')
  })

  await t.test('the kernel refuses rules', async () => {
    path.replace(restore, `sed 's/--dport 8181/--dport 98181/' | $real "$@"`)
    await scraped.put(serviceAndSlice('odd', '10.96.0.99', 8181), /"Not serving this (address|Service)/)
    await expect('KubeProxyServicesRefused', { instance: NODE, cause: 'rule', ip_family: 'IPv4' })
  })

  await t.test('rules cannot be written', async () => {
    // Not an error of one rule, for which the proxy would look.
    path.replace(restore, `echo 'Another app is currently holding the xtables lock' >&2; exit 4`)
    await scraped.put(serviceAndSlice('late', '10.96.0.98', 80), /"Cannot write the rules/)
    await expect('KubeProxyRulesNotWritten', { instance: NODE, ip_family: 'IPv4' })
    await expect('KubeProxySyncStuck', { instance: NODE, ip_family: 'IPv4' })
    await expect('KubeProxyUnhealthy', { instance: NODE, part: 'rules' })
    path.restore(restore)
  })

  await t.test('workers exit', { skip: needsSockets }, async () => {
    for (let round = 0; round < 3; round++) {
      const [worker] = workersOf(proxy.child.pid!)
      process.kill(worker!, 'SIGKILL')
      await waitUntil(() => workersOf(proxy.child.pid!).some(pid => pid !== worker), `worker ${worker} is replaced`)
    }
    await expect('KubeProxyWorkersRestart')
    await expect('KubeProxyUnhealthy', { instance: NODE, part: 'data_plane' })
  })

  await t.test('a second copy runs, and then none', async t => {
    const second = new ProxyProcess(network, scraped.flags)
    await expect('KubeProxySecondCopy')
    await proxy.stop()
    t.equal(await second.stop(), 0)
    await expect('KubeProxyInstanceDown')
  })

  await t.test('a proxy starts without an API server, in another mode than the preferred one', async t => {
    // The API server confirms the state every 25 to 35 seconds, so this threshold holds only here.
    prometheus.reload({ jobs: JOBS, rules: withoutDelay(ALERTS, { KubeProxyStateOld: ['> 120', '> 3'] }) })
    path.remove('ipvsadm')
    const flags = ['--master', 'http://127.0.0.1:1', '--hostname-override', NODE]
    const lonely = new ProxyProcess(network, flags, path.env, network.node, `ipvs,${OTHER_MODE}`)
    await expect('KubeProxyModeUnavailable', { instance: NODE, mode: 'ipvs' })
    await expect('KubeProxyNotReady')
    await expect('KubeProxyApiRequestsFail', { instance: NODE, host: '127.0.0.1:1' })
    await expect('KubeProxyStateOld')
    t.equal(await lonely.stop(), 0)
  })

  await t.test('service discovery finds nothing', async () => {
    prometheus.reload({ jobs: scrapeNodes(), rules })
    await expect('KubeProxyAbsent', { job: 'kube-proxy' })
  })
})

t.test('alerts about the limits of sockets', { skip: skip || needsSockets }, async t => {
  const FILES = 1024
  const CLIENTS = 600
  // One for each Service below.
  const PORTS = '41000-41002'
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('a')
  const { namespace } = await network.addPod()
  const folder = new ManifestFolder(t)
  const objects = [
    makeServiceManifest('greedy', { clusterIP: '10.96.0.11', port: 80 }),
    makeSliceManifest('greedy', [server.ip], 8080),
    makeServiceManifest('dns', { clusterIP: '10.96.0.12', port: 53, protocol: 'UDP' }),
    makeSliceManifest('dns', [server.ip], 5353, 'UDP'),
    makeServiceManifest('sticky', { clusterIP: '10.96.0.13', port: 80, affinity: true }),
    makeSliceManifest('sticky', [server.ip], 8080),
  ]
  folder.write(...objects)
  const { log } = startWithFewFiles(network, folder, FILES, '--data-plane-workers=1', `--proxy-port-range=${PORTS}`)
  await log.waitFor(/Synced rules" family="IPv4"/)
  const prometheus = await PrometheusServer.start(t, network, {
    jobs: JOBS,
    rules: withoutDelay(ALERTS, { KubeProxyMemoryShort: ['> 0.8', '> 0'] }),
  })
  const expect = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    expectAlert(t, prometheus, name, { instance: NODE, ...labels })
  await prometheus.nextScrapes(2)
  await expectNoAlert(t, prometheus)

  await t.test('memory and UDP flows', async () => {
    await new NetworkClient(network, namespace).tcp('10.96.0.13', 80)
    network.start(namespace, process.execPath, [
      '-e',
      `for (let n = 0; n < ${CLIENTS}; n++) require('dgram').createSocket('udp4').send('x', 53, '10.96.0.12')`,
    ])
    await expect('KubeProxyMemoryShort', { purpose: 'affinity' })
    await expect('KubeProxyFlowsShort')
  })

  await t.test('open files', async () => {
    network.start(namespace, process.execPath, [
      '-e',
      `for (let n = 0; n < ${2 * CLIENTS}; n++)
         require('net').connect({ port: 80, host: '10.96.0.11', allowHalfOpen: true }).on('error', () => 0)`,
    ])
    await expect('KubeProxyDescriptorsShort')
    await expect('KubeProxyClientsRejected', { limit: 'open files' })
  })

  await t.test('proxy ports', async () => {
    const late = makeServiceManifest('late', { clusterIP: '10.96.0.14', port: 80 })
    folder.write(...objects, late, makeSliceManifest('late', [server.ip], 8080))
    await expect('KubeProxyListenersUnserved')
  })
})

t.test(`every alert has fired that can fire in ${PROXY_MODE} mode`, { skip }, t => {
  const groups = ALERTS.groups.filter(({ name }) => CARRIED_BY_SOCKETS || !GROUPS_OF_SOCKETS.includes(name))
  const rules = groups.flatMap(group => group.rules)
  t.same([...provoked].sort(), rules.map(({ alert }) => alert).sort())
  t.end()
})
