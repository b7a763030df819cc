/** The values of fields of the API that are enumerations, by type and field: those that the manifests use. */
export const API_VALUES: Readonly<Record<string, readonly string[]>> = {
  'V1Container.imagePullPolicy': ['Always', 'IfNotPresent', 'Never'],
  'V1PodSpec.dnsPolicy': ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
  'V1DaemonSetUpdateStrategy.type': ['OnDelete', 'RollingUpdate'],
  'V1Toleration.operator': ['Equal', 'Exists'],
  'V1SeccompProfile.type': ['Localhost', 'RuntimeDefault', 'Unconfined'],
  'V1HostPathVolumeSource.type': [
    ...['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
  ],
  'V1EmptyDirVolumeSource.medium': ['', 'HugePages', 'Memory'],
  'V1RoleRef.kind': ['ClusterRole', 'Role'],
  'V1RoleRef.apiGroup': ['rbac.authorization.k8s.io'],
  'RbacV1Subject.kind': ['Group', 'ServiceAccount', 'User'],
}
