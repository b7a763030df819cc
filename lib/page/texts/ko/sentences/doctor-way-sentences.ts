import { type SentencePattern } from '../../create-translator.js'

/** What the doctor says of the way to a Service: programs that listen, addresses, policies and source ranges. */
export const DOCTOR_WAY_SENTENCES: readonly SentencePattern[] = [
  // Programs at the endpoints.
  [
    'a connection cannot show whether a program listens on {protocol:part}',
    '{protocol:part}에서는 프로그램이 리슨하는지 연결해서 알아볼 수 없다',
  ],
  [
    '{first:sentence}; of many endpoints only {limit:number} were tried',
    '{first:sentence}. 엔드포인트가 많아서 {limit:number}개만 시험했다',
  ],
  [
    '{first:sentence}; {protocol:part} cannot be tried so',
    '{first:sentence}. {protocol:part}에서는 이렇게 시험할 수 없다',
  ],
  [
    'connections from this node open to {opened:number} of {count:part}',
    '이 노드에서 {count:part} 가운데 {opened:number}개에 연결된다',
  ],
  [
    'Nothing listens at targetPort {ports}: {count:part} refuses connections',
    'targetPort {ports}에서 리슨하는 프로그램이 없다. {count:part}가 연결을 거절한다',
  ],
  [
    'Nothing listens at targetPort {ports}: {count:part} refuse connections',
    'targetPort {ports}에서 리슨하는 프로그램이 없다. {count:part}가 연결을 거절한다',
  ],
  [
    'Nothing listens at {some:number} of {all:number} endpoints',
    '엔드포인트 {all:number}개 가운데 {some:number}개에서 리슨하는 프로그램이 없다',
  ],
  [
    'a connection from this node to {address:word} was refused ({code:word})',
    '이 노드에서 {address:word}(으)로 여는 연결이 거절되었다 ({code:word})',
  ],
  [
    'of the last {all:number} connections through the proxy, {failed:number} found no endpoint',
    '프록시를 지난 최근 연결 {all:number}개 가운데 {failed:number}개가 엔드포인트를 찾지 못했다',
  ],
  [
    'Have the program listen on all addresses (0.0.0.0 or ::) at this port, or correct targetPort: {command}',
    '프로그램이 이 포트에서 모든 주소(0.0.0.0 또는 ::)로 리슨하게 하거나, targetPort를 고친다: {command}',
  ],
  [
    'A NetworkPolicy that rejects packets of this node looks the same: try it from another Pod',
    'NetworkPolicy가 이 노드의 패킷을 거절해도 똑같이 보인다. 다른 파드에서도 시험한다',
  ],
  ['A targetPort of another port of the Service may be meant', '서비스의 다른 포트의 targetPort를 쓰려던 것일 수 있다'],
  ['each endpoint answers this node', '모든 엔드포인트가 이 노드에 답한다'],
  [
    '{verdict:sentence} in time ({places:part}): the Pod is gone, or a NetworkPolicy or the network plug-in does not let this node reach it',
    '{verdict:sentence}. 제한 시간 안에 답이 없는 곳: {places:part}. 파드가 없어졌거나, NetworkPolicy나 네트워크 플러그인이 이 노드를 막고 있다',
  ],
  [
    '{silent:number} of {count:part} does not answer this node',
    '{count:part} 가운데 {silent:number}개가 이 노드에 답하지 않는다',
  ],
  [
    '{silent:number} of {count:part} do not answer this node',
    '{count:part} 가운데 {silent:number}개가 이 노드에 답하지 않는다',
  ],
  [
    'no connection from this node to {address:word} opened in time',
    '이 노드에서 {address:word}(으)로 여는 연결이 제때 열리지 않았다',
  ],
  [
    'a connection from this node to {address:word} failed ({code})',
    '이 노드에서 {address:word}(으)로 여는 연결이 실패했다 ({code})',
  ],
  [
    'The Pod is gone, or the network plug-in or a NetworkPolicy does not let this node reach it: it is not the Service',
    '파드가 없어졌거나, 네트워크 플러그인이나 NetworkPolicy가 이 노드를 막고 있다. 서비스의 문제는 아니다',
  ],
  // Addresses.
  [
    'The proxy of this node does not know Service {name:word}, which exists',
    '서비스 {name:word}이(가) 있는데 이 노드의 프록시는 그것을 모른다',
  ],
  ['The proxy does not serve {places:part}', '프록시가 {places:part}을(를) 처리하지 않는다'],
  ['the mode cannot serve this port', '이 모드는 이 포트를 처리할 수 없다'],
  ['Give one of the two Services another address or port', '두 서비스 가운데 하나의 주소나 포트를 바꾼다'],
  [
    'Run kube-proxy in a mode that serves this protocol: --proxy-mode=iptables, or ipvs',
    '이 프로토콜을 처리하는 모드로 kube-proxy를 실행한다: --proxy-mode=iptables 또는 ipvs',
  ],
  ['cluster IP {place:word}: {why:part}', '클러스터 IP {place:word}: {why:part}'],
  ['external IP {place:word}: {why:part}', '외부 IP {place:word}: {why:part}'],
  ['load-balancer IP {place:word}: {why:part}', '로드 밸런서 IP {place:word}: {why:part}'],
  ['node port {place:word}: {why:part}', '노드 포트 {place:word}: {why:part}'],
  ['cluster IP {place:word}', '클러스터 IP {place:word}'],
  ['external IP {place:word}', '외부 IP {place:word}'],
  ['load-balancer IP {place:word}', '로드 밸런서 IP {place:word}'],
  ['node port {place:word}', '노드 포트 {place:word}'],
  // Policies.
  ['endpoints on all nodes may serve (policy Cluster)', '모든 노드의 엔드포인트가 처리할 수 있다 (정책 Cluster)'],
  ['this node has endpoints of its own (policy Local)', '이 노드에 엔드포인트가 있다 (정책 Local)'],
  [
    '{field:word} is Local, and this node "{node}" has no endpoint: packets of {who:sentence} are dropped. --from ADDRESS judges one client',
    '{field:word} 값이 Local인데 이 노드 "{node}"에 엔드포인트가 없어서, {who:sentence}의 패킷이 버려진다. --from ADDRESS로 클라이언트 하나를 진단할 수 있다',
  ],
  [
    '{field:word} is Local, and this node has no endpoint: packets of {who:sentence} are dropped. --from ADDRESS judges one client',
    '{field:word} 값이 Local인데 이 노드에 엔드포인트가 없어서, {who:sentence}의 패킷이 버려진다. --from ADDRESS로 클라이언트 하나를 진단할 수 있다',
  ],
  [
    '{field:word} is Local, and this node "{node}" has no endpoint: packets of {who:sentence} are dropped',
    '{field:word} 값이 Local인데 이 노드 "{node}"에 엔드포인트가 없어서, {who:sentence}의 패킷이 버려진다',
  ],
  [
    '{field:word} is Local, and this node has no endpoint: packets of {who:sentence} are dropped',
    '{field:word} 값이 Local인데 이 노드에 엔드포인트가 없어서, {who:sentence}의 패킷이 버려진다',
  ],
  ['clients on this node', '이 노드의 클라이언트'],
  ['clients from outside that come to this node', '밖에서 이 노드로 오는 클라이언트'],
  [
    '{port:part} has {count:part}, and none of them on this node',
    '{port:part}에는 {count:part}가 있지만, 이 노드에는 하나도 없다',
  ],
  ['Or run a Pod of the Service on each node (DaemonSet)', '또는 서비스의 파드를 노드마다 실행한다 (DaemonSet)'],
  [
    'Or send clients to nodes with a Pod: a load balancer finds them by healthCheckNodePort',
    '또는 클라이언트를 파드가 있는 노드로 보낸다. 로드 밸런서는 healthCheckNodePort로 그런 노드를 찾는다',
  ],
  // Source ranges.
  ['all clients are let in', '모든 클라이언트를 받는다'],
  ['No client can be in the source ranges', '소스 범위에 들 수 있는 클라이언트가 없다'],
  ['loadBalancerSourceRanges has no readable range', 'loadBalancerSourceRanges에 읽을 수 있는 범위가 없다'],
  ['loadBalancerSourceRanges: {ranges}', 'loadBalancerSourceRanges: {ranges}'],
  ['{client:word} is inside the cluster', '{client:word}은(는) 클러스터 안에 있다'],
  [
    'The client {client:word} is in no source range of the Service',
    '클라이언트 {client:word}은(는) 서비스의 어떤 소스 범위에도 없다',
  ],
  ['the client {client:word} is in {ranges}', '클라이언트 {client:word}은(는) {ranges}에 있다'],
  [
    'clients outside of the source ranges were turned away, as the ranges say: {count:part}. --from ADDRESS says whether a client is in them',
    '설정대로 소스 범위 밖의 클라이언트를 막았다: {count:part}. --from ADDRESS로 클라이언트가 범위에 드는지 볼 수 있다',
  ],
  [
    'clients outside of {ranges} were turned away, as the ranges say: {count:part}. --from ADDRESS says whether a client is in them',
    '설정대로 {ranges} 밖의 클라이언트를 막았다: {count:part}. --from ADDRESS로 클라이언트가 범위에 드는지 볼 수 있다',
  ],
  [
    '{ranges}; --from ADDRESS says whether a client is in them',
    '{ranges}. --from ADDRESS로 클라이언트가 범위에 드는지 볼 수 있다',
  ],
  ['only the Service object has the ranges: give --kubeconfig', '범위는 서비스 오브젝트에만 있다. --kubeconfig를 준다'],
  [
    'Add the range of the client to loadBalancerSourceRanges: {command}',
    '클라이언트의 범위를 loadBalancerSourceRanges에 더한다: {command}',
  ],
  [
    'If a load balancer or router translates the source address, its address must be in the ranges, not that of the client',
    '로드 밸런서나 라우터가 출발지 주소를 바꾼다면, 클라이언트의 주소가 아니라 바뀐 주소가 범위에 있어야 한다',
  ],
  // Load balancer and node port.
  ['its address is {addresses:part}', '주소는 {addresses:part}이다'],
  [
    'No load balancer has given the Service an address: EXTERNAL-IP is pending',
    '어떤 로드 밸런서도 서비스에 주소를 주지 않았다. EXTERNAL-IP가 pending이다',
  ],
  [
    'status.loadBalancer.ingress is empty; ports {ports} are served inside the cluster only',
    'status.loadBalancer.ingress가 비어 있다. 포트 {ports}은(는) 클러스터 안에서만 처리된다',
  ],
  [
    'Install a load balancer for this cluster (a cloud provider has one), or use a node port',
    '이 클러스터에 로드 밸런서를 설치하거나(클라우드에는 있다), 노드 포트를 쓴다',
  ],
  ['no client from outside can be served here', '여기서 처리할 수 있는 외부 클라이언트가 없다'],
  [
    'served at {served:addresses}, and not at {others:addresses}',
    '{served:addresses}에서 처리하고, {others:addresses}에서는 처리하지 않는다',
  ],
  ['served at {served:addresses}', '{served:addresses}에서 처리한다'],
  [
    'Node port {port:number} is not served at {address:addresses}, the main address of this node',
    '이 노드의 주 주소 {address:addresses}에서 노드 포트 {port:number}을(를) 처리하지 않는다',
  ],
  ['{packet:sentence} meets no rule of the proxy', '{packet:sentence}에 맞는 프록시 규칙이 없다'],
  ['it is served at no address of this node', '이 노드의 어떤 주소에서도 처리하지 않는다'],
  ['it is served at {addresses:addresses}', '{addresses:addresses}에서는 처리한다'],
  [
    'Add the address to --nodeport-addresses (nodePortAddresses in the file), such as {range:word}',
    '이 주소를 --nodeport-addresses(파일에서는 nodePortAddresses)에 더한다. 예: {range:word}',
  ],
]
