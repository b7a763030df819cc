import { readFile } from 'node:fs/promises'

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

/** The files of the page by their paths. There are no others: no request can name a file. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = FILES.map(async ([path, name, contentType]) => {
    const content = await readFile(new URL(name, FOLDER))
    return [path, { contentType, content }] as const
  })
  return new Map(await Promise.all(files))
}
