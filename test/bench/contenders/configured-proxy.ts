import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchService, type ClusterSize, SMALL, WEB, servicesOf } from '../site/bench-service.js'
import { type BenchSite } from '../site/bench-site.js'
import { clusterAddress, type Running } from './contender.js'
import { clearRules, dnatToNode, restoreRules } from './kernel-rules.js'
import { stopProcess } from '../stop-process.js'

/** The first port of the node that a proxy with a configuration file listens on; the Services have one each. */
const FIRST_PORT = 20_000

/** A Service with the port of the node that its proxy listens on. */
export type PlacedService = BenchService & { readonly nodePort: number }

export interface ConfiguredProxy {
  readonly program: string
  readonly protocols: readonly BenchService['protocol'][]
  /** The text of its configuration. @param folder a folder of its own */
  readonly config: (services: readonly PlacedService[], folder: string) => string
  readonly args: (configPath: string) => readonly string[]
}

/** Starts a proxy that knows nothing of Services: its configuration says what is where, and rules lead the Services there. */
export async function startConfigured(
  site: BenchSite,
  size: ClusterSize,
  { program, protocols, config, args }: ConfiguredProxy,
): Promise<Running> {
  if (size.services > SMALL.services) throw new Error(`${program} is not set up for ${size.services} Services`)
  const folder = mkdtempSync(join(tmpdir(), `bench-${program}-`))
  const services = servicesOf(size)
    .filter(({ protocol }) => protocols.includes(protocol))
    .map((service, n) => ({ ...service, nodePort: FIRST_PORT + n }))
  const path = join(folder, `${program}.conf`)
  writeFileSync(path, config(services, folder))
  await restoreRules(site, dnatToNode(services))
  const child = site.startOnNode(program, args(path))
  const said = outputOf(child)
  try {
    await Promise.race([site.client.reach(WEB.clusterIP, WEB.port), ended(child)])
  } catch (error) {
    throw new Error(`${program} does not serve: ${(error as Error).message}. ${said().slice(-600)}`)
  }
  return {
    pids: [child.pid!],
    addressOf: service => (protocols.includes(service.protocol) ? clusterAddress(service) : undefined),
    programmed: () => Promise.reject(new Error(`${program} does not program Services`)),
    api: undefined,
    async stop() {
      await stopProcess(child)
      await clearRules(site)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function outputOf(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (text += data.toString()))
  return () => text
}

function ended(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => child.once('exit', code => reject(new Error(`it ended with ${code}`))))
}
