/** What a user reads where a lesson needs a mode that this node does not support. Each quotes the mode. */
export const LACK_TEXTS = {
  noMode: {
    en: 'This node does not support {mode} mode, so this lesson cannot run here. kube-proxy check says what is missing and how to get it:',
    ko: '이 노드는 {mode} 모드를 지원하지 않아 이 수업을 여기서 실행할 수 없다. 무엇이 없고 어떻게 얻는지는 kube-proxy check가 말해 준다.',
  },
  recorded: {
    en: 'What follows is recorded: it ran on another machine, where {mode} mode works. Nothing of it runs here.',
    ko: '아래는 기록이다. {mode} 모드가 동작하는 다른 기계에서 실행했고, 여기서는 아무것도 실행하지 않는다.',
  },
} as const
