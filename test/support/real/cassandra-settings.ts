import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface NodeSettings {
  /** Everything the node writes lies below this directory. */
  readonly home: string
  /** The directory with the jars. */
  readonly jars: string
  readonly address: string
  readonly cqlPort: number
  readonly storagePort: number
  readonly jmxPort: number
  /** The SSTable format; without one it is the version's default. */
  readonly format: string | undefined
  readonly dataDirectories: readonly string[]
  /** Where the node finds its cluster; `address:port`. */
  readonly seed: string
  /** More of cassandra.yaml. */
  readonly yaml: Readonly<Record<string, unknown>>
}

const exported = [
  'java.base/java.lang.ref',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.rmi/sun.rmi.transport',
  'java.rmi/sun.rmi.transport.tcp',
  'java.sql/java.sql',
  'jdk.attach/sun.tools.attach',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.unsupported/sun.misc',
]

const opened = [
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'java.rmi/sun.rmi.transport.tcp',
  'jdk.compiler/com.sun.tools.javac',
  'jdk.management/com.sun.management.internal',
]

/** The text of cassandra.yaml, as JSON, which YAML contains. */
export function cassandraYaml(node: NodeSettings): string {
  const below = (name: string): string => join(node.home, name)
  return JSON.stringify({
    cluster_name: 'tablesnap test',
    num_tokens: 1,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    data_file_directories: node.dataDirectories,
    commitlog_directory: below('commitlog'),
    cdc_raw_directory: below('cdc_raw'),
    hints_directory: below('hints'),
    saved_caches_directory: below('saved_caches'),
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    listen_address: node.address,
    rpc_address: node.address,
    storage_port: node.storagePort,
    native_transport_port: node.cqlPort,
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: node.seed }],
      },
    ],
    concurrent_compactors: 1,
    ...(node.format === undefined
      ? {}
      : { sstable: { selected_format: node.format }, storage_compatibility_mode: 'NONE' }),
    ...node.yaml,
  })
}

/** A logback configuration that writes to a file, or to stderr. */
export function logbackXml(file: string | undefined): string {
  const appender =
    file === undefined
      ? '<appender name="A" class="ch.qos.logback.core.ConsoleAppender"><target>System.err</target>'
      : `<appender name="A" class="ch.qos.logback.core.FileAppender"><file>${file}</file>`
  return `<configuration>${appender}
<encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder></appender>
<root level="${file === undefined ? 'WARN' : 'INFO'}"><appender-ref ref="A"/></root></configuration>
`
}

/** The command line of the node's Java process. */
export function daemonArguments(node: NodeSettings): string[] {
  const jamm = readdirSync(node.jars).find(name => name.startsWith('jamm-'))
  if (jamm === undefined) throw new Error(`no jamm jar in ${node.jars}`)
  return [
    ...['-Xms1G', '-Xmx1G', '-Xss512k', '-XX:+UseG1GC', '-XX:MaxDirectMemorySize=512m'],
    ...[
      '-XX:+PerfDisableSharedMem',
      '-XX:+UseThreadPriorities',
      '-Dio.netty.tryReflectionSetAccessible=true',
    ],
    ...common(node, 'logback.xml'),
    `-javaagent:${join(node.jars, jamm)}`,
    '-Dcassandra-foreground=yes',
    `-Dcassandra.jmx.local.port=${node.jmxPort}`,
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.superuser_setup_delay_ms=0',
    '-Dcassandra.ring_delay_ms=1000',
    'org.apache.cassandra.service.CassandraDaemon',
  ]
}

/** The command line of nodetool for the node. */
export function nodetoolArguments(node: NodeSettings, args: readonly string[]): string[] {
  return [
    ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
    ...common(node, 'logback-tools.xml'),
    `-Duser.home=${node.home}`,
    'org.apache.cassandra.tools.NodeTool',
    ...['-h', '127.0.0.1', '-p', String(node.jmxPort)],
    ...args,
  ]
}

function common(node: NodeSettings, logback: string): string[] {
  const conf = join(node.home, 'conf')
  const tmp = join(node.home, 'tmp')
  return [
    ...exported.flatMap(name => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...opened.flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`]),
    '-Djava.net.preferIPv4Stack=true',
    '-Djdk.attach.allowAttachSelf=true',
    `-Djava.io.tmpdir=${tmp}`,
    `-Djna.tmpdir=${tmp}`,
    `-Dcassandra.config=${pathToFileURL(join(conf, 'cassandra.yaml')).href}`,
    `-Dcassandra.storagedir=${node.home}`,
    `-Dcassandra.logdir=${join(node.home, 'logs')}`,
    `-Dlogback.configurationFile=${pathToFileURL(join(conf, logback)).href}`,
    ...['-cp', `${conf}:${node.jars}/*`],
  ]
}
