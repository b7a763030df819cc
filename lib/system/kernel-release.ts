/** The first two numbers of a release of the kernel, by which its features are known. */
export interface KernelRelease {
  readonly major: number
  readonly minor: number
}

/** Longer numbers are no version. */
const RELEASE = /^(\d{1,5})\.(\d{1,5})(?!\d)/

/** Reads a release of the kernel, such as `6.1.0-18-amd64` or `5.8+`; undefined if it does not start with two numbers. */
export function parseKernelRelease(text: string): KernelRelease | undefined {
  const [, major, minor] = RELEASE.exec(text) ?? []
  return minor === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}
