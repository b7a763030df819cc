import { objectKey } from '../../model/objects.js'
import { type Check, cannotLook, fine, finding } from '../check.js'
import { didYouMean } from '../service-name.js'
import { firstOf } from '../first-of.js'

/** There is such a Service. */
export const SERVICE_EXISTS: Check = {
  code: 'no-such-service',
  title: 'Service',
  isEssential: true,
  look({ name, objects, proxy, wantsObjects }) {
    const key = objectKey(name)
    if (objects.isSeen) {
      const { origin, service, existing } = objects.value
      if (service !== undefined) return fine(`${key} exists: ${origin} has it`)
      if (objects.value.isFromFiles && proxy.isSeen && proxy.value.missing === undefined)
        return fine(`${key} exists: the proxy serves it, and ${origin} does not have it`)
      const here = existing.filter(({ namespace }) => namespace === name.namespace)
      const names = here.map(each => each.name).sort()
      const listed =
        names.length > 0
          ? `namespace ${name.namespace} has ${firstOf(names).join(', ')}`
          : `namespace ${name.namespace} has no Service, or does not exist`
      return finding(
        `There is no Service ${key}${didYouMean(name, existing)}`,
        [`${origin} does not have it`, listed],
        [`kubectl get services -n ${name.namespace}`, 'kubectl get services -A'],
      )
    }
    if (!proxy.isSeen) return cannotLook(`${proxy.why}; ${objects.why}`)
    const { missing, overview } = proxy.value
    if (missing === undefined)
      return wantsObjects ? cannotLook(objects.why) : fine(`${key} exists: the proxy serves it`)
    return finding(
      `The proxy serves no Service ${key}`,
      [`the proxy, process ${overview.pid}, answers: ${missing}`],
      [
        `kubectl get services -n ${name.namespace}`,
        'A headless Service, or one of type ExternalName, has no proxy: give --kubeconfig, and the doctor looks at it',
      ],
    )
  },
}
