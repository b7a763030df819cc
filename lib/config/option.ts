/** What this proxy does with an option of kube-proxy: it honours it, or says why not. */
export type OptionEffect =
  | 'honoured'
  /** The option is accepted and has no effect, for this reason. */
  | { readonly none: string }
  /** A value other than the default is an error: the proxy can neither do what it asks for nor ignore it. */
  | { readonly refused: string }

/** One option: a flag of the command line, a field of KubeProxyConfiguration, or both. */
export interface Option {
  /** Name of the flag without dashes; for an option without a flag, its field. */
  readonly name: string
  /** Path of the field in KubeProxyConfiguration, such as `iptables.syncPeriod`; absent: the option is a flag only. */
  readonly field?: string
  /**
   * A text, a number, a duration, a switch (`true`, `false`, or without value: `true`), a text that may be repeated, a map from names to
   * switches (`A=true,B=false`), or a structure that the proxy does not look into.
   */
  readonly kind: 'text' | 'number' | 'duration' | 'switch' | 'list' | 'map' | 'any'
  /** The text that an absent option has. */
  readonly default?: string
  /** Set if each text may be a list too, separated by commas. */
  readonly hasCommas?: true
  /** Set if 0 in a configuration file means the default, as in kube-proxy. */
  readonly zeroIsDefault?: true
  /** Placeholder of the value in the help. */
  readonly value?: string
  /** Description of the value; `{modes}` is replaced by the names of all modes. */
  readonly help: string
  /** What the value of an option without effect must be, besides its kind: as in kube-proxy, any other one is a mistake. */
  readonly expects?: 'positive' | 'non-negative' | 'version'
  /** Left out: the option is honoured. */
  readonly effect?: OptionEffect
  /** Set for an option that kube-proxy does not have. */
  readonly extension?: true
  /** Set if the flag has an effect beside `--config`; so has every extension. */
  readonly overridesFile?: true
  /** Set if a running proxy can change it, when the configuration file changes. Options without effect need no restart either. */
  readonly isLive?: true
  /** Why a change in the configuration file ends the process instead; every honoured option with a field has this or `isLive`. */
  readonly restart?: string
  /** The first and the last version of kube-proxy with this option, where not all from 1.20 to 1.37 have it. */
  readonly since?: string
  readonly until?: string
}

/** Options that belong together. */
export interface OptionGroup {
  /** Heading in the help and the documents. */
  readonly title: string
  readonly options: readonly Option[]
}

/** Whether the command line has the option. */
export function isFlag({ name, field }: Option): boolean {
  return name !== field
}
