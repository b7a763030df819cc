import { CURL, type Question } from '../question.js'
import { BRIDGE_IP } from '../../demo/demo-network.js'
import { ProxyFailure } from '../../model/failure.js'
import { answersIn } from '../answers-in.js'
import { changePlace } from '../change-place.js'
import { linkOf } from '../link-of.js'
import { PATIENCE } from '../patience.js'
import { setSysctl } from '../set-sysctl.js'
import { useMode } from '../use-mode.js'

const BRIDGE_SETTING = 'net.bridge.bridge-nf-call-iptables'

export const hairpin: Question = {
  number: 16,
  title: {
    en: 'Why can a Pod not reach itself by its own Service (hairpin)?',
    ko: '왜 파드는 자기 서비스를 거쳐 자신에게 닿지 못하는가(헤어핀)?',
  },
  asked: ['kubernetes#20475', 'kubernetes#13375'],
  words: ['hairpin_mode', 'loopback', 'bridge', 'masquerade', 'itself', '브리지'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    const { clusterIP } = lab.service
    if ((await lab.run('node', 'sysctl', BRIDGE_SETTING)).exitCode !== 0)
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `The kernel has no setting ${BRIDGE_SETTING}: this question needs it`, {
        hint: 'Load the kernel module that has it: modprobe br_netfilter',
      })
    show(await lab.scale(1), {
      en: 'One Pod, so the Service can only choose the client itself.',
      ko: '파드가 하나이므로 서비스는 클라이언트 자신을 고를 수밖에 없다.',
    })
    const [pod] = lab.pods
    const curl = (patience: readonly string[]) => lab.run(pod!, 'curl', '-sS', ...patience, `http://${clusterIP}`)
    const userspace = await curl(PATIENCE.answer)
    show(
      userspace,
      {
        en: 'Userspace mode: kube-proxy opens its own connection to the Pod, so this works (exit code {code}).',
        ko: 'userspace 모드: kube-proxy가 파드로 자기 연결을 여므로 된다(종료 코드 {code}).',
      },
      { code: userspace.exitCode },
    )
    await useMode(experiment, 'iptables')
    const bridged = await setSysctl(lab, BRIDGE_SETTING, '1')
    show(bridged.ran, {
      en: 'Packets between ports of a bridge pass the rules, too. Clusters whose Pods share a bridge need this setting.',
      ko: '브리지의 포트 사이를 오가는 패킷도 규칙을 지나게 한다. 파드가 브리지를 함께 쓰는 클러스터에는 이 설정이 필요하다.',
    })
    const off = await curl(PATIENCE.silence)
    const link = linkOf(pod!)
    show(
      off,
      {
        en: 'The packet leaves the Pod by {link}, a port of the bridge, and has to go back by the same port. Exit code {code}.',
        ko: '패킷은 브리지의 포트인 {link}로 파드를 떠나고, 같은 포트로 돌아가야 한다. 종료 코드 {code}.',
      },
      { link, code: off.exitCode },
    )
    const port = ['ip', 'link', 'set', link, 'type', 'bridge_slave', 'hairpin'] as const
    const switched = await changePlace(lab, 'node', [...port, 'on'], [...port, 'off'])
    show(switched.ran, {
      en: 'A bridge never sends a frame back where it came from, unless its port has hairpin mode.',
      ko: '브리지는 프레임을 온 곳으로 되돌려 보내지 않는다. 포트가 헤어핀 모드일 때만 예외이다.',
    })
    const on = await curl(PATIENCE.answer)
    const seen = answersIn(on.output)[0]?.client ?? ''
    show(
      on,
      {
        en: 'Now it works (exit code {code}). The Pod sees {seen}: rules replace its own address as the source, or it would drop a packet from itself.',
        ko: '이제 된다(종료 코드 {code}). 파드에 보이는 주소는 {seen}이다. 규칙이 출발지 주소를 바꾸지 않으면 파드는 자기에게서 온 패킷을 버린다.',
      },
      { code: on.exitCode, seen },
    )
    return {
      proof: {
        en: 'exit codes of curl: userspace mode, iptables mode without hairpin mode, with it (0: answered, 28: time is over)',
        ko: 'curl의 종료 코드: userspace 모드, 헤어핀 모드가 없는 iptables 모드, 있는 iptables 모드(0: 응답, 28: 시간 초과)',
      },
      value: [userspace, off, on].map(({ exitCode }) => exitCode).join(', '),
      answer: {
        en: "Two things have to happen on the way back into the same Pod. The bridge must let the packet turn: without hairpin mode curl ended with code {off}, with it with code {on}. And the source must become the node's ({seen}), which kube-proxy's rules do; in userspace mode neither matters (code {userspace}). A network without a bridge has no such port: there only the source matters.",
        ko: '같은 파드로 되돌아가려면 두 가지가 필요하다. 브리지가 패킷을 되돌려 보내야 한다. 헤어핀 모드가 없으면 curl은 코드 {off}로, 있으면 코드 {on}으로 끝났다. 그리고 출발지 주소가 노드의 주소({seen})로 바뀌어야 하는데, 이것은 kube-proxy의 규칙이 한다. userspace 모드에서는 둘 다 상관없다(코드 {userspace}). 브리지가 없는 네트워크에는 이런 포트가 없으므로 소스만 문제가 된다.',
      },
      values: { off: off.exitCode, on: on.exitCode, seen, userspace: userspace.exitCode },
      holds: userspace.exitCode === 0 && off.exitCode === 28 && on.exitCode === 0 && seen === BRIDGE_IP,
    }
  },
}
