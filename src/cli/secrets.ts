/** Flags whose values must not be seen by others on the machine. */
const SECRET = /^(-s|--aws-secret|--secret|--aws-token|--token)(=|$)/

/** `-s` behind flags without a value, as in `-rs`, and the secret itself where it follows at once. */
const CLUSTER = /^(-[a-zA-Z]*?s)(.*)$/s

/**
 * Rewrites the command line that `ps` and /proc show, without secrets. Setting the title overwrites the memory of the
 * arguments, so the original is gone from there.
 * @returns what is shown now
 */
export function hideSecrets(name: string, argv: readonly string[]): string {
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
  process.title = [name, ...shown].join(' ')
  return process.title
}
