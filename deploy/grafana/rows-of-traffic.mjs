// The rows of the dashboard about clients and their connections.
import { SERVICE_LABELS, SERVICE_LEGEND, maxBy, minBy, ofNodes, ofServices, rate, sumBy } from './queries.mjs'

const PORT_LABELS = `${SERVICE_LABELS}, port, protocol, ip_family`
const PORT_LEGEND = `${SERVICE_LEGEND} {{port}} {{protocol}} {{ip_family}}`
const USERSPACE = 'Userspace mode only.'

/** One series for each Service. */
const perService = expression => [[SERVICE_LEGEND, sumBy(SERVICE_LABELS, expression)]]

export const SERVED = {
  title: 'What is served',
  panels: [
    {
      title: 'Proxies that answer',
      description: 'Nodes whose kube-proxy Prometheus reaches.',
      type: 'stat',
      unit: 'short',
      queries: [['proxies', `sum(${ofNodes('up')})`]],
    },
    {
      title: 'Proxies by mode',
      description: 'How many proxies are in each mode.',
      type: 'stat',
      unit: 'short',
      queries: [['{{mode}}', sumBy('mode', ofNodes('kubeproxy_proxy_mode'))]],
    },
    {
      title: 'Proxies by version',
      description: 'How many proxies have each version of kube-proxy-node.',
      type: 'stat',
      unit: 'short',
      queries: [
        ['{{version}}, Node.js {{node_version}}', sumBy('version, node_version', ofNodes('kubeproxy_build_info'))],
      ],
    },
    {
      title: 'Proxies by version of Kubernetes',
      description: 'The kube-proxy whose behaviour the proxy has. A stock kube-proxy shows its own version.',
      type: 'stat',
      unit: 'short',
      queries: [['{{git_version}}', sumBy('git_version', ofNodes('kubernetes_build_info'))]],
    },
    {
      title: 'Service ports',
      description: `Service ports with a listener, by node. ${USERSPACE}`,
      unit: 'short',
      queries: [['{{instance}}', `count by (instance) (${ofServices('kubeproxy_userspace_endpoints')})`]],
    },
    {
      title: 'Service ports without endpoints',
      description: `Their clients are refused. ${USERSPACE}`,
      unit: 'short',
      queries: [['{{instance}}', sumBy('instance', `${ofServices('kubeproxy_userspace_endpoints')} == bool 0`)]],
    },
    {
      title: 'Endpoints of each Service port',
      description: `Endpoints that can get clients, on the node with the fewest. ${USERSPACE}`,
      unit: 'short',
      queries: [[PORT_LEGEND, minBy(PORT_LABELS, ofServices('kubeproxy_userspace_endpoints'))]],
    },
    {
      title: 'Service ports without local endpoints',
      description: 'With the traffic policy Local; their clients on this node are refused or dropped.',
      unit: 'short',
      queries: [
        [
          '{{instance}} {{traffic_policy}} {{ip_family}}',
          maxBy('instance, traffic_policy, ip_family', ofNodes('kubeproxy_sync_proxy_rules_no_local_endpoints_total')),
        ],
      ],
    },
    {
      title: 'Service ports that the kernel refuses',
      description: 'They are not served, because the kernel does not accept their rules.',
      unit: 'short',
      queries: [
        [
          '{{instance}} {{cause}} {{ip_family}}',
          maxBy('instance, cause, ip_family', ofNodes('kubeproxy_sync_proxy_rules_refused_service_ports')),
        ],
      ],
    },
    {
      title: 'Listeners that are not open',
      description: `For lack of a port or of an open file, and attempts a second that failed for a node port on loopback. ${USERSPACE}`,
      unit: 'short',
      queries: [
        ['{{instance}}', maxBy('instance', ofNodes('kubeproxy_userspace_listeners_unserved'))],
        [
          '{{instance}} no port of --proxy-port-range left',
          maxBy('instance', ofNodes('kubeproxy_userspace_service_ports_without_proxy_port')),
        ],
        [
          '{{instance}} loopback, failures per second',
          sumBy('instance', rate(ofNodes('kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total'))),
        ],
      ],
    },
    {
      title: 'Node ports served on loopback',
      description: `Each has a listener of its own. ${USERSPACE}`,
      unit: 'short',
      queries: [
        [
          '{{instance}} {{ip_family}}',
          maxBy('instance, ip_family', ofNodes('kubeproxy_nftables_localhost_nodeport_listeners')),
        ],
      ],
    },
  ],
}

export const CONNECTIONS = {
  title: 'Connections and bytes (userspace mode)',
  panels: [
    {
      title: 'New connections',
      description: 'TCP connections accepted and UDP flows opened, by Service.',
      unit: 'cps',
      queries: perService(rate(ofServices('kubeproxy_userspace_connections_total'))),
    },
    {
      title: 'Open connections',
      description: 'TCP connections and UDP flows, by Service.',
      unit: 'short',
      queries: perService(ofServices('kubeproxy_userspace_connections_active')),
    },
    {
      title: 'Bytes to clients',
      description: 'Payload, by Service.',
      unit: 'Bps',
      queries: perService(rate(ofServices('kubeproxy_userspace_bytes_total', 'direction="to_client"'))),
    },
    {
      title: 'Bytes to endpoints',
      description: 'Payload, by Service.',
      unit: 'Bps',
      queries: perService(rate(ofServices('kubeproxy_userspace_bytes_total', 'direction="to_endpoint"'))),
    },
    {
      title: 'New connections of each node',
      description: 'Of the chosen Services.',
      unit: 'cps',
      queries: [['{{instance}}', sumBy('instance', rate(ofServices('kubeproxy_userspace_connections_total')))]],
    },
    {
      title: 'Bytes of each node',
      description: 'Payload of the chosen Services.',
      unit: 'Bps',
      queries: [
        [
          '{{instance}} {{direction}}',
          sumBy('instance, direction', rate(ofServices('kubeproxy_userspace_bytes_total'))),
        ],
      ],
    },
  ],
}

export const FAILURES = {
  title: 'Failures and refusals by reason (userspace mode)',
  panels: [
    {
      title: 'Refused clients',
      description:
        'No endpoint could be reached, or a limit was reached. The kernel refuses clients of a Service without endpoints: they do not count.',
      unit: 'cps',
      queries: perService(rate(ofServices('kubeproxy_userspace_refused_total'))),
    },
    {
      title: 'Part of the clients that are refused',
      description:
        'Refused clients for each connection. Above 100 %: a limit turns clients away before they count as a connection.',
      unit: 'percentunit',
      queries: [
        [
          SERVICE_LEGEND,
          `${sumBy(SERVICE_LABELS, rate(ofServices('kubeproxy_userspace_refused_total')))} / ` +
            sumBy(SERVICE_LABELS, rate(ofServices('kubeproxy_userspace_connections_total'))),
        ],
      ],
    },
    {
      title: 'Failed attempts to reach an endpoint',
      description: 'After each the proxy tries another endpoint, so most clients notice nothing.',
      unit: 'cps',
      queries: perService(rate(ofServices('kubeproxy_userspace_dial_failures_total'))),
    },
    {
      title: 'Turned away at a limit of the Service',
      description: 'Clients and datagrams above a limit that an annotation of the Service sets.',
      unit: 'cps',
      queries: [
        [
          `${SERVICE_LEGEND} {{reason}}`,
          sumBy(`${SERVICE_LABELS}, reason`, rate(ofServices('kubeproxy_userspace_shed_total'))),
        ],
      ],
    },
    {
      title: 'Rejected at a limit of the proxy',
      description: 'Clients rejected and datagrams dropped, by what the data plane lacked.',
      unit: 'cps',
      queries: [
        ['{{instance}} open files', sumBy('instance', rate(ofNodes('kubeproxy_userspace_descriptors_shed_total')))],
        ['{{instance}} dials', sumBy('instance', rate(ofNodes('kubeproxy_userspace_dials_shed_total')))],
        ['{{instance}} UDP flows', sumBy('instance', rate(ofNodes('kubeproxy_userspace_flows_shed_total')))],
        [
          '{{instance}} memory for {{purpose}}',
          sumBy('instance, purpose', rate(ofNodes('kubeproxy_userspace_memory_shed_total'))),
        ],
      ],
    },
    {
      title: 'Clients that waited',
      description: 'By what the data plane lacked. A client waits for at most ten seconds.',
      unit: 'cps',
      queries: [
        ['{{instance}} open files', sumBy('instance', rate(ofNodes('kubeproxy_userspace_descriptors_waited_total')))],
        ['{{instance}} dials', sumBy('instance', rate(ofNodes('kubeproxy_userspace_dials_waited_total')))],
      ],
    },
    {
      title: 'Ended to make room',
      description:
        'Idle connections and flows that ended, and clients that were forgotten, because others needed the place.',
      unit: 'cps',
      queries: [
        ['{{instance}} open files', sumBy('instance', rate(ofNodes('kubeproxy_userspace_descriptors_evicted_total')))],
        ['{{instance}} UDP flows', sumBy('instance', rate(ofNodes('kubeproxy_userspace_flows_evicted_total')))],
        [
          '{{instance}} memory for {{purpose}}',
          sumBy('instance, purpose', rate(ofNodes('kubeproxy_userspace_memory_evicted_total'))),
        ],
      ],
    },
  ],
}

export const EJECTIONS = {
  title: 'Ejections (userspace mode)',
  panels: [
    {
      title: 'Ejected endpoints',
      description:
        'Endpoints that get no new clients for now, because connections to them failed; on the node with the most.',
      unit: 'short',
      queries: [[PORT_LEGEND, maxBy(PORT_LABELS, ofServices('kubeproxy_userspace_endpoints_ejected'))]],
    },
    {
      title: 'Ejections',
      description: 'How often an endpoint was ejected, by Service.',
      unit: 'cps',
      queries: perService(rate(ofServices('kubeproxy_userspace_ejections_total'))),
    },
    {
      title: 'Endpoints that get clients',
      description:
        'Endpoints that are not ejected, on the node with the fewest. If all are ejected, all get clients again.',
      unit: 'short',
      queries: [
        [
          PORT_LEGEND,
          minBy(
            PORT_LABELS,
            `${ofServices('kubeproxy_userspace_endpoints')} - ${ofServices('kubeproxy_userspace_endpoints_ejected')}`,
          ),
        ],
      ],
    },
  ],
}
