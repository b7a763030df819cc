import { type SentencePattern } from '../../create-translator.js'

/** What the doctor says of rules in the kernel, and of packets that follow them. */
export const DOCTOR_RULE_SENTENCES: readonly SentencePattern[] = [
  // Rules.
  [
    '{client:word} is no Pod of this node, and the Service has no address for hosts outside: run the doctor on the node of the client',
    '{client:word}은(는) 이 노드의 파드가 아니고, 서비스에는 외부 호스트가 쓸 주소가 없다. 클라이언트가 있는 노드에서 진단한다',
  ],
  [
    '{count:part} of packets lead where they should, in {mode:word} mode; packets of Pods were not looked at',
    '{mode:word} 모드: {count:part}에서 패킷이 가야 할 곳으로 간다. 파드의 패킷은 살펴보지 않았다',
  ],
  [
    '{count:part} of packets lead where they should, in {mode:word} mode',
    '{mode:word} 모드: {count:part}에서 패킷이 가야 할 곳으로 간다',
  ],
  ['{count:number} way', '경로 {count:number}개'],
  ['{count:number} ways', '경로 {count:number}개'],
  ['The kernel has no rule for {places:part}', '커널에 {places:part}의 규칙이 없다'],
  [
    '{packet:sentence} meets no rule that translates its destination',
    '{packet:sentence}의 목적지를 변환하는 규칙이 없다',
  ],
  ['no proxy answers that would write the rules again', '규칙을 다시 쓸 프록시가 답하지 않는다'],
  [
    'the proxy, process {pid:number}, is {state:part}; its last sync: {outcome:part} at {at:word}',
    '프록시(프로세스 {pid:number})의 상태: {state:part}. 마지막 동기화: {outcome:part} ({at:word})',
  ],
  [
    'the proxy, process {pid:number}, is {state:part}; its last sync: {outcome:part}',
    '프록시(프로세스 {pid:number})의 상태: {state:part}. 마지막 동기화: {outcome:part}',
  ],
  ['Start kube-proxy on this node', '이 노드에서 kube-proxy를 시작한다'],
  [
    'Which program removes rules? A firewall service that reloads flushes those of others',
    '어떤 프로그램이 규칙을 지우는지 찾는다. 방화벽 서비스는 다시 읽을 때 다른 프로그램의 규칙도 지운다',
  ],
  [
    'A rule of the proxy stops packets of the Service, although it has endpoints',
    '서비스에 엔드포인트가 있는데 프록시의 규칙이 그 패킷을 막는다',
  ],
  [
    'rules lead to {places:part}, and that is no endpoint now: a change may be under way. If a second look says so too, see kube-proxy status syncs',
    '규칙이 가리키는 {places:part}은(는) 지금 엔드포인트가 아니다. 변경이 진행되는 중일 수 있다. 다시 진단해도 같으면 kube-proxy status syncs를 본다',
  ],
  [
    'Rules lead to {places:part}, which is no endpoint of the Service, and no proxy answers that would write them again',
    '규칙이 서비스의 엔드포인트가 아닌 {places:part}을(를) 가리키고, 규칙을 다시 쓸 프록시가 답하지 않는다',
  ],
  ['{packet:sentence} is led to {place:word}', '{packet:sentence}이(가) {place:word}(으)로 간다'],
  [
    'the endpoints, as {origin:part} has them, are {addresses:part}',
    '{origin:part}에 있는 엔드포인트: {addresses:part}',
  ],
  ['the endpoints are {addresses:part}', '엔드포인트: {addresses:part}'],
  // Rules of other programs.
  ['none stands before those of the proxy', '프록시의 규칙보다 앞에 있는 것이 없다'],
  [
    'this node itself has {address:addresses}, and {rule:part} keeps its packets from kube-proxy: another program here serves the address, such as NodeLocal DNSCache',
    '이 노드에 {address:addresses} 주소가 있고, 그 패킷은 다음 규칙 때문에 kube-proxy로 가지 않는다: {rule:part}. NodeLocal DNSCache 같은 다른 프로그램이 이 주소를 처리한다',
  ],
  [
    '{packet:sentence} would be taken by {rule:part}, which asks who sends: --from ADDRESS judges one client',
    '{packet:sentence}을(를) 다음 규칙이 가져갈 수 있다: {rule:part}. 이 규칙은 보낸 쪽을 따진다. --from ADDRESS로 클라이언트 하나를 진단할 수 있다',
  ],
  [
    "A rule of another program takes the packets before kube-proxy's rules: {rule:part}",
    '다른 프로그램의 규칙이 kube-proxy의 규칙보다 먼저 패킷을 가져간다: {rule:part}',
  ],
  ['{packet:sentence} is taken by it', '{packet:sentence}을(를) 그 규칙이 가져간다'],
  [
    'Which program writes it? Change it in the configuration of that one',
    '어떤 프로그램이 그 규칙을 쓰는지 찾아서, 그 프로그램의 설정에서 바꾼다',
  ],
  [
    'rule {position:number} of chain {chain:word} in table {table:word}: {rule:part}',
    '테이블 {table:word}, 체인 {chain:word}의 {position:number}번 규칙: {rule:part}',
  ],
  ['chain {chain:word} in table {table:word}: {rule:part}', '테이블 {table:word}, 체인 {chain:word}: {rule:part}'],
  [
    'that means: {meaning:sentence}; it has counted {count:part}',
    '뜻: {meaning:sentence} (지금까지 맞은 {count:part})',
  ],
  ['that means: {meaning:sentence}', '뜻: {meaning:sentence}'],
  ['IPVS has a virtual server without real servers', 'IPVS에 실제 서버가 없는 가상 서버가 있다'],
  [
    'no rule lets the packet pass, and the policy of the chain is {policy:word}',
    '패킷을 통과시키는 규칙이 없고, 체인의 정책이 {policy:word}이다',
  ],
  ['policy {policy:word}', '정책 {policy:word}'],
  ['virtual server', '가상 서버'],
  // The firewall.
  ['no rule of the node drops packets of the Service', '노드에 서비스의 패킷을 버리는 규칙이 없다'],
  [
    '{what:sentence} would be dropped by {rule:part} (chain {chain:word} of table {table:word}), as a firewall or a NetworkPolicy may mean it: --from ADDRESS judges one client',
    '{what:sentence}을(를) 다음 규칙이 버릴 수 있다: {rule:part} (테이블 {table:word}, 체인 {chain:word}). 방화벽이나 NetworkPolicy가 의도한 것일 수 있다. --from ADDRESS로 클라이언트 하나를 진단할 수 있다',
  ],
  [
    '{what:sentence} would be refused by {rule:part} (chain {chain:word} of table {table:word}), as a firewall or a NetworkPolicy may mean it: --from ADDRESS judges one client',
    '{what:sentence}을(를) 다음 규칙이 거절할 수 있다: {rule:part} (테이블 {table:word}, 체인 {chain:word}). 방화벽이나 NetworkPolicy가 의도한 것일 수 있다. --from ADDRESS로 클라이언트 하나를 진단할 수 있다',
  ],
  [
    'A firewall of this node drops packets of the Service: {rule:part}',
    '이 노드의 방화벽이 서비스의 패킷을 버린다: {rule:part}',
  ],
  [
    'A firewall of this node refuses packets of the Service: {rule:part}',
    '이 노드의 방화벽이 서비스의 패킷을 거절한다: {rule:part}',
  ],
  [
    'If this traffic may pass, add a rule with ACCEPT for it before that one, in chain {chain:word} of table {table:word}',
    '이 트래픽을 허용하려면, 테이블 {table:word}의 체인 {chain:word}에서 그 규칙 앞에 ACCEPT 규칙을 더한다',
  ],
  [
    'If this traffic may pass, add a rule with ACCEPT for it to chain {chain:word} of table {table:word}',
    '이 트래픽을 허용하려면, 테이블 {table:word}의 체인 {chain:word}에 ACCEPT 규칙을 더한다',
  ],
  [
    'Do it in the configuration of the firewall: let traffic of the Pods and of node ports pass',
    '방화벽의 설정에서, 파드와 노드 포트의 트래픽을 허용한다',
  ],
  ['{what:sentence} is dropped', '{what:sentence}이(가) 버려진다'],
  ['{what:sentence} is refused', '{what:sentence}이(가) 거절된다'],
  ['a packet of {sender:part} to {place:word}', '{sender:part}에서 {place:word}(으)로 가는 패킷'],
  ['a connection of this node to the endpoint {address:word}', '이 노드에서 엔드포인트 {address:word}(으)로 여는 연결'],
  // What a walk cannot know.
  ['only the kernel can answer "{condition}"', '"{condition}"에는 커널만 답할 수 있다'],
  ['no way is known', '알려진 경로가 없다'],
  ['no rule is known that does it', '그렇게 하는 규칙을 알 수 없다'],
  ['the chains form a loop', '체인이 순환한다'],
  ['target {name:word}', '타깃 {name:word}'],
]
