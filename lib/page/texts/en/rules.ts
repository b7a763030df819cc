/** Texts of the view of rules. */
export const RULES = {
  title: 'Rules',
  about:
    'What the proxy has written into the kernel, in order, with what each rule does and how many packets it has met.',
  rule: 'Rule',
  place: 'Table and chain',
  position: 'No.',
  packets: 'Packets',
  bytes: 'Bytes',
}
