import t from 'tap'
import { formatChain } from '../../lib/modes/nat-chains.js'

t.test('a chain is shown without the columns that are the same in all its rules', t => {
  t.equal(
    formatChain('KUBE-PORTALS-CONTAINER', [
      '    9   540 DNAT       6    --  *      *       0.0.0.0/0            10.96.0.10           /* default/nginx-service */ tcp dpt:80 to:192.168.50.1:39217',
      '   18  1305 KUBE-NODEPORT-CONTAINER  0    --  *      *       0.0.0.0/0            0.0.0.0/0            /* handle service NodePorts; NOTE: this must be the last rule in the chain */ ADDRTYPE match dst-type LOCAL',
    ]),
    `Chain KUBE-PORTALS-CONTAINER
PKTS  TARGET                   DESTINATION  DETAILS                           COMMENT
   9  DNAT                     10.96.0.10   tcp dpt:80 to:192.168.50.1:39217  default/nginx-service
  18  KUBE-NODEPORT-CONTAINER               dst-type LOCAL                    handle service NodePorts`,
  )
  t.end()
})

t.test('a source and a short probability are shown; a rule of another form stays as it is', t => {
  t.equal(
    formatChain('KUBE-SVC-A', [
      '    3   255 KUBE-SEP-B  0    --  *      *       10.244.0.4           0.0.0.0/0            /* default/a -> 10.244.0.5:80 */ statistic mode random probability 0.33333333349',
      '    1    60 KUBE-SEP-C  0    --  *      *       0.0.0.0/0            0.0.0.0/0            /* default/a -> 10.244.0.6:80 */',
      'something else',
    ]),
    `Chain KUBE-SVC-A
PKTS  TARGET          SOURCE      DETAILS                   COMMENT
   3  KUBE-SEP-B      10.244.0.4  random probability 0.333  default/a -> 10.244.0.5:80
   1  KUBE-SEP-C                                            default/a -> 10.244.0.6:80
      something else`,
  )
  t.end()
})
