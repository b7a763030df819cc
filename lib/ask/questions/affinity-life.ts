import { CURL, type Question } from '../question.js'
import { type Lab, type Ran } from '../lab.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'

const SHORT_SECONDS = 1
const LONG_SECONDS = 600

export const affinityLife: Question = {
  number: 11,
  title: {
    en: 'How long does affinity last, and what if its Pod dies?',
    ko: '어피니티는 얼마나 지속되는가? 묶인 파드가 죽으면 어떻게 되는가?',
  },
  asked: ['kubernetes#24648', 'kubernetes#89358'],
  words: ['sessionAffinity', 'ClientIP', 'sticky', 'timeoutSeconds', 'session', '세션', '고정'],
  programs: CURL,
  async run({ lab, show }) {
    show(
      await setTimeoutSeconds(lab, LONG_SECONDS),
      {
        en: 'Affinity by the address of the client, for {seconds} s. By default it lasts for three hours (10800 s).',
        ko: '클라이언트의 주소에 따라 어피니티를 {seconds}초 동안 유지한다. 기본값은 세 시간(10800초)이다.',
      },
      { seconds: LONG_SECONDS },
    )
    const first = await ask(lab)
    const second = await ask(lab)
    show(
      second.ran,
      {
        en: 'Two requests, one after the other: {first}, then {second}.',
        ko: '연달아 두 번 요청한다. {first}, 그다음 {second}.',
      },
      { first: first.pod, second: second.pod },
    )
    show(
      await setTimeoutSeconds(lab, SHORT_SECONDS),
      {
        en: 'Now affinity lasts for {seconds} s. The change also counts for clients that the proxy knows.',
        ko: '이제 어피니티는 {seconds}초 동안 지속된다. 프록시가 이미 아는 클라이언트에도 적용된다.',
      },
      { seconds: SHORT_SECONDS },
    )
    const gone = await lab.until(
      ({ output }) => !output.includes(lab.clientIP),
      () => lab.status('affinity'),
    )
    show(gone, {
      en: 'The proxy has forgotten the client: its last request was longer ago than that.',
      ko: '프록시가 클라이언트를 잊었다. 마지막 요청이 있은 지 그보다 오래되었다.',
    })
    const later = await ask(lab)
    show(
      later.ran,
      { en: 'So the next Pod in turn answers: {pod}.', ko: '그래서 다음 차례의 파드가 응답한다: {pod}.' },
      { pod: later.pod },
    )
    show(
      await setTimeoutSeconds(lab, LONG_SECONDS),
      { en: 'Affinity lasts for {seconds} s again.', ko: '어피니티를 다시 {seconds}초로 늘린다.' },
      { seconds: LONG_SECONDS },
    )
    const victim = lab.pods.find(({ name }) => name === later.pod)!
    show(
      await lab.kill(victim),
      {
        en: '{pod} dies while the client belongs to it.',
        ko: '클라이언트가 묶여 있는 파드({pod})가 죽는다.',
      },
      { pod: victim.name },
    )
    const held = await lab.status('affinity')
    const isHeld = held.output.includes(lab.clientIP) && held.output.includes(victim.ip)
    show(
      held,
      {
        en: 'The proxy still has the client at the dead Pod, {address}.',
        ko: '프록시의 목록에서 클라이언트는 아직 죽은 파드({address})에 묶여 있다.',
      },
      { address: victim.ip },
    )
    const rescued = await ask(lab)
    const same = await ask(lab)
    show(
      same.ran,
      {
        en: 'kube-proxy cannot connect to it, and takes another one, which the client then keeps: {pod}, and {again} again.',
        ko: 'kube-proxy는 이 파드에 연결하지 못하므로 다른 파드를 고르고, 클라이언트는 이제 거기에 묶인다. {pod}, 다시 {again}.',
      },
      { pod: rescued.pod, again: same.pod },
    )
    return {
      proof: {
        en: 'Pods that answered: at first, again, after the timeout, after the death of that Pod',
        ko: '응답한 파드: 처음, 다시, 시간이 지난 뒤, 그 파드가 죽은 뒤',
      },
      value: [first, second, later, rescued].map(({ pod }) => pod).join(', '),
      answer: {
        en: 'It lasts timeoutSeconds after the last connection; each new one starts the time again. Within {long} s {first} answered again; after {short} s without a request {later} did. When that Pod died, {rescued} took its place for the client; in iptables and ipvs mode the client fails until the dead endpoint goes from the list.',
        ko: '마지막 연결 뒤 timeoutSeconds 동안 지속된다. 새 연결마다 시간이 다시 시작된다. {long}초 안에는 같은 파드({first})가 다시 응답했고, 요청 없이 {short}초가 지난 뒤에는 다른 파드({later})가 응답했다. 그 파드가 죽자 다른 파드({rescued})가 이 클라이언트를 맡았다. iptables 모드와 ipvs 모드에서는 죽은 엔드포인트가 목록에서 없어질 때까지 클라이언트가 실패한다.',
      },
      values: { long: LONG_SECONDS, short: SHORT_SECONDS, first: first.pod, later: later.pod, rescued: rescued.pod },
      holds:
        first.pod !== '' &&
        second.pod === first.pod &&
        later.pod !== first.pod &&
        isHeld &&
        rescued.pod !== later.pod &&
        rescued.pod !== '' &&
        same.pod === rescued.pod,
    }
  },
}

function setTimeoutSeconds(lab: Lab, timeoutSeconds: number): Promise<Ran> {
  const sessionAffinityConfig = { clientIP: { timeoutSeconds } }
  const patch = { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig } }
  return lab.changeService(
    { affinity: true, spec: { sessionAffinityConfig } },
    `kubectl patch service nginx-service --patch '${JSON.stringify(patch)}'`,
  )
}

async function ask(lab: Lab): Promise<{ readonly ran: Ran; readonly pod: string }> {
  const ran = await lab.run('client', 'curl', '-s', ...PATIENCE.answer, `http://${lab.service.clusterIP}`)
  return { ran, pod: answersIn(ran.output)[0]?.pod ?? '' }
}
