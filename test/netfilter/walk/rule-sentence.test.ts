import t from 'tap'
import { splitArgs } from '../../../lib/netfilter/iptables-save.js'
import { ruleSentence } from '../../../lib/netfilter/walk/rule-sentence.js'
import { RULE_SENTENCES } from '../../support/netfilter/rule-sentences.js'

t.test('a rule is said in a sentence that is made of its own fields', t => {
  for (const [rule, sentence] of RULE_SENTENCES) t.equal(ruleSentence(splitArgs(rule)), sentence, rule)
  t.equal(ruleSentence(splitArgs('-j NEW')), 'All packets go to chain NEW.')
  t.equal(
    ruleSentence(splitArgs('-j NEW'), () => false),
    'All packets go to target NEW.',
  )
  t.end()
})
