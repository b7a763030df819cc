import { CURL, type Question } from '../question.js'
import { type CountedRequests, requestsByPod, sumOf } from '../requests-by-pod.js'
import { useMode } from '../use-mode.js'

/** So many that chance deals the same number to each Pod in fewer than one of 2000 runs. */
const CONNECTIONS = 200
const PODS = 4

export const unevenLoad: Question = {
  number: 6,
  title: { en: 'Why is the load uneven with 4 Pods?', ko: '파드가 4개인데 왜 부하가 고르지 않은가?' },
  asked: [],
  words: ['balance', 'distribution', 'round robin', 'random', 'PgBouncer', '분산', '균등'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    show(await lab.scale(PODS), { en: 'Four Pods.', ko: '파드 네 개.' })
    const inTurn = await requestsByPod(lab, CONNECTIONS)
    const turns = extremes(inTurn)
    show(
      inTurn.ran,
      {
        en: 'Userspace mode, {connections} new connections: kube-proxy gives each Pod its turn. Most: {most}, fewest: {fewest}.',
        ko: 'userspace 모드, 새 연결 {connections}개: kube-proxy가 파드에 차례로 나눈다. 가장 많은 파드: {most}개, 가장 적은 파드: {fewest}개.',
      },
      { connections: CONNECTIONS, ...turns },
    )
    await useMode(experiment, 'iptables')
    const atRandom = await requestsByPod(lab, CONNECTIONS)
    const chance = extremes(atRandom)
    show(
      atRandom.ran,
      {
        en: 'The same {connections} connections: the kernel chooses a Pod at random for each, and does not know what it chose before. Most: {most}, fewest: {fewest}.',
        ko: '같은 연결 {connections}개: 커널이 연결마다 파드를 무작위로 고르고, 앞서 무엇을 골랐는지 모른다. 가장 많은 파드: {most}개, 가장 적은 파드: {fewest}개.',
      },
      { connections: CONNECTIONS, ...chance },
    )
    return {
      proof: {
        en: `most and fewest of ${CONNECTIONS} connections at a Pod, in turn and at random`,
        ko: `연결 ${CONNECTIONS}개 가운데 한 파드가 받은 최대와 최소, 차례대로와 무작위`,
      },
      value: `${turns.most}/${turns.fewest}, ${chance.most}/${chance.fewest}`,
      answer: {
        en: 'Because iptables mode chooses at random, and chance does not deal evenly: of {connections} connections the busiest Pod got {most} and the idlest {fewest}. In turn, as in userspace mode, it was {evenMost} and {evenFewest}. Only new connections are shared out: a pool of a few long connections stays as chance has dealt it.',
        ko: 'iptables 모드는 무작위로 고르고, 무작위는 똑같이 나누지 않기 때문이다. 연결 {connections}개 가운데 가장 바쁜 파드가 {most}개, 가장 한가한 파드가 {fewest}개를 받았다. userspace 모드처럼 차례대로 나누면 {evenMost}개와 {evenFewest}개였다. 나누는 것은 새 연결뿐이다. 오래가는 연결이 몇 개뿐인 풀은 처음에 우연히 나뉜 대로 남는다.',
      },
      values: { connections: CONNECTIONS, ...chance, evenMost: turns.most, evenFewest: turns.fewest },
      holds:
        turns.most === turns.fewest &&
        chance.most > chance.fewest &&
        sumOf(inTurn.counts) === CONNECTIONS &&
        sumOf(atRandom.counts) === CONNECTIONS,
    }
  },
}

function extremes({ counts }: CountedRequests): { readonly most: number; readonly fewest: number } {
  const all = [...counts.values()]
  // A Pod without any answer has no line.
  return { most: Math.max(...all), fewest: all.length < PODS ? 0 : Math.min(...all) }
}
