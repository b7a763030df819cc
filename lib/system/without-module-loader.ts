/** A line of `modprobe`, by its own name or that of its library; of kmod and of busybox. */
const LOADER_LINE = /^\s*(\S*\/)?(modprobe|insmod|libkmod): /

/**
 * The error output of a program without what `modprobe` has written, which the program runs when the kernel lacks something. These lines
 * say why no module was loaded, such as "Operation not permitted". They do not say why the program has failed; but if the program itself
 * said nothing, they are all there is to read.
 */
export function withoutModuleLoader(stderr: string): string {
  const own = stderr
    .split('\n')
    .filter(line => !LOADER_LINE.test(line))
    .join('\n')
  return own.trim() === '' ? stderr : own
}
