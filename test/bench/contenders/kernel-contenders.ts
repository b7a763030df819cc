import { programName } from '../../../lib/system/iptables-flavour.js'
import { programVersion } from '../measure/program-version.js'
import { CARRIER_NAMES, type Contender, type ContenderName, IPVS_CARRIER_NAMES } from './contender.js'
import { direct } from './direct.js'
import { flavourMissing } from './flavour-path.js'
import { ipvsMissing } from './ipvs-missing.js'
import { KernelProxy, type KernelProxyKind } from './kernel-proxy.js'
import { originalMissing, originalVersion } from './original-program.js'
import { ours } from './ours.js'

const TITLES = { ours: 'kube-proxy-node', original: 'kube-proxy' } as const

/** Both programs in iptables mode, and what they are compared with besides. */
export const KERNEL_CONTENDERS: readonly Contender[] = CARRIER_NAMES.map(contenderOf)
/** The same in ipvs mode. */
export const IPVS_CONTENDERS: readonly Contender[] = IPVS_CARRIER_NAMES.map(contenderOf)

function contenderOf(name: (typeof CARRIER_NAMES | typeof IPVS_CARRIER_NAMES)[number]): Contender {
  switch (name) {
    case 'direct':
      return direct
    case 'ours':
      return { ...ours, title: `${ours.title} userspace` }
    case 'ours-iptables-nft':
      return kernelContender(name, { program: 'ours', mode: 'iptables', flavour: 'nft' })
    case 'ours-iptables-legacy':
      return kernelContender(name, { program: 'ours', mode: 'iptables', flavour: 'legacy' })
    case 'original-iptables-nft':
      return kernelContender(name, { program: 'original', mode: 'iptables', flavour: 'nft' })
    case 'original-iptables-legacy':
      return kernelContender(name, { program: 'original', mode: 'iptables', flavour: 'legacy' })
    case 'ours-ipvs':
      return kernelContender(name, { program: 'ours', mode: 'ipvs', flavour: 'nft' })
    case 'original-ipvs':
      return kernelContender(name, { program: 'original', mode: 'ipvs', flavour: 'nft' })
  }
}

function kernelContender(name: ContenderName, kind: KernelProxyKind): Contender {
  const { program, mode, flavour } = kind
  return {
    name,
    title: `${TITLES[program]} ${mode === 'ipvs' ? mode : `${mode} (${flavour})`}`,
    missing: () =>
      (program === 'original' ? originalMissing() : undefined) ??
      flavourMissing(flavour) ??
      (mode === 'ipvs' ? ipvsMissing() : undefined),
    version() {
      const rules = programVersion(programName('IPv4', flavour), ['--version'])
      return [program === 'original' ? originalVersion() : ours.version(), rules].join('; ')
    },
    start: (site, size) => KernelProxy.start(site, size, kind),
  }
}
