import { apiEndpoint, apiEndpoints, apiService, apiSlice } from '../../support/api-objects.js'
import { type BenchService } from './bench-service.js'

/** Resource and object, as the API server of the tests takes them. */
export type ResourceAndObject = readonly [resource: 'services' | 'endpointslices' | 'endpoints', object: object]

/** A Service and its endpoints, in both forms: the original's userspace mode reads no slices. */
export function apiObjectsOf(service: BenchService): ResourceAndObject[] {
  const { name, clusterIP, port, protocol, targetPort } = service
  return [
    ['services', apiService({ name, clusterIP, ports: [{ port, protocol, targetPort }] })],
    ...endpointObjectsOf(service, service.endpoints),
  ]
}

/** Only the endpoints, and other ones than the Service begins with. */
export function endpointObjectsOf(
  { name, protocol, targetPort }: BenchService,
  ips: readonly string[],
): ResourceAndObject[] {
  const ports = [{ port: targetPort, protocol }]
  return [
    [
      'endpointslices',
      apiSlice({
        name: `${name}-1`,
        service: name,
        ports: ports.map(each => ({ name: '', ...each })),
        endpoints: ips.map(ip => apiEndpoint(ip)),
      }),
    ],
    ['endpoints', apiEndpoints({ name, subsets: [{ addresses: ips.map(ip => ({ ip })), ports }] })],
  ]
}
