import { type ExplainedWay, type WayEnd } from './explanation.js'
import { type Sender } from './find-sender.js'

/** More endpoints than this are counted, not listed. */
const MAX_LISTED = 4

/** What happens to the packet, in one sentence. */
export function answerText(ways: readonly ExplainedWay[], sender: Sender): string {
  const ends = [...new Set(ways.map(({ end }) => end))]
  const waysTo = (end: WayEnd): ExplainedWay[] => ways.filter(way => way.end === end)
  const text = ends.map(end => endText(waysTo(end), sender)).join('; or: ')
  const isUnsure = ends.length > 1 && ways.some(({ assumptions }) => assumptions.length > 0)
  return isUnsure ? `It depends on rules that cannot be read here: ${text}.` : `${capitalize(text)}.`
}

function endText(ways: readonly ExplainedWay[], { text }: Sender): string {
  const [first] = ways
  switch (first!.end) {
    case 'endpoint':
      return `the packet of ${text} goes to ${endpointsText(ways)}. The endpoint sees ${sourceText(ways)}`
    case 'proxy-port':
      return `the packet goes to a proxy port of the node; which endpoint kube-proxy picks is not known here`
    case 'node':
      return `the packet goes to the node itself: no rule translates it`
    case 'elsewhere':
      return `no rule translates the packet: it goes to the address itself`
    case 'dropped':
      return `the packet is dropped, and the client gets no answer: ${lastSentence(first!)}`
    case 'refused':
      return `the connection is refused: ${lastSentence(first!)}`
    case 'reset':
      return `the proxy accepts the connection and resets it: ${lastSentence(first!)}`
    case 'unknown':
      return `something takes the packet that cannot be read here`
  }
}

function endpointsText(ways: readonly ExplainedWay[]): string {
  const endpoints = [...new Set(ways.map(({ endpoint }) => endpoint!))]
  if (endpoints.length > MAX_LISTED) return `one of ${endpoints.length} endpoints`
  return endpoints.length === 1 ? endpoints[0]! : `${endpoints.slice(0, -1).join(', ')} or ${endpoints.at(-1)}`
}

function sourceText(all: readonly ExplainedWay[]): string {
  const ways = all.filter(({ steps }) => steps.length > 0)
  const seen = [...new Set(ways.map(({ sourceSeen }) => sourceSeen ?? 'an address of the node'))]
  const clients = ways.filter(({ seesClient }) => seesClient).length
  const whose =
    clients === ways.length
      ? 'that is the client'
      : clients === 0
        ? 'that is the node, not the client'
        : 'it depends on the endpoint'
  return `${seen.join(' or ')} as its client (${whose})`
}

function lastSentence({ steps }: ExplainedWay): string {
  const sentence = steps.at(-1)?.sentence.replace(/\.$/, '') ?? 'a rule decides so'
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
