// Adds Node.js, with the libraries that are part of it, and Debian's packages to an SBOM in SPDX.
//
//   dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t${source:Package}\n' | complete-sbom.mjs FILE
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.argv[2]
const document = JSON.parse(readFileSync(file, 'utf8'))
const [program] = document.documentDescribes

/** A package URL and the name of an SPDX element have few characters that need no escape. */
const idOf = (...parts) => `SPDXRef-${parts.join('-').replaceAll(/[^\w.-]/g, '.')}`.replaceAll('_', '.')
const entry = ({ id, name, version, url, ...more }) => ({
  name,
  SPDXID: id,
  versionInfo: version,
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  ...more,
  externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: url }],
})

const packages = readFileSync(0, 'utf8')
  .split('\n')
  .filter(line => line !== '')
  .map(line => {
    const [name, version, architecture, source] = line.split('\t')
    const url = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`
    // Advisories of Debian are about source packages.
    return entry({
      id: idOf('Debian', name, architecture, version),
      name,
      version,
      url,
      sourceInfo: `source package ${source}`,
    })
  })
if (packages.length === 0) throw new Error('dpkg-query has listed no package')

const version = process.version.slice(1)
const runtime = entry({ id: idOf('Node', version), name: 'node', version, url: `pkg:generic/node@${version}` })
const isVersion = text => /^\d+\.\d/.test(text ?? '')
const libraries = Object.entries(process.versions)
  .filter(([name, text]) => name !== 'node' && isVersion(text))
  .map(([name, text]) =>
    entry({
      id: idOf('Node', version, name, text),
      name,
      version: text,
      url: `pkg:generic/${name}@${encodeURIComponent(text)}`,
    }),
  )

document.packages.push(runtime, ...libraries, ...packages)
document.relationships.push(
  ...[runtime, ...packages].map(({ SPDXID }) => ({
    spdxElementId: SPDXID,
    relatedSpdxElement: program,
    relationshipType: 'DEPENDENCY_OF',
  })),
  ...libraries.map(({ SPDXID }) => ({
    spdxElementId: runtime.SPDXID,
    relatedSpdxElement: SPDXID,
    relationshipType: 'CONTAINS',
  })),
)
writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`)
