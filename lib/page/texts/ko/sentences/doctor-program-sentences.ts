import { type SentencePattern } from '../../create-translator.js'
import { LIFE } from '../life.js'

/** What the doctor says of the proxy, session affinity, the DNS and connection tracking. */
export const DOCTOR_PROGRAM_SENTENCES: readonly SentencePattern[] = [
  // The proxy.
  [
    'No proxy answers on this node, and in {mode:word} mode connections pass through it',
    '이 노드에서 프록시가 답하지 않는다. {mode:word} 모드에서는 연결이 프록시를 지난다',
  ],
  [
    'process {pid:number}, version {version:word}, {mode:word} mode, {state:part}',
    '프로세스 {pid:number}, 버전 {version:word}, {mode:word} 모드, {state:part}',
  ],
  ['The proxy of this node is not healthy', '이 노드의 프록시가 비정상이다'],
  ['the sync of {family:word} rules at {at:word} failed', '{at:word}의 {family:word} 규칙 동기화가 실패했다'],
  ['it is {state:sentence}', '상태: {state:sentence}'],
  ...LIFE,
  ['done', '성공'],
  ['failed', '실패'],
  ['the proxy listens at the ports that rules lead to: {ports}', '규칙이 가리키는 포트에서 프록시가 리슨한다: {ports}'],
  [
    'Rules lead to {place:word}, and the proxy does not listen there for this Service',
    '규칙이 {place:word}을(를) 가리키는데, 프록시가 거기서 이 서비스를 위해 리슨하지 않는다',
  ],
  ['its open ports: {ports:part}', '열린 포트: {ports:part}'],
  // Session affinity.
  ['none: each connection is picked for itself', '없음: 연결마다 따로 고른다'],
  ['no record of clients can be read here', '여기서 읽을 수 있는 클라이언트 기록이 없다'],
  [
    'ClientIP: {clients:number} clients with {count:number} connections are known',
    'ClientIP: 알려진 클라이언트 {clients:number}개, 연결 {count:number}개',
  ],
  [
    '{some:number} of the last {all:number} connections to {port:part} came from {client:addresses}, an address of this node, and session affinity keeps them at {endpoint:word}; {others:part} get none. That is right for one busy client. If NAT (a gateway, a load balancer, another node) hides many clients behind this address, let the proxy see them',
    '{port:part}의 최근 연결 {all:number}개 가운데 {some:number}개가 이 노드의 주소 {client:addresses}에서 왔고, 세션 어피니티가 그것을 {endpoint:word}에 묶어 둔다. {others:part}에는 하나도 가지 않는다. 바쁜 클라이언트 하나라면 정상이다. NAT(게이트웨이, 로드 밸런서, 다른 노드)가 여러 클라이언트를 이 주소 뒤에 숨긴다면, 프록시가 클라이언트의 주소를 볼 수 있게 한다',
  ],
  [
    '{some:number} of the last {all:number} connections to {port:part} came from {client:addresses}, and session affinity keeps them at {endpoint:word}; {others:part} get none. That is right for one busy client. If NAT (a gateway, a load balancer, another node) hides many clients behind this address, let the proxy see them',
    '{port:part}의 최근 연결 {all:number}개 가운데 {some:number}개가 {client:addresses}에서 왔고, 세션 어피니티가 그것을 {endpoint:word}에 묶어 둔다. {others:part}에는 하나도 가지 않는다. 바쁜 클라이언트 하나라면 정상이다. NAT(게이트웨이, 로드 밸런서, 다른 노드)가 여러 클라이언트를 이 주소 뒤에 숨긴다면, 프록시가 클라이언트의 주소를 볼 수 있게 한다',
  ],
  // The DNS.
  ['the cluster DNS {addresses:addresses}', '클러스터 DNS {addresses:addresses}'],
  ['the cluster DNS', '클러스터 DNS'],
  [
    '{name:word} is {addresses:addresses}, as {server:sentence} says',
    '{server:sentence}의 답: {name:word}은(는) {addresses:addresses}이다',
  ],
  [
    '{server:sentence} does not know {name:word}, and the domain in it is only the usual one: give --cluster-domain',
    '{server:sentence}이(가) {name:word}을(를) 모른다. 이 이름의 도메인은 흔히 쓰는 것을 가정했을 뿐이다. --cluster-domain을 준다',
  ],
  [
    'The name {name:word} leads to another address than the Service has',
    '이름 {name:word}이(가) 서비스의 주소가 아닌 다른 주소를 가리킨다',
  ],
  [
    '{server:sentence} answers {addresses}; the ClusterIP is {clusterIPs:addresses}',
    '{server:sentence}의 답은 {addresses}이고, ClusterIP는 {clusterIPs:addresses}이다',
  ],
  [
    'The Service was deleted and made again: clients keep the old address for as long as the DNS allows',
    '서비스가 삭제되었다가 다시 만들어졌다. 클라이언트는 DNS가 허용하는 동안 옛 주소를 계속 쓴다',
  ],
  ['The name {name:word} does not exist in the DNS', '이름 {name:word}이(가) DNS에 없다'],
  ['The cluster DNS does not resolve {name:word}', '클러스터 DNS가 {name:word}의 주소를 찾지 못한다'],
  ['{server:sentence} was asked: {answer:part}', '{server:sentence}에 물었다: {answer:part}'],
  ['it answers that there is no such name (NXDOMAIN)', '그런 이름이 없다고 답한다 (NXDOMAIN)'],
  ['the name exists and has no address', '이름은 있지만 주소가 없다'],
  ['it does not answer', '답하지 않는다'],
  ['the connection is refused (ECONNREFUSED)', '연결이 거절된다 (ECONNREFUSED)'],
  ['it answers that it failed (SERVFAIL)', '실패했다고 답한다 (SERVFAIL)'],
  ['it refuses to answer (REFUSED)', '답하기를 거부한다 (REFUSED)'],
  [
    'no cluster DNS is known: there is no Service kube-system/kube-dns, and /etc/resolv.conf is not that of a cluster',
    '클러스터 DNS를 알 수 없다. 서비스 kube-system/kube-dns가 없고, /etc/resolv.conf는 클러스터의 것이 아니다',
  ],
  ['the DNS cannot be asked: {why:part}', 'DNS에 물을 수 없다: {why:part}'],
  // Connection tracking, and the kernel.
  [
    '{entries:number} of {limit:number} entries are in use',
    '항목 {limit:number}개 가운데 {entries:number}개를 쓰고 있다',
  ],
  [
    'Connection tracking of this node is full: the kernel drops packets of new connections',
    '이 노드의 연결 추적 테이블이 가득 찼다. 커널이 새 연결의 패킷을 버린다',
  ],
  [
    'nf_conntrack_count is {entries:number}, and nf_conntrack_max is {limit:number}',
    'nf_conntrack_count가 {entries:number}이고 nf_conntrack_max가 {limit:number}이다',
  ],
  ['this kernel has no connection tracking', '이 커널에는 연결 추적이 없다'],
  [
    'no proxy answers, and the kernel has no rules of a kube-proxy: is this a node of the cluster?',
    '프록시가 답하지 않고 커널에 kube-proxy의 규칙도 없다. 클러스터의 노드가 맞는지 확인한다',
  ],
  ['the rules in the kernel cannot be read: {why:part}', '커널의 규칙을 읽을 수 없다: {why:part}'],
  // Two reasons, and lists.
  ['{first:word} or {last:word}', '{first:word}나 {last:word}'],
  ['{first:word} and {last:word}', '{first:word}와 {last:word}'],
  ['{first:sentence}; {second:sentence}', '{first:sentence}. {second:sentence}'],
  ['{some}, and {count:number} more', '{some} 외 {count:number}개'],
]
