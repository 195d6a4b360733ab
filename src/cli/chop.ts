import { Option, type Command } from 'commander'

import { ArgumentsMissingError } from '../config/load.js'
import { TablesnapError } from '../errors.js'

import { buildCommand, helpOf, parse } from './parse.js'
import { columnsOfStdout, reportError, writeOut, type Program } from './terminal.js'

const TABLECHOP: Program = { name: 'tablechop', help: chopHelp }

const REFUSAL =
  'nothing was deleted: this version of tablechop deletes nothing, because the listings in the bucket do not tell safely which ' +
  'objects no backup needs any more; take it out of the crontab, and keep all objects'

/** Runs tablechop. @param argv without node and script @returns the exit code */
export function chop(argv: readonly string[]): Promise<number> {
  try {
    const parsed = parse(chopCommand(columnsOfStdout()), argv)
    if (parsed.action === 'print') {
      writeOut(parsed.text)
      return Promise.resolve(0)
    }
    if (parsed.positionals.length < 3) throw new ArgumentsMissingError('bucket, path or age_days is missing')
    throw new TablesnapError({ code: 'RETENTION_UNSUPPORTED', message: REFUSAL, operation: 'retain' })
  } catch (error) {
    return Promise.resolve(reportError(error, undefined, TABLECHOP))
  }
}

function chopHelp(columns?: number): string {
  return helpOf(chopCommand(columns))
}

function chopCommand(columns?: number): Command {
  const groups = {
    'What to do': [
      new Option('-d, --debug', 'delete nothing'),
      new Option('-l, --list-deletes', 'show what is deleted'),
      new Option('-j, --parallel <n>', 'deletes at once'),
      new Option('-n, --name <name>', "the node's name in the bucket"),
    ],
    S3: [
      new Option('-k, --key <key>', 'access key id'),
      new Option('-s, --secret <secret>', 'secret access key'),
      new Option('--token <token>', 'session token of temporary keys'),
      new Option('--aws-region <region>', 'region of the bucket'),
    ],
  }
  return buildCommand(
    'tablechop',
    groups,
    'Exit codes: 1 always, 2 for a wrong flag, 255 when an argument is missing',
    columns,
  )
    .usage('[options] <bucket> <path> <age_days>')
    .description(
      'THIS VERSION DELETES NOTHING, whatever it is given, and ends with exit code 1: the listings in a bucket do not tell ' +
        'safely which objects no backup needs any more. It takes the flags of the original, and none has an effect.',
    )
    .argument('[bucket]')
    .argument('[path]')
    .argument('[age_days]')
}
