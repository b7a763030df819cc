import { type Mode, type ModeResources } from '../modes/mode.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { type Failover, KernelFailover } from './kernel-failover.js'
import { LateFailover } from './late-failover.js'

/**
 * Chooses how the kernel takes over from sockets of this program at its end, if it does.
 * @throws ProxyFailure MODE_IMPOSSIBLE if it must, and iptables mode does not work on this node
 */
export async function chooseFailover(
  resources: ModeResources,
  iptables: readonly IptablesPrograms[],
  modes: readonly Mode[],
): Promise<Failover | undefined> {
  const { onExit } = resources.config
  const create = () => KernelFailover.create(resources, iptables, modes, onExit === 'kernel')
  if (onExit === 'kernel') return create()
  return onExit === 'auto' ? new LateFailover(create, resources.log) : undefined
}
