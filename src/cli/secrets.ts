import { writeFileSync } from 'node:fs'

/** Flags whose values must not be seen by others on the machine. */
const SECRET = /^(-s|--aws-secret|--secret|--aws-token|--token)(=|$)/

/** `-s` behind flags without a value, as in `-rs`, and the secret itself where it follows at once. */
const CLUSTER = /^(-[a-zA-Z]*?s)(.*)$/s

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
  process.title = [name, ...withoutSecrets(argv)].join(' ')
  nameProcess(name)
}

/** Setting the title has made the name of the process its first 15 characters, `tablesnap -r -a`. */
function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name)
  } catch {
    // Without a /proc that can be written nobody can look for the name either.
  }
}
