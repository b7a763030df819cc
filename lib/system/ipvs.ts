import { ProxyFailure } from '../model/failure.js'
import { type CommandResult, runCommand } from './command.js'
import { ipvsFailure } from './ipvs-failure.js'
import { type ObservedServer, type IpvsChange, changeLine, parseIpvsText } from './ipvs-text.js'

/** Seconds; 0 leaves the kernel's own value. */
export interface IpvsTimeouts {
  readonly tcp: number
  /** After a connection was closed. */
  readonly tcpFin: number
  readonly udp: number
}

/** The kernel's virtual servers, everybody's, of both IP families. */
export interface Ipvs {
  /** @throws ProxyFailure IPVS_ABSENT, IPVS_FORBIDDEN … */
  list(): Promise<ObservedServer[]>
  /**
   * Makes the changes, in order. One that cannot be made does not keep the others from it.
   * @throws ProxyFailure when some could not be made
   */
  change(changes: readonly IpvsChange[]): Promise<void>
  /** @throws ProxyFailure */
  setTimeouts(timeouts: IpvsTimeouts): Promise<void>
}

const TIMEOUT_MS = 60_000

/** IPVS through the program `ipvsadm`: one process for each call, whatever it carries. */
export const ipvsProgram: Ipvs = {
  list: async () => {
    const { exitCode, stdout, stderr } = await runIpvsadm(['-L', '-n'])
    if (exitCode !== 0) throw ipvsFailure(stderr, '"ipvsadm -L -n" failed')
    return parseIpvsText(stdout)
  },
  change: async changes => {
    if (changes.length === 0) return
    const lines = changes.map(changeLine)
    const { exitCode, stderr } = await runIpvsadm(['--restore'], `${lines.join('\n')}\n`)
    // It goes on after a line that fails, and its exit code is that of the last one.
    if (exitCode === 0 && stderr.trim() === '') return
    const what = lines.length === 1 ? `"ipvsadm ${lines[0]}" failed` : `Some of ${lines.length} changes to IPVS failed`
    throw ipvsFailure(stderr, what)
  },
  setTimeouts: async ({ tcp, tcpFin, udp }) => {
    const args = ['--set', ...[tcp, tcpFin, udp].map(String)]
    const { exitCode, stderr } = await runIpvsadm(args)
    if (exitCode !== 0) throw ipvsFailure(stderr, `"ipvsadm ${args.join(' ')}" failed`)
  },
}

async function runIpvsadm(args: readonly string[], input = ''): Promise<CommandResult> {
  try {
    return await runCommand('ipvsadm', args, { input, timeoutMs: TIMEOUT_MS })
  } catch (error) {
    if (!(error instanceof ProxyFailure) || error.code !== 'PROGRAM_MISSING') throw error
    const hint = 'Install the package "ipvsadm" (Debian, Ubuntu: apt-get install ipvsadm)'
    throw new ProxyFailure('PROGRAM_MISSING', error.message, { hint, cause: error.cause })
  }
}
