import { familyOf, parseIp } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { parseProtocol } from '../model/protocol.js'
import { specialAddress } from '../model/special-address.js'
import { type RawFields, fields, isObjectName, isPortName, list, quote } from '../snapshot/decoded.js'
import { MAX_MANIFEST_BYTES } from '../source/manifest-files.js'
import { readRegularFile } from '../source/read-regular-file.js'
import { readYaml } from '../source/read-yaml.js'
import { splitYaml } from '../source/split-yaml.js'
import { DNS_DEPLOYMENT, DNS_SERVICE } from './example-objects.js'
import {
  type ContainerPort,
  type Deployment,
  type DemoService,
  type DemoServicePort,
  selects,
  targetPortOf,
} from './cluster-objects.js'

const MAX_REPLICAS = 20
/** ClusterIPs for Services without one, as the API server would assign them. The third byte separates them from those of the demo. */
const assignClusterIP = (n: number): string => `10.96.1.${n + 1}`

/** The objects that the demo runs. */
export interface UserObjects {
  readonly deployments: readonly Deployment[]
  readonly services: readonly DemoService[]
}

/** Reads the user's Deployments and Services. @throws ProxyFailure MANIFEST_INVALID with all mistakes */
export async function readUserManifest(file: string): Promise<UserObjects> {
  const { bytes } = await readRegularFile(file, MAX_MANIFEST_BYTES).catch((cause: unknown) => {
    throw new ProxyFailure('MANIFEST_INVALID', `Cannot read "${file}"`, { cause, hint: 'Give the path of a YAML file' })
  })
  const { objects, problems } = parseUserManifest(bytes.toString('utf8'), file)
  if (problems.length === 0) return objects
  throw new ProxyFailure('MANIFEST_INVALID', problems.join('\n'), {
    hint: 'The file must contain Deployments, and Services that select their Pods',
  })
}

/** Parses the text. @returns the objects, and for each mistake a sentence with file and line */
export function parseUserManifest(text: string, file: string): { objects: UserObjects; problems: string[] } {
  const deployments: Deployment[] = []
  const services: DemoService[] = []
  const problems: string[] = []
  /** Where each Service is. */
  const locations = new Map<string, string>()
  for (const document of splitYaml(text).flatMap(part => readYaml(part.text, part.firstLine))) {
    for (const { line, text: mistake } of document.problems) problems.push(`${file}:${line}: ${mistake}`)
    if (document.value === undefined || document.value === null) continue
    const start = `${file}:${document.lineOf([])}`
    if (typeof document.value !== 'object' || Array.isArray(document.value)) {
      problems.push(`${start}: expected a Deployment or a Service`)
      continue
    }
    const raw = fields(document.value)
    const listProblems: string[] = []
    const items = raw['kind'] === 'List' ? list(raw['items'], 'items', listProblems).map(fields) : [raw]
    problems.push(...listProblems.map(problem => `${start}: List: ${problem}`))
    for (const item of items) {
      const itemProblems: string[] = []
      const name = fields(item['metadata'])['name']
      if (typeof name !== 'string' || !isObjectName(name))
        itemProblems.push(`metadata.name: ${quote(name)} is not a valid name`)
      else if (item['kind'] === 'Deployment') deployments.push(readDeployment(name, item, itemProblems))
      else if (item['kind'] === 'Service') services.push(readService(name, item, services.length, itemProblems))
      else itemProblems.push(`kind: expected Deployment or Service, found ${quote(item['kind'])}`)
      problems.push(...itemProblems.map(problem => `${start}: ${showKind(item['kind'])} ${quote(name)}: ${problem}`))
      if (item['kind'] === 'Service' && typeof name === 'string') locations.set(name, start)
    }
  }
  if (problems.length === 0) problems.push(...crossCheck(file, deployments, services, locations))
  return { objects: { deployments, services }, problems }
}

/** A kind as users write it, also one that the demo does not know. */
function showKind(kind: unknown): string {
  return typeof kind === 'string' && /^[A-Za-z]+$/.test(kind) ? kind : quote(kind)
}

function readDeployment(name: string, raw: RawFields, problems: string[]): Deployment {
  const spec = fields(raw['spec'])
  const replicas = spec['replicas'] ?? 1
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS) {
    problems.push(`spec.replicas: expected a number from 0 to ${MAX_REPLICAS}, found ${quote(replicas)}`)
  }
  const template = fields(spec['template'])
  const labels = readLabels(fields(template['metadata'])['labels'], 'spec.template.metadata.labels', problems)
  if (Object.keys(labels).length === 0)
    problems.push('spec.template.metadata.labels: expected at least one label, by which a Service selects the Pods')
  const containers = list(fields(template['spec'])['containers'], 'spec.template.spec.containers', problems).map(fields)
  if (containers.length === 0) problems.push('spec.template.spec.containers: expected at least one container')
  const ports = containers.flatMap((container, index) =>
    list(container['ports'], `spec.template.spec.containers[${index}].ports`, problems).map(entry =>
      readContainerPort(fields(entry), problems),
    ),
  )
  const image = typeof containers[0]?.['image'] === 'string' ? containers[0]['image'] : ''
  return { name, replicas: Number(replicas), image, labels, ports: ports.filter(port => port !== undefined) }
}

function readContainerPort(raw: RawFields, problems: string[]): ContainerPort | undefined {
  const containerPort = readPort(raw['containerPort'], 'containerPort', problems)
  const protocol = readProtocol(raw['protocol'], problems)
  const name = readPortName(raw['name'], problems)
  if (containerPort === undefined || protocol === undefined || name === undefined) return undefined
  return { name, containerPort, protocol }
}

function readService(name: string, raw: RawFields, index: number, problems: string[]): DemoService {
  const spec = fields(raw['spec'])
  const type = spec['type'] ?? 'ClusterIP'
  if (type === 'ExternalName' || spec['clusterIP'] === 'None')
    problems.push(
      'spec: expected a Service with a ClusterIP; the demo does not support headless and ExternalName Services',
    )
  const clusterIP =
    spec['clusterIP'] === undefined || spec['clusterIP'] === '' ? assignClusterIP(index) : parseIp(spec['clusterIP'])
  // The network of the demo has IPv4 only.
  if (clusterIP === undefined || familyOf(clusterIP) !== 'IPv4' || specialAddress(clusterIP) !== undefined)
    problems.push(`spec.clusterIP: expected an IPv4 address that a Service may have, found ${quote(spec['clusterIP'])}`)
  const ports = list(spec['ports'], 'spec.ports', problems)
    .map(entry => readServicePort(fields(entry), problems))
    .filter(port => port !== undefined)
  if (ports.length === 0) problems.push('spec.ports: expected at least one port')
  if (new Set(ports.map(port => port.name)).size < ports.length)
    problems.push('spec.ports: expected a name of its own for each of several ports')
  if (new Set(ports.map(({ port, protocol }) => `${port} ${protocol}`)).size < ports.length)
    problems.push('spec.ports: two ports have the same number and protocol')
  return {
    name,
    clusterIP: clusterIP ?? '',
    selector: readLabels(spec['selector'], 'spec.selector', problems),
    affinity: spec['sessionAffinity'] === 'ClientIP',
    ports,
  }
}

function readServicePort(raw: RawFields, problems: string[]): DemoServicePort | undefined {
  const port = readPort(raw['port'], 'spec.ports.port', problems)
  const protocol = readProtocol(raw['protocol'], problems)
  const name = readPortName(raw['name'], problems)
  if (port === undefined || protocol === undefined || name === undefined) return undefined
  const targetPort = raw['targetPort'] ?? port
  const isName = typeof targetPort === 'string' && targetPort !== ''
  const target = isName ? targetPort : readPort(targetPort, 'spec.ports.targetPort', problems)
  return target === undefined ? undefined : { name, port, targetPort: target, protocol }
}

function readPort(value: unknown, path: string, problems: string[]): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535) return value
  problems.push(`${path}: expected a port from 1 to 65535, found ${quote(value)}`)
  return undefined
}

/** The name of a port; '' if it has none. */
function readPortName(value: unknown, problems: string[]): string | undefined {
  const name = value ?? ''
  if (typeof name === 'string' && isPortName(name)) return name
  problems.push(`ports.name: ${quote(value)} is not a valid port name (lower case letters, digits and "-")`)
  return undefined
}

function readProtocol(value: unknown, problems: string[]): 'TCP' | 'UDP' | undefined {
  const protocol = parseProtocol(value)
  if (protocol === 'TCP' || protocol === 'UDP') return protocol
  problems.push(`protocol: expected "TCP" or "UDP", found ${quote(value)}`)
  return undefined
}

/** Finds mistakes that show only when Deployments and Services are compared. */
function crossCheck(
  file: string,
  deployments: readonly Deployment[],
  services: readonly DemoService[],
  locations: ReadonlyMap<string, string>,
): string[] {
  if (deployments.length === 0) return [`${file}: expected at least one Deployment; without it there are no Pods`]
  if (services.length === 0)
    return [`${file}: expected at least one Service; without it there is no address for requests`]
  const reserved = [...deployments, ...services].filter(
    ({ name }) => name === DNS_DEPLOYMENT.name || name === DNS_SERVICE.name,
  )
  if (reserved.length > 0) {
    return reserved.map(
      ({ name }) => `${file}: metadata.name: ${quote(name)} is the name of the demo's DNS; choose another name`,
    )
  }
  const twice = [...repeatedNames(deployments, 'Deployments'), ...repeatedNames(services, 'Services')]
  if (twice.length > 0) return twice.map(problem => `${file}: ${problem}`)
  return services.flatMap((service, index) => {
    const at = `${locations.get(service.name) ?? file}: Service "${service.name}"`
    const other = [DNS_SERVICE, ...services.slice(0, index)].find(({ clusterIP }) => clusterIP === service.clusterIP)
    if (other !== undefined)
      return [
        `${at}: spec.clusterIP: ${quote(service.clusterIP)} is that of Service ${quote(other.name)}; set another one`,
      ]
    const selected = deployments.filter(deployment => selects(service, deployment))
    if (selected.length === 0)
      return [`${at}: spec.selector: ${quote(service.selector)} selects the Pods of no Deployment in this file`]
    return service.ports
      .filter(port => selected.every(deployment => targetPortOf(port, deployment) === undefined))
      .map(port => `${at}: spec.ports.targetPort: no container port is named ${quote(port.targetPort)}`)
  })
}

function repeatedNames(objects: readonly { readonly name: string }[], what: string): string[] {
  const names = objects.map(({ name }) => name)
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  return [...repeated].map(name => `metadata.name: two ${what} have the name ${quote(name)}`)
}

/** Labels as text. YAML reads `version: 2` as a number. */
function readLabels(value: unknown, path: string, problems: string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields(value)).map(([key, label]) => {
      if (typeof label === 'object') problems.push(`${path}: expected text, found ${quote(label)} for ${quote(key)}`)
      return [key, typeof label === 'object' ? '' : String(label)]
    }),
  )
}
