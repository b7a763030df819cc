import { giveNodePort } from '../give-node-port.js'
import { lookUpName } from '../look-up-name.js'
import { PATIENCE } from '../patience.js'
import { CURL, type Experiment, type Question } from '../question.js'
import { readChain } from '../read-chain.js'
import { answersByPod, sumOf } from '../requests-by-pod.js'
import { useMode } from '../use-mode.js'
import { withoutExtension } from '../without-extension.js'

const NODE_PORT = 30080
const CLIENTS = 6
const NUMBERS = Array.from({ length: CLIENTS }, (_, n) => n + 1).join(' ')
/** The addresses of the clients end in this and their number. */
const CLIENT_ADDRESSES = '192.168.50.1'
const REFUSED_METRIC = 'kubeproxy_sync_proxy_rules_refused_service_ports'
const COUNT_RECENT = "iptables-save -t nat | grep -c -- '-m recent'"
/** Rules of two Services, as one input: the second needs the extension. */
const TWO_SERVICES = [
  ...['*nat', ':OTHER-SERVICE - [0:0]', '-A OTHER-SERVICE -p tcp -j RETURN'],
  ...[':STICKY-SERVICE - [0:0]', '-A STICKY-SERVICE -m recent --name STICKY --rcheck --seconds 60 -j RETURN', 'COMMIT'],
]

export const affinityTrouble: Question = {
  number: 10,
  title: {
    en: 'Why does session affinity not work, or break other Services?',
    ko: '세션 어피니티는 왜 동작하지 않거나 다른 서비스를 망가뜨리는가?',
  },
  asked: ['kind#1740', 'WSL#7124'],
  words: ['sessionAffinity', 'ClientIP', 'sticky', 'NAT', 'xt_recent', 'recent', 'iptables-restore', '세션', '고정'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    await giveNodePort(experiment, NODE_PORT)
    const patch = { spec: { sessionAffinity: 'ClientIP' } }
    show(
      await lab.changeService(
        { affinity: true },
        `kubectl patch service nginx-service --patch '${JSON.stringify(patch)}'`,
      ),
      { en: 'The Service gets affinity.', ko: '서비스에 어피니티를 준다.' },
    )
    const own = await askAsClients(experiment)
    const behind = await askBehindNat(experiment)
    const inUserspace = await countRecent(experiment)
    const without = await withoutExtension(lab, 'recent', env => serveWithout(experiment, env))
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
        inUserspace === 0 &&
        without.written === 0 &&
        without.refused === 1 &&
        without.dns === lab.service.clusterIP,
    }
  },
}

/** Sends a request from each address of the host outside, and counts the Pods that answer. */
async function requestAsClients({ lab }: Experiment) {
  const curl = `curl -s ${PATIENCE.answer.join(' ')} --interface ${CLIENT_ADDRESSES}$n http://${lab.nodeIP}:${NODE_PORT}`
  const { ran, counts } = await answersByPod(lab, 'outside', `for n in ${NUMBERS}; do ${curl}; done`)
  return { ran, pods: counts.size, answers: sumOf(counts) }
}

async function askAsClients(experiment: Experiment) {
  const { lab, show } = experiment
  const added = await lab.shell(
    'outside',
    `for n in ${NUMBERS}; do ip address add ${CLIENT_ADDRESSES}$n/24 dev eth0; done`,
  )
  show(
    added,
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
      en: 'Each gets a Pod of its own turn: {pods} Pods answered.',
      ko: '차례대로 파드를 얻는다. 응답한 파드: {pods}개.',
    },
    { pods },
  )
  return { pods, answers }
}

async function askBehindNat(experiment: Experiment) {
  const { lab, show } = experiment
  const rule = ['POSTROUTING', '-p', 'tcp', '--dport', String(NODE_PORT), '-j', 'SNAT', '--to-source', lab.outsideIP]
  show(await lab.run('outside', 'iptables', '-t', 'nat', '-A', ...rule), {
    en: 'Now a NAT stands before them, as in an office or at a balancer: all connections come from one address.',
    ko: '이제 사무실이나 로드 밸런서처럼 그 앞에 NAT가 있다. 모든 연결이 한 주소에서 온다.',
  })
  const { ran, pods, answers } = await requestAsClients(experiment)
  const chain = await readChain(lab, 'POSTROUTING', 'nat', 'outside')
  await lab.run('outside', 'iptables', '-t', 'nat', '-D', ...rule)
  await lab.shell('outside', `for n in ${NUMBERS}; do ip address delete ${CLIENT_ADDRESSES}$n/24 dev eth0; done`)
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
  show(
    await lab.status('affinity'),
    {
      en: 'What the proxy remembers: to it all of them are {address}.',
      ko: '프록시가 기억하는 것이다. 프록시에는 이들이 모두 {address}이다.',
    },
    { address: lab.outsideIP },
  )
  return { pods, answers, translated }
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

/** Serves both Services of the demo in iptables mode, without the match `recent`. */
async function serveWithout(experiment: Experiment, env: { readonly XTABLES_LIBDIR: string }) {
  const { lab, show } = experiment
  const input = TWO_SERVICES.join('\\n')
  const restore = await lab.shell(
    'node',
    `printf '%b\\n' '${input}' | XTABLES_LIBDIR=${env.XTABLES_LIBDIR} iptables-restore --noflush`,
  )
  show(
    restore,
    {
      en: 'An iptables without recent, as on older kernels of WSL2: a program that writes the rules of two Services in one input, as kube-proxy does, gets an error (exit code {code}).',
      ko: '예전 WSL2 커널처럼 recent가 없는 iptables이다. kube-proxy처럼 두 서비스의 규칙을 한 입력으로 쓰는 프로그램은 오류를 받는다(종료 코드 {code}).',
    },
    { code: restore.exitCode },
  )
  const left = await lab.shell('node', 'iptables-save -t nat | grep -c OTHER-SERVICE')
  const written = Number(left.output)
  show(
    left,
    {
      en: 'Nothing is written, also nothing of the Service without affinity. Lines: {written}.',
      ko: '아무것도 쓰이지 않았다. 어피니티가 없는 서비스의 규칙도 마찬가지이다. 줄 수: {written}.',
    },
    { written },
  )
  show(await lab.setMode('iptables', env), {
    en: 'This proxy in iptables mode, with the same iptables.',
    ko: '같은 iptables로 이 프록시를 iptables 모드로 돌린다.',
  })
  const metrics = await lab.shell('node', `curl -s http://127.0.0.1:10249/metrics | grep '^${REFUSED_METRIC}.*"IPv4"'`)
  const refused = Number(/cause="kind"\} (\d+)/.exec(metrics.output)?.[1] ?? -1)
  show(
    metrics,
    {
      en: 'It has left out the Services whose rules are refused, and reports them: {refused}.',
      ko: '규칙이 거부된 서비스만 빼고 이를 보고한다: {refused}개.',
    },
    { refused },
  )
  const { ran, address } = await lookUpName(lab, lab.service.name)
  show(
    ran,
    {
      en: 'The other Service, that of DNS, answers: {address}.',
      ko: '다른 서비스인 DNS는 응답한다: {address}.',
    },
    { address },
  )
  return { written, refused, dns: address }
}
