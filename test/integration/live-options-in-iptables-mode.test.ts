/** Runs the test for all modes in iptables mode: a running proxy uses the new value of each option that can change there. */
process.env['PROXY_MODE'] = 'iptables'
await import('./live-options.test.js')

export {}
