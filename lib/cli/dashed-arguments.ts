/** Arguments with the dashes of the flags that are documented. As in kube-proxy, `--log_file` is `--log-file`. */
export function dashedArguments(args: readonly string[]): readonly string[] {
  return args.map(arg => {
    // kube-proxy also has forms with more words about its build.
    if (/^--version=(?!false$)/.test(arg)) return '--version'
    const name = /^--[^=]*/.exec(arg)?.[0] ?? ''
    return name.replaceAll('_', '-') + arg.slice(name.length)
  })
}
