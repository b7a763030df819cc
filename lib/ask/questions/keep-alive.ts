import { CURL, type Question } from '../question.js'
import { packetsTo, readChain } from '../read-chain.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'

const REQUESTS = 6
const CHAIN = 'KUBE-PORTALS-CONTAINER'

export const keepAlive: Question = {
  number: 7,
  title: {
    en: 'Why do all requests of a keep-alive or gRPC client go to one Pod?',
    ko: 'keep-alive나 gRPC 클라이언트의 요청은 왜 모두 한 파드로 가는가?',
  },
  asked: ['kubernetes#38456', 'kubernetes#5292'],
  words: ['keepalive', 'http2', 'long-lived', 'persistent connection', '연결 재사용'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP } = lab.service
    const count = async (): Promise<number> => packetsTo((await readChain(lab, CHAIN)).rules, clusterIP, 80)
    const atStart = await count()
    const kept = await requestsByPod(lab, REQUESTS, { keepAlive: true })
    const afterKept = await count()
    const connections = afterKept - atStart
    show(
      kept.ran,
      {
        en: 'One curl sends {requests} requests over one connection, as HTTP/1.1 and gRPC clients do. Pods that answered: {pods}.',
        ko: 'curl 하나가 HTTP/1.1이나 gRPC 클라이언트처럼 연결 하나로 요청 {requests}개를 보낸다. 응답한 파드: {pods}개.',
      },
      { requests: REQUESTS, pods: kept.counts.size },
    )
    const fresh = await requestsByPod(lab, REQUESTS)
    show(
      fresh.ran,
      {
        en: 'The same {requests} requests, each over a connection of its own. Pods that answered: {pods}.',
        ko: '같은 요청 {requests}개를 저마다 새 연결로 보낸다. 응답한 파드: {pods}개.',
      },
      { requests: REQUESTS, pods: fresh.counts.size },
    )
    const after = await readChain(lab, CHAIN)
    const more = packetsTo(after.rules, clusterIP, 80) - afterKept
    show(
      after.ran,
      {
        en: 'The rule counts connections: {connections} for the first curl, {more} for the second.',
        ko: '규칙은 연결을 센다. 첫 번째 curl에 {connections}개, 두 번째 curl에 {more}개이다.',
      },
      { connections, more },
    )
    return {
      proof: {
        en: `Pods that answered ${REQUESTS} requests, over one connection and over new ones`,
        ko: `요청 ${REQUESTS}개에 응답한 파드 수, 연결 하나일 때와 매번 새 연결일 때`,
      },
      value: `${kept.counts.size}, ${fresh.counts.size}`,
      answer: {
        en: 'A Service chooses a Pod for each connection, not for each request. Over {connections} connection, {kept} Pod answered all {requests} requests; over {more} connections, {fresh} Pods did. Close connections from time to time (such as max-age of gRPC), or balance in the client or in a proxy that reads HTTP, over a headless Service.',
        ko: '서비스는 요청이 아니라 연결마다 파드를 고른다. 연결 {connections}개로 보낸 요청 {requests}개에는 파드 {kept}개가, 연결 {more}개로 보낸 요청에는 파드 {fresh}개가 응답했다. 때때로 연결을 닫거나(gRPC의 max-age 등), 헤드리스 서비스를 두고 클라이언트나 HTTP를 읽는 프록시가 나누게 한다.',
      },
      values: { connections, kept: kept.counts.size, requests: REQUESTS, more, fresh: fresh.counts.size },
      holds:
        kept.counts.size === 1 &&
        fresh.counts.size === 3 &&
        connections === 1 &&
        more === REQUESTS &&
        sumOf(kept.counts) === REQUESTS,
    }
  },
}
