import { type ObjectKind } from '../model/objects.js'

/** What the fields `apiVersion` and `kind` of an object say. */
export interface ApiType {
  readonly apiVersion: string
  readonly kind: string
}

const SERVED: Readonly<Record<ObjectKind, readonly string[]>> = {
  Service: ['v1'],
  EndpointSlice: ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1'],
  Endpoints: ['v1'],
  Node: ['v1'],
}
const OUR_GROUPS = new Set(Object.values(SERVED).flat().map(groupOf))

/**
 * The kind of an object that a proxy serves. A group and a kind together make a type: a Service of `serving.knative.dev` has nothing
 * in common with a Service of the core group. Custom resources cannot be in the groups of Kubernetes itself, so one of our kinds in
 * one of our groups is a mistake if its version is not known.
 *
 * @returns undefined for objects of other types
 */
export function servedKindOf({ apiVersion, kind }: ApiType): { kind: ObjectKind } | { expected: string } | undefined {
  if (!isOurKind(kind) || !OUR_GROUPS.has(groupOf(apiVersion))) return undefined
  if (SERVED[kind].includes(apiVersion)) return { kind }
  return { expected: SERVED[kind].map(version => `"${version}"`).join(' or ') }
}

/** The type in the form of kubectl: `Deployment.apps`; without a group the kind alone. */
export function apiTypeName({ apiVersion, kind }: ApiType): string {
  const group = groupOf(apiVersion)
  return group === '' ? kind : `${kind}.${group}`
}

/** The core group has no name: its objects have `apiVersion: v1`. */
function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

function isOurKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(SERVED, kind)
}
