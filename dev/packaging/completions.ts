import type { CommandOf, FlagOf } from './commands.js'

/** The kind of a value, as far as a shell can complete it. */
type Kind = 'directory' | 'file' | 'none'

function kindOf(name: string | undefined): Kind {
  if (name === undefined) return 'none'
  if (['directory', 'target', 'origin', 'path'].includes(name)) return 'directory'
  return name === 'file' ? 'file' : 'none'
}

function flagsOf({ groups }: CommandOf): FlagOf[] {
  return groups.flatMap(({ flags }) => flags)
}

function spellings({ short, long }: FlagOf): string[] {
  return short === undefined ? [long] : [short, long]
}

/** The completion of a command for bash: a file of bash-completion, which also works when it is sourced alone. */
export function bashCompletion(command: CommandOf): string {
  const { name, positionals } = command
  const flags = flagsOf(command)
  const valued = flags.filter(({ value }) => value !== undefined)
  const cases = valued.map(flag => {
    const pattern = spellings(flag).join('|')
    if (flag.choices.length > 0) return `    ${pattern}) words='${flag.choices.join(' ')}' ;;`
    const kind = kindOf(flag.value)
    return kind === 'none' ? `    ${pattern}) return ;;` : `    ${pattern}) action=${kind} ;;`
  })
  const takesPaths = positionals.some(positional => kindOf(positional) === 'directory')
  return `# bash completion for ${name}
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words='' action=''
  COMPREPLY=()
  # bash makes three words of --flag=value.
  if [ "$current" = = ]; then
    current=''
  elif [ "$before" = = ]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $before in
${cases.join('\n')}
    *)
      case $current in
        -*) words='${flags.flatMap(spellings).join(' ')}' ;;
        *) action=${takesPaths ? 'directory' : 'none'} ;;
      esac
      ;;
  esac
  case $action in
    directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
  esac
}
complete -F _${name} ${name}
`
}

/** The completion of all commands for zsh: one file of its function path. */
export function zshCompletion(all: readonly CommandOf[]): string {
  const parts = all.map(command => {
    const specs = [
      ...flagsOf(command).map(zshFlag),
      ...command.positionals.map((name, index) => {
        const isLast = index === command.positionals.length - 1 && command.usage.endsWith('...')
        return `'${isLast ? '*' : ''}:${name}:${kindOf(name) === 'none' ? '' : '_files -/'}'`
      }),
    ]
    return `  ${command.name})\n    _arguments -s ${specs.join(' \\\n      ')}\n    ;;`
  })
  return `#compdef ${all.map(({ name }) => name).join(' ')}

case $service in
${parts.join('\n')}
esac
`
}

function zshFlag(flag: FlagOf): string {
  const { short, long, value, choices, help } = flag
  const about = `[${help.replace(/[[\]\\:]/g, '\\$&').replaceAll("'", "'\\''")}]`
  const kind = kindOf(value)
  const action =
    choices.length > 0
      ? `(${choices.join(' ')})`
      : kind === 'directory'
        ? '_files -/'
        : kind === 'file'
          ? '_files'
          : ''
  const takes = value === undefined ? '' : `:${value.replaceAll(':', '\\:')}:${action}`
  const equals = value === undefined ? '' : '='
  if (short === undefined) return `'${long}${equals}${about}${takes}'`
  const plus = value === undefined ? '' : '+'
  return `'(${short} ${long})'{${short}${plus},${long}${equals}}'${about}${takes}'`
}

/** The completion of a command for fish. */
export function fishCompletion(command: CommandOf): string {
  const { name, positionals } = command
  const lines = flagsOf(command).map(({ short, long, value, choices, help }) => {
    const kind = kindOf(value)
    const parts = [
      'complete',
      `-c ${name}`,
      ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
      `-l ${long.slice(2)}`,
      ...(value === undefined ? [] : [kind === 'none' ? '-x' : '-r']),
      ...(choices.length > 0 ? [`-a ${fishQuoted(choices.join(' '))}`] : []),
      ...(kind === 'directory' ? ["-a '(__fish_complete_directories)'"] : []),
      ...(kind === 'file' ? ['-F'] : []),
      `-d ${fishQuoted(help)}`,
    ]
    return parts.join(' ')
  })
  const takesPaths = positionals.some(positional => kindOf(positional) === 'directory')
  return [
    `# fish completion for ${name}`,
    `complete -c ${name} -f${takesPaths ? " -a '(__fish_complete_directories)'" : ''}`,
    ...lines,
    '',
  ].join('\n')
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
