import { numberFormat } from '../number-format.js'

const number = numberFormat('en')

/** Texts of the map. */
export const MAP = {
  title: 'Map',
  about: 'One Service: its clients, who carries their connections, and its Pods. Each new connection is a moving mark.',
  service: 'Service',
  busiest: 'the busiest',
  shown: (name: string) => `Shown: ${name}`,
  noService: 'There is no such Service.',
  noClient: 'no client yet',
  noPod: 'no endpoint',
  more: (value: number) => `and ${number(value)} more`,
  noInterface: 'no interface has this address',
  proxy: 'kube-proxy',
  copies: 'copies bytes both ways',
  kernel: 'kernel',
  translates: 'rules translate the address',
  inKernel: 'In this mode the kernel carries the connections. The proxy does not see them, so nothing moves here.',
  legend: 'Marks',
  opened: 'a Pod took the connection',
  retried: 'a Pod did not take it; the proxy tries another Pod',
  refused: 'refused',
  width: 'The thicker a line, the more bytes.',
  sampled: (shown: number, all: number) =>
    `${number(shown)} of the last ${number(all)} connections move; the table counts all that the proxy reports.`,
  picture: (name: string) => `Picture of the connections of ${name}. The table below says the same.`,
  table: 'Connections from each client to each Pod',
  connections: 'Opened since you opened this view',
  failed: 'Failed tries',
  bytes: 'Bytes',
}
