import { addRule } from '../add-rule.js'
import { giveNodePort } from '../give-node-port.js'
import { LOOK_UP_PROGRAMS } from '../look-up-name.js'
import { PATIENCE } from '../patience.js'
import { CURL, type Experiment, type Question } from '../question.js'
import { readChain } from '../read-chain.js'
import { answersByPod, sumOf } from '../requests-by-pod.js'
import { serveWithoutRecent } from '../serve-without-recent.js'
import { type Texts } from '../texts.js'
import { useMode } from '../use-mode.js'

const NODE_PORT = 30080
const CLIENTS = 6
const NUMBERS = Array.from({ length: CLIENTS }, (_, n) => n + 1).join(' ')
/** The address of a client is this with its number at the end. */
const CLIENT_ADDRESSES = '192.168.50.1'
const COUNT_RECENT = "iptables-save -t nat | grep -c -- '-m recent'"

export const affinityTrouble: Question = {
  number: 10,
  title: {
    en: 'Why does session affinity not work, or break other Services?',
    ko: '세션 어피니티는 왜 동작하지 않거나 다른 서비스를 망가뜨리는가?',
  },
  asked: ['kind#1740', 'WSL#7124'],
  words: ['sessionAffinity', 'ClientIP', 'sticky', 'NAT', 'xt_recent', 'recent', 'iptables-restore', '세션', '고정'],
  programs: new Map([...CURL, ...LOOK_UP_PROGRAMS]),
  async run(experiment) {
    const { lab } = experiment
    await giveNodePort(experiment, NODE_PORT)
    await setAffinity(experiment, true, { en: 'The Service gets affinity.', ko: '서비스에 어피니티를 준다.' })
    const own = await askAsClients(experiment)
    const behind = await askBehindNat(experiment)
    await own.removeClients()
    const inUserspace = await countRecent(experiment)
    const { isCause, ...without } = await serveWithoutRecent(experiment)
    await useMode(experiment, 'iptables')
    const inIptables = await countRecent(experiment)
    return {
      proof: {
        en: 'Pods that answered six clients: each with an address of its own, all behind one NAT',
        ko: '클라이언트 여섯 개에 응답한 파드 수: 저마다 자기 주소로, 모두 NAT 하나 뒤에서',
      },
      value: `${own.pods}, ${behind.pods}`,
      answer: {
        en: 'Affinity knows a client only by its address. {clients} clients with addresses of their own reached {own} Pods; behind a NAT ({translated} connections) they were one client, and {behind} Pod got all requests: a proxy or balancer in front does the same, and a client that changes its address loses its Pod. In iptables mode affinity also needs the match recent ({inIptables} rules, in userspace mode {inUserspace}); iptables-restore writes all of an input or nothing, so without recent one Service with affinity kept the rules of others out (written: {written}). This proxy left only that Service out ({refused}), and the DNS Service still answered ({dns}).',
        ko: '어피니티는 클라이언트를 주소로만 알아본다. 저마다 자기 주소를 가진 클라이언트 {clients}개는 파드 {own}개에 닿았다. NAT 뒤에서는(연결 {translated}개) 한 클라이언트로 보여 파드 {behind}개가 요청을 모두 받았다. 앞에 둔 프록시나 로드 밸런서도 마찬가지이고, 주소가 바뀌는 클라이언트는 파드를 잃는다. iptables 모드의 어피니티에는 커널의 recent 매치도 필요한데(규칙 {inIptables}개, userspace 모드에서는 {inUserspace}개), iptables-restore는 입력을 모두 쓰거나 하나도 쓰지 않으므로 recent가 없으면 어피니티를 쓰는 서비스 하나 때문에 다른 서비스의 규칙도 쓰이지 않는다(쓰인 것: {written}개). 이 프록시는 그 서비스만 빼고({refused}개) 나머지를 처리했으며, DNS 서비스는 그대로 응답했다({dns}).',
      },
      values: {
        clients: CLIENTS,
        own: own.pods,
        behind: behind.pods,
        translated: behind.translated,
        inIptables,
        inUserspace,
        ...without,
      },
      holds:
        own.pods === lab.pods.length &&
        own.answers === CLIENTS &&
        behind.pods === 1 &&
        behind.answers === CLIENTS &&
        behind.translated === CLIENTS &&
        behind.remembered === lab.outsideIP &&
        inUserspace === 0 &&
        // For each Pod a rule that looks for the client, and one that notes it.
        inIptables === 2 * lab.pods.length &&
        isCause &&
        without.written === 0 &&
        without.refused === 1 &&
        without.dns === lab.service.clusterIP,
    }
  },
}

/** Gives the Service affinity, or takes it away, as a step. */
async function setAffinity({ lab, show }: Experiment, affinity: boolean, meaning: Texts): Promise<void> {
  const patch = { spec: { sessionAffinity: affinity ? 'ClientIP' : 'None' } }
  const command = `kubectl patch service nginx-service --patch '${JSON.stringify(patch)}'`
  show(await lab.changeService({ affinity }, command), meaning)
}

/** Sends a request from each address of the host outside, and counts the Pods that answer. */
async function requestAsClients({ lab }: Experiment) {
  const curl = `curl -s ${PATIENCE.answer.join(' ')} --interface ${CLIENT_ADDRESSES}$n http://${lab.nodeIP}:${NODE_PORT}`
  const { ran, counts } = await answersByPod(lab, 'outside', `for n in ${NUMBERS}; do ${curl}; done`)
  return { ran, pods: counts.size, answers: sumOf(counts) }
}

async function askAsClients(experiment: Experiment) {
  const { lab, show } = experiment
  const changeAddresses = (change: 'add' | 'delete') =>
    lab.shell('outside', `for n in ${NUMBERS}; do ip address ${change} ${CLIENT_ADDRESSES}$n/24 dev eth0; done`)
  const removeClients = lab.undoLater(() => changeAddresses('delete'))
  show(
    await changeAddresses('add'),
    {
      en: '{clients} clients outside the cluster, each with an address of its own.',
      ko: '클러스터 밖에 저마다 자기 주소를 가진 클라이언트 {clients}개를 둔다.',
    },
    { clients: CLIENTS },
  )
  const { ran, pods, answers } = await requestAsClients(experiment)
  show(
    ran,
    {
      en: 'Each gets a Pod in turn: {pods} Pods answered.',
      ko: '차례대로 파드를 얻는다. 응답한 파드: {pods}개.',
    },
    { pods },
  )
  return { pods, answers, removeClients }
}

async function askBehindNat(experiment: Experiment) {
  const { lab, show } = experiment
  await setAffinity(experiment, false, {
    en: 'The Service loses affinity, and the proxy forgets its clients.',
    ko: '서비스의 어피니티를 없앤다. 프록시가 클라이언트를 잊는다.',
  })
  await setAffinity(experiment, true, { en: 'It gets affinity again.', ko: '어피니티를 다시 준다.' })
  const rule = ['POSTROUTING', '-p', 'tcp', '--dport', String(NODE_PORT), '-j', 'SNAT', '--to-source', lab.outsideIP]
  const nat = await addRule(lab, 'outside', 'nat', rule)
  show(nat.ran, {
    en: 'Now a NAT stands before them, as in an office or at a balancer: all connections come from one address.',
    ko: '이제 사무실이나 로드 밸런서처럼 그 앞에 NAT가 있다. 모든 연결이 한 주소에서 온다.',
  })
  const { ran, pods, answers } = await requestAsClients(experiment)
  const chain = await readChain(lab, 'POSTROUTING', 'nat', 'outside')
  await nat.undo()
  const translated = chain.rules.find(({ text }) => text.includes(`dpt:${NODE_PORT}`))?.packets ?? -1
  show(
    ran,
    {
      en: 'The same requests: {pods} Pod answered all of them.',
      ko: '같은 요청을 보냈다. 파드 {pods}개가 모두 응답했다.',
    },
    { pods },
  )
  show(
    chain.ran,
    { en: 'Connections that the NAT has translated: {translated}.', ko: 'NAT가 주소를 바꾼 연결: {translated}개.' },
    { translated },
  )
  const known = await lab.status('affinity')
  const remembered = [...known.output.matchAll(/^\s*(\d+(?:\.\d+){3})\s/gm)].map(([, client]) => client!).join(', ')
  show(
    known,
    {
      en: 'What the proxy remembers: to it all of them are {address}.',
      ko: '프록시가 기억하는 것이다. 프록시에는 이들이 모두 {address}이다.',
    },
    { address: remembered },
  )
  return { pods, answers, translated, remembered }
}

/** Counts the rules that need the match `recent`. */
async function countRecent({ lab, show }: Experiment): Promise<number> {
  const ran = await lab.shell('node', COUNT_RECENT)
  const count = Number(ran.output)
  show(
    ran,
    {
      en: `Rules that need the match recent in {mode} mode: {count}.`,
      ko: `{mode} 모드에서 recent 매치가 필요한 규칙: {count}개.`,
    },
    { mode: lab.mode, count },
  )
  return count
}
