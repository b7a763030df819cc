import { type RuleAction } from './rule-condition.js'
import { type RuleOption } from './rule-parts.js'

/** Targets after which a packet goes on unchanged, as far as rules can see. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['LOG', 'NFLOG', 'ULOG', 'TRACE', 'AUDIT', 'SET', 'CHECKSUM', 'TOS', 'DSCP', 'CLASSIFY', 'TCPMSS', 'TTL', 'HL'],
  ...['ECN', 'SECMARK', 'CONNSECMARK', 'IDLETIMER', 'LED', 'RATEEST', 'TEE'],
])
/** Targets that end the way of a packet here. */
const ELSEWHERE: ReadonlySet<string> = new Set(['NFQUEUE', 'TPROXY', 'NETMAP', 'CLUSTERIP', 'QUEUE', 'SYNPROXY'])
const ALL_BITS = 0xffff_ffff

/** Reads the target of a rule. A name that is not a target of the kernel is that of a chain. */
export function readAction(target: RuleOption | undefined, options: readonly RuleOption[]): RuleAction {
  const name = target?.values[0]
  if (target === undefined || name === undefined) return { kind: 'none', name: undefined }
  if (target.name === '-g') return { kind: 'goto', chain: name }
  const value = (option: string): string | undefined => options.find(each => each.name === option)?.values[0]
  switch (name) {
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return { kind: name === 'ACCEPT' ? 'accept' : name === 'DROP' ? 'drop' : 'return' }
    case 'REJECT':
      return { kind: 'reject', with: value('--reject-with') ?? 'icmp-port-unreachable' }
    case 'DNAT':
      return { kind: 'translate destination', ...readAddressAndPort(value('--to-destination') ?? '') }
    case 'SNAT':
      return { kind: 'translate source', address: readAddressAndPort(value('--to-source') ?? '').address }
    case 'REDIRECT': {
      const port = value('--to-ports')
      return { kind: 'redirect', port: port === undefined ? undefined : Number(port.split('-')[0]) }
    }
    case 'MASQUERADE':
      return { kind: 'translate source', address: undefined }
    case 'MARK':
      return { kind: 'mark', ...readMark(value('--set-xmark') ?? value('--set-mark') ?? '0') }
    case 'CONNMARK':
      return readConnectionMark(options)
    case 'NOTRACK':
      return { kind: 'do not track' }
    case 'CT':
      return options.some(option => option.name === '--notrack') ? { kind: 'do not track' } : { kind: 'none', name }
    default:
      if (WITHOUT_EFFECT.has(name)) return { kind: 'none', name }
      return ELSEWHERE.has(name) ? { kind: 'unreadable', name } : { kind: 'jump', chain: name }
  }
}

/** Reads `10.0.0.1:80`, `[fd00::1]:80`, `10.0.0.1-10.0.0.9:80-90`, with either part left out. */
function readAddressAndPort(text: string): {
  readonly address: string | undefined
  readonly port: number | undefined
  readonly isOneOf: boolean
} {
  const [, inBrackets, plain = '', ports] = /^(?:\[(.*?)\]|([^\s[\]]*?))(?::([\d-]+))?$/.exec(unbracketed(text)) ?? []
  const hosts = inBrackets ?? plain
  const [address = ''] = hosts.split('-')
  return {
    address: address === '' ? undefined : address,
    port: ports === undefined ? undefined : Number(ports.split('-')[0]),
    isOneOf: hosts.includes('-') || ports?.includes('-') === true,
  }
}

/** An IPv6 address without a port has no brackets. */
function unbracketed(text: string): string {
  return !text.startsWith('[') && text.split(':').length > 2 ? `[${text}]` : text
}

function readMark(text: string): { readonly value: number; readonly mask: number } {
  const [value = 0, mask = ALL_BITS] = text.split('/').map(Number)
  return { value, mask }
}

function readConnectionMark(options: readonly RuleOption[]): RuleAction {
  const value = (name: string): number | undefined => {
    const text = options.find(option => option.name === name)?.values[0]
    return text === undefined ? undefined : Number(text)
  }
  const masks = {
    markMask: value('--nfmask') ?? value('--mask') ?? ALL_BITS,
    connectionMask: value('--ctmask') ?? value('--mask') ?? ALL_BITS,
  }
  if (options.some(({ name }) => name === '--save-mark')) return { kind: 'save mark', ...masks }
  if (options.some(({ name }) => name === '--restore-mark')) return { kind: 'restore mark', ...masks }
  const set = options.find(({ name }) => name === '--set-xmark' || name === '--set-mark')?.values[0]
  return set === undefined ? { kind: 'none', name: 'CONNMARK' } : { kind: 'connection mark', ...readMark(set) }
}
