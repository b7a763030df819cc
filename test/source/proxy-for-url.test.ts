import t from 'tap'
import { proxyForUrl } from '../../lib/source/proxy-for-url.js'

const PROXY = 'http://proxy:3128'

t.test('the environment names the proxy for a URL by its scheme', t => {
  const table: readonly (readonly [url: string, env: Record<string, string>, proxy: string | undefined])[] = [
    ['https://api:6443', {}, undefined],
    ['https://api:6443', { HTTPS_PROXY: PROXY }, PROXY],
    ['https://api:6443', { https_proxy: PROXY }, PROXY],
    ['https://api:6443', { HTTPS_PROXY: 'proxy:3128' }, PROXY],
    ['https://api:6443', { HTTPS_PROXY: 'socks5://proxy:1080' }, 'socks5://proxy:1080'],
    ['https://api:6443', { HTTP_PROXY: PROXY }, undefined],
    ['http://api:8080', { HTTP_PROXY: PROXY }, PROXY],
    ['http://api:8080', { HTTPS_PROXY: PROXY }, undefined],
    ['https://api:6443', { HTTPS_PROXY: '', https_proxy: PROXY }, PROXY],
  ]
  for (const [url, env, proxy] of table) t.equal(proxyForUrl(new URL(url), env), proxy, `${url} ${JSON.stringify(env)}`)
  t.end()
})

t.test('NO_PROXY excludes hosts, domains, addresses and ranges, as Go reads it', t => {
  const table: readonly (readonly [url: string, noProxy: string, isProxied: boolean])[] = [
    ['https://localhost:6443', '', false],
    ['https://127.0.0.1:6443', '', false],
    ['https://[::1]:6443', '', false],
    ['https://api.example.com', '*', false],
    ['https://api.example.com', 'example.com', false],
    ['https://example.com', 'example.com', false],
    ['https://example.com', '.example.com', true],
    ['https://api.example.com', '.example.com', false],
    ['https://api.example.com', '*.example.com', false],
    ['https://myexample.com', 'example.com', true],
    ['https://API.Example.com', 'api.EXAMPLE.com', false],
    ['https://api.example.com:6443', 'example.com:6443', false],
    ['https://api.example.com:6443', 'example.com:443', true],
    ['https://api.example.com', 'example.com:443', false],
    ['https://10.0.0.1:6443', '10.0.0.1', false],
    ['https://10.0.0.1:6443', '10.0.0.1:6443', false],
    ['https://10.0.0.1:6443', '10.0.0.1:443', true],
    ['https://10.0.0.1:6443', '10.0.0.0/8', false],
    ['https://11.0.0.1:6443', '10.0.0.0/8', true],
    ['https://api', '10.0.0.0/8', true],
    ['https://[fd00::1]:6443', 'fd00::/8', false],
    ['https://[fd00::1]:6443', 'fd00::1', false],
    ['https://[fd00::1]:6443', '[fd00::1]:6443', false],
    ['https://[fd00::1]:6443', '10.0.0.0/8, .svc', true],
    ['https://kubernetes.default.svc', '10.0.0.0/8, .svc', false],
    ['https://api', ' , ,', true],
  ]
  for (const [url, noProxy, isProxied] of table)
    t.equal(
      proxyForUrl(new URL(url), { HTTPS_PROXY: PROXY, NO_PROXY: noProxy }) === PROXY,
      isProxied,
      `${url} ${noProxy}`,
    )
  t.end()
})
