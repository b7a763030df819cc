/** The tests of the proxies, with the sockets in two worker processes that share TCP ports. */
process.env['PLANE_WORKERS'] = '2'
await import('./tcp/tcp-proxy.test.js')
await import('./udp/udp-proxy.test.js')
await import('./udp/answered-flows.test.js')
await import('./inspection.test.js')

export {}
