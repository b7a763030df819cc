/**
 * The Korean of the sentences that say what a rule does (`ruleSentence`). Korean has the conditions before the packets and the action at
 * the end, so the parts are read one by one and put together again.
 */

/** A phrase of a rule and its Korean; the groups of the pattern are its arguments. */
type Phrase = readonly [pattern: RegExp, korean: (...groups: string[]) => string]

const ADDRESS = '[0-9a-fA-F:./]+'
const PORTS = 'ports? (\\d+(?: to \\d+)?(?:, \\d+(?: to \\d+)?)*)'

function portsOf(list: string): string {
  return `${list.replaceAll(' to ', '–')}번 포트`
}

/** Each state before "패킷", and before another state. */
const STATES: ReadonlyMap<string, readonly [last: string, earlier: string]> = new Map([
  ['that open a connection', ['연결을 여는', '연결을 열거나']],
  ['of a known connection', ['이미 아는 연결의', '이미 아는 연결이거나']],
  ['related to a known connection', ['이미 아는 연결과 관련된', '이미 아는 연결과 관련되거나']],
  ['of no valid connection', ['올바른 연결에 속하지 않은', '올바른 연결에 속하지 않거나']],
  ['without connection tracking', ['연결 추적을 하지 않는', '연결 추적을 하지 않거나']],
  ['whose destination was translated', ['목적지가 변환된', '목적지가 변환되거나']],
  ['whose source was translated', ['출발지가 변환된', '출발지가 변환되거나']],
])
const STATE = [...STATES.keys(), 'in state [A-Z]+'].join('|')
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['destination', '목적지'],
  ['source', '출발지'],
])

function statesOf(text: string): string {
  const states = text.split(' or ')
  return states
    .map((state, index) => {
      const name = state.replace('in state ', '')
      const [last, earlier] = STATES.get(state) ?? [`상태가 ${name}인`, `상태가 ${name}이거나`]
      return index === states.length - 1 ? last : earlier
    })
    .join(' ')
}

function fieldsOf(text: string): string {
  return text
    .split(' with ')
    .map(field => FIELDS.get(field) ?? field)
    .join('·')
}

function interfaceOf(isSome: string | undefined, name: string): string {
  return isSome === undefined ? `인터페이스 ${name}` : `이름이 ${name}인 인터페이스`
}

/** Conditions as modifiers of "패킷". The first that matches at the start counts. */
const CONDITIONS: readonly Phrase[] = [
  [new RegExp(`from outside (${ADDRESS}) to (${ADDRESS})`), (first, last) => `${first}–${last} 밖에서 온`],
  [new RegExp(`from (${ADDRESS}) to (${ADDRESS})`), (first, last) => `${first}–${last}에서 온`],
  [new RegExp(`from outside (${ADDRESS})`), range => `${range} 밖에서 온`],
  [/not from an address of this node/, () => '이 노드의 주소에서 오지 않은'],
  [/from an address of this node/, () => '이 노드의 주소에서 온'],
  [/not from a (\S+(?: or \S+)*) address/, types => `${types} 주소에서 오지 않은`],
  [/from a (\S+(?: or \S+)*) address/, types => `${types} 주소에서 온`],
  [new RegExp(`neither from nor to ${PORTS}`), list => `출발지도 목적지도 ${portsOf(list)}가 아닌`],
  [new RegExp(`from or to ${PORTS}`), list => `출발지나 목적지가 ${portsOf(list)}인`],
  [new RegExp(`not from ${PORTS}`), list => `출발지가 ${portsOf(list)}가 아닌`],
  [new RegExp(`from ${PORTS}`), list => `출발지가 ${portsOf(list)}인`],
  [new RegExp(`from (${ADDRESS})`), range => `${range}에서 온`],
  [
    new RegExp(`not to an address from (${ADDRESS}) to (${ADDRESS})`),
    (first, last) => `목적지가 ${first}–${last}에 들지 않는`,
  ],
  [new RegExp(`to an address from (${ADDRESS}) to (${ADDRESS})`), (first, last) => `목적지가 ${first}–${last}에 드는`],
  [new RegExp(`not to an address of this node`), () => '이 노드의 주소로 가지 않는'],
  [new RegExp(`to an address of this node ${PORTS}`), list => `이 노드 주소의 ${portsOf(list)}로 가는`],
  [/to an address of this node/, () => '이 노드의 주소로 가는'],
  [new RegExp(`to a (\\S+(?: or \\S+)*) address ${PORTS}`), (types, list) => `${types} 주소의 ${portsOf(list)}로 가는`],
  [/not to a (\S+(?: or \S+)*) address/, types => `${types} 주소로 가지 않는`],
  [/to a (\S+(?: or \S+)*) address/, types => `${types} 주소로 가는`],
  [new RegExp(`to not ${PORTS}`), list => `${portsOf(list)}가 아닌 곳으로 가는`],
  [new RegExp(`to ${PORTS}`), list => `${portsOf(list)}로 가는`],
  [new RegExp(`not to (${ADDRESS})`), range => `${range}(으)로 가지 않는`],
  [new RegExp(`to (${ADDRESS}) ${PORTS}`), (range, list) => `${range}의 ${portsOf(list)}로 가는`],
  [new RegExp(`to (${ADDRESS})`), range => `${range}(으)로 가는`],
  [new RegExp(`not ${PORTS}`), list => `${portsOf(list)}가 아닌`],
  [new RegExp(PORTS), list => `${portsOf(list)}의`],
  [/that did not come in by a port of a bridge/, () => '브리지의 포트로 들어오지 않은'],
  [/that came in by a port of a bridge/, () => '브리지의 포트로 들어온'],
  [
    /that did not come in by (an interface )?(\S+?)(?=,| |$)/,
    (some, name) => `${interfaceOf(some, name)}로 들어오지 않은`,
  ],
  [/that came in by (an interface )?(\S+?)(?=,| |$)/, (some, name) => `${interfaceOf(some, name)}로 들어온`],
  [/that do not leave by (an interface )?(\S+?)(?=,| |$)/, (some, name) => `${interfaceOf(some, name)}로 나가지 않는`],
  [/that leave by (an interface )?(\S+?)(?=,| |$)/, (some, name) => `${interfaceOf(some, name)}로 나가는`],
  [new RegExp(`that the client did not send to ${PORTS}`), list => `클라이언트가 ${portsOf(list)}로 보내지 않은`],
  [new RegExp(`that the client sent to ${PORTS}`), list => `클라이언트가 ${portsOf(list)}로 보낸`],
  [new RegExp(`that the client did not send to (${ADDRESS})`), range => `클라이언트가 ${range}(으)로 보내지 않은`],
  [new RegExp(`that the client sent to (${ADDRESS})`), range => `클라이언트가 ${range}(으)로 보낸`],
  [/of connections without mark (\S+?)(?=,|$)/, mark => `연결의 마크가 ${mark}이(가) 아닌`],
  [/of connections with mark (\S+?)(?=,|$)/, mark => `연결의 마크가 ${mark}인`],
  [/without mark (\S+?)(?=,|$)/, mark => `마크가 ${mark}이(가) 아닌`],
  [/with mark (\S+?)(?=,|$)/, mark => `마크가 ${mark}인`],
  [new RegExp(`except those ((?:${STATE})(?: or (?:${STATE}))*)`), states => `${statesOf(states)} 것을 뺀`],
  [new RegExp(`((?:${STATE})(?: or (?:${STATE}))*)`), statesOf],
  [/\(whose sender the kernel adds to list (\S+)\)/, list => `(보낸 쪽을 커널이 목록 ${list}에 적는)`],
  [
    /whose sender is not in list (\S+) since less than (\S+) s/,
    (list, s) => `보낸 쪽이 ${s}초 안에 목록 ${list}에 적히지 않은`,
  ],
  [/whose sender is in list (\S+) since less than (\S+) s/, (list, s) => `보낸 쪽이 ${s}초 안에 목록 ${list}에 적힌`],
  [/whose sender is not in list (\S+?)(?=,|$)/, list => `보낸 쪽이 목록 ${list}에 없는`],
  [/whose sender is in list (\S+?)(?=,|$)/, list => `보낸 쪽이 목록 ${list}에 있는`],
  [
    /whose (\S+(?: with \S+)*) is not in set (\S+?)(?=,|$)/,
    (fields, set) => `${fieldsOf(fields)}이(가) 집합 ${set}에 없는`,
  ],
  [
    /whose (\S+(?: with \S+)*) is in set (\S+?)(?=,|$)/,
    (fields, set) => `${fieldsOf(fields)}이(가) 집합 ${set}에 있는`,
  ],
  [/except those with none of the flags ((?:[A-Z]+(?:, )?)+)(?=,|$)/, flags => `${flags} 플래그가 하나도 없는 것을 뺀`],
  [/with none of the flags ((?:[A-Z]+(?:, )?)+)(?=,|$)/, flags => `${flags} 플래그가 하나도 없는`],
  [
    /except those with of ((?:[A-Z]+(?:, )?)+) only ([A-Z]+(?:, [A-Z]+)*)/,
    (mask, set) => `${mask} 플래그 가운데 ${set}만 있는 것을 뺀`,
  ],
  [/with of ((?:[A-Z]+(?:, )?)+) only ([A-Z]+(?:, [A-Z]+)*)/, (mask, set) => `${mask} 플래그 가운데 ${set}만 있는`],
  [/that are no later fragments/, () => '뒤따르는 조각이 아닌'],
  [/that are later fragments/, () => '뒤따르는 조각인'],
  [/that meet "(.*)"/, text => `"${text}" 조건에 맞는`],
]

/** What happens to the packets, as the end of the sentence. */
const ACTIONS: readonly Phrase[] = [
  [/go to chain (\S+) for good/, chain => `체인 ${chain}(으)로 가서 돌아오지 않는다`],
  [/go to chain (\S+)/, chain => `체인 ${chain}(으)로 간다`],
  [/go to target (\S+), which cannot be foreseen/, name => `타깃 ${name}(으)로 가고, 그다음은 알 수 없다`],
  [/go to target (\S+)/, name => `타깃 ${name}(으)로 간다`],
  [/are accepted: no further rule of this table sees them/, () => '받아들여진다: 이 테이블의 다음 규칙은 보지 않는다'],
  [/are dropped: the sender gets no answer/, () => '버려진다: 보낸 쪽은 답을 받지 못한다'],
  [/go back to the chain before/, () => '앞의 체인으로 돌아간다'],
  [/are refused with a TCP reset/, () => 'TCP 리셋으로 거절된다'],
  [/are refused with the ICMP message "(.*)"/, message => `ICMP 메시지 "${message}"(으)로 거절된다`],
  [/get the destination one of those from (.+) \(DNAT\)/, target => `목적지가 ${target} 가운데 하나로 바뀐다 (DNAT)`],
  [/get the destination (.+) \(DNAT\)/, target => `목적지가 ${target}(으)로 바뀐다 (DNAT)`],
  [
    /get this node as destination, port (\d+) \(REDIRECT\)/,
    port => `목적지가 이 노드의 ${port}번 포트로 바뀐다 (REDIRECT)`,
  ],
  [/get this node as destination \(REDIRECT\)/, () => '목적지가 이 노드로 바뀐다 (REDIRECT)'],
  [/get the address of this node as source \(MASQUERADE\)/, () => '출발지가 이 노드의 주소로 바뀐다 (MASQUERADE)'],
  [/get (\S+) as source \(SNAT\)/, address => `출발지가 ${address}(으)로 바뀐다 (SNAT)`],
  [/get mark (\S+) toggled/, mark => `마크 값 ${mark}이(가) 뒤집힌다`],
  [/lose mark (\S+)/, mark => `마크 값 ${mark}이(가) 지워진다`],
  [/get mark (\S+)/, mark => `마크 값 ${mark}이(가) 붙는다`],
  [/give their connection mark (\S+)/, mark => `연결의 마크를 ${mark}(으)로 한다`],
  [/give their mark to their connection/, () => '마크를 연결에 옮긴다'],
  [/get the mark of their connection/, () => '연결의 마크를 가져온다'],
  [/are not tracked: nothing translates them/, () => '연결 추적을 하지 않는다: 아무것도 변환하지 않는다'],
  [/are only counted/, () => '세기만 한다'],
  [/go on \((\S+) changes no way\)/, name => `계속 간다 (${name}은(는) 길을 바꾸지 않는다)`],
]

const SUBJECT =
  /^(?:At random, (?<chance>.+?) of the |All )?(?:packets of any protocol but (?<not>\S+)|(?<protocol>\S+) packets|packets)(?: (?<conditions>.*))?$/i

/** @returns undefined: it is no such sentence */
export function ruleSentenceInKorean(sentence: string): string | undefined {
  if (!/packets/i.test(sentence)) return undefined
  const text = sentence.replace(/\.$/, '')
  for (const [pattern, korean] of ACTIONS) {
    const found = new RegExp(`^(.*?packets.*?) ${pattern.source}$`, 'i').exec(text)
    if (found === null) continue
    const [, subject, ...groups] = found
    const packets = subjectInKorean(subject!)
    if (packets !== undefined) return `${packets} ${korean(...groups)}.`
  }
  return undefined
}

function subjectInKorean(subject: string): string | undefined {
  const groups = SUBJECT.exec(subject)?.groups
  if (groups === undefined) return undefined
  const { chance, not, protocol, conditions } = groups
  const modifiers = conditions === undefined ? [] : conditionsInKorean(conditions)
  if (modifiers === undefined) return undefined
  const isAll = subject.startsWith('All ')
  const what = not === undefined ? (protocol === undefined ? '패킷' : `${protocol} 패킷`) : `${not}이(가) 아닌 패킷`
  const packets = [...modifiers, isAll ? `모든 ${what}` : what].join(' ')
  return chance === undefined ? `${packets}은` : `${packets}은 무작위로 ${shareOf(chance)}`
}

function shareOf(chance: string): string {
  const oneIn = /^1 in (\d+)$/.exec(chance)?.[1]
  return oneIn === undefined ? `${chance}가` : `${oneIn}개 중 1개가`
}

/** @returns one for each, in their order */
function conditionsInKorean(conditions: string): string[] | undefined {
  const modifiers: string[] = []
  for (let rest = conditions; rest !== '';) {
    const next = nextCondition(rest)
    if (next === undefined) return undefined
    modifiers.push(next.korean)
    rest = next.rest
  }
  return modifiers
}

function nextCondition(text: string): { readonly korean: string; readonly rest: string } | undefined {
  for (const [pattern, korean] of CONDITIONS) {
    const found = new RegExp(`^(?:${pattern.source})(?=,|$| port)`).exec(text)
    if (found === null) continue
    const rest = text.slice(found[0].length)
    return { korean: korean(...found.slice(1)), rest: rest.replace(/^,? /, '') }
  }
  return undefined
}
