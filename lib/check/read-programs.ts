import { ProxyFailure } from '../model/failure.js'
import { runCommand } from '../system/command.js'
import { type ProgramReport } from './node-report.js'

const TIMEOUT_MS = 10_000

/** The programs that the proxy runs, with the arguments that make them print their version. */
const PROGRAMS = [
  { program: 'iptables', args: ['--version'], package: 'iptables', neededFor: 'all modes' },
  { program: 'ip6tables', args: ['--version'], package: 'iptables', neededFor: 'IPv6' },
  {
    program: 'xtables-monitor',
    args: ['--version'],
    package: 'iptables',
    neededFor: 'noticing at once that other programs change rules',
  },
  { program: 'conntrack', args: ['--version'], package: 'conntrack', neededFor: 'removing stale flows, mostly UDP' },
  { program: 'ipvsadm', args: ['--version'], package: 'ipvsadm', neededFor: 'ipvs mode' },
  { program: 'ipset', args: ['--version'], package: 'ipset', neededFor: 'ipvs mode' },
  { program: 'ip', args: ['-V'], package: 'iproute2', neededFor: 'ipvs mode and kube-proxy explain' },
] as const

/** Asks each program that the proxy runs for its version. */
export function readPrograms(): Promise<readonly ProgramReport[]> {
  return Promise.all(
    PROGRAMS.map(async ({ program, args, package: packageName, neededFor }) => ({
      program,
      version: await readVersion(program, args),
      package: packageName,
      neededFor,
    })),
  )
}

async function readVersion(program: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await runCommand(program, args, { timeoutMs: TIMEOUT_MS })
    return parseVersion(`${stdout}\n${stderr}`)
  } catch (error) {
    if (error instanceof ProxyFailure) return null
    throw error
  }
}

/** The version in the first line that a program prints; `present` if there is none. */
export function parseVersion(output: string): string {
  const firstLine = output.trim().split('\n')[0] ?? ''
  return /v?\d+(\.\d+)+.*$/.exec(firstLine)?.[0].trim() ?? 'present'
}
