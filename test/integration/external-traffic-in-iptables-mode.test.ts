/** Runs the tests for all modes in iptables mode: each address, kind of client and policy, and UDP flows. */
process.env['PROXY_MODE'] = 'iptables'
await import('./external-traffic.test.js')
await import('./conntrack.test.js')

export {}
