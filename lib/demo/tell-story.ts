import { DNS_SERVICE } from './classic-example.js'
import { type Deployment, type DemoService, type DemoServicePort, selects } from './cluster-objects.js'
import { type Outcome } from './demo-cluster.js'
import { type Story, tally } from './story.js'

/** What the story is told about: one Service and a Deployment behind it. */
export interface Subject {
  readonly service: DemoService
  readonly port: DemoServicePort
  readonly deployment: Deployment
}

/** The chapters in which everything happens, in order: what there is, then each subject, then the DNS. */
export async function tellStory(story: Story, subjects: readonly [Subject, ...Subject[]]): Promise<void> {
  objects(story, subjects[0])
  await rules(story, subjects[0])
  for (const subject of subjects) {
    // A Deployment that begins with no replicas has nobody to ask before it is scaled.
    if (story.cluster.podsBehind(subject.service).length > 0) {
      await nineRequests(story, subject)
      await affinity(story, subject)
      await podThatDies(story, subject)
    }
    await scaleUp(story, subject)
    await scaleToZero(story, subject)
  }
  await udpService(story)
}

/** What the client does to reach the subject, and how it looks. */
function request({ service, port }: Subject): { what: string; command: object } {
  if (port.protocol === 'UDP')
    return { what: `${service.name}:${port.port}/UDP`, command: { udp: `${service.clusterIP}:${port.port}` } }
  const url = `http://${service.name}:${port.port}`
  return { what: url, command: { http: url } }
}

function objects(story: Story, { service, deployment }: Subject): void {
  const { terminal, cluster, mode } = story
  terminal.step('The objects')
  terminal.say(
    `A Deployment keeps Pods running, each with an IP of its own that changes whenever the Pod is replaced. A Service gives them ` +
      `one address that stays: the cluster IP ${service.clusterIP}. ${mode.address}`,
  )
  story.showObjects()
  const pods = cluster.podsBehind(service).length
  story.check(pods >= deployment.replicas, `${pods} Pods run, each a process in a network namespace of its own`)
}

async function rules(story: Story, { service, port }: Subject): Promise<void> {
  const { terminal } = story
  terminal.step('The rules')
  terminal.say(story.mode.rules)
  await story.showRules()
  story.check((await story.counted(service, port)) === 0, `no connection to ${service.clusterIP} yet`)
}

async function nineRequests(story: Story, subject: Subject): Promise<void> {
  const { terminal, cluster, mode } = story
  const { what, command } = request(subject)
  terminal.step(`Nine requests to ${what}`)
  terminal.say(
    `The client Pod (${cluster.client.ip}) asks the cluster's DNS for "${subject.service.name}", gets ${subject.service.clusterIP}, and connects, ` +
      `nine times. ${subject.service.affinity ? 'The Service has session affinity: one Pod answers them all.' : mode.choice}`,
  )
  const pods = podsToAnswer(story, subject)
  const outcomes = await story.requests(9, what, command)
  const counts = tally(outcomes)
  story.check(isShared(story, counts, 9, pods), `answered by ${counts.length} Pods: ${counts.join(' + ')}`)
  if (outcomes.some(({ saw }) => saw !== undefined)) terminal.say(mode.seen)
  terminal.say(mode.counting)
  const counted = await story.countedInTime(subject.service, subject.port, 9)
  await story.showRules()
  story.check(
    counted === 9,
    `${mode.counter} for ${subject.service.clusterIP} has counted ${counted} connections for nine requests`,
  )
}

async function affinity(story: Story, subject: Subject): Promise<void> {
  const { terminal, cluster } = story
  const { what, command } = request(subject)
  const before = subject.service.affinity
  terminal.step('Session affinity')
  terminal.say(
    `With "sessionAffinity: ClientIP" in the Service, kube-proxy remembers which Pod a client had, and gives it the same one again.`,
  )
  await cluster.changeService(subject.service.name, { affinity: true })
  const counts = tally(await story.requests(6, what, command))
  story.check(
    counts.length === 1 && counts[0] === 6,
    `six requests of one client, ${counts.length === 1 ? 'all answered by one Pod' : `answered by ${counts.length} Pods`}`,
  )
  await cluster.changeService(subject.service.name, { affinity: before })
}

async function podThatDies(story: Story, subject: Subject): Promise<void> {
  const { terminal, cluster, mode } = story
  const { what, command } = request(subject)
  const victim = cluster.podsOf(subject.deployment.name)[0]
  if (victim === undefined) return
  terminal.step('A Pod dies')
  terminal.say(
    `After the second request ${victim.name} is killed. Its endpoint is still listed: it takes a cluster some time to notice. ` +
      mode.death,
  )
  const outcomes = await story.requests(9, what, command, number =>
    number === 3 ? cluster.kill(victim) : Promise.resolve(),
  )
  const lost = outcomes.filter(({ error }) => error !== undefined).length
  story.check(lost === 0 || mode.losesToTheDead, `${lost} of nine requests lost`)
  story.check(
    outcomes.slice(2).every(({ pod }) => pod !== victim.name),
    `after its death ${victim.name} answered none`,
  )
  await cluster.replace(victim)
  const successor = cluster.podsOf(subject.deployment.name).at(-1)!
  terminal.say(
    `The Deployment makes a new Pod in its place: ${successor.name} with another IP, ${successor.ip}. The cluster IP is still ${subject.service.clusterIP}.`,
  )
  if (!mode.losesToTheDead) return
  const after = await story.requests(6, what, command)
  story.check(
    after.every(({ error }) => error === undefined),
    'with the endpoint gone no request is lost',
  )
}

async function scaleUp(story: Story, subject: Subject): Promise<void> {
  const { cluster, terminal } = story
  const { what, command } = request(subject)
  const replicas = subject.deployment.replicas + 2
  terminal.step(`Scaled to ${replicas}`)
  terminal.command(`kubectl scale deployment ${subject.deployment.name} --replicas=${replicas}`)
  const rulesBefore = await rulesText(story)
  await cluster.scale(subject.deployment.name, replicas)
  const requests = 2 * cluster.podsBehind(subject.service).length
  const counts = tally(await story.requests(requests, what, command))
  story.check(
    isShared(story, counts, requests, podsToAnswer(story, subject)),
    `answered by ${counts.length} Pods: ${counts.join(' + ')}`,
  )
  story.check(((await rulesText(story)) !== rulesBefore) === story.mode.changesRules, story.mode.change)
}

async function scaleToZero(story: Story, subject: Subject): Promise<void> {
  const { cluster, terminal } = story
  const { what, command } = request(subject)
  const others = cluster.deployments.filter(({ name }) => name !== subject.deployment.name)
  if (others.some(deployment => selects(subject.service, deployment))) return
  terminal.step('Scaled to 0')
  terminal.command(`kubectl scale deployment ${subject.deployment.name} --replicas=0`)
  await cluster.scale(subject.deployment.name, 0)
  terminal.say(story.mode.nobody)
  const [outcome] = await story.requests(1, what, command)
  story.check(outcome?.error === 'ECONNREFUSED', `the client sees: ${outcome?.error ?? 'an answer'}`)
  await cluster.scale(subject.deployment.name, subject.deployment.replicas)
  if (subject.deployment.replicas === 0) return
  const back = await cluster.ask(command)
  story.check(back.pod !== undefined, `scaled to ${subject.deployment.replicas} again, ${back.pod} answers at once`)
}

async function udpService(story: Story): Promise<void> {
  const { cluster, terminal } = story
  terminal.step('A UDP Service: the DNS that was asked all along')
  terminal.say(
    `The name was looked up through a Service too: ${DNS_SERVICE.name}, ${DNS_SERVICE.clusterIP}, UDP port 53. There are no connections in UDP: ` +
      story.mode.flows,
  )
  const outcomes = await story.requests(6, 'TXT whoami?', { txt: 'whoami' })
  const counts = tally(outcomes)
  story.check(
    isShared(story, counts, 6, cluster.podsBehind(DNS_SERVICE).length),
    `answered by ${counts.length} Pods: ${counts.join(' + ')}`,
  )
  for (const service of cluster.services) {
    if (service.name === DNS_SERVICE.name) continue
    const { data, error }: Outcome = await cluster.ask({ a: service.name })
    story.check(data === service.clusterIP, `A ${service.name}? ${data ?? error}`)
  }
}

/** How many Pods one client meets: all of them in turn, or, with session affinity, one. */
function podsToAnswer({ cluster }: Story, { service }: Subject): number {
  const pods = cluster.podsBehind(service).length
  return service.affinity ? Math.min(1, pods) : pods
}

/** Whether all requests were answered, and, where Pods take turns, by every Pod, none with more than one more than another. */
function isShared({ mode }: Story, counts: readonly number[], requests: number, pods: number): boolean {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (!mode.takesTurns) return total === requests
  return total === requests && counts.length === Math.min(pods, requests) && counts[0]! - counts.at(-1)! <= 1
}

async function rulesText({ cluster }: Story): Promise<string> {
  const { stdout } = await cluster.network.node.run('iptables-save', ['-t', 'nat'])
  return stdout
    .split('\n')
    .filter(line => line.startsWith('-A'))
    .join('\n')
}
