/** Links in the root folder of Debian; a container runtime follows them. */
const LINKS: Readonly<Record<string, string>> = { '/var/run/': '/run/', '/lib/': '/usr/lib/' }

/** Where a path of a container leads to in the root folder of the image. */
export function followLinks(path: string): string {
  const link = Object.keys(LINKS).find(prefix => path.startsWith(prefix))
  return link === undefined ? path : path.replace(link, LINKS[link]!)
}
