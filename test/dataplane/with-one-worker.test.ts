/** The tests of the proxies, with the sockets in a worker process. */
process.env['PLANE_WORKERS'] = '1'
await import('./tcp/tcp-proxy.test.js')
await import('./udp/udp-proxy.test.js')

export {}
