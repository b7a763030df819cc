import { spawn } from 'node:child_process'

/**
 * Opens a page in the browser of the desktop, if there is one. Not as root, such as with sudo: a browser must not run with all rights. No
 * failure is reported: the user has the address.
 */
export function openInBrowser(url: string): void {
  if (process.getuid?.() === 0) return
  const { DISPLAY: x11 = '', WAYLAND_DISPLAY: wayland = '' } = process.env
  if (x11 === '' && wayland === '') return
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
