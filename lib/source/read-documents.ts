import { readJson } from './read-json.js'
import { type TextDocument, readYaml } from './read-yaml.js'
import { splitJson, splitYaml } from './split-yaml.js'

/** Reads the YAML or JSON documents of a text, one after the other. Never throws. */
export function* readDocuments(text: string): Generator<TextDocument> {
  for (const part of splitYaml(text)) {
    const texts = splitJson(part) ?? []
    // What is not JSON is read as YAML.
    if (texts.length === 0 || readJson(texts[0]!) === undefined) yield* readYaml(part.text, part.firstLine)
    else for (const json of texts) yield* [readJson(json) ?? readYaml(json.text, json.firstLine)].flat()
  }
}
