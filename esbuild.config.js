import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { build } from 'esbuild'

// Bundles the compiled commands and the worker thread into dist/bin: a command loads a few files instead of some hundred.
const { bin } = JSON.parse(readFileSync('package.json', 'utf8'))

/** piscina starts its threads with a file beside its own; in the bundle that is here. */
const PISCINA_THREAD = 'piscina-thread'

const besidePiscina = /\(0, node_path_1\.resolve\)\(__dirname, 'worker\.js'\)/

const piscinaThread = {
  name: 'piscina-thread',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/piscina\/dist\/index\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!besidePiscina.test(text)) throw new Error(`${path} has changed: where does it start its threads?`)
      const place = `require('node:path').join(BUNDLE, '${PISCINA_THREAD}.js')`
      return { contents: text.replace(besidePiscina, place), loader: 'js', resolveDir: dirname(path) }
    })
  },
}

const FOLDER = 'dist/bin'

/** The commit of the sources, `03c8e27a1b-dirty` where files have changed since; '' without git, or within the repository of something else. */
function commitOfSources() {
  const git = (...args) => {
    const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', timeout: 10_000 })
    return status === 0 ? stdout.trim() : ''
  }
  if (git('rev-parse', '--show-prefix') !== '' || git('ls-files', 'esbuild.config.js') === '') return ''
  return git('describe', '--always', '--dirty', '--abbrev=10', '--exclude=*')
}

const { metafile } = await build({
  entryPoints: [
    ...Object.values(bin).map(file => ({ in: `dist/src/cli/${basename(file)}`, out: basename(file, '.js') })),
    { in: 'dist/src/transfer/pool/worker.js', out: 'worker' },
    { in: 'node_modules/piscina/dist/worker.js', out: PISCINA_THREAD },
  ],
  outdir: FOLDER,
  metafile: true,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  define: { TABLESNAP_COMMIT: JSON.stringify(commitOfSources()) },
  // Addons are compiled, or chosen, where they are installed; the AWS SDK is large, and seldom asked.
  external: ['inotify', 'tablesnap-io', '@napi-rs/nice', '@aws-sdk/credential-providers'],
  // CommonJS modules in the bundle ask for Node's own, and piscina for its place.
  banner: {
    js: [
      "import { createRequire as requireFrom } from 'node:module'",
      'const require = requireFrom(import.meta.url), BUNDLE = import.meta.dirname',
    ].join('\n'),
  },
  plugins: [piscinaThread],
  logLevel: 'warning',
})

// Chunks of earlier builds have other names, and would be part of the package.
for (const name of readdirSync(FOLDER)) {
  const path = join(FOLDER, name)
  if (!(path in metafile.outputs)) rmSync(path)
}
