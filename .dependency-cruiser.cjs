// The one-way arrows: what each folder of src/ may import, besides itself and the files beside the folders.
const FOLDERS = {
  s3: [],
  sstable: [],
  report: [],
  watch: [],
  config: ['s3'],
  state: ['s3', 'sstable'],
  tables: ['sstable', 'state'],
  status: ['config', 'report', 's3', 'sstable', 'state'],
  plan: ['config', 's3', 'sstable', 'state'],
  upload: ['s3'],
  download: ['s3'],
  pool: ['upload', 'download', 's3'],
  retention: ['config', 'report', 'restore', 's3', 'sstable', 'state'],
  check: [
    'backup',
    'config',
    'download',
    'plan',
    'pool',
    'report',
    'restore',
    'retention',
    's3',
    'sstable',
    'state',
  ],
  restore: ['config', 'download', 'pool', 'report', 's3', 'sstable', 'state'],
  backup: [
    'config',
    'plan',
    'pool',
    'report',
    'restore',
    's3',
    'sstable',
    'state',
    'status',
    'tables',
    'upload',
    'watch',
  ],
}

// Packages and modules that only some folders may touch.
const PACKAGES = {
  '^(undici|aws4)': ['s3'],
  '^fast-xml-parser': ['s3'],
  '^piscina': ['pool'],
  '^(node:)?worker_threads$': ['pool'],
  '^inotify': ['watch'],
  '^commander': ['cli'],
  '^cli-progress': ['cli'],
  '^pino': ['report'],
  '^prom-client': ['status'],
  '^@aws-sdk/': ['config'],
  '^re2js': ['config'],
}

const folderRules = Object.entries(FOLDERS).map(([folder, allowed]) => ({
  name: `arrow-${folder}`,
  comment: `src/${folder} imports only what lies before it in the flow of data`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: {
    path: '^src/',
    pathNot: [
      `^src/(${[folder, ...allowed].join('|')})/`,
      '^src/(errors|back-off|bucket-names|concurrency|user-database)\\.ts$',
    ],
  },
}))

const packageRules = Object.entries(PACKAGES).map(([path, folders]) => ({
  name: `only-${folders.join('-and-')}-imports-${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${folders.join('|')})/` },
  to: { path },
}))

module.exports = {
  forbidden: [
    ...folderRules,
    ...packageRules,
    {
      name: 'library-without-cli',
      severity: 'error',
      from: { path: '^src/(index|session)\\.ts$' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-circle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-tests-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(dev|test|bench)/' },
    },
    {
      name: 'no-tests-in-dev',
      severity: 'error',
      from: { path: '^dev/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'local-s3-by-itself',
      comment: 'the embedded server shares no code with the client that it checks',
      severity: 'error',
      from: { path: '^dev/local-s3/' },
      to: { path: '^(src|dev)/', pathNot: ['^dev/local-s3/', '^src/errors\\.ts$'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      // What the benchmark compares with is a package of its own, which need not be installed.
      from: { pathNot: '^bench/peers/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
}
