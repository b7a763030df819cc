import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Plugin, build } from 'esbuild'
import { type TeardownScope } from './node-network.js'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const COMPILED = join(ROOT, 'dist')
/** The script that bundles the programs of the image. */
const IMAGE_SCRIPT = join(ROOT, 'deploy', 'image', 'bundle.mjs')
/** Files that tests start as programs, and that import others. */
const SUPPORT_PROGRAM = /-entry\.js$/
/** Libraries in CommonJS call `require` for modules of Node.js; an ES module has none. */
const REQUIRE =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);"

/** Files find others, and the programs that they start, by their own place: it is that of the compiled file. */
const keepOwnPlace: Plugin = {
  name: 'keep-own-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    }))
  },
}

/**
 * Bundles tests, the programs that they start, and kube-proxy as in the image: an emulated processor takes 13 s to load the compiled files
 * of kube-proxy, and 4 s to load its bundle.
 * @param tests paths of compiled tests in the folder of tests
 * @returns a shell command for the virtual machine: after it, the bundles are in place of the compiled files
 */
export async function bundleForVm(t: TeardownScope, tests: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-bundles-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  // It gives its mode to the folder that it takes the place of.
  chmodSync(folder, 0o755)
  const image = join(folder, 'lib', 'kube-proxy')
  mkdirSync(image, { recursive: true })
  mkdirSync(join(folder, 'bin'))
  const { bundle } = (await import(IMAGE_SCRIPT)) as { bundle: (folder: string) => Promise<unknown> }
  await bundle(image)
  symlinkSync('../lib/kube-proxy/kube-proxy.js', join(folder, 'bin', 'kube-proxy.js'))
  const programs = readdirSync(join(COMPILED, 'test', 'support'), { recursive: true, encoding: 'utf8' })
    .filter(name => SUPPORT_PROGRAM.test(name))
    .map(name => join('support', name))
  await build({
    entryPoints: [...tests, ...programs].map(file => join(COMPILED, 'test', file)),
    outbase: COMPILED,
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: REQUIRE },
    plugins: [keepOwnPlace],
    logLevel: 'warning',
  })
  return `mount -t overlay -o 'lowerdir=${folder}:${COMPILED}' overlay '${COMPILED}' && test -L '${COMPILED}/bin/kube-proxy.js'`
}
