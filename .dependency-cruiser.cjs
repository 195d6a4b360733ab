// The one-way arrows: what each room of src/ may import, besides itself and the files beside the rooms. A room that has rooms
// inside names those of them that may not import one another freely.
const ROOMS = {
  cassandra: ['report'],
  s3: [],
  report: [],
  watch: [],
  config: ['cassandra', 's3'],
  manifest: ['cassandra', 's3'],
  tables: ['cassandra', 'manifest'],
  node: ['config', 'manifest', 'report', 's3'],
  'transfer/upload': ['s3'],
  'transfer/download': ['s3'],
  'transfer/pool': ['transfer/upload', 'transfer/download', 's3'],
  transfer: ['config', 'node', 's3'],
  'restore/read': ['cassandra', 'config', 'manifest', 'report', 's3'],
  'restore/choose': ['restore/read', 'cassandra', 'config', 'manifest', 'report', 's3'],
  'restore/plan': [
    'restore/choose',
    'restore/read',
    'cassandra',
    'config',
    'manifest',
    'report',
    's3',
    'transfer',
  ],
  'restore/place': ['restore/plan', 'restore/read', 'cassandra', 'node', 'report', 's3', 'transfer'],
  'restore/report': [
    'restore/plan',
    'restore/choose',
    'restore/read',
    'cassandra',
    'config',
    'manifest',
    'report',
  ],
  restore: ['cassandra', 'config', 'manifest', 'node', 'report', 's3', 'transfer'],
  backup: [
    'cassandra',
    'config',
    'manifest',
    'node',
    'report',
    'restore',
    's3',
    'status',
    'tables',
    'transfer',
    'watch',
  ],
  retention: ['cassandra', 'config', 'manifest', 'report', 'restore', 's3'],
  rehearsal: ['backup', 'cassandra', 'config', 'manifest', 'node', 'report', 's3', 'status', 'watch'],
  status: ['cassandra', 'config', 'manifest', 'report', 's3'],
  check: [
    'backup',
    'cassandra',
    'config',
    'manifest',
    'node',
    'report',
    'restore',
    'retention',
    's3',
    'transfer',
  ],
}

// Packages and modules that only some folders may touch.
const PACKAGES = {
  '^(undici|aws4)': ['s3'],
  '^fast-xml-parser': ['s3'],
  '^piscina': ['transfer/pool'],
  '^(node:)?worker_threads$': ['transfer/pool'],
  '^inotify': ['watch'],
  '^commander': ['cli'],
  '^cli-progress': ['cli'],
  '^pino': ['report'],
  '^prom-client': ['status'],
  '^@aws-sdk/': ['config'],
  '^re2js': ['config'],
}

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => {
  const within = room.includes('/') ? [`^src/${room.split('/')[0]}/[^/]+\\.ts$`] : []
  return {
    name: `arrow-${room.replace('/', '-')}`,
    comment: `src/${room} imports only what lies before it in the flow of data`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: {
      path: '^src/',
      pathNot: [
        `^src/(${[room, ...allowed].join('|')})/`,
        '^src/(errors|back-off|bucket-names|concurrency)\\.ts$',
        ...within,
      ],
    },
  }
})

const packageRules = Object.entries(PACKAGES).map(([path, folders]) => ({
  name: `only-${folders.join('-and-').replaceAll('/', '-')}-imports-${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${folders.join('|')})/` },
  to: { path },
}))

module.exports = {
  forbidden: [
    ...roomRules,
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
      name: 'no-circle-of-types',
      comment:
        'a reader follows type-only imports, too; src/tables/ and the simulation have such circles still',
      severity: 'error',
      from: { pathNot: '^(src/tables|test/simulation)/' },
      to: { circular: true },
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
