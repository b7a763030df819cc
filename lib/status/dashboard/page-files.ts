import { readFile } from 'node:fs/promises'
import { ProxyFailure } from '../../model/failure.js'

/** A file of the page. */
export interface PageFile {
  readonly contentType: string
  readonly content: Buffer
}

/** Where the build puts the files. In the image, all programs are one file, and the folder is beside it. */
const FOLDER = new URL('page/', import.meta.url)

const FILES: readonly (readonly [path: string, name: string, contentType: string])[] = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml'],
]

/**
 * The files of the page by their paths. There are no others: no request can name a file.
 * @throws ProxyFailure
 */
export async function readPageFiles(folder = FOLDER): Promise<ReadonlyMap<string, PageFile>> {
  const files = FILES.map(async ([path, name, contentType]) => {
    const content = await readFile(new URL(name, folder))
    return [path, { contentType, content }] as const
  })
  try {
    return new Map(await Promise.all(files))
  } catch (cause) {
    throw new ProxyFailure('DASHBOARD_FILES_MISSING', 'Cannot read the files of the dashboard', {
      cause,
      hint: 'They are part of the package: install it again, or build it with: node bin/build.mjs',
    })
  }
}
