import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'

export const noEndpoints: Question = {
  number: 9,
  title: { en: 'Why are my endpoints <none>?', ko: '엔드포인트가 왜 <none>인가?' },
  asked: ['kubernetes#87887'],
  words: ['selector', 'labels', 'empty', 'none', '셀렉터', '레이블'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP, selector } = lab.service
    const before = await lab.status('endpoints', 'nginx-service')
    const listed = rowsOf(before.output)
    show(
      before,
      {
        en: 'The selector of the Service is app=nginx, and the Pods have this label. Endpoints: {listed}.',
        ko: '서비스의 셀렉터는 app=nginx이고 파드에 이 레이블이 있다. 엔드포인트: {listed}개.',
      },
      { listed },
    )
    show(
      await lab.changeService(
        { selector: { app: 'ngnix' } },
        `kubectl patch service nginx-service --patch '{"spec":{"selector":{"app":"ngnix"}}}'`,
      ),
      {
        en: 'A typing error, two letters in the wrong order: the selector is app=ngnix now. Nothing warns: a selector that matches no Pod is allowed.',
        ko: '글자 두 개의 순서를 바꿔 오타를 낸다. 이제 셀렉터는 app=ngnix이다. 아무 경고도 없다. 어느 파드와도 맞지 않는 셀렉터도 허용된다.',
      },
    )
    const empty = await lab.status('endpoints', 'nginx-service')
    const left = rowsOf(empty.output)
    const refused = await lab.run('client', 'curl', '-sS', ...PATIENCE.answer, `http://${clusterIP}`)
    show(
      empty,
      {
        en: 'The three Pods still run, and no Pod has the label. Endpoints: {left}.',
        ko: '파드 세 개는 여전히 돌지만 그 레이블을 가진 파드가 없다. 엔드포인트: {left}개.',
      },
      { left },
    )
    show(
      refused,
      {
        en: 'So clients are refused (exit code {code} of curl).',
        ko: '그래서 클라이언트는 거절당한다(curl의 종료 코드 {code}).',
      },
      { code: refused.exitCode },
    )
    show(
      await lab.changeService(
        { selector },
        `kubectl patch service nginx-service --patch '${JSON.stringify({ spec: { selector } })}'`,
      ),
      { en: 'The selector is corrected.', ko: '셀렉터를 바로잡는다.' },
    )
    const back = await lab.run('client', 'curl', '-s', ...PATIENCE.answer, `http://${clusterIP}`)
    const pod = answersIn(back.output)[0]?.pod ?? ''
    show(back, { en: 'Now {pod} answers at once.', ko: '이제 곧바로 응답이 온다({pod}).' }, { pod })
    return {
      proof: {
        en: 'endpoints with the right selector and with the wrong one',
        ko: '엔드포인트 수, 맞는 셀렉터와 틀린 셀렉터',
      },
      value: `${listed}, ${left}`,
      answer: {
        en: 'Endpoints are the ready Pods that have every label of the selector. Two swapped letters took them from {listed} to {left}, although all Pods ran. Compare `kubectl get pods --show-labels` with the selector; if labels are right, the Pods are not ready, are in another namespace, or have no port with the name of the targetPort.',
        ko: '엔드포인트는 셀렉터의 레이블을 모두 가진, 준비된 파드이다. 글자 두 개의 순서가 바뀌자 파드가 모두 도는데도 {listed}개에서 {left}개가 되었다. `kubectl get pods --show-labels`를 셀렉터와 견주어 본다. 레이블이 맞다면 파드가 준비되지 않았거나, 다른 네임스페이스에 있거나, targetPort의 이름을 가진 포트가 없다.',
      },
      values: { listed, left },
      holds: listed === 3 && left === 0 && refused.exitCode === 7 && pod !== '',
    }
  },
}

function rowsOf(output: string): number {
  return output.match(/^nginx-service /gm)?.length ?? 0
}
