import { CURL, type Question } from '../question.js'
import { PATIENCE } from '../patience.js'
import { giveNodePort } from '../give-node-port.js'
import { setSysctl } from '../set-sysctl.js'
import { useMode } from '../use-mode.js'

const NODE_PORT = 30080
const SYSCTL = 'net.ipv4.conf.all.route_localnet'
const URL = `http://127.0.0.1:${NODE_PORT}`

export const nodePortOnLocalhost: Question = {
  number: 14,
  title: { en: 'Why is my NodePort not on localhost?', ko: '왜 NodePort가 localhost에서 안 되는가?' },
  asked: ['kubernetes#132955'],
  words: ['127.0.0.1', 'loopback', 'route_localnet', 'node port', '루프백'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    await giveNodePort(experiment, NODE_PORT)
    const curl = (patience: readonly string[]) => lab.run('node', 'curl', '-sS', ...patience, URL)
    const userspace = await curl(PATIENCE.answer)
    show(
      userspace,
      {
        en: 'Userspace mode: kube-proxy listens on the NodePort itself, on loopback too (exit code {code}).',
        ko: 'userspace 모드: kube-proxy가 NodePort에서 직접 리스닝하므로 루프백에서도 된다(종료 코드 {code}).',
      },
      { code: userspace.exitCode },
    )
    await useMode(experiment, 'iptables')
    const setting = await lab.run('node', 'sysctl', SYSCTL)
    const iptables = await curl(PATIENCE.answer)
    show(setting, {
      en: 'The kernel drops packets that leave loopback for a Pod with a source of 127.0.0.1, unless this setting allows it. The proxy has set it.',
      ko: '출발지 주소가 127.0.0.1인 패킷이 루프백을 떠나 파드로 가면 커널이 버린다. 이 설정이 허용할 때만 예외이다. 프록시가 설정해 두었다.',
    })
    show(
      iptables,
      { en: 'So it works (exit code {code}).', ko: '그래서 된다(종료 코드 {code}).' },
      { code: iptables.exitCode },
    )
    const off = await setSysctl(lab, SYSCTL, '0')
    const without = await curl(PATIENCE.silence)
    show(off.ran, {
      en: 'Many installations switch it off, for it also lets hosts nearby reach services on loopback (CVE-2020-8558).',
      ko: '많은 설치에서 이 설정을 끈다. 이웃 호스트가 루프백의 서비스에 닿게 하기 때문이다(CVE-2020-8558).',
    })
    show(
      without,
      {
        en: 'Without it the same request hangs (exit code {code}).',
        ko: '이 설정이 없으면 같은 요청에 응답이 없다(종료 코드 {code}).',
      },
      { code: without.exitCode },
    )
    await off.undo()
    return {
      proof: {
        en: 'exit codes of curl: userspace mode, iptables mode with route_localnet, without it (0: answered, 28: time is over)',
        ko: 'curl의 종료 코드: userspace 모드, route_localnet이 있는 iptables 모드, 없는 iptables 모드(0: 응답, 28: 시간 초과)',
      },
      value: [userspace, iptables, without].map(({ exitCode }) => exitCode).join(', '),
      answer: {
        en: 'A packet from 127.0.0.1 must not leave loopback: without route_localnet, curl ended with code {without}; with it, with {iptables}. In ipvs mode, and in the nftables mode of other proxies, there is no NodePort on loopback at all. In userspace mode a socket of kube-proxy listens there (code {userspace}); elsewhere use an address of the node.',
        ko: '127.0.0.1에서 온 패킷은 루프백을 떠나면 안 된다. route_localnet이 없으면 curl은 코드 {without}로, 있으면 {iptables}으로 끝났다. ipvs 모드와 다른 프록시의 nftables 모드에는 루프백의 NodePort가 아예 없다. userspace 모드에서는 kube-proxy의 소켓이 그곳에서 리스닝한다(코드 {userspace}). 다른 모드에서는 노드의 주소를 쓴다.',
      },
      values: { without: without.exitCode, iptables: iptables.exitCode, userspace: userspace.exitCode },
      holds: userspace.exitCode === 0 && iptables.exitCode === 0 && without.exitCode === 28,
    }
  },
}
