import { takeOverRequests } from './requests.js'
import { hideSecrets } from './secrets.js'

/**
 * Runs a command as this process, to its end. Signals are taken over and secrets hidden before the command's modules are loaded, which
 * takes a tenth of a second.
 * @param name of the command, as `ps` and `pgrep` show it
 * @param load gives the command, which takes the arguments without node and script and returns the exit code
 */
export async function enter(
  name: string,
  load: () => Promise<(argv: readonly string[]) => Promise<number>>,
): Promise<never> {
  const argv = process.argv.slice(2)
  takeOverRequests()
  hideSecrets(name, argv)
  const command = await load()
  const code = await command(argv)
  const { flushLogs } = await import('./terminal.js')
  await flushLogs()
  process.exit(code)
}
