import { type KubeProxyConfig } from './kube-proxy-config.js'
import { OPTIONS } from './options.js'

/** How two configurations differ: names of options. */
export interface ConfigChanges {
  /** Options that a running proxy can change, or that have no effect. */
  readonly live: readonly string[]
  /** Options that take effect after a restart only. */
  readonly needRestart: readonly string[]
}

/** The options whose values differ. A value that is only written in another way (`60s` for `1m`) is no difference. */
export function configChanges(before: KubeProxyConfig, after: KubeProxyConfig): ConfigChanges {
  const changed = OPTIONS.filter(({ name }) => isDifferent(before.options[name], after.options[name]))
  const isSame = !isDifferent({ ...before, options: {} }, { ...after, options: {} })
  const live = changed.filter(({ isLive, effect = 'honoured' }) => isSame || isLive === true || effect !== 'honoured')
  return {
    live: live.map(({ name }) => name),
    needRestart: changed.filter(option => !live.includes(option)).map(({ name }) => name),
  }
}

function isDifferent(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b)
}
