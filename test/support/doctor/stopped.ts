import { type FoundRule, type ServiceWalk } from '../../../lib/doctor/kernel-facts.js'

const RULE: FoundRule = {
  ...{ table: 'filter', chain: 'FORWARD', position: 1, rule: '-A FORWARD -j DROP', packets: 7 },
  ...{ sentence: 'All packets are dropped: the sender gets no answer.', isForAll: false },
}

/** What happens to a packet that a rule drops. @param isOwn whether it is a rule of the proxy */
export const stopped = (rule: Partial<FoundRule> = {}, isOwn = false): ServiceWalk['outcome'] => ({
  ...{ kind: 'stopped', how: 'dropped', isOwn },
  rule: { ...RULE, ...rule },
})

/** What happens to a packet that a rule of another program takes. */
export const taken = (rule: Partial<FoundRule> = {}): ServiceWalk['outcome'] => ({
  kind: 'taken',
  rule: { ...RULE, ...rule },
})
