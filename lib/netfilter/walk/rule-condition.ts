import { type Cidr } from '../../model/cidr.js'
import { type PortRange } from '../../model/port-range.js'

/** What a rule asks about a packet. */
export type ConditionQuestion =
  | { readonly kind: 'source' | 'destination'; readonly range: Cidr }
  /** From the first address to the last one. */
  | { readonly kind: 'source range' | 'destination range'; readonly first: string; readonly last: string }
  /** A name that ends in `+` stands for all names with that beginning. */
  | { readonly kind: 'in interface' | 'out interface'; readonly name: string }
  | { readonly kind: 'protocol'; readonly protocol: string }
  | { readonly kind: 'source port' | 'destination port' | 'either port'; readonly ranges: readonly PortRange[] }
  | { readonly kind: 'source type' | 'destination type'; readonly types: readonly string[] }
  | { readonly kind: 'connection'; readonly states: readonly string[] }
  /** The destination before it was translated. */
  | { readonly kind: 'original destination'; readonly range: Cidr }
  | { readonly kind: 'original port'; readonly ranges: readonly PortRange[] }
  | { readonly kind: 'mark' | 'connection mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'set'; readonly name: string; readonly fields: readonly string[] }
  | {
      readonly kind: 'recent'
      readonly action: 'set' | 'check' | 'update' | 'remove'
      readonly list: string
      /** Undefined: however long ago. */
      readonly seconds: number | undefined
    }
  /** Segments of which exactly these flags are set, among the flags of the mask. */
  | { readonly kind: 'TCP flags'; readonly mask: readonly string[]; readonly set: readonly string[] }
  /** It came in by a port of a bridge, and iptables sees bridged packets. */
  | { readonly kind: 'bridge port' }
  /** A fragment after the first. */
  | { readonly kind: 'fragment' }
  /** Only the kernel can answer it. */
  | { readonly kind: 'unreadable'; readonly text: string }

/** A question, and whether the rule needs the answer "no". */
export type RuleCondition = ConditionQuestion & { readonly isNegated: boolean }

/** What a rule does with a packet that meets all of its conditions. */
export type RuleAction =
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'reject'; readonly with: string }
  /** An address or port that is left out stays. `isOneOf`: the kernel chooses in a range, and this is the first of it. */
  | {
      readonly kind: 'translate destination'
      readonly address: string | undefined
      readonly port: number | undefined
      readonly isOneOf: boolean
    }
  | { readonly kind: 'redirect'; readonly port: number | undefined }
  /** The new source is that of the interface by which the packet leaves; undefined address. */
  | { readonly kind: 'translate source'; readonly address: string | undefined }
  | { readonly kind: 'mark' | 'connection mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'save mark' | 'restore mark'; readonly markMask: number; readonly connectionMask: number }
  | { readonly kind: 'do not track' }
  /** It counts, or does something that changes no way: it logs. */
  | { readonly kind: 'none'; readonly name: string | undefined }
  /** It leaves the packet to a program or to code that cannot be read here. */
  | { readonly kind: 'unreadable'; readonly name: string }

/** A rule in a form that can be applied to packets. */
export interface ReadRule {
  /** All must be met. */
  readonly conditions: readonly RuleCondition[]
  /** The probability with which it applies to a packet that meets them; undefined: always. */
  readonly chance: number | undefined
  readonly comment: string | undefined
  readonly action: RuleAction
}
