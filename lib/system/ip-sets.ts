import { ProxyFailure } from '../model/failure.js'
import { runCommand } from './command.js'
import { type ObservedSet, parseIpSetText } from './ip-set-text.js'
import { ipvsForbiddenFailure } from './ipvs-failure.js'
import { summarizeStderr } from './summarize-stderr.js'

/** The kernel's sets. */
export interface IpSets {
  /** The sets with the prefix `KUBE-`. @throws ProxyFailure */
  read(): Promise<ReadonlyMap<string, ObservedSet>>
  /** Executes lines of `ipset restore`. After a failure, some lines may have taken effect. @throws ProxyFailure */
  restore(text: string): Promise<void>
}

const TIMEOUT_MS = 60_000

/** Sets through the program `ipset`: one process for each call. */
export const ipSetProgram: IpSets = {
  read: async () => parseIpSetText(await runIpset(['save']), 'KUBE-'),
  restore: async text => {
    // With -! a set or entry that exists already, or is gone already, is no error.
    await runIpset(['restore', '-!'], text)
  },
}

async function runIpset(args: readonly string[], input = ''): Promise<string> {
  const options = { input, timeoutMs: TIMEOUT_MS, packageName: 'ipset' }
  const { exitCode, stdout, stderr } = await runCommand('ipset', args, options)
  if (exitCode !== 0) throw ipSetFailure(args, stderr, input)
  return stdout
}

/** A line of the input is refused; lines before it may have taken effect. */
export class SetLineRefused extends ProxyFailure {
  readonly line: string

  constructor(line: string, message: string) {
    super('IPSET_FAILED', message, { hint: 'The proxy retries automatically' })
    this.line = line
  }
}

/** The failure for an error message of `ipset`; quotes the wrong line when the message names one. */
export function ipSetFailure(args: readonly string[], stderr: string, input: string): ProxyFailure {
  const summary = summarizeStderr(stderr)
  if (/operation not permitted|permission denied/i.test(stderr))
    return ipvsForbiddenFailure(`Cannot use ipset: ${summary}`)
  if (/cannot open session to kernel|protocol not supported|kernel support|invalid argument/i.test(stderr))
    return new ProxyFailure(
      'IPVS_ABSENT',
      `The kernel does not support an ipset type that ipvs mode needs: ${summary}`,
      {
        hint: 'Load the modules ip_set, ip_set_hash_ip, ip_set_hash_ipport, ip_set_hash_ipportip, ip_set_hash_ipportnet and ip_set_bitmap_port',
      },
    )
  const number = /line (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1]
  const action = `"ipset ${args.join(' ')}" failed`
  if (line !== undefined) return new SetLineRefused(line, `${action}, at line ${number}: "${line}": ${summary}`)
  return new ProxyFailure('IPSET_FAILED', `${action}: ${summary}`, { hint: 'The proxy retries automatically' })
}
