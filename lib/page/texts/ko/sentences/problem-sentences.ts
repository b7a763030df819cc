import { type SentencePattern } from '../../create-translator.js'

/** Why the proxy, or the demo, does not do what the page asks for. */
export const PROBLEM_SENTENCES: readonly SentencePattern[] = [
  // No answer. The first ones are those of browsers.
  ['Failed to fetch', '연결할 수 없다'],
  ['NetworkError when attempting to fetch resource.', '연결할 수 없다'],
  ['Load failed', '연결할 수 없다'],
  ['network error', '연결이 끊어졌다'],
  ['Error in input stream', '연결이 끊어졌다'],
  [
    'No proxy answers at the status socket "{socket}" ({hint:part})',
    '상태 소켓 "{socket}"에서 프록시가 답하지 않는다. {hint:part}',
  ],
  ['No proxy answers at the status socket "{socket}"', '상태 소켓 "{socket}"에서 프록시가 답하지 않는다'],
  ['The proxy of the demo does not answer: {why:part}', '데모의 프록시가 답하지 않는다: {why:part}'],
  ['The proxy cannot answer: {why:part}', '프록시가 답할 수 없다: {why:part}'],
  ['Only the user of the proxy may ask: run this as root', '프록시의 사용자만 물을 수 있다. root로 실행한다'],
  [
    'The proxy has just ended, or has 16 clients, which are its most: try again',
    '프록시가 방금 끝났거나, 최대 수인 클라이언트 16개가 이미 있다. 다시 시도한다',
  ],
  [
    'Start kube-proxy, or name its socket with --status-socket; in a cluster: {command}. A proxy that stands by for another one has no socket: ask the one that serves',
    'kube-proxy를 시작하거나, --status-socket으로 그 소켓을 지정한다. 클러스터에서는 {command}. 대기 중인 프록시에는 소켓이 없으므로, 처리 중인 프록시에 묻는다',
  ],
  [
    'The proxy may be busy: try again. The log of the proxy may say more',
    '프록시가 바쁠 수 있다. 다시 시도한다. 프록시의 로그에 더 있을 수 있다',
  ],
  [
    'What answers at "{socket}" is not the status API of a kube-proxy ({hint:part})',
    '"{socket}"에서 답하는 것은 kube-proxy의 상태 API가 아니다. {hint:part}',
  ],
  ['Name the socket of the proxy with --status-socket', '--status-socket으로 프록시의 소켓을 지정한다'],
  // Who may ask.
  [
    'Send the token of --dashboard-token-file as "{header}"; with it, {link:word} gives a link that signs a browser in',
    '--dashboard-token-file의 토큰을 "{header}"(으)로 보낸다. 그 토큰으로 {link:word}에서 브라우저용 로그인 링크를 받는다',
  ],
  ['Open the link that the demo has printed on its terminal', '데모가 터미널에 출력한 링크를 연다'],
  [
    'This link is unknown, too old, or was used: it works once, within 5 minutes. Ask for another one',
    '모르는 링크이거나, 너무 오래되었거나, 이미 썼다. 링크는 5분 안에 한 번만 쓸 수 있다. 새 링크를 요청한다',
  ],
  [
    'The Host of the request is not this page: open it by an IP address of the node, or as localhost',
    '요청의 Host가 이 페이지가 아니다. 노드의 IP 주소나 localhost로 연다',
  ],
  ['A page of another origin sent the request', '출처가 다른 페이지가 요청을 보냈다'],
  ['A page of another site sent the request', '다른 사이트의 페이지가 요청을 보냈다'],
  // What does not exist, or is no question.
  ['{problem:sentence}; did you mean "{near}"?', '{problem:sentence}. "{near}"을(를) 뜻했는가?'],
  ['{problem:sentence}; did you mean {near:word}?', '{problem:sentence}. "{near:word}"을(를) 뜻했는가?'],
  ['No Service "{name}" in namespace "{namespace}"', '네임스페이스 "{namespace}"에 서비스 "{name}"이(가) 없다'],
  ['No Service in namespace "{namespace}"', '네임스페이스 "{namespace}"에 서비스가 없다'],
  ['No Service "{name}"', '서비스 "{name}"이(가) 없다'],
  [
    'The proxy serves no Service: there is none, or it has not read the objects yet',
    '프록시가 처리하는 서비스가 없다. 서비스가 없거나, 프록시가 아직 오브젝트를 읽지 않았다',
  ],
  ['No chain "{name}"', '체인 "{name}"이(가) 없다'],
  ['No mode "{name}"', '"{name}" 모드가 없다'],
  ['No resource "{name}"', '상태 API에 "{name}"이(가) 없다'],
  [
    'No API version "{version}" here: this proxy has {own:word}',
    'API 버전 "{version}"이(가) 없다. 이 프록시의 버전은 {own:word}이다',
  ],
  ['Unknown parameter "{name}"', '모르는 매개변수 "{name}"'],
  ['The status API only reads: use GET', '상태 API는 읽기만 한다. GET을 쓴다'],
  [
    '{name:word}="{value}": expected {expected:part}',
    '매개변수 "{name:word}"의 값 "{value}": 써야 하는 값은 {expected:part}이다',
  ],
  ['a number from {least:number} to {most:number}', '{least:number}에서 {most:number}까지의 수'],
  ['an IP address, or a range such as {range:word}', 'IP 주소, 또는 {range:word} 같은 범위'],
  ['the IP address of a Pod', '파드의 IP 주소'],
  ['true or false', 'true나 false'],
  // A packet that cannot be followed.
  [
    'A sender (from) and a destination (to) are needed, such as {example:word}',
    '보내는 쪽("from")과 목적지("to")가 필요하다. 예: "{example:word}"',
  ],
  ['The question is longer than {limit:number} characters', '질문이 {limit:number}자보다 길다'],
  [
    '"{text}": not a destination. Use NAME:PORT, NAMESPACE/NAME:PORT or IP:PORT, such as nginx-service:80 or 10.96.0.10:80',
    '"{text}": 목적지가 아니다. nginx-service:80이나 10.96.0.10:80처럼 NAME:PORT, NAMESPACE/NAME:PORT, IP:PORT로 쓴다',
  ],
  [
    '"{text}": not a sender; did you mean {near:word}? Use pod/IP, node, outside, outside/IP, or an address',
    '"{text}": 보내는 쪽이 아니다. "{near:word}"을(를) 뜻했는가? "pod/IP", "node", "outside", "outside/IP", 또는 주소로 쓴다',
  ],
  [
    '"{text}": not a sender. Use pod/IP, node, outside, outside/IP, or an address',
    '"{text}": 보내는 쪽이 아니다. "pod/IP", "node", "outside", "outside/IP", 또는 주소로 쓴다',
  ],
  [
    '{address:addresses} is not of the family of {destination:addresses}. Name a sender with an {family:word} address',
    '{address:addresses}은(는) IP 패밀리가 {destination:addresses} 주소와 다르다. {family:word} 주소를 가진 보내는 쪽을 쓴다',
  ],
  [
    '{address:addresses} is a loopback address: no packet comes there from elsewhere. Write "node" as the sender',
    '{address:addresses}은(는) 루프백 주소라서 다른 곳에서 오는 패킷이 없다. 보내는 쪽을 "node"로 쓴다',
  ],
  [
    '{address:addresses} is an address of the node, so it is not outside. Write "node" as the sender',
    '{address:addresses}은(는) 노드의 주소이므로 밖이 아니다. 보내는 쪽을 "node"로 쓴다',
  ],
  [
    'The node has no address of this family. Its addresses are {addresses}',
    '노드에 이 패밀리의 주소가 없다. 노드의 주소: {addresses}',
  ],
  [
    '"{address}" is no address of the node. Its addresses are {addresses}',
    '"{address}"은(는) 노드의 주소가 아니다. 노드의 주소: {addresses}',
  ],
  [
    'No Pod of this node is known. Name the address of the Pod: {example:word}',
    '이 노드에서 알려진 파드가 없다. 파드의 주소를 쓴다: {example:word}',
  ],
  [
    'There are no {family:word} rules here. Name an address of {families}',
    '여기에는 {family:word} 규칙이 없다. {families} 주소를 쓴다',
  ],
  [
    'Service {name:word} has no address here: {why:sentence}. Name the address that a client gets from DNS',
    '서비스 {name:word}에는 여기에 주소가 없다: {why:sentence}. 클라이언트가 DNS에서 받는 주소를 쓴다',
  ],
  [
    'Service {name:word} has no port "{port}" of protocol {protocol:word}',
    '서비스 {name:word}에 {protocol:word} 포트 "{port}"이(가) 없다',
  ],
  ['Service {name:word} has no port "{port}"', '서비스 {name:word}에 포트 "{port}"이(가) 없다'],
  ['Service {name:word} has several ports', '서비스 {name:word}에 포트가 여럿이다'],
  // What the demo does not run.
  ['The demo cannot run "{id}" now', '데모가 지금 "{id}"을(를) 실행할 수 없다'],
  ['The demo still runs "{id}": wait for its end', '데모가 아직 "{id}"을(를) 실행하고 있다. 끝날 때까지 기다린다'],
  ['The demo does not wait for "{id}" now', '데모가 지금 "{id}"을(를) 기다리지 않는다'],
  ['This path runs something: use POST', '이 경로는 무언가를 실행한다. POST를 쓴다'],
  ['The demo was interrupted', '데모가 중단되었다'],
  ['Pod {pod:word} was killed: it cannot answer later', '파드 {pod:word}이(가) 종료되어, 더는 답할 수 없다'],
  [
    'The demo has {count:number} Pods, and no address for another one: scale down first',
    '데모에 파드가 {count:number}개 있고, 새 파드에 줄 주소가 없다. 먼저 수를 줄인다',
  ],
  [
    'The demo needs the program "{program}", but PATH does not contain it',
    '데모에는 프로그램 "{program}"이(가) 필요한데, PATH에 없다',
  ],
  [
    'Install the package "{name}" (Debian, Ubuntu: {command})',
    '패키지 "{name}"을(를) 설치한다 (Debian, Ubuntu: {command})',
  ],
  [
    'Cannot find {file:word}, the iptables extension "{name}": this question needs it',
    '이 질문에 필요한 iptables 확장 "{name}"({file:word})을(를) 찾을 수 없다',
  ],
  [
    'The kernel has no setting {name:word}: this question needs it',
    '이 질문에 필요한 설정 {name:word}이(가) 커널에 없다',
  ],
  ['Load the kernel module that has it: {command}', '그것을 가진 커널 모듈을 불러온다: {command}'],
  ['The API server of the demo has exited', '데모의 API 서버가 끝났다'],
  ['The client has exited', '클라이언트 프로그램이 끝났다'],
  [
    'Not every client has sent {count:number} requests after the change, {seconds:number} s later',
    '변경하고 {seconds:number}초가 지나도록, 요청을 {count:number}개 보내지 못한 클라이언트가 있다',
  ],
  // Health.
  ['changes wait too long for a successful sync of the rules', '변경이 규칙 동기화를 너무 오래 기다리고 있다'],
  [
    'the API server has not confirmed what the proxy knows for {seconds:number} s',
    'API 서버가 {seconds:number}초 동안 프록시가 아는 것을 확인해 주지 않았다',
  ],
  [
    '{some:number} of {all:number} data-plane workers do not serve: {why:part}',
    '데이터 플레인 워커 {all:number}개 가운데 {some:number}개가 처리하지 않는다: {why:part}',
  ],
  ['no reply to pings', '핑에 답이 없음'],
  ['not ready in time', '제때 준비되지 않음'],
  ['exits again and again, or cannot start', '거듭 끝나거나 시작하지 못함'],
  // Clients that were turned away, and endpoints that took none.
  ['not in the source ranges of the Service', '서비스의 소스 범위에 없음'],
  ['this socket is for clients on loopback', '루프백의 클라이언트만 쓰는 소켓'],
  ['it came from this proxy itself', '이 프록시 자신이 연 연결'],
  ['too many clients of this node or from endpoints', '이 노드나 엔드포인트에서 온 클라이언트가 너무 많음'],
  ['connection limit of the Service', '서비스의 연결 한도'],
  ['connection limit of a client', '클라이언트 하나의 연결 한도'],
  ['no file descriptor is free', '남은 파일 디스크립터가 없음'],
  ['the listener closes', '리스너가 닫히는 중'],
  ['no place for another flow is free', '새 플로를 받을 자리가 없음'],
  ['connect {code:word}', '연결 실패 ({code:word})'],
  ['no endpoint', '엔드포인트 없음'],
  ['no answer within {ms:number} ms', '{ms:number} ms 안에 답이 없음'],
]
