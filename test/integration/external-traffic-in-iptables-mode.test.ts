/** What holds in every mode, in iptables mode: each address, kind of client and policy, and the kernel's memory of UDP flows. */
process.env['PROXY_MODE'] = 'iptables'
await import('./external-traffic.test.js')
await import('./conntrack.test.js')

export {}
