/** The tests of the proxies, with two worker processes that bind their sockets themselves, as when Node.js cannot pass them. */
process.env['PLANE_WORKERS'] = '2'
process.env['PLANE_PASSES_SOCKETS'] = 'no'
await import('./tcp/tcp-proxy.test.js')
await import('./udp/udp-proxy.test.js')

export {}
