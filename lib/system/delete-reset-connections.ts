import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { runCommand } from './command.js'
import { parseDeletedCount } from './parse-deleted-count.js'

/** The end of a process waits for it. */
const TIMEOUT_MS = 2000

/**
 * Removes the kernel's entries of TCP connections that were reset and whose destination had been translated. Such an entry stays
 * for ten seconds (nf_conntrack_tcp_timeout_close), and a client that opens a connection from the same port meanwhile is led to the
 * old destination, whatever the rules are by now. Call it when connections of a listener that has closed were cut. Never rejects.
 */
export async function deleteResetConnections(log: Log, run = runCommand): Promise<void> {
  for (const family of ['ipv4', 'ipv6']) {
    const args = ['-D', '-f', family, '-p', 'tcp', '--state', 'CLOSE', '--dst-nat']
    try {
      const { stderr } = await run('conntrack', args, { timeoutMs: TIMEOUT_MS, packageName: 'conntrack' })
      const count = parseDeletedCount(stderr) ?? 0
      if (count > 0) log.info(2, 'Deleted the entries of reset connections', { family, count })
    } catch (error) {
      // Without the program, a warning at the first sync has said so.
      log.info(2, 'Cannot delete the entries of reset connections', { family, reason: messageOf(error) })
    }
  }
}
