import { type Check, type CheckResult, IRRELEVANT, fine, finding } from '../check.js'
import { type PodFacts } from '../decode-pod.js'
import { type SpecPort } from '../decode-spec.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { firstOf } from '../first-of.js'
import { isMisspelt } from '../is-misspelt.js'
import { endpointsOfPort, hasEndpoints, portText } from '../port-text.js'

/** Each port of the Service is a port of the endpoints. */
export const PORT_NAMES: Check = {
  code: 'port-name-mismatch',
  title: 'Port names',
  look(facts) {
    const { objects, ports, endpoints } = facts
    if (ports.length === 0) return IRRELEVANT
    const spec = objects.isSeen ? objects.value.service : undefined
    const pods = objects.isSeen && objects.value.pods.isSeen ? objects.value.pods.value.matching : []
    const misnamed = spec?.ports.find(port => pods.length > 0 && pods.every(pod => !hasTarget(pod, port)))
    if (misnamed !== undefined) return wrongTarget(misnamed, pods, facts)
    const lost = ports.find(port => {
      const own = endpointsOfPort(port, endpoints)
      return !hasEndpoints(port) && own.some(({ cluster }) => isMissing(cluster.reason))
    })
    if (lost === undefined) return fine('each port of the Service is one of the endpoints')
    const { namespace, name } = facts.name
    const own = endpointsOfPort(lost, endpoints).filter(({ cluster }) => isMissing(cluster.reason))
    return finding(
      `No EndpointSlice has ${portText(lost)} of the Service`,
      firstOf([...new Set(own.map(each => `${each.address} in slice ${each.slice}: ${each.cluster.text}`))]),
      [
        `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name} -o yaml`,
        'Give the port of the Service, its targetPort and the port of the containers names that agree',
      ],
    )
  },
}

/** Only names are compared: a container may listen on a port that it does not list. */
function hasTarget({ ports }: PodFacts, { targetPort, protocol }: SpecPort): boolean {
  if (typeof targetPort === 'number') return true
  return ports.some(each => each.name === targetPort && each.protocol === protocol)
}

function wrongTarget(wrong: SpecPort, pods: readonly PodFacts[], { name }: DoctorFacts): CheckResult {
  const named = [...new Set(pods.flatMap(({ ports }) => ports.map(each => each.name)))].filter(each => each !== '')
  const near = named.filter(each => isMisspelt(String(wrong.targetPort), each))
  const shown = pods.map(
    pod =>
      `Pod ${pod.name} has ${pod.ports.map(each => `${each.name === '' ? 'an unnamed port' : `"${each.name}"`} ${each.port}/${each.protocol}`).join(', ') || 'no container port'}`,
  )
  const command = `kubectl patch service ${name.name} -n ${name.namespace} --type=json`
  // A patch by port number alone could change the port of another protocol.
  const path = `/spec/ports/${wrong.index}/targetPort`
  const patch = JSON.stringify([
    { op: 'test', path, value: wrong.targetPort },
    { op: 'replace', path, value: near[0] },
  ])
  return finding(
    `targetPort "${wrong.targetPort}" of ${portText({ ...wrong, portName: wrong.name })} is a name that no container port has`,
    firstOf(shown),
    [
      ...(near.length === 1 && wrong.index >= 0 ? [`${command} -p '${patch}'`] : []),
      `kubectl get pods -n ${name.namespace} -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.spec.containers[*].ports}{"\\n"}{end}'`,
    ],
  )
}

function isMissing(reason: string): boolean {
  return reason === 'no-such-port'
}
