import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { kubeProxyConfiguration } from '../config/kube-proxy-configuration.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'

/**
 * Writes the configuration with all defaults as a KubeProxyConfiguration, for `--write-config-to`.
 * @throws ProxyFailure CONFIG_NOT_WRITTEN
 */
export async function writeConfigurationFile(config: KubeProxyConfig): Promise<void> {
  const path = config.writeConfigTo
  try {
    await writeFile(path, printYaml(kubeProxyConfiguration(config)))
  } catch (error) {
    throw new ProxyFailure('CONFIG_NOT_WRITTEN', `Cannot write the configuration to ${quoteValue(path)}`, {
      cause: error,
      hint: 'Give --write-config-to a file in a folder that this process may write',
    })
  }
}

/** An object as YAML that kubectl and kube-proxy read as the same object: texts that YAML 1.1 would take for something else are quoted. */
export function printYaml(object: object): string {
  return stringify(object, { version: '1.1', lineWidth: 0 })
}
