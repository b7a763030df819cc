import { useMode } from '../../ask/use-mode.js'
import { type Choice, type Lesson, type Seen } from '../lesson.js'
import { answersOf, requests } from '../requests.js'
import { serviceCounter } from '../service-counter.js'

const REQUESTS = 30

export const aPodDies: Lesson = {
  number: 6,
  title: { en: 'A Pod dies', ko: '파드가 죽는다' },
  steps: [
    {
      title: { en: 'In userspace mode', ko: 'userspace 모드에서' },
      say: {
        en: 'One of three Pods dies. Kubernetes needs some time to notice: until then its endpoint is listed. The client sends thirty requests in this time.',
        ko: '파드 셋 가운데 하나가 죽는다. 쿠버네티스가 알아차리려면 시간이 걸린다. 그때까지 엔드포인트는 목록에 있다. 그동안 클라이언트가 요청 서른 개를 보낸다.',
      },
      async prepare({ lab, show }) {
        const [pod] = lab.pods
        show(await lab.kill(pod!), { en: '{pod} is dead.', ko: '파드가 죽었다: {pod}.' }, { pod: pod!.name })
      },
      command: () => requests(REQUESTS),
      question: { en: 'How many of the thirty requests fail?', ko: '요청 서른 개 가운데 몇 개가 실패하는가?' },
      choices: failures(),
      right: 0,
      proof: serviceCounter,
      observe: failuresOf,
      why: {
        en: 'Failed: {failed}. kube-proxy opens the connection to the Pod itself. It notices at once that the dead Pod refuses, and tries the next Pod, while the client waits a moment. {pods} Pods answered; the rule counted {more} connections.',
        ko: '실패: {failed}개. 파드로 가는 연결은 kube-proxy가 직접 연다. 죽은 파드가 거절하는 것을 바로 알고 다음 파드에 시도하며, 클라이언트는 잠시 기다릴 뿐이다. 파드 {pods}개가 응답했고, 규칙은 연결 {more}개를 세었다.',
      },
    },
    {
      title: { en: 'In iptables mode', ko: 'iptables 모드에서' },
      say: {
        en: 'The Pod is still dead, and its endpoint still listed. Now the proxy runs in iptables mode, and the client sends thirty requests again.',
        ko: '파드는 여전히 죽어 있고, 엔드포인트는 여전히 목록에 있다. 이제 프록시가 iptables 모드로 돌고, 클라이언트가 다시 요청 서른 개를 보낸다.',
      },
      prepare: experiment => useMode(experiment, 'iptables'),
      command: () => requests(REQUESTS),
      question: { en: 'How many of the thirty requests fail?', ko: '요청 서른 개 가운데 몇 개가 실패하는가?' },
      choices: failures(),
      right: 1,
      proof: serviceCounter,
      observe: failuresOf,
      why: {
        en: 'Failed: {failed}. The kernel picks a Pod before the first packet leaves, and does not know whether the Pod lives. It does not pick again. {pods} Pods answered the others; the rule counted all {more} connections. In ipvs mode it is the same.',
        ko: '실패: {failed}개. 커널은 첫 패킷이 나가기 전에 파드를 고르고, 그 파드가 살아 있는지 모른다. 다시 고르지도 않는다. 나머지에는 파드 {pods}개가 응답했다. 규칙은 연결 {more}개를 모두 세었다. ipvs 모드에서도 같다.',
      },
    },
    {
      title: { en: 'The endpoint goes', ko: '엔드포인트가 없어진다' },
      say: {
        en: 'Now Kubernetes has noticed. It removes the endpoint and starts a new Pod, and kube-proxy changes the rules.',
        ko: '이제 쿠버네티스가 알아차렸다. 엔드포인트를 없애고 새 파드를 시작하며, kube-proxy는 규칙을 바꾼다.',
      },
      async prepare({ lab, show }) {
        const ran = await lab.replace(lab.pods[0]!)
        show(ran, { en: 'A new Pod runs: {pod}.', ko: '새 파드가 돈다: {pod}.' }, { pod: lab.pods.at(-1)!.name })
      },
      command: () => requests(REQUESTS),
      question: { en: 'And how many fail now?', ko: '이제 몇 개가 실패하는가?' },
      choices: failures(),
      right: 0,
      proof: serviceCounter,
      observe: failuresOf,
      why: {
        en: 'Failed: {failed}, and {pods} Pods answered; the rule counted {more} connections. In iptables and ipvs mode requests fail from the death of a Pod until every node has new rules. A readiness probe makes this time shorter, and clients should try again.',
        ko: '실패: {failed}개. 파드 {pods}개가 응답했고, 규칙은 연결 {more}개를 세었다. iptables 모드와 ipvs 모드에서는 파드가 죽은 때부터 모든 노드의 규칙이 바뀔 때까지 요청이 실패한다. 준비성 프로브는 이 시간을 줄이고, 클라이언트는 다시 시도해야 한다.',
      },
    },
  ],
}

function failures(): readonly Choice[] {
  return [
    { text: { en: 'none', ko: '0개' }, isSeen: ({ failed, more }) => failed === 0 && more === REQUESTS },
    {
      text: { en: 'about a third', ko: '3분의 1쯤' },
      isSeen: ({ failed, more }) => Number(failed) > 0 && Number(failed) < REQUESTS && more === REQUESTS,
    },
    { text: { en: 'all', ko: '모두' }, isSeen: ({ failed }) => failed === REQUESTS },
  ]
}

function failuresOf(seen: Seen): { readonly failed: number; readonly pods: number; readonly more: number } {
  const { pods, answers, more } = answersOf(seen)
  return { failed: REQUESTS - answers, pods, more }
}
