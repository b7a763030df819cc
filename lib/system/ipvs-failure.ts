import { ProxyFailure } from '../model/failure.js'

/** Sorts what `ipvsadm` said into a failure. */
export function ipvsFailure(stderr: string, what: string): ProxyFailure {
  const said = lines(stderr)
  if (/permission denied|must be root|operation not permitted/i.test(stderr))
    return ipvsForbidden(`Cannot use IPVS: ${said}`)
  if (/can't initialize ipvs/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `This kernel has no IPVS: ${said}`, {
      hint: 'Load the module ip_vs ("modprobe ip_vs"); where the kernel was built without it, use another --proxy-mode',
    })
  if (/scheduler or persistence engine not found/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `This kernel lacks a scheduler of IPVS: ${what}: ${said}`, {
      hint: 'Load the module of the scheduler, such as ip_vs_rr for "rr"',
    })
  return new ProxyFailure('IPVS_FAILED', `${what}: ${said}`, { hint: 'It is tried again by itself' })
}

export function ipvsForbidden(message: string): ProxyFailure {
  return new ProxyFailure('IPVS_FORBIDDEN', message, {
    hint: 'Run as root, or give the capability NET_ADMIN in the network namespace of the host',
  })
}

/** The first lines of what a program said, as one. */
export function lines(stderr: string): string {
  return stderr.trim().split('\n').slice(0, 3).join('; ')
}
