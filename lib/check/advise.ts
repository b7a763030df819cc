import { type OptionState } from '../system/kernel-build.js'

/** What is known about something that the kernel does not do. */
export interface LackingFeature {
  readonly kernelOptions: readonly { readonly option: string; readonly state: OptionState }[]
  readonly module: string | undefined
  /** Whether the module's file is on this machine; undefined: not known. */
  readonly hasModuleFile: boolean | undefined
  readonly kernelRelease: string
  /** What the kernel said. */
  readonly reason: string
  /** How to get the program that is missing, so that the kernel could not be asked; left out: none is. */
  readonly install?: string | undefined
}

/** What an operator can do to get a feature of the kernel. */
export function advise(feature: LackingFeature): string {
  const { kernelOptions, module, hasModuleFile, kernelRelease, reason, install } = feature
  if (/permission denied|not permitted|must be root|need the capability/i.test(reason))
    return 'Run as root, or give the capabilities NET_ADMIN and NET_RAW in the network namespace of the host'
  const absent = kernelOptions.filter(({ state }) => state === 'not set').map(({ option }) => option)
  if (absent.length > 0) {
    const [names, them] = [absent.join(' and '), absent.length === 1 ? 'it' : 'them']
    const kernel = `This kernel was built without ${names}: use a kernel that has ${them}, or another mode`
    return install === undefined ? kernel : `${kernel}. ${install}`
  }
  if (install !== undefined) return install
  const options = kernelOptions.map(({ option }) => option).join(' and ')
  if (module === undefined) return `Use a kernel with ${options}`
  if (kernelOptions.some(({ state }) => state === 'module')) {
    return hasModuleFile === false
      ? `Install the package with more modules for this kernel (Debian, Ubuntu: linux-modules-extra-${kernelRelease}), then run "modprobe ${module}"`
      : `Run "modprobe ${module}" on the node; in a container, mount /lib/modules and load it on the host`
  }
  if (kernelOptions.every(({ state }) => state === 'built in'))
    return `The kernel has ${options}, but refuses to use it here: see the reason, and whether a security policy or a sandbox forbids it`
  return `Run "modprobe ${module}" on the node; if there is no such module, use a kernel with ${options}`
}
