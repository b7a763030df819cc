import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { originalFlags, originalProgram, writeKubeconfig } from '../../../test/support/processes/original-kube-proxy.js'
import { programVersion } from '../measure/program-version.js'
import { NODE_NAME } from '../testbed/bench-api.js'
import { type Testbed } from '../testbed/testbed.js'
import { stopProcess } from '../stop-process.js'

/** The reason why the original cannot take part; undefined if it can. */
export function originalUnavailableReason(): string | undefined {
  if (originalProgram() === undefined) return 'KUBE_PROXY_PEER does not name a kube-proxy with userspace mode (1.20.2)'
  return originalVersion() === undefined
    ? `KUBE_PROXY_PEER names "${originalProgram()}", which does not run`
    : undefined
}

export function originalVersion(): string | undefined {
  const path = originalProgram()
  const version = path === undefined ? undefined : programVersion(path, ['--version'])
  return version?.replace('Kubernetes', 'kube-proxy')
}

export interface OriginalProcess {
  readonly child: ChildProcess
  /** Stops it; its rules stay. */
  stop(): Promise<void>
}

/** Starts the original on the node. It logs to its standard error. */
export function startOriginal(
  site: Pick<Testbed, 'startOnNode'>,
  mode: string,
  apiUrl: string,
  { args = [], env }: { readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): OriginalProcess {
  const folder = mkdtempSync(join(tmpdir(), 'bench-original-'))
  const child = site.startOnNode(
    originalProgram()!,
    [...benchFlags(mode, writeKubeconfig(folder, apiUrl)), ...args],
    env,
  )
  child.stdout!.resume()
  return {
    child,
    async stop() {
      await stopProcess(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The API server of the benchmarks has Endpoints, and slices of a version that 1.20 does not support.
 * @param kubeconfig path of the file
 */
function benchFlags(mode: string, kubeconfig: string): string[] {
  return [...originalFlags(mode, kubeconfig, NODE_NAME), '--feature-gates=EndpointSliceProxying=false', '-v=2']
}
