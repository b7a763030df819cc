import { programName } from '../../../lib/system/iptables-back-end.js'
import { programVersion } from '../measure/program-version.js'
import { IPTABLES_DATA_PATH_NAMES, type Contender, type ContenderName, IPVS_DATA_PATH_NAMES } from './contender.js'
import { direct } from './direct.js'
import { backEndUnavailable } from './back-end-path.js'
import { ipvsUnavailable } from './ipvs-unavailable.js'
import { KernelProxy, type KernelProxyOptions } from './kernel-proxy.js'
import { originalUnavailableReason, originalVersion } from './original-program.js'
import { thisProxy } from './this-proxy.js'

const TITLES = { 'kube-proxy-node': 'kube-proxy-node', original: 'kube-proxy' } as const

/** Both programs in iptables mode, and the other contenders of that comparison. */
export const IPTABLES_CONTENDERS: readonly Contender[] = IPTABLES_DATA_PATH_NAMES.map(makeContender)
/** The same in ipvs mode. */
export const IPVS_CONTENDERS: readonly Contender[] = IPVS_DATA_PATH_NAMES.map(makeContender)

function makeContender(name: (typeof IPTABLES_DATA_PATH_NAMES | typeof IPVS_DATA_PATH_NAMES)[number]): Contender {
  switch (name) {
    case 'direct':
      return direct
    case 'kube-proxy-node':
      return { ...thisProxy, title: `${thisProxy.title} userspace` }
    case 'kube-proxy-node-iptables-nft':
      return makeKernelContender(name, { program: 'kube-proxy-node', mode: 'iptables', backEnd: 'nft' })
    case 'kube-proxy-node-iptables-legacy':
      return makeKernelContender(name, { program: 'kube-proxy-node', mode: 'iptables', backEnd: 'legacy' })
    case 'original-iptables-nft':
      return makeKernelContender(name, { program: 'original', mode: 'iptables', backEnd: 'nft' })
    case 'original-iptables-legacy':
      return makeKernelContender(name, { program: 'original', mode: 'iptables', backEnd: 'legacy' })
    case 'kube-proxy-node-ipvs':
      return makeKernelContender(name, { program: 'kube-proxy-node', mode: 'ipvs', backEnd: 'nft' })
    case 'original-ipvs':
      return makeKernelContender(name, { program: 'original', mode: 'ipvs', backEnd: 'nft' })
  }
}

function makeKernelContender(name: ContenderName, kind: KernelProxyOptions): Contender {
  const { program, mode, backEnd } = kind
  return {
    name,
    title: `${TITLES[program]} ${mode === 'ipvs' ? mode : `${mode} (${backEnd})`}`,
    unavailableReason: () =>
      (program === 'original' ? originalUnavailableReason() : undefined) ??
      backEndUnavailable(backEnd) ??
      (mode === 'ipvs' ? ipvsUnavailable() : undefined),
    version() {
      const rules = programVersion(programName('IPv4', backEnd), ['--version'])
      return [program === 'original' ? originalVersion() : thisProxy.version(), rules].join('; ')
    },
    start: (site, size) => KernelProxy.start(site, size, kind),
  }
}
