import { type SentencePattern } from '../../create-translator.js'

/** What a reader should know besides. */
export const NOTE_SENTENCES: readonly SentencePattern[] = [
  // Notes.
  [
    'It is unknown whether rule {position:number} of {chain:word} in table {table:word} applies: only the kernel can answer its "{condition}". This way takes it to apply ({rule}).',
    '테이블 {table:word}의 체인 {chain:word}의 {position:number}번 규칙이 적용되는지 알 수 없다. "{condition}"에는 커널만 답할 수 있다. 이 길에서는 적용된다고 본다 ({rule}).',
  ],
  [
    'It is unknown whether rule {position:number} of {chain:word} in table {table:word} applies: only the kernel can answer its "{condition}". This way takes it to not apply ({rule}).',
    '테이블 {table:word}의 체인 {chain:word}의 {position:number}번 규칙이 적용되는지 알 수 없다. "{condition}"에는 커널만 답할 수 있다. 이 길에서는 적용되지 않는다고 본다 ({rule}).',
  ],
  [
    'This is what {mode:word} mode would have on this node: the proxy serves in {served:word} mode now',
    '{mode:word} 모드라면 이 노드에 이렇게 된다. 지금 프록시는 {served:word} 모드로 처리한다',
  ],
  [
    'Worker {worker:number} has not replied: what is there is missing here',
    '워커 {worker:number}이(가) 답하지 않아서 거기 있는 것은 여기에 없다',
  ],
  [
    'Workers {workers} have not replied: what is there is missing here',
    '워커 {workers}이(가) 답하지 않아서 거기 있는 것은 여기에 없다',
  ],
  ['The proxy serves no Service yet: it has just started', '프록시가 막 시작해서 아직 처리하는 서비스가 없다'],
  [
    'These are the first {limit:number} endpoints of {all:number}',
    '엔드포인트 {all:number}개 가운데 처음 {limit:number}개다',
  ],
  [
    'There are too many rules that cannot be read: not every way is shown',
    '읽을 수 없는 규칙이 너무 많아서 모든 길을 보여 주지는 않는다',
  ],
  [
    'The first datagram of a flow decides; later ones from the same address and port follow it',
    '플로의 첫 데이터그램이 정한다. 같은 주소와 포트에서 오는 다음 것들은 그것을 따른다',
  ],
  [
    'If {interface:word} is a bridge, {address:word} reaches itself only if its port of the bridge has hairpin mode (ip -d link shows it)',
    '{interface:word}이(가) 브리지라면, {address:word}은(는) 브리지의 자기 포트가 헤어핀 모드일 때만 자기 자신에 닿는다 (ip -d link로 볼 수 있다)',
  ],
  [
    'This address has {others} too; add /{suffix} to ask for it',
    '이 주소에는 {others}도 있다. 그것을 물으려면 /{suffix}을(를) 붙인다',
  ],
  [
    '{frontend:sentence} is not served here: {why:part}',
    '{frontend:sentence}은(는) 여기서 처리되지 않는다: {why:part}',
  ],
  [
    '{frontend:sentence} has no port {port} at this address; it has {ports}',
    '{frontend:sentence}에는 이 주소에 포트 {port}이(가) 없고, {ports}이(가) 있다',
  ],
  [
    'The kernel has no chain by which a mode of kube-proxy can be recognised',
    '커널에 kube-proxy의 모드를 알아볼 수 있는 체인이 없다',
  ],
  ['Cannot read {what}: {why}', '{what}을(를) 읽을 수 없다: {why}'],
  [
    'In {mode:word} mode the kernel carries connections: the proxy has no sockets, no workers and no connections of its own',
    '{mode:word} 모드에서는 커널이 연결을 나르므로 프록시에 자기 소켓, 워커, 연결이 없다',
  ],
  [
    'These are the {which} {limit:number} {what}, and there are more: ask for {less}, or for a larger limit',
    '{what} 가운데 일부({limit:number}개)이고, 더 있다. 범위를 좁히거나 한도를 늘려서 묻는다',
  ],
]
