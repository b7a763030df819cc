/**
 * The ways to lead a Service's traffic to its endpoints: sockets of our own, the kernel's address translation, or the kernel's
 * load balancer (IPVS).
 */
export type ProxyMode = 'userspace' | 'iptables' | 'ipvs'

export const PROXY_MODES: readonly ProxyMode[] = ['userspace', 'iptables', 'ipvs']

export function isProxyMode(text: string): text is ProxyMode {
  return PROXY_MODES.some(mode => mode === text)
}
