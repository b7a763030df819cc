/** The command that gives the Service of the example this NodePort. @param more fields of its spec */
export function nodePortCommand(nodePort: number, more: object = {}): string {
  const spec = { type: 'NodePort', ...more, ports: [{ port: 80, nodePort }] }
  return `kubectl patch service nginx-service --patch '${JSON.stringify({ spec })}'`
}
