import { type KubeProxyConfig } from '../config/kube-proxy-config.js'

const MAX_AUTO_WORKERS = 8

/** How many data-plane workers there are to be, on a machine with so many CPUs: half as many, if nothing else is asked for. */
export function workerCount(configured: KubeProxyConfig['dataPlaneWorkers'], cpus: number): number {
  return configured === 'auto' ? Math.min(MAX_AUTO_WORKERS, Math.max(1, Math.floor(cpus / 2))) : configured
}
