import { type Check, cannotLook, fine, finding } from '../check.js'

/** The cluster DNS knows the name. */
export const NAME_RESOLVES: Check = {
  code: 'name-not-resolvable',
  title: 'Name',
  look({ dns, ports }) {
    if (!dns.isSeen) return cannotLook(dns.why)
    const { name, server, addresses, failure, isGuessed } = dns.value
    const clusterIPs = [...new Set(ports.map(({ clusterIP }) => clusterIP))]
    if (failure === '' && (clusterIPs.length === 0 || clusterIPs.some(ip => addresses.includes(ip))))
      return fine(`${name} is ${addresses.join(', ')}, as ${server} says`)
    if (isGuessed && NO_SUCH_NAME.includes(failure))
      return cannotLook(
        `${server} does not know ${name}, and the domain in it is only the usual one: give --cluster-domain`,
      )
    const commands = [
      `nslookup ${name} ${server.split(' ').at(-1)}`,
      'kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide',
      'kube-proxy doctor kube-system/kube-dns',
    ]
    if (failure === '')
      return finding(
        `The name ${name} leads to another address than the Service has`,
        [`${server} answers ${addresses.join(', ')}; the ClusterIP is ${clusterIPs.join(', ')}`],
        [
          'The Service was deleted and made again: clients keep the old address for as long as the DNS allows',
          ...commands,
        ],
      )
    return finding(
      failure === 'ENOTFOUND'
        ? `The name ${name} does not exist in the DNS`
        : `The cluster DNS does not resolve ${name}`,
      [`${server} was asked: ${FAILURES.get(failure) ?? failure}`],
      commands,
    )
  },
}

const NO_SUCH_NAME = ['ENOTFOUND', 'ENODATA']

const FAILURES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ENOTFOUND: 'it answers that there is no such name (NXDOMAIN)',
    ENODATA: 'the name exists and has no address',
    ETIMEOUT: 'it does not answer',
    ECONNREFUSED: 'the connection is refused (ECONNREFUSED)',
    ESERVFAIL: 'it answers that it failed (SERVFAIL)',
    EREFUSED: 'it refuses to answer (REFUSED)',
    ECANCELLED: 'it does not answer',
  }),
)
