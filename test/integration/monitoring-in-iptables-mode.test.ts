/** Runs tests of metrics, dashboards, profiles and health in iptables mode, where the kernel carries the traffic. */
process.env['PROXY_MODE'] = 'iptables'
await import('./metrics-page.test.js')
await import('./dashboards.test.js')
await import('./profiling.test.js')
await import('./health.test.js')

export {}
