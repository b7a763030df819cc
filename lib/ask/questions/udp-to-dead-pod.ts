import { type Pod } from '../../demo/cluster-objects.js'
import { cutLink } from '../cut-link.js'
import { findEndpointChain } from '../find-endpoint-chain.js'
import { findServiceChain } from '../find-service-chain.js'
import { type Lab, type Ran } from '../lab.js'
import { type Experiment, type Question } from '../question.js'
import { readChain } from '../read-chain.js'
import { type UdpFlow, untilUdpFlow } from '../read-udp-flow.js'
import { setSysctl } from '../set-sysctl.js'
import { serveUdp, startUdpClient } from '../serve-udp.js'
import { useMode } from '../use-mode.js'

/** So many datagrams show that the next ones do not get through either. */
const LOST = 3
const METRIC = 'kubeproxy_conntrack_reconciler_deleted_entries_total'

export const udpToDeadPod: Question = {
  number: 22,
  title: {
    en: 'UDP goes to a dead Pod forever: why?',
    ko: 'UDP가 죽은 파드로 끝없이 간다. 왜 그런가?',
  },
  asked: ['kubernetes#125467', 'kubernetes#48370'],
  words: ['conntrack', 'stale', 'flow', 'DNS', 'socket', 'source port', '데이터그램', '플로'],
  programs: new Map([
    ['bash', 'bash'],
    ['curl', 'curl'],
    ['conntrack', 'conntrack'],
  ]),
  async run(experiment) {
    const { lab, show } = experiment
    await serveUdp(experiment)
    await useMode(experiment, 'iptables')
    const counting = await setSysctl(lab, 'net.netfilter.nf_conntrack_acct', '1')
    show(counting.ran, {
      en: 'The kernel counts the packets of each flow.',
      ko: '커널이 플로마다 패킷을 센다.',
    })
    const client = startUdpClient(lab)
    const first = await untilUdpFlow(lab, ({ answered }) => answered > 0)
    const firstPod = podOf(lab, first)
    show(
      first.ran,
      {
        en: 'A client sends datagrams from one socket. The first one met the rules; the entry remembers what they chose: {pod}. Packets: {sent} to it, {answered} back.',
        ko: '클라이언트가 소켓 하나로 데이터그램을 보낸다. 첫 데이터그램이 규칙을 거쳤고, 고른 결과({pod})를 이 항목이 기억한다. 패킷은 보낸 것이 {sent}개, 돌아온 것이 {answered}개이다.',
      },
      { pod: firstPod.name, sent: first.sent, answered: first.answered },
    )
    const deletedBefore = await readDeleted(lab)
    show(
      deletedBefore.ran,
      {
        en: 'A metric of kube-proxy: entries that it has deleted so far: {count}.',
        ko: 'kube-proxy의 메트릭이다. 지금까지 지운 항목: {count}개.',
      },
      { count: deletedBefore.count },
    )
    await die(experiment, firstPod)
    show(await lab.replace(firstPod), {
      en: 'The cluster notices: the endpoint goes, and kube-proxy changes the rules.',
      ko: '클러스터가 알아차린다. 엔드포인트가 목록에서 빠지고 kube-proxy가 규칙을 바꾼다.',
    })
    const cleared = await untilUdpFlow(lab, flow => flow.leadsTo !== firstPod.ip && flow.answered > 0)
    const secondPod = podOf(lab, cleared)
    const deletedAfter = await readDeleted(lab)
    const deleted = deletedAfter.count - deletedBefore.count
    show(
      deletedAfter.ran,
      {
        en: 'It has also deleted the entries that led to the dead Pod. Deleted since then: {deleted}.',
        ko: 'kube-proxy는 죽은 파드로 이어지던 항목도 지웠다. 그 뒤에 지운 항목: {deleted}개.',
      },
      { deleted },
    )
    show(
      cleared.ran,
      {
        en: 'So the next datagram of the same socket met the rules again, and made a new entry: it leads to {pod}, which answers.',
        ko: '그래서 같은 소켓의 다음 데이터그램이 다시 규칙을 거치고 새 항목을 만들었다. 이 항목은 {pod}로 이어지고, 그 파드가 응답한다.',
      },
      { pod: secondPod.name },
    )
    const stuck = await withoutClearing(experiment, secondPod)
    await client.stop()
    const own = await inUserspaceMode(experiment, secondPod)
    return {
      proof: {
        en: 'packets of one flow after the rules had left out the dead Pod, with its entry not deleted: to that Pod, back',
        ko: '규칙에서 죽은 파드가 빠진 뒤, 지워지지 않은 항목이 센 패킷 수: 그 파드로 보낸 것, 돌아온 것',
      },
      value: `${stuck.sent}, ${stuck.answered}`,
      answer: {
        en: 'Only the first datagram of a flow meets the rules; then its conntrack entry decides, and each datagram starts the time of the entry again. With right rules, an entry that was not deleted still sent {sent} datagrams to the dead Pod ({pod}), and {answered} came back: that ends only when the client pauses, takes another port, or the entry is deleted. So kube-proxy has to delete such entries when an endpoint goes; this one did (deleted: {deleted}). In userspace mode the entry leads to kube-proxy ({node}), which itself moves the flow to a live Pod.',
        ko: '플로의 첫 데이터그램만 규칙을 거친다. 그 뒤에는 conntrack 항목이 목적지를 정하고, 데이터그램이 올 때마다 항목의 남은 시간이 처음으로 돌아간다. 규칙이 옳은데도 지워지지 않은 항목은 데이터그램 {sent}개를 죽은 파드({pod})로 보냈고 {answered}개가 돌아왔다. 이 상태는 클라이언트가 조용해지거나 다른 포트를 쓰거나 항목이 지워져야 끝난다. 그래서 엔드포인트가 없어지면 kube-proxy가 항목을 지워야 하며, 이 프록시는 지웠다({deleted}개). userspace 모드에서는 항목이 kube-proxy({node})로 이어지고, kube-proxy가 플로를 살아 있는 파드로 옮긴다.',
      },
      values: { sent: stuck.sent, answered: stuck.answered, pod: secondPod.ip, deleted, node: own.leadsTo },
      holds:
        deleted === 1 &&
        secondPod.name !== firstPod.name &&
        stuck.sent >= LOST &&
        stuck.answered === 0 &&
        stuck.ruleCount === 0 &&
        stuck.countAfter === 1 &&
        own.leadsTo === lab.nodeIP,
    }
  },
}

/** How many entries of flows kube-proxy has deleted since it started, all flows together. */
async function readDeleted(lab: Lab): Promise<{ readonly ran: Ran; readonly count: number }> {
  const ran = await lab.shell('node', `curl -s http://127.0.0.1:10249/metrics | grep '^${METRIC}.*"IPv4"'`)
  return { ran, count: Number(/ (\d+)$/m.exec(ran.output)?.[1] ?? NaN) }
}

/** A Pod dies with its network, and its endpoint is still listed. */
async function die({ lab, show }: Experiment, pod: Pod): Promise<void> {
  show(await lab.kill(pod), { en: '{pod} dies.', ko: '파드({pod})가 죽는다.' }, { pod: pod.name })
  const cut = await cutLink(lab, pod)
  show(cut.ran, {
    en: 'Its network goes with it, so that no answer of any kind comes from its address.',
    ko: '네트워크도 함께 사라져, 그 주소에서는 어떤 응답도 오지 않는다.',
  })
}

/** Does by hand what a kube-proxy does that changes rules but no entries, and then deletes the entry. */
async function withoutClearing(
  experiment: Experiment,
  dead: Pod,
): Promise<{
  readonly sent: number
  readonly answered: number
  readonly ruleCount: number
  readonly countAfter: number
}> {
  const { lab, show } = experiment
  const { clusterIP } = lab.service
  show(await lab.stopProxy('SIGKILL'), {
    en: 'Now without kube-proxy, so that no program deletes entries.',
    ko: '이제 kube-proxy를 멈춘다. 항목을 지울 프로그램이 없다.',
  })
  await die(experiment, dead)
  const live = lab.pods.find(({ name }) => name !== dead.name)!
  const service = await findServiceChain(lab)
  const endpoint = await findEndpointChain(lab, service, live)
  show(
    await lab.shell(
      'node',
      `iptables -t nat -F ${service} && iptables -t nat -A ${service} -p udp -j ${endpoint} && echo changed`,
    ),
    {
      en: 'The rules are corrected by hand: the chain of the Service leads to {pod} only.',
      ko: '규칙을 손으로 바로잡는다. 서비스의 체인은 이제 {pod}로만 이어진다.',
    },
    { pod: live.name },
  )
  const before = await untilUdpFlow(lab, () => true)
  const after = await untilUdpFlow(lab, flow => flow.leadsTo !== dead.ip || flow.sent >= before.sent + LOST)
  const sent = after.sent - before.sent
  const answered = after.answered - before.answered
  show(
    after.ran,
    {
      en: 'Yet the entry still leads to {dead}. New packets: {sent} to it, {answered} back. With each packet the time of the entry starts again; {seconds} s are left.',
      ko: '그런데도 항목은 여전히 {dead}로 이어진다. 새 패킷은 보낸 것이 {sent}개, 돌아온 것이 {answered}개이다. 패킷마다 항목의 시간이 다시 시작된다. 남은 시간은 {seconds}초이다.',
    },
    { dead: dead.ip, sent, answered, seconds: after.secondsLeft },
  )
  const unasked = await readChain(lab, service)
  const ruleCount = unasked.rules[0]?.packets ?? -1
  show(
    unasked.ran,
    {
      en: 'The right rule has not seen any of them: packets {ruleCount}.',
      ko: '바로잡은 규칙은 이 가운데 하나도 보지 못했다: 패킷 {ruleCount}개.',
    },
    { ruleCount },
  )
  show(await lab.run('node', 'conntrack', '-D', '-p', 'udp', '--orig-dst', clusterIP), {
    en: 'The entry is deleted by hand.',
    ko: '항목을 손으로 지운다.',
  })
  const back = await untilUdpFlow(lab, flow => flow.leadsTo === live.ip && flow.answered > 0)
  show(
    back.ran,
    {
      en: 'The next datagram of the same socket reaches {pod}, and is answered.',
      ko: '같은 소켓의 다음 데이터그램은 {pod}에 닿고 응답을 받는다.',
    },
    { pod: live.name },
  )
  const met = await readChain(lab, service)
  const countAfter = met.rules[0]?.packets ?? -1
  show(
    met.ran,
    { en: 'This one has met the rule: packets {countAfter}.', ko: '이번에는 규칙을 거쳤다: 패킷 {countAfter}개.' },
    { countAfter },
  )
  return { sent, answered, ruleCount, countAfter }
}

/** The same death in userspace mode. */
async function inUserspaceMode(experiment: Experiment, dead: Pod): Promise<UdpFlow> {
  const { lab, show } = experiment
  await useMode(experiment, 'userspace')
  show(await lab.replace(dead), { en: 'Two live Pods again.', ko: '다시 살아 있는 파드 두 개.' })
  const client = startUdpClient(lab)
  const answersOf = (pod: Pod) =>
    client
      .soFar()
      .output.split('\n')
      .filter(line => line.startsWith(`${pod.name} `)).length
  const answering = () => lab.pods.find(pod => answersOf(pod) > 0)
  await lab.until(
    () => answering() !== undefined,
    () => Promise.resolve(client.soFar()),
  )
  const victim = answering()!
  const before = await untilUdpFlow(lab, () => true)
  await die(experiment, victim)
  show(await lab.replace(victim), { en: 'The cluster notices.', ko: '클러스터가 알아차린다.' })
  const isMoved = () => lab.pods.some(pod => pod.name !== victim.name && answersOf(pod) > 0)
  const flow = await untilUdpFlow(lab, ({ answered }) => isMoved() && answered > before.answered)
  await client.stop()
  const ran = await client.ended
  show(
    ran,
    {
      en: 'One socket. Each line is an answer, or that none came in time: after {pod} another Pod answers.',
      ko: '소켓 하나이다. 한 줄은 응답 하나이거나, 제때 응답이 없었다는 뜻이다. {pod} 다음에는 다른 파드가 응답한다.',
    },
    { pod: victim.name },
  )
  show(
    flow.ran,
    {
      en: 'The entry leads to kube-proxy ({node}) all the time, so it never gets stale. kube-proxy sends the datagrams on, and has moved the flow.',
      ko: '항목은 내내 kube-proxy({node})로 이어지므로 쓸모없어지는 일이 없다. 데이터그램은 kube-proxy가 넘겨주며, 플로를 옮긴 것도 kube-proxy이다.',
    },
    { node: flow.leadsTo },
  )
  return flow
}

function podOf(lab: Lab, { leadsTo }: UdpFlow): Pod {
  const pod = lab.pods.find(({ ip }) => ip === leadsTo)
  if (pod === undefined) throw new Error(`The flow leads to ${leadsTo}, which is no Pod of the Service`)
  return pod
}
