import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { programName } from '../../../lib/system/iptables-back-end.js'
import { programPath } from '../measure/program-version.js'
import { type Testbed } from '../testbed/testbed.js'

export type BackEnd = 'nft' | 'legacy'

const IP_FAMILIES = ['IPv4', 'IPv6'] as const
const ACTIONS = [undefined, 'save', 'restore'] as const

/** The reason why a variant of iptables cannot be used on this machine; undefined if it can. */
export function backEndUnavailable(flavour: BackEnd): string | undefined {
  const program = programName('IPv4', flavour)
  return programPath(program) === undefined ? `"${program}" is not there: apt-get install iptables` : undefined
}

/** Makes `iptables` the program of one variant, as Debian's alternatives do for the whole machine. */
export class BackEndPath {
  readonly env: NodeJS.ProcessEnv
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-flavour-'))

  constructor(flavour: BackEnd) {
    for (const family of IP_FAMILIES)
      for (const action of ACTIONS) {
        const real = programPath(programName(family, flavour, action))
        if (real !== undefined && existsSync(real))
          symlinkSync(real, join(this.#folder, programName(family, 'plain', action)))
      }
    this.env = { ...process.env, PATH: `${this.#folder}${delimiter}${process.env['PATH']}` }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The kubelet's hint, by which this proxy (and the images of Kubernetes) detect the variant of a node. */
export async function createIptablesHint(site: Testbed, flavour: BackEnd): Promise<void> {
  const hint = ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT']
  const { exitCode, stderr } = await site.network.node.run(programName('IPv4', flavour), hint)
  if (exitCode !== 0 && !stderr.includes('exists')) throw new Error(`No hint could be left: ${stderr.trim()}`)
}
