// Bundles the compiled product for the image: one file for each program, with its libraries, and their licences.
//
//   node deploy/image/bundle.mjs FOLDER        writes FOLDER/*.js and FOLDER/THIRD-PARTY-LICENSES.txt
//
// A program starts another one by its file name beside its own file (`new URL('worker-main.js', import.meta.url)`), so all bundles
// are in one folder. A program has a file of its own, because a data-plane worker must not load what only the control process needs.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { LICENCE_LINE, licenceTexts } from '../../bin/licence-texts.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The name of a bundle, to the compiled file that it starts with. The test of the image compares them with the sources. */
export const PROGRAMS = {
  'kube-proxy': 'dist/bin/kube-proxy.js',
  'worker-main': 'dist/lib/workers/worker-main.js',
  'parse-thread': 'dist/lib/source/parse-thread.js',
  'turn-watch-thread': 'dist/lib/control/turn-watch-thread.js',
  'api-server-program': 'dist/lib/demo/api-server-program.js',
  'client-program': 'dist/lib/demo/client-program.js',
  'dns-server': 'dist/lib/demo/dns-server.js',
  'pod-server': 'dist/lib/demo/pod-server.js',
}
/** Files that a program reads from a folder beside its own file: the page, which the build has bundled. */
const PAGE = 'dist/lib/status/dashboard/page'
/** Libraries that are loaded when they are needed, and are too large for the bundle of a program. */
const LATE_LIBRARIES = { '@kubernetes/client-node': 'client-node' }
/** What libraries use only if it is there. It is here for other tools, and not among what the product depends on. */
const OPTIONAL_LIBRARIES = ['supports-color']
/** CommonJS libraries call `require` for modules of Node.js; an ES module has none. */
const REQUIRE =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);"

/** Reads a late library from the file beside the program. */
const lateLibraries = {
  name: 'late-libraries',
  setup({ onResolve }) {
    for (const [library, file] of Object.entries(LATE_LIBRARIES))
      onResolve({ filter: new RegExp(`^${library}$`) }, ({ importer }) =>
        importer.includes('/node_modules/') || importer === '' ? undefined : { path: `./${file}.js`, external: true },
      )
  },
}

/**
 * Writes the bundles.
 * @param {string} folder
 * @returns {Promise<Record<string, number>>} the size of each file in bytes
 */
export async function bundle(folder) {
  const libraries = Object.fromEntries(Object.entries(LATE_LIBRARIES).map(([library, file]) => [file, library]))
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...PROGRAMS, ...libraries },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // Names stay as they are: stack traces in logs must be readable.
    minifySyntax: false,
    legalComments: 'none',
    banner: { js: REQUIRE },
    external: OPTIONAL_LIBRARIES,
    plugins: [lateLibraries],
    metafile: true,
    logLevel: 'warning',
  })
  cpSync(join(ROOT, PAGE), join(folder, 'page'), { recursive: true })
  const ofPage = readFileSync(join(ROOT, PAGE, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
  const licences = [licenceTexts(ROOT, Object.keys(metafile.inputs)), ofPage].join(LICENCE_LINE)
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences)
  return Object.fromEntries(Object.entries(metafile.outputs).map(([file, { bytes }]) => [file, bytes]))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder] = process.argv
  if (folder === undefined || !existsSync(dirname(folder))) {
    process.stderr.write('Where to? node deploy/image/bundle.mjs FOLDER, in a folder that exists\n')
    process.exit(2)
  }
  for (const [file, bytes] of Object.entries(await bundle(folder))) process.stdout.write(`${file} ${bytes}\n`)
}
