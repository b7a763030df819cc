import { type ProxyMode } from '../model/proxy-mode.js'
import { iptablesStory } from './iptables-story.js'
import { ipvsStory } from './ipvs-story.js'
import { type ModeStory } from './mode-story.js'
import { userspaceStory } from './userspace-story.js'

export const MODE_STORIES: Readonly<Record<ProxyMode, ModeStory>> = {
  userspace: userspaceStory,
  iptables: iptablesStory,
  ipvs: ipvsStory,
}
