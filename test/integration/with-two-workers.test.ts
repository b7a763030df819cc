/** Runs tests of the whole program with two data-plane workers that share TCP ports. */
process.env['PROXY_WORKERS'] = '2'
await import('./cluster-ip.test.js')
await import('../faults/connection-loss.test.js')
await import('./udp-flows.test.js')

export {}
