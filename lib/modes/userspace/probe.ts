import { type IpFamily } from '../../model/address.js'
import { PROBE_DNAT, type ProbeRules } from '../probe-rules.js'

/** One rule for each kind of match and target in `frontend-rules.ts` and `proxy-port-filter.ts`. */
export function userspaceProbeRules(family: IpFamily): ProbeRules {
  return new Map([
    [
      'nat',
      [
        { protocol: 'TCP', destinationPort: 80, toThisNode: true, target: PROBE_DNAT[family] },
        { protocol: 'UDP', destinationPort: 80, target: { kind: 'REDIRECT', port: 1 } },
      ],
    ],
    [
      'filter',
      [
        { protocol: 'TCP', destinationPorts: [1, 2], target: { kind: 'DROP' } },
        { protocol: 'TCP', connection: 'NEW', target: { kind: 'REJECT', with: 'tcp-reset' } },
        { connection: 'DNAT', target: { kind: 'REJECT', with: 'port-unreachable' } },
      ],
    ],
  ])
}
