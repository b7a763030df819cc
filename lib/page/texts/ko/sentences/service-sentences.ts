import { type SentencePattern } from '../../create-translator.js'

/** How a Service chooses an endpoint, and its addresses and listeners. */
export const SERVICE_SENTENCES: readonly SentencePattern[] = [
  // How an endpoint is picked.
  ['they take turns', '차례대로'],
  ['the one with the fewest open connections', '열린 연결이 가장 적은 것'],
  ['of two at random, the one with fewer open connections', '무작위로 고른 둘 가운데 열린 연결이 더 적은 것'],
  [
    'kube-proxy picks of {count:part}: {how:sentence}. Next is {next:part}: any of them may accept the client',
    'kube-proxy가 {count:part} 가운데 고른다: {how:sentence}. 다음은 {next:part}이고, 그중 누구나 클라이언트를 받을 수 있다',
  ],
  [
    'kube-proxy picks of {count:part}: {how:sentence}. Next is {next}',
    'kube-proxy가 {count:part} 가운데 고른다: {how:sentence}. 다음은 {next}',
  ],
  ['kube-proxy picks of {count:part}: {how:sentence}', 'kube-proxy가 {count:part} 가운데 고른다: {how:sentence}'],
  ['{first:sentence}, {second:sentence}', '{first:sentence}, {second:sentence}'],
  ['not known in worker {worker:number}', '워커 {worker:number}에서는 알 수 없음'],
  ['{address:word} in worker {worker:number}', '워커 {worker:number}에서는 {address:word}'],
  [
    'IPVS picks of {count:part} with scheduler {scheduler:word}',
    'IPVS가 스케줄러 {scheduler:word}로 {count:part} 가운데 고른다',
  ],
  [
    'The kernel picks of {count:part} at random, with the same odds for each',
    '커널이 {count:part} 가운데 무작위로, 같은 확률로 고른다',
  ],
  ['No endpoint can be picked', '고를 수 있는 엔드포인트가 없다'],
  ['None: session affinity decides', '없음: 세션 어피니티가 정한다'],
  // Policies and affinity.
  [
    '{name:word} is Cluster: endpoints on all nodes may serve',
    '{name:word}이(가) Cluster다: 모든 노드의 엔드포인트가 처리할 수 있다',
  ],
  [
    '{name:word} is Local: only endpoints on this node may serve',
    '{name:word}이(가) Local이다: 이 노드의 엔드포인트만 처리할 수 있다',
  ],
  [
    '{name:word} is Local, but not for clients inside the cluster: endpoints on all nodes may serve',
    '{name:word}이(가) Local이지만 클러스터 안의 클라이언트에게는 아니다: 모든 노드의 엔드포인트가 처리할 수 있다',
  ],
  ['None: each new connection is picked for itself', '없음: 새 연결마다 따로 고른다'],
  [
    'ClientIP: {client:word} keeps {endpoint:word} for {left:number} s more, until it has opened none for {all:number} s. Its last connection was {ago:number} s ago. It ends sooner if the endpoint is no longer used, or does not take a connection of this client',
    'ClientIP: {client:word}은(는) {endpoint:word}을(를) 앞으로 {left:number}초 동안, 곧 {all:number}초 동안 새 연결을 열지 않을 때까지 계속 쓴다. 마지막 연결은 {ago:number}초 전이다. 그 엔드포인트를 더 쓰지 않거나 이 클라이언트의 연결을 받지 않으면 더 일찍 끝난다',
  ],
  [
    'ClientIP: {client:word} keeps {endpoint:word} for {left:number} s more, until it has opened none for {all:number} s. Its last connection was {ago:number} s ago. It ends sooner if the endpoint is no longer used',
    'ClientIP: {client:word}은(는) {endpoint:word}을(를) 앞으로 {left:number}초 동안, 곧 {all:number}초 동안 새 연결을 열지 않을 때까지 계속 쓴다. 마지막 연결은 {ago:number}초 전이다. 그 엔드포인트를 더 쓰지 않으면 더 일찍 끝난다',
  ],
  [
    'ClientIP: {client:word} keeps no endpoint now. Later connections of {again:word} go to the same endpoint, until it has opened none for {all:number} s',
    'ClientIP: {client:word}이(가) 지금 계속 쓰는 엔드포인트는 없다. {again:word}의 다음 연결들은 같은 엔드포인트로 간다. {all:number}초 동안 새 연결이 없으면 끝난다',
  ],
  [
    'ClientIP: later connections of {client:word} go to the same endpoint, until it has opened none for {all:number} s',
    'ClientIP: {client:word}의 다음 연결들은 같은 엔드포인트로 간다. {all:number}초 동안 새 연결이 없으면 끝난다',
  ],
  // Frontends.
  ['cluster IP of Service {name:word}', '서비스 {name:word}의 클러스터 IP'],
  ['external IP of Service {name:word}', '서비스 {name:word}의 외부 IP'],
  ['load-balancer IP of Service {name:word}', '서비스 {name:word}의 로드 밸런서 IP'],
  ['node port of Service {name:word}', '서비스 {name:word}의 노드 포트'],
  ['cluster IP', '클러스터 IP'],
  ['external IP', '외부 IP'],
  ['load-balancer IP', '로드 밸런서 IP'],
  ['node port', '노드 포트'],
  ['{why:sentence} ({winner:sentence})', '{why:sentence} ({winner:sentence})'],
  ['a cluster IP is served for its own Service only', '클러스터 IP는 자기 서비스에만 쓰인다'],
  ['the Service whose name comes first is served', '이름이 먼저인 서비스가 처리된다'],
  ['the older Service is served', '더 오래된 서비스가 처리된다'],
  ['a {winner:part} goes before an {loser:part}', '{winner:part}가 {loser:part}보다 먼저다'],
  ['a {winner:part} goes before a {loser:part}', '{winner:part}가 {loser:part}보다 먼저다'],
  // Listeners.
  ['rules lead the packets of these addresses here', '규칙이 이 주소들의 패킷을 여기로 보낸다'],
  ['no rule leads here now', '지금 여기로 보내는 규칙이 없다'],
  [
    'holds the node port, so that no other program takes it, and serves it on loopback',
    '다른 프로그램이 가져가지 못하게 노드 포트를 잡고, 루프백에서 처리한다',
  ],
  [
    'closed, because no endpoint may be used here now: the kernel refuses clients',
    '지금 여기서 쓸 수 있는 엔드포인트가 없어서 닫혀 있다. 커널이 클라이언트를 거절한다',
  ],
  // Counts and single words.
  ['{count:number} endpoint', '엔드포인트 {count:number}개'],
  ['{count:number} endpoints', '엔드포인트 {count:number}개'],
  ['{count:number} real server', '실제 서버 {count:number}개'],
  ['{count:number} real servers', '실제 서버 {count:number}개'],
  ['connection', '연결'],
  ['flow', '플로'],
]
