import { writeFileSync } from 'node:fs'

/** Flags whose values must not be seen by others on the machine. */
const SECRET = /^(-s|--aws-secret|--secret|--aws-token|--token)(=|$)/

/** `-s` behind flags without a value, as in `-rs`, and the secret itself where it follows at once. */
const CLUSTER = /^(-[a-zA-Z]*?s)(.*)$/s

/** Environment variables that hold secrets. */
const VARIABLES = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN']

/** Arguments as others may see them: every secret is `***`. */
export function withoutSecrets(argv: readonly string[]): string[] {
  const shown: string[] = []
  let hide = false
  for (const argument of argv) {
    const [, long, given] = SECRET.exec(argument) ?? []
    const [, cluster, secret] = CLUSTER.exec(argument) ?? []
    if (hide) shown.push('***')
    else if (given === '=' && long !== undefined) shown.push(`${long}=***`)
    else if (long === undefined && cluster !== undefined && secret !== '') shown.push(`${cluster}***`)
    else shown.push(argument)
    hide = !hide && (given === '' || secret === '')
  }
  return shown
}

/**
 * Names the process after the command, for `pgrep -x` and `start-stop-daemon --name`, and rewrites the command line that `ps` and /proc
 * show, without secrets. Setting the title overwrites the memory of the arguments, so the original is gone from there.
 * @param name at most 15 characters
 */
export function hideSecrets(name: string, argv: readonly string[]): void {
  const shown = withoutSecrets(argv)
  process.title = [name, ...shown].join(' ')
  nameProcess(name)
  const isInArguments = shown.some((argument, index) => argument !== argv[index])
  if (isInArguments || VARIABLES.some(variable => process.env[variable] !== undefined)) switchReportsOff()
}

/** Node's own reports (`--report-on-signal` and others) hold the command line and the environment as they were at the start. */
function switchReportsOff(): void {
  Object.assign(process.report, {
    reportOnFatalError: false,
    reportOnSignal: false,
    reportOnUncaughtException: false,
  })
}

/** Setting the title has made the name of the process its first 15 characters, `tablesnap -r -a`. */
function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name)
  } catch {
    // Without a /proc that can be written nobody can look for the name either.
  }
}
