/** A service port as one text: `default/web:http`, and the protocol if it is not TCP. */
export function portText({
  namespace,
  service,
  portName,
  protocol,
}: {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: string
}): string {
  return `${namespace}/${service}${portName === '' ? '' : `:${portName}`}${protocol === 'TCP' ? '' : ` ${protocol}`}`
}
