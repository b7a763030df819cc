import {
  type Pod,
  deploymentManifest,
  endpointSliceManifests,
  serviceManifest,
} from '../../lib/demo/cluster-objects.js'
import { parseUserManifest } from '../../lib/demo/user-manifest.js'
import { parseManifest } from '../../lib/source/parse-manifest.js'
import { fuzzParsers } from '../support/checks/fuzz-parsers.js'

const FILE = 'mine.yaml'

/** The file that a user gives to the demo: either it is wrong, and each mistake is one line, or the demo's proxy can serve it. */
fuzzParsers({
  'user-manifest': text => {
    const { objects, problems } = parseUserManifest(text, FILE)
    for (const problem of problems) {
      check(problem.startsWith(`${FILE}:`), problem)
      check(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(problem), JSON.stringify(problem))
    }
    if (problems.length > 0) return
    const { deployments, services } = objects
    const pods = deployments.map(({ name }, n): Pod => ({
      name: `${name}-1`,
      ip: `10.244.0.${n + 1}`,
      deployment: name,
    }))
    const manifests = [
      ...services.map(serviceManifest),
      ...services.flatMap(service => endpointSliceManifests(service, deployments, pods)),
      ...deployments.map(deploymentManifest),
    ]
    const read = parseManifest(manifests.map(each => JSON.stringify(each)).join('\n---\n'), FILE)
    check(read.problems.length === 0, JSON.stringify(read.problems))
    check(read.objects.length >= 2 * services.length, `${read.objects.length} objects for ${services.length} Services`)
    for (const named of [deployments, services])
      check(new Set(named.map(({ name }) => name)).size === named.length, 'two objects have one name')
    check(
      new Set(services.map(({ clusterIP }) => clusterIP)).size === services.length,
      'two Services have one ClusterIP',
    )
  },
})

/** Throws what a parser has read wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`A wrong value was read: ${found}`)
}
