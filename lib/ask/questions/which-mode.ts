import { CURL, type Question } from '../question.js'
import { PATIENCE } from '../patience.js'

const URL = 'http://127.0.0.1:10249/proxyMode'
const CHAINS = "iptables-save -t nat | grep -oE '^:KUBE-(PORTALS|SVC|SEP)' | sort | uniq -c"

export const whichMode: Question = {
  number: 21,
  title: { en: 'Which mode am I in, and what differs?', ko: '지금 어느 모드인가? 무엇이 다른가?' },
  asked: ['kubernetes#65158'],
  words: ['proxyMode', 'userspace', 'iptables', 'ipvs', 'chains', '모드'],
  programs: CURL,
  async run({ lab, show }) {
    const firstMode = lab.mode
    const first = await lab.run('node', 'curl', '-s', ...PATIENCE.answer, URL)
    show(
      first,
      { en: 'The proxy itself answers: {mode}.', ko: '프록시가 직접 답한다: {mode}.' },
      { mode: first.output },
    )
    const userspace = await lab.shell('node', CHAINS)
    const proxyChains = countOf(userspace.output, 'KUBE-PORTALS')
    show(
      userspace,
      {
        en: 'The rules show it, too: {proxyChains} chains KUBE-PORTALS, which lead to sockets of kube-proxy.',
        ko: '규칙에서도 보인다. kube-proxy의 소켓으로 이어지는 체인 KUBE-PORTALS가 {proxyChains}개이다.',
      },
      { proxyChains },
    )
    show(await lab.setMode('iptables'), {
      en: 'The proxy restarts in iptables mode.',
      ko: '프록시를 iptables 모드로 다시 시작한다.',
    })
    const second = await lab.run('node', 'curl', '-s', ...PATIENCE.answer, URL)
    show(second, { en: 'Now it answers: {mode}.', ko: '이제 이렇게 답한다: {mode}.' }, { mode: second.output })
    const iptables = await lab.shell('node', CHAINS)
    const [services, endpoints] = [countOf(iptables.output, 'KUBE-SVC'), countOf(iptables.output, 'KUBE-SEP')]
    show(
      iptables,
      {
        en: 'Now each Service port has a chain KUBE-SVC ({services}), and each of its endpoints a chain KUBE-SEP ({endpoints}).',
        ko: '이제 서비스 포트마다 체인 KUBE-SVC({services}개)가, 엔드포인트마다 체인 KUBE-SEP({endpoints}개)가 있다.',
      },
      { services, endpoints },
    )
    return {
      proof: { en: 'what /proxyMode answered, first and then', ko: '/proxyMode의 답, 처음과 나중' },
      value: `${first.output}, ${second.output}`,
      answer: {
        en: 'Ask port 10249: it answered "{first}", then "{second}". Chains of the kernel show the same: KUBE-PORTALS ({proxyChains}) in userspace mode, KUBE-SVC ({services}) and KUBE-SEP ({endpoints}) in iptables mode; in ipvs mode, `ipvsadm -Ln` has the Services. The modes differ in who carries the packet and chooses the Pod: the process in userspace mode, the kernel in the other two.',
        ko: '포트 10249에 물으면 된다. 처음에는 "{first}", 나중에는 "{second}"라고 답했다. 커널의 체인에서도 알 수 있다. userspace 모드에는 KUBE-PORTALS({proxyChains}개), iptables 모드에는 KUBE-SVC({services}개)와 KUBE-SEP({endpoints}개)가 있고, ipvs 모드에서는 `ipvsadm -Ln`에 서비스가 나온다. 모드는 누가 패킷을 나르고 파드를 고르는지가 다르다. userspace 모드에서는 프로세스가, 나머지 둘에서는 커널이 한다.',
      },
      values: { first: first.output, second: second.output, proxyChains, services, endpoints },
      holds:
        first.output === firstMode &&
        second.output === lab.mode &&
        proxyChains > 0 &&
        services === 2 &&
        endpoints === 5,
    }
  },
}

function countOf(output: string, chain: string): number {
  return Number(new RegExp(`(\\d+) :${chain}`).exec(output)?.[1] ?? 0)
}
