import { runCommand } from './command.js'

/** A network interface. */
export interface Link {
  readonly name: string
  /** Such as `bridge` or `veth`; undefined: a physical one, or unknown. */
  readonly kind: string | undefined
  /** The bridge of which it is a port, if it is one. */
  readonly bridge: string | undefined
  /** Whether the bridge sends packets back by this port that came in by it. */
  readonly hasHairpin: boolean
}

const TIMEOUT_MS = 10_000

/** Reads the interfaces of this network namespace, with the program `ip`. @throws ProxyFailure if the program is missing */
export async function readLinks(): Promise<Link[]> {
  const { stdout } = await runCommand('ip', ['-json', '-details', 'link', 'show'], {
    timeoutMs: TIMEOUT_MS,
    packageName: 'iproute2',
  })
  return parseLinks(stdout)
}

/** Reads the output of `ip -json -details link show`. Text that is no list has no interface. */
export function parseLinks(text: string): Link[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return []
  }
  if (!Array.isArray(parsed)) return []
  return (parsed as readonly (LinkJson | null)[]).flatMap(link => {
    if (typeof link?.ifname !== 'string') return []
    const { ifname: name, master, linkinfo } = link
    const isPort = linkinfo?.info_slave_kind === 'bridge'
    const kind = linkinfo?.info_kind
    return [
      {
        name,
        kind: typeof kind === 'string' ? kind : undefined,
        bridge: isPort && typeof master === 'string' ? master : undefined,
        hasHairpin: linkinfo?.info_slave_data?.hairpin === true,
      },
    ]
  })
}

interface LinkJson {
  readonly ifname?: unknown
  readonly master?: unknown
  readonly linkinfo?: {
    readonly info_kind?: unknown
    readonly info_slave_kind?: unknown
    readonly info_slave_data?: { readonly hairpin?: unknown } | null
  } | null
}

/**
 * Whether a packet can leave by the interface that it came in by. A bridge does not send it back by the same port, unless the port has
 * hairpin mode.
 * @returns undefined if the ports of a bridge differ, or the interface is not known
 */
export function canTurnBack(links: readonly Link[], interfaceName: string): boolean | undefined {
  const link = links.find(({ name }) => name === interfaceName)
  if (link === undefined) return undefined
  if (link.kind !== 'bridge') return true
  const modes = new Set(links.filter(({ bridge }) => bridge === interfaceName).map(({ hasHairpin }) => hasHairpin))
  return modes.size === 1 ? modes.has(true) : undefined
}
