import { ProxyFailure } from '../model/failure.js'
import { summarizeStderr } from './summarize-stderr.js'
import { withoutModuleLoader } from './without-module-loader.js'

/** The failure for the error output of `ipvsadm`; `action` says what failed. */
export function ipvsFailure(output: string, action: string): ProxyFailure {
  const stderr = withoutModuleLoader(output)
  const summary = summarizeStderr(stderr)
  if (/permission denied|must be root|operation not permitted/i.test(stderr))
    return ipvsForbiddenFailure(`Cannot use IPVS: ${summary}`)
  if (/can't initialize ipvs/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `The kernel does not support IPVS: ${summary}`, {
      hint: 'Load the module ip_vs ("modprobe ip_vs"); if the kernel was built without it, use another --proxy-mode',
    })
  if (/scheduler or persistence engine not found/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `The kernel does not have the IPVS scheduler: ${action}: ${summary}`, {
      hint: 'Load the module of the scheduler, such as ip_vs_rr for "rr"',
    })
  return new ProxyFailure('IPVS_FAILED', `${action}: ${summary}`, { hint: 'The proxy retries automatically' })
}

/** The failure for a missing permission to change the kernel's parts of ipvs mode. */
export function ipvsForbiddenFailure(message: string): ProxyFailure {
  return new ProxyFailure('IPVS_FORBIDDEN', message, {
    hint: 'Run as root, or give the capability NET_ADMIN in the network namespace of the host',
  })
}
