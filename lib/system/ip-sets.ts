import { ProxyFailure } from '../model/failure.js'
import { runCommand } from './command.js'
import { type ObservedSet, parseIpSetText } from './ip-set-text.js'
import { ipvsForbiddenFailure, summarizeStderr } from './ipvs-failure.js'

/** The kernel's sets. */
export interface IpSets {
  /** Those whose name begins with `KUBE-`. @throws ProxyFailure */
  read(): Promise<ReadonlyMap<string, ObservedSet>>
  /** Carries out lines of `ipset restore`. After a failure some may have taken effect. @throws ProxyFailure */
  restore(text: string): Promise<void>
}

const TIMEOUT_MS = 60_000

/** Sets through the program `ipset`: one process for each call, whatever it carries. */
export const ipSetProgram: IpSets = {
  read: async () => parseIpSetText(await runIpset(['save']), 'KUBE-'),
  restore: async text => {
    // With -! what is there already, or gone already, is no mistake.
    await runIpset(['restore', '-!'], text)
  },
}

async function runIpset(args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand('ipset', args, { input, timeoutMs: TIMEOUT_MS }).catch(
    (error: unknown) => {
      if (!(error instanceof ProxyFailure) || error.code !== 'PROGRAM_MISSING') throw error
      const hint = 'Install the package "ipset" (Debian, Ubuntu: apt-get install ipset)'
      throw new ProxyFailure('PROGRAM_MISSING', error.message, { hint, cause: error.cause })
    },
  )
  if (exitCode !== 0) throw ipSetFailure(args, stderr, input)
  return stdout
}

/** Sorts what `ipset` said into a failure; with the line at fault, where it names one. */
export function ipSetFailure(args: readonly string[], stderr: string, input: string): ProxyFailure {
  const summary = summarizeStderr(stderr)
  if (/operation not permitted|permission denied/i.test(stderr))
    return ipvsForbiddenFailure(`Cannot use ipset: ${summary}`)
  if (/cannot open session to kernel|protocol not supported|kernel support|invalid argument/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `This kernel has not the sets that are asked for: ${summary}`, {
      hint: 'Load the modules ip_set, ip_set_hash_ip, ip_set_hash_ipport, ip_set_hash_ipportip, ip_set_hash_ipportnet and ip_set_bitmap_port',
    })
  const number = /line (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1]
  const where = line === undefined ? '' : `, at line ${number}: "${line}"`
  return new ProxyFailure('IPSET_FAILED', `"ipset ${args.join(' ')}" failed${where}: ${summary}`, {
    hint: 'It is tried again by itself',
  })
}
