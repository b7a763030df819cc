import { type SentencePattern } from '../../create-translator.js'

/** The steps of a packet. */
export const STEP_SENTENCES: readonly SentencePattern[] = [
  // Steps.
  [
    'No rule of {hook:word} has decided, and the policy of the chain is {policy:word}.',
    '{hook:word}의 어떤 규칙도 결정하지 않았고, 체인의 정책은 {policy:word}이다.',
  ],
  [
    'The destination is an address of this node: the packet stays here.',
    '목적지가 이 노드의 주소이므로 패킷은 여기에 남는다.',
  ],
  [
    'The destination is not this node: the packet is sent on by {interface:word}.',
    '목적지가 이 노드가 아니므로 패킷은 인터페이스 {interface:word}(으)로 나간다.',
  ],
  ['The destination is not this node: the packet is sent on.', '목적지가 이 노드가 아니므로 패킷은 계속 보내진다.'],
  [
    'IPVS has a virtual server at {place:word} without real servers: it refuses.',
    'IPVS의 {place:word}에 가상 서버가 있지만 실제 서버가 없어서 거절한다.',
  ],
  [
    'IPVS has a virtual server at {place:word} with persistence: {client:part} keeps {target:word} for {seconds:number} s more.',
    'IPVS의 {place:word}에 어피니티가 있는 가상 서버가 있다. {client:part}은(는) 앞으로 {seconds:number}초 동안 {target:word}을(를) 계속 쓴다.',
  ],
  [
    'IPVS has a virtual server at {place:word} and picks {target:word} of {count:part} (scheduler {scheduler:word}).',
    'IPVS의 {place:word}에 가상 서버가 있고, {count:part} 가운데 {target:word}을(를) 고른다 (스케줄러 {scheduler:word}).',
  ],
  [
    'The packet would go back to its sender by {interface:word}, and this bridge does not send a packet back by the port that it came in by: hairpin mode is off there.',
    '패킷은 {interface:word}을(를) 지나 보낸 쪽으로 돌아가야 하는데, 이 브리지는 들어온 포트로 패킷을 돌려보내지 않는다. 그 포트의 헤어핀 모드가 꺼져 있다.',
  ],
  [
    'No endpoint serves this traffic, so the proxy does not listen at {place:word}: the kernel refuses.',
    '이 트래픽을 처리할 엔드포인트가 없어서 프록시가 {place:word}에서 리슨하지 않고, 커널이 거절한다.',
  ],
  [
    'The proxy only holds the node port at {place:word}: it serves no client but those on loopback there.',
    '프록시는 {place:word}에서 노드 포트를 잡고 있을 뿐이고, 루프백의 클라이언트만 처리한다.',
  ],
  [
    'The proxy accepts at {place:word} and turns the client away: {source:word} is in no source range of the Service.',
    '프록시가 {place:word}에서 받아들인 뒤 클라이언트를 돌려보낸다. {source:word}은(는) 서비스의 어떤 소스 범위에도 없다.',
  ],
  [
    'The proxy accepts at {place:word} and turns the client away: no endpoint serves this traffic.',
    '프록시가 {place:word}에서 받아들인 뒤 클라이언트를 돌려보낸다. 이 트래픽을 처리할 엔드포인트가 없다.',
  ],
  [
    'A socket of kube-proxy at {place:word} takes the {what:part} of {client:part}.',
    '{place:word}에 있는 kube-proxy의 소켓이 {client:part}의 {what:part}을(를) 받는다.',
  ],
  [
    'kube-proxy picks {target:word} of {count:part} ({how:sentence}).',
    'kube-proxy가 {count:part} 가운데 {target:word}을(를) 고른다 ({how:sentence}).',
  ],
  [
    'kube-proxy gives {client:part} the endpoint that it keeps by session affinity: {target:word}.',
    'kube-proxy가 {client:part}에 세션 어피니티로 계속 쓰는 엔드포인트 {target:word}을(를) 준다.',
  ],
  [
    'kube-proxy opens its own {what:part} to {target:word}.',
    'kube-proxy가 {target:word}(으)로 자기 {what:part}을(를) 연다.',
  ],
]
