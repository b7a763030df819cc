/** Runs tests of the whole program with the sockets in the control process. */
process.env['PROXY_WORKERS'] = '0'
await import('./cluster-ip.test.js')

export {}
