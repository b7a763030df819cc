import { type ChildProcess } from 'node:child_process'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { type ManifestFolder } from '../api/manifests.js'
import { type NodeNetwork } from '../nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { PROXY_PROGRAM } from './proxy-process.js'

const LOG_TIMEOUT_MS = 60_000 * TIMEOUT_FACTOR

interface LimitedProxy {
  readonly child: ChildProcess
  readonly log: ProgramLog
}

/** Starts a proxy in userspace mode on the node; each of its processes may open so many files. Does not wait for it. */
export function startWithFewFiles(
  network: NodeNetwork,
  manifests: ManifestFolder,
  files: number,
  ...flags: readonly string[]
): LimitedProxy {
  const child = network.start(network.node, 'prlimit', [
    ...[`--nofile=${files}:${files}`, process.execPath, PROXY_PROGRAM],
    ...['--proxy-mode=userspace', '--manifests', manifests.path, '-v=2', ...flags],
  ])
  return { child, log: new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS) }
}
