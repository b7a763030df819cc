import { readFileSync, readdirSync } from 'node:fs'

/** The running children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && readParentPid(name) === pid)
    .map(Number)
}

/** The data-plane workers of a proxy. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter(child => /\bworker\b/.test(read(child, 'cmdline')))
}

/** The process by which a proxy notices changes of rules; undefined while none runs. */
export function monitorOf(pid: number): number | undefined {
  return childrenOf(pid).find(child => read(child, 'comm').trim() === 'xtables-monitor')
}

export function isRunning(pid: number): boolean {
  return readParentPid(String(pid)) !== undefined
}

function readParentPid(pid: string): number | undefined {
  // `pid (name) state parent …`; a name can contain any character.
  const parent = read(Number(pid), 'stat').split(') ').at(-1)!.split(' ')[1]
  return parent === undefined ? undefined : Number(parent)
}

/** A file of a process; empty if the process has exited. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
