/** Provokes each alert that does not need sockets of the proxy, in iptables mode. */
process.env['PROXY_MODE'] = 'iptables'
await import('./alerts-on-a-node.test.js')

export {}
