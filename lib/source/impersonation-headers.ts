import { type KubeUser } from './read-kubeconfig.js'

/**
 * The headers that ask the API server to treat the request as one of another user: `as`, `as-uid`, `as-groups` and `as-user-extra` of
 * the kubeconfig, in the form of client-go (k8s.io/client-go/transport).
 */
export function impersonationHeaders(user: KubeUser): Record<string, string | string[]> {
  const { impersonateUser, impersonateUid, impersonateGroups = [], impersonateExtra = {} } = user
  if (impersonateUser === undefined) return {}
  return {
    'Impersonate-User': impersonateUser,
    ...(impersonateUid !== undefined && { 'Impersonate-Uid': impersonateUid }),
    ...(impersonateGroups.length > 0 && { 'Impersonate-Group': [...impersonateGroups] }),
    ...Object.fromEntries(
      Object.entries(impersonateExtra).map(([key, values]) => [
        `Impersonate-Extra-${encodeURIComponent(key)}`,
        [...values],
      ]),
    ),
  }
}
