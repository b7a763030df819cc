import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Mode } from '../modes/mode.js'
import { printJson } from '../terminal/print-json.js'
import { Terminal } from '../terminal/terminal.js'
import { checkNode } from './check-node.js'
import { printNodeReport } from './print-node-report.js'

/** Milliseconds after which a person wants to know what takes so long. */
const PROGRESS_DELAY_MS = 2000

/** Checks the node and prints the report. @returns the exit code: 0 if one of the preferred modes works, else 1 */
export async function runCheck(
  config: KubeProxyConfig,
  modes: readonly Mode[],
  version: string,
  output: 'text' | 'json',
): Promise<number> {
  const start = performance.now()
  const report = await checkNode(config, modes, version, what => {
    const isLong = performance.now() - start > PROGRESS_DELAY_MS
    if (isLong && process.stderr.isTTY) process.stderr.write(`Checking ${what} ...\n`)
  })
  if (output === 'json') printJson(report)
  else printNodeReport(report, Terminal.forProcess())
  return report.chosenMode === null ? 1 : 0
}
