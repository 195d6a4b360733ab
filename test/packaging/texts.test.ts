import { spawnSync } from 'node:child_process'

import t from 'tap'

import { allCommands } from '../../dev/packaging/commands.js'
import { bashCompletion, fishCompletion, zshCompletion } from '../../dev/packaging/completions.js'
import { manPage } from '../../dev/packaging/man-page.js'

const ALL = allCommands()

/** All flags of a command that its help shows. */
function longFlags(command: (typeof ALL)[number]): string[] {
  return command.groups.flatMap(({ flags }) => flags.map(({ long }) => long))
}

await t.test('a man page has every flag, and no text in it is a request to roff', t => {
  for (const command of ALL) {
    const page = manPage(command, ALL, '1.2.3', '2026-11-23')
    const requests = /^(?:\.(?:TH|SH|SS|TP|PP|B|I|BR)\b|[^.'])|^$/
    t.strictSame(
      page.split('\n').filter(line => !requests.test(line)),
      [],
      command.name,
    )
    t.strictSame(
      longFlags(command).filter(flag => !page.includes(`\\fB${flag.replaceAll('-', '\\-')}\\fR`)),
      [],
    )
    t.match(page, /^\.SH "EXIT CODES"\n\.TP\n\\fB0\\fR\n/m)
  }
  t.end()
})

await t.test('the completions have every flag, and bash can read its own', t => {
  const zsh = zshCompletion(ALL)
  for (const command of ALL) {
    const bash = bashCompletion(command)
    const { status, stderr } = spawnSync('bash', ['-n'], { input: bash, encoding: 'utf8' })
    t.equal(status, 0, stderr)
    const fish = fishCompletion(command)
    const flags = longFlags(command)
    t.strictSame(
      flags.filter(flag => !bash.includes(flag) || !zsh.includes(flag)),
      [],
    )
    t.strictSame(
      flags.filter(flag => !fish.includes(`-l ${flag.slice(2)} `)),
      [],
    )
  }
  t.end()
})

await t.test('the values of a flag are completed where it has a few', t => {
  const [tablesnap] = ALL
  if (tablesnap === undefined) throw new Error('there is no command')
  const script = `${bashCompletion(tablesnap)}
COMP_WORDS=(tablesnap --log-level ''); COMP_CWORD=2; _tablesnap; echo "\${COMPREPLY[*]}"`
  t.equal(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout, 'debug info warn error\n')
  t.end()
})
