import { type JSX } from 'preact'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'
import { PacketAnswer } from './packet/packet-answer.js'
import { PacketForm } from './packet/packet-form.js'

const WORDS = TEXTS.packet

/** One packet, step by step. @param from and `to` as the words of `kube-proxy explain`; empty: nothing is asked yet */
export function PacketView({ from, to }: { readonly from: string; readonly to: string }): JSX.Element {
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <PacketForm key={`${from} ${to}`} from={from} to={to} />
      {to !== '' && <PacketAnswer key={`answer ${from} ${to}`} from={from} to={to} />}
    </View>
  )
}
