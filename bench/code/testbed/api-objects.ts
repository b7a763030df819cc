import {
  makeApiEndpoint,
  makeApiEndpoints,
  makeApiService,
  makeApiSlice,
} from '../../../test/support/api/api-objects.js'
import { type BenchService } from './bench-service.js'

/** Resource and object for the API server of the tests. */
export type ResourceAndObject = readonly [resource: 'services' | 'endpointslices' | 'endpoints', object: object]

/** A Service and its endpoints in both forms: the original's userspace mode reads no slices. */
export function makeApiObjects(service: BenchService): ResourceAndObject[] {
  const { name, clusterIP, port, protocol, targetPort, sessionAffinity = 'None' } = service
  return [
    [
      'services',
      makeApiService({ name, clusterIP, ports: [{ port, protocol, targetPort }], spec: { sessionAffinity } }),
    ],
    ...makeEndpointObjects(service, service.endpoints),
  ]
}

/** The names of the objects of `apiObjectsOf`, to delete them. */
export function apiObjectNames(service: BenchService): (readonly [resource: ResourceAndObject[0], name: string])[] {
  return makeApiObjects(service).map(([resource, object]) => [
    resource,
    (object as { readonly metadata: { readonly name: string } }).metadata.name,
  ])
}

/** Only endpoints, other than the first ones of the Service. */
export function makeEndpointObjects(
  { name, protocol, targetPort }: BenchService,
  ips: readonly string[],
): ResourceAndObject[] {
  const ports = [{ port: targetPort, protocol }]
  return [
    [
      'endpointslices',
      makeApiSlice({
        name: `${name}-1`,
        service: name,
        ports: ports.map(each => ({ name: '', ...each })),
        endpoints: ips.map(ip => makeApiEndpoint(ip)),
      }),
    ],
    ['endpoints', makeApiEndpoints({ name, subsets: [{ addresses: ips.map(ip => ({ ip })), ports }] })],
  ]
}
