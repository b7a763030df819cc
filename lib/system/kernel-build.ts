import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { gunzipSync } from 'node:zlib'
import { runCommand } from './command.js'

/** Whether a kernel has an option: built in, as a module, not at all, or the kernel does not say. */
export type OptionState = 'built in' | 'module' | 'not set' | 'unknown'

/** How the running kernel was built. */
export interface KernelBuild {
  /** As `uname -r` prints it. */
  readonly release: string
  /** The file with the options; undefined if there is none. */
  readonly configFile: string | undefined
  stateOf(option: string): OptionState
  /** Whether the module's file is installed on this machine; undefined if this cannot be found out. */
  hasModuleFile(module: string): Promise<boolean | undefined>
}

const MODINFO_TIMEOUT_MS = 10_000

/** Reads how the running kernel was built, from where kernels and distributions keep it. */
export function readKernelBuild(root = ''): KernelBuild {
  const version = release()
  const candidates = [
    '/proc/config.gz',
    `/boot/config-${version}`,
    `/lib/modules/${version}/config`,
    `/lib/modules/${version}/build/.config`,
  ]
  const configFile = candidates.map(file => root + file).find(file => existsSync(file))
  const options = configFile === undefined ? undefined : parseKernelConfig(readConfigText(configFile))
  return {
    release: version,
    configFile,
    stateOf: option => (options === undefined ? 'unknown' : (options.get(option) ?? 'not set')),
    hasModuleFile: async module => {
      if (!existsSync(`${root}/lib/modules/${version}`)) return undefined
      try {
        const { exitCode } = await runCommand('modinfo', ['-n', module], { timeoutMs: MODINFO_TIMEOUT_MS })
        return exitCode === 0
      } catch {
        return undefined
      }
    },
  }
}

/** The options of a kernel's configuration that are set. */
export function parseKernelConfig(text: string): ReadonlyMap<string, 'built in' | 'module'> {
  const options = new Map<string, 'built in' | 'module'>()
  for (const [, name, value] of text.matchAll(/^(CONFIG_\w+)=([ym])$/gm))
    options.set(name!, value === 'y' ? 'built in' : 'module')
  return options
}

function readConfigText(file: string): string {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}
