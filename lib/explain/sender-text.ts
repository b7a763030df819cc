import { type IpAddress, parseIp } from '../model/address.js'

/** FROM, as it is written. */
export type SenderText =
  | { readonly kind: 'pod' | 'node' | 'outside'; readonly address: IpAddress | undefined }
  /** Only an address: where it is decides what it is. */
  | { readonly kind: 'address'; readonly address: IpAddress }

/** Reads FROM: `pod/10.244.0.2`, `node`, `outside`, `outside/203.0.113.9`, or only an address. Undefined: it is none of them. */
export function parseSender(text: string): SenderText | undefined {
  const [word = '', rest, ...more] = text.split('/')
  const kind = SENDER_WORDS.get(word.toLowerCase())
  const address = parseIp(kind === undefined ? text : rest)
  if (kind === undefined) return address === undefined ? undefined : { kind: 'address', address }
  if (more.length > 0 || (rest !== undefined && address === undefined)) return undefined
  return { kind, address }
}

const SENDER_WORDS: ReadonlyMap<string, 'pod' | 'node' | 'outside'> = new Map(
  Object.entries({
    pod: 'pod',
    pods: 'pod',
    po: 'pod',
    node: 'node',
    no: 'node',
    outside: 'outside',
  }),
)
