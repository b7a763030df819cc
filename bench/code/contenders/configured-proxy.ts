import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BenchService,
  type ClusterSize,
  SMALL_CLUSTER,
  HTTP_SERVICE,
  makeServices,
} from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { clusterIPAddress, type RunningContender } from './contender.js'
import { removeAllRules, dnatToNode, restoreRules } from './kernel-rules.js'
import { stopProcess } from '../stop-process.js'

/** The first port on which a proxy with a configuration file listens; each Service has one. */
const FIRST_PORT = 20_000

/** A Service with the port on which the proxy listens for it. */
export type NodePortService = BenchService & { readonly nodePort: number }

export interface ConfiguredProxy {
  readonly program: string
  readonly protocols: readonly BenchService['protocol'][]
  /** The text of its configuration. @param folder for files of the proxy */
  readonly config: (services: readonly NodePortService[], folder: string) => string
  readonly args: (configPath: string) => readonly string[]
}

/** Starts a proxy without support for Services: its configuration names the endpoints, and rules redirect the ClusterIPs to it. */
export async function startConfigured(
  site: Testbed,
  size: ClusterSize,
  { program, protocols, config, args }: ConfiguredProxy,
): Promise<RunningContender> {
  if (size.services > SMALL_CLUSTER.services) throw new Error(`${program} is not set up for ${size.services} Services`)
  const folder = mkdtempSync(join(tmpdir(), `bench-${program}-`))
  const services = makeServices(size)
    .filter(({ protocol }) => protocols.includes(protocol))
    .map((service, n) => ({ ...service, nodePort: FIRST_PORT + n }))
  const path = join(folder, `${program}.conf`)
  writeFileSync(path, config(services, folder))
  await restoreRules(site, dnatToNode(services))
  const child = site.startOnNode(program, args(path))
  const output = collectOutput(child)
  try {
    await Promise.race([site.client.waitUntilReachable(HTTP_SERVICE.clusterIP, HTTP_SERVICE.port), rejectOnExit(child)])
  } catch (error) {
    throw new Error(`${program} does not serve: ${(error as Error).message}. ${output().slice(-600)}`)
  }
  return {
    pids: [child.pid!],
    addressOf: service => (protocols.includes(service.protocol) ? clusterIPAddress(service) : undefined),
    waitUntilProgrammed: () => Promise.reject(new Error(`${program} does not program Services`)),
    api: undefined,
    async stop() {
      await stopProcess(child)
      await removeAllRules(site)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function collectOutput(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (text += data.toString()))
  return () => text
}

function rejectOnExit(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => child.once('exit', code => reject(new Error(`it ended with ${code}`))))
}
