const PLACES: ReadonlyMap<string, string> = new Map([
  ['node', 'on the node'],
  ['client', 'in the client Pod'],
  ['outside', 'on a host outside the cluster'],
  ['cluster', 'in a real cluster; here the demo does it'],
])

/** Texts of the view of questions. */
export const ASK_VIEW = {
  title: 'Ask',
  about:
    'What people ask about Services. Each button runs an experiment in the cluster of the demo, which ends in a number. The clients wait meanwhile.',
  answer: 'Answer',
  proof: 'Proof',
  asked: (places: string) => `Asked in ${places}`,
  steps: 'The experiment',
  place: (where: string) => PLACES.get(where) ?? `in the Pod ${where}`,
  notProved: 'The experiment did not show what the answer says:',
}
