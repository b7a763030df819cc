import { type SentencePattern } from '../../create-translator.js'

/** What the doctor says of a Service, its Pods and its endpoints. */
export const DOCTOR_OBJECT_SENTENCES: readonly SentencePattern[] = [
  // The summary.
  [
    'Service {name:word}: nothing wrong is known, but not everything could be looked at',
    '서비스 {name:word}: 알려진 문제는 없지만, 모두 살펴보지는 못했다',
  ],
  ['Service {name:word} is healthy, as seen from this node', '이 노드에서 본 서비스 {name:word}은(는) 정상이다'],
  [
    'Service {name:word}: {verdict:sentence} (the likeliest of {count:number} findings)',
    '서비스 {name:word}: {verdict:sentence} (찾은 문제 {count:number}개 가운데 원인일 가능성이 가장 큰 것)',
  ],
  ['Service {name:word}: {verdict:sentence}', '서비스 {name:word}: {verdict:sentence}'],
  // Where objects come from.
  ['The API server {url:word}', 'API 서버 {url:word}'],
  ['The API server', 'API 서버'],
  ['The manifest {files}', '매니페스트 {files}'],
  // The Service.
  [
    '{name:word} exists: the proxy serves it, and {origin:part} does not have it',
    '{name:word}이(가) 있다. 프록시가 처리하지만 {origin:part}에는 없다',
  ],
  ['{name:word} exists: the proxy serves it', '{name:word}이(가) 있다. 프록시가 처리한다'],
  ['{name:word} exists: {origin:part} has it', '{name:word}이(가) 있다. {origin:part}에서 확인했다'],
  ['{origin:sentence} does not have it', '{origin:sentence}에 없다'],
  [
    'namespace {namespace:word} has no Service, or does not exist',
    '네임스페이스 {namespace:word}에 서비스가 없거나, 그런 네임스페이스가 없다',
  ],
  ['namespace {namespace:word} has no Pod', '네임스페이스 {namespace:word}에 파드가 없다'],
  ['namespace {namespace:word} has {names:part}', '네임스페이스 {namespace:word}에 있는 서비스: {names:part}'],
  [
    'There is no Service {name:word}; did you mean "{near}"?',
    '서비스 {name:word}이(가) 없다. "{near}"을(를) 뜻했는가?',
  ],
  ['There is no Service {name:word}', '서비스 {name:word}이(가) 없다'],
  ['There is no Service', '서비스가 없다'],
  ['The proxy serves no Service {name:word}', '프록시가 서비스 {name:word}을(를) 처리하지 않는다'],
  ['the proxy, process {pid:number}, answers: {why:part}', '프록시(프로세스 {pid:number})의 답: {why:part}'],
  ['the proxy answers: {why:part}', '프록시의 답: {why:part}'],
  [
    'it serves no Service: there is none, or it has not read the objects yet',
    '처리하는 서비스가 없다. 서비스가 없거나, 프록시가 아직 오브젝트를 읽지 않았다',
  ],
  [
    'A headless Service, or one of type ExternalName, has no proxy: give --kubeconfig, and the doctor looks at it',
    '헤드리스 서비스와 ExternalName 서비스에는 프록시가 관여하지 않는다. --kubeconfig를 주면 그것도 진단한다',
  ],
  // The address.
  ['the ClusterIP is {address:addresses}', 'ClusterIP는 {address:addresses}이다'],
  [
    'Service {name:word} is only a name: its type is ExternalName, and the DNS sends clients to {target:word}, at the port that they choose. kube-proxy has no part in it',
    '서비스 {name:word}은(는) 이름일 뿐이다. 유형이 ExternalName이라서, DNS가 클라이언트를 {target:word}(으)로 보내고 포트는 클라이언트가 정한다. kube-proxy는 관여하지 않는다',
  ],
  [
    'Service {name:word} is headless: clients connect to the Pods themselves, at targetPort, and spec.ports[].port has no effect. Its ports: {ports:part}. kube-proxy has no part in it',
    '서비스 {name:word}은(는) 헤드리스다. 클라이언트가 파드의 targetPort에 직접 연결하며, spec.ports[].port는 쓰이지 않는다. 포트: {ports:part}. kube-proxy는 관여하지 않는다',
  ],
  [
    'kube-proxy has no part in Service {name:word}: {why:sentence}. What serves it instead is not looked at. Its ports: {ports:part}',
    'kube-proxy는 서비스 {name:word}에 관여하지 않는다: {why:sentence}. 대신 처리하는 것은 살펴보지 않았다. 포트: {ports:part}',
  ],
  ['another proxy serves it (label {label:word})', '다른 프록시가 처리한다 (레이블 {label:word})'],
  ['it is headless (label {label:word})', '헤드리스다 (레이블 {label:word})'],
  ['it is headless (clusterIP "None")', '헤드리스다 (clusterIP "None")'],
  ['its type is ExternalName', '유형이 ExternalName이다'],
  ['it has no cluster IP', '클러스터 IP가 없다'],
  // The selector.
  ['{selector:word} matches {count:part}', '{count:part}가 {selector:word}에 맞는다'],
  [
    'The selector {selector:word} matches no Pod in namespace {namespace:word}',
    '네임스페이스 {namespace:word}에는 셀렉터 {selector:word}에 맞는 파드가 없다',
  ],
  ['the Service has no selector', '서비스에 셀렉터가 없다'],
  ['the Service cannot be read', '서비스를 읽을 수 없다'],
  ['the manifests have no Pod', '매니페스트에 파드가 없다'],
  ['Pod {pod:word} has no label', '파드 {pod:word}에는 레이블이 없다'],
  ['Pod {pod:word} has no container port', '파드 {pod:word}에는 컨테이너 포트가 없다'],
  ['Pod {pod:word} has {labels:word}', '파드 {pod:word}의 레이블: {labels:word}'],
  ['Pod {pod:word} has {ports:sentence}', '파드 {pod:word}의 포트: {ports:sentence}'],
  ['"{name}" {port:word}', '"{name}" {port:word}'],
  ['an unnamed port {port:word}', '이름 없는 {port:word}'],
  // Pods.
  ['{count:number} Pod of {all:number} is not ready', '파드 {all:number}개 가운데 {count:number}개가 준비되지 않았다'],
  [
    '{count:number} Pods of {all:number} are not ready',
    '파드 {all:number}개 가운데 {count:number}개가 준비되지 않았다',
  ],
  [
    '{count:number} endpoint of {all:number} is not ready',
    '엔드포인트 {all:number}개 가운데 {count:number}개가 준비되지 않았다',
  ],
  [
    '{count:number} endpoints of {all:number} are not ready',
    '엔드포인트 {all:number}개 가운데 {count:number}개가 준비되지 않았다',
  ],
  ['Pod {pod:word} ({ips:addresses}): {why:part}', '파드 {pod:word} ({ips:addresses}): {why:part}'],
  ['Pod {pod:word}: {why:part}', '파드 {pod:word}: {why:part}'],
  ['phase unknown', '단계를 알 수 없다'],
  ['phase {phase:word}', '단계 {phase:word}'],
  ['container {name:word} waits: {why}', '컨테이너 {name:word}이(가) 기다리는 이유: "{why}"'],
  [
    '{address:word} is in an EndpointSlice, and its condition ready is false',
    '{address:word}은(는) EndpointSlice에 있지만 ready 조건이 false다',
  ],
  ['no endpoint and no Pod is known', '알려진 엔드포인트도 파드도 없다'],
  ['{count:sentence} ready', '{count:sentence}가 준비되었다'],
  // Names of ports.
  ['each port of the Service is one of the endpoints', '서비스의 모든 포트가 엔드포인트에도 있다'],
  ['No EndpointSlice has {port:part} of the Service', '서비스의 {port:part}이(가) 어떤 EndpointSlice에도 없다'],
  [
    'targetPort "{name}" of {port:part} is a name that no container port has',
    '{port:part}의 targetPort "{name}"은(는) 어떤 컨테이너 포트에도 없는 이름이다',
  ],
  [
    'Give the port of the Service, its targetPort and the port of the containers names that agree',
    '서비스의 포트 이름, targetPort, 컨테이너 포트 이름을 서로 맞춘다',
  ],
  ['port "{name}" ({number:word})', '"{name}"({number:word}) 포트'],
  ['port {number:word}', '{number:word} 포트'],
  // Endpoints.
  ['neither a proxy nor an API server has answered', '프록시도 API 서버도 답하지 않았다'],
  ['traffic goes to {count:part}', '트래픽이 {count:part}로 간다'],
  ['No endpoint serves {port:part} of {family:word}', '{family:word}의 {port:part}을(를) 처리하는 엔드포인트가 없다'],
  [
    'no EndpointSlice of the Service has an address of this family',
    '서비스의 어떤 EndpointSlice에도 이 패밀리의 주소가 없다',
  ],
  ['{address:word} in slice {slice:word}: {why:sentence}', '슬라이스 {slice:word}의 {address:word}: {why:sentence}'],
  [
    '{parts:sentence}, other than {origin:part} says: a change may be under way. If a second look says so too, the proxy does not hear of changes',
    '{origin:part}의 내용과 다르다: {parts:sentence}. 변경이 진행되는 중일 수 있다. 다시 진단해도 같으면, 프록시가 변경을 전달받지 못하는 것이다',
  ],
  [
    'the proxy uses {used:part}, and it does not know {unknown:part}',
    '프록시는 {used:part}을(를) 쓰고 {unknown:part}은(는) 모른다',
  ],
  ['{address:addresses}: {why:sentence}', '{address:addresses}: {why:sentence}'],
  ['the proxy uses {addresses:part}', '프록시는 {addresses:part}을(를) 쓴다'],
  ['it does not know {addresses:part}', '프록시는 {addresses:part}을(를) 모른다'],
  // Why an endpoint is used or not.
  ['used: ready', '사용: 준비됨(ready)'],
  [
    'used as last resort: terminating but still serving, and no endpoint is ready',
    '마지막 수단으로 사용: 끝나 가지만 아직 처리하며, 준비된 엔드포인트가 없다',
  ],
  ['not used: not ready', '사용 안 함: 준비되지 않음(not ready)'],
  ['not used: terminating, and other endpoints are ready', '사용 안 함: 끝나 가고 있고, 준비된 다른 엔드포인트가 있다'],
  ['not used: terminating, and not serving any more', '사용 안 함: 끝나 가고 있고, 더는 처리하지 않는다'],
  ['not used: its hints are for node {names}', '사용 안 함: 힌트가 다른 노드({names})를 가리킨다'],
  ['not used: its hints are for zone {names}', '사용 안 함: 힌트가 다른 존({names})을 가리킨다'],
  [
    'not used: on another node, and the traffic policy is Local',
    '사용 안 함: 다른 노드에 있고, 트래픽 정책이 Local이다',
  ],
  ['not used: the Service has no traffic of this kind', '사용 안 함: 이 서비스에는 이런 트래픽이 없다'],
  ['not used: a duplicate of an entry of slice "{slice}"', '사용 안 함: 슬라이스 "{slice}"의 항목과 주소가 같다'],
  [
    'not used: its slice has no port without name of protocol {protocol:word}',
    '사용 안 함: 슬라이스에 이름 없는 {protocol:word} 포트가 없다',
  ],
  [
    'not used: its slice has no port "{name}" of protocol {protocol:word}',
    '사용 안 함: 슬라이스에 {protocol:word} 포트 "{name}"이(가) 없다',
  ],
  ['refused: {why:part}', '거부: {why:part}'],
  [
    'not used: it is an address of a Service, {service}, and traffic would go in a loop',
    '사용 안 함: 서비스의 주소({service})라서 트래픽이 순환하게 된다',
  ],
  [
    'not used: it is an address of this node, but no Pod (--allow-node-address-endpoints)',
    '사용 안 함: 이 노드의 주소이고 파드가 아니다 (--allow-node-address-endpoints)',
  ],
  // What was not asked.
  [
    'no objects are given: --kubeconfig FILE or --manifests FILE shows Pods and the Service itself',
    '오브젝트를 읽을 곳을 지정하지 않았다. --kubeconfig FILE이나 --manifests FILE을 주면 파드와 서비스 자체도 살펴본다',
  ],
  // Counts.
  ['{count:number} Pod', '파드 {count:number}개'],
  ['{count:number} Pods', '파드 {count:number}개'],
  ['{count:number} packet', '패킷 {count:number}개'],
  ['{count:number} packets', '패킷 {count:number}개'],
  ['{count:number} address served', '주소 {count:number}개를 처리한다'],
  ['{count:number} addresses served', '주소 {count:number}개를 처리한다'],
  ['none', '없음'],
  ['and {count:number} more', '그 밖에 {count:number}개'],
]
