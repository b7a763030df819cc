import { CURL, type Question } from '../question.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'

const REQUESTS = 30

export const deadPodRetry: Question = {
  number: 19,
  title: {
    en: 'Is another Pod tried if the first does not answer?',
    ko: '첫 번째 파드가 응답하지 않으면 다른 파드로 다시 시도하는가?',
  },
  asked: ['kubernetes#36079'],
  words: ['retry', 'retries', 'failover', 'dead pod', '재시도', '죽은 파드'],
  programs: CURL,
  async run({ lab, show }) {
    const [victim] = lab.pods
    show(
      await lab.kill(victim!),
      {
        en: '{pod} is dead, and its endpoint is still listed: a cluster needs some time to notice.',
        ko: '파드 하나({pod})가 죽었다. 엔드포인트는 아직 목록에 있다. 클러스터가 알아차리려면 시간이 걸린다.',
      },
      { pod: victim!.name },
    )
    const userspace = await requestsByPod(lab, REQUESTS)
    const lostInUserspace = REQUESTS - sumOf(userspace.counts)
    show(
      userspace.ran,
      {
        en: 'Userspace mode: kube-proxy cannot connect to the dead Pod, so it tries the next one for the same client. Failed: {lost} of {requests}.',
        ko: 'userspace 모드: kube-proxy는 죽은 파드에 연결하지 못하면 같은 클라이언트를 위해 다음 파드에 시도한다. 실패: {requests}개 가운데 {lost}개.',
      },
      { lost: lostInUserspace, requests: REQUESTS },
    )
    show(await lab.setMode('iptables'), {
      en: 'The proxy runs in iptables mode now. The dead Pod is still listed.',
      ko: '이제 프록시가 iptables 모드로 돈다. 죽은 파드는 아직 목록에 있다.',
    })
    const iptables = await requestsByPod(lab, REQUESTS)
    const lostInIptables = REQUESTS - sumOf(iptables.counts)
    show(
      iptables.ran,
      {
        en: 'iptables mode: the kernel chose before the first packet left, and does not choose again. Failed: {lost} of {requests}.',
        ko: 'iptables 모드: 커널은 첫 패킷이 나가기 전에 골랐고 다시 고르지 않는다. 실패: {requests}개 가운데 {lost}개.',
      },
      { lost: lostInIptables, requests: REQUESTS },
    )
    return {
      proof: {
        en: `failed requests of ${REQUESTS} with one of three Pods dead, in userspace mode and in iptables mode`,
        ko: `파드 셋 가운데 하나가 죽었을 때 요청 ${REQUESTS}개 가운데 실패한 수, userspace 모드와 iptables 모드`,
      },
      value: `${lostInUserspace}, ${lostInIptables}`,
      answer: {
        en: 'In userspace mode yes: kube-proxy tries the next Pod, and {lostInUserspace} of {requests} requests failed. In iptables mode no: {lostInIptables} of {requests} failed, and more fail until the endpoint goes. There, and in ipvs mode, the client has to try again itself.',
        ko: 'userspace 모드에서는 그렇다. kube-proxy가 다음 파드에 시도하므로 요청 {requests}개 가운데 {lostInUserspace}개가 실패했다. iptables 모드에서는 아니다. {requests}개 가운데 {lostInIptables}개가 실패했고, 엔드포인트가 없어질 때까지 계속 실패한다. 이 모드와 ipvs 모드에서는 클라이언트가 스스로 다시 시도해야 한다.',
      },
      values: { lostInUserspace, lostInIptables, requests: REQUESTS },
      holds: lostInUserspace === 0 && lostInIptables > 0 && lostInIptables < REQUESTS,
    }
  },
}
