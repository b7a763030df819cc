import { DNS_SERVICE } from './example-objects.js'
import { type Deployment, type DemoService, type DemoServicePort, selects } from './cluster-objects.js'
import { type RequestOutcome } from './demo-client.js'
import { type Walkthrough, answersPerPod } from './walkthrough.js'

/** One port of a Service that the demo walks through, and a Deployment behind it. */
export interface WalkthroughTarget {
  readonly service: DemoService
  readonly port: DemoServicePort
  readonly deployment: Deployment
}

/** Runs all steps in order: the objects and rules, then the steps of each target, then DNS. */
export async function runSteps(
  walkthrough: Walkthrough,
  targets: readonly [WalkthroughTarget, ...WalkthroughTarget[]],
): Promise<void> {
  showObjects(walkthrough, targets[0])
  await showRules(walkthrough, targets[0])
  for (const target of targets) {
    // A Deployment that starts with 0 replicas has no Pod that could answer before the demo scales it up.
    if (walkthrough.cluster.podsOfService(target.service).length > 0) {
      await sendNineRequests(walkthrough, target)
      await testAffinity(walkthrough, target)
      await killPod(walkthrough, target)
    }
    await scaleUp(walkthrough, target)
    await scaleToZero(walkthrough, target)
  }
  await testUdpService(walkthrough)
}

/** The client's command for one request to a target, and the text that the demo shows for it. */
function requestFor({ service, port }: WalkthroughTarget): { what: string; command: object } {
  if (port.protocol === 'UDP')
    return { what: `${service.name}:${port.port}/UDP`, command: { udp: `${service.clusterIP}:${port.port}` } }
  const url = `http://${service.name}:${port.port}`
  return { what: url, command: { http: url } }
}

function showObjects(walkthrough: Walkthrough, { service, deployment }: WalkthroughTarget): void {
  const { terminal, cluster, mode } = walkthrough
  terminal.printHeading('The objects')
  terminal.printText(
    'A Deployment keeps Pods running. Each Pod has its own IP, and a new Pod gets a new IP. ' +
      `A Service gives the Pods one address that stays the same: the ClusterIP ${service.clusterIP}. ${mode.clusterIPText}`,
  )
  walkthrough.showObjects()
  const pods = cluster.podsOfService(service).length
  walkthrough.check(
    pods >= deployment.replicas,
    `${count(pods, 'Pod')} behind the Service, each a process in its own network namespace`,
  )
}

async function showRules(walkthrough: Walkthrough, { service, port }: WalkthroughTarget): Promise<void> {
  const { terminal, mode } = walkthrough
  terminal.printHeading('The rules')
  terminal.printText(mode.rulesText)
  await walkthrough.showRules()
  walkthrough.check(
    (await walkthrough.readCount(service, port)) === 0,
    `No client has connected to ${service.clusterIP} yet`,
  )
}

async function sendNineRequests(walkthrough: Walkthrough, target: WalkthroughTarget): Promise<void> {
  const { terminal, cluster, mode } = walkthrough
  const { service, port } = target
  const { what, command } = requestFor(target)
  const isUdp = port.protocol === 'UDP'
  terminal.printHeading(`Nine requests to ${what}`)
  terminal.printText(
    `The client Pod (${cluster.client.ip}) sends nine requests. ` +
      (isUdp
        ? `Each is a datagram from a new port to the ClusterIP ${service.clusterIP}. `
        : `For each one it asks the DNS of the cluster for "${service.name}", gets ${service.clusterIP}, and opens a new connection. `) +
      (service.affinity ? 'The Service has session affinity: one Pod answers all requests.' : mode.balancingText),
  )
  const pods = expectedPodCount(walkthrough, target)
  const outcomes = await walkthrough.sendRequests(9, what, command)
  const counts = answersPerPod(outcomes)
  walkthrough.check(isBalanced(walkthrough, counts, 9, pods), describeAnswers(counts))
  if (outcomes.some(({ clientIP }) => clientIP !== undefined)) terminal.printText(mode.clientAddressText)
  terminal.printText(mode.counterText)
  const counted = await walkthrough.waitForCount(service, port, 9)
  await walkthrough.showRules()
  walkthrough.check(
    counted === 9,
    `${mode.counterName} for ${service.clusterIP} counted ${count(counted, isUdp ? 'flow' : 'connection')} for 9 requests`,
  )
}

async function testAffinity(walkthrough: Walkthrough, target: WalkthroughTarget): Promise<void> {
  const { terminal, cluster } = walkthrough
  const { what, command } = requestFor(target)
  const before = target.service.affinity
  terminal.printHeading('Session affinity')
  terminal.printText(
    'The Service now has "sessionAffinity: ClientIP": all requests of one client go to the Pod that answered its first one.',
  )
  await cluster.changeService(target.service.name, { affinity: true })
  const counts = answersPerPod(await walkthrough.sendRequests(6, what, command))
  walkthrough.check(
    counts.length === 1 && counts[0] === 6,
    `${counts.length === 1 ? 'One Pod' : `${counts.length} Pods`} answered ${counts.reduce((sum, n) => sum + n, 0)} of 6 requests of this client`,
  )
  await cluster.changeService(target.service.name, { affinity: before })
}

async function killPod(walkthrough: Walkthrough, target: WalkthroughTarget): Promise<void> {
  const { terminal, cluster, mode } = walkthrough
  const { what, command } = requestFor(target)
  const victim = cluster.podsOf(target.deployment.name)[0]
  if (victim === undefined) return
  terminal.printHeading('A Pod dies')
  terminal.printText(
    `After request 2 the demo kills ${victim.name}. The endpoint of this Pod stays listed: a cluster needs some time to ` +
      `notice. ${mode.deadPodText}`,
  )
  const outcomes = await walkthrough.sendRequests(9, what, command, number =>
    number === 3 ? cluster.kill(victim) : Promise.resolve(),
  )
  const failed = outcomes.filter(({ error }) => error !== undefined).length
  walkthrough.check(failed === 0 || mode.losesRequestsToDeadPods, `${failed} of 9 requests failed`)
  walkthrough.check(
    outcomes.slice(2).every(({ pod }) => pod !== victim.name),
    `${victim.name} answered no request after its death`,
  )
  await cluster.replace(victim)
  const successor = cluster.podsOf(target.deployment.name).at(-1)!
  terminal.printText(
    `The Deployment starts a new Pod, ${successor.name}, with a new IP, ${successor.ip}. ` +
      `The ClusterIP is still ${target.service.clusterIP}.`,
  )
  if (!mode.losesRequestsToDeadPods) return
  const after = await walkthrough.sendRequests(6, what, command)
  walkthrough.check(
    after.every(({ error }) => error === undefined),
    'The dead endpoint is no longer listed, and no request failed',
  )
}

async function scaleUp(walkthrough: Walkthrough, target: WalkthroughTarget): Promise<void> {
  const { cluster, terminal, mode } = walkthrough
  const { what, command } = requestFor(target)
  const replicas = target.deployment.replicas + 2
  terminal.printHeading(`Scale to ${count(replicas, 'Pod')}`)
  terminal.printCommand(`kubectl scale deployment ${target.deployment.name} --replicas=${replicas}`)
  const rulesBefore = await readNatRules(walkthrough)
  await cluster.scale(target.deployment.name, replicas)
  const requests = 2 * cluster.podsOfService(target.service).length
  const counts = answersPerPod(await walkthrough.sendRequests(requests, what, command))
  walkthrough.check(
    isBalanced(walkthrough, counts, requests, expectedPodCount(walkthrough, target)),
    describeAnswers(counts),
  )
  const rulesChanged = (await readNatRules(walkthrough)) !== rulesBefore
  walkthrough.check(rulesChanged === mode.scaleUpChangesRules, mode.scaleUpText)
}

async function scaleToZero(walkthrough: Walkthrough, target: WalkthroughTarget): Promise<void> {
  const { cluster, terminal } = walkthrough
  const { what, command } = requestFor(target)
  const { name, replicas } = target.deployment
  const others = cluster.deployments.filter(deployment => deployment.name !== name)
  if (others.some(deployment => selects(target.service, deployment))) return
  terminal.printHeading('Scale to 0 Pods')
  terminal.printCommand(`kubectl scale deployment ${name} --replicas=0`)
  await cluster.scale(name, 0)
  terminal.printText(walkthrough.mode.noEndpointsText)
  const [outcome] = await walkthrough.sendRequests(1, what, command)
  walkthrough.check(outcome?.error === 'ECONNREFUSED', `The client gets ${outcome?.error ?? 'an answer'}`)
  await cluster.scale(name, replicas)
  if (replicas === 0) return
  const back = await cluster.sendCommand(command)
  walkthrough.check(
    back.pod !== undefined,
    `After scaling to ${count(replicas, 'Pod')} again, ${back.pod ?? 'no Pod'} answers at once`,
  )
}

async function testUdpService(walkthrough: Walkthrough): Promise<void> {
  const { cluster, terminal, mode } = walkthrough
  terminal.printHeading('A UDP Service: the DNS of the cluster')
  terminal.printText(
    `The DNS of the cluster is a Service too: ${DNS_SERVICE.name}, ${DNS_SERVICE.clusterIP}, UDP port 53. ` +
      `UDP has no connections: ${mode.udpText}`,
  )
  const outcomes = await walkthrough.sendRequests(6, 'TXT whoami?', { txt: 'whoami' })
  const counts = answersPerPod(outcomes)
  walkthrough.check(
    isBalanced(walkthrough, counts, 6, cluster.podsOfService(DNS_SERVICE).length),
    describeAnswers(counts),
  )
  for (const service of cluster.services) {
    if (service.name === DNS_SERVICE.name) continue
    const { data, error }: RequestOutcome = await cluster.sendCommand({ a: service.name })
    walkthrough.check(data === service.clusterIP, `DNS returns ${data ?? error} for "${service.name}"`)
  }
}

/** How many Pods answer one client: all of them in turn, or one with session affinity. */
function expectedPodCount({ cluster }: Walkthrough, { service }: WalkthroughTarget): number {
  const pods = cluster.podsOfService(service).length
  return service.affinity ? Math.min(1, pods) : pods
}

/** Whether all requests got an answer and, where the Pods take turns, each Pod answered equally often, give or take one. */
function isBalanced({ mode }: Walkthrough, counts: readonly number[], requests: number, pods: number): boolean {
  const total = counts.reduce((sum, n) => sum + n, 0)
  if (!mode.isRoundRobin) return total === requests
  return total === requests && counts.length === Math.min(pods, requests) && counts[0]! - counts.at(-1)! <= 1
}

function describeAnswers(counts: readonly number[]): string {
  return `${count(counts.length, 'Pod')} answered: ${counts.join(' + ')}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

async function readNatRules({ cluster }: Walkthrough): Promise<string> {
  const { stdout } = await cluster.network.node.run('iptables-save', ['-t', 'nat'])
  return stdout
    .split('\n')
    .filter(line => line.startsWith('-A'))
    .join('\n')
}
