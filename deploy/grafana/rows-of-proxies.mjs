// The rows of the dashboard about the proxies themselves: limits, processes, rules, API server, health.
import { maxBy, ofNodes, ofProcesses, quantile, rate, sumBy } from './queries.mjs'

/** What is in use, as a part of its limit. */
const part = (used, limit) => `${ofNodes(used)} / ${ofNodes(limit)}`
const SYNC = 'kubeproxy_sync_proxy_rules'

export const LIMITS = {
  title: 'Limits and memory',
  panels: [
    {
      title: 'Open files in use',
      description:
        'Part of the files that the data plane may open. One Service alone gets at most 80 %. Userspace mode only.',
      unit: 'percentunit',
      queries: [
        ['{{instance}}', part('kubeproxy_userspace_descriptors_used', 'kubeproxy_userspace_descriptors_limit')],
      ],
    },
    {
      title: 'UDP flows in use',
      description: 'Part of the flows that may be open. Userspace mode only.',
      unit: 'percentunit',
      queries: [['{{instance}}', part('kubeproxy_userspace_flows', 'kubeproxy_userspace_flows_limit')]],
    },
    {
      title: 'Dials in use',
      description:
        'Clients for which the proxy is connecting to an endpoint, as a part of the most. Userspace mode only.',
      unit: 'percentunit',
      queries: [['{{instance}}', part('kubeproxy_userspace_dials_in_progress', 'kubeproxy_userspace_dials_limit')]],
    },
    {
      title: 'Memory in use, by purpose',
      description: 'Part of the memory that the data plane may use for each purpose. Userspace mode only.',
      unit: 'percentunit',
      queries: [
        [
          '{{instance}} {{purpose}}',
          part('kubeproxy_userspace_memory_bytes', 'kubeproxy_userspace_memory_limit_bytes'),
        ],
      ],
    },
    {
      title: 'Memory of the data plane, by purpose',
      description: 'Of all chosen nodes together. Userspace mode only.',
      unit: 'bytes',
      queries: [['{{purpose}}', sumBy('purpose', ofNodes('kubeproxy_userspace_memory_bytes'))]],
    },
    {
      title: 'Conntrack entries in use',
      description: 'Part of the entries that the connection tracking of the kernel may have.',
      unit: 'percentunit',
      queries: [['{{instance}}', part('kubeproxy_conntrack_entries', 'kubeproxy_conntrack_entries_limit')]],
    },
  ],
}

export const PROCESSES = {
  title: 'Workers and processes',
  panels: [
    {
      title: 'Workers',
      description: 'Running data-plane workers. Userspace mode only.',
      unit: 'short',
      queries: [['{{instance}}', maxBy('instance', ofNodes('kubeproxy_userspace_workers'))]],
    },
    {
      title: 'Replaced workers',
      description: 'Workers that exited and were replaced, in the hour before. Userspace mode only.',
      unit: 'short',
      queries: [['{{instance}}', `increase(${ofNodes('kubeproxy_userspace_worker_restarts_total')}[1h])`]],
    },
    {
      title: 'CPU',
      description: '100 % is one CPU.',
      unit: 'percentunit',
      queries: ofProcesses(matcher => rate(ofNodes('process_cpu_seconds_total', matcher))),
    },
    {
      title: 'Resident memory',
      description: 'Of each process.',
      unit: 'bytes',
      queries: ofProcesses(matcher => ofNodes('process_resident_memory_bytes', matcher)),
    },
    {
      title: 'Open files of each process',
      description: 'Part of the files that the process may open.',
      unit: 'percentunit',
      queries: ofProcesses(
        matcher => `${ofNodes('process_open_fds', matcher)} / ${ofNodes('process_max_fds', matcher)}`,
      ),
    },
    {
      title: 'Time since the start',
      description: 'Of each process.',
      unit: 's',
      queries: ofProcesses(matcher => `time() - ${ofNodes('process_start_time_seconds', matcher)}`),
    },
    {
      title: 'Delay of the event loop',
      description:
        'Of the control process, 99th percentile. It writes rules and answers probes; clients do not wait for it.',
      unit: 's',
      queries: [['{{instance}}', ofNodes('nodejs_eventloop_lag_p99_seconds')]],
    },
    {
      title: 'Heap',
      description: 'Of the control process: in use and allocated.',
      unit: 'bytes',
      queries: [
        ['{{instance}} used', ofNodes('nodejs_heap_size_used_bytes')],
        ['{{instance}} allocated', ofNodes('nodejs_heap_size_total_bytes')],
      ],
    },
  ],
}

export const RULES = {
  title: 'Syncs and rules',
  panels: [
    {
      title: 'Syncs',
      description: 'Full syncs compare all rules with those in the kernel, partial ones apply what has changed.',
      unit: 'cps',
      queries: [
        [
          'full {{ip_family}}',
          sumBy('ip_family', rate(ofNodes('kubeproxy_sync_full_proxy_rules_duration_seconds_count'))),
        ],
        [
          'partial {{ip_family}}',
          sumBy('ip_family', rate(ofNodes('kubeproxy_sync_partial_proxy_rules_duration_seconds_count'))),
        ],
      ],
    },
    {
      title: 'Duration of syncs',
      description: '99th percentile, and the median of all.',
      unit: 's',
      queries: [
        ['full, 99 %', quantile(0.99, 'kubeproxy_sync_full_proxy_rules_duration_seconds')],
        ['partial, 99 %', quantile(0.99, 'kubeproxy_sync_partial_proxy_rules_duration_seconds')],
        ['all, 50 %', quantile(0.5, `${SYNC}_duration_seconds`)],
      ],
    },
    {
      title: 'From a change to its rules',
      description: 'Time from a change of a Pod or Service until this node serves it.',
      unit: 's',
      queries: [
        ['{{instance}} 99 %', quantile(0.99, 'kubeproxy_network_programming_duration_seconds', 'instance')],
        ['{{instance}} 50 %', quantile(0.5, 'kubeproxy_network_programming_duration_seconds', 'instance')],
      ],
    },
    {
      title: 'Time since the last sync',
      description: 'A sync is a write or a check of the rules, or a change that needs no rules.',
      unit: 's',
      queries: [
        [
          '{{instance}} {{ip_family}}',
          `time() - ${maxBy('instance, ip_family', ofNodes(`${SYNC}_last_timestamp_seconds`))}`,
        ],
      ],
    },
    {
      title: 'Changes that wait',
      description: 'Changes that no sync has processed yet, and how much later than the last sync one was requested.',
      unit: 'short',
      queries: [
        ['{{instance}} Services', ofNodes(`${SYNC}_service_changes_pending`)],
        ['{{instance}} endpoints', ofNodes(`${SYNC}_endpoint_changes_pending`)],
        [
          '{{instance}} {{ip_family}}, seconds',
          `clamp_min(${ofNodes(`${SYNC}_last_queued_timestamp_seconds`)} - ${ofNodes(`${SYNC}_last_timestamp_seconds`)}, 0)`,
        ],
      ],
    },
    {
      title: 'Changes',
      description: 'Changes of Services and endpoints that arrive.',
      unit: 'cps',
      queries: [
        ['{{instance}} Services', rate(ofNodes(`${SYNC}_service_changes_total`))],
        ['{{instance}} endpoints', rate(ofNodes(`${SYNC}_endpoint_changes_total`))],
      ],
    },
    {
      title: 'Rules',
      description: 'iptables rules that the proxy owns, on the node with the most.',
      unit: 'short',
      queries: [['{{table}} {{ip_family}}', maxBy('table, ip_family', ofNodes(`${SYNC}_iptables_total`))]],
    },
    {
      title: 'Rules in the last write',
      description: 'On the node with the most.',
      unit: 'short',
      queries: [['{{table}} {{ip_family}}', maxBy('table, ip_family', ofNodes(`${SYNC}_iptables_last`))]],
    },
    {
      title: 'Failed writes of rules',
      description: 'The last rules stay in force, and the proxy tries again.',
      unit: 'cps',
      queries: [
        ['{{instance}} all', sumBy('instance', rate(ofNodes(`${SYNC}_iptables_restore_failures_total`)))],
        ['{{instance}} partial', sumBy('instance', rate(ofNodes(`${SYNC}_iptables_partial_restore_failures_total`)))],
      ],
    },
    {
      title: 'Stale flows deleted',
      description: 'Flows of conntrack to endpoints that are gone.',
      unit: 'cps',
      queries: [
        ['{{instance}}', sumBy('instance', rate(ofNodes('kubeproxy_conntrack_reconciler_deleted_entries_total')))],
      ],
    },
    {
      title: 'Duration of searches for stale flows',
      description: '99th percentile.',
      unit: 's',
      queries: [['99 %', quantile(0.99, 'kubeproxy_conntrack_reconciler_sync_duration_seconds')]],
    },
  ],
}

export const API_SERVER = {
  title: 'API server',
  panels: [
    {
      title: 'Requests by status',
      description: 'A watch is one request. <error>: no response.',
      unit: 'reqps',
      queries: [['{{code}}', sumBy('code', rate(ofNodes('rest_client_requests_total')))]],
    },
    {
      title: 'Duration of requests',
      description: '99th percentile, without watches.',
      unit: 's',
      queries: [['{{verb}}', quantile(0.99, 'rest_client_request_duration_seconds', 'verb')]],
    },
    {
      title: 'Age of the state',
      description:
        'Time since the API server has confirmed that the proxy knows the current state. All is well below 45 seconds.',
      unit: 's',
      queries: [['{{instance}}', ofNodes('kubeproxy_source_age_seconds')]],
    },
    {
      title: 'Bytes of requests and responses',
      description: 'Bodies, without those of watches.',
      unit: 'Bps',
      queries: [
        ['{{instance}} sent', sumBy('instance', rate(ofNodes('rest_client_request_size_bytes_sum')))],
        ['{{instance}} received', sumBy('instance', rate(ofNodes('rest_client_response_size_bytes_sum')))],
      ],
    },
    {
      title: 'Duration of name lookups',
      description: '99th percentile. No data if the API server has an address instead of a name.',
      unit: 's',
      queries: [['{{host}}', quantile(0.99, 'rest_client_dns_resolution_duration_seconds', 'host')]],
    },
    {
      title: 'Runs of the exec command',
      description: 'How runs of the exec command of the kubeconfig ended. No data without such a command.',
      unit: 'cps',
      queries: [
        ['{{call_status}} {{code}}', sumBy('call_status, code', rate(ofNodes('rest_client_exec_plugin_call_total')))],
      ],
    },
  ],
}

export const HEALTH = {
  title: 'Health',
  panels: [
    {
      title: 'Parts of the proxy',
      description: '1: the part is healthy. While one is 0, /healthz responds with 503.',
      unit: 'short',
      queries: [['{{instance}} {{part}}', ofNodes('kubeproxy_proxy_healthy')]],
    },
    {
      title: 'Responses of /healthz',
      description: 'What load balancers learn.',
      unit: 'reqps',
      queries: [['{{instance}} {{code}}', sumBy('instance, code', rate(ofNodes('kubeproxy_proxy_healthz_total')))]],
    },
    {
      title: 'Responses of /livez',
      description: 'What the kubelet learns.',
      unit: 'reqps',
      queries: [['{{instance}} {{code}}', sumBy('instance, code', rate(ofNodes('kubeproxy_proxy_livez_total')))]],
    },
    {
      title: 'Other kube-proxies on the node',
      description: 'Those that have given way and still run. 1 during an update.',
      unit: 'short',
      queries: [['{{instance}}', ofNodes('kubeproxy_standby_proxies')]],
    },
  ],
}
