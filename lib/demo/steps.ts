import { DNS_SERVICE } from './example-objects.js'
import { type Deployment, type DemoService, type DemoServicePort, selects } from './cluster-objects.js'
import { type RequestOutcome } from './demo-cluster.js'
import { type Walkthrough, answersPerPod } from './walkthrough.js'

/** What the story is told about: one Service and a Deployment behind it. */
export interface WalkthroughTarget {
  readonly service: DemoService
  readonly port: DemoServicePort
  readonly deployment: Deployment
}

/** The chapters in which everything happens, in order: what there is, then each subject, then the DNS. */
export async function runSteps(
  story: Walkthrough,
  subjects: readonly [WalkthroughTarget, ...WalkthroughTarget[]],
): Promise<void> {
  showObjects(story, subjects[0])
  await showRules(story, subjects[0])
  for (const subject of subjects) {
    // A Deployment that begins with no replicas has nobody to ask before it is scaled.
    if (story.cluster.podsOfService(subject.service).length > 0) {
      await sendNineRequests(story, subject)
      await testAffinity(story, subject)
      await killPod(story, subject)
    }
    await scaleUp(story, subject)
    await scaleToZero(story, subject)
  }
  await testUdpService(story)
}

/** What the client does to reach the subject, and how it looks. */
function requestFor({ service, port }: WalkthroughTarget): { what: string; command: object } {
  if (port.protocol === 'UDP')
    return { what: `${service.name}:${port.port}/UDP`, command: { udp: `${service.clusterIP}:${port.port}` } }
  const url = `http://${service.name}:${port.port}`
  return { what: url, command: { http: url } }
}

function showObjects(story: Walkthrough, { service, deployment }: WalkthroughTarget): void {
  const { terminal, cluster, mode } = story
  terminal.printHeading('The objects')
  terminal.printText(
    `A Deployment keeps Pods running, each with an IP of its own that changes whenever the Pod is replaced. A Service gives them ` +
      `one address that stays: the cluster IP ${service.clusterIP}. ${mode.clusterIPText}`,
  )
  story.showObjects()
  const pods = cluster.podsOfService(service).length
  story.check(pods >= deployment.replicas, `${pods} Pods run, each a process in a network namespace of its own`)
}

async function showRules(story: Walkthrough, { service, port }: WalkthroughTarget): Promise<void> {
  const { terminal } = story
  terminal.printHeading('The rules')
  terminal.printText(story.mode.rulesText)
  await story.showRules()
  story.check((await story.readCount(service, port)) === 0, `no connection to ${service.clusterIP} yet`)
}

async function sendNineRequests(story: Walkthrough, subject: WalkthroughTarget): Promise<void> {
  const { terminal, cluster, mode } = story
  const { what, command } = requestFor(subject)
  terminal.printHeading(`Nine requests to ${what}`)
  terminal.printText(
    `The client Pod (${cluster.client.ip}) asks the cluster's DNS for "${subject.service.name}", gets ${subject.service.clusterIP}, and connects, ` +
      `nine times. ${subject.service.affinity ? 'The Service has session affinity: one Pod answers them all.' : mode.balancingText}`,
  )
  const pods = expectedPodCount(story, subject)
  const outcomes = await story.sendRequests(9, what, command)
  const counts = answersPerPod(outcomes)
  story.check(isBalanced(story, counts, 9, pods), `answered by ${counts.length} Pods: ${counts.join(' + ')}`)
  if (outcomes.some(({ saw }) => saw !== undefined)) terminal.printText(mode.clientAddressText)
  terminal.printText(mode.counterText)
  const counted = await story.waitForCount(subject.service, subject.port, 9)
  await story.showRules()
  story.check(
    counted === 9,
    `${mode.counterName} for ${subject.service.clusterIP} has counted ${counted} connections for nine requests`,
  )
}

async function testAffinity(story: Walkthrough, subject: WalkthroughTarget): Promise<void> {
  const { terminal, cluster } = story
  const { what, command } = requestFor(subject)
  const before = subject.service.affinity
  terminal.printHeading('Session affinity')
  terminal.printText(
    `With "sessionAffinity: ClientIP" in the Service, kube-proxy remembers which Pod a client had, and gives it the same one again.`,
  )
  await cluster.changeService(subject.service.name, { affinity: true })
  const counts = answersPerPod(await story.sendRequests(6, what, command))
  story.check(
    counts.length === 1 && counts[0] === 6,
    `six requests of one client, ${counts.length === 1 ? 'all answered by one Pod' : `answered by ${counts.length} Pods`}`,
  )
  await cluster.changeService(subject.service.name, { affinity: before })
}

async function killPod(story: Walkthrough, subject: WalkthroughTarget): Promise<void> {
  const { terminal, cluster, mode } = story
  const { what, command } = requestFor(subject)
  const victim = cluster.podsOf(subject.deployment.name)[0]
  if (victim === undefined) return
  terminal.printHeading('A Pod dies')
  terminal.printText(
    `After the second request ${victim.name} is killed. Its endpoint is still listed: it takes a cluster some time to notice. ` +
      mode.deadPodText,
  )
  const outcomes = await story.sendRequests(9, what, command, number =>
    number === 3 ? cluster.kill(victim) : Promise.resolve(),
  )
  const lost = outcomes.filter(({ error }) => error !== undefined).length
  story.check(lost === 0 || mode.losesRequestsToDeadPods, `${lost} of nine requests lost`)
  story.check(
    outcomes.slice(2).every(({ pod }) => pod !== victim.name),
    `after its death ${victim.name} answered none`,
  )
  await cluster.replace(victim)
  const successor = cluster.podsOf(subject.deployment.name).at(-1)!
  terminal.printText(
    `The Deployment makes a new Pod in its place: ${successor.name} with another IP, ${successor.ip}. The cluster IP is still ${subject.service.clusterIP}.`,
  )
  if (!mode.losesRequestsToDeadPods) return
  const after = await story.sendRequests(6, what, command)
  story.check(
    after.every(({ error }) => error === undefined),
    'with the endpoint gone no request is lost',
  )
}

async function scaleUp(story: Walkthrough, subject: WalkthroughTarget): Promise<void> {
  const { cluster, terminal } = story
  const { what, command } = requestFor(subject)
  const replicas = subject.deployment.replicas + 2
  terminal.printHeading(`Scaled to ${replicas}`)
  terminal.printCommand(`kubectl scale deployment ${subject.deployment.name} --replicas=${replicas}`)
  const rulesBefore = await readNatRules(story)
  await cluster.scale(subject.deployment.name, replicas)
  const requests = 2 * cluster.podsOfService(subject.service).length
  const counts = answersPerPod(await story.sendRequests(requests, what, command))
  story.check(
    isBalanced(story, counts, requests, expectedPodCount(story, subject)),
    `answered by ${counts.length} Pods: ${counts.join(' + ')}`,
  )
  story.check(((await readNatRules(story)) !== rulesBefore) === story.mode.scaleUpChangesRules, story.mode.scaleUpText)
}

async function scaleToZero(story: Walkthrough, subject: WalkthroughTarget): Promise<void> {
  const { cluster, terminal } = story
  const { what, command } = requestFor(subject)
  const others = cluster.deployments.filter(({ name }) => name !== subject.deployment.name)
  if (others.some(deployment => selects(subject.service, deployment))) return
  terminal.printHeading('Scaled to 0')
  terminal.printCommand(`kubectl scale deployment ${subject.deployment.name} --replicas=0`)
  await cluster.scale(subject.deployment.name, 0)
  terminal.printText(story.mode.noEndpointsText)
  const [outcome] = await story.sendRequests(1, what, command)
  story.check(outcome?.error === 'ECONNREFUSED', `the client sees: ${outcome?.error ?? 'an answer'}`)
  await cluster.scale(subject.deployment.name, subject.deployment.replicas)
  if (subject.deployment.replicas === 0) return
  const back = await cluster.sendCommand(command)
  story.check(back.pod !== undefined, `scaled to ${subject.deployment.replicas} again, ${back.pod} answers at once`)
}

async function testUdpService(story: Walkthrough): Promise<void> {
  const { cluster, terminal } = story
  terminal.printHeading('A UDP Service: the DNS that was asked all along')
  terminal.printText(
    `The name was looked up through a Service too: ${DNS_SERVICE.name}, ${DNS_SERVICE.clusterIP}, UDP port 53. There are no connections in UDP: ` +
      story.mode.udpText,
  )
  const outcomes = await story.sendRequests(6, 'TXT whoami?', { txt: 'whoami' })
  const counts = answersPerPod(outcomes)
  story.check(
    isBalanced(story, counts, 6, cluster.podsOfService(DNS_SERVICE).length),
    `answered by ${counts.length} Pods: ${counts.join(' + ')}`,
  )
  for (const service of cluster.services) {
    if (service.name === DNS_SERVICE.name) continue
    const { data, error }: RequestOutcome = await cluster.sendCommand({ a: service.name })
    story.check(data === service.clusterIP, `A ${service.name}? ${data ?? error}`)
  }
}

/** How many Pods one client meets: all of them in turn, or, with session affinity, one. */
function expectedPodCount({ cluster }: Walkthrough, { service }: WalkthroughTarget): number {
  const pods = cluster.podsOfService(service).length
  return service.affinity ? Math.min(1, pods) : pods
}

/** Whether all requests were answered, and, where Pods take turns, by every Pod, none with more than one more than another. */
function isBalanced({ mode }: Walkthrough, counts: readonly number[], requests: number, pods: number): boolean {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (!mode.isRoundRobin) return total === requests
  return total === requests && counts.length === Math.min(pods, requests) && counts[0]! - counts.at(-1)! <= 1
}

async function readNatRules({ cluster }: Walkthrough): Promise<string> {
  const { stdout } = await cluster.network.node.run('iptables-save', ['-t', 'nat'])
  return stdout
    .split('\n')
    .filter(line => line.startsWith('-A'))
    .join('\n')
}
