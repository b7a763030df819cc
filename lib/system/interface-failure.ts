import { ProxyFailure } from '../model/failure.js'
import { ipvsForbiddenFailure } from './ipvs-failure.js'
import { KUBE_IPVS_DEVICE } from './node-addresses.js'
import { summarizeStderr } from './summarize-stderr.js'

/**
 * What `ip -batch` prints for an address that exists already, or is gone already: the texts of two error numbers, and, as seen with Linux
 * 6.18, the kernel's own texts.
 */
const DONE_ALREADY = /file exists|cannot assign requested|address already assigned|address not found/i
/** Follows each error, with the number of its line. */
const LINE_NUMBER = /^Command failed/

/** The failure for an error message of `ip` about the interface with the addresses of Services. */
export function interfaceFailure(stderr: string): ProxyFailure {
  const summary = summarizeStderr(stderr)
  if (/operation not permitted|permission denied/i.test(stderr))
    return ipvsForbiddenFailure(`Cannot change the interface "${KUBE_IPVS_DEVICE}": ${summary}`)
  if (/unknown device type|operation not supported/i.test(stderr))
    return new ProxyFailure('IPVS_ABSENT', `The kernel does not support interfaces of type dummy: ${summary}`, {
      hint: 'Load the module dummy ("modprobe dummy"); if the kernel was built without it, use another --proxy-mode',
    })
  return new ProxyFailure('INTERFACE_FAILED', `Cannot change the interface "${KUBE_IPVS_DEVICE}": ${summary}`, {
    hint: 'The proxy retries automatically',
  })
}

/** The failure for the error messages of an `ip -force -batch` that adds and removes addresses; undefined if each change is done. */
export function addressesFailure(stderr: string): ProxyFailure | undefined {
  const errors = stderr.split('\n').filter(line => !LINE_NUMBER.test(line) && !DONE_ALREADY.test(line))
  return errors.join('').trim() === '' ? undefined : interfaceFailure(errors.join('\n'))
}
