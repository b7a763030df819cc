/** Entry in a namespace: sets and rules that match them. Reads one JSON command per line, writes one JSON result per line. */
import { createInterface } from 'node:readline'
import { type IpFamily } from '../../../lib/model/address.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { messageOf } from '../../../lib/model/failure.js'
import { IPVS_TABLES, ipvsRules } from '../../../lib/modes/ipvs/ipvs-rules.js'
import { probeSetMatch } from '../../../lib/modes/ipvs/probe.js'
import { restoreInput } from '../../../lib/netfilter/iptables-restore.js'
import { ipSetProgram } from '../../../lib/system/ip-sets.js'
import { restoreSets } from '../../../lib/system/restore-sets.js'
import { IptablesPrograms } from '../../../lib/system/iptables.js'

export type IpSetsCommand =
  | { readonly do: 'read' }
  | { readonly do: 'restore'; readonly text: string }
  /** @returns the lines that were refused */
  | { readonly do: 'restore sets'; readonly text: string }
  /** Checks whether rules can match sets. @returns the reason why not, or "done" */
  | { readonly do: 'probe'; readonly family: IpFamily; readonly backEnd: 'nft' | 'legacy' }
  /** Writes the rules of ipvs mode. @returns what would have to be written after that: nothing, if the proxy spells rules like the kernel */
  | { readonly do: 'rules'; readonly family: IpFamily; readonly backEnd: 'nft' | 'legacy' }

async function handle(command: IpSetsCommand): Promise<unknown> {
  switch (command.do) {
    case 'read':
      return [...(await ipSetProgram.read())].map(([name, { header, entries }]) => [name, header, [...entries]])
    case 'restore':
      return ipSetProgram.restore(command.text)
    case 'restore sets':
      return (await restoreSets(ipSetProgram, command.text)).map(({ line }) => line)
    case 'probe':
      return probeSetMatch(new IptablesPrograms(command.family, command.backEnd), ipSetProgram)
    case 'rules': {
      const { family, backEnd } = command
      const settings = { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true }
      const source = parseCidr(family === 'IPv4' ? '10.244.0.0/16' : 'fd00:244::/64')!
      const desired = ipvsRules(family, settings, [{ source }, { inInterface: 'cali+' }])
      const iptables = new IptablesPrograms(family, backEnd)
      const { text } = restoreInput(desired, await iptables.read(IPVS_TABLES))
      await iptables.restore(text)
      return [text.length > 0, restoreInput(desired, await iptables.read(IPVS_TABLES)).text]
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await handle(JSON.parse(line) as IpSetsCommand).catch((error: unknown) => messageOf(error))
  process.stdout.write(`${JSON.stringify(result ?? 'done')}\n`)
}
