import { type Check, cannotLook, fine, finding } from '../check.js'

/** From this share on the table is full, as for the alert KubeProxyConntrackFull. */
const FULL_SHARE = 0.9

/** The kernel has room for new connections. */
export const CONNTRACK_ROOM: Check = {
  code: 'conntrack-full',
  title: 'Conntrack',
  look({ conntrack }) {
    if (!conntrack.isSeen) return cannotLook(conntrack.why)
    const { entries, limit } = conntrack.value
    if (entries < FULL_SHARE * limit) return fine(`${entries} of ${limit} entries are in use`)
    return finding(
      'Connection tracking of this node is full: the kernel drops packets of new connections',
      [`nf_conntrack_count is ${entries}, and nf_conntrack_max is ${limit}`],
      [
        `sysctl -w net.netfilter.nf_conntrack_max=${2 * limit}`,
        `conntrack -L 2>/dev/null | sed -n 's/.*src=\\([^ ]*\\) dst=\\([^ ]*\\) .*/\\1 \\2/p' | sort | uniq -c | sort -rn | head`,
      ],
    )
  },
}
