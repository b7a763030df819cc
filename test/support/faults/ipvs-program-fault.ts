import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../dataplane/plane-under-test.js'
import { type IpvsNode } from './ipvs-node.js'

/** How long a program hangs, in milliseconds. */
const HANG_MS = 2000
const PROGRAMS = ['ipset', 'ipvsadm']

/** How programs of ipvs mode fail while changes come. */
export interface IpvsProgramFault {
  readonly begin: (ipvsNode: IpvsNode, folder: string) => void
  /** Resolves when the fault has had its effect; lines of the log count from this one. */
  readonly takesEffect: (ipvsNode: IpvsNode, from: number, folder: string) => Promise<unknown>
  readonly end: (ipvsNode: IpvsNode, folder: string) => void
}

/** The program fails where it would change something, as if the kernel had no memory. */
export const failing = (program: string, restore: string, message: string, logged: RegExp): IpvsProgramFault => ({
  begin: ({ path }) =>
    path.replace(
      program,
      `if [ "$1" = ${restore} ]; then cat > /dev/null; echo '${message}' >&2; exit 1; fi; exec "$real" "$@"`,
    ),
  takesEffect: ({ cluster }, from) => cluster.proxy.waitForLine(logged, from),
  end: ({ path }) => path.restore(program),
})

/** The program does nothing until a file is gone. */
export const hanging = (program: string): IpvsProgramFault => {
  const [hold, held] = [`hold-${program}`, `held-${program}`]
  return {
    begin: ({ path }, folder) => {
      writeFileSync(join(folder, hold), '')
      path.replace(
        program,
        `touch ${join(folder, held)}; while [ -e ${join(folder, hold)} ]; do sleep 0.1; done; exec "$real" "$@"`,
      )
    },
    takesEffect: async (_, __, folder) => {
      await waitUntil(() => existsSync(join(folder, held)), 'the program hangs')
      await delay(HANG_MS)
    },
    end: ({ path }, folder) => {
      rmSync(join(folder, hold))
      path.restore(program)
    },
  }
}

/** The programs are not installed. */
export const MISSING: IpvsProgramFault = {
  begin: ({ path }) => PROGRAMS.forEach(name => path.remove(name)),
  takesEffect: ({ cluster }, from) => cluster.proxy.waitForLine(/PROGRAM_MISSING.*family="IPv4"/, from),
  end: ({ path }) => PROGRAMS.forEach(name => path.restore(name)),
}
