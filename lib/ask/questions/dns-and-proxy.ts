import { SEARCH_DOMAIN } from '../../demo/example-objects.js'
import { addRule } from '../add-rule.js'
import { answersIn } from '../answers-in.js'
import { LOOK_UP_PROGRAMS, lookUpName } from '../look-up-name.js'
import { PATIENCE } from '../patience.js'
import { CURL, type Experiment, type Question } from '../question.js'
import { packetsTo, readChain } from '../read-chain.js'

const CHAIN = 'KUBE-PORTALS-CONTAINER'
/** What the resolver waits for before it asks again, if no option says otherwise. */
const DEFAULT_TIMEOUT_MS = 5000
const SHORT_TIMEOUT_SECONDS = 1

export const dnsAndProxy: Question = {
  number: 23,
  title: {
    en: "What is DNS's part, what the proxy's, and why 5 s?",
    ko: 'DNS가 하는 일과 프록시가 하는 일은 무엇이고, 왜 5초가 걸리는가?',
  },
  asked: ['kubernetes#56903'],
  words: ['resolver', 'resolv.conf', 'CoreDNS', 'delay', 'single-request-reopen', 'AAAA', '지연', '이름'],
  programs: new Map([...CURL, ...LOOK_UP_PROGRAMS]),
  async run(experiment) {
    const { lab } = experiment
    const parts = await showParts(experiment)
    const flows = await countFlows(experiment)
    const lost = await loseOne(experiment, '')
    const shorter = await loseOne(experiment, `timeout:${SHORT_TIMEOUT_SECONDS}`)
    return {
      proof: {
        en: 'milliseconds for one name: nothing lost, one datagram lost, the same with timeout:1',
        ko: '이름 하나를 찾는 데 걸린 밀리초: 손실 없음, 데이터그램 하나 손실, timeout:1로 같은 손실',
      },
      value: [parts.milliseconds, lost.milliseconds, shorter.milliseconds].join(', '),
      answer: {
        en: 'DNS turns the name into the ClusterIP ({clusterIP}) and knows no Pod; the proxy sees only that address and picks the Pod ({pod}). The seconds are the patience of the resolver: it asks for two records by UDP, and when one datagram is lost (here {dropped}), it waits before it asks again: {lostMs} ms instead of {plainMs} ms, and {shortMs} ms with timeout:{timeout}. In the field (not run here) both datagrams of one socket met in the conntrack code of older kernels, which dropped one; with single-request-reopen each has its own flow ({separate} instead of {together}), but a datagram that is lost in another way still costs the timeout.',
        ko: 'DNS는 이름을 ClusterIP({clusterIP})로 바꿀 뿐 파드를 모른다. 프록시는 이 주소만 보고 파드({pod})를 고른다. 몇 초가 걸리는 것은 리졸버가 기다리기 때문이다. 리졸버는 UDP로 레코드 두 가지를 묻고, 데이터그램 하나가 사라지면(여기서는 {dropped}개) 한참 기다린 뒤에 다시 묻는다. {plainMs}밀리초 대신 {lostMs}밀리초가, timeout:{timeout}이면 {shortMs}밀리초가 걸렸다. 실제 사례에서는(여기서는 실행하지 않음) 한 소켓의 두 데이터그램이 예전 커널의 conntrack에서 부딪쳐 하나가 버려졌다. single-request-reopen을 쓰면 데이터그램마다 플로가 따로 생기지만({together}개 대신 {separate}개), 다른 이유로 사라진 데이터그램은 여전히 그만큼 기다리게 한다.',
      },
      values: {
        clusterIP: parts.address,
        pod: parts.pod,
        dropped: lost.dropped,
        plainMs: parts.milliseconds,
        lostMs: lost.milliseconds,
        shortMs: shorter.milliseconds,
        timeout: SHORT_TIMEOUT_SECONDS,
        together: flows.together,
        separate: flows.separate,
      },
      holds:
        parts.address === lab.service.clusterIP &&
        parts.pod !== '' &&
        parts.isSeparate &&
        flows.together === 1 &&
        flows.separate === 2 &&
        [lost, shorter].every(({ dropped, address }) => dropped === 1 && address === parts.address) &&
        lost.milliseconds >= DEFAULT_TIMEOUT_MS &&
        shorter.milliseconds >= SHORT_TIMEOUT_SECONDS * 1000 &&
        shorter.milliseconds < lost.milliseconds,
    }
  },
}

/** What the rules for both Services have counted. */
async function countedPackets({ lab }: Experiment) {
  const { ran, rules } = await readChain(lab, CHAIN)
  const { dnsService, service } = lab
  return { ran, dns: packetsTo(rules, dnsService.clusterIP, 53), web: packetsTo(rules, service.clusterIP, 80) }
}

/** Looks up the name, and sends a request to the address: each has its own rule. */
async function showParts(experiment: Experiment) {
  const { lab, show } = experiment
  show(
    await lab.podShell('cat /etc/resolv.conf'),
    {
      en: 'Where a Pod asks for names: {address} is itself a ClusterIP, that of the Service kube-dns.',
      ko: '파드가 이름을 물어보는 곳이다. {address}도 ClusterIP이며, 서비스 kube-dns의 것이다.',
    },
    { address: lab.dnsService.clusterIP },
  )
  const before = await countedPackets(experiment)
  const { ran, address, milliseconds } = await lookUpName(lab, lab.service.name)
  show(
    ran,
    {
      en: "DNS's part: {name} is {address}, the ClusterIP. No Pod is named. It took {milliseconds} ms.",
      ko: 'DNS가 하는 일: {name}은 {address}, 곧 ClusterIP이다. 파드는 나오지 않는다. {milliseconds}밀리초가 걸렸다.',
    },
    { name: `${lab.service.name}.${SEARCH_DOMAIN}`, address, milliseconds },
  )
  const between = await countedPackets(experiment)
  const curl = await lab.run('client', 'curl', '-s', ...PATIENCE.answer, `http://${address}`)
  const after = await countedPackets(experiment)
  const pod = answersIn(curl.output)[0]?.pod ?? ''
  show(
    curl,
    {
      en: "The proxy's part: a connection to that address reaches {pod}. The name plays no part any more.",
      ko: '프록시가 하는 일: 이 주소로 연 연결이 {pod}에 닿는다. 이름은 더 이상 쓰이지 않는다.',
    },
    { pod },
  )
  const lookUp = { dns: between.dns - before.dns, web: between.web - before.web }
  const request = { dns: after.dns - between.dns, web: after.web - between.web }
  show(
    after.ran,
    {
      en: 'New flows at the rules of kube-dns and nginx-service: {lookUp} for the name, then {request} for the request.',
      ko: 'kube-dns와 nginx-service의 규칙이 새로 센 플로: 이름을 찾을 때 {lookUp}, 요청할 때 {request}.',
    },
    { lookUp: `${lookUp.dns} + ${lookUp.web}`, request: `${request.dns} + ${request.web}` },
  )
  const isSeparate = lookUp.dns === 1 && lookUp.web === 0 && request.dns === 0 && request.web === 1
  return { address, milliseconds, pod, isSeparate }
}

/** Counts the flows of a lookup, with one socket for both datagrams and with one for each. */
async function countFlows(experiment: Experiment) {
  const { lab, show } = experiment
  const flowsWith = async (options: string) => {
    const before = await countedPackets(experiment)
    const { ran } = await lookUpName(lab, lab.service.name, options)
    return { ran, flows: (await countedPackets(experiment)).dns - before.dns }
  }
  const { flows: together } = await flowsWith('')
  const { ran, flows: separate } = await flowsWith('single-request-reopen')
  show(
    ran,
    {
      en: 'Each lookup asks twice: for the A record (IPv4) and the AAAA record (IPv6). By default both datagrams leave from one socket, as {together} flow; with this option as {separate}, one after the other.',
      ko: '이름을 찾을 때마다 두 번 묻는다. A 레코드(IPv4)와 AAAA 레코드(IPv6)이다. 기본으로는 두 데이터그램이 한 소켓에서 플로 {together}개로 나간다. 이 옵션을 쓰면 차례로 나가고 플로는 {separate}개이다.',
    },
    { together, separate },
  )
  return { together, separate }
}

/** Looks up the name while the node drops the second datagram. */
async function loseOne({ lab, show }: Experiment, options: string) {
  const rule = ['-s', lab.clientIP, '-p', 'udp', '--dport', '53', '-m', 'statistic', '--mode', 'nth'] as const
  const args = ['PREROUTING', ...rule, '--every', '1000', '--packet', '1', '-j', 'DROP'] as const
  const drop = await addRule(lab, 'node', 'raw', args)
  if (options === '')
    show(drop.ran, {
      en: 'Now the node drops the second datagram of the client, and only this one.',
      ko: '이제 노드가 클라이언트의 두 번째 데이터그램 하나만 버린다.',
    })
  const { ran, address, milliseconds } = await lookUpName(lab, lab.service.name, options)
  const { ran: chain, rules } = await readChain(lab, 'PREROUTING', 'raw')
  await drop.undo()
  const dropped = rules.find(({ text }) => text.includes('statistic mode nth'))?.packets ?? -1
  show(
    ran,
    {
      en: 'The same lookup takes {milliseconds} ms. The answer is right; the resolver has waited for the other one, and then asked again.',
      ko: '같은 이름을 찾는 데 {milliseconds}밀리초가 걸린다. 답은 맞다. 리졸버가 나머지 답을 기다리다가 다시 물은 것이다.',
    },
    { milliseconds },
  )
  show(chain, { en: 'Dropped: {dropped}.', ko: '버려진 데이터그램: {dropped}개.' }, { dropped })
  return { address, milliseconds, dropped }
}
