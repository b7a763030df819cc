import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

/** This machine and its other load, as rows of a table. Call it before a measurement puts load on the machine. */
export function readMachineFacts(): Record<string, string> {
  return {
    CPU: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: `Linux ${release()}`,
    system: readOsName(),
    'other work at the start (load average)': loadavg()[0]!.toFixed(2),
  }
}

function readOsName(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown'
}
