import { addRule } from '../add-rule.js'
import { type Ran } from '../lab.js'
import { interfacesWith } from '../interfaces-with.js'
import { PATIENCE } from '../patience.js'
import { CURL, type Experiment, type Question } from '../question.js'
import { packetsTo, readChain } from '../read-chain.js'
import { reportOfMode } from '../report-of-mode.js'
import { type Texts } from '../texts.js'
import { useMode } from '../use-mode.js'

/** The chain of ipvs mode with the rules for its addresses. */
const FILTER = 'KUBE-IPVS-FILTER'

const ANSWER: Texts = {
  en: 'A ping is ICMP and has no port; the rules of a Service match TCP or UDP to its port: they counted {userspace} pings in userspace mode and {iptables} in iptables mode. No interface has the address (counted: {holders}), so the node sent the ping on to its gateway, which does not answer for it (pings sent on: {left}).',
  ko: '핑은 ICMP라서 포트가 없다. 서비스의 규칙은 그 포트로 가는 TCP나 UDP만 고른다. 규칙이 센 핑은 userspace 모드에서 {userspace}개, iptables 모드에서 {iptables}개이다. 이 주소를 가진 인터페이스가 없으므로(센 수: {holders}) 노드는 핑을 게이트웨이로 보냈고({left}개), 게이트웨이는 이 주소에 응답하지 않는다.',
}
const IPVS_RAN: Texts = {
  en: 'In ipvs mode {ipvsHolders} interface has it, kube-ipvs0, so the ping reached the node itself, where a rule of this proxy rejected all but the ports of Services (pings: {rejected}). Without this rule, as with older kube-proxies, the kernel of the node answered (replies: {replies}), although the Service had no Pod: a ping says nothing about a Service.',
  ko: 'ipvs 모드에서는 인터페이스 {ipvsHolders}개(kube-ipvs0)에 이 주소가 있으므로 핑이 노드 자신에게 닿았고, 서비스의 포트만 허용하는 이 프록시의 규칙이 핑을 거절했다({rejected}개). 예전 kube-proxy처럼 이 규칙이 없으면, 서비스에 파드가 하나도 없는데도 노드의 커널이 응답했다({replies}개). 그러니 핑으로는 서비스가 되는지 알 수 없다.',
}
const IPVS_NOT_RUN: Texts = {
  en: 'Not run here, since this node does not support ipvs mode: there the interface kube-ipvs0 has the address, so a ping reaches the node itself. Older kube-proxies let its kernel answer, even for a Service without Pods; newer ones, and this proxy, reject all but the ports of Services.',
  ko: '이 노드는 ipvs 모드를 지원하지 않아 다음은 실행하지 않았다. ipvs 모드에서는 인터페이스 kube-ipvs0에 이 주소가 있으므로 핑이 노드 자신에게 닿는다. 예전 kube-proxy에서는 서비스에 파드가 없어도 노드의 커널이 응답하고, 요즘 kube-proxy와 이 프록시는 서비스의 포트 말고는 모두 거절한다.',
}

export const pingClusterIp: Question = {
  number: 3,
  title: {
    en: 'Why can I not ping a ClusterIP, and why can I in ipvs mode?',
    ko: '왜 ClusterIP로 핑이 가지 않는가? ipvs 모드에서는 왜 되는가?',
  },
  asked: ['website#41002'],
  words: ['ICMP', 'kube-ipvs0', 'reply', 'echo', '핑'],
  programs: new Map([...CURL, ['ping', 'iputils-ping']]),
  async run(experiment) {
    const userspace = await inUserspaceMode(experiment)
    await useMode(experiment, 'iptables')
    const iptables = await pingPastRule(experiment, 'KUBE-SERVICES')
    const ipvs = await inIpvsMode(experiment)
    const more = ipvs === undefined ? IPVS_NOT_RUN : IPVS_RAN
    return {
      proof: {
        en: 'replies to one ping in userspace mode, iptables mode, ipvs mode, ipvs mode without its rule (-: not run)',
        ko: '핑 하나에 온 응답 수: userspace 모드, iptables 모드, ipvs 모드, 규칙이 없는 ipvs 모드(-: 실행하지 않음)',
      },
      value: [userspace.replies, iptables.replies, ipvs?.first ?? '-', ipvs?.replies ?? '-'].join(', '),
      answer: { en: `${ANSWER.en} ${more.en}`, ko: `${ANSWER.ko} ${more.ko}` },
      values: {
        userspace: userspace.matched,
        iptables: iptables.matched,
        left: userspace.left,
        holders: userspace.holders,
        ...(ipvs !== undefined && { ipvsHolders: ipvs.holders, rejected: ipvs.rejected, replies: ipvs.replies }),
      },
      holds:
        [userspace, iptables].every(
          ({ replies, matched, requested }) => replies === 0 && matched === 0 && requested === 1,
        ) &&
        userspace.left === 1 &&
        userspace.holders === 0 &&
        (ipvs === undefined ||
          (ipvs.holders === 1 && ipvs.first === 0 && ipvs.rejected === 1 && ipvs.replies === 1 && ipvs.refused === 7)),
    }
  },
}

/** Sends one ping from the client, and reads what came back. */
async function ping({ lab }: Experiment): Promise<{ readonly ran: Ran; readonly replies: number }> {
  const ran = await lab.run('client', 'ping', '-c', '1', '-W', '1', lab.service.clusterIP)
  return { ran, replies: Number(/ (\d+) (?:packets )?received/.exec(ran.output)?.[1] ?? -1) }
}

/** Replies to a ping, and what the rule of the Service has counted of the ping and of the request after it. */
interface PastRule {
  readonly replies: number
  readonly matched: number
  readonly requested: number
}

/** Sends a ping and a request, and reads what the rule of the Service has counted of each. */
async function pingPastRule(experiment: Experiment, chain: string): Promise<PastRule> {
  const { lab, show } = experiment
  const { clusterIP } = lab.service
  const count = async () => {
    const { ran, rules } = await readChain(lab, chain)
    return { ran, packets: packetsTo(rules, clusterIP, 80) }
  }
  const before = await count()
  const { ran, replies } = await ping(experiment)
  const between = await count()
  const request = await lab.run('client', 'curl', '-sS', ...PATIENCE.answer, `http://${clusterIP}`)
  const after = await count()
  const matched = between.packets - before.packets
  const requested = after.packets - between.packets
  show(ran, { en: 'Replies: {replies}.', ko: '응답: {replies}개.' }, { replies })
  show(
    request,
    {
      en: 'A request to port 80 of the same address works (exit code {code}).',
      ko: '같은 주소의 80번 포트로 보낸 요청은 된다(종료 코드 {code}).',
    },
    { code: request.exitCode },
  )
  show(
    after.ran,
    {
      en: 'The rule for {clusterIP} matches TCP to port 80 only. It has counted pings: {matched}, requests: {requested}.',
      ko: '{clusterIP}의 규칙은 80번 포트로 가는 TCP만 고른다. 규칙이 센 핑: {matched}개, 요청: {requested}개.',
    },
    { clusterIP, matched, requested },
  )
  return { replies, matched, requested }
}

async function inUserspaceMode(
  experiment: Experiment,
): Promise<PastRule & { readonly left: number; readonly holders: number }> {
  const { lab, show } = experiment
  const { clusterIP } = lab.service
  const holders = await showHolders(experiment)
  const rule = ['FORWARD', '-p', 'icmp', '-d', clusterIP, '-o', 'eth0', '-j', 'ACCEPT'] as const
  const counting = await addRule(lab, 'node', 'mangle', rule)
  show(counting.ran, {
    en: 'A rule of our own, which only counts: pings that leave the node towards the gateway.',
    ko: '세기만 하는 규칙을 따로 둔다. 노드를 떠나 게이트웨이로 가는 핑을 센다.',
  })
  const pinged = await pingPastRule(experiment, 'KUBE-PORTALS-CONTAINER')
  const { ran, rules } = await readChain(lab, 'FORWARD', 'mangle')
  const left = rules.find(({ text }) => text.includes(clusterIP))?.packets ?? -1
  await counting.undo()
  show(
    ran,
    {
      en: 'So the kernel has routed the ping like any other packet: to the gateway, which does not know the address. Counted: {left}.',
      ko: '그래서 커널은 핑을 여느 패킷처럼 게이트웨이로 보냈고, 게이트웨이는 이 주소를 모른다. 센 핑: {left}개.',
    },
    { left },
  )
  return { ...pinged, left, holders }
}

/** Shows how many interfaces have the ClusterIP. */
async function showHolders({ lab, show }: Experiment): Promise<number> {
  const { clusterIP } = lab.service
  const { ran, holders } = await interfacesWith(lab, clusterIP)
  show(
    ran,
    {
      en: 'Interfaces of the node with the address {clusterIP}: {holders}.',
      ko: '주소 {clusterIP}을 가진 노드의 인터페이스: {holders}개.',
    },
    { clusterIP, holders },
  )
  return holders
}

/** What ipvs mode has shown. */
interface IpvsFinding {
  readonly holders: number
  /** Replies to the first ping. */
  readonly first: number
  /** Pings that the rule has rejected. */
  readonly rejected: number
  /** Replies without the rule. */
  readonly replies: number
  /** The exit code of a request. */
  readonly refused: number
}

/** Undefined if this node does not support ipvs mode. */
async function inIpvsMode(experiment: Experiment): Promise<IpvsFinding | undefined> {
  const { lab, show } = experiment
  const { clusterIP } = lab.service
  const check = await lab.check('ipvs')
  if (check.exitCode !== 0) {
    show(reportOfMode(check, 'ipvs'), {
      en: 'Not run: this node does not support ipvs mode. With IPVS in its kernel, the ping would reach the node itself.',
      ko: '실행하지 않음: 이 노드는 ipvs 모드를 지원하지 않는다. 커널에 IPVS가 있다면 핑이 노드 자신에게 닿는다.',
    })
    return undefined
  }
  await useMode(experiment, 'ipvs')
  const holders = await showHolders(experiment)
  show(await lab.scale(0), { en: 'The Service has no Pod any more.', ko: '이제 서비스 뒤에 파드가 없다.' })
  const first = await ping(experiment)
  const { ran: chain, rules } = await readChain(lab, FILTER, 'filter')
  const rejected = rules.find(({ text }) => text.startsWith('REJECT '))?.packets ?? -1
  show(
    first.ran,
    {
      en: 'Replies: {replies}. But something has answered at once: the ping has reached the node, since the address is its own.',
      ko: '응답: {replies}개. 그러나 곧바로 회신이 왔다. 이 주소는 노드 자신의 것이라 핑이 노드에 닿았다.',
    },
    { replies: first.replies },
  )
  show(
    chain,
    {
      en: 'This rule rejects what is no port of a Service, so that a ClusterIP does not lead to programs of the node. Counted: {rejected}.',
      ko: '서비스의 포트가 아닌 것은 이 규칙이 거절한다. ClusterIP로는 노드의 프로그램에 닿지 않게 하려는 것이다. 센 핑: {rejected}개.',
    },
    { rejected },
  )
  show(await lab.stopProxy('SIGKILL'), {
    en: 'The proxy ends, so that it does not restore the rule. Addresses and virtual servers stay.',
    ko: '규칙을 되살리지 않도록 프록시를 멈춘다. 주소와 가상 서버는 남는다.',
  })
  show(await lab.run('node', 'iptables', '-F', FILTER), {
    en: 'The rule is removed. Older kube-proxies do not have it.',
    ko: '규칙을 지운다. 예전 kube-proxy에는 이 규칙이 없다.',
  })
  const { ran, replies } = await ping(experiment)
  show(
    ran,
    {
      en: 'Replies: {replies}. The kernel of the node answers for every address that one of its interfaces has.',
      ko: '응답: {replies}개. 노드의 커널은 자기 인터페이스가 가진 주소라면 어느 것이든 응답한다.',
    },
    { replies },
  )
  const refused = await lab.run('client', 'curl', '-sS', ...PATIENCE.answer, `http://${clusterIP}`)
  show(
    refused,
    {
      en: 'A request to port 80 fails at the same time (exit code {code}): no Pod serves it.',
      ko: '같은 시점에 80번 포트로 보낸 요청은 실패한다(종료 코드 {code}). 처리할 파드가 없다.',
    },
    { code: refused.exitCode },
  )
  return { holders, first: first.replies, rejected, replies, refused: refused.exitCode }
}
