import { buildSync } from 'esbuild'

/** As in lib/page, which is compiled for browsers only. */
type Translate = (text: string) => string | undefined

/** The translator of the page. */
export const sentenceInKorean: Translate = await load()

async function load(): Promise<Translate> {
  const { outputFiles } = buildSync({
    ...{ entryPoints: ['lib/page/texts/ko/sentence-in-korean.ts'], bundle: true, format: 'esm', write: false },
  })
  const url = `data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`
  return ((await import(url)) as { sentenceInKorean: Translate }).sentenceInKorean
}
