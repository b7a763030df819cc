import { type ObjectName } from '../../../lib/model/objects.js'

/** A question to `doctor-entry`. */
export interface DoctorRequest {
  readonly name: ObjectName
  readonly nodeName?: string
  readonly client?: string
  readonly socket?: string
  readonly kubeconfig?: string
  readonly manifests?: readonly string[]
}
