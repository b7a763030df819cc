import { type SentencePattern } from '../../create-translator.js'

/** What happens to a packet, who sends it, and how the answer comes back. */
export const ANSWER_SENTENCES: readonly SentencePattern[] = [
  // The answer.
  [
    'It depends on rules that cannot be read here: {text:sentence}',
    '여기서 읽을 수 없는 규칙에 달려 있다: {text:sentence}',
  ],
  ['{first:sentence}; or: {second:sentence}', '{first:sentence}. 또는: {second:sentence}'],
  [
    'The packet of {sender:sentence} goes to {endpoints:part}. The endpoint sees {seen:part} as its client ({whose:sentence}).',
    '{sender:sentence}의 패킷은 {endpoints:part}(으)로 간다. 엔드포인트에는 {seen:part}이(가) 클라이언트로 보인다 ({whose:sentence}).',
  ],
  [
    'The packet goes to a proxy port of the node; which endpoint kube-proxy picks is not known here.',
    '패킷은 노드의 프록시 포트로 간다. kube-proxy가 어떤 엔드포인트를 고르는지는 여기서 알 수 없다.',
  ],
  ['The packet goes to the node itself: no rule translates it.', '패킷은 노드 자신에게 간다. 변환하는 규칙이 없다.'],
  [
    'No rule translates the packet: it goes to the address itself.',
    '패킷을 변환하는 규칙이 없어서 그 주소로 그대로 간다.',
  ],
  [
    'The packet is dropped, and the client gets no answer: {why:sentence}.',
    '패킷이 버려지고, 클라이언트는 답을 받지 못한다: {why:sentence}.',
  ],
  ['The connection is refused: {why:sentence}.', '연결이 거절된다: {why:sentence}.'],
  [
    'The proxy accepts the connection and resets it: {why:sentence}.',
    '프록시가 연결을 받아들인 뒤 리셋한다: {why:sentence}.',
  ],
  ['Something takes the packet that cannot be read here.', '여기서 읽을 수 없는 무언가가 패킷을 가져간다.'],
  ['A rule decides so.', '규칙이 그렇게 정한다.'],
  ['That is the client.', '클라이언트 자신이다.'],
  ['That is the node, not the client.', '클라이언트가 아니라 노드다.'],
  ['It depends on the endpoint.', '엔드포인트에 따라 다르다.'],
  ['one of {count:number} endpoints', '엔드포인트 {count:number}개 가운데 하나'],
  ['{first:part} or an address of the node', '{first:part} 또는 노드의 주소'],
  ['an address of the node', '노드의 주소'],
  ['the client', '클라이언트'],
  ['the node', '노드'],
  // Who sends.
  ['{what:sentence} (any address)', '{what:sentence} (아무 주소)'],
  ['host {address:word} outside the cluster', '클러스터 밖의 호스트 {address:word}'],
  ['Pod {address:word} of this node', '이 노드의 파드 {address:word}'],
  ['Pod {address:word} of another node', '다른 노드의 파드 {address:word}'],
  ['a process of the node, from {address:word}', '노드의 프로세스({address:word})'],
  // The way back.
  [
    'Nothing comes back: the client waits until its own timeout.',
    '아무것도 돌아오지 않는다. 클라이언트는 자기 제한 시간까지 기다린다.',
  ],
  [
    'kube-proxy accepts the connection and resets it: the client sees "connection reset".',
    'kube-proxy가 연결을 받아들인 뒤 리셋한다. 클라이언트에는 "connection reset"으로 보인다.',
  ],
  [
    '{endpoint:word} answers to {client:word}, where the connection of kube-proxy ends.',
    '{endpoint:word}은(는) kube-proxy의 연결이 끝나는 {client:word}에 답한다.',
  ],
  [
    'kube-proxy writes the answer into the connection of the client; conntrack gives it the source {asked:word}, so {client:word} sees only that.',
    'kube-proxy가 그 답을 클라이언트의 연결에 쓴다. conntrack이 출발지를 {asked:word}(으)로 바꾸므로 {client:word}에는 그것만 보인다.',
  ],
  ['{endpoint:word} answers to {client:word} itself.', '{endpoint:word}은(는) {client:word}에 직접 답한다.'],
  [
    'The answer has to pass this node: conntrack gives it the source {asked:word}, which is where {client:word} expects it from.',
    '답은 이 노드를 지나야 한다. conntrack이 출발지를, {client:word}이(가) 답을 기다리는 {asked:word}(으)로 바꾼다.',
  ],
  [
    '{endpoint:word} answers to {source:part}, an address of this node.',
    '{endpoint:word}은(는) 이 노드의 주소인 {source:part}에 답한다.',
  ],
  [
    'conntrack gives the answer the source {asked:word} and the destination {client:word}, and the node sends it on.',
    'conntrack이 답의 출발지를 {asked:word}, 목적지를 {client:word}(으)로 바꾸고, 노드가 그것을 보낸다.',
  ],
  [
    'A process of the node answers; conntrack gives the answer the source {asked:word}.',
    '노드의 프로세스가 답한다. conntrack이 답의 출발지를 {asked:word}(으)로 바꾼다.',
  ],
  [
    'If a process of the node listens there, it answers; otherwise the kernel refuses.',
    '노드의 프로세스가 거기서 리슨하면 그것이 답하고, 아니면 커널이 거절한다.',
  ],
  [
    'The host with the address answers to {client:word}, if there is one.',
    '그 주소를 가진 호스트가 있으면 {client:word}에 답한다.',
  ],
  [
    'The kernel answers with a TCP reset: the client sees "connection refused" at once.',
    '커널이 TCP 리셋으로 답한다. 클라이언트에는 바로 "connection refused"로 보인다.',
  ],
  [
    'The kernel answers with the ICMP message "port unreachable": the client sees "connection refused".',
    '커널이 ICMP 메시지 "port unreachable"로 답한다. 클라이언트에는 "connection refused"로 보인다.',
  ],
  // Addresses.
  ['{some:addresses} or {last:addresses}', '{some:addresses} 또는 {last:addresses}'],
]
