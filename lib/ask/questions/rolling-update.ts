import { CURL, type Question } from '../question.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'
import { useMode } from '../use-mode.js'

const REQUESTS = 30

export const rollingUpdate: Question = {
  number: 18,
  title: { en: 'Why did my rolling update lose requests?', ko: '롤링 업데이트에서 왜 요청을 잃었는가?' },
  asked: ['kubernetes#20521', 'kubernetes#84671'],
  words: ['preStop', 'terminating', 'graceful', 'deploy', 'termination', '업데이트', '배포'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    await useMode(experiment, 'iptables')
    const [first] = lab.pods
    show(
      await lab.kill(first!),
      {
        en: 'The old Pod {pod} ends at once when it is asked to. Its endpoint is removed only later: the two are not coordinated.',
        ko: '이전 파드({pod})는 종료 신호를 받자마자 끝난다. 엔드포인트는 나중에야 없어진다. 두 일은 서로 조율되지 않는다.',
      },
      { pod: first!.name },
    )
    const early = await requestsByPod(lab, REQUESTS)
    const lostEarly = REQUESTS - sumOf(early.counts)
    show(
      early.ran,
      {
        en: 'Requests in this gap: {lost} of {requests} fail.',
        ko: '그 사이의 요청: {requests}개 가운데 {lost}개가 실패한다.',
      },
      { lost: lostEarly, requests: REQUESTS },
    )
    show(await lab.replace(first!), {
      en: 'The endpoint goes, and a new Pod comes.',
      ko: '엔드포인트가 없어지고 새 파드가 온다.',
    })
    const [second] = lab.pods
    show(
      await lab.setReady(second!, false),
      {
        en: 'Now the other order: first the endpoint of {pod} goes (NotReady), while its program still serves. A preStop hook that sleeps for some seconds does that.',
        ko: '이번에는 순서를 바꾼다. 먼저 파드({pod})의 엔드포인트가 없어지고(NotReady), 프로그램은 아직 요청을 처리한다. 몇 초 쉬는 preStop 훅이 그렇게 한다.',
      },
      { pod: second!.name },
    )
    show(await lab.kill(second!), { en: 'Then the program ends.', ko: '그다음 프로그램이 끝난다.' })
    const late = await requestsByPod(lab, REQUESTS)
    const lostLate = REQUESTS - sumOf(late.counts)
    show(
      late.ran,
      {
        en: 'Requests that fail: {lost} of {requests}.',
        ko: '실패하는 요청: {requests}개 가운데 {lost}개.',
      },
      { lost: lostLate, requests: REQUESTS },
    )
    return {
      proof: {
        en: `failed requests of ${REQUESTS}: the Pod ends first, the endpoint goes first`,
        ko: `요청 ${REQUESTS}개 가운데 실패한 수: 파드가 먼저 끝날 때, 엔드포인트가 먼저 없어질 때`,
      },
      value: `${lostEarly}, ${lostLate}`,
      answer: {
        en: 'Because the Pod ended before every node had removed its endpoint: {lostEarly} of {requests} requests failed in between. With the endpoint gone first it was {lostLate}. Let the program serve for some seconds after SIGTERM (or sleep in a preStop hook), and give new Pods a readiness probe; userspace mode also tries another Pod.',
        ko: '모든 노드가 엔드포인트를 없애기 전에 파드가 끝났기 때문이다. 그 사이에 요청 {requests}개 가운데 {lostEarly}개가 실패했다. 엔드포인트가 먼저 없어지면 {lostLate}개였다. 프로그램이 SIGTERM을 받은 뒤에도 몇 초 더 처리하게 하고(또는 preStop 훅에서 쉬고), 새 파드에는 준비성 프로브를 준다. userspace 모드는 다른 파드에 시도하기도 한다.',
      },
      values: { lostEarly, requests: REQUESTS, lostLate },
      holds: lostEarly > 0 && lostLate === 0,
    }
  },
}
