import { spawn } from 'node:child_process'

/** Opens a page in the browser of the desktop, if there is one. No failure is reported: the user has the address. */
export function openInBrowser(url: string): void {
  const { DISPLAY: x11 = '', WAYLAND_DISPLAY: wayland = '' } = process.env
  if (x11 === '' && wayland === '') return
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
