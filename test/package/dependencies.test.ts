import { once } from 'node:events'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type RequestListener, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { WITHOUT_TAP_LOADER, type TeardownScope } from '../support/nodes/node-network.js'

interface LockedPackage {
  readonly name: string
  readonly version: string
  readonly licence: string
}
interface LockedPackages {
  readonly product: readonly LockedPackage[]
  readonly development: readonly LockedPackage[]
}

/** The scripts in bin are JavaScript that runs before anything is compiled, so they have no types. */
const { LICENCES_FILE, PERMISSIVE_LICENCES, licencesDocument, lockedPackages } = (await import(
  pathToFileURL(join(process.cwd(), 'bin', 'licences.mjs')).href
)) as {
  LICENCES_FILE: string
  PERMISSIVE_LICENCES: readonly string[]
  licencesDocument: (packages: LockedPackages) => string
  lockedPackages: (packages: Readonly<Record<string, unknown>>) => LockedPackages
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, unknown> }
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
const packages = lockedPackages(lock.packages)

/** What `npm audit` found in packages that the product needs, or why it could not ask the registry. */
type Audit = { readonly vulnerable: readonly string[] } | { readonly unavailable: string }

/** @param registry by default the one that npm is configured for */
async function auditProduct(registry?: string): Promise<Audit> {
  const npm = ['npm', 'audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000']
  const args = [...WITHOUT_TAP_LOADER, ...npm, ...(registry === undefined ? [] : [`--registry=${registry}`])]
  // The exit code is 1 for vulnerabilities too.
  const output = await new Promise<string>(resolve => execFile('env', args, (_error, stdout) => resolve(stdout)))
  const report = JSON.parse(output) as { vulnerabilities?: Record<string, { via: unknown }>; message?: string }
  if (report.vulnerabilities === undefined) return { unavailable: report.message ?? output.replace(/\s+/g, ' ') }
  return {
    vulnerable: Object.entries(report.vulnerabilities).map(([name, { via }]) => `${name}: ${JSON.stringify(via)}`),
  }
}

async function startRegistry(t: TeardownScope, respond: RequestListener): Promise<string> {
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => (server.closeAllConnections(), server.close()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** What a registry says of a package that depends on nothing. */
function metadataOf(name: string): object {
  const versions = [...packages.product, ...packages.development].filter(one => one.name === name)
  return {
    ...{ name, 'dist-tags': {} },
    versions: Object.fromEntries(versions.map(({ version }) => [version, { name, version, dist: {} }])),
  }
}

t.test('docs/licences.md lists the packages of the lock file with their licences', t => {
  t.equal(readFileSync(LICENCES_FILE, 'utf8'), licencesDocument(packages), 'npm run licences writes it')
  for (const name of Object.keys(dependencies))
    t.ok(
      packages.product.some(one => one.name === name),
      name,
    )
  t.end()
})

t.test('every package that the product needs has a licence that demands no more than its own text', t => {
  for (const { name, version, licence } of packages.product)
    t.ok(PERMISSIVE_LICENCES.includes(licence), `${name} ${version}: ${licence}`)
  t.end()
})

t.test('npm audit knows no vulnerability of a package that the product needs', async t => {
  const audit = await auditProduct()
  if ('unavailable' in audit) {
    t.pass('not asked', { skip: `The registry does not answer npm audit: ${audit.unavailable}` })
    return
  }
  t.same(audit.vulnerable, [])
})

t.test('a vulnerability that a registry reports is found, and a registry without reports is no success', async t => {
  const advisory = {
    ...{ id: 1, title: 'Never use this', severity: 'high', url: 'https://registry.test/1' },
    vulnerable_versions: '<100.0.0',
  }
  const reporting = await startRegistry(t, (request, response) => {
    const url = request.url ?? ''
    response.end(
      JSON.stringify(url.includes('advisories') ? { yaml: [advisory] } : metadataOf(decodeURIComponent(url.slice(1)))),
    )
  })
  const found = await auditProduct(reporting)
  t.match(found, { vulnerable: [/^yaml: .*Never use this/] }, JSON.stringify(found))
  const silent = await startRegistry(t, (_request, response) => response.writeHead(405).end())
  t.match(await auditProduct(silent), { unavailable: /405|audit/ })
})
