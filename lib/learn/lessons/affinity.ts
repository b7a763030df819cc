import { countAnswers } from '../../ask/requests-by-pod.js'
import { type Lesson, type Seen } from '../lesson.js'
import { answersOf, requests } from '../requests.js'
import { serviceCounter } from '../service-counter.js'

export const affinity: Lesson = {
  number: 5,
  title: { en: 'Session affinity: one client, one Pod', ko: '세션 어피니티: 클라이언트 하나에 파드 하나' },
  steps: [
    {
      title: { en: 'sessionAffinity: ClientIP', ko: 'sessionAffinity: ClientIP' },
      say: {
        en: 'So far each connection could go to another Pod. Some programs keep data of a client in memory, and need the same Pod again. Now the Service gets session affinity.',
        ko: '지금까지는 연결마다 다른 파드로 갈 수 있었다. 프로그램이 클라이언트의 데이터를 메모리에 두면, 그 클라이언트는 같은 파드로 다시 와야 한다. 이제 서비스에 세션 어피니티를 준다.',
      },
      async prepare({ lab, show }) {
        show(
          await lab.changeService(
            { affinity: true },
            `kubectl patch service nginx-service --patch '{"spec":{"sessionAffinity":"ClientIP"}}'`,
          ),
          {
            en: 'The Service has affinity by the address of the client.',
            ko: '서비스가 클라이언트의 주소로 파드를 정한다.',
          },
        )
      },
      command: () => requests(9),
      question: {
        en: 'How many Pods answer the nine requests now?',
        ko: '이제 요청 아홉 개에 파드 몇 개가 응답하는가?',
      },
      choices: [
        {
          text: { en: 'one', ko: '한 개' },
          isSeen: ({ pods, answers, more }) => pods === 1 && answers === 9 && more === 9,
        },
        { text: { en: 'two', ko: '두 개' }, isSeen: ({ pods }) => pods === 2 },
        { text: { en: 'three', ko: '세 개' }, isSeen: ({ pods }) => pods === 3 },
      ],
      right: 0,
      proof: serviceCounter,
      observe: answersOf,
      why: {
        en: 'All {answers} answers came from {pods} Pod. kube-proxy remembers the address of the client with its Pod, for three hours after the last connection by default. The rule still counted {more} new connections: affinity changes the choice, not the way.',
        ko: '응답 {answers}개가 모두 파드 {pods}개에서 왔다. kube-proxy는 클라이언트의 주소와 그 파드를 기억한다. 기본값으로 마지막 연결 뒤 세 시간 동안이다. 규칙은 여전히 새 연결 {more}개를 세었다. 어피니티는 고르는 방법을 바꿀 뿐, 길을 바꾸지 않는다.',
      },
    },
    {
      title: { en: 'The Pod of the client dies', ko: '클라이언트의 파드가 죽는다' },
      say: {
        en: 'The client belongs to one Pod. This Pod dies now, and its endpoint is still listed: a cluster needs some time to notice.',
        ko: '클라이언트는 파드 하나에 묶여 있다. 이제 그 파드가 죽는다. 엔드포인트는 아직 목록에 있다. 클러스터가 알아차리려면 시간이 걸린다.',
      },
      async prepare({ lab, show }) {
        const { output } = await lab.status('affinity')
        const pod = lab.pods.find(({ ip }) => new RegExp(`\\b${ip}:`).test(output))!
        show(await lab.kill(pod), { en: '{pod} is dead.', ko: '파드가 죽었다: {pod}.' }, { pod: pod.name })
      },
      command: () => requests(9),
      question: { en: 'What happens to the next nine requests?', ko: '다음 요청 아홉 개는 어떻게 되는가?' },
      choices: [
        { text: { en: 'they fail', ko: '실패한다' }, isSeen: ({ answers }) => Number(answers) < 9 },
        {
          text: { en: 'the other two Pods take turns', ko: '다른 두 파드가 번갈아 응답한다' },
          isSeen: ({ pod, answers }) => pod === '' && answers === 9,
        },
        {
          text: { en: 'another Pod answers all of them', ko: '다른 파드 하나가 모두 응답한다' },
          isSeen: ({ pod, answers, more }) => pod !== '' && answers === 9 && more === 9,
        },
      ],
      right: 2,
      proof: serviceCounter,
      observe: onePod,
      why: {
        en: 'kube-proxy could not connect to the dead Pod, so it took another one for this client: {pod}, with all {answers} answers. From then on the client belongs to that Pod. The rule counted {more} connections. In iptables and ipvs mode requests fail until the endpoint goes from the list.',
        ko: 'kube-proxy는 죽은 파드에 연결하지 못해 이 클라이언트에게 다른 파드({pod})를 주었고, 그 파드가 응답 {answers}개를 모두 보냈다. 이제 클라이언트는 그 파드에 묶인다. 규칙은 연결 {more}개를 세었다. iptables 모드와 ipvs 모드에서는 엔드포인트가 목록에서 없어질 때까지 요청이 실패한다.',
      },
    },
    {
      title: { en: 'Without affinity again', ko: '다시 어피니티 없이' },
      say: {
        en: 'The cluster replaces the dead Pod by a new one. Then the Service loses its affinity. The client is the same.',
        ko: '클러스터가 죽은 파드를 새 파드로 바꾼다. 그다음 서비스의 어피니티를 없앤다. 클라이언트는 그대로이다.',
      },
      async prepare({ lab, show }) {
        for (const pod of lab.deadPods)
          show(
            await lab.replace(pod),
            { en: 'A new Pod replaces {pod}.', ko: '{pod} 대신 새 파드가 돈다.' },
            { pod: pod.name },
          )
        show(
          await lab.changeService(
            { affinity: false },
            `kubectl patch service nginx-service --patch '{"spec":{"sessionAffinity":"None"}}'`,
          ),
          { en: 'The Service has no affinity.', ko: '서비스에 어피니티가 없다.' },
        )
      },
      command: () => requests(9),
      question: { en: 'Does the client stay with its Pod?', ko: '클라이언트는 자기 파드에 그대로 묶여 있는가?' },
      choices: [
        { text: { en: 'yes', ko: '그렇다' }, isSeen: ({ pods }) => pods === 1 },
        {
          text: { en: 'no, Pods take turns again', ko: '아니다. 파드가 다시 번갈아 응답한다' },
          isSeen: ({ pods, answers, more }) => Number(pods) > 1 && answers === 9 && more === 9,
        },
      ],
      right: 1,
      proof: serviceCounter,
      observe: answersOf,
      why: {
        en: 'kube-proxy applies the change at once, also for clients that it knows: {answers} answers came from {pods} Pods, on {more} counted connections.',
        ko: 'kube-proxy는 이미 아는 클라이언트에도 변경을 곧바로 적용한다. 규칙이 센 연결 {more}개에 파드 {pods}개가 응답 {answers}개를 보냈다.',
      },
    },
  ],
}

/** The Pod that has answered all requests; empty if there was more than one. */
function onePod(seen: Seen): { readonly pod: string; readonly answers: number; readonly more: number } {
  const { pods, answers, more } = answersOf(seen)
  const [pod = ''] = countAnswers(seen.ran.output).keys()
  return { pod: pods === 1 ? pod : '', answers, more }
}
