import { type CommandResult, runCommand } from './command.js'
import { ipvsFailure } from './ipvs-failure.js'
import { type ObservedServer, type IpvsChange, changeLine, parseIpvsText } from './ipvs-text.js'
import { type PersistedClient, parsePersistedClients } from './persisted-client.js'

/** Timeouts of IPVS in seconds; 0 keeps the kernel's value. */
export interface IpvsTimeouts {
  readonly tcp: number
  /** After the end of a TCP connection. */
  readonly tcpFin: number
  readonly udp: number
}

/** The kernel's virtual servers, of all programs and both IP families. */
export interface Ipvs {
  /** All virtual servers. @throws ProxyFailure IPVS_ABSENT, IPVS_FORBIDDEN … */
  list(): Promise<ObservedServer[]>
  /** The clients that virtual servers keep at a real server, of all programs. @throws ProxyFailure */
  listPersisted(): Promise<PersistedClient[]>
  /**
   * Makes the changes in order. It continues after a change that fails.
   * @throws ProxyFailure when some changes failed
   */
  change(changes: readonly IpvsChange[]): Promise<void>
  /** Sets the timeouts. @throws ProxyFailure */
  setTimeouts(timeouts: IpvsTimeouts): Promise<void>
}

const TIMEOUT_MS = 60_000

/** IPVS through the program `ipvsadm`: one process for each call. */
export const ipvsProgram: Ipvs = {
  list: async () => parseIpvsText(await runList(['-L', '-n'])),
  listPersisted: async () => parsePersistedClients(await runList(['-L', '-n', '-c'])),
  change: async changes => {
    if (changes.length === 0) return
    const lines = changes.map(changeLine)
    const { exitCode, stderr } = await runIpvsadm(['--restore'], `${lines.join('\n')}\n`)
    // ipvsadm continues after a line that fails, and its exit code is that of the last line.
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

async function runList(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runIpvsadm(args)
  if (exitCode !== 0) throw ipvsFailure(stderr, `"ipvsadm ${args.join(' ')}" failed`)
  return stdout
}

function runIpvsadm(args: readonly string[], input = ''): Promise<CommandResult> {
  return runCommand('ipvsadm', args, { input, timeoutMs: TIMEOUT_MS, packageName: 'ipvsadm' })
}
