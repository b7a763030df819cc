import { type FrontendView } from '../../../status/service-view.js'
import { type Texts } from '../en.js'
import { numberFormat } from '../number-format.js'
import { sentenceInKorean } from './sentence-in-korean.js'

type Action = NonNullable<FrontendView['actions']>['fromPods']

const number = numberFormat('ko')

const ACTIONS: Readonly<Record<Action, string>> = {
  cluster: '모든 엔드포인트로',
  local: '이 노드의 엔드포인트로',
  'cluster-firewalled': '소스 범위에서 올 때만, 모든 엔드포인트로',
  'local-firewalled': '소스 범위에서 올 때만, 이 노드의 엔드포인트로',
  drop: '버림: 엔드포인트가 모두 다른 노드에 있다',
}

const KINDS: Readonly<Record<FrontendView['kind'], string>> = {
  'cluster IP': '클러스터 IP',
  'external IP': '외부 IP',
  'load-balancer IP': '로드 밸런서 IP',
  'node port': '노드 포트',
}

/** The Korean texts of the view of all Services. */
export const SERVICES: Texts['services'] = {
  title: '서비스',
  about: '서비스의 포트마다, 이 노드에서 트래픽을 받는 엔드포인트가 몇 개인지 보여 준다.',
  service: '서비스',
  port: '포트',
  clusterIP: 'ClusterIP',
  nodePort: '노드 포트',
  endpoints: '쓰는 엔드포인트',
  used: (used, all) => `${number(all)}개 중 ${number(used)}개`,
  policy: '정책',
  policies: (internal, external) => (internal === external ? internal : `내부 ${internal}, 외부 ${external}`),
  affinity: '어피니티',
  seconds: seconds => `${number(seconds)}초`,
  notServed: '처리 안 함',
  addresses: value => `주소 ${number(value)}개`,
}

/** The Korean texts of the view of one Service. */
export const SERVICE: Texts['service'] = {
  title: (namespace, name) => `서비스 ${namespace}/${name}`,
  about: '이 서비스의 주소, 그리고 엔드포인트마다 트래픽이 가거나 가지 않는 이유를 보여 준다.',
  all: '모든 서비스',
  addresses: '클라이언트가 쓰는 주소',
  address: '주소',
  kind: '종류',
  kindOf: kind => KINDS[kind],
  family: 'IP 패밀리',
  served: '처리',
  nodeAddress: port => `노드:${port}`,
  fromPods: '파드에서',
  fromNode: '이 노드에서',
  fromOutside: '밖에서',
  action: action => ACTIONS[action],
  balancer: name => `userspace 모드에서 다음 엔드포인트를 고르는 방법: ${name}.`,
  why: '왜 이 파드인가?',
  whyAbout: '"사용"인 엔드포인트는 트래픽을 받고, "제외"인 것은 받지 않는다.',
  endpoint: '엔드포인트',
  port: '포트',
  state: '상태',
  in: '사용',
  out: '제외',
  ejected: '잠시 제외',
  reason: '이유',
  verdict: ({ text }) => sentenceInKorean(text) ?? text,
  localToo: text => `이 노드에 머물러야 하는 트래픽: ${text}.`,
  ejectedWhy: seconds => `방금 실패해서 ${number(seconds)}초 동안 새 클라이언트를 받지 않는다.`,
  open: '열린 연결',
  slice: 'EndpointSlice',
}
