import { type Check, IRRELEVANT, cannotLook, fine, finding } from '../check.js'
import { type PodFacts } from '../decode-pod.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { isMisspelt } from '../is-misspelt.js'

/** The selector matches Pods. */
export const SELECTOR: Check = {
  code: 'selector-matches-nothing',
  title: 'Selector',
  look({ name: { namespace, name }, objects }) {
    if (!objects.isSeen) return cannotLook(objects.why)
    const { service, pods } = objects.value
    if (service === undefined || service.selector.size === 0) return IRRELEVANT
    if (!pods.isSeen) return cannotLook(pods.why)
    const text = [...service.selector].map(([key, value]) => `${key}=${value}`).join(',')
    const { matching, others } = pods.value
    if (matching.length > 0) return fine(`${text} matches ${countOf(matching.length, 'Pod')}`)
    const misses = others.map(pod => ({ pod, near: nearMiss(pod, service.selector) }))
    const corrections = new Set(misses.flatMap(({ near }) => near ?? []))
    // Several would be a guess, and traffic could go to the wrong program.
    const [near] = corrections.size === 1 ? corrections : []
    const labels = [
      ...misses.filter(each => each.near !== undefined),
      ...misses.filter(each => each.near === undefined),
    ].map(({ pod }) => `Pod ${pod.name} has ${labelText(pod)}`)
    return finding(
      `The selector ${text} matches no Pod in namespace ${namespace}`,
      firstOf(labels.length > 0 ? labels : [`namespace ${namespace} has no Pod`]),
      [
        ...(near === undefined ? [] : [`kubectl set selector service ${name} -n ${namespace} '${near}'`]),
        `kubectl get pods -n ${namespace} --show-labels`,
      ],
    )
  },
}

function labelText({ labels }: PodFacts): string {
  return labels.size === 0 ? 'no label' : [...labels].map(([key, value]) => `${key}=${value}`).join(',')
}

/** Labels whose values a controller makes up for each Pod or revision. */
const OF_ONE_POD: ReadonlySet<string> = new Set([
  ...['statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index', 'controller-revision-hash'],
  ...['pod-template-hash', 'pod-template-generation', 'job-name', 'batch.kubernetes.io/job-name', 'controller-uid'],
  ...['batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-completion-index'],
])

/** The selector that would match this Pod, if each value that differs is misspelt. */
function nearMiss({ labels }: PodFacts, selector: ReadonlyMap<string, string>): string | undefined {
  const corrected: string[] = []
  for (const [key, value] of selector) {
    const label = labels.get(key)
    if (label === undefined) return undefined
    if (label !== value && (OF_ONE_POD.has(key) || !isMisspelt(value, label))) return undefined
    corrected.push(`${key}=${label}`)
  }
  return corrected.join(',')
}
