/** What a proxy does now. */
export const LIFE: ReadonlyMap<string, string> = new Map([
  ['starting', '시작하는 중'],
  ['waiting', '차례를 기다리는 중'],
  ['entering', '첫 규칙을 쓰는 중'],
  ['serving', '처리 중'],
  ['leaving', '떠나는 중'],
  ['draining', '열린 연결이 끝나기를 기다리는 중'],
  ['yielding', '자리를 비키는 중'],
  ['standby', '대기 중'],
  ['replaced', '교체됨, 끝나는 중'],
  ['ended', '끝남'],
])
