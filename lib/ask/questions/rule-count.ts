import { CURL, type Question, type ShowStep } from '../question.js'
import { type DemoServicePort } from '../../demo/cluster-objects.js'
import { type Lab, type Ran } from '../lab.js'
import { PATIENCE } from '../patience.js'
import { useMode } from '../use-mode.js'

const MORE = 100
const COUNT = "iptables-save | grep -c '^-A'"

export const ruleCount: Question = {
  number: 25,
  title: {
    en: 'How many rules does a Service need, what does the 10,000th cost, why a rule for a Service without endpoints?',
    ko: '서비스 하나에 규칙이 몇 개 필요한가? 10,000번째 서비스의 비용은 얼마인가? 엔드포인트 없는 서비스에 왜 규칙이 있는가?',
  },
  asked: ['kubernetes#96018', 'kubernetes#97360'],
  words: ['scale', 'performance', 'rules', 'REJECT', 'latency', '규모', '성능', '규칙'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    show(await onePort(lab), {
      en: 'The Service has one port, with a name.',
      ko: '서비스에 이름 있는 포트가 하나 있다.',
    })
    const userspace = await perPort(lab, show)
    show(
      userspace.ran,
      {
        en: 'Userspace mode, {more} more Service ports with 3 endpoints each: {before} rules became {after}, that is {each} for each port.',
        ko: 'userspace 모드, 엔드포인트가 3개씩인 서비스 포트를 {more}개 더한다. 규칙이 {before}개에서 {after}개가 되었다. 포트마다 {each}개이다.',
      },
      { more: MORE, ...userspace.values },
    )
    show(await onePort(lab), { en: 'One port again.', ko: '다시 포트 하나.' })
    await useMode(experiment, 'iptables')
    const iptables = await perPort(lab, show)
    show(
      iptables.ran,
      {
        en: 'iptables mode, the same {more} ports: {before} became {after}, {each} for each port, since every endpoint has rules of its own.',
        ko: 'iptables 모드, 같은 포트 {more}개: {before}개에서 {after}개가 되었다. 엔드포인트마다 자기 규칙이 있으므로 포트마다 {each}개이다.',
      },
      { more: MORE, ...iptables.values },
    )
    const list = await lab.shell('node', "iptables -t nat -S KUBE-SERVICES | grep -c '^-A'")
    show(
      list,
      {
        en: 'In iptables mode the first packet of a connection passes the list of all Service ports, {length} rules here. That is the cost of the 10,000th: one more comparison for the first packet of each connection to a later port, and none for the packets after it.',
        ko: 'iptables 모드에서 연결의 첫 패킷은 모든 서비스 포트의 목록을 지난다. 여기서는 규칙 {length}개이다. 10,000번째 서비스의 비용은 이것이다. 그보다 뒤의 포트로 가는 연결마다 첫 패킷에서 비교를 한 번 더 하고, 그 뒤의 패킷에서는 하지 않는다.',
      },
      { length: list.output },
    )
    show(await onePort(lab), { en: 'One port again.', ko: '다시 포트 하나.' })
    show(await lab.scale(0), { en: 'All its Pods go.', ko: '파드가 모두 없어진다.' })
    const reject = await lab.shell('node', 'iptables-save -t filter | grep REJECT')
    const rejects = reject.output.match(/nginx-service\S* has no endpoints/g)?.length ?? 0
    const refused = await lab.run('client', 'curl', '-sS', ...PATIENCE.answer, `http://${lab.service.clusterIP}`)
    show(
      reject,
      {
        en: 'The Service has no endpoints now. Rules that reject its clients: {rejects}.',
        ko: '이제 서비스에 엔드포인트가 없다. 클라이언트를 거절하는 규칙: {rejects}개.',
      },
      { rejects },
    )
    show(
      refused,
      {
        en: 'So the client knows at once (exit code {code} of curl).',
        ko: '그래서 클라이언트는 곧바로 알게 된다(curl의 종료 코드 {code}).',
      },
      { code: refused.exitCode },
    )
    return {
      proof: {
        en: 'rules for one Service port with 3 endpoints, in userspace mode and in iptables mode',
        ko: '엔드포인트가 3개인 서비스 포트 하나의 규칙 수, userspace 모드와 iptables 모드',
      },
      value: `${userspace.values.each}, ${iptables.values.each}`,
      answer: {
        en: 'One port with 3 endpoints took {userspace} rules in userspace mode and {iptables} in iptables mode. The 10,000th Service lengthens a list that only the first packet of a connection passes ({length} rules here); in userspace mode the rules form trees by address instead. A Service without endpoints keeps {rejects} rule so that clients are refused at once (code {code}).',
        ko: '엔드포인트가 3개인 포트 하나에 userspace 모드에서는 규칙 {userspace}개, iptables 모드에서는 {iptables}개가 들었다. 10,000번째 서비스는 연결의 첫 패킷만 지나는 목록(여기서는 규칙 {length}개)을 늘린다. userspace 모드에서는 규칙이 목록 대신 주소에 따라 트리를 이룬다. 엔드포인트 없는 서비스에 규칙 {rejects}개가 남는 것은 클라이언트를 곧바로 거절하기 위해서이다(코드 {code}).',
      },
      values: {
        userspace: userspace.values.each,
        iptables: iptables.values.each,
        length: list.output,
        rejects,
        code: refused.exitCode,
      },
      holds:
        userspace.values.each > 0 &&
        iptables.values.each > userspace.values.each &&
        Number(list.output) > MORE &&
        rejects === 1 &&
        refused.exitCode === 7,
    }
  },
}

const FIRST_PORT: DemoServicePort = { name: 'p0', port: 80, targetPort: 80, protocol: 'TCP' }

function onePort(lab: Lab): Promise<Ran> {
  return lab.changeService({ ports: [FIRST_PORT] }, 'kubectl apply -f nginx-service-with-one-port.yaml')
}

/** How many rules more ports need. */
async function perPort(lab: Lab, show: ShowStep) {
  const before = Number((await lab.shell('node', COUNT)).output)
  const more = Array.from({ length: MORE }, (_, index) => ({
    ...FIRST_PORT,
    name: `p${index + 1}`,
    port: 8001 + index,
  }))
  const changed = await lab.changeService(
    { ports: [FIRST_PORT, ...more] },
    `kubectl apply -f nginx-service-with-${MORE}-more-ports.yaml`,
  )
  show(changed, { en: 'It gets {more} more ports.', ko: '포트를 {more}개 더한다.' }, { more: MORE })
  const ran = await lab.shell('node', COUNT)
  const after = Number(ran.output)
  return { ran, values: { before, after, each: (after - before) / MORE } }
}
