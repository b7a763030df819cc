import { type Option } from '../option.js'

const WINDOWS = { none: 'applies to Windows only' } as const
const OTHER_PROGRAM = { none: 'belongs to another program: kube-proxy listed it by mistake' } as const

/** Options of other systems, of other programs, and of times before 1.20. */
export const FOREIGN_OPTIONS: readonly Option[] = [
  ...(['networkName', 'sourceVip', 'rootHnsEndpointName'] as const).map((name): Option => {
    const field = `winkernel.${name}`
    return { name: field, field, kind: 'text', default: '', help: 'Setting of kernelspace mode', effect: WINDOWS }
  }),
  ...(['enableDSR', 'forwardHealthCheckVip'] as const).map((name): Option => {
    const field = `winkernel.${name}`
    return { name: field, field, kind: 'switch', help: 'Setting of kernelspace mode', effect: WINDOWS }
  }),
  {
    name: 'windowsRunAsService',
    field: 'windowsRunAsService',
    kind: 'switch',
    help: 'Run as a Windows service',
    effect: { refused: 'this program runs on Linux only' },
  },
  {
    name: 'resource-container',
    field: 'resourceContainer',
    kind: 'text',
    default: '',
    value: 'NAME',
    until: '1.15',
    help: 'Cgroup of the proxy',
    effect: { none: 'the kubelet or systemd decides about the cgroup' },
  },
  {
    name: 'conntrack.max',
    field: 'conntrack.max',
    kind: 'number',
    default: '0',
    zeroIsDefault: true,
    until: '1.10',
    help: 'Number of connection tracking entries',
    effect: { none: 'replaced by conntrack.maxPerCore and conntrack.min' },
  },
  ...(
    [
      ['azure-container-registry-config', 'FILE', '1.25'],
      ['boot-id-file', 'FILE', '1.32'],
      ['machine-id-file', 'FILE', '1.32'],
      ['cloud-provider-gce-lb-src-cidrs', 'CIDR', '1.24'],
      ['cloud-provider-gce-l7lb-src-cidrs', 'CIDR', '1.24'],
      ['default-not-ready-toleration-seconds', 'SECONDS', '1.24'],
      ['default-unreachable-toleration-seconds', 'SECONDS', '1.24'],
    ] as const
  ).map(([name, value, until]): Option => ({
    name,
    kind: 'text',
    default: '',
    value,
    until,
    help: 'Setting of another program',
    effect: OTHER_PROGRAM,
  })),
]
