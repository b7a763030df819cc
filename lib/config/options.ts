import { type Option, type OptionGroup, isFlag } from './option.js'
import { CLUSTER_OPTIONS } from './options/cluster-options.js'
import { CONNTRACK_OPTIONS } from './options/conntrack-options.js'
import { FOREIGN_OPTIONS } from './options/foreign-options.js'
import { HTTP_OPTIONS } from './options/http-options.js'
import { LOG_OPTIONS } from './options/log-options.js'
import { PROCESS_OPTIONS } from './options/process-options.js'
import { RULE_OPTIONS } from './options/rule-options.js'
import { TRAFFIC_OPTIONS } from './options/traffic-options.js'

/** All options by topic, in the order of the help. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  { title: 'Cluster', options: CLUSTER_OPTIONS },
  { title: 'Traffic', options: TRAFFIC_OPTIONS },
  { title: 'Rules', options: RULE_OPTIONS },
  { title: 'Connection tracking', options: CONNTRACK_OPTIONS },
  { title: 'Health and metrics', options: HTTP_OPTIONS },
  { title: 'Process', options: PROCESS_OPTIONS },
  { title: 'Log', options: LOG_OPTIONS },
  { title: 'Other systems and times', options: FOREIGN_OPTIONS },
]

/**
 * All options with their defaults: the one source of the command line, its help, the configuration file and the tables in the
 * documents.
 */
export const OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap(({ options }) => options)

/** The options that the command line has. */
export const FLAGS: readonly Option[] = OPTIONS.filter(isFlag)

const BY_NAME: ReadonlyMap<string, Option> = new Map(OPTIONS.map(option => [option.name, option]))

/** The option of that name; undefined if there is none. */
export function findOption(name: string): Option | undefined {
  return BY_NAME.get(name)
}
